//! Sessions that user name and password open.

use infra_mcp_model::{Authentication, SessionLogin};

use super::*;
use crate::account::Secret;

const PASSWORD: &str = "correct-horse";

/// A provider whose tool is `GET /api/v1`, and a call of it by user name and password.
fn call(url: &str) -> Authorized<Call> {
    let mut provider = reading().clone();
    provider.authentication = Authentication::Session(SessionLogin {
        cookie: "token".into(),
        path: "/sys/tokens".into(),
        token: "$key".into(),
    });
    let mut settings = fixture::settings(&format!("{url}/api"));
    settings.token = None;
    settings.user = Some(("ada".to_owned(), Secret::new(PASSWORD)));
    fixture::authorized(fixture::call(Box::leak(Box::new(provider)), "{}", settings))
}

/// The same account again.
fn again(call: &Authorized<Call>) -> Authorized<Call> {
    let call = call.call();
    let (account, caller) = (Arc::clone(&call.account), call.caller.clone());
    let arguments = crate::arguments::Arguments::validate(call.entry.tool, serde_json::Map::new()).unwrap();
    fixture::authorized(Call { entry: call.entry, arguments, account, caller })
}

/// A system whose newest token alone is taken. Every token that is opened makes the one before worthless.
fn system(opened: &'static Mutex<u32>) -> Mock {
    Mock::judge(move |request| {
        let mut opened = opened.lock().unwrap();
        if request.starts_with("POST /sys/tokens ") {
            let body = format!(r#"{{"login":"ada","password":"{PASSWORD}"}}"#);
            assert!(request.ends_with(&body) && request.to_lowercase().contains("authorization: basic "), "{request}");
            *opened += 1;
            return json("201 Created", &format!(r#"{{"$key":"session-token-{opened}"}}"#));
        }
        assert!(!request.to_lowercase().contains("authorization:"), "{request}");
        let current = format!("cookie: token=session-token-{opened}\r\n");
        match request.to_lowercase().contains(&current) {
            true => json("200 OK", &format!(r#"{{"seen":"session-token-{opened}"}}"#)),
            false => json("401 Unauthorized", r#"{"err":"session is gone"}"#),
        }
    })
}

fn counter() -> &'static Mutex<u32> {
    Box::leak(Box::new(Mutex::new(0)))
}

#[tokio::test]
async fn concurrent_first_calls_open_one_session_and_one_that_ended_is_opened_again() {
    let opened = counter();
    let mock = system(opened);
    let executor = Executor::network(NetworkOptions::default());
    let first = call(&mock.url);
    let calls = (0..8).map(|_| executor.execute(again(&first)));
    for reply in futures_util::future::join_all(calls).await {
        // The token never comes back, wherever it stands.
        assert_eq!(reply.unwrap().body, r#"{"seen":"***"}"#);
    }
    assert_eq!(*opened.lock().unwrap(), 1);
    // Somebody else signs in, and the session is over.
    *opened.lock().unwrap() += 1;
    let calls = (0..8).map(|_| executor.execute(again(&first)));
    for reply in futures_util::future::join_all(calls).await {
        reply.unwrap();
    }
    assert_eq!(*opened.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_a_refused_password_is_told() {
    for (sign_in, requests, told) in [
        (json("201 Created", r#"{"$key":7}"#), 4, "did not take"),
        (json("401 Unauthorized", r#"{"err":"wrong password"}"#), 1, "wrong password"),
        (json("200 OK", "<html>"), 1, "signing in gave no token"),
    ] {
        let mock = Mock::judge(move |request| match request.starts_with("POST /sys/tokens ") {
            true => sign_in.clone(),
            false => json("401 Unauthorized", r#"{"err":"did not take it"}"#),
        });
        let executor = Executor::network(NetworkOptions::default());
        let error = executor.execute(call(&mock.url)).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error}");
        assert_eq!(mock.requests().len(), requests, "{told}");
    }
}
