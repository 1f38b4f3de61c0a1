//! Signing in from a device (RFC 8628): asked twice too early, then a token.

use super::access::REST_TOKEN;
use super::{State, json_answer, text_of};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How often a person is too slow.
const PENDING: u32 = 2;

/// Logins under way: device code, name of the device, how often it was asked for.
#[derive(Default)]
pub(super) struct Logins(Vec<(String, String, u32)>);

pub(super) fn answer(state: &mut State, request: &Request<Bytes>, base: &str) -> Response<Bytes> {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let failed = |error: &str| json_answer(StatusCode::BAD_REQUEST, &json!({ "error": error }));
    match (request.method().as_str(), request.uri().path()) {
        ("POST", "/v1/oauth/device/authorize") => {
            let name = text_of(&body, "device_name");
            if name.chars().count() > 32 {
                return failed("invalid_request");
            }
            let code = state.next("device-");
            state.logins.0.push((code.clone(), name.to_owned(), 0));
            json_answer(
                StatusCode::OK,
                &json!({
                    "device_code": code, "user_code": "ABCDEF123456", "verification_uri": format!("{base}/device"),
                    "expires_in": 600, "interval": 1,
                }),
            )
        }
        ("POST", "/v1/oauth/token") if text_of(&body, "grant_type") != GRANT => failed("unsupported_grant_type"),
        ("POST", "/v1/oauth/token") => {
            let code = text_of(&body, "device_code");
            match state.logins.0.iter_mut().find(|(known, ..)| known == code) {
                None => failed("invalid_grant"),
                Some((_, name, _)) if name == "deny" => failed("access_denied"),
                Some((_, name, _)) if name == "expire" => failed("expired_token"),
                Some((_, _, asked)) if *asked < PENDING => {
                    *asked += 1;
                    failed("authorization_pending")
                }
                Some(_) => {
                    let token = json!({ "access_token": REST_TOKEN, "token_type": "Bearer" });
                    json_answer(StatusCode::OK, &token)
                }
            }
        }
        _ => json_answer(StatusCode::NOT_FOUND, &json!({ "detail": "Not found." })),
    }
}
