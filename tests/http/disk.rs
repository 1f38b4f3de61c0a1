//! A disk that fills up while the server runs, and has room again. A limit on the size of files stands for it, which
//! takes no rights: every write to a file fails, and reading goes on.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{LEGACY, Request, Response, Session, TOOL, message};
use crate::server::Server;
use crate::upstream::{Upstream, answer};

/// Changes a machine, and takes no approval.
const START: &str = "VPS_startVirtualMachineV1";
/// Destroys what was there, and takes one.
const RECREATE: &str = "VPS_recreateVirtualMachineV1";

/// Sets how long a file may become by what the server writes; the hard limit stays.
fn limit(server: &Server, size: &str) {
    let (id, size) = (server.id().to_string(), format!("--fsize={size}:"));
    let status = Command::new("prlimit").args(["--pid", &id, &size]).status().expect("util-linux");
    assert!(status.success());
}

fn change(server: &Server) -> Response {
    server.ask(&Request::modern(1, "tools/call", json!({ "name": START, "arguments": { "virtualMachineId": 1 } })))
}

fn text(response: &Response) -> String {
    response.json()["result"]["content"][0]["text"].as_str().expect("a text").to_owned()
}

fn readiness(server: &Server) -> (u16, Value) {
    let got = server.ask(&Request::new("GET", "/ready"));
    (got.status, got.json())
}

#[test]
fn on_a_full_disk_reading_goes_on_and_nothing_is_changed() {
    let upstream = Upstream::start();
    let folder = TempDir::new().expect("a temporary folder");
    let state = folder.path().join("state").to_str().expect("UTF-8").to_owned();
    // Whoever writes beyond the limit gets an error, and not the signal that would end it.
    let variables = [("API_BASE_URL", upstream.base.as_str()), ("HOSTINGER_API_TOKEN", "x")];
    let server =
        Server::shielded("trap '' XFSZ", folder, &["--state-dir", &state, "--approval", "operator"], &variables);
    let mut session = Session::open(server.address, LEGACY);
    let read = session.post(&message(1, "tools/call", json!({ "name": TOOL })));
    // The answer to what makes the server ask the provider once.
    let passing = |ask: &mut (dyn FnMut() -> Response + Send)| {
        std::thread::scope(|scope| {
            let asked = scope.spawn(ask);
            answer(&mut upstream.take().1, "200 OK", r#"{"id":1}"#);
            asked.join().expect("an answer")
        })
    };
    let passes = |ask: &mut (dyn FnMut() -> Response + Send)| {
        let got = passing(ask);
        assert_eq!(got.json()["result"]["isError"], false, "{}", got.text());
    };
    passes(&mut || change(&server));
    assert_eq!(readiness(&server).0, 200);

    limit(&server, "0");
    for _ in 0..3 {
        let got = change(&server);
        assert_eq!(got.json()["result"]["isError"], true, "{}", got.text());
        assert!(text(&got).starts_with("Nothing was sent") && text(&got).contains("disk"), "{}", got.text());
        assert_eq!(got.json()["result"]["_meta"]["infra-mcp/code"], "unavailable", "{}", got.text());
        let arguments = json!({ "virtualMachineId": 1, "template_id": 1 });
        let recreate = Request::modern(1, "tools/call", json!({ "name": RECREATE, "arguments": arguments }));
        // All that is asked is what the preview would show.
        let got = passing(&mut || server.ask(&recreate));
        assert!(text(&got).starts_with("Nothing was sent"), "{}", got.text());
        passes(&mut || session.ask(&read));
        passes(&mut || server.ask(&Request::call(1)));
        assert_eq!(server.ask(&Request::new("GET", "/health")).status, 200);
    }
    while readiness(&server).0 == 200 {
        std::thread::yield_now();
    }
    let (_, ready) = readiness(&server);
    assert!(ready["missing"][0].as_str().is_some_and(|missing| missing.contains("make room")), "{ready}");
    assert_eq!(Session::open(server.address, LEGACY).version, LEGACY, "new sessions can be opened");

    limit(&server, "unlimited");
    while readiness(&server).0 != 200 {
        std::thread::yield_now();
    }
    passes(&mut || change(&server));
    server.signal("TERM");
    let folder = server.ended();
    let told = crate::server::program(&["--state-dir", &state, "audit", "export"], &folder).output().expect("it runs");
    let events: Vec<Value> =
        told.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let count = |kind: &str, decision: &str| {
        events.iter().filter(|event| event["event"] == kind && event["decision"] == decision).count()
    };
    // What happened meanwhile was kept until it could be written.
    assert_eq!((count("intent", "allowed"), events.len()), (2, 2 * 2 + 3 * 4), "{events:#?}");
    let verified =
        crate::server::program(&["--state-dir", &state, "audit", "verify"], &folder).output().expect("it runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
