//! Pure judgement before execution. Only a call that passed it can be executed.
//!
//! [`Authorized`] has no public field and no public constructor, so leaving the gate out does not compile:
//!
//! ```compile_fail,E0451
//! # fn skip(call: infra_mcp::call::Call) -> infra_mcp::policy::Authorized<infra_mcp::call::Call> {
//! infra_mcp::policy::Authorized { call, _claim: None }
//! # }
//! ```

mod approval;
mod effect;
mod gate;
mod limits;
mod phrase;
mod protection;
mod refusal;
mod rules;
mod running;
mod switches;
#[cfg(test)]
mod tests;

use std::time::Instant;

use infra_mcp_model::{Access, Danger};
use serde_json::Value;

use crate::call::Call;
use crate::catalogue::Entry;

pub use approval::{Evidence, LIFETIME, Way};
pub use effect::effect_of;
pub use gate::{Admission, CONFIRM_TOKEN, CONFIRMATION, Gate, GateError, Need, Request, Step};
pub use limits::{Limits, PerMinute, Usage};
pub use protection::Protection;
pub use refusal::{Code, Limited, Objection, Refusal};
pub use rules::{PolicyFile, Rule, Rules};
use running::Claim;
pub use switches::{Switch, Switches};

/// What calls are judged by. The default allows everything that its provider's description allows.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// How far calls may go; what each provider's description says where nothing is given.
    pub access: Option<Access>,
    /// Providers that may be called without limit where `access` says nothing: the environment opened them.
    pub opened: Vec<String>,
    /// What the operator decided about single tools.
    pub rules: Rules,
    /// What no write may touch.
    pub protection: Protection,
    /// How many calls in how much time.
    pub limits: Limits,
}

/// Proof that policy allowed what is inside. While it exists nobody else changes the same resource.
#[derive(Debug)]
pub struct Authorized<T> {
    call: T,
    /// Only held.
    _claim: Option<Claim>,
}

impl Authorized<Call> {
    /// The call that may be executed.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }
}

/// A call that policy allows, as far as it goes. What becomes of it is for the [`Gate`].
#[derive(Debug)]
pub struct Judged(Call);

impl Judged {
    /// The call.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.0
    }

    /// Mints the permission to execute it.
    fn authorize(self, claim: Option<Claim>) -> Authorized<Call> {
        Authorized { call: self.0, _claim: claim }
    }
}

/// The danger of this very call: the facts of its tool, with the effect that its arguments give it.
#[must_use]
pub fn danger_of(call: &Call) -> Danger {
    let tool = call.entry.tool;
    Danger { effect: effect_of(tool, &call.arguments), ..Danger::of(&tool.review) }
}

/// Whose protected resources a call can touch: those of its provider, and those of its account alone.
fn owners(call: &Call) -> [String; 2] {
    [call.entry.provider.name.to_string(), call.account.path()]
}

/// What is known of the world when a call is judged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Snapshot<'a> {
    /// The kill switch that stops a call of this kind.
    pub switch: Option<Switch>,
    /// The resource that the call acts on, as it is now, and behind it what that is a part of; none where no read shows
    /// it or the read failed.
    pub seen: Option<&'a [Value]>,
}

impl Policy {
    /// Whether the call can be judged only with the resource at hand.
    #[must_use]
    pub fn must_see_resource(&self, call: &Call) -> bool {
        call.entry.tool.review.opt_in || self.may_be_protected(call)
    }

    fn may_be_protected(&self, call: &Call) -> bool {
        owners(call).iter().any(|owner| self.protection.concerns(owner)) && !danger_of(call).is_none()
    }

    /// What is done with the tool, whatever its facts are: what the operator says of it, and otherwise approval for
    /// every change at a provider that wants that.
    fn rule(&self, entry: Entry) -> Option<Rule> {
        let careful = entry.provider.confirm_changes && !entry.harmless();
        self.rules.of(entry).or(careful.then_some(Rule::Confirm))
    }

    /// Whether the operator or the provider wants every call of the tool to be approved.
    #[must_use]
    pub fn must_confirm(&self, entry: Entry) -> bool {
        self.rule(entry) == Some(Rule::Confirm)
    }

    /// Whether the operator allows no call of the tool.
    #[must_use]
    pub fn blocks(&self, entry: Entry) -> bool {
        self.rule(entry) == Some(Rule::Block)
    }

    /// Whether some call of the tool has to be approved.
    #[must_use]
    pub fn may_need_approval(&self, entry: Entry) -> bool {
        match self.rule(entry) {
            Some(Rule::Confirm) => true,
            Some(Rule::Allow | Rule::Block) => false,
            None => Danger::worst(&entry.tool.review).is_grave(),
        }
    }

    /// Whether a call has to be approved before it is carried out: what is grave, unless the operator said otherwise.
    #[must_use]
    pub fn needs_approval(&self, call: &Call) -> bool {
        match self.rule(call.entry) {
            Some(Rule::Confirm) => true,
            Some(Rule::Allow | Rule::Block) => false,
            None => danger_of(call).is_grave(),
        }
    }

    /// Allows the call or says why not. The rules are asked in this order, and the first that objects decides:
    /// kill switch, access, scope, the operator's rule for the tool, the provider's phrase, protected resources, the
    /// owner's consent, rate.
    ///
    /// # Errors
    /// If the policy does not allow it.
    pub fn judge(&self, call: Call, snapshot: Snapshot<'_>, usage: &Usage, now: Instant) -> Result<Judged, Refusal> {
        let objection = self.forbids(&call, snapshot.switch);
        let objection = objection.or_else(|| self.protected(&call, snapshot));
        let objection = objection.or_else(|| self.shut(&call, snapshot));
        let objection = objection.or_else(|| self.too_many(&call, !danger_of(&call).is_none(), usage, now));
        judged(call, objection)
    }

    /// Allows a read by which another call is to be judged. It may hand out a credential, which nobody gets to see, and
    /// it is no use of the tool, so neither access nor scope nor the operator's rule for the tool are asked.
    ///
    /// # Errors
    /// If it does more than read, a kill switch stops it, or there are too many.
    pub fn judge_inspection(
        &self,
        call: Call,
        switch: Option<Switch>,
        usage: &Usage,
        now: Instant,
    ) -> Result<Judged, Refusal> {
        let danger = Danger { secret: false, ..danger_of(&call) };
        let objection = switch.map(Objection::Stopped);
        let objection = objection.or_else(|| (!danger.is_none()).then_some(Objection::Access(Access::Read, danger)));
        let objection = objection.or_else(|| self.too_many(&call, false, usage, now));
        judged(call, objection)
    }

    /// What stands against the call whatever it acts on.
    #[must_use]
    pub fn forbids(&self, call: &Call, switch: Option<Switch>) -> Option<Objection> {
        if let Some(switch) = switch {
            return Some(Objection::Stopped(switch));
        }
        let grant = call.caller.principal.grant();
        let danger = danger_of(call);
        let access = call.entry.provider.access(self.access, &self.opened);
        let access = if grant.read_only { Access::Read } else { access };
        if !access.permits(danger) {
            return Some(Objection::Access(access, danger));
        }
        if let Some(scope) = call.caller.principal.lacking(&call.entry) {
            return Some(Objection::Scope(scope));
        }
        if self.blocks(call.entry) {
            return Some(Objection::Blocked);
        }
        phrase::lacking(call).map(Objection::Phrase)
    }

    /// The resource does not let tools of this kind in. One that nothing can show is left to the provider to judge.
    fn shut(&self, call: &Call, snapshot: Snapshot<'_>) -> Option<Objection> {
        let tool = call.entry.tool;
        let opt_in = call.entry.provider.opt_in.as_ref().filter(|_| tool.review.opt_in)?;
        match snapshot.seen.map(|seen| seen.first().unwrap_or(&Value::Null)) {
            Some(resource) if resource.get(opt_in.member.as_ref()) == Some(&Value::Bool(true)) => None,
            Some(_) => Some(Objection::Shut(opt_in)),
            None => (!tool.reader.is_empty()).then_some(Objection::Unseen),
        }
    }

    fn protected(&self, call: &Call, snapshot: Snapshot<'_>) -> Option<Objection> {
        let owners = owners(call);
        if !self.may_be_protected(call) {
            return None;
        }
        let named = owners.iter().find_map(|owner| self.protection.named(owner, call.arguments.as_map()));
        if let Some(pattern) = named {
            return Some(Objection::Protected(pattern.to_owned()));
        }
        match snapshot.seen {
            Some(seen) => {
                let mut pairs = seen.iter().flat_map(|resource| owners.iter().map(move |owner| (owner, resource)));
                let pattern = pairs.find_map(|(owner, resource)| self.protection.covers(owner, resource));
                pattern.map(|pattern| Objection::Protected(pattern.to_owned()))
            }
            // A resource that there is a way to look at, and that was not seen, may be any.
            None => (!call.entry.tool.reader.is_empty()).then_some(Objection::Unseen),
        }
    }

    fn too_many(&self, call: &Call, writes: bool, usage: &Usage, now: Instant) -> Option<Objection> {
        if !self.limits.hold(writes) {
            return None;
        }
        let resource = call.resource();
        let taken = usage.take(&self.limits, writes, call.caller.principal.id(), resource.as_deref(), now);
        taken.err().map(|(limited, wait)| Objection::Rate(limited, wait))
    }
}

fn judged(call: Call, objection: Option<Objection>) -> Result<Judged, Refusal> {
    match objection {
        Some(objection) => Err(Refusal { tool: call.entry.tool.name.clone(), objection }),
        None => Ok(Judged(call)),
    }
}
