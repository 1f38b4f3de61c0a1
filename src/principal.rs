//! Who calls, and what they may reach.

use std::fmt;

use crate::account::{Accounts, Choice};
use crate::catalogue::Entry;

/// The scope that shows credentials in answers. Only its own name grants it: no wildcard does.
pub const SECRETS_READ: &str = "secrets:read";

/// The scope that lets a caller over the network have files of this machine sent away. Only its own name grants it.
pub const FILES_READ: &str = "files:read";

/// Who makes a call: the local user, or the bearer of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    id: String,
    grant: Grant,
    /// Calls over the network: the disk of this machine is somebody else's.
    remote: bool,
}

impl Principal {
    /// Whoever started this process.
    #[must_use]
    pub fn local() -> Self {
        Self { id: "local".to_owned(), grant: Grant::default(), remote: false }
    }

    /// The same user, with only these scopes.
    #[must_use]
    pub fn local_with(scopes: Option<Vec<String>>) -> Self {
        Self { grant: Grant { scopes, ..Grant::default() }, ..Self::local() }
    }

    /// The same for whoever reaches this process over the network, on a loopback address that asks for no token.
    #[must_use]
    pub fn over_network(self) -> Self {
        Self { remote: true, ..self }
    }

    /// Whether answers show credentials to this principal.
    #[must_use]
    pub fn reads_secrets(&self) -> bool {
        self.was_given(SECRETS_READ)
    }

    /// Whether this principal was given a scope by its very name.
    #[must_use]
    pub fn was_given(&self, name: &str) -> bool {
        self.grant.scopes.iter().flatten().any(|scope| scope == name)
    }

    /// Somebody on the network with a name of their own, such as `token:NAME` or `ISSUER#SUBJECT`.
    pub fn new(id: impl Into<String>, grant: Grant) -> Self {
        Self { id: id.into(), grant, remote: true }
    }

    /// What tells this principal from all others.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the principal may reach.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Whether the principal is shown the tool and may call it.
    #[must_use]
    pub fn admits(&self, entry: &Entry) -> bool {
        self.grant.reaches(entry) && self.lacking(entry).is_none()
    }

    /// The scope that keeps the principal from the tool: its own, or the one for files of this machine. Whoever started
    /// this process could read those anyway; the operator opened directories for them, and not for everybody else.
    #[must_use]
    pub fn lacking(&self, entry: &Entry) -> Option<&'static str> {
        let sends_files = entry.tool.file().is_some() && self.remote && !self.was_given(FILES_READ);
        self.grant.lacking(entry).or(sends_files.then_some(FILES_READ))
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

/// What a principal may reach of the tools that are served. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// Only these toolsets.
    pub toolsets: Option<Vec<String>>,
    /// Only tools with these scopes: `vms:power`, `vms:*` for every scope of an area, `*` for all.
    pub scopes: Option<Vec<String>>,
    /// Only these accounts, as `provider/name`; that of the environment is called `default`.
    pub accounts: Option<Vec<String>>,
    /// Only tools that change nothing, spend nothing, hand out no credential and run no code.
    pub read_only: bool,
}

impl Grant {
    /// Whether everything that is served is granted.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether toolset, access, accounts and scope let the tool through.
    #[must_use]
    pub fn admits(&self, entry: &Entry) -> bool {
        self.reaches(entry) && self.lacking(entry).is_none()
    }

    /// Whether this account is granted.
    #[must_use]
    pub fn uses(&self, provider: &str, account: &str) -> bool {
        let is_it = |name: &String| name.split_once('/') == Some((provider, account));
        self.accounts.as_ref().is_none_or(|names| names.iter().any(is_it))
    }

    /// What calls have to choose among the accounts of a provider that are granted; none where there is no choice.
    #[must_use]
    pub fn choice(&self, accounts: &Accounts, provider: &str) -> Option<Choice> {
        accounts.choice(provider).map(|choice| choice.narrowed(|account| self.uses(provider, account)))
    }

    /// Whether toolset, access and accounts let the tool through, whatever its scope is.
    #[must_use]
    pub fn reaches(&self, entry: &Entry) -> bool {
        let toolset = &entry.tool.toolset;
        let of_provider = |name: &String| name.split('/').next() == Some(entry.provider.name.as_ref());
        let accounts = self.accounts.as_ref().is_none_or(|names| names.iter().any(of_provider));
        accounts
            && self.toolsets.as_ref().is_none_or(|names| names.iter().any(|name| name == toolset))
            && (!self.read_only || entry.harmless())
    }

    /// The scope of the tool, where it is not granted.
    #[must_use]
    pub fn lacking(&self, entry: &Entry) -> Option<&'static str> {
        let scope = entry.tool.review.scope.as_ref();
        let covered = |scopes: &Vec<String>| scopes.iter().any(|granted| covers(granted, scope));
        (!self.scopes.as_ref().is_none_or(covered)).then_some(scope)
    }
}

/// Whether a granted scope is this one or stands for it.
fn covers(granted: &str, scope: &str) -> bool {
    granted == scope
        || granted == "*"
        || granted.strip_suffix('*').is_some_and(|area| area.ends_with(':') && scope.starts_with(area))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_stands_for_itself_or_for_its_area() {
        for (granted, scope, expected) in [
            ("vms:read", "vms:read", true),
            ("vms:read", "vms:power", false),
            ("vms:*", "vms:power", true),
            ("vms*", "vms:power", false),
            ("vm:*", "vms:power", false),
            ("*", "billing:spend", true),
            ("", "vms:read", false),
        ] {
            assert_eq!(covers(granted, scope), expected, "{granted} {scope}");
        }
    }
}
