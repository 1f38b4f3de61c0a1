//! Names that more than one provider has. The rule: each is then called with its provider in front,
//! `{provider}_{name}`, and the bare name is refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use infra_mcp_model::{Expose, Provider, Text};

use super::{Builtin, Kind, Named, Presented, mode};
use crate::catalogue::Entry;
use crate::catalogue::names::qualified;

/// The names that more than one of the providers has, former ones included, and who has them. It does not depend on
/// which tools are selected, so that a narrower selection leaves the names of the rest alone.
#[derive(Debug, Default)]
pub(super) struct Contested(BTreeMap<String, Vec<&'static Provider>>);

impl Contested {
    pub(super) fn among(providers: &[&'static Provider], expose: Option<Expose>) -> Self {
        let mut owners: BTreeMap<String, Vec<&'static Provider>> = BTreeMap::new();
        for provider in providers {
            for name in owned(provider, expose) {
                owners.entry(name).or_default().push(provider);
            }
        }
        let ours = |name: &String| Builtin::ALL.iter().any(|builtin| builtin.name() == name);
        owners.retain(|name, owners| owners.len() > 1 || ours(name));
        Self(owners)
    }

    /// The name by which a provider's tool is called.
    pub(super) fn settle(&self, provider: &Provider, name: Text) -> Text {
        if self.0.contains_key(name.as_ref()) { qualified(provider, &name).into() } else { name }
    }
}

/// Every name a provider answers to.
fn owned(provider: &'static Provider, expose: Option<Expose>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for toolset in provider.toolsets.iter() {
        let former = toolset.tools.iter().flat_map(|tool| tool.aliases.iter());
        names.extend(former.map(|alias| alias.name.to_string()));
        match mode(provider, toolset, expose) {
            Expose::Flat => names.extend(toolset.tools.iter().map(|tool| tool.name.to_string())),
            Expose::Domain => names.extend(Kind::ALL.map(|kind| kind.name(toolset))),
        }
    }
    names
}

/// What every name stands for. What is listed wins over a former name of another tool of the same provider.
pub(super) fn index(presented: &[Presented], entries: &[Entry], contested: &Contested) -> HashMap<Text, Named> {
    let mut index: HashMap<Text, Named> = HashMap::with_capacity(presented.len() + 16);
    for (position, listed) in presented.iter().enumerate() {
        index.insert(listed.name().to_owned().into(), Named::Presented(position));
    }
    for entry in entries {
        for alias in entry.tool.aliases.iter() {
            let name = contested.settle(entry.provider, alias.name.clone());
            index.entry(name).or_insert(Named::Former(*entry, alias));
        }
    }
    for (name, owners) in &contested.0 {
        let candidates = owners.iter().map(|provider| qualified(provider, name));
        let candidates: Vec<String> = candidates.filter(|known| index.contains_key(known.as_str())).collect();
        if !candidates.is_empty() {
            index.entry(name.clone().into()).or_insert(Named::Contested(candidates));
        }
    }
    index
}
