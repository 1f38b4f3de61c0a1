//! What sessions cost: measured from outside, by resident memory.

use std::time::Duration;

use crate::client::{LEGACY, Request, Session};
use crate::server::Server;

/// How many sessions are opened and left.
const SESSIONS: u64 = 2000;

/// The most that one may cost, in KiB.
const DEAREST: u64 = 100;

/// The most that all of them may leave behind, in KiB.
const LEFT: u64 = 10 * 1024;

#[test]
fn a_session_costs_little_and_leaves_nothing_behind() {
    let server = Server::sandbox(&["--session-idle", "15"]);
    let open = |count: u64| (0..count).map(|_| Session::open(server.address, LEGACY).id).collect::<Vec<_>>();
    open(10);
    let before = server.memory("VmRSS");
    let grown = || server.memory("VmRSS").saturating_sub(before);
    let opened = open(SESSIONS);
    let each = grown() / SESSIONS;
    assert!(each <= DEAREST, "{each} KiB a session");
    let last = opened.last().expect("some");
    let ping = Request::post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).with("Mcp-Session-Id", last);
    // Each question keeps it alive; so none is asked before it may have ended.
    loop {
        std::thread::sleep(Duration::from_secs(20));
        if server.ask(&ping).status == 404 {
            break;
        }
    }
    assert!(grown() <= LEFT, "{} KiB are left of {SESSIONS} sessions", grown());
    // No more may be open than are allowed, so this ends only if those before have ended.
    let mut left = 3 * SESSIONS;
    while left > 0 {
        let opening = Request::post(crate::client::initialize(LEGACY).to_string());
        match server.ask(&opening).status {
            200 => left -= 1,
            503 => std::thread::sleep(Duration::from_millis(200)),
            status => panic!("{status}"),
        }
    }
    server.assert_healthy("8000 sessions");
}
