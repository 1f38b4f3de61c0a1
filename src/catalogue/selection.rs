use std::fmt;

use infra_mcp_model::{Access, Provider};

use super::{Entry, all};
use crate::error::StartupError;
use crate::near::nearest;

/// Which of the built-in tools are served. Every condition narrows; the default is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these toolsets.
    pub toolsets: Option<Vec<String>>,
    /// Only these tools.
    pub tools: Option<Vec<String>>,
    /// Not these tools.
    pub exclude: Vec<String>,
    /// How far calls may go; what each provider's description says where nothing is given.
    pub access: Option<Access>,
    /// Providers that may be called without limit where `access` says nothing: the environment opened them.
    pub opened: Vec<String>,
}

/// Why a selection cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// It names things that do not exist.
    #[error("{}", lines(.0))]
    Unknown(Vec<UnknownName>),
    /// No tool is left.
    #[error(
        "No tool is left: all that is selected is excluded again, or none of it is harmless enough for the given access."
    )]
    Empty,
}

impl From<SelectionError> for StartupError {
    fn from(error: SelectionError) -> Self {
        Self::new("Selection of tools", error.to_string(), "The sub-command `list` shows every tool with its toolset.")
    }
}

/// A name in a [`Selection`] that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What was to be named.
    pub kind: Kind,
    /// The name as given.
    pub name: String,
    /// What was probably meant.
    pub nearest: Option<String>,
    /// All that is accepted, where that is short enough to tell.
    pub accepted: Vec<String>,
    /// The tool exists, in this toolset that is not selected.
    pub elsewhere: Option<String>,
}

/// What a name in a [`Selection`] stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A toolset, for `--toolsets`.
    Toolset,
    /// A tool, for `--tools`.
    Tool,
    /// A tool, for `--exclude-tools`.
    Excluded,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Toolset => "--toolsets: there is no toolset",
            Self::Tool => "--tools: there is no tool",
            Self::Excluded => "--exclude-tools: there is no tool",
        })
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(toolset) = &self.elsewhere {
            return write!(f, "--tools: `{}` belongs to the toolset `{toolset}`, which is not selected.", self.name);
        }
        write!(f, "{} `{}`", self.kind, self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?")?,
            None => f.write_str(".")?,
        }
        if self.accepted.is_empty() { Ok(()) } else { write!(f, " Accepted: {}.", self.accepted.join(", ")) }
    }
}

fn lines(unknown: &[UnknownName]) -> String {
    unknown.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Selection {
    /// The selected tools in listing order.
    pub(super) fn apply(&self, providers: &[&'static Provider]) -> Result<Vec<Entry>, SelectionError> {
        let unknown = self.unknown(providers);
        if !unknown.is_empty() {
            return Err(SelectionError::Unknown(unknown));
        }
        let mut entries = Vec::with_capacity(all(providers).count());
        entries.extend(all(providers).filter(|entry| self.places(entry) && self.keeps(entry)));
        if entries.is_empty() && *self != Self::default() { Err(SelectionError::Empty) } else { Ok(entries) }
    }

    /// Whether the toolset of the tool is selected.
    fn places(&self, entry: &Entry) -> bool {
        named(&self.toolsets, &entry.tool.toolset)
    }

    /// How far calls to this provider may go.
    #[must_use]
    pub fn access_to(&self, provider: &Provider) -> Access {
        provider.access(self.access, &self.opened)
    }

    fn keeps(&self, entry: &Entry) -> bool {
        let listed = |names: &[String]| names.iter().any(|name| entry.tool.answers_to(name));
        self.tools.as_deref().is_none_or(listed)
            && !listed(&self.exclude)
            && self.access_to(entry.provider).serves(&entry.tool.review)
    }

    fn unknown(&self, providers: &[&'static Provider]) -> Vec<UnknownName> {
        let mut unknown = Vec::new();
        if let Some(names) = &self.toolsets {
            let toolsets = providers.iter().flat_map(|provider| provider.toolsets.iter());
            let accepted: Vec<&str> = toolsets.map(|toolset| toolset.name.as_ref()).collect();
            unknown.extend(strangers(Kind::Toolset, names, &accepted));
        }
        unknown.extend(self.tools.iter().flatten().filter_map(|name| self.misplaced(providers, name)));
        unknown.extend(
            self.exclude
                .iter()
                .filter(|name| !exists(providers, name))
                .map(|name| stranger(Kind::Excluded, name, tool_names(providers))),
        );
        unknown
    }

    /// A name in `tools` that is no tool, or a tool outside the selected toolsets.
    fn misplaced(&self, providers: &[&'static Provider], name: &str) -> Option<UnknownName> {
        let mut found = all(providers).filter(|entry| entry.tool.answers_to(name)).peekable();
        let Some(first) = found.peek().copied() else {
            return Some(stranger(Kind::Tool, name, tool_names(providers)));
        };
        if found.any(|entry| self.places(&entry)) {
            return None;
        }
        let elsewhere = Some(first.tool.toolset.to_string());
        Some(UnknownName { kind: Kind::Tool, name: name.to_owned(), nearest: None, accepted: vec![], elsewhere })
    }
}

fn named(names: &Option<Vec<String>>, name: &str) -> bool {
    names.as_ref().is_none_or(|names| names.iter().any(|other| other == name))
}

fn exists(providers: &[&'static Provider], name: &str) -> bool {
    all(providers).any(|entry| entry.tool.answers_to(name))
}

fn tool_names(providers: &[&'static Provider]) -> impl Iterator<Item = &'static str> {
    all(providers).map(|entry| entry.tool.name.as_ref())
}

fn stranger<'a>(kind: Kind, name: &str, candidates: impl Iterator<Item = &'a str>) -> UnknownName {
    let nearest = nearest(name, candidates).map(str::to_owned);
    UnknownName { kind, name: name.to_owned(), nearest, accepted: vec![], elsewhere: None }
}

fn strangers(kind: Kind, names: &[String], accepted: &[&str]) -> Vec<UnknownName> {
    let unknown = names.iter().filter(|name| !accepted.contains(&name.as_str()));
    unknown
        .map(|name| UnknownName {
            accepted: accepted.iter().map(ToString::to_string).collect(),
            ..stranger(kind, name, accepted.iter().copied())
        })
        .collect()
}
