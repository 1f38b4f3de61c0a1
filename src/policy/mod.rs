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
#[cfg(test)]
mod tests;

use std::fmt;

use infra_mcp_model::{Effect, Text};

use crate::call::Call;

pub use effect::effect_of;

/// What calls are judged by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Refuse every call that changes something, spends money, hands out a credential or runs code.
    pub read_only: bool,
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

impl Policy {
    /// Allows the call or says why not.
    ///
    /// # Errors
    /// If the policy does not allow it.
    pub fn judge(&self, call: Call) -> Result<Authorized<Call>, Refusal> {
        match self.objection(&call) {
            Some(objection) => Err(Refusal { tool: call.entry.tool.name.clone(), objection }),
            None => Ok(Authorized(call)),
        }
    }

    fn objection(&self, call: &Call) -> Option<Objection> {
        let grant = call.caller.principal.grant();
        if let Some(scope) = grant.lacking(&call.entry) {
            return Some(Objection::Scope(scope));
        }
        if !self.read_only && !grant.read_only {
            return None;
        }
        let tool = call.entry.tool;
        match effect_of(tool, &call.arguments) {
            _ if tool.review.money => Some(Objection::Money),
            _ if tool.review.secret() => Some(Objection::Secret),
            _ if tool.review.exec => Some(Objection::Exec),
            Effect::Read => None,
            effect => Some(Objection::Changes(effect)),
        }
    }
}

/// A call that policy does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    tool: Text,
    objection: Objection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Objection {
    Changes(Effect),
    Money,
    Secret,
    Exec,
    /// The principal has not been granted this scope.
    Scope(&'static str),
}

impl Refusal {
    /// A stable word for the rule that was broken.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.objection {
            Objection::Scope(_) => "forbidden_scope",
            _ => "read_only",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.objection {
            Objection::Changes(Effect::Destructive) => "this call is destructive",
            Objection::Changes(_) => "this call changes something",
            Objection::Money => "this tool spends money or uses up an entitlement",
            Objection::Secret => "this tool hands out a credential",
            Objection::Exec => "this tool makes code run",
            Objection::Scope(scope) => {
                return write!(
                    f,
                    "{} was refused and nothing was sent: it needs the scope {scope}, which your token lacks. The operator can make a token that has it.",
                    self.tool
                );
            }
        };
        write!(
            f,
            "{} was refused and nothing was sent: this server is read-only, and {reason}. Use tools that only read, or let the operator start the server without --read-only.",
            self.tool
        )
    }
}

impl std::error::Error for Refusal {}
