//! The tools that are served, in listing order, looked up by name.

mod selection;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use infra_mcp_model::{Danger, Provider, Tool};

pub use selection::{Selection, SelectionError};

use crate::near::nearest;

/// A tool together with the provider it belongs to.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The provider.
    pub provider: &'static Provider,
    /// The tool.
    pub tool: &'static Tool,
}

impl Entry {
    /// Whether no call of it can change anything, spend money, hand out a credential or run code.
    #[must_use]
    pub fn harmless(&self) -> bool {
        Danger::of(&self.tool.review).is_none()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider.name, self.tool.name)
    }
}

/// The selected tools. What it does not hold is neither listed nor called.
pub struct Catalogue {
    providers: &'static [&'static Provider],
    entries: Vec<Entry>,
    /// Made by the first lookup: a server that only lists never pays for it.
    index: OnceLock<HashMap<&'static str, Entry>>,
}

impl Catalogue {
    /// Picks the selected tools out of all that were built in.
    ///
    /// # Errors
    /// If the selection names something that does not exist, or leaves no tool at all.
    pub fn select(providers: &'static [&'static Provider], selection: &Selection) -> Result<Self, SelectionError> {
        let entries = selection.apply(providers)?;
        Ok(Self { providers, entries, index: OnceLock::new() })
    }

    /// The selected tools in listing order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The selected tool of this provider with this very name.
    #[must_use]
    pub fn get(&self, provider: &str, name: &str) -> Option<Entry> {
        self.entries.iter().find(|entry| entry.tool.name == name && entry.provider.name == provider).copied()
    }

    /// The selected tool with this name, or with this name in former times.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Entry> {
        self.index.get_or_init(|| index(&self.entries)).get(name).copied()
    }

    /// Whether a tool of this name was built in and is not selected.
    #[must_use]
    pub fn hidden(&self, name: &str) -> bool {
        self.find(name).is_none() && all(self.providers).any(|entry| entry.tool.answers_to(name))
    }

    /// The name of a selected tool that was probably meant.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.entries.iter().map(|entry| entry.tool.name.as_ref()))
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.entries).finish()
    }
}

/// A tool's own name wins over an alias of another one.
fn index(entries: &[Entry]) -> HashMap<&'static str, Entry> {
    let mut index = HashMap::with_capacity(entries.len() + 16);
    for entry in entries {
        for alias in entry.tool.aliases.iter() {
            index.insert(alias.name.as_ref(), *entry);
        }
    }
    for entry in entries {
        index.insert(entry.tool.name.as_ref(), *entry);
    }
    index
}

/// Every tool that was built in, in listing order.
fn all(providers: &'static [&'static Provider]) -> impl Iterator<Item = Entry> {
    providers.iter().copied().flat_map(|provider| {
        let toolsets = provider.toolsets.iter();
        toolsets.flat_map(move |toolset| toolset.tools.iter().map(move |tool| Entry { provider, tool }))
    })
}
