//! Too much, too slow, or gone in the middle: refused, and nobody else notices.

use serde_json::{Value, json};

use crate::client::{MODERN, Request, message};
use crate::server::Server;

/// The longest body, in bytes.
const LONGEST: usize = 4 << 20;

#[test]
fn too_much_is_refused() {
    let server = Server::sandbox(&[]);
    let head = |length: usize| {
        let head = Request::post("").with("MCP-Protocol-Version", MODERN).head();
        head.replace("Content-Length: 0", &format!("Content-Length: {length}"))
    };
    // The length says it before a byte of it has come.
    let mut connection = server.connect();
    connection.send(head(LONGEST + 1).as_bytes());
    assert_eq!(connection.answer().status, 413);
    // Without a length it shows while it comes.
    let mut connection = server.connect();
    let chunked = Request::post("").with("Transfer-Encoding", "chunked");
    connection.send(chunked.head().as_bytes());
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
    for _ in 0..5 {
        connection.try_send(chunk.as_bytes());
    }
    assert_eq!(connection.answer().status, 413);
    // What is as long as may be is read.
    let filler = " ".repeat(LONGEST - Request::call(1).bytes().len());
    let body = String::from_utf8(Request::call(1).bytes()).expect("UTF-8");
    let body = format!("{}{filler}", body.split("\r\n\r\n").nth(1).expect("a body"));
    assert_eq!(server.ask(&Request::call(1).saying(body)).status, 200);

    let many = (0..200).fold(Request::call(1), |request, n| request.with(&format!("X-{n}"), "1"));
    let long = Request::call(1).with("X-Long", &"x".repeat(200_000));
    for (what, request) in [("many headers", many), ("a long header", long)] {
        let mut connection = server.connect();
        connection.try_send(&request.bytes());
        assert_eq!(connection.head().status, 431, "{what}");
    }
    server.assert_healthy("too much");
}

#[test]
fn what_is_no_http_is_refused() {
    let server = Server::sandbox(&[]);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello over TLS"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
    ] {
        let mut connection = server.connect();
        connection.send(bytes);
        let said = connection.rest();
        let refused = said.is_empty() || said.starts_with(b"HTTP/1.1 4") || said.starts_with(b"HTTP/1.0 4");
        assert!(refused, "{}: {}", String::from_utf8_lossy(bytes), String::from_utf8_lossy(&said));
        server.assert_healthy("nonsense");
    }
}

#[test]
fn what_breaks_off_leaves_nothing_behind() {
    let server = Server::sandbox(&[]);
    let bytes = Request::call(1).bytes();
    let head = Request::call(1).head().len();
    for length in [0, 1, 20, head - 2, head, head + 1, bytes.len() - 1, bytes.len()] {
        let mut connection = server.connect();
        connection.send(&bytes[..length]);
        drop(connection);
    }
    server.assert_healthy("half a request");
}

#[test]
fn requests_in_a_row_are_answered_in_their_order() {
    let server = Server::sandbox(&[]);
    let mut connection = server.connect();
    let requests: Vec<u8> = (0..20).flat_map(|id| Request::call(id).bytes()).collect();
    connection.send(&requests);
    for id in 0..20 {
        assert_eq!(connection.answer().json()["id"], id);
    }
    // A request that is refused before its body is read must not make its body the next request.
    let inner = String::from_utf8(Request::call("smuggled").bytes()).expect("UTF-8");
    let refused = Request::call(1).to("/nothing").saying(inner);
    connection.send(&[refused.bytes(), Request::call("after").bytes()].concat());
    assert_eq!(connection.answer().status, 404);
    let rest = connection.rest_or_next();
    assert!(rest.is_none_or(|next: Value| next["id"] == "after"));
}

#[test]
fn the_slow_do_not_hold_up_the_others() {
    let server = Server::sandbox(&[]);
    let head = Request::call(1).head();
    let slow: Vec<_> = (0..1500)
        .map(|n| {
            let mut connection = server.connect();
            // A third has not finished its head, a third not its body, and a third has said nothing.
            connection.send(match n % 3 {
                0 => &head.as_bytes()[..head.len() - 2],
                1 => head.as_bytes(),
                _ => b"",
            });
            connection
        })
        .collect();
    server.assert_healthy("1500 slow clients");
    drop(slow);

    let waiting: Vec<_> = (0..1100)
        .map(|_| {
            let mut connection = server.connect();
            connection.send(head.as_bytes());
            connection
        })
        .collect();
    server.assert_healthy("1100 bodies that do not come");
    // Long ones share a room of their own, which a few may fill.
    let long = Request::call(1).head().replace("Content-Length: ", "Content-Length: 1000");
    let crowd: Vec<_> = (0..80)
        .map(|_| {
            let mut connection = server.connect();
            connection.send(long.as_bytes());
            connection.try_send(&[b' '; 70_000]);
            connection
        })
        .collect();
    server.assert_healthy("80 long bodies that do not come");
    drop(crowd);
    // They still may.
    let body = &Request::call(1).bytes()[head.len()..];
    for mut connection in waiting.into_iter().step_by(100) {
        connection.send(body);
        assert_eq!(connection.answer().json()["id"], 1);
    }
}

#[test]
fn those_who_do_not_read_do_not_hold_up_the_others() {
    let server = Server::sandbox(&[]);
    let list = Request::modern(1, "tools/list", json!({})).bytes();
    let deaf: Vec<_> = (0..20)
        .map(|_| {
            let mut connection = server.connect();
            // Some 300 KB each: more than the buffers of the system take.
            connection.send(&list.repeat(40));
            connection
        })
        .collect();
    server.assert_healthy("20 clients that do not read");
    drop(deaf);
    server.assert_healthy("their end");
}

#[test]
fn whoever_is_refused_before_the_end_knows_that_the_connection_ends() {
    let server = Server::sandbox(&[]);
    let call = Request::call(1);
    for (what, request, status) in [
        ("no session", call.clone().without("MCP-Protocol-Version").with("Mcp-Session-Id", "gone"), 404),
        ("no such path", call.clone().to("/nothing"), 404),
        ("a foreign page", call.clone().with("Origin", "https://evil.example"), 403),
        ("another method", call.clone().by("PUT"), 405),
    ] {
        let mut connection = server.connect();
        connection.send(request.head().as_bytes());
        let got = connection.answer();
        assert_eq!((got.status, got.header("connection")), (status, Some("close")), "{what}");
    }
    // What is read to its end and refused leaves the connection open.
    let mut connection = server.connect();
    assert_eq!(connection.ask(&Request::post("[]")).status, 400);
    assert_eq!(connection.ask(&call).status, 200);
}

#[test]
fn nesting_within_reason_is_read() {
    let server = Server::sandbox(&[]);
    let nested = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let mut body = message(1, "tools/call", crate::client::stateless(MODERN, json!({ "name": crate::client::TOOL })));
    body["params"]["arguments"] = json!({ "x": nested });
    let got = server.ask(&Request::call(1).saying(body.to_string()));
    assert_eq!((got.status, &got.json()["result"]["isError"]), (200, &json!(true)), "{}", got.text());
}
