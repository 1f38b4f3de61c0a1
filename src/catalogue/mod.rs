//! The tools that are served, in listing order.

pub mod names;
mod selection;
#[cfg(test)]
mod tests;

use std::fmt;

use infra_mcp_model::{Danger, Provider, Tool};

pub use selection::{Selection, SelectionError};

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

    /// Whether a call of it is dangerous unless its arguments say otherwise.
    #[must_use]
    pub fn is_grave(&self) -> bool {
        Danger::of(&self.tool.review).is_grave()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider.name, self.tool.name)
    }
}

/// The selected tools. What it does not hold is neither listed nor called.
pub struct Catalogue {
    providers: Vec<&'static Provider>,
    entries: Vec<Entry>,
}

impl Catalogue {
    /// Picks the selected tools out of all that were built in.
    ///
    /// # Errors
    /// If the selection names something that does not exist, or leaves no tool at all.
    pub fn select(providers: &[&'static Provider], selection: &Selection) -> Result<Self, SelectionError> {
        let entries = selection.apply(providers)?;
        Ok(Self { providers: providers.to_vec(), entries })
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

    /// The selected tools that have this name, or had it before.
    pub fn named(&self, name: &str) -> impl Iterator<Item = Entry> {
        self.entries.iter().filter(move |entry| entry.tool.answers_to(name)).copied()
    }

    /// The providers, whatever is selected of their tools.
    #[must_use]
    pub fn providers(&self) -> &[&'static Provider] {
        &self.providers
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.entries).finish()
    }
}

/// Every tool that was built in, in listing order.
fn all(providers: &[&'static Provider]) -> impl Iterator<Item = Entry> {
    providers.iter().copied().flat_map(|provider| {
        let toolsets = provider.toolsets.iter();
        toolsets.flat_map(move |toolset| toolset.tools.iter().map(move |tool| Entry { provider, tool }))
    })
}
