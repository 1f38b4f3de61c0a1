//! Signing in from a device (RFC 8628): a person agrees in a browser, and a token comes back.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use infra_mcp_model::DeviceLogin;
use serde_json::{Value, json};

use super::send::{deepest, outgoing};
use super::{Destination, Executor};
use crate::account::{Account, Secret};

/// How long to wait between two questions where the provider does not say (RFC 8628 section 3.2).
const INTERVAL: u64 = 5;

/// What is added to that when it asks for patience (section 3.5).
const SLOWER: u64 = 5;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the person has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The page to open.
    pub address: String,
    /// The code to compare or to type there.
    pub code: String,
}

/// Why there is no token, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoginError(String);

impl Executor {
    /// Asks for a token until the person has agreed, refused, or waited too long. `name` is what the provider calls this
    /// device; `show` tells the person what to do.
    ///
    /// # Errors
    /// If the provider cannot be reached, or gives no token.
    pub async fn sign_in(
        &self,
        account: &Account,
        login: &DeviceLogin,
        name: &str,
        show: impl FnOnce(&Prompt),
    ) -> Result<Secret, LoginError> {
        // The vendor takes 32 characters.
        let name: String = name.chars().take(32).collect();
        let begun = self.ask(account, &login.authorize, &json!({ "device_name": name })).await?;
        let text = |member: &str| begun.get(member).and_then(Value::as_str);
        let number = |member: &str, otherwise| begun.get(member).and_then(Value::as_u64).unwrap_or(otherwise);
        let (Some(device), Some(code), Some(address)) = (
            text("device_code"),
            text("user_code"),
            text("verification_uri_complete").or_else(|| text("verification_uri")),
        ) else {
            return Err(failed("it did not begin the login", &begun));
        };
        show(&Prompt { address: address.to_owned(), code: code.to_owned() });
        let mut interval = number("interval", INTERVAL);
        let mut left = number("expires_in", 600);
        while left > 0 {
            tokio::time::sleep(Duration::from_secs(interval)).await;
            left = left.saturating_sub(interval.max(1));
            let question = json!({ "grant_type": GRANT, "device_code": device });
            let answer = self.ask(account, &login.token, &question).await?;
            if let Some(token) = answer.get("access_token").and_then(Value::as_str) {
                return Ok(Secret::new(token));
            }
            match answer.get("error").and_then(Value::as_str) {
                Some("authorization_pending") => {}
                Some("slow_down") => interval += SLOWER,
                Some("access_denied") => return Err(LoginError("The login was refused in the browser.".to_owned())),
                Some("expired_token") => break,
                _ => return Err(failed("it gave no token", &answer)),
            }
        }
        Err(LoginError("Nobody agreed in time. Start the login again.".to_owned()))
    }

    /// The JSON that answers, whatever its status.
    async fn ask(&self, account: &Account, path: &str, body: &Value) -> Result<Value, LoginError> {
        let mut request = Request::new(Bytes::from(body.to_string()));
        *request.method_mut() = Method::POST;
        let target = format!("{}{path}", account.base());
        *request.uri_mut() = target.parse().map_err(|_| LoginError(format!("{target} is no address.")))?;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json.clone());
        request.headers_mut().insert(ACCEPT, json);
        request.headers_mut().extend(account.headers().get(USER_AGENT).cloned().map(|agent| (USER_AGENT, agent)));
        let unreached = |problem: String| LoginError(format!("{} cannot be reached: {problem}", account.base_url()));
        let answer = match &self.destination {
            Destination::Simulated(simulator) => simulator.answer(request).into_body(),
            Destination::Network(network) => {
                let client = network.client().map_err(|error| LoginError(error.to_string()))?;
                let request = outgoing(request).map_err(|error| LoginError(error.to_string()))?;
                let answer = client.execute(request).await.map_err(|error| unreached(deepest(&error)))?;
                answer.bytes().await.map_err(|error| unreached(deepest(&error)))?
            }
        };
        serde_json::from_slice(&answer).map_err(|_| unreached("what answers is not its API.".to_owned()))
    }
}

/// An error in the words of OAuth; nothing else of the answer is repeated.
fn failed(what: &str, answer: &Value) -> LoginError {
    let words = ["error_description", "error", "detail", "message"];
    let said = words.iter().find_map(|name| answer.get(*name)?.as_str()).unwrap_or("no reason");
    LoginError(format!("The provider answered, but {what}: {said}"))
}
