//! The policy file: what the operator decides beyond the command line.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::limits::{Limits, PerMinute};
use super::protection::Protection;
use crate::catalogue::Entry;

/// What is done with a tool, whatever its facts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Calls need no approval.
    Allow,
    /// Every call needs approval.
    Confirm,
    /// No call is made.
    Block,
}

/// What is done with single tools.
#[derive(Debug, Clone, Default)]
pub struct Rules(HashMap<String, HashMap<String, Rule>>);

impl Rules {
    /// Lays a rule down for one tool; the last one counts.
    pub fn set(&mut self, entry: Entry, rule: Rule) {
        self.0.entry(entry.provider.name.to_string()).or_default().insert(entry.tool.name.to_string(), rule);
    }

    /// The rule for a tool, if there is one.
    #[must_use]
    pub fn of(&self, entry: Entry) -> Option<Rule> {
        self.0.get(entry.provider.name.as_ref())?.get(entry.tool.name.as_ref()).copied()
    }
}

/// The policy file as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// By tool name, with its provider in front where several have it.
    #[serde(default)]
    pub tools: BTreeMap<String, Rule>,
    /// Patterns by provider, or by provider and account: `acme/lab`.
    #[serde(default)]
    protected: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    limits: LimitsFile,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    principal: Option<PerMinuteFile>,
    resource: Option<PerMinuteFile>,
    server: Option<PerMinuteFile>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PerMinuteFile {
    reads_per_minute: Option<u32>,
    writes_per_minute: Option<u32>,
}

impl PolicyFile {
    /// Reads TOML.
    ///
    /// # Errors
    /// What is wrong and where, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The providers whose resources are protected, with the account behind a slash where it is one alone.
    pub fn protected_providers(&self) -> impl Iterator<Item = &str> {
        self.protected.keys().map(String::as_str)
    }

    /// What is protected.
    #[must_use]
    pub fn protection(&self) -> Protection {
        let mut protection = Protection::default();
        for (provider, patterns) in &self.protected {
            protection.protect(provider, patterns.iter().cloned());
        }
        protection
    }

    /// The limits, with the usual ones where the file gives none.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            principal: merged(usual.principal, self.limits.principal),
            resource: merged(usual.resource, self.limits.resource),
            server: merged(usual.server, self.limits.server),
        }
    }
}

fn merged(usual: PerMinute, given: Option<PerMinuteFile>) -> PerMinute {
    let given = given.unwrap_or_default();
    PerMinute {
        reads: given.reads_per_minute.unwrap_or(usual.reads),
        writes: given.writes_per_minute.unwrap_or(usual.writes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_it_means_or_what_is_wrong() {
        let file = PolicyFile::parse(
            r#"
            [tools]
            VPS_stop = "confirm"
            VPS_drop = "block"

            [protected]
            acme = ["production-*", "100001"]

            [limits]
            principal = { writes_per_minute = 10 }
            "#,
        )
        .unwrap();
        assert_eq!(file.tools["VPS_stop"], Rule::Confirm);
        assert!(file.protection().concerns("acme"));
        assert_eq!(file.limits().principal, PerMinute { reads: 0, writes: 10 });
        assert_eq!(file.limits().server, Limits::default().server);

        for (text, part) in [
            ("[tool]\na = \"block\"", "unknown field `tool`"),
            ("[tools]\na = \"maybe\"", "unknown variant `maybe`"),
            ("[limits]\nprincipal = { writes = 1 }", "unknown field `writes`"),
            ("[protected]\nacme = [1]", "expected a string"),
            ("[tools", "line 1"),
        ] {
            let error = PolicyFile::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
