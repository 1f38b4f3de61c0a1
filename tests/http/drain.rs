//! The end of the server: what was accepted is answered, what comes later is not.

use std::io::Write;

use serde_json::json;

use crate::client::{LEGACY, Request, Response, Session, TOOL, message};
use crate::server::Server;
use crate::upstream::{Upstream, answer, wait_for_the_end};

/// Waits until the server says that it is about to end.
pub(crate) fn wait_until_closing(server: &Server) {
    let ready = Request::new("GET", "/ready");
    loop {
        let got = server.ask(&ready);
        if got.status == 503 {
            assert!(got.text().contains("shutting down"), "{}", got.text());
            return;
        }
        assert_eq!(got.status, 200);
    }
}

#[test]
fn what_was_accepted_is_answered_and_the_rest_is_turned_away() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &["--grace", "86400"]);
    let session = Session::open(server.address, LEGACY);
    let call = message(1, "tools/call", json!({ "name": TOOL }));
    let mut connections = [server.connect(), server.connect()];
    let mut streams = Vec::new();
    for (connection, request) in connections.iter_mut().zip([Request::call(1), session.post(&call)]) {
        connection.send(&request.bytes());
        streams.push(upstream.take().1);
    }
    let mut idle = server.connect();
    assert_eq!(idle.ask(&Request::new("GET", "/health")).status, 200);
    // It is read, and not accepted before its body is there.
    let mut late = server.connect();
    late.send(Request::call("late").head().as_bytes());
    server.signal("TERM");
    wait_until_closing(&server);
    let turned_away = |got: &Response| {
        assert_eq!((got.status, got.header("retry-after")), (503, Some("1")), "{}", got.text());
    };
    for request in [Request::call(2), session.post(&call), Request::new("GET", "/mcp")] {
        turned_away(&server.ask(&request));
    }
    turned_away(&idle.ask(&Request::call(2)));
    let head = Request::call("late").head().len();
    late.send(&Request::call("late").bytes()[head..]);
    assert_eq!(late.answer().status, 503);
    assert_eq!(server.ask(&Request::new("GET", "/health")).status, 200, "it lives until it ends");
    for (connection, stream) in connections.iter_mut().zip(&mut streams) {
        answer(stream, "200 OK", "[8]");
        assert_eq!(connection.answer().json()["result"]["content"][0]["text"], "[8]");
    }
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn an_answer_that_is_on_its_way_arrives_whole() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &["--max-result", "0", "--grace", "86400"]);
    let mut connection = server.connect();
    connection.send(&Request::call(1).bytes());
    let (_, mut stream) = upstream.take();
    server.signal("TERM");
    wait_until_closing(&server);
    let long = format!("[\"{}\"]", "x".repeat(8 << 20));
    answer(&mut stream, "200 OK", &long);
    let got = connection.answer().json();
    assert!(got["result"]["content"][0]["text"] == long, "8 MiB after the signal");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn without_grace_calls_are_aborted() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &["--grace", "0"]);
    let mut connection = server.connect();
    connection.send(&Request::call(1).bytes());
    let (_, mut stream) = upstream.take();
    server.signal("TERM");
    wait_for_the_end(&mut stream);
    assert_eq!(server.exit_code(), Some(0));
    // A machine that is busy enough may not get to saying it before the server is gone.
    let said = String::from_utf8(connection.rest()).expect("UTF-8");
    let honest = said.starts_with("HTTP/1.1 503") && said.contains("What came of it is not known");
    assert!(said.is_empty() || honest, "{said}");
}

#[test]
fn nobody_who_listens_or_dawdles_holds_the_end() {
    for signal in ["TERM", "INT"] {
        let server = Server::sandbox(&["--grace", "86400"]);
        let session = Session::open(server.address, LEGACY);
        let mut stream = server.connect();
        let open = session.owning(Request::new("GET", "/mcp").with("Accept", "text/event-stream"));
        stream.send(&open.bytes());
        assert_eq!(stream.head().status, 200);
        let silent = server.connect();
        let mut half = server.connect();
        half.send(b"POST /mcp HTTP/1.1\r\nHost: loc");
        let mut body = server.connect();
        body.send(Request::call(1).head().as_bytes());
        // The last of them has been seen once another one is served.
        server.assert_healthy("those who wait");
        server.signal(signal);
        assert_eq!(server.exit_code(), Some(0), "{signal}");
        assert!(stream.chunk().is_some(), "where to resume");
        for connection in [silent, half] {
            assert!(connection.rest().is_empty());
        }
    }
}

#[test]
fn a_provider_that_sends_for_ever_does_not_hold_the_end() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &["--grace", "1"]);
    let mut connection = server.connect();
    connection.send(&Request::call(1).bytes());
    let (_, mut stream) = upstream.take();
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[").expect("it reads");
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
}
