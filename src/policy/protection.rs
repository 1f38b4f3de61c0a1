//! Resources that no write may touch, whatever a tool calls the argument that names them.

use std::collections::HashMap;

use serde_json::Value;
use wildmatch::WildMatch;

/// Members of a resource that say which one it is.
const NAMES: [&str; 12] =
    ["id", "uuid", "name", "name_label", "hostname", "domain", "label", "title", "username", "tags", "tag", "key"];

/// The protected resources, by provider.
#[derive(Debug, Clone, Default)]
pub struct Protection(HashMap<String, Vec<Pattern>>);

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    matcher: WildMatch,
}

impl Protection {
    /// Protects what matches one of the patterns: ids, names or tags, with `*` for any characters and `?` for one.
    /// Letter case, surrounding blanks and the dot at the end of a domain make no difference.
    pub fn protect(&mut self, provider: &str, patterns: impl IntoIterator<Item = String>) {
        let patterns = patterns.into_iter().map(|text| Pattern { matcher: WildMatch::new(&plain(&text)), text });
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
        Value::String(text) => matching(&plain(text), patterns),
        Value::Number(number) => matching(&number.to_string(), patterns),
        Value::Array(elements) => elements.iter().find_map(|element| leaf(element, patterns)),
        Value::Object(members) => members.values().find_map(|member| leaf(member, patterns)),
        Value::Null | Value::Bool(_) => None,
    }
}

fn matching<'p>(text: &str, patterns: &'p [Pattern]) -> Option<&'p str> {
    patterns.iter().find(|pattern| pattern.matcher.matches(text)).map(|pattern| pattern.text.as_str())
}

fn plain(text: &str) -> String {
    text.trim().trim_end_matches('.').to_lowercase()
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
            (json!({"domain": "example.community"}), None),
            (json!({"targets": [{"names": ["a", "production-db"]}]}), Some("production-*")),
            (json!({"name": "pre-production-db"}), None),
            (json!({"production-db": true}), None),
        ] {
            assert_eq!(protection.named("acme", arguments.as_object().unwrap()), expected, "{arguments}");
            assert_eq!(protection.named("other", arguments.as_object().unwrap()), None);
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
