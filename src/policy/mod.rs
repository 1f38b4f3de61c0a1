//! Pure judgement before execution. Only a call that passed it can be executed.
//!
//! [`Authorized`] has no public constructor, so leaving the gate out does not compile:
//!
//! ```compile_fail,E0423
//! # fn skip(call: infra_mcp::call::Call) -> infra_mcp::policy::Authorized<infra_mcp::call::Call> {
//! infra_mcp::policy::Authorized(call)
//! # }
//! ```

mod effect;
mod limits;
mod protection;
mod refusal;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Instant;

use infra_mcp_model::{Access, Danger};
use serde_json::Value;

use crate::call::Call;

pub use effect::effect_of;
pub use limits::{Limits, PerMinute, Usage};
pub use protection::Protection;
pub use refusal::{Code, Limited, Objection, Refusal};
pub use rules::{PolicyFile, Rule};

/// What calls are judged by. The default allows everything that its provider's description allows.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// How far calls may go; what each provider's description says where nothing is given.
    pub access: Option<Access>,
    /// What the operator decided about single tools, by name.
    pub rules: HashMap<String, Rule>,
    /// What no write may touch.
    pub protection: Protection,
    /// How many calls in how much time.
    pub limits: Limits,
}

/// Proof that policy allowed what is inside.
#[derive(Debug)]
pub struct Authorized<T>(T);

impl Authorized<Call> {
    /// The call that may be executed.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.0
    }
}

/// The danger of this very call: the facts of its tool, with the effect that its arguments give it.
#[must_use]
pub fn danger_of(call: &Call) -> Danger {
    let tool = call.entry.tool;
    Danger { effect: effect_of(tool, &call.arguments), ..Danger::of(&tool.review) }
}

/// What is known of the world when a call is judged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Snapshot<'a> {
    /// The resource that the call acts on, as it is now; none where no read shows it or the read failed.
    pub resource: Option<&'a Value>,
}

impl Policy {
    /// Whether the call can be judged only with the resource at hand.
    #[must_use]
    pub fn must_see_resource(&self, call: &Call) -> bool {
        self.protection.concerns(&call.entry.provider.name) && !danger_of(call).is_none()
    }

    /// Allows the call or says why not. The rules are asked in this order, and the first that objects decides:
    /// access, scope, the operator's rule for the tool, protected resources, rate.
    ///
    /// # Errors
    /// If the policy does not allow it.
    pub fn judge(
        &self,
        call: Call,
        snapshot: Snapshot<'_>,
        usage: &Usage,
        now: Instant,
    ) -> Result<Authorized<Call>, Refusal> {
        let objection = self.objection(&call, snapshot).or_else(|| self.too_many(&call, usage, now));
        match objection {
            Some(objection) => Err(Refusal { tool: call.entry.tool.name.clone(), objection }),
            None => Ok(Authorized(call)),
        }
    }

    fn objection(&self, call: &Call, snapshot: Snapshot<'_>) -> Option<Objection> {
        let grant = call.caller.principal.grant();
        let danger = danger_of(call);
        let access = self.access.unwrap_or(call.entry.provider.default_access);
        let access = if grant.read_only { Access::Read } else { access };
        if !access.permits(danger) {
            return Some(Objection::Access(access, danger));
        }
        if let Some(scope) = grant.lacking(&call.entry) {
            return Some(Objection::Scope(scope));
        }
        if self.rules.get(call.entry.tool.name.as_ref()) == Some(&Rule::Block) {
            return Some(Objection::Blocked);
        }
        if danger.is_none() { None } else { self.protected(call, snapshot) }
    }

    fn protected(&self, call: &Call, snapshot: Snapshot<'_>) -> Option<Objection> {
        let provider = &call.entry.provider.name;
        if !self.protection.concerns(provider) {
            return None;
        }
        if let Some(pattern) = self.protection.named(provider, call.arguments.as_map()) {
            return Some(Objection::Protected(pattern.to_owned()));
        }
        match snapshot.resource {
            Some(resource) => {
                self.protection.covers(provider, resource).map(|pattern| Objection::Protected(pattern.to_owned()))
            }
            // A resource that there is a way to look at, and that was not seen, may be any.
            None => (!call.entry.tool.preview.is_empty()).then_some(Objection::Unseen),
        }
    }

    fn too_many(&self, call: &Call, usage: &Usage, now: Instant) -> Option<Objection> {
        let writes = !danger_of(call).is_none();
        let resource = call.resource();
        let taken = usage.take(&self.limits, writes, call.caller.principal.id(), resource.as_deref(), now);
        taken.err().map(|(limited, wait)| Objection::Rate(limited, wait))
    }
}
