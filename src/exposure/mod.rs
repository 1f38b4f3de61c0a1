//! How the selected tools are presented to who calls: each by itself, or those of a toolset as two, one for what only
//! reads and one for the rest. Policy, approval, audit and executor see tools alone, whatever they were called by.

mod arguments;
mod domain;
mod names;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use infra_mcp_model::{Alias, Expose, Provider, Text, Toolset};

pub use arguments::Given;
pub(crate) use domain::named;
pub use domain::{Domain, Kind, OPERATION};

use crate::catalogue::{Catalogue, Entry};
use crate::near::nearest;
use names::Contested;

/// The selected tools under the names they are called by.
pub struct Exposure {
    catalogue: Arc<Catalogue>,
    presented: Vec<Presented>,
    contested: Contested,
    /// Made by the first lookup: a server that only lists never pays for it.
    names: OnceLock<HashMap<Text, Named>>,
}

/// Something that is listed.
#[derive(Debug)]
pub enum Presented {
    /// One tool.
    Tool {
        /// Its name, or with its provider in front where another provider has a tool of the same name.
        name: Text,
        /// The tool.
        entry: Entry,
    },
    /// Several operations of one toolset.
    Domain(Domain),
    /// What the server answers by itself.
    Builtin(Builtin),
}

/// A tool that the server answers by itself, without a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// Tells the arguments and the facts of one operation.
    DescribeOperation,
}

impl Builtin {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::DescribeOperation];

    /// The name clients call.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DescribeOperation => "describe_operation",
        }
    }
}

impl Presented {
    /// The name clients call.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Tool { name, .. } => name,
            Self::Domain(domain) => &domain.name,
            Self::Builtin(builtin) => builtin.name(),
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub enum Found<'e> {
    /// One tool, and the former name by which it was called.
    Tool(Entry, Option<&'static Alias>),
    /// The operations of a toolset.
    Domain(&'e Domain),
    /// What the server answers by itself.
    Builtin(Builtin),
    /// Tools of several providers, which have these names instead.
    Contested(&'e [String]),
}

#[derive(Debug)]
enum Named {
    Presented(usize),
    Former(Entry, &'static Alias),
    Contested(Vec<String>),
}

impl Exposure {
    /// Presents what the catalogue holds: as `expose` says, or without it as every provider does.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, expose: Option<Expose>) -> Self {
        let contested = Contested::among(catalogue.providers(), expose);
        let presented = present(catalogue.entries(), expose, &contested);
        Self { catalogue, presented, contested, names: OnceLock::new() }
    }

    /// What is listed, in order.
    #[must_use]
    pub fn presented(&self) -> &[Presented] {
        &self.presented
    }

    /// The tools behind it.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What a call of this name is for.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Found<'_>> {
        Some(match self.names().get(name)? {
            Named::Presented(index) => match &self.presented[*index] {
                Presented::Tool { entry, .. } => Found::Tool(*entry, None),
                Presented::Domain(domain) => Found::Domain(domain),
                Presented::Builtin(builtin) => Found::Builtin(*builtin),
            },
            Named::Former(entry, alias) => Found::Tool(*entry, Some(alias)),
            Named::Contested(candidates) => Found::Contested(candidates),
        })
    }

    /// The operations of toolsets that are listed as a whole.
    pub fn domains(&self) -> impl Iterator<Item = &Domain> + Clone {
        self.presented.iter().filter_map(|presented| match presented {
            Presented::Domain(domain) => Some(domain),
            _ => None,
        })
    }

    /// What the tool is called by, and as which operation of that where it is one of several.
    #[must_use]
    pub fn place(&self, entry: Entry) -> Option<(&str, Option<&'static str>)> {
        let is_it = |other: &Entry| std::ptr::eq(other.tool, entry.tool);
        self.presented.iter().find_map(|presented| match presented {
            Presented::Tool { name, entry } if is_it(entry) => Some((name.as_ref(), None)),
            Presented::Domain(domain) if domain.operations.iter().any(is_it) => {
                Some((domain.name.as_str(), Some(entry.tool.operation_name.as_ref())))
            }
            _ => None,
        })
    }

    /// A listed name that was probably meant.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.presented.iter().map(Presented::name))
    }

    fn names(&self) -> &HashMap<Text, Named> {
        self.names.get_or_init(|| names::index(&self.presented, self.catalogue.entries(), &self.contested))
    }
}

impl fmt::Debug for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.presented.iter().map(Presented::name)).finish()
    }
}

/// How the tools of a toolset are listed. What the toolset itself says wins, then the operator, then the provider.
fn mode(provider: &Provider, toolset: &Toolset, expose: Option<Expose>) -> Expose {
    toolset.expose.or(expose).unwrap_or(provider.expose)
}

fn present(entries: &[Entry], expose: Option<Expose>, contested: &Contested) -> Vec<Presented> {
    let mut presented = Vec::with_capacity(entries.len() + Builtin::ALL.len());
    let mut whole = false;
    for group in entries.chunk_by(|a, b| std::ptr::eq(a.provider, b.provider) && a.tool.toolset == b.tool.toolset) {
        let provider = group[0].provider;
        let toolset = provider.toolsets.iter().find(|toolset| toolset.name == group[0].tool.toolset);
        match toolset.filter(|toolset| mode(provider, toolset, expose) == Expose::Domain) {
            None => presented.extend(group.iter().map(|entry| {
                let name = contested.settle(provider, Cow::Borrowed(entry.tool.name.as_ref()));
                Presented::Tool { name, entry: *entry }
            })),
            Some(toolset) => {
                whole = true;
                presented.extend(Kind::ALL.into_iter().filter_map(|kind| {
                    let name = contested.settle(provider, kind.name(toolset).into()).into_owned();
                    Domain::of(name, kind, toolset, group).map(Presented::Domain)
                }));
            }
        }
    }
    if whole {
        presented.extend(Builtin::ALL.map(Presented::Builtin));
    }
    presented
}
