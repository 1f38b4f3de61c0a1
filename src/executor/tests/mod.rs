mod composite;
mod mock;
mod power_off;
mod relay;
mod session;
mod tls;
mod upload;

use std::sync::Mutex;
use std::time::Duration;

use infra_mcp_model::{Answer, Method, Operation, Provider, Review};

use super::*;
use crate::account::AccountSettings;
use mock::{Act, Mock, answer, json};

/// A provider with one tool: `POST /v1` with a body, or what the function makes of it.
fn provider(effect: Effect, method: Method, answer: Answer, adapt: impl FnOnce(&mut Review)) -> &'static Provider {
    let operation = fixture::operation(method, "/v1", vec![], fixture::members(&["a"], false, false));
    let mut tool = fixture::tool("tool", Operation { answer, ..operation });
    tool.review = fixture::review(effect);
    adapt(&mut tool.review);
    fixture::provider(vec![("main", vec![tool])])
}

fn reading() -> &'static Provider {
    provider(Effect::Read, Method::Get, Answer::Json, |_| {})
}

fn writing() -> &'static Provider {
    provider(Effect::Write, Method::Post, Answer::Json, |_| {})
}

async fn execute(provider: &'static Provider, mock: &Mock) -> Result<Reply, CallError> {
    execute_with(provider, fixture::settings(&mock.url)).await
}

async fn execute_with(provider: &'static Provider, settings: AccountSettings) -> Result<Reply, CallError> {
    let call = fixture::call(provider, "{}", settings);
    Executor::network(NetworkOptions::default()).execute(fixture::authorized(call)).await
}

fn assert_tells(error: &CallError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
    for shown in [text, format!("{error:?}")] {
        assert!(!shown.contains(fixture::TOKEN), "{shown}");
        assert!(shown.chars().count() < 4_000, "{shown}");
    }
}

#[tokio::test]
async fn successes() {
    let exact = r#"{"n": 9007199254740993, "d": 1.10, "e": 1E+2}"#;
    let of = |status: u16, media, body: &str| Reply::new(status, body, media);
    for (kind, act, expected) in [
        (Answer::Json, json("200 OK", exact), of(200, Media::Json, exact)),
        (Answer::Json, json("201 Created", "[]"), of(201, Media::Json, "[]")),
        (Answer::Json, json("200 OK", "\u{feff}{}"), of(200, Media::Json, "{}")),
        (Answer::Json, answer("200 OK", "Content-Type: text/plain\r\n", "{}"), of(200, Media::Json, "{}")),
        (Answer::Json, json("204 No Content", ""), of(204, Media::Empty, "")),
        (Answer::Empty, json("200 OK", " \r\n"), of(200, Media::Empty, "")),
        (Answer::Empty, answer("200 OK", "Content-Type: text/plain\r\n", "queued"), of(200, Media::Text, "queued")),
        (Answer::JsonOrEmpty, json("200 OK", ""), of(200, Media::Empty, "")),
        (Answer::JsonOrEmpty, json("200 OK", "{}"), of(200, Media::Json, "{}")),
        (
            Answer::Json,
            answer("200 OK", "Content-Type: text/markdown; charset=utf-8\r\n", "| id |"),
            of(200, Media::Text, "| id |"),
        ),
        (Answer::Text, answer("200 OK", "Content-Type: text/html\r\n", "<html>"), of(200, Media::Text, "<html>")),
        (Answer::Text, answer("200 OK", "Content-Type: text/plain\r\n", "42"), of(200, Media::Text, "42")),
        (Answer::Json, json("200 OK", r#"{"echo":"token-0123456789"}"#), of(200, Media::Json, r#"{"echo":"***"}"#)),
        (
            Answer::Json,
            Act::Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n".into()),
            of(200, Media::Json, "[1,2]"),
        ),
    ] {
        let mock = Mock::play(vec![act]);
        let reply = execute(provider(Effect::Read, Method::Get, kind, |_| {}), &mock).await.unwrap();
        assert_eq!(reply, expected);
    }
}

#[tokio::test]
async fn a_success_keeps_by_what_the_provider_finds_it() {
    for (head, expected) in [
        ("", None),
        ("X-Request-Id: r-1\r\n", Some("r-1")),
        ("X-Request-Id: r-1\r\nX-Correlation-Id: c-1\r\n", Some("c-1")),
        ("X-Correlation-Id: of token-0123456789\r\n", Some("of ***")),
    ] {
        let reply = execute(writing(), &Mock::play(vec![answer("200 OK", head, "{}")])).await.unwrap();
        assert_eq!(reply.correlation_id.as_deref(), expected, "{head}");
    }
}

#[tokio::test]
async fn unusable_successes_say_what_came() {
    let html = answer(
        "200 OK",
        "Content-Type: text/html; charset=utf-8\r\n",
        "<html><title>Log in</title>\n token-0123456789</html>",
    );
    let raw = |text: &str| Act::AnswerAndClose(text.to_owned());
    for (provider, act, parts) in [
        (
            reading(),
            html.clone(),
            &["HTTP 200", "text/html", "base URL", "It begins: <html><title>Log in</title> ***</html>"][..],
        ),
        (writing(), html, &["text/html", "The change may have happened"]),
        (reading(), json("200 OK", ""), &["the body is empty where JSON was due"]),
        (reading(), json("200 OK", r#"{"cut": "#), &["not valid JSON", r#"It begins: {"cut":"#]),
        (
            writing(),
            answer("200 OK", "", "oops"),
            &["a body without a media type", "not valid JSON", "It begins: oops", "read the current state"],
        ),
    ] {
        let error = execute(provider, &Mock::play(vec![act])).await.unwrap_err();
        assert!(matches!(error, CallError::Undecodable { status: 200, .. }), "{error:?}");
        assert_tells(&error, parts);
    }
    let error =
        execute(writing(), &Mock::play(vec![raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")])).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { unsettled: true, .. }), "{error:?}");
    assert_tells(&error, &["broke the connection before its answer was complete", "may have happened"]);
}

#[tokio::test]
async fn a_secret_argument_that_the_provider_repeats_ends_here() {
    let provider =
        provider(Effect::Write, Method::Post, Answer::Json, |review| review.secret_arguments = vec!["a".into()].into());
    for act in [
        json("422 Unprocessable Content", r#"{"message":"hush \"hush\" is weak","errors":{"a":["hush \"hush\""]}}"#),
        answer("500 Internal Server Error", "", r#"in {"a":"hush \"hush\""}"#),
        answer("200 OK", "", r#"hush "hush""#),
    ] {
        let mock = Mock::play(vec![act]);
        let call = fixture::call(provider, r#"{"a":"hush \"hush\""}"#, fixture::settings(&mock.url));
        let executor = Executor::network(NetworkOptions::default());
        let error = executor.execute(fixture::authorized(call)).await.unwrap_err().to_string();
        assert!(error.contains("***") && !error.contains("hush"), "{error}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    struct Binary;
    impl Simulator for Binary {
        fn answer(&self, _: http::Request<Bytes>) -> http::Response<Bytes> {
            http::Response::new(Bytes::from_static(&[0xff, 0xfe, 0]))
        }
    }
    let call = fixture::call(reading(), "{}", fixture::settings("http://127.0.0.1:9"));
    let error = Executor::simulated(Arc::new(Binary)).execute(fixture::authorized(call)).await.unwrap_err();
    assert_tells(&error, &["HTTP 200", "not UTF-8 text"]);
}

#[tokio::test]
async fn error_statuses_say_what_the_provider_says_and_what_to_try() {
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(50_000));
    for (act, parts) in [
        (
            json("401 Unauthorized", r#"{"message":"Unauthenticated token-0123456789.","correlation_id":"c-1"}"#),
            &["HTTP 401 Unauthorized: Unauthenticated ***.", "Correlation id: c-1", "EXAMPLE_TOKEN (or API_TOKEN)"][..],
        ),
        (json("403 Forbidden", "{}"), &["HTTP 403 Forbidden", "permissions"]),
        (json("404 Not Found", r#"{"error":{"message":"No VM"}}"#), &["No VM", "get the current id"]),
        (json("409 Conflict", r#"{"error":"locked"}"#), &["locked", "current state"]),
        (
            json(
                "422 Unprocessable Content",
                r#"{"message":"Invalid.","errors":{"domain":["is taken","is odd"],"n":[1]}}"#,
            ),
            &["Invalid.\n- domain: is taken is odd\n- n: 1\n", "Correct the arguments"],
        ),
        (json("400 Bad Request", r#"{"errors":[{"field":"a","message":"b"}]}"#), &["- a: b"]),
        (json("418 Odd", "[1]"), &["HTTP 418", "[1]"]),
        (
            answer("500 Oops", "X-Request-Id: r-9\r\n", "token-0123456789"),
            &[
                "HTTP 500 Internal Server Error: ***",
                "Correlation id: r-9",
                "provider's side",
                "the change may have happened",
            ],
        ),
        (
            answer("500 Oops", "Content-Type: text/html\r\n", "<html><title> Broken </title>token-0123456789"),
            &[r#"an HTML page titled "Broken""#],
        ),
        (json("503 Busy", ""), &["HTTP 503 Service Unavailable", "Try again later."]),
        (answer("429 Slow", "Retry-After: 77\r\n", "{}"), &["Too many requests. Try again in 77 s."]),
        (json("304 Not Modified", ""), &["HTTP 304"]),
        (json("500 Long", &long), &["xxx…"]),
    ] {
        let mock = Mock::play(vec![act]);
        let error = execute(writing(), &mock).await.unwrap_err();
        assert!(matches!(error, CallError::Upstream(_)), "{error:?}");
        assert_tells(&error, parts);
        assert_eq!(mock.requests().len(), 1);
    }
}

#[tokio::test]
async fn only_harmless_and_free_calls_are_repeated() {
    let of = |effect, adapt: fn(&mut Review)| provider(effect, Method::Post, Answer::Json, adapt);
    let busy = || answer("503 Busy", "Retry-After: 0\r\n", "{}");
    let reset = || Act::AnswerAndClose(String::new());
    let good = || json("200 OK", "{}");
    for (provider, script, sent, succeeds) in [
        (of(Effect::Read, |_| {}), vec![busy(), reset(), good()], 3, true),
        (of(Effect::Read, |_| {}), vec![busy(), busy(), busy(), good()], 3, false),
        (of(Effect::Destructive, |review| review.idempotent = true), vec![answer("429 Slow", "", ""), good()], 2, true),
        (of(Effect::Read, |_| {}), vec![json("500 Oops", ""), good()], 1, false),
        (of(Effect::Read, |_| {}), vec![json("404 None", ""), good()], 1, false),
        (of(Effect::Write, |_| {}), vec![busy(), good()], 1, false),
        (of(Effect::Write, |_| {}), vec![reset(), good()], 1, false),
        (of(Effect::Read, |review| review.money = true), vec![busy(), good()], 1, false),
        (of(Effect::Write, |review| (review.money, review.idempotent) = (true, true)), vec![reset(), good()], 1, false),
    ] {
        let mock = Mock::play(script);
        let outcome = execute(provider, &mock).await;
        assert_eq!(outcome.is_ok(), succeeds, "{outcome:?}");
        assert_eq!(mock.requests().len(), sent, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_wait_beyond_the_time_limit_ends_the_call_at_once() {
    let mock = Mock::play(vec![answer("429 Slow", "Retry-After: 3600\r\n", "{}"), json("200 OK", "{}")]);
    let error = execute(reading(), &mock).await.unwrap_err();
    assert_tells(&error, &["HTTP 429", "Try again in 3600 s."]);
    assert_eq!(mock.requests().len(), 1);
}

#[tokio::test]
async fn redirects_stay_at_home() {
    let to = |status: &str, location: &str| answer(status, &format!("Location: {location}\r\n"), "");
    let elsewhere = Mock::play(vec![]);
    let mock = Mock::play(vec![to("302 Found", "/v2?x=1"), to("307 Temporary Redirect", "v3"), json("200 OK", "{}")]);
    assert!(execute(reading(), &mock).await.is_ok());
    let lines: Vec<String> = mock.requests().iter().map(|request| request.lines().next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["GET /v1 HTTP/1.1", "GET /v2?x=1 HTTP/1.1", "GET /v3 HTTP/1.1"]);

    let away = format!("{}/secret-path?token={}", elsewhere.url, fixture::TOKEN);
    for (provider, act, sent, parts) in [
        (
            reading(),
            to("302 Found", &away),
            1,
            &["HTTP 302", "was not followed", "the token only go to the configured base URL"][..],
        ),
        (reading(), to("301 Moved", "https://127.0.0.1/x"), 1, &["https://127.0.0.1"]),
        (reading(), to("302 Found", "http://user@[bad"), 1, &["does not say where to"]),
        (reading(), answer("302 Found", "", ""), 1, &["does not say where to"]),
        (reading(), to("302 Found", "/v1"), 6, &["HTTP 302", "too many in a row"]),
        (writing(), to("303 See Other", "/v2"), 1, &["HTTP 303", "only reading with GET", "may have happened"]),
    ] {
        let mock = Mock::play(vec![act; 10]);
        let error = execute(provider, &mock).await.unwrap_err();
        assert!(matches!(error, CallError::Redirected { .. }), "{error:?}");
        assert_tells(&error, parts);
        assert!(!error.to_string().contains("secret-path"), "{error}");
        assert_eq!(mock.requests().len(), sent);
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn unreachable_providers_are_named() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mute = Mock::play(vec![Act::AnswerAndClose("not http\r\n\r\n".into()); 3]);
    for (provider, url, parts) in [
        (writing(), format!("http://{closed}/p"), &["cannot be reached: the connection was refused"][..]),
        (writing(), "http://does-not-exist.invalid/p".to_owned(), &["http://does-not-exist.invalid cannot be found"]),
        (writing(), mute.url.clone(), &["broke the connection", "may have happened"]),
    ] {
        let error = execute_with(provider, fixture::settings(&url)).await.unwrap_err();
        assert!(matches!(error, CallError::Unreachable { .. }), "{error:?}");
        assert_tells(&error, parts);
    }
}

#[tokio::test]
async fn the_time_limit_covers_the_whole_call() {
    for (provider, script, note) in [
        (reading(), vec![Act::Hang], false),
        (writing(), vec![Act::Hang], true),
        (reading(), vec![Act::Answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".into())], false),
    ] {
        let mock = Mock::play(script);
        let settings = AccountSettings { timeout: Some(Duration::from_millis(200)), ..fixture::settings(&mock.url) };
        let error = execute_with(provider, settings).await.unwrap_err();
        assert!(matches!(error, CallError::Timeout { .. }), "{error:?}");
        assert_tells(&error, &["within 0.2 s", "--timeout", &mock.url]);
        assert_eq!(error.to_string().contains("may have happened"), note, "{error}");
    }
}

#[tokio::test]
async fn dropping_a_call_closes_the_connection() {
    let mock = Mock::play(vec![Act::Hang]);
    let executor = Executor::network(NetworkOptions::default());
    let call = fixture::call(writing(), "{}", fixture::settings(&mock.url));
    let task = tokio::spawn(async move { executor.execute(fixture::authorized(call)).await });
    while mock.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    tokio::task::spawn_blocking(move || mock.wait_for_close()).await.unwrap();
}

#[tokio::test]
async fn huge_answers_are_dropped() {
    let limit = send::BODY_LIMIT;
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", limit + 1);
    let unannounced = format!("HTTP/1.1 200 OK\r\n\r\n\"{}\"", "x".repeat(limit));
    for text in [announced, unannounced] {
        let error = execute(writing(), &Mock::play(vec![Act::AnswerAndClose(text)])).await.unwrap_err();
        assert!(matches!(error, CallError::TooLarge { .. }), "{error:?}");
        assert_tells(&error, &["larger than 32 MiB", "may have happened"]);
    }
}

#[tokio::test]
async fn a_missing_token_stops_the_call_and_not_the_simulation() {
    struct Recorder(Mutex<Vec<http::Request<Bytes>>>);
    impl Simulator for Recorder {
        fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
            self.0.lock().unwrap().push(request);
            http::Response::new(Bytes::from_static(b"{}"))
        }
    }
    let mock = Mock::play(vec![json("200 OK", "{}")]);
    let settings = || AccountSettings { token: None, ..fixture::settings(&mock.url) };
    let error = execute_with(writing(), settings()).await.unwrap_err();
    assert!(matches!(error, CallError::NoCredential { .. }), "{error:?}");
    assert_tells(&error, &["Set EXAMPLE_TOKEN (or API_TOKEN)", "nothing was sent", "https://example.com/tokens"]);
    assert!(mock.requests().is_empty());

    let recorder = Arc::new(Recorder(Mutex::default()));
    let executor = Executor::simulated(recorder.clone());
    let reply =
        executor.execute(fixture::authorized(fixture::call(writing(), r#"{"a":1}"#, settings()))).await.unwrap();
    assert_eq!(reply.body, "{}");
    assert_eq!(recorder.0.lock().unwrap()[0].body(), &Bytes::from_static(br#"{"a":1}"#));
}

#[tokio::test]
async fn requests_arrive_as_they_were_built() {
    let mock = Mock::play(vec![json("200 OK", "{}"); 2]);
    let executor = Executor::network(NetworkOptions::default());
    for arguments in [r#"{"a":9007199254740993}"#, "{}"] {
        let call = fixture::call(writing(), arguments, fixture::settings(&mock.url));
        executor.execute(fixture::authorized(call)).await.unwrap();
    }
    let requests = mock.requests();
    for part in [
        "POST /v1 HTTP/1.1\r\n",
        "authorization: Bearer token-0123456789\r\n",
        "content-type: application/json\r\n",
        "accept: application/json\r\n",
        "\r\n\r\n{\"a\":9007199254740993}",
    ] {
        assert!(requests[0].contains(part), "{part}: {}", requests[0]);
    }
    assert!(requests[1].contains("content-length: 0\r\n") && !requests[1].contains("content-type"), "{}", requests[1]);
}

#[tokio::test]
async fn unsafe_values_are_refused_before_anything_is_sent() {
    let mock = Mock::play(vec![]);
    let parameter = fixture::parameter("id", infra_mcp_model::Location::Path, infra_mcp_model::Style::Simple, false);
    let tool = fixture::tool("tool", fixture::operation(Method::Get, "/v1/{id}", vec![parameter], None));
    let call =
        fixture::call(fixture::provider(vec![("main", vec![tool])]), r#"{"id":".."}"#, fixture::settings(&mock.url));
    let error = Executor::network(NetworkOptions::default()).execute(fixture::authorized(call)).await.unwrap_err();
    assert_tells(&error, &["`id`", "Nothing was sent."]);
    assert!(mock.requests().is_empty());
}
