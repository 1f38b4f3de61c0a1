//! A Hostodo with state: the MCP endpoint with its safety model, storage behind presigned addresses, and the REST API.
//!
//! What the vendor documents is kept to; what nothing settles is assumed, and the relay does not depend on it. Time is
//! the clock of the sandbox, so a command of an hour costs nobody an hour of computing.

mod access;
mod commands;
mod guest;
mod login;
mod machines;
mod mcp;
mod money;
mod refusal;
mod rest;
#[cfg(test)]
mod tests;
mod uploads;

use super::clock::{Clock, Timestamp};
use crate::executor::Simulator;
use access::{Audit, OWNER_TOKEN, REST_TOKEN, Rates, STAFF_TOKEN, Switches};
use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use infra_mcp_model::{Provider, Tool};
use refusal::Refusal;
use ring::{digest, hmac, rand};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// The simulated provider.
pub(super) struct Hostodo {
    /// The tools of the MCP endpoint.
    tools: Vec<Tool>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Requests without a credential are the owner's.
    at_home: bool,
}

/// Everything that changes.
struct State {
    machines: Vec<machines::Machine>,
    commands: Vec<commands::Command>,
    slots: Vec<uploads::Slot>,
    accounts: money::Accounts,
    logins: login::Logins,
    rates: Rates,
    audit: Audit,
    switches: Switches,
    key: hmac::Key,
    counter: u32,
}

impl State {
    /// A name that nothing else has.
    fn next(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:06}", self.counter)
    }

    /// The machine that a call is about; none where it is about no machine.
    fn machine_of(&self, given: &Map<String, Value>, customer: u32, tool: &str) -> Result<Option<usize>, Refusal> {
        let text = |name: &str| given.get(name).and_then(Value::as_str);
        match (text("vm_id"), text("artifact_id").filter(|_| tool == "hostodo_install_artifact")) {
            (Some(reference), _) => machines::find(&self.machines, customer, reference).map(Some),
            (None, Some(artifact)) => {
                let slot = self.slots.iter().find(|slot| slot.id == artifact);
                let slot = slot.ok_or_else(|| refusal::invalid("There is no such artifact."))?;
                machines::find(&self.machines, customer, &slot.vm_id).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    fn end_commands(&mut self, vm_id: &str, status: &'static str, now: Timestamp) {
        self.commands.iter_mut().filter(|command| command.vm_id == vm_id).for_each(|command| command.end(status, now));
    }
}

impl Hostodo {
    /// `at_home`: a request without a credential counts as the owner's.
    pub(super) fn new(provider: &'static Provider, clock: Arc<dyn Clock>, at_home: bool) -> Self {
        let now = clock.now();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        let state = State {
            machines: machines::estate(now),
            commands: Vec::new(),
            slots: Vec::new(),
            accounts: money::Accounts::new(now),
            logins: login::Logins::default(),
            rates: Rates::default(),
            audit: Audit::default(),
            switches: Switches::default(),
            // The system has randomness, or no token of this program could be trusted.
            key: key.expect("the system gives random numbers"),
            counter: 0,
        };
        Self { tools: mcp::tools(provider), clock, state: Mutex::new(state), at_home }
    }

    fn credential<'r>(&self, headers: &'r HeaderMap, owners: &'static str) -> Option<std::borrow::Cow<'r, str>> {
        match headers.get(AUTHORIZATION) {
            Some(value) => value.to_str().ok().map(Into::into),
            None => self.at_home.then(|| format!("Bearer {owners}").into()),
        }
    }

    fn mcp(&self, state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
        if request.method() != Method::POST {
            let mut answer = json_answer(StatusCode::METHOD_NOT_ALLOWED, &json!({}));
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return answer;
        }
        if state.switches.mcp {
            let refused = refusal::refuse("mcp_disabled", "MCP is switched off for the time being.");
            return json_answer(StatusCode::SERVICE_UNAVAILABLE, &refused.to_json());
        }
        let token = match mcp::admitted(self.credential(request.headers(), OWNER_TOKEN).as_deref()) {
            Ok(token) => token,
            Err(body) => {
                let mut answer = json_answer(StatusCode::UNAUTHORIZED, &body);
                answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                return answer;
            }
        };
        let base = base(request);
        let with = mcp::Message { token, base: &base, now: self.clock.now() };
        let Some(message) = mcp::answer(state, &self.tools, request.body(), &with) else {
            return status(StatusCode::ACCEPTED);
        };
        let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
        if accept.contains("text/event-stream") && !accept.contains("application/json") && !accept.contains("*/*") {
            let mut answer = Response::new(Bytes::from(format!("event: message\ndata: {message}\n\n")));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            return answer;
        }
        json_answer(StatusCode::OK, &message)
    }

    fn storage(&self, state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
        let id = request.uri().path().trim_start_matches("/storage/");
        let query = request.uri().query().unwrap_or_default();
        let State { slots, key, .. } = state;
        status(match slots.iter_mut().find(|slot| slot.id == id) {
            None => StatusCode::FORBIDDEN,
            Some(_) if request.method() != Method::PUT => StatusCode::METHOD_NOT_ALLOWED,
            Some(slot) => slot.upload(query, request.headers(), request.body().clone(), key, self.clock.now()),
        })
    }

    /// What the staff of the provider do: `PUT /staff/switches/mcp` with `{"on": true}`, `GET /staff/audit`.
    fn staff(&self, state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
        let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if shown.and_then(|shown| shown.strip_prefix("Bearer ")) != Some(STAFF_TOKEN) {
            return status(StatusCode::UNAUTHORIZED);
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let on = body.get("on") == Some(&Value::Bool(true));
        match (request.method().as_str(), request.uri().path()) {
            ("PUT", "/staff/switches/mcp") => state.switches.mcp = on,
            ("PUT", "/staff/switches/exec") => state.switches.exec = on,
            ("PUT", path) => {
                let id = path.trim_start_matches("/staff/machines/");
                let machine = state.machines.iter_mut().find(|machine| machine.id == id);
                let Some(machine) = machine else { return status(StatusCode::NOT_FOUND) };
                machine.held_off = on;
            }
            ("GET", "/staff/audit") => return json_answer(StatusCode::OK, &state.audit.events()),
            _ => return status(StatusCode::NOT_FOUND),
        }
        status(StatusCode::NO_CONTENT)
    }
}

impl Simulator for Hostodo {
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        match request.uri().path() {
            "/mcp" => self.mcp(state, &request),
            path if path.starts_with("/storage/") => self.storage(state, &request),
            path if path.starts_with("/staff/") => self.staff(state, &request),
            path if path.starts_with("/v1/oauth/") => login::answer(state, &request, &base(&request)),
            _ => {
                let shown = self.credential(request.headers(), REST_TOKEN);
                let (code, body) = match shown.as_deref().and_then(|shown| shown.strip_prefix("Bearer ")) {
                    Some(REST_TOKEN) => rest::answer(state, &request, self.clock.now()),
                    Some("sandbox-revoked") => rest::failure(401, "This session was revoked."),
                    _ => rest::failure(401, "Authentication credentials were not accepted."),
                };
                match body {
                    Value::Null => status(code),
                    body => json_answer(code, &body),
                }
            }
        }
    }
}

/// Scheme and host of this server, as the request has them.
fn base(request: &Request<Bytes>) -> String {
    let scheme = request.uri().scheme_str().unwrap_or("http");
    let host = request.uri().authority().map(http::uri::Authority::as_str);
    let named = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    format!("{scheme}://{}", host.or_else(named).unwrap_or("hostodo.sandbox.invalid"))
}

fn status(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn text_of<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
