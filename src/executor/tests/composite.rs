//! Composite calls: what a handler may send, what comes of failures, and how it waits.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use infra_mcp_model::{Binding, Composite, Location, Method, Style, Tool};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::composite::{CompositeTool, Request, SentBy};
use super::*;
use crate::call::{Caller, Listener};

#[derive(Debug, PartialEq, Deserialize)]
struct Work {
    id: i64,
    force: bool,
    note: Option<String>,
}

impl CompositeTool for Work {
    const NAME: &'static str = "tool";
    const DEFAULTS: &'static str = r#"{"force":true}"#;
}

struct Look(Value);
impl Request for Look {
    const ID: &'static str = "look";
    fn into_values(self) -> Vec<(&'static str, Value)> {
        vec![("id", self.0), ("fields", Value::Null)]
    }
}
impl SentBy<Work> for Look {}

struct Act(&'static str);
impl Request for Act {
    const ID: &'static str = "act";
    fn into_values(self) -> Vec<(&'static str, Value)> {
        vec![("action", self.0.into()), ("params", Value::Null)]
    }
}
impl SentBy<Work> for Act {}

struct Page(&'static str);
impl Request for Page {
    const ID: &'static str = "page";
    fn into_values(self) -> Vec<(&'static str, Value)> {
        vec![("topic", self.0.into())]
    }
}
impl SentBy<Work> for Page {}

struct Unnamed;
impl Request for Unnamed {
    const ID: &'static str = "unnamed";
    fn into_values(self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}
impl SentBy<Work> for Unnamed {}

fn working() -> &'static Provider {
    let parameters = vec![
        fixture::parameter("id", Location::Path, Style::Simple, false),
        fixture::parameter("fields", Location::Query, Style::Form, true),
    ];
    let look = Operation { id: "look".into(), ..fixture::operation(Method::Get, "/things/{id}", parameters, None) };
    let body = fixture::members(&["action", "params"], true, false);
    let act = Operation { id: "act".into(), ..fixture::operation(Method::Post, "/actions", vec![], body) };
    let of_topic = vec![fixture::parameter("topic", Location::Path, Style::Simple, false)];
    let page = fixture::operation(Method::Get, "https://docs.example.org/{topic}", of_topic, None);
    let page = Operation { id: "page".into(), ..page };
    let composite = Composite {
        operations: vec![look, act].into(),
        relayed: vec![].into(),
        pages: vec![page].into(),
        arguments: vec!["id".into(), "force".into(), "note".into()].into(),
        resource: "id".into(),
        file: None,
    };
    let review = fixture::review(Effect::Write);
    let tool = Tool { binding: Binding::Composite(composite), review, ..fixture::tool("tool", act_alone()) };
    fixture::provider(vec![("main", vec![tool])])
}

fn act_alone() -> Operation {
    fixture::operation(Method::Post, "/actions", vec![], None)
}

/// Answers with the given statuses in turn, and remembers the requests.
#[derive(Default)]
struct Recorder {
    statuses: Mutex<Vec<u16>>,
    requests: Mutex<Vec<String>>,
}

impl Simulator for Recorder {
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let body = String::from_utf8_lossy(request.body());
        let line = format!("{} {} {body}", request.method(), request.uri().path_and_query().unwrap());
        self.requests.lock().unwrap().push(line.trim().to_owned());
        let status = self.statuses.lock().unwrap().pop().unwrap_or(200);
        let answer = http::Response::builder().status(status).header("X-Request-Id", request.method().as_str());
        answer.body(Bytes::from_static(b"{\"ok\":1}")).unwrap()
    }
}

fn call(arguments: &str, listener: Option<Listener>) -> Authorized<Call> {
    let mut call = fixture::call(working(), arguments, fixture::settings("https://api.example.com"));
    call.caller = Caller { listener, ..Caller::local(None) };
    fixture::authorized(call)
}

#[tokio::test]
async fn a_handler_sends_what_its_definition_names_and_nothing_else() {
    let recorder = Arc::new(Recorder::default());
    let executor = Executor::simulated(Arc::clone(&recorder) as _);
    let run = executor.begin(call(r#"{"id": 7}"#, None));
    assert_eq!(run.arguments::<Work>().unwrap(), Work { id: 7, force: true, note: None });
    let steps = run.steps::<Work>();
    assert_eq!(
        steps.ask(Look("a/../b".into())).await.map_err(|error| error.to_string()).unwrap_err(),
        "`id` is part of the path and must not be, or hold, a step to another path such as `..`. Nothing was sent."
    );
    assert_eq!(steps.ask(Look(7.into())).await.unwrap(), json!({"ok": 1}));
    steps.send(Act("start")).await.unwrap();
    let error = steps.send(Unnamed).await.unwrap_err();
    assert!(matches!(error, CallError::Client { .. }), "{error}");
    steps.ask(Look(8.into())).await.unwrap();
    let sent = recorder.requests.lock().unwrap().clone();
    assert_eq!(sent, ["GET /things/7", r#"POST /actions {"action":"start"}"#, "GET /things/8"]);
    let reply = run.finish(&json!([1]));
    assert_eq!(
        (&*reply.body, reply.correlation_id.as_deref()),
        ("[1]", Some("POST")),
        "it is the change that is found"
    );
}

/// Shows the whole request.
struct Mirror;

impl Simulator for Mirror {
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let status = if request.uri().path() == "/gone" { 404 } else { 200 };
        http::Response::builder()
            .status(status)
            .body(Bytes::from(Value::from(format!("{request:?}")).to_string()))
            .unwrap()
    }
}

#[tokio::test]
async fn a_public_page_is_read_without_the_credential() {
    let executor = Executor::simulated(Arc::new(Mirror));
    let run = executor.begin(call(r#"{"id": 7}"#, None));
    let steps = run.steps::<Work>();
    let seen = steps.send(Look(7.into())).await.unwrap().body;
    assert!(seen.contains("authorization"), "the mirror works: {seen}");
    let seen = steps.send(Page("a/b?c")).await.unwrap();
    assert_eq!(seen.media, Media::Text);
    assert!(
        seen.body.contains("https://docs.example.org/a%2Fb%3Fc") && !seen.body.contains("authorization"),
        "{seen:?}"
    );
    assert!(steps.send(Page("..")).await.is_err());
    let error = steps.send(Page("gone")).await.unwrap_err().to_string();
    assert!(error.starts_with("https://docs.example.org/gone answered HTTP 404."), "{error}");
    assert_eq!(run.finish(&json!("plain")).body, "plain");
}

/// Whoever reads an error has to know whether something changed before it.
#[tokio::test]
async fn a_failure_after_a_change_says_that_it_may_have_happened() {
    let recorder = Arc::new(Recorder::default());
    let executor = Executor::simulated(Arc::clone(&recorder) as _);
    let run = executor.begin(call(r#"{"id": 7}"#, None));
    let steps = run.steps::<Work>();
    for (expected, statuses) in [(false, [503, 503]), (true, [503, 200])] {
        *recorder.statuses.lock().unwrap() = statuses.to_vec();
        if expected {
            steps.send(Act("start")).await.unwrap();
        } else {
            steps.ask(Look(7.into())).await.unwrap_err();
        }
        let error = steps.ask(Look(7.into())).await.unwrap_err().to_string();
        assert_eq!(error.contains("the change may have happened"), expected, "{error}");
        let unmet = steps.unmet("Too small.").to_string();
        assert_eq!(unmet.contains("may have happened"), expected, "{unmet}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_looks_less_and_less_often_and_at_the_very_end_and_is_told() {
    let executor = Executor::simulated(Arc::new(Recorder::default()));
    let (listener, mut heard) = Listener::new();
    let run = executor.begin(call(r#"{"id": 7}"#, Some(listener)));
    let steps = run.steps::<Work>();
    let begun = Instant::now();
    let mut looks = Vec::new();
    let pauses = |elapsed| Duration::from_secs(if elapsed < Duration::from_secs(6) { 3 } else { 10 });
    let mut wait = steps.wait(Duration::from_secs(40), pauses);
    while wait.next("waiting").await {
        looks.push(begun.elapsed().as_secs());
        // Longer than the account allows a call without a wait.
        steps.ask(Look(7.into())).await.unwrap();
    }
    assert_eq!(looks, [3, 6, 16, 26, 36, 40]);
    let told = heard.try_recv().unwrap();
    assert_eq!((told.done, told.total, told.message.as_str()), (3.0, Some(40.0), "waiting"));
}
