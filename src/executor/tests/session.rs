//! Sessions that user name and password open.

use infra_mcp_model::{Authentication, SessionLogin};

use super::*;
use crate::account::Secret;

const PASSWORD: &str = "correct-horse";

/// A provider whose tool is `GET /api/v1`.
fn signing_in() -> &'static Provider {
    let mut provider = reading().clone();
    provider.authentication = Authentication::Session(SessionLogin {
        cookie: "token".into(),
        path: "/sys/tokens".into(),
        token: "$key".into(),
    });
    Box::leak(Box::new(provider))
}

/// A call of it by user name and password.
fn call(url: &str) -> Authorized<Call> {
    let mut settings = fixture::settings(&format!("{url}/api"));
    settings.token = None;
    settings.user = Some(("ada".to_owned(), Secret::new(PASSWORD)));
    fixture::authorized(fixture::call(signing_in(), "{}", settings))
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

/// The documents know keys, which go as bearer tokens, and tokens of sessions, which go in a cookie.
#[tokio::test]
async fn a_given_token_is_sent_the_way_that_is_accepted() {
    const KEY: &str = "given-token-1";
    for (accepted, first, later) in [
        ("authorization: bearer given-token-1\r\n", 1, 1),
        ("cookie: token=given-token-1\r\n", 2, 1),
        ("neither of them", 2, 2),
    ] {
        let mock = Mock::judge(move |request| match request.to_lowercase().contains(accepted) {
            true => json("200 OK", &format!(r#"{{"seen":"{KEY}"}}"#)),
            false => json("401 Unauthorized", r#"{"err":"not this one"}"#),
        });
        let mut settings = fixture::settings(&format!("{}/api", mock.url));
        settings.token = Some(Secret::new(KEY));
        let by_token = fixture::authorized(fixture::call(signing_in(), "{}", settings));
        let executor = Executor::network(NetworkOptions::default());
        for requests in [first, later] {
            let before = mock.requests().len();
            match executor.execute(again(&by_token)).await {
                Ok(reply) => assert_eq!(reply.body, r#"{"seen":"***"}"#),
                Err(error) => assert!(accepted.starts_with("neither") && error.to_string().contains("401"), "{error}"),
            }
            assert_eq!(mock.requests().len() - before, requests, "{accepted}");
        }
    }
}
