use std::fmt;
use std::time::Duration;

use infra_mcp_model::{Access, Danger, OptIn, Text};

use super::switches::Switch;

/// A stable word for why a call was not carried out; clients and scripts may match on it. The README has the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// `unauthenticated`: nobody is known to make the call, or the token is not accepted.
    Unauthenticated,
    /// `forbidden_scope`: the token lacks the scope of the tool.
    ForbiddenScope,
    /// `confirmation_required`: a person has to approve the call first.
    ConfirmationRequired,
    /// `confirmation_mismatch`: the approval is not one for this very call, is used up, or has expired.
    ConfirmationMismatch,
    /// `protected_resource`: the call would touch something that the operator has protected.
    ProtectedResource,
    /// `rate_limited`: too many calls in too short a time.
    RateLimited,
    /// `kill_switch`: the operator has stopped calls of this kind.
    KillSwitch,
    /// `read_only`: the call does more than read, and only reading is allowed.
    ReadOnly,
    /// `blocked_by_policy`: the operator does not let in the tool, the call goes further than is allowed, or it comes
    /// from a web page or to an address that nobody named.
    BlockedByPolicy,
    /// `operation_in_progress`: another change of the same resource is still running.
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

    /// The HTTP status of an answer that says no more than this.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::OperationInProgress => 409,
            Self::RateLimited => 429,
            _ => 403,
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
        write!(f, "{}: {} was refused and nothing was sent. {}", self.code(), self.tool, self.objection)
    }
}

impl Objection {
    /// The words of it for the audit log. Those that hold arguments of the call are left out.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        (!matches!(self, Self::Phrase(_))).then(|| self.to_string())
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access(Access::Read, danger) => write!(
                f,
                "This server is read-only for you, and this call {}. Use tools that only read, or let the operator \
                 start the server without --read-only.",
                danger.in_words()
            ),
            Self::Access(access, danger) => write!(
                f,
                "Access is limited to `{access}`, and this call {}. The operator can allow more with --access.",
                danger.in_words()
            ),
            Self::Scope(scope) => {
                write!(f, "It needs the scope {scope}, which your token lacks. The operator can make a token with it.")
            }
            Self::Stopped(Switch::Everything) => {
                f.write_str("The operator has stopped all calls. `infra-mcp kill-switch release everything` lets them go on.")
            }
            Self::Stopped(Switch::Writes) => f.write_str(
                "The operator has stopped all calls that do more than read. `infra-mcp kill-switch release writes` lets \
                 them go on.",
            ),
            Self::Blocked => f.write_str("The operator has blocked this tool in the policy file."),
            Self::Protected(pattern) => {
                write!(f, "It would touch a resource that the operator has protected ({pattern:?} in the policy file).")
            }
            Self::Unseen => f.write_str(
                "Whether it may touch the resource depends on what that is, for one protected by the operator or not let \
                 in by its owner, and it could not be read. Check with a tool that reads it, then call again.",
            ),
            Self::Phrase(phrase) => write!(
                f,
                "Once the person you work for agrees to exactly this, call again with `confirmation`: {phrase:?}, \
                 letter by letter."
            ),
            Self::Shut(opt_in) => {
                write!(f, "{} of the resource is not true. {}", opt_in.member, opt_in.help)
            }
            Self::Mismatch => f.write_str(
                "What it brought to show that it is approved is not for this very call as the resource is now, is used \
                 up, or has expired. Call again without it to see what would happen now.",
            ),
            Self::Declined => f.write_str(
                "The person who was asked did not agree. Do not repeat the call unless they ask for it again.",
            ),
            Self::InProgress => {
                f.write_str("Another change of the same resource is still running. Call again when it has ended.")
            }
            Self::Rate(limited, wait) => {
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
    fn the_table_in_the_readme_has_every_code_and_its_status() {
        let readme = include_str!("../../README.md");
        let table = readme.split_once("<!-- codes:start -->").unwrap().1.split_once("<!-- codes:end -->").unwrap().0;
        let rows = table.lines().skip(3).map(|row| {
            let mut cells = row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`'));
            (cells.next().unwrap().to_owned(), cells.next().unwrap().parse().unwrap())
        });
        let codes = Code::ALL.map(|code| (code.as_str().to_owned(), code.http_status()));
        assert_eq!(rows.collect::<Vec<(String, u16)>>(), codes);
    }
}
