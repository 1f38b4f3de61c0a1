//! The revisions before 2026-07-28 on the wire: sessions, their streams and their end.

use serde_json::json;

use crate::client::{Connection, LEGACY, Request, Session, TOOL, initialize, message};
use crate::server::Server;
use crate::upstream::{Upstream, answer};

#[test]
fn every_revision_agrees_on_itself_and_calls() {
    let server = Server::sandbox(&[]);
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        for path in ["/", "/mcp"] {
            let mut session = Session::open(server.address, asked);
            assert_eq!(session.version, agreed);
            assert!(session.id.len() >= 32 && session.id.bytes().all(|byte| byte.is_ascii_graphic()), "{}", session.id);
            let call = session.post(&message("x", "tools/call", json!({ "name": TOOL }))).to(path);
            let got = session.ask(&call);
            let answer = got.json();
            assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!("x"), &json!(false)), "{answer}");
            assert_eq!(answer["result"].get("resultType"), None);
            let without = session.ask(&call.without("MCP-Protocol-Version"));
            assert_eq!(without.json()["id"], "x", "an absent header is that of 2025-03-26: {}", without.text());
            let list = session.ask(&session.post(&message(2, "tools/list", json!({}))).to(path)).json();
            let fields: Vec<_> = list["result"].as_object().expect("a list").keys().collect();
            assert_eq!(fields, ["tools"], "{asked}");
            assert_eq!(session.ask(&session.post(&message(3, "ping", json!({})))).json()["result"], json!({}));
            let unknown = session.ask(&session.post(&message(4, "no/such", json!({})))).json();
            assert_eq!(unknown["error"]["code"], -32601);
        }
    }
}

#[test]
fn answers_come_as_streams_that_no_proxy_holds_back() {
    let server = Server::sandbox(&[]);
    let mut session = Session::open(server.address, LEGACY);
    let call = session.post(&message(1, "tools/call", json!({ "name": TOOL })));
    let open = session.owning(Request::new("GET", "/mcp").with("Accept", "text/event-stream"));
    let mut stream = server.connect();
    stream.send(&open.bytes());
    for head in [session.ask(&call), stream.head()] {
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        assert_eq!(head.header("x-accel-buffering"), Some("no"));
        assert!(head.header("cache-control").is_some_and(|value| value.contains("no-cache")));
    }
    // What comes on a silent stream is where to resume, and then comments.
    let comment = loop {
        let chunk = String::from_utf8(stream.chunk().expect("the stream lives on")).expect("UTF-8");
        if chunk.starts_with(':') {
            break chunk;
        }
        assert!(!chunk.contains("\"jsonrpc\""), "{chunk}");
    };
    assert!(comment.ends_with("\n\n"), "{comment:?}");
}

#[test]
fn a_session_is_for_those_who_have_its_id() {
    let server = Server::sandbox(&["--session-idle", "3600"]);
    let mut session = Session::open(server.address, LEGACY);
    let ping = message(1, "ping", json!({}));
    let ended = |status, text: String| {
        assert_eq!(status, 404, "{text}");
        assert!(text.contains("initialize"), "{text}");
    };
    let own = session.post(&ping);
    for id in ["", "x", "00000000-0000-4000-8000-000000000000", &session.id.to_uppercase()] {
        for request in [
            own.clone(),
            own.clone().by("DELETE"),
            own.clone().by("GET").with("Accept", "text/event-stream"),
            session.owning(Request::post(initialize(LEGACY).to_string())),
        ] {
            let got = server.ask(&request.with("Mcp-Session-Id", id));
            ended(got.status, got.text());
        }
    }
    let none = session.ask(&own.clone().without("Mcp-Session-Id"));
    assert_eq!(none.status, 400, "{}", none.text());
    for version in ["2030-01-01", "x", ""] {
        let got = session.ask(&own.clone().with("MCP-Protocol-Version", version));
        assert_eq!(got.status, 400, "{version}: {}", got.text());
    }
    assert_eq!(session.ask(&own).status, 200);
    let end = session.owning(Request::new("DELETE", "/mcp"));
    let got = session.ask(&end);
    assert!((200..300).contains(&got.status), "{}", got.text());
    for request in [own, end] {
        let got = server.ask(&request);
        ended(got.status, got.text());
    }
}

#[test]
fn an_idle_session_ends_and_a_busy_one_does_not() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &["--session-idle", "1"]);
    let call = message("slow", "tools/call", json!({ "name": TOOL }));
    let mut busy = Session::open(server.address, LEGACY);
    busy.connection.send(&busy.post(&call).bytes());
    let (_, mut stream) = upstream.take();
    let idle = Session::open(server.address, LEGACY);
    let ping = idle.post(&message(1, "ping", json!({})));
    // Each question keeps it alive; so none is asked before it may have ended.
    let pause = std::time::Duration::from_millis(1500);
    loop {
        std::thread::sleep(pause);
        if server.ask(&ping).status == 404 {
            break;
        }
    }
    answer(&mut stream, "200 OK", "[7]");
    let got = busy.connection.answer().json();
    assert_eq!(got["result"]["content"][0]["text"], "[7]", "a call that is waited for is no idleness: {got}");
}

#[test]
fn two_calls_of_one_id_are_both_answered() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &[]);
    let session = Session::open(server.address, LEGACY);
    let call = session.post(&message("same", "tools/call", json!({ "name": TOOL })));
    let mut first = server.connect();
    first.send(&call.bytes());
    let (_, mut stream) = upstream.take();
    let second = server.ask(&call);
    assert_eq!(second.status, 400, "{}", second.text());
    let refused = second.json();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!("same"), &json!(-32600)), "{refused}");
    answer(&mut stream, "200 OK", "[1]");
    assert_eq!(first.answer().json()["result"]["content"][0]["text"], "[1]");
    // Once it is answered the id may be used again, and without a session it is nobody's.
    for request in [call, Request::call("same"), Request::call("same")] {
        let mut connection = server.connect();
        connection.send(&request.bytes());
        let (_, mut stream) = upstream.take();
        answer(&mut stream, "200 OK", "[2]");
        assert_eq!(connection.answer().json()["result"]["content"][0]["text"], "[2]");
    }
}

#[test]
fn a_call_can_be_cancelled() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &[]);
    let mut session = Session::open(server.address, LEGACY);
    let mut connection = Connection::open(server.address);
    connection.send(&session.post(&message(7, "tools/call", json!({ "name": TOOL }))).bytes());
    let (_, mut stream) = upstream.take();
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 7 } });
    assert_eq!(session.ask(&session.post(&cancel)).status, 202);
    crate::upstream::wait_for_the_end(&mut stream);
    assert!(!connection.answer().text().contains("\"jsonrpc\""), "a cancelled call has no answer");
}
