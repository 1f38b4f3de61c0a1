//! What a JWT says of its bearer.

use serde::{Deserialize, Deserializer};
use serde_json::Number;

use crate::authentication::Challenge;

/// How far the clocks of the issuer and of this machine may be apart, in seconds.
const LEEWAY: f64 = 60.0;

/// Read before anything is checked, to find the key to check it with.
#[derive(Deserialize)]
pub(super) struct Unchecked {
    /// Who says to have issued it.
    pub(super) iss: String,
}

/// The claims that count here, beside issuer and audience.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    sub: String,
    /// Seconds since 1970-01-01T00:00:00Z, with a fraction perhaps (RFC 7519 section 2).
    exp: Number,
    nbf: Option<Number>,
    scope: Option<Words>,
    /// What some issuers have instead of `scope`.
    scp: Option<Words>,
    /// The accounts that it is for. No scope says that: who leaves one out gets less, not more.
    #[serde(rename = "infra_mcp_accounts", default, deserialize_with = "said")]
    accounts: Option<Words>,
}

/// Something that is said. `null` is not: who is told of no account must not get all of them.
fn said<'de, D: Deserializer<'de>>(claim: D) -> Result<Option<Words>, D::Error> {
    Words::deserialize(claim).map(Some)
}

/// Words in one text, or in a list of texts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    List(Vec<String>),
}

impl Claims {
    /// Whether the token is valid at `now`, in seconds since 1970-01-01T00:00:00Z.
    pub(super) fn check_times(&self, now: i64) -> Result<(), Challenge> {
        let now = now as f64;
        let time = |number: &Number| number.as_f64().ok_or(Challenge::Invalid("one of its times is no number"));
        if now >= time(&self.exp)? + LEEWAY {
            return Err(Challenge::Invalid("it has expired"));
        }
        match &self.nbf {
            Some(begin) if now < time(begin)? - LEEWAY => Err(Challenge::Invalid("it is not valid yet")),
            _ => Ok(()),
        }
    }

    /// Who it stands for.
    pub(super) fn subject(&self) -> Result<&str, Challenge> {
        // It ends up in logs.
        let legal = !self.sub.is_empty() && !self.sub.chars().any(char::is_control);
        if legal { Ok(&self.sub) } else { Err(Challenge::Invalid("its subject is empty or holds control characters")) }
    }

    /// The scopes it grants; none where it says nothing of them.
    pub(super) fn scopes(&self) -> Vec<String> {
        self.scope.iter().chain(&self.scp).flat_map(Words::split).collect()
    }

    /// The accounts it grants, as `provider/name`; all of them where it says nothing.
    pub(super) fn accounts(&self) -> Option<Vec<String>> {
        self.accounts.as_ref().map(|words| words.split().collect())
    }
}

impl Words {
    fn split(&self) -> impl Iterator<Item = String> {
        let texts = match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(list) => list,
        };
        texts.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn claims(mut more: Value) -> Claims {
        let object = more.as_object_mut().unwrap();
        object.entry("sub").or_insert(json!("alice"));
        object.entry("exp").or_insert(json!(NOW));
        serde_json::from_str(&more.to_string()).unwrap()
    }

    #[test]
    fn times_have_a_minute_of_leeway() {
        for (times, expected) in [
            (json!({ "exp": NOW + 1 }), true),
            (json!({ "exp": NOW - 59 }), true),
            (json!({ "exp": NOW - 60 }), false),
            (json!({ "exp": (NOW + 1) as f64 + 0.5 }), true),
            (json!({ "exp": 1e12 }), true),
            (json!({ "exp": -1 }), false),
            (json!({ "exp": 0 }), false),
            (json!({ "nbf": NOW + 60 }), true),
            (json!({ "nbf": NOW + 61 }), false),
            (json!({ "nbf": 0 }), true),
        ] {
            assert_eq!(claims(times.clone()).check_times(NOW).is_ok(), expected, "{times}");
        }
        for text in [r#"{"sub":"a"}"#, r#"{"sub":"a","exp":"1900000000"}"#, r#"{"sub":"a","exp":9,"nbf":"0"}"#] {
            assert!(serde_json::from_str::<Claims>(text).is_err(), "{text}");
        }
        let huge: Claims = serde_json::from_str(r#"{"sub":"a","exp":1e999}"#).unwrap();
        assert!(huge.check_times(NOW).is_err(), "no number of seconds");
    }

    #[test]
    fn scopes_come_in_every_usual_form() {
        for (given, expected) in [
            (json!({}), &[][..]),
            (json!({ "scope": "" }), &[]),
            (json!({ "scope": "vms:read  dns:*" }), &["vms:read", "dns:*"]),
            (json!({ "scp": ["vms:read", "dns:read"] }), &["vms:read", "dns:read"]),
            (json!({ "scp": "vms:read", "scope": ["dns:read"] }), &["dns:read", "vms:read"]),
        ] {
            assert_eq!(claims(given.clone()).scopes(), expected, "{given}");
        }
    }

    #[test]
    fn accounts_are_all_of_them_only_where_nothing_is_said() {
        for (given, expected) in [
            (json!({}), None),
            (json!({ "infra_mcp_accounts": [] }), Some(&[][..])),
            (json!({ "infra_mcp_accounts": "" }), Some(&[])),
            (json!({ "infra_mcp_accounts": "acme/lab acme/prod" }), Some(&["acme/lab", "acme/prod"])),
            (json!({ "infra_mcp_accounts": ["acme/lab"] }), Some(&["acme/lab"])),
        ] {
            let expected = expected.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(claims(given.clone()).accounts(), expected, "{given}");
        }
        for wrong in [json!(7), Value::Null, json!({"acme": ["lab"]}), json!([1])] {
            let text = json!({"sub": "a", "exp": NOW, "infra_mcp_accounts": wrong}).to_string();
            assert!(serde_json::from_str::<Claims>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_subject_is_fit_for_logs() {
        for (subject, expected) in [("alice", true), ("auth0|5f", true), ("", false), ("a\nb", false)] {
            assert_eq!(claims(json!({ "sub": subject })).subject().is_ok(), expected, "{subject:?}");
        }
    }
}
