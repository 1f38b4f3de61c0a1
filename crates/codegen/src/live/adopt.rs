//! Makes a document speak of operations by the names they have here, as far as they are the same.

use crate::drift::route;
use crate::load::{Source, ToolsetSettings};
use crate::lower::document::{component, find_operations};
use crate::lower::names;
use crate::report::{Report, Severity};
use infra_mcp_model::{Operation, Provider, Tool};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The longest name of a toolset that is made for operations that belong to none.
const LONGEST: usize = 40;

/// Gives every operation of the document that sends the request of a built-in one the id of that, and every other one
/// an id that no built-in tool has: names stand in policies and allow lists. Definitions remain for the former alone.
/// Every operation gets the toolset of its neighbours; gives the names of the toolsets that our settings do not have.
pub(super) fn adopt(source: &mut Source, built_in: &Provider, report: &mut Report) -> BTreeSet<String> {
    let Some(document) = &mut source.document else { return BTreeSet::new() };
    resolve(&mut document.root);
    let known = Known::of(built_in);
    let mut same = BTreeSet::new();
    let mut places = Vec::new();
    for found in find_operations(&document.root) {
        let tool = known.by_route.get(&route(found.method, found.path)).filter(|tool| same.insert(tool.name.as_ref()));
        let (id, toolset) = match tool {
            Some(tool) => (own_id(tool), tool.toolset.to_string()),
            None => {
                let name = names::shorten(&names::sanitize(&found.id));
                let taken = known.names.contains(name.as_str());
                let id = if taken {
                    format!("{}_{}", found.id, names::from_path(found.method, found.path))
                } else {
                    found.id.clone()
                };
                if taken {
                    let what = format!("the operation id {} is that of another request here", found.id);
                    report.add(Severity::Warning, &document.file, found.pointer(), what, "it gets a name of its own");
                }
                (id, known.toolset(found.path).unwrap_or_else(|| built_in.name.to_string()))
            }
        };
        places.push((found.pointer(), id, toolset));
    }
    let settings = &mut source.settings.toolsets;
    let named = !settings.is_empty();
    let mut made = BTreeSet::new();
    for toolset in settings.iter_mut() {
        toolset.tags = vec![toolset.name.clone()];
    }
    for (pointer, id, toolset) in places {
        if settings.iter().all(|known| known.name != toolset) && made.insert(toolset.clone()) && named {
            settings.push(toolset_of(&toolset));
        }
        if let Some(operation) = document.root.pointer_mut(&pointer).and_then(Value::as_object_mut) {
            operation.insert("operationId".to_owned(), id.into());
            operation.insert("tags".to_owned(), json!([toolset]));
        }
    }
    // Prompts, names and tasks count on tools that may be gone.
    source.prompts.clear();
    source.settings.tasks = source.settings.tasks.take().filter(|tasks| same.contains(tasks.tool.as_str()));
    source.settings.references.retain(|reference| same.contains(reference.tool.as_str()));
    for file in &mut source.definitions {
        file.tools.retain(|definition| definition.standalone.is_some() || same.contains(definition.name.as_str()));
    }
    made
}

/// Puts every path item where its path stands.
fn resolve(root: &mut Value) {
    let elsewhere: Vec<(String, Value)> = root
        .get("paths")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, item)| item.get("$ref").is_some())
        .filter_map(|(path, item)| Some((path.clone(), component(root, item)?.clone())))
        .collect();
    for (path, item) in elsewhere {
        root["paths"][path] = item;
    }
}

/// The operation id that makes the name of the tool.
fn own_id(tool: &Tool) -> String {
    let id = tool.operation().map(|operation| operation.id.as_ref());
    let id = id.filter(|id| names::shorten(&names::sanitize(id)) == tool.name);
    id.unwrap_or(&tool.name).to_owned()
}

fn toolset_of(name: &str) -> ToolsetSettings {
    let words = name.replace('-', " ");
    let title = words[..1].to_uppercase() + &words[1..];
    ToolsetSettings {
        name: name.to_owned(),
        title,
        binary: String::new(),
        feature: None,
        expose: None,
        exclusive: false,
        tags: vec![name.to_owned()],
    }
}

/// What was built in.
struct Known<'p> {
    by_route: BTreeMap<String, &'p Tool>,
    /// Of every tool, former ones included.
    names: BTreeSet<&'p str>,
    /// Path and toolset of every operation.
    paths: Vec<(Vec<String>, &'p str)>,
    /// How many steps all paths begin with in common.
    common: usize,
}

impl<'p> Known<'p> {
    fn of(built_in: &'p Provider) -> Self {
        let operations = || built_in.tools().filter_map(|tool| Some((tool, tool.operation()?)));
        let path = |operation: &Operation| steps(&operation.path.to_string());
        let paths: Vec<(Vec<String>, &str)> =
            operations().map(|(tool, operation)| (path(operation), tool.toolset.as_ref())).collect();
        let first = paths.first().map(|(path, _)| path.clone()).unwrap_or_default();
        let common = paths.iter().map(|(path, _)| shared(path, &first)).min().unwrap_or(0);
        let aliases = built_in.tools().flat_map(|tool| tool.aliases.iter().map(|alias| alias.name.as_ref()));
        Self {
            by_route: operations()
                .map(|(tool, operation)| (route(operation.method.as_str(), &operation.path.to_string()), tool))
                .collect(),
            names: built_in.tools().map(|tool| tool.name.as_ref()).chain(aliases).collect(),
            paths,
            common,
        }
    }

    /// The toolset of the operations whose paths begin most alike; of several the one that most of them have. Where
    /// none begins alike beyond what all have in common, one named after the first step that is different.
    fn toolset(&self, path: &str) -> Option<String> {
        let path = steps(path);
        let alike = |other: &[String]| shared(other, &path);
        let most = self.paths.iter().map(|(other, _)| alike(other)).max().filter(|most| *most > self.common);
        let Some(most) = most else { return path.get(self.common).and_then(|step| made(step)) };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, toolset) in self.paths.iter().filter(|(other, _)| alike(other) == most) {
            *counts.entry(toolset).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(toolset, _)| toolset.to_owned())
    }
}

/// The steps of a path; a parameter is one whatever its name.
fn steps(path: &str) -> Vec<String> {
    let steps = path.split('/').filter(|step| !step.is_empty());
    steps.map(|step| if step.starts_with('{') { "{}".to_owned() } else { step.to_owned() }).collect()
}

fn shared(one: &[String], other: &[String]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// A step as the name of a toolset, where it can be one.
fn made(step: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = step.len() <= LONGEST && step.starts_with(|c: char| c.is_ascii_lowercase()) && step.chars().all(legal);
    fits.then(|| step.to_owned())
}
