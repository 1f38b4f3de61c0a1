//! Who may do what: tokens with scopes, switches of the staff, limits of rate, and the log of it.

use super::refusal::{Refusal, refuse};
use crate::sandbox::clock::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// A token of the simulation. They are fixed, so that a person can paste them.
pub(super) struct Token {
    pub(super) text: &'static str,
    /// Whose it is.
    pub(super) customer: u32,
    pub(super) scopes: &'static [&'static str],
    /// Whether it is accepted at all.
    valid: bool,
}

const READ: &[&str] = &["vms:read"];
const POWER: &[&str] = &["vms:read", "vms:power"];
const EXEC: &[&str] = &["vms:read", "vms:exec"];
const ALL: &[&str] = &["vms:read", "vms:power", "vms:exec", "account:read"];

const TOKENS: [Token; 7] = [
    Token { text: "sandbox-all", customer: 1, scopes: ALL, valid: true },
    Token { text: "sandbox-read", customer: 1, scopes: READ, valid: true },
    Token { text: "sandbox-power", customer: 1, scopes: POWER, valid: true },
    Token { text: "sandbox-exec", customer: 1, scopes: EXEC, valid: true },
    Token { text: "sandbox-other", customer: 2, scopes: ALL, valid: true },
    Token { text: "sandbox-expired", customer: 1, scopes: ALL, valid: false },
    Token { text: "sandbox-revoked", customer: 1, scopes: ALL, valid: false },
];

/// The token of the REST API.
pub(super) const REST_TOKEN: &str = "sandbox-rest";

/// The token of the MCP endpoint that reaches everything of the first customer.
pub(super) const OWNER_TOKEN: &str = "sandbox-all";

/// The token of the staff.
pub(super) const STAFF_TOKEN: &str = "sandbox-staff";

/// The token that a request shows, if it is accepted.
pub(super) fn token(authorization: Option<&str>) -> Option<&'static Token> {
    let shown = authorization?.strip_prefix("Bearer ")?;
    TOKENS.iter().find(|token| token.valid && token.text == shown)
}

/// What the staff can stop, read anew by every request.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Switches {
    pub(super) mcp: bool,
    pub(super) exec: bool,
}

/// What a limit counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Counted {
    Customer(u32),
    Machine(String),
    /// Commands and installations on one machine.
    Work(String),
}

impl Counted {
    /// How many a minute.
    const fn most(&self) -> usize {
        match self {
            Self::Customer(_) => 120,
            Self::Machine(_) => 30,
            Self::Work(_) => 10,
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// Calls of the last minute.
#[derive(Debug, Default)]
pub(super) struct Rates(Vec<(Timestamp, Counted)>);

impl Rates {
    /// Counts a call, or says how long to wait.
    pub(super) fn take(&mut self, counted: Counted, now: Timestamp) -> Result<(), Refusal> {
        self.0.retain(|(at, _)| now.since(*at) < MINUTE);
        let earlier: Vec<Timestamp> = self.0.iter().filter(|(_, known)| *known == counted).map(|(at, _)| *at).collect();
        if earlier.len() >= counted.most() {
            let wait = (MINUTE - now.since(earlier[0])).as_secs().max(1);
            let refused = refuse("rate_limited", "Too many calls in one minute.");
            return Err(refused.with("retry_after_seconds", json!(wait)));
        }
        self.0.push((now, counted));
        Ok(())
    }
}

/// Events, oldest first.
#[derive(Debug, Default)]
pub(super) struct Audit(Vec<Value>);

impl Audit {
    pub(super) fn keep(&mut self, token: &Token, tool: &str, vm_id: Option<&str>, result: &str, at: Timestamp) {
        self.0.push(json!({
            "id": self.0.len() + 1, "at": at, "user": format!("user-{}", token.customer), "customer": token.customer,
            "session": token.text, "tool": tool, "vm_id": vm_id, "result": result, "ip": "192.0.2.7",
        }));
    }

    pub(super) fn events(&self) -> Value {
        json!({ "events": self.0 })
    }
}
