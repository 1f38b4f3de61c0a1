//! Names by which the operator means tools, on the command line and in the policy file.

use infra_mcp_model::Provider;

use super::{Entry, all};

/// The name with its provider in front, for a tool whose name several providers have.
#[must_use]
pub fn qualified(provider: &Provider, name: &str) -> String {
    format!("{}_{name}", provider.name.replace('-', "_"))
}

/// The tools of these providers that a name stands for: today's or a former name, or one with its provider in front.
/// None where there is no such tool.
///
/// # Errors
/// If tools of several providers have the name: the names to use instead.
pub fn meant(providers: &[&'static Provider], name: &str) -> Result<Vec<Entry>, Vec<String>> {
    let tools: Vec<Entry> = all(providers).filter(|entry| entry.tool.answers_to(name)).collect();
    let mut owners: Vec<&'static Provider> = tools.iter().map(|entry| entry.provider).collect();
    owners.dedup_by_key(|provider| &provider.name);
    match owners.as_slice() {
        [] => Ok(all(providers).filter(|entry| is_qualified(entry, name)).collect()),
        [_] => Ok(tools),
        several => Err(several.iter().map(|provider| qualified(provider, name)).collect()),
    }
}

fn is_qualified(entry: &Entry, name: &str) -> bool {
    let rest = name.strip_prefix(&entry.provider.name.replace('-', "_")).and_then(|rest| rest.strip_prefix('_'));
    rest.is_some_and(|rest| entry.tool.answers_to(rest))
}

/// A sentence about a name that several providers have.
#[must_use]
pub fn ambiguous(name: &str, candidates: &[String]) -> String {
    format!("`{name}` is the name of tools of several providers: give {}.", candidates.join(" or "))
}
