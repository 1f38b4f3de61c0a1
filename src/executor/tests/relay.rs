//! Calls that are passed on to an MCP server, against one that writes down what it is sent.

use std::sync::atomic::{AtomicUsize, Ordering};

use infra_mcp_model::{Binding, Effect, Provider, Relay, RemoteServer, Tool};
use serde_json::{Value, json};

use super::mock::{Act, Mock, answer};
use crate::account::{AccountSettings, Secret};
use crate::error::CallError;
use crate::executor::{Executor, Media, NetworkOptions, Reply, fixture};
use std::time::Duration;

const TOKEN: &str = "relay-token-0123456789";

fn provider(effect: Effect) -> &'static Provider {
    let operation = fixture::operation(infra_mcp_model::Method::Get, "/", vec![], None);
    let relay = Relay {
        tool: "theirs".into(),
        timeout_seconds: 0,
        timeout_argument: "".into(),
        arguments: vec!["vm".into()].into(),
        resource: "vm".into(),
    };
    let tool =
        Tool { binding: Binding::Relay(relay), review: fixture::review(effect), ..fixture::tool("ours", operation) };
    let relay = RemoteServer {
        url: "https://mcp.example.com/mcp".into(),
        url_variables: vec!["EXAMPLE_MCP_URL".into()].into(),
        token_variables: vec!["EXAMPLE_MCP_TOKEN".into()].into(),
        credential_help: "Make one there.".into(),
        hidden: vec!["default_password".into()].into(),
    };
    Box::leak(Box::new(Provider { relay: Some(relay), ..fixture::blank_provider(vec![("things", vec![tool])]) }))
}

fn settings(url: &str) -> AccountSettings {
    AccountSettings {
        relay_url: Some(format!("{url}/mcp").parse().unwrap()),
        relay_token: Some(Secret::new(TOKEN)),
        timeout: Some(Duration::from_secs(30)),
        ..AccountSettings::default()
    }
}

async fn call(executor: &Executor, url: &str, effect: Effect) -> Result<Reply, CallError> {
    let call = fixture::call(provider(effect), r#"{"vm": "a\"é", "size": 9007199254740993}"#, settings(url));
    executor.execute(fixture::authorized(call)).await
}

fn network() -> Executor {
    Executor::network(NetworkOptions::default())
}

fn message(request: &str) -> Value {
    request.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).unwrap_or_default()
}

/// An answer to this request, as JSON, with more header lines.
fn reply(request: &str, headers: &str, result: &Value) -> Act {
    let body = json!({"jsonrpc": "2.0", "id": message(request)["id"], "result": result}).to_string();
    answer("200 OK", &format!("Content-Type: application/json\r\n{headers}"), &body)
}

/// What every server says to the messages around a call; `None` for the call itself.
fn handshake(request: &str, headers: &str) -> Option<Act> {
    if !request.starts_with("POST") {
        return Some(answer("405 Method Not Allowed", "", ""));
    }
    match message(request)["method"].as_str() {
        Some("initialize") => {
            let info = json!({"name": "theirs", "version": "1"});
            let result = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": info});
            Some(reply(request, headers, &result))
        }
        Some("tools/call") => None,
        _ => Some(answer("202 Accepted", "", "")),
    }
}

fn methods(mock: &Mock) -> Vec<String> {
    let requests = mock.requests();
    let posts = requests.iter().filter(|request| request.starts_with("POST"));
    posts.map(|request| message(request)["method"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn one_session_serves_all_calls_and_values_arrive_as_they_are() {
    let exact: Value = serde_json::from_str(r#"{"vms":[{"n":9007199254740993,"d":1.10,"s":"é\n\""}]}"#).unwrap();
    let mut sent = exact.clone();
    sent["vms"][0]["default_password"] = "hush".into();
    let mock = Mock::judge(move |request| {
        handshake(request, "").unwrap_or_else(|| {
            reply(request, "", &json!({"content": [{"type": "text", "text": "in words"}], "structuredContent": sent}))
        })
    });
    let executor = network();
    for _ in 0..2 {
        let reply = call(&executor, &mock.url, Effect::Read).await.unwrap();
        assert_eq!((reply.body, reply.media), (exact.to_string(), Media::Structured));
    }
    assert_eq!(methods(&mock), ["initialize", "notifications/initialized", "tools/call", "tools/call"]);
    for request in mock.requests() {
        assert!(request.to_ascii_lowercase().contains(&format!("authorization: bearer {TOKEN}")), "{request}");
        assert!(
            request.starts_with("POST /mcp HTTP/1.1"),
            "without a session there is nothing to listen to: {request}"
        );
    }
    let sent = message(mock.requests().last().unwrap());
    assert_eq!(sent["params"]["name"], "theirs");
    assert_eq!(sent["params"]["arguments"].to_string(), r#"{"vm":"a\"é","size":9007199254740993}"#);
}

#[tokio::test]
async fn a_session_that_the_server_forgot_is_opened_again() {
    let calls = AtomicUsize::new(0);
    let mock = Mock::judge(move |request| {
        let session = format!("Mcp-Session-Id: s{}\r\n", calls.load(Ordering::SeqCst));
        handshake(request, &session).unwrap_or_else(|| match calls.fetch_add(1, Ordering::SeqCst) {
            1 => answer("404 Not Found", "", ""),
            _ => reply(request, "", &json!({"content": [{"type": "text", "text": "done"}]})),
        })
    });
    let executor = network();
    for _ in 0..2 {
        assert_eq!(call(&executor, &mock.url, Effect::Read).await.unwrap().body, "done");
    }
    let sessions: Vec<String> = mock
        .requests()
        .iter()
        .filter(|request| message(request)["method"] == "tools/call")
        .map(|request| request.to_ascii_lowercase().split_once("mcp-session-id: ").unwrap().1[..2].to_owned())
        .collect();
    assert_eq!(sessions, ["s0", "s0", "s2"], "{:?}", methods(&mock));
}

#[tokio::test]
async fn an_answer_may_be_a_stream_of_events() {
    let mock = Mock::judge(|request| {
        handshake(request, "").unwrap_or_else(|| {
            let result = json!({"content": [{"type": "text", "text": "{\"a\": 1.10}"}]});
            let answer = json!({"jsonrpc": "2.0", "id": message(request)["id"], "result": result});
            let note =
                json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}});
            let body = format!(": hello\n\ndata: {note}\n\nevent: message\ndata: {answer}\n\n");
            super::mock::answer("200 OK", "Content-Type: text/event-stream\r\n", &body)
        })
    });
    let reply = call(&network(), &mock.url, Effect::Read).await.unwrap();
    assert_eq!((reply.body.as_str(), reply.media), (r#"{"a": 1.10}"#, Media::Json));
}

/// Wherever a server puts its code, it comes first and unchanged, and so do the words.
#[tokio::test]
async fn errors_keep_their_codes() {
    let described = json!({"error": {"code": "rate_limited", "message": "Slow down.", "retry_after_seconds": 7}});
    let expected = "rate_limited: Example refused the call: Slow down.\n{\"retry_after_seconds\":7}";
    let text = json!([{"type": "text", "text": described.to_string()}]);
    let words = json!([{"type": "text", "text": "No."}]);
    for (result, expected) in [
        (json!({"isError": true, "content": [], "structuredContent": described}), expected),
        (json!({"isError": true, "content": text}), expected),
        (json!({"isError": true, "content": words}), "Example refused the call: No."),
    ] {
        let mock = Mock::judge(move |request| handshake(request, "").unwrap_or_else(|| reply(request, "", &result)));
        let error = call(&network(), &mock.url, Effect::Read).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    for (status, body, expected) in [
        (
            "200 OK",
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Not this."}}"#,
            "refused the call: Not this.",
        ),
        (
            "400 Bad Request",
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Off.","data":{"code":"vm_not_found"}}}"#,
            "vm_not_found: Example refused the call: Off.",
        ),
        (
            "401 Unauthorized",
            r#"{"error":{"code":"unauthenticated","message":"Who?"}}"#,
            "unauthenticated: Example refused the call: Who?",
        ),
        ("401 Unauthorized", "", "Set EXAMPLE_MCP_TOKEN to a valid one"),
        ("503 Down", r#"{"error":{"code":"mcp_disabled","message":"Off."}}"#, "mcp_disabled: "),
        ("502 Bad Gateway", "<html><title>Oh</title></html>", "HTTP 502 Bad Gateway: an HTML page titled \"Oh\""),
        ("200 OK", "<html>hello", "It begins: <html>hello"),
        ("200 OK", "", "no message of MCP"),
        ("301 Moved", "", "HTTP 301"),
    ] {
        let mock = Mock::judge(move |request| {
            handshake(request, "").unwrap_or_else(|| {
                answer(status, "Content-Type: application/json\r\nLocation: http://a.example/\r\n", body)
            })
        });
        let error = call(&network(), &mock.url, Effect::Read).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{status} {body}: {error}");
        assert!(!error.contains(TOKEN), "{error}");
    }
}

/// A server that is down when the first call comes may be up for the second.
#[tokio::test]
async fn what_fails_to_open_is_opened_by_the_next_call() {
    let refused = AtomicUsize::new(0);
    let mock = Mock::judge(move |request| match refused.fetch_add(1, Ordering::SeqCst) {
        0 => {
            answer("401 Unauthorized", "Content-Type: application/json\r\n", r#"{"error":{"code":"unauthenticated"}}"#)
        }
        _ => handshake(request, "").unwrap_or_else(|| reply(request, "", &json!({"content": []}))),
    });
    let executor = network();
    let error = call(&executor, &mock.url, Effect::Write).await.unwrap_err();
    assert_eq!(error.to_string(), "unauthenticated: Example refused the call.");
    assert_eq!(call(&executor, &mock.url, Effect::Write).await.unwrap().media, Media::Empty);
}

/// What failed before the call was sent has changed nothing.
#[tokio::test]
async fn a_failed_handshake_leaves_nothing_open() {
    for (greets, changes) in [(false, false), (true, true)] {
        let mock = Mock::judge(move |request| {
            let greeting = if greets { handshake(request, "") } else { None };
            greeting.unwrap_or_else(|| answer("503 Service Unavailable", "", "{}"))
        });
        let error = call(&network(), &mock.url, Effect::Write).await.unwrap_err();
        assert!(matches!(&error, CallError::Upstream(refusal) if refusal.changes == changes), "{error:?}");
    }
}

#[tokio::test]
async fn who_gives_up_tells_the_server() {
    let mock = Mock::judge(|request| handshake(request, "").unwrap_or(Act::Hang));
    let executor = network();
    tokio::select! {
        _ = call(&executor, &mock.url, Effect::Write) => panic!("there is no answer"),
        () = async {
            while !methods(&mock).contains(&"tools/call".to_owned()) {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    while !methods(&mock).contains(&"notifications/cancelled".to_owned()) {
        tokio::task::yield_now().await;
    }
    mock.wait_for_close();
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for_for_ever() {
    let mock = Mock::judge(|request| handshake(request, "").unwrap_or(Act::Hang));
    let limit = Duration::from_millis(50);
    let settings = AccountSettings { timeout: Some(limit), ..settings(&mock.url) };
    let call = fixture::call(provider(Effect::Write), "{}", settings);
    let error = network().execute(fixture::authorized(call)).await.unwrap_err();
    assert!(matches!(error, CallError::Timeout { after, unsettled: true, .. } if after == limit), "{error}");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let mock = Mock::judge(|_| Act::Hang);
    let settings = AccountSettings { relay_token: None, token: Some(Secret::new("rest-token")), ..settings(&mock.url) };
    let call = fixture::call(provider(Effect::Read), "{}", settings);
    let error = network().execute(fixture::authorized(call)).await.unwrap_err().to_string();
    assert!(error.contains("Set EXAMPLE_MCP_TOKEN") && error.contains("Make one there."), "{error}");
    assert!(mock.requests().is_empty());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    let url = super::tls::serve();
    let error = call(&network(), &url, Effect::Write).await.unwrap_err().to_string();
    assert!(error.starts_with("Nothing was sent: no trusted connection") && error.contains("--ca-file"), "{error}");
}
