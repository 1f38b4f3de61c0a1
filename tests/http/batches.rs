//! Several messages in one request: 2025-03-26 has them, and no other revision.

use serde_json::{Value, json};

use crate::client::{LEGACY, MODERN, Request, Session, TOOL, initialize, message};
use crate::server::Server;
use crate::upstream::{Upstream, answer};

/// The revision with batches.
const WITH: &str = "2025-03-26";

fn call(id: impl Into<Value>) -> Value {
    message(id, "tools/call", json!({ "name": TOOL }))
}

/// The ids of answers and the codes of their errors, in an order of their own.
fn told(answers: &[Value]) -> Vec<(String, i64)> {
    let code = |answer: &Value| (answer["id"].to_string(), answer["error"]["code"].as_i64().unwrap_or_default());
    let mut told: Vec<_> = answers.iter().map(code).collect();
    told.sort();
    told
}

#[test]
fn every_request_of_a_batch_is_carried_out_and_answered() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &[]);
    let mut session = Session::open(server.address, WITH);
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let mut again = initialize(WITH);
    again["id"] = "again".into();
    let batch = json!([
        call(1),
        call("b"),
        call(1),
        note,
        5,
        again,
        message(2, "ping", json!({})),
        message(3, "tools/list", json!({})),
        message(4, "no/such", json!({})),
        message(5, "tools/call", json!({ "name": "no_such" })),
        { "jsonrpc": "2.0", "id": 6 },
    ]);
    // Clients of that revision do not say it in a header.
    let request = session.post(&batch).without("MCP-Protocol-Version");
    session.connection.send(&request.bytes());
    let mut calls = [upstream.take().1, upstream.take().1];
    // Others go on meanwhile.
    assert_eq!(server.ask(&session.post(&message("other", "ping", json!({})))).json()["id"], "other");
    calls.iter_mut().rev().for_each(|stream| answer(stream, "200 OK", "[1]"));
    let got = session.connection.answer();
    assert_eq!((got.status, got.header("content-type")), (200, Some("text/event-stream")), "{}", got.text());
    assert_eq!(got.header("x-accel-buffering"), Some("no"));
    let answers = got.events();
    let expected = [
        ("\"again\"", -32600),
        ("\"b\"", 0),
        ("1", -32600),
        ("1", 0),
        ("2", 0),
        ("3", 0),
        ("4", -32601),
        ("5", -32602),
        ("6", -32600),
        ("null", -32600),
    ];
    assert_eq!(told(&answers), expected.map(|(id, code)| (id.to_owned(), code)), "{}", got.text());
    let of = |id: Value| answers.iter().find(|answer| answer["id"] == id && answer["error"].is_null()).expect("one");
    for id in [json!(1), json!("b")] {
        assert_eq!(of(id)["result"]["content"][0]["text"], "[1]");
    }
    let alone = session.ask(&session.post(&message(3, "tools/list", json!({})))).json();
    assert_eq!(of(json!(3)), &alone, "a list is whole");

    for silent in [json!([note]), json!([note, note]), json!([{ "jsonrpc": "2.0", "id": 9, "result": {} }])] {
        let got = session.ask(&session.post(&silent));
        assert_eq!((got.status, got.body.len()), (202, 0), "{silent}: {}", got.text());
    }
    assert_eq!(session.ask(&session.post(&json!([message(1, "ping", json!({}))]))).events()[0]["id"], 1);
}

#[test]
fn a_batch_is_refused_where_there_are_none() {
    let server = Server::sandbox(&[]);
    let batch = json!([message(1, "ping", json!({}))]);
    let in_session = |version: &str| Session::open(server.address, version).post(&batch);
    let none = Request::post(batch.to_string());
    let many = Value::from_iter((0..101).map(|id| message(id, "ping", json!({}))));
    for (what, request, words) in [
        ("2024-11-05", in_session("2024-11-05"), "2025-03-26"),
        ("2025-06-18", in_session("2025-06-18"), "2025-03-26"),
        (LEGACY, in_session(LEGACY), "2025-03-26"),
        (MODERN, none.clone().with("MCP-Protocol-Version", MODERN).with("Mcp-Method", "ping"), "2025-03-26"),
        ("no session", none.clone(), "2025-03-26"),
        ("a revision without a session", none.with("MCP-Protocol-Version", WITH), "in a session"),
        ("none in it", Session::open(server.address, WITH).post(&json!([])), "at least one"),
        ("too many", Session::open(server.address, WITH).post(&many), "at most 100"),
    ] {
        let got = server.ask(&request);
        assert_eq!((got.status, got.json()["error"]["code"].as_i64()), (400, Some(-32600)), "{what}: {}", got.text());
        assert!(got.text().contains(words), "{what}: {}", got.text());
    }
    let mut session = Session::open(server.address, WITH);
    let blind = session.post(&batch).with("Accept", "application/json");
    assert_eq!(session.ask(&blind).status, 406, "answers come as events");
    server.assert_healthy("batches");
}
