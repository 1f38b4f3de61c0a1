//! What a call is for, by the name and the arguments it came with.

use infra_mcp_model::Alias;
use serde_json::{Map, Value};

use super::{Server, UnknownTool, listing};
use crate::catalogue::Entry;
use crate::exposure::{Builtin, Found, OPERATION};
use crate::principal::Principal;

/// What a call is for.
#[derive(Debug)]
pub(super) enum Meant {
    /// A tool, and the former name by which it was called.
    Tool(Entry, Option<&'static Alias>),
    /// An operation of a toolset that is listed as a whole.
    Operation(Entry),
    /// What the server answers by itself.
    Builtin(Builtin),
}

/// Nothing that is served, or not to this principal.
#[derive(Debug)]
pub(super) enum Unresolved {
    /// There is no such tool.
    Tool(UnknownTool),
    /// There is, and it has no such operation: why, in words.
    Operation(String),
}

impl Server {
    /// What a call is for. Whether it may be made, policy says later: this is about what can be seen.
    pub(super) fn meant(
        &self,
        name: &str,
        arguments: &Map<String, Value>,
        principal: &Principal,
    ) -> Result<Meant, Unresolved> {
        let grant = principal.grant();
        let beyond = || Unresolved::Tool(UnknownTool::beyond_grant(name));
        match self.exposure.find(name) {
            Some(Found::Tool(entry, alias)) if grant.reaches(&entry) => Ok(Meant::Tool(entry, alias)),
            Some(Found::Tool(..)) => Err(beyond()),
            Some(Found::Domain(domain)) => {
                if !domain.operations.iter().any(|entry| grant.reaches(entry)) {
                    return Err(beyond());
                }
                let operation = arguments.get(OPERATION).and_then(Value::as_str);
                let entry = operation.and_then(|operation| domain.operation(operation));
                entry
                    .filter(|entry| grant.reaches(entry))
                    .map(Meant::Operation)
                    .ok_or_else(|| Unresolved::Operation(self.unknown_operation(domain, operation, principal)))
            }
            Some(Found::Builtin(builtin)) => Ok(Meant::Builtin(builtin)),
            Some(Found::Contested(candidates)) => Err(Unresolved::Tool(UnknownTool::contested(name, candidates))),
            None => Err(Unresolved::Tool(self.unknown(name))),
        }
    }

    /// The tool that a call would be carried out by.
    pub(super) fn called(&self, name: &str, arguments: &Map<String, Value>, principal: &Principal) -> Option<Entry> {
        match self.meant(name, arguments, principal).ok()? {
            Meant::Tool(entry, _) | Meant::Operation(entry) => Some(entry),
            Meant::Builtin(_) => None,
        }
    }

    /// Whether the principal is shown the tool.
    pub(super) fn shows(&self, principal: &Principal, entry: &Entry) -> bool {
        listing::shows(&self.gate, principal, entry)
    }
}
