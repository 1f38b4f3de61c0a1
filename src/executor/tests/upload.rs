//! Files on their way to storage, against a server that writes down what it is sent.

use std::path::Path;
use std::time::Duration;

use infra_mcp_model::{Binding, Composite, Effect, LocalFile, Method, Provider, Tool};
use serde::Deserialize;
use serde_json::json;

use super::mock::{Act, Mock, answer};
use crate::account::AccountSettings;
use crate::call::{Caller, Listener};
use crate::error::CallError;
use crate::executor::{CompositeTool, Executor, LocalFiles, NetworkOptions, SendsFile, fixture};

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[derive(Deserialize)]
struct Send {}

impl CompositeTool for Send {
    const NAME: &'static str = "tool";
    const DEFAULTS: &'static str = "{}";
}

impl SendsFile for Send {}

fn provider() -> &'static Provider {
    let composite = Composite {
        operations: vec![].into(),
        relayed: vec![].into(),
        pages: vec![].into(),
        arguments: vec!["path".into(), "sha256".into(), "size_bytes".into()].into(),
        resource: "".into(),
        file: Some(LocalFile { argument: "path".into(), max_bytes: 100 }),
    };
    let operation = fixture::operation(Method::Get, "/", vec![], None);
    let review = fixture::review(Effect::Write);
    let tool = Tool { binding: Binding::Composite(composite), review, ..fixture::tool("tool", operation) };
    fixture::provider(vec![("main", vec![tool])])
}

/// Sends the file `a` of this directory, which was `abc` when the call was judged.
async fn put(directory: &Path, base: &str, address: &str, listener: Option<Listener>) -> Result<(), CallError> {
    let files = LocalFiles::below(&[directory.to_owned()]).unwrap();
    let executor = Executor::network(NetworkOptions::default()).with_files(files);
    let settings = AccountSettings { timeout: Some(Duration::from_millis(500)), ..fixture::settings(base) };
    let arguments = json!({"path": "a", "sha256": ABC, "size_bytes": 3}).to_string();
    let mut call = fixture::call(provider(), &arguments, settings);
    call.caller = Caller { listener, ..Caller::local(None) };
    executor.begin(fixture::authorized(call)).steps::<Send>().put_file(address).await
}

#[tokio::test]
async fn a_file_arrives_as_it_is_and_no_credential_with_it() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a"), "abc").unwrap();
    let mock = Mock::judge(|_| answer("200 OK", "", ""));
    let (listener, mut heard) = Listener::new();
    put(directory.path(), &mock.url, &format!("{}/slot?signature=s", mock.url), Some(listener)).await.unwrap();
    let told = heard.try_recv().unwrap();
    assert_eq!((told.done, told.total), (3.0, Some(3.0)));
    let [request] = &mock.requests()[..] else { panic!("one request") };
    let head = request.to_ascii_lowercase();
    assert!(request.starts_with("PUT /slot?signature=s HTTP/1.1\r\n") && request.ends_with("\r\n\r\nabc"), "{request}");
    assert!(head.contains("content-type: application/octet-stream\r\n"), "{head}");
    assert!(head.contains("content-length: 3\r\n") && !head.contains("transfer-encoding"), "{head}");
    assert!(!head.contains("authorization") && !head.contains(fixture::TOKEN), "{head}");
}

#[tokio::test]
async fn what_storage_says_is_told_and_nothing_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a"), "abc").unwrap();
    for (act, expected) in [
        (answer("403 Forbidden", "", "<Error>Request has expired</Error>"), "HTTP 403 It begins: <Error>Request has"),
        (answer("307 Temporary Redirect", "Location: http://127.0.0.1:9/\r\n", ""), "HTTP 307"),
        (answer("503 Slow Down", "", ""), "HTTP 503"),
        (Act::AnswerAndClose(String::new()), "closed or broke the connection"),
        (Act::Hang, "No answer from"),
    ] {
        let mock = Mock::judge(move |_| act.clone());
        let error = put(directory.path(), &mock.url, &format!("{}/slot?signature=s", mock.url), None).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("signature"), "{error}");
        assert!(!error.contains("may have happened"), "nothing is installed by that: {error}");
    }
}

#[tokio::test]
async fn a_file_that_has_changed_does_not_arrive() {
    let directory = tempfile::tempdir().unwrap();
    for content in ["abd", "ab", ""] {
        std::fs::write(directory.path().join("a"), content).unwrap();
        let mock = Mock::judge(|_| answer("200 OK", "", ""));
        let error = put(directory.path(), &mock.url, &format!("{}/slot", mock.url), None).await.unwrap_err();
        assert!(error.to_string().contains("The file has changed"), "{error}");
        assert!(mock.requests().is_empty(), "no whole request");
    }
}

#[tokio::test]
async fn a_file_goes_to_who_named_the_place_or_by_tls_to_a_name() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a"), "abc").unwrap();
    let mock = Mock::judge(|_| answer("200 OK", "", ""));
    let other = mock.url.replace("127.0.0.1", "localhost");
    for address in [
        other.as_str(),
        "http://storage.example.com/slot",
        "https://127.0.0.1/slot",
        "https://[::1]/slot",
        "https://2130706433/slot",
        "https://localhost/slot",
        "https://user:secret@storage.example.com/slot",
        "file:///etc/passwd",
        "slot",
        "",
    ] {
        let error = put(directory.path(), &mock.url, address, None).await.unwrap_err();
        assert!(matches!(error, CallError::Unmet { .. }), "{address}: {error}");
        assert!(error.to_string().contains("no place where a file may go"), "{address}: {error}");
    }
    assert!(mock.requests().is_empty());
    // `.invalid` has no address: that it is looked for is all that can be seen here.
    let error = put(directory.path(), &mock.url, "https://storage.invalid/slot", None).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a"), "abc").unwrap();
    let url = super::tls::serve();
    let error = put(directory.path(), &url, &format!("{url}/slot"), None).await.unwrap_err().to_string();
    assert!(error.starts_with("Nothing was sent: no trusted connection"), "{error}");
}
