//! What sessions cost: measured from outside, by resident memory.

use crate::client::{LEGACY, Request, Session};
use crate::server::Server;

/// How many sessions are opened and left.
const SESSIONS: u64 = 2000;

/// The most that one may cost, in KiB.
const DEAREST: u64 = 100;

#[test]
fn a_session_costs_little_and_its_place_is_given_to_others() {
    let server = Server::sandbox(&["--session-idle", "15"]);
    let open = |count: u64| (0..count).map(|_| Session::open(server.address, LEGACY).id).collect::<Vec<_>>();
    open(10);
    let before = server.memory("VmRSS");
    let opened = open(SESSIONS);
    let each = (server.memory("VmRSS") - before) / SESSIONS;
    assert!(each <= DEAREST, "{each} KiB a session");
    // No more may be open than are allowed, so this ends only if those before have ended.
    let mut left = 3 * SESSIONS;
    let ping = Request::post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).with("Mcp-Session-Id", &opened[0]);
    while left > 0 {
        let opening = Request::post(crate::client::initialize(LEGACY).to_string());
        match server.ask(&opening).status {
            200 => left -= 1,
            503 => std::thread::sleep(std::time::Duration::from_millis(200)),
            status => panic!("{status}"),
        }
    }
    assert_eq!(server.ask(&ping).status, 404, "it was left alone for longer than the rest took");
    server.assert_healthy("8000 sessions");
}
