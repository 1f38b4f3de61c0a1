//! Sessions that nobody waits for are put to rest when many are open, and nobody notices.

use serde_json::json;

use crate::client::{LEGACY, Request, Session, TOOL, message};
use crate::server::Server;
use crate::upstream::{Upstream, answer};

/// Many more than are awake for nobody.
const MANY: usize = 300;

#[test]
fn nobody_notices_that_sessions_rest() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &["--session-idle", "3600"]);
    let open = |version: &str| Session::open(server.address, version);
    let call = |session: &Session| session.post(&message(1, "tools/call", json!({ "name": TOOL })));
    let ping = |session: &Session| session.post(&message(2, "ping", json!({})));
    let list = |session: &Session| session.post(&message(3, "tools/list", json!({})));

    // One that waits for an answer, one that went away before it, one that listens, and three that do nothing.
    let mut waits = open(LEGACY);
    waits.connection.send(&call(&waits).bytes());
    let (_, mut for_waiting) = upstream.take();
    let leaves = open(LEGACY);
    let mut gone = server.connect();
    gone.send(&call(&leaves).bytes());
    let (_, mut for_leaving) = upstream.take();
    assert_eq!(gone.head().status, 200);
    let first = String::from_utf8(gone.chunk().expect("where to resume")).expect("UTF-8");
    let event = first.lines().find_map(|line| line.strip_prefix("id: ")).expect("an event id").to_owned();
    drop(gone);
    let listens = open(LEGACY);
    let mut stream = server.connect();
    stream.send(&listens.owning(Request::new("GET", "/mcp").with("Accept", "text/event-stream")).bytes());
    assert_eq!(stream.head().status, 200);
    let (oldest, old, ended) = (open("2024-11-05"), open("2025-03-26"), open(LEGACY));
    let lists = [&oldest, &old].map(|session| server.ask(&list(session)).json());
    assert_ne!(lists[0], server.ask(&list(&ended)).json(), "revisions have lists of their own");

    let sessions: Vec<Session> = (0..MANY).map(|_| open(LEGACY)).collect();
    answer(&mut for_waiting, "200 OK", "[1]");
    assert_eq!(waits.connection.answer().json()["result"]["content"][0]["text"], "[1]");
    let resume = leaves.owning(Request::new("GET", "/mcp").with("Accept", "text/event-stream"));
    let mut resumed = server.connect();
    resumed.send(&resume.with("Last-Event-ID", &event).bytes());
    assert_eq!(resumed.head().status, 200);
    answer(&mut for_leaving, "200 OK", "[2]");
    let mut said = String::new();
    while !said.contains("[2]") {
        said += &String::from_utf8(resumed.chunk().expect("the answer")).expect("UTF-8");
    }
    assert!(stream.chunk().is_some(), "it goes on");

    // What was agreed on is not forgotten.
    for _ in 0..2 {
        assert_eq!([&oldest, &old].map(|session| server.ask(&list(session)).json()), lists);
        let batch = json!([message("b", "ping", json!({}))]);
        assert_eq!(server.ask(&old.post(&batch)).events()[0]["id"], "b");
        for session in &sessions {
            assert_eq!(server.ask(&ping(session)).json()["result"], json!({}));
        }
    }
    let mut connection = server.connect();
    connection.send(&call(&oldest).bytes());
    answer(&mut upstream.take().1, "200 OK", "[3]");
    assert_eq!(connection.answer().json()["result"]["content"][0]["text"], "[3]");

    // Two at once wake it once.
    let both: Vec<_> = (0..20)
        .map(|id| {
            let mut connection = server.connect();
            connection.send(&sessions[0].post(&message(id, "ping", json!({}))).bytes());
            connection
        })
        .collect();
    for (id, mut connection) in both.into_iter().enumerate() {
        assert_eq!(connection.answer().json()["id"], id);
    }
    let delete = ended.owning(Request::new("DELETE", "/mcp"));
    assert_eq!(server.ask(&delete).status, 204);
    for request in [delete, ping(&ended)] {
        assert_eq!(server.ask(&request).status, 404);
    }
    assert_eq!(server.ask(&Request::new("GET", "/health")).status, 200);
}

#[test]
fn sessions_wake_for_many_at_once() {
    let server = Server::sandbox(&["--session-idle", "3600"]);
    let sessions: Vec<Session> = (0..100).map(|_| Session::open(server.address, LEGACY)).collect();
    let request = |thread: usize, round: usize| {
        // Several come to the same session at the same time.
        let session = &sessions[(round * 7 + thread / 4) % sessions.len()];
        let id = format!("{thread}-{round}");
        let (method, params) =
            if round.is_multiple_of(5) { ("tools/call", json!({ "name": TOOL })) } else { ("ping", json!({})) };
        (session.post(&message(id.as_str(), method, params)), id)
    };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let requests: Vec<_> = (0..60).map(|round| request(thread, round)).collect();
            let mut connection = server.connect();
            scope.spawn(move || {
                for (request, id) in requests {
                    let got = connection.ask(&request);
                    assert_eq!(got.status, 200, "{}", got.text());
                    let answer = got.json();
                    assert_eq!((&answer["id"], answer["error"].is_null()), (&json!(id), true), "{answer}");
                }
            });
        }
    });
    server.assert_healthy("480 requests in 100 sessions");
}

#[test]
fn what_a_session_is_opened_with_is_short() {
    let server = Server::sandbox(&[]);
    let mut opening = crate::client::initialize(LEGACY);
    opening["params"]["capabilities"]["experimental"] = json!({ "x": { "y": "z".repeat(32 * 1024) } });
    let got = server.ask(&Request::post(opening.to_string()));
    assert_eq!((got.status, got.json()["error"]["code"].as_i64()), (413, Some(-32600)), "{}", got.text());
    assert_eq!(Session::open(server.address, LEGACY).version, LEGACY);
}
