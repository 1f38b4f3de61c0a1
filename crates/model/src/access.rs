use std::fmt;

use crate::{Effect, Review};

/// How far calls may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Calls that change nothing, spend nothing, hand out no credential and run no code.
    Read,
    /// Those, and changes that a later call can set back.
    Write,
    /// Everything.
    Full,
}

impl Access {
    /// All of them, narrowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Full];

    /// The word of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Full => "full",
        }
    }

    /// Whether a call of this danger may be made at all.
    #[must_use]
    pub fn permits(self, danger: Danger) -> bool {
        match self {
            Self::Read => danger.is_none(),
            Self::Write => !danger.is_grave(),
            Self::Full => true,
        }
    }

    /// Whether a tool is served: with write access one whose arguments can make it mild enough, too.
    #[must_use]
    pub fn serves(self, review: &Review) -> bool {
        let danger = Danger::of(review);
        let mildest = review.effect_when.iter().map(|when| when.effect).fold(danger.effect, Effect::min);
        self.permits(danger) || self == Self::Write && self.permits(Danger { effect: mildest, ..danger })
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one call can do: the reviewed facts of its tool, with the effect that its arguments give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Danger {
    /// What it does to the world.
    pub effect: Effect,
    /// Spends money, or uses up an entitlement.
    pub money: bool,
    /// Makes somebody's code run.
    pub exec: bool,
    /// Hands out a credential.
    pub secret: bool,
}

impl Danger {
    /// The danger of a call of which only the tool is known.
    #[must_use]
    pub fn of(review: &Review) -> Self {
        Self { effect: review.effect, money: review.money, exec: review.exec, secret: review.secret() }
    }

    /// The danger of the worst call of a tool.
    #[must_use]
    pub fn worst(review: &Review) -> Self {
        let worst = review.effect_when.iter().map(|when| when.effect).fold(review.effect, Effect::max);
        Self { effect: worst, ..Self::of(review) }
    }

    /// Whether the call does nothing but read.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.effect == Effect::Read && !self.beyond_effect()
    }

    /// Whether a person has to be asked unless the operator decided otherwise.
    #[must_use]
    pub fn is_grave(self) -> bool {
        self.effect == Effect::Destructive || self.beyond_effect()
    }

    /// Whether the call is dangerous for more than what it changes.
    fn beyond_effect(self) -> bool {
        self.money || self.exec || self.secret
    }

    /// What is dangerous about it, as the end of a sentence that begins with "this call".
    #[must_use]
    pub fn in_words(self) -> String {
        let parts = [
            (self.effect == Effect::Destructive, "is destructive"),
            (self.effect == Effect::Write, "changes something"),
            (self.money, "spends money or uses up an entitlement"),
            (self.exec, "makes code run"),
            (self.secret, "hands out a credential"),
        ];
        let parts: Vec<&str> = parts.iter().filter(|(holds, _)| *holds).map(|(_, words)| *words).collect();
        if parts.is_empty() { "only reads".to_owned() } else { parts.join(" and ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_a_ladder() {
        let mild = Danger { effect: Effect::Read, money: false, exec: false, secret: false };
        for (danger, narrowest) in [
            (mild, Access::Read),
            (Danger { effect: Effect::Write, ..mild }, Access::Write),
            (Danger { effect: Effect::Destructive, ..mild }, Access::Full),
            (Danger { money: true, ..mild }, Access::Full),
            (Danger { exec: true, ..mild }, Access::Full),
            (Danger { secret: true, ..mild }, Access::Full),
        ] {
            for access in Access::ALL {
                assert_eq!(access.permits(danger), access >= narrowest, "{access} {danger:?}");
            }
        }
    }

    #[test]
    fn danger_is_told_in_words() {
        let danger = Danger { effect: Effect::Destructive, money: true, exec: false, secret: true };
        assert_eq!(
            danger.in_words(),
            "is destructive and spends money or uses up an entitlement and hands out a credential"
        );
        let mild = Danger { effect: Effect::Read, money: false, exec: false, secret: false };
        assert_eq!(mild.in_words(), "only reads");
    }
}
