//! What the server reads of its own accord on the way of a call. The read is a call on the same way, and nothing that
//! does more than read passes.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Server;
use crate::account::Account;
use crate::arguments::Arguments;
use crate::call::{Call, Caller};
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::executor::Reply;
use crate::providers;

impl Server {
    /// Carries out a read that nobody asked for, if policy lets it.
    pub(super) async fn look(&self, read: Call) -> Result<Reply, CallError> {
        providers::carry_out(&self.executor, self.gate.admit_look(read).map_err(CallError::Refused)?).await
    }
}

/// A read that nobody asked for.
pub(super) fn reading(
    entry: Entry,
    account: &Arc<Account>,
    arguments: Map<String, Value>,
    caller: Caller,
) -> Result<Call, CallError> {
    let arguments = Arguments::validate(entry.tool, arguments).map_err(CallError::Arguments)?;
    Ok(Call { entry, arguments, account: Arc::clone(account), caller })
}

/// What an answer says.
pub(super) fn json(entry: Entry, reply: &Reply) -> Result<Value, CallError> {
    serde_json::from_str(&reply.body).map_err(|_| CallError::Undecodable {
        status: reply.status,
        problem: format!("{} gave no JSON.", entry.tool.name),
        excerpt: String::new(),
        unsettled: false,
    })
}
