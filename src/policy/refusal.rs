use std::fmt;
use std::time::Duration;

use infra_mcp_model::{Access, Danger, OptIn, Text};

use super::switches::Switch;

/// A stable word for why a call was not carried out; clients and scripts may match on it.
///
/// | code | when |
/// |---|---|
/// | `unauthenticated` | nobody is known to make the call, or the token is not accepted |
/// | `forbidden_scope` | the token lacks the scope of the tool |
/// | `confirmation_required` | a person has to approve the call first |
/// | `confirmation_mismatch` | the approval is not one for this very call, is used up, or has expired |
/// | `protected_resource` | the call would touch something that the operator has protected |
/// | `rate_limited` | too many calls in too short a time |
/// | `kill_switch` | the operator has stopped calls of this kind |
/// | `read_only` | the call does more than read, and only reading is allowed |
/// | `blocked_by_policy` | the operator has blocked the tool, or the call goes further than is allowed |
/// | `operation_in_progress` | another change of the same resource is still running |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// `unauthenticated`
    Unauthenticated,
    /// `forbidden_scope`
    ForbiddenScope,
    /// `confirmation_required`
    ConfirmationRequired,
    /// `confirmation_mismatch`
    ConfirmationMismatch,
    /// `protected_resource`
    ProtectedResource,
    /// `rate_limited`
    RateLimited,
    /// `kill_switch`
    KillSwitch,
    /// `read_only`
    ReadOnly,
    /// `blocked_by_policy`
    BlockedByPolicy,
    /// `operation_in_progress`
    OperationInProgress,
    /// A word of the provider, for a rule of its own that is kept here already.
    OfProvider(&'static str),
}

impl Code {
    /// Every code of ours, in the order of the table.
    pub const ALL: [Self; 10] = [
        Self::Unauthenticated,
        Self::ForbiddenScope,
        Self::ConfirmationRequired,
        Self::ConfirmationMismatch,
        Self::ProtectedResource,
        Self::RateLimited,
        Self::KillSwitch,
        Self::ReadOnly,
        Self::BlockedByPolicy,
        Self::OperationInProgress,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::ForbiddenScope => "forbidden_scope",
            Self::ConfirmationRequired => "confirmation_required",
            Self::ConfirmationMismatch => "confirmation_mismatch",
            Self::ProtectedResource => "protected_resource",
            Self::RateLimited => "rate_limited",
            Self::KillSwitch => "kill_switch",
            Self::ReadOnly => "read_only",
            Self::BlockedByPolicy => "blocked_by_policy",
            Self::OperationInProgress => "operation_in_progress",
            Self::OfProvider(code) => code,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call that policy does not allow. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The tool that was called.
    pub tool: Text,
    /// What stands against the call.
    pub objection: Objection,
}

/// What stands against a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// The call goes further than the access.
    Access(Access, Danger),
    /// The operator has thrown a kill switch.
    Stopped(Switch),
    /// The principal has not been granted this scope.
    Scope(&'static str),
    /// The operator has blocked the tool.
    Blocked,
    /// The operator has protected what this pattern stands for.
    Protected(String),
    /// Whether the call may touch the resource cannot be told, because it could not be read.
    Unseen,
    /// The provider wants this phrase in the argument `confirmation`.
    Phrase(String),
    /// The owner of the resource has not let tools of this kind in.
    Shut(&'static OptIn),
    /// The token or phrase is not one for this very call, is used up, or has expired.
    Mismatch,
    /// The person who was asked did not agree.
    Declined,
    /// Another change of the same resource is still running.
    InProgress,
    /// Too many calls; how long to wait.
    Rate(Limited, Duration),
}

/// What a rate limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limited {
    /// The calls of one principal.
    Principal,
    /// The calls on one resource.
    Resource,
    /// All calls of this server.
    Server,
}

impl Refusal {
    /// The stable word for the rule that was broken.
    #[must_use]
    pub fn code(&self) -> Code {
        match &self.objection {
            Objection::Access(Access::Read, _) => Code::ReadOnly,
            Objection::Access(..) | Objection::Blocked => Code::BlockedByPolicy,
            Objection::Stopped(_) => Code::KillSwitch,
            Objection::Scope(_) => Code::ForbiddenScope,
            Objection::Protected(_) | Objection::Unseen => Code::ProtectedResource,
            Objection::Phrase(_) => Code::ConfirmationRequired,
            Objection::Shut(opt_in) => Code::OfProvider(&opt_in.code),
            Objection::Mismatch => Code::ConfirmationMismatch,
            Objection::Declined => Code::ConfirmationRequired,
            Objection::InProgress => Code::OperationInProgress,
            Objection::Rate(..) => Code::RateLimited,
        }
    }

    /// After how long the same call may succeed.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.objection {
            Objection::Rate(_, wait) => Some(wait),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} was refused and nothing was sent. ", self.code(), self.tool)?;
        match &self.objection {
            Objection::Access(Access::Read, danger) => write!(
                f,
                "This server is read-only for you, and this call {}. Use tools that only read, or let the operator \
                 start the server without --read-only.",
                danger.in_words()
            ),
            Objection::Access(access, danger) => write!(
                f,
                "Access is limited to `{access}`, and this call {}. The operator can allow more with --access.",
                danger.in_words()
            ),
            Objection::Scope(scope) => {
                write!(f, "It needs the scope {scope}, which your token lacks. The operator can make a token with it.")
            }
            Objection::Stopped(Switch::Everything) => {
                f.write_str("The operator has stopped all calls. `infra-mcp kill-switch release everything` lets them go on.")
            }
            Objection::Stopped(Switch::Writes) => f.write_str(
                "The operator has stopped all calls that do more than read. `infra-mcp kill-switch release writes` lets \
                 them go on.",
            ),
            Objection::Blocked => f.write_str("The operator has blocked this tool in the policy file."),
            Objection::Protected(pattern) => {
                write!(f, "It would touch a resource that the operator has protected ({pattern:?} in the policy file).")
            }
            Objection::Unseen => f.write_str(
                "Whether it may touch the resource depends on what that is, for one protected by the operator or not let \
                 in by its owner, and it could not be read. Check with a tool that reads it, then call again.",
            ),
            Objection::Phrase(phrase) => write!(
                f,
                "Once the person you work for agrees to exactly this, call again with `confirmation`: {phrase:?}, \
                 letter by letter."
            ),
            Objection::Shut(opt_in) => {
                write!(f, "{} of the resource is not true. {}", opt_in.member, opt_in.help)
            }
            Objection::Mismatch => f.write_str(
                "What it brought to show that it is approved is not for this very call as the resource is now, is used \
                 up, or has expired. Call again without it to see what would happen now.",
            ),
            Objection::Declined => f.write_str(
                "The person who was asked did not agree. Do not repeat the call unless they ask for it again.",
            ),
            Objection::InProgress => {
                f.write_str("Another change of the same resource is still running. Call again when it has ended.")
            }
            Objection::Rate(limited, wait) => {
                let whose = match limited {
                    Limited::Principal => "you have made",
                    Limited::Resource => "this resource has seen",
                    Limited::Server => "this server has seen",
                };
                write!(f, "For the moment {whose} too many calls. Try again in {} seconds.", wait.as_secs().max(1))
            }
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_codes_is_complete() {
        let source = include_str!("refusal.rs");
        let rows = source.lines().filter_map(|line| line.strip_prefix("/// | `")?.split('`').next());
        assert_eq!(rows.collect::<Vec<_>>(), Code::ALL.map(Code::as_str));
    }
}
