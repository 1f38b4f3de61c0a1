use std::fmt;

use infra_mcp_model::{Access, Provider};

use super::{Entry, all, names};
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
    /// Several providers have tools of this name, which go by these.
    pub candidates: Vec<String>,
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

impl UnknownName {
    fn new(kind: Kind, name: &str) -> Self {
        Self { kind, name: name.to_owned(), nearest: None, accepted: vec![], elsewhere: None, candidates: vec![] }
    }
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

impl Kind {
    fn flag(self) -> &'static str {
        match self {
            Self::Toolset => "--toolsets",
            Self::Tool => "--tools",
            Self::Excluded => "--exclude-tools",
        }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(toolset) = &self.elsewhere {
            return write!(f, "--tools: `{}` belongs to the toolset `{toolset}`, which is not selected.", self.name);
        }
        if !self.candidates.is_empty() {
            return write!(f, "{}: {}", self.kind.flag(), names::ambiguous(&self.name, &self.candidates));
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
        let meant = |names: &[String]| -> Vec<Entry> {
            names.iter().flat_map(|name| names::meant(providers, name).unwrap_or_default()).collect()
        };
        let (wanted, excluded) = (self.tools.as_deref().map(meant), meant(&self.exclude));
        let holds = |entries: &[Entry], entry: &Entry| entries.iter().any(|other| std::ptr::eq(other.tool, entry.tool));
        let mut entries = Vec::with_capacity(all(providers).count());
        entries.extend(all(providers).filter(|entry| {
            named(&self.toolsets, &entry.tool.toolset)
                && wanted.as_deref().is_none_or(|wanted| holds(wanted, entry))
                && !holds(&excluded, entry)
                && self.access_to(entry.provider).serves(&entry.tool.review)
        }));
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

    fn unknown(&self, providers: &[&'static Provider]) -> Vec<UnknownName> {
        let mut unknown = Vec::new();
        if let Some(names) = &self.toolsets {
            let toolsets = providers.iter().flat_map(|provider| provider.toolsets.iter());
            let accepted: Vec<&str> = toolsets.map(|toolset| toolset.name.as_ref()).collect();
            unknown.extend(strangers(Kind::Toolset, names, &accepted));
        }
        unknown.extend(self.tools.iter().flatten().filter_map(|name| self.misplaced(providers, name)));
        unknown.extend(self.exclude.iter().filter_map(|name| match names::meant(providers, name) {
            Ok(tools) if tools.is_empty() => Some(stranger(Kind::Excluded, name, tool_names(providers))),
            Ok(_) => None,
            Err(candidates) => Some(UnknownName { candidates, ..UnknownName::new(Kind::Excluded, name) }),
        }));
        unknown
    }

    /// A name in `tools` that is no tool, or a tool outside the selected toolsets.
    fn misplaced(&self, providers: &[&'static Provider], name: &str) -> Option<UnknownName> {
        let found = match names::meant(providers, name) {
            Ok(found) => found,
            Err(candidates) => return Some(UnknownName { candidates, ..UnknownName::new(Kind::Tool, name) }),
        };
        let Some(first) = found.first() else {
            return Some(stranger(Kind::Tool, name, tool_names(providers)));
        };
        if found.iter().any(|entry| self.places(entry)) {
            return None;
        }
        let elsewhere = Some(first.tool.toolset.to_string());
        Some(UnknownName { elsewhere, ..UnknownName::new(Kind::Tool, name) })
    }
}

fn named(names: &Option<Vec<String>>, name: &str) -> bool {
    names.as_ref().is_none_or(|names| names.iter().any(|other| other == name))
}

fn tool_names(providers: &[&'static Provider]) -> impl Iterator<Item = &'static str> {
    all(providers).map(|entry| entry.tool.name.as_ref())
}

fn stranger<'a>(kind: Kind, name: &str, candidates: impl Iterator<Item = &'a str>) -> UnknownName {
    let nearest = nearest(name, candidates).map(str::to_owned);
    UnknownName { nearest, ..UnknownName::new(kind, name) }
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
