mod network;
mod progress;
mod refusals;
mod requests;
mod schemas;

use super::Sandbox;
use super::clock::{Clock, Timestamp};
use crate::executor::Simulator;
use crate::executor::fixture::blank_provider;
use bytes::Bytes;
use infra_mcp_model::{Method, PathTemplate, Provider, Route, Segment};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// A clock that moves only when told to.
#[derive(Default)]
pub(super) struct ManualClock(pub(super) AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_750_000_000) + Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// A sandbox of the provider "hostinger" and its clock.
struct Estate {
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
}

impl Estate {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        Self { sandbox: Sandbox::new(&HOSTINGER, clock.clone()), clock }
    }

    fn wait(&self, milliseconds: u64) {
        self.clock.0.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// Status and body of the answer; `body` is JSON text or empty.
    fn send(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, text) = send(&self.sandbox, method, path, body);
        (status, serde_json::from_str(&text).expect("JSON"))
    }

    /// The body of an answer that must be a success.
    fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, "");
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// Sends what must succeed, and waits until every action is done.
    fn complete(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, answer) = self.send(method, path, body);
        assert_eq!(status, 200, "{method} {path}: {answer}");
        self.wait(10_000);
        answer
    }
}

fn send(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> (u16, String) {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("https://api.example{path}"))
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .expect("a request");
    let response = sandbox.answer(request);
    let text = String::from_utf8(response.body().to_vec()).expect("text");
    (response.status().as_u16(), text)
}

/// The place `pointer` of `value`, for short assertions.
#[track_caller]
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

static HOSTINGER: LazyLock<Provider> = LazyLock::new(|| provider("hostinger"));
static OTHER: LazyLock<Provider> = LazyLock::new(|| provider("other"));

fn provider(name: &'static str) -> Provider {
    let literal = |text: &'static str| Segment::Literal(text.into());
    let route = |method, path: Vec<Segment>, status, body: &'static str| Route {
        method,
        path: PathTemplate(path.into()),
        status,
        body: body.into(),
    };
    let sites = || vec![literal("/api/hosting/v1/websites/"), Segment::Parameter("domain".into())];
    Provider {
        name: name.into(),
        routes: vec![
            route(Method::Get, sites(), 200, r#"{"domain":"sample"}"#),
            route(Method::Delete, sites(), 204, ""),
            route(Method::Get, vec![literal("/api/vps/v1/virtual-machines")], 200, "[]"),
            route(Method::Get, vec![literal("/api/hosting/v1/log")], 200, "plain words"),
        ]
        .into(),
        ..blank_provider(vec![])
    }
}
