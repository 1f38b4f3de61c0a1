//! Why something that was called is not served.

use std::fmt;

use infra_mcp_model::{Access, Provider, Tool};

use super::Server;
use crate::catalogue::Entry;
use crate::exposure::{Domain, named};
use crate::near::nearest;
use crate::principal::Principal;

/// The names that an error lists take about this many characters at most.
const LONGEST_LIST: usize = 2_000;

/// No tool of this name is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTool {
    name: String,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    /// It exists, and something keeps it from being served.
    Hidden(String),
    /// It is one of the operations of this tool.
    OperationOf(String, String),
    /// Several providers have one, which are called these names.
    Contested(Vec<String>),
    /// There is none, and this one was probably meant.
    Nothing(Option<String>),
}

impl UnknownTool {
    /// The tool is served, and not to this principal.
    pub(super) fn beyond_grant(name: &str) -> Self {
        Self { name: name.to_owned(), why: Why::Hidden(BEYOND_GRANT.to_owned()) }
    }

    /// Tools of several providers have the name.
    pub(super) fn contested(name: &str, candidates: &[String]) -> Self {
        Self { name: name.to_owned(), why: Why::Contested(candidates.to_vec()) }
    }
}

const BEYOND_GRANT: &str = "your token does not reach it";

impl fmt::Display for UnknownTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = short(&self.name);
        match &self.why {
            Why::Hidden(reason) => write!(f, "The tool {name:?} is not enabled in this server: {reason}."),
            Why::OperationOf(tool, operation) => {
                write!(f, "{name:?} is an operation of {tool}: call that with \"operation\": {operation:?}.")
            }
            Why::Contested(names) => {
                write!(f, "Several providers have a tool {name:?}. Call one of {}.", names.join(", "))
            }
            Why::Nothing(Some(nearest)) => write!(f, "There is no tool {name:?}. Did you mean {nearest:?}?"),
            Why::Nothing(None) => write!(f, "There is no tool {name:?}. tools/list shows all of them."),
        }
    }
}

impl std::error::Error for UnknownTool {}

impl Server {
    /// Why no tool of this name is served.
    pub(crate) fn unknown(&self, name: &str) -> UnknownTool {
        let operation = self.exposure.domains().find_map(|domain| Some((domain, domain.operation(name)?)));
        let why = match (operation, self.built_in().find(|(_, tool)| tool.answers_to(name))) {
            (Some((domain, entry)), _) => Why::OperationOf(domain.name.clone(), entry.tool.operation_name.to_string()),
            (None, Some((provider, tool))) => Why::Hidden(self.reason(provider, tool)),
            (None, None) => Why::Nothing(self.exposure.nearest(name).map(str::to_owned)),
        };
        UnknownTool { name: name.to_owned(), why }
    }

    /// Why the tool has no operation of this name that the principal could call.
    pub(super) fn unknown_operation(&self, domain: &Domain, name: Option<&str>, principal: &Principal) -> String {
        let visible = |domain: &Domain| -> Vec<Entry> {
            domain.operations.iter().filter(|entry| self.shows(principal, entry)).copied().collect()
        };
        let names = visible(domain).into_iter().map(|entry| entry.tool.operation_name.as_ref());
        let Some(name) = name else {
            return format!("{} needs `operation`, the name of one of its operations: {}.", domain.name, listed(names));
        };
        let shown = short(name);
        let elsewhere = self.exposure.domains().filter(|other| other.name != domain.name);
        let elsewhere: Vec<&str> = elsewhere
            .filter(|other| named(visible(other).into_iter(), name).is_some())
            .map(|other| other.name.as_str())
            .collect();
        if !elsewhere.is_empty() {
            return format!("{shown:?} is an operation of {}, not of {}.", elsewhere.join(" and of "), domain.name);
        }
        if domain.operation(name).is_some() {
            return format!("The operation {shown:?} is not enabled in this server: {BEYOND_GRANT}.");
        }
        let of_toolset = domain.toolset.tools.iter().find(|tool| tool.operation_name == name || tool.name == name);
        if let Some(tool) = of_toolset {
            let reason = self.reason(domain.operations[0].provider, tool);
            return format!("The operation {shown:?} is not enabled in this server: {reason}.");
        }
        match nearest(name, names.clone()) {
            Some(nearest) => format!("{} has no operation {shown:?}. Did you mean {nearest:?}?", domain.name),
            None => format!("{} has no operation {shown:?}. It has {}.", domain.name, listed(names)),
        }
    }

    fn built_in(&self) -> impl Iterator<Item = (&'static Provider, &'static Tool)> {
        self.providers.iter().copied().flat_map(|provider| provider.tools().map(move |tool| (provider, tool)))
    }

    /// What keeps a tool that was built in from being served.
    fn reason(&self, provider: &Provider, tool: &Tool) -> String {
        let among = |names: &[String]| names.iter().any(|name| tool.answers_to(name));
        let selection = &self.selection;
        if among(&selection.exclude) {
            "the operator leaves it out (--exclude-tools, or a deny list)".to_owned()
        } else if selection.toolsets.as_ref().is_some_and(|toolsets| !toolsets.iter().any(|name| *name == tool.toolset))
        {
            format!(
                "its toolset `{}` is not among those selected (--toolsets, or a binary for one toolset)",
                tool.toolset
            )
        } else if selection.tools.as_deref().is_some_and(|tools| !among(tools)) {
            "it is not among those given with --tools".to_owned()
        } else if selection.access == Some(Access::Read) {
            "it does more than read, and the server was started with --read-only or --access read".to_owned()
        } else if selection.access_to(provider) == Access::Read {
            format!("it does more than read, and {} is read-only unless --access says otherwise", provider.title)
        } else {
            "it goes further than this server was started for; --access full would serve it".to_owned()
        }
    }
}

/// Whatever the caller sent as a name, the answer stays short.
fn short(name: &str) -> String {
    name.chars().take(100).collect()
}

fn listed<'n>(names: impl Iterator<Item = &'n str> + Clone) -> String {
    let mut length = 0;
    let fitting = names.clone().take_while(|name| {
        length += name.len() + 2;
        length <= LONGEST_LIST
    });
    let fitting: Vec<&str> = fitting.collect();
    match names.count() - fitting.len() {
        0 => fitting.join(", "),
        more => format!("{} and {more} more", fitting.join(", ")),
    }
}
