//! What an approval is for, and how it is obtained.

use infra_mcp_model::Danger;
use ring::digest::{Context, SHA256};
use serde_json::Value;

use crate::call::Call;

/// How long an approval is good, in seconds.
pub const LIFETIME: i64 = 300;

/// How approval is obtained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Way {
    /// The client asks the person in front of it; where it cannot, an operator or a token, by danger.
    #[default]
    Ask,
    /// The call is repeated with the token of its preview.
    Token,
    /// The call is repeated with an exact phrase.
    Phrase,
    /// A person runs a command in a terminal.
    Operator,
    /// Nobody is asked.
    None,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ask, Self::Token, Self::Phrase, Self::Operator, Self::None];

    /// The word of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Token => "token",
            Self::Phrase => "phrase",
            Self::Operator => "operator",
            Self::None => "none",
        }
    }

    /// Whether a model could go this way alone.
    #[must_use]
    pub fn is_weak(self) -> bool {
        matches!(self, Self::Token | Self::Phrase | Self::None)
    }

    /// The way for one call of a client that cannot ask the person in front of it. Never one that is weaker for being
    /// unable to ask: what is grave takes a terminal.
    #[must_use]
    pub fn without_asking(self, danger: Danger) -> Self {
        match self {
            Self::Ask if danger.is_grave() => Self::Operator,
            Self::Ask => Self::Token,
            way => way,
        }
    }
}

/// What came with a call to show that it is approved. Both were taken out of the arguments before these were checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The token of a preview.
    pub confirm_token: Option<String>,
    /// The phrase that a preview asked for.
    pub confirmation: Option<String>,
}

/// SHA-256 over everything an approval is for: principal, account, tool, the exact arguments, and the resource as it
/// was shown.
pub(super) fn binding(call: &Call, seen: Option<&[Value]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let mut part = |bytes: &[u8]| {
        // Lengths keep the parts apart.
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    };
    part(call.caller.principal.id().as_bytes());
    part(call.caller.session.as_deref().unwrap_or_default().as_bytes());
    part(call.entry.provider.name.as_bytes());
    part(call.entry.tool.name.as_bytes());
    part(canonical(&Value::Object(call.arguments.as_map().clone())).as_bytes());
    part(seen.map(|seen| seen.iter().map(canonical).collect::<Vec<_>>().join(",")).unwrap_or_default().as_bytes());
    // Last, because an account has as many parts as it has headers.
    call.account.identity().for_each(part);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The same text for objects whose members stand in another order. Numbers keep their digits.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// The phrase by which a person says what a call does: `RECREATE 1234`.
pub(super) fn phrase(call: &Call) -> String {
    let tool = call.entry.tool;
    let verb = tool.title.split_whitespace().next().unwrap_or("CONFIRM").to_uppercase();
    let path = call.path_values();
    if path.is_empty() { format!("{verb} WITH {}", tool.name) } else { format!("{verb} {}", path.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_no_order_and_numbers_keep_their_digits() {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(
            canonical(&parse(r#"{"b":[1,{"d":2,"c":"é\""}],"a":null}"#)),
            canonical(&parse(r#"{"a":null,"b":[1,{"c":"é\"","d":2}]}"#))
        );
        for (one, other) in
            [("1", "1.0"), ("9007199254740993", "9007199254740992"), ("[1,2]", "[2,1]"), (r#"{"a":1}"#, r#"{"a":"1"}"#)]
        {
            assert_ne!(canonical(&parse(one)), canonical(&parse(other)));
        }
    }

    #[test]
    fn a_client_that_cannot_ask_gets_no_weaker_way() {
        let grave = Danger { effect: infra_mcp_model::Effect::Destructive, money: false, exec: false, secret: false };
        let mild = Danger { effect: infra_mcp_model::Effect::Write, ..grave };
        for (way, danger, expected) in [
            (Way::Ask, grave, Way::Operator),
            (Way::Ask, Danger { money: true, ..mild }, Way::Operator),
            (Way::Ask, mild, Way::Token),
            (Way::Token, grave, Way::Token),
            (Way::Phrase, grave, Way::Phrase),
            (Way::Operator, mild, Way::Operator),
        ] {
            assert_eq!(way.without_asking(danger), expected, "{way:?} {danger:?}");
        }
    }
}
