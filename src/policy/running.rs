//! Changes that are on their way, one at a time on each resource of a toolset that asks for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use infra_mcp_model::Effect;

use super::danger_of;
use crate::call::Call;

/// The resources that are being changed.
#[derive(Debug, Clone, Default)]
pub(super) struct Running(Arc<Mutex<HashSet<String>>>);

/// A resource that nobody else may change. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Claim {
    resource: String,
    running: Running,
}

impl Running {
    /// Claims the resource of the call, if its toolset asks for that and the call may change something.
    ///
    /// # Errors
    /// If another call has claimed it.
    pub(super) fn claim(&self, call: &Call) -> Result<Option<Claim>, Busy> {
        let exclusive = &call.entry.provider.exclusive;
        if danger_of(call).effect == Effect::Read || !exclusive.contains(&call.entry.tool.toolset) {
            return Ok(None);
        }
        let Some(resource) = call.resource() else { return Ok(None) };
        match self.lock().insert(resource.clone()) {
            true => Ok(Some(Claim { resource, running: self.clone() })),
            false => Err(Busy),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Another change of the resource is still running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

impl Drop for Claim {
    fn drop(&mut self) {
        self.running.lock().remove(&self.resource);
    }
}
