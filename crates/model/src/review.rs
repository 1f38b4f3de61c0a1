use crate::{List, Text};

/// What a call does to the world, judged by its meaning and never by the HTTP method alone.
///
/// The order is the order of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Changes nothing for anybody.
    Read,
    /// Changes something that a later call can set back, or only adds.
    Write,
    /// Loses data or access, overwrites, replaces a credential, or cannot be undone.
    Destructive,
}

impl Effect {
    /// The word used in definitions, in the listing and in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

/// The reviewed facts of a tool: what policy judges by and what MCP annotations are derived from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The effect of a call whose arguments match none of [`Review::effect_when`].
    pub effect: Effect,
    /// Argument values that make a call more or less dangerous than [`Review::effect`].
    pub effect_when: List<EffectWhen>,
    /// Spends money, commits to spending it, or uses up an entitlement. Never retried.
    pub money: bool,
    /// Makes somebody's code or commands run.
    pub exec: bool,
    /// Work goes on after the answer.
    pub asynchronous: bool,
    /// Repeating the same call leaves the same end state.
    pub idempotent: bool,
    /// The scope a caller needs, such as `vms:power`.
    pub scope: Text,
    /// Arguments that carry a secret, as dotted paths (`setup.password`, `env_vars[].value`).
    pub secret_arguments: List<Text>,
    /// Places of the answer that hand out a credential, as dotted paths.
    pub secret_results: List<Text>,
    /// What the argument `confirmation` has to be, word for word.
    pub phrases: List<Phrase>,
    /// The resource has to be opted in, see [`OptIn`](crate::OptIn).
    pub opt_in: bool,
    /// The definition judges this tool. Tools without a judgement keep the careful defaults.
    pub reviewed: bool,
}

impl Review {
    /// Whether the answer hands out a credential.
    #[must_use]
    pub fn secret(&self) -> bool {
        !self.secret_results.is_empty()
    }
}

/// A phrase that the provider itself wants with a call. It does not stand for an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// The argument that decides whether this phrase is the one; empty where it always is.
    pub argument: Text,
    /// What that argument has to be, as serialised JSON.
    pub equals: Text,
    /// The phrase, with arguments in braces: `RENAME {vm_id} TO {hostname}`.
    pub text: Text,
}

/// One argument value that changes the effect of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectWhen {
    /// Dotted path of the argument.
    pub argument: Text,
    /// What the argument has to be.
    pub condition: Condition,
    /// The effect of the call then.
    pub effect: Effect,
}

/// What an argument has to be for an [`EffectWhen`] to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Equal to this JSON value, given as serialised text.
    Equals(Text),
    /// Given at all.
    Present,
}
