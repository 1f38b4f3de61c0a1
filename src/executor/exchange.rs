//! One request of a call, and everything that decides how it is sent.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use infra_mcp_model::Operation;
use serde_json::{Map, Value};

use super::request::{self, BuildError};
use super::{changes, retry};
use crate::call::Call;
use crate::error::CallError;

/// One request of a call. Most calls have no other; those of composite tools have several, one after the other.
pub(super) struct Exchange<'c> {
    /// On whose behalf.
    pub(super) call: &'c Call,
    /// What is asked for.
    pub(super) operation: &'c Operation,
    /// The values of the operation, by argument.
    pub(super) values: &'c Map<String, Value>,
    /// Whether it does no harm to send it again.
    pub(super) repeatable: bool,
    /// Whether something may have changed once it was sent.
    pub(super) changes: bool,
    /// How long it may take, repetitions included.
    pub(super) patience: Duration,
}

impl<'c> Exchange<'c> {
    /// The one request of a plain call.
    pub(super) fn of(call: &'c Call) -> Result<Self, CallError> {
        let Some(operation) = call.entry.tool.operation() else {
            let problem = format!("this build cannot carry out {}.", call.entry.tool.name);
            return Err(CallError::Client { problem });
        };
        Ok(Self {
            call,
            operation,
            values: call.arguments.as_map(),
            repeatable: retry::repeatable(call),
            changes: changes(call),
            patience: call.account.timeout(),
        })
    }

    /// The finished request.
    pub(super) fn request(&self) -> Result<Request<Bytes>, BuildError> {
        request::build_step(self.call, self.operation, self.values)
    }
}
