//! Resources that no write may touch, whatever a tool calls the argument that names them.

use std::borrow::Cow;
use std::collections::HashMap;

use idna::uts46::{AsciiDenyList, Hyphens, Uts46};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use wildmatch::WildMatch;

use crate::arguments::whole_number;

/// How often a name is decoded before it is compared.
const MOST_DECODINGS: usize = 3;

/// Members of a resource that say which one it is.
const NAMES: [&str; 13] = [
    "id",
    "uuid",
    "key",
    "name",
    "name_label",
    "device_name",
    "hostname",
    "domain",
    "label",
    "title",
    "username",
    "tags",
    "tag",
];

/// The protected resources, by provider, or by provider and account: `acme/lab`.
#[derive(Debug, Clone, Default)]
pub struct Protection(HashMap<String, Vec<Pattern>>);

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    matcher: WildMatch,
}

impl Protection {
    /// Protects what matches one of the patterns: ids, names or tags, with `*` for any characters and `?` for one.
    /// How a name or number is written makes no difference: letter case, blanks around it, the dot at the end of a
    /// domain, invisible and full-width characters, percent-encoding, `1.1e1` for `11`.
    pub fn protect(&mut self, provider: &str, patterns: impl IntoIterator<Item = String>) {
        let patterns = patterns.into_iter().map(|text| {
            let plain = plain(&text);
            Pattern { matcher: WildMatch::new(&whole_number(&plain).unwrap_or(plain)), text }
        });
        self.0.entry(provider.to_owned()).or_default().extend(patterns);
    }

    /// Whether anything of this provider is protected.
    #[must_use]
    pub fn concerns(&self, provider: &str) -> bool {
        self.0.contains_key(provider)
    }

    /// The pattern that one of the arguments matches, at any depth.
    #[must_use]
    pub fn named(&self, provider: &str, arguments: &serde_json::Map<String, Value>) -> Option<&str> {
        let patterns = self.0.get(provider)?;
        arguments.values().find_map(|value| leaf(value, patterns))
    }

    /// The pattern that a resource matches by what identifies it.
    #[must_use]
    pub fn covers(&self, provider: &str, resource: &Value) -> Option<&str> {
        let patterns = self.0.get(provider)?;
        resource.as_object()?.iter().find_map(|(member, value)| {
            let value = NAMES.iter().any(|name| member.eq_ignore_ascii_case(name)).then_some(value);
            // Some answers wrap the resource: `{"data": {...}}`.
            value.map_or_else(|| self.covers(provider, value_of(resource, member)?), |value| leaf(value, patterns))
        })
    }
}

fn value_of<'v>(resource: &'v Value, member: &str) -> Option<&'v Value> {
    matches!(member, "data" | "instance" | "result").then(|| resource.get(member)).flatten()
}

/// The pattern that a value, or one inside it, matches.
fn leaf<'p>(value: &Value, patterns: &'p [Pattern]) -> Option<&'p str> {
    match value {
        Value::String(text) => matching(text, patterns),
        Value::Number(number) => matching(number.as_str(), patterns),
        Value::Array(elements) => elements.iter().find_map(|element| leaf(element, patterns)),
        Value::Object(members) => members.values().find_map(|member| leaf(member, patterns)),
        Value::Null | Value::Bool(_) => None,
    }
}

fn matching<'p>(text: &str, patterns: &'p [Pattern]) -> Option<&'p str> {
    let text = plain(text);
    let number = whole_number(&text);
    let named = |pattern: &&Pattern| {
        pattern.matcher.matches(&text) || number.as_deref().is_some_and(|number| pattern.matcher.matches(number))
    };
    patterns.iter().find(named).map(|pattern| pattern.text.as_str())
}

/// The text as a provider may come to read it: percent-decoded as often as something on the way might, without what
/// cannot be seen, and mapped as names of domains are (UTS #46), so that one name is one text.
fn plain(text: &str) -> String {
    let mut text: Cow<'_, str> = text.into();
    for _ in 0..MOST_DECODINGS {
        text = Cow::Owned(percent_decode_str(&text).decode_utf8_lossy().into_owned());
    }
    let visible: String = text.chars().filter(|c| !c.is_control()).collect();
    let (mapped, _) = Uts46::new().to_unicode(visible.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    mapped.trim_start().trim_end_matches(|c: char| c == '.' || c.is_whitespace()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn protection() -> Protection {
        let mut protection = Protection::default();
        protection.protect("acme", ["production-*", "100001", "example.com", "tier:gold"].map(str::to_owned));
        protection
    }

    #[test]
    fn arguments_are_searched_at_every_depth() {
        let protection = protection();
        for (arguments, expected) in [
            (json!({"vm": 100001}), Some("100001")),
            (json!({"vm": "100001"}), Some("100001")),
            (json!({"vm": 1000012}), None),
            (json!({"domain": "Example.COM."}), Some("example.com")),
            (json!({"zone": " example.com "}), Some("example.com")),
            (json!({"zone": "example.com. ."}), Some("example.com")),
            (json!({"zone": "ｅｘａｍｐｌｅ。com"}), Some("example.com")),
            (json!({"zone": "exa\u{ad}mp\u{200b}le.com\u{feff}\0"}), Some("example.com")),
            (json!({"zone": "ex%2561mple.com"}), Some("example.com")),
            (json!({"zone": "еxample.com"}), None),
            (json!({"zone": "xn--xample-2of.com"}), None),
            (json!({"vm": "0100001"}), Some("100001")),
            (json!({"vm": "+100001.0"}), Some("100001")),
            (json!({"vm": "100001.5"}), None),
            (json!({"domain": "example.community"}), None),
            (json!({"targets": [{"names": ["a", "production-db"]}]}), Some("production-*")),
            (json!({"name": "pre-production-db"}), None),
            (json!({"production-db": true}), None),
        ] {
            assert_eq!(protection.named("acme", arguments.as_object().unwrap()), expected, "{arguments}");
            assert_eq!(protection.named("other", arguments.as_object().unwrap()), None);
        }
        for (digits, expected) in [
            ("100001.0", Some("100001")),
            ("1.00001e5", Some("100001")),
            ("1000010E-1", Some("100001")),
            ("1e999999999999", None),
            ("-100001", None),
        ] {
            let arguments: Value = serde_json::from_str(&format!(r#"{{"vm":{digits}}}"#)).unwrap();
            assert_eq!(protection.named("acme", arguments.as_object().unwrap()), expected, "{digits}");
        }
    }

    #[test]
    fn a_resource_is_known_by_what_identifies_it() {
        let protection = protection();
        for (resource, expected) in [
            (json!({"id": 7, "hostname": "production-web"}), Some("production-*")),
            (json!({"id": 100001}), Some("100001")),
            (json!({"name_label": "web", "tags": ["tier:gold"]}), Some("tier:gold")),
            (json!({"data": {"name": "production-web"}}), Some("production-*")),
            (json!({"note": "see production-web"}), None),
            (json!({"memory": 100001}), None),
            (json!([{"id": 100001}]), None),
        ] {
            assert_eq!(protection.covers("acme", &resource), expected, "{resource}");
        }
    }
}
