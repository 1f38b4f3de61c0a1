//! What a caller can tell of an operation.

use crate::load::{Action, Settings, Source, Upstream};
use crate::lower::components::Components;
use crate::lower::document::{Found, find_operations};
use crate::lower::operation::{self, Reading};
use crate::lower::schema::{Direction, definition_name};
use crate::lower::tool::EXPOSURE;
use crate::lower::{request, sanitize};
use infra_mcp_model::{Location, Operation, RequestBody, Tool};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The facts of one argument, each a set of words.
pub(super) type Facts = BTreeMap<&'static str, BTreeSet<String>>;

/// One operation.
pub(super) struct Face {
    pub(super) name: String,
    method: String,
    path: String,
    pub(super) deprecated: bool,
    /// By dotted path, or why the operation cannot be served.
    pub(super) inputs: Result<BTreeMap<String, Facts>, String>,
    /// From a tool list, which tells only part of the facts.
    pub(super) partial: bool,
    pub(super) unverified: Vec<String>,
    /// What its description says about giving it to MCP clients.
    pub(super) exposure: Option<String>,
}

/// Method and path without the names of path parameters, which nobody sees on the wire.
pub(crate) fn route(method: &str, path: &str) -> String {
    let pieces = path.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, rest)| rest));
    format!("{} {}", method.to_uppercase(), pieces.collect::<Vec<_>>().join("{}"))
}

impl Face {
    pub(super) fn request(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn route(&self) -> String {
        route(&self.method, &self.path)
    }

    fn of(found: &Found<'_>, components: &mut Components<'_>, settings: &Settings) -> Self {
        let reading = Reading { body_as_query: false, omit: &settings.omit };
        let lowered = operation::lower(found, components, reading);
        let parts = found.operation.get("x-unverified").and_then(Value::as_array);
        Self {
            name: sanitize(&found.id),
            method: found.method.to_uppercase(),
            path: found.path.to_owned(),
            deprecated: found.operation.get("deprecated") == Some(&Value::Bool(true)),
            inputs: lowered.map(|lowered| inputs(&lowered.operation, &lowered.input_schema, true)),
            partial: false,
            unverified: parts.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            exposure: found.operation.get(EXPOSURE).and_then(Value::as_str).map(str::to_owned),
        }
    }

    /// None of a tool that is no single request.
    pub(super) fn of_tool(tool: &Tool) -> Option<Self> {
        let operation = tool.operation()?;
        let schema = serde_json::from_str(&tool.input_schema).unwrap_or_default();
        Some(Self {
            name: tool.name.to_string(),
            method: operation.method.as_str().to_owned(),
            path: operation.path.to_string(),
            deprecated: operation.deprecated,
            inputs: Ok(inputs(operation, &schema, true)),
            partial: false,
            unverified: Vec::new(),
            exposure: None,
        })
    }
}

pub(super) fn upstream(upstream: &Upstream, settings: &Settings) -> Vec<Face> {
    match upstream {
        Upstream::Document(document) => of_document(&document.root, settings),
        Upstream::Tools(list) => of_definitions(std::slice::from_ref(list), true),
    }
}

pub(super) fn ours(source: &Source) -> Vec<Face> {
    let document = source.document.as_ref().map(|document| of_document(&document.root, &source.settings));
    let mut faces = document.unwrap_or_default();
    faces.extend(of_definitions(&source.definitions, false));
    faces
}

fn of_document(root: &Value, settings: &Settings) -> Vec<Face> {
    let mut components = Components::new(root, Direction::Input);
    find_operations(root).iter().map(|found| Face::of(found, &mut components, settings)).collect()
}

fn of_definitions(files: &[crate::load::DefinitionFile], partial: bool) -> Vec<Face> {
    let mut faces = Vec::new();
    for definition in files.iter().flat_map(|file| &file.tools) {
        let Some(alone) = &definition.standalone else { continue };
        let Action::Request { method, path, .. } = &alone.action else { continue };
        faces.push(Face {
            name: definition.name.clone(),
            method: method.to_uppercase(),
            path: path.clone(),
            deprecated: false,
            inputs: request(definition, alone, method, path)
                .map(|lowered| inputs(&lowered.operation, &lowered.input_schema, !partial)),
            partial,
            unverified: Vec::new(),
            exposure: None,
        });
    }
    faces
}

/// Every argument, nested ones by dotted path. `located` where the description says where they go.
fn inputs(operation: &Operation, schema: &Value, located: bool) -> BTreeMap<String, Facts> {
    let empty = Map::new();
    let defs = schema.get("$defs").and_then(Value::as_object).unwrap_or(&empty);
    let mut reader = Reader { defs, open: Vec::new(), found: BTreeMap::new() };
    reader.members(schema, "");
    let mut found = reader.found;
    for (argument, wire, location) in located.then(|| locations(operation)).into_iter().flatten() {
        if let Some(facts) = found.get_mut(argument) {
            facts.insert("location", [location.to_owned()].into());
            if wire != argument {
                facts.insert("name", [wire.to_owned()].into());
            }
        }
    }
    found
}

fn locations(operation: &Operation) -> Vec<(&str, &str, &'static str)> {
    let parameters = operation.parameters.iter().map(|parameter| {
        let location = match parameter.location {
            Location::Path => "path",
            Location::Query => "query",
            Location::Header => "header",
        };
        (parameter.argument.as_ref(), parameter.name.as_ref(), location)
    });
    let body = match &operation.body {
        None => Vec::new(),
        Some(RequestBody::Whole { argument }) => vec![(argument.as_ref(), argument.as_ref(), "body")],
        Some(RequestBody::Members { members, .. }) => {
            members.iter().map(|member| (member.argument.as_ref(), member.name.as_ref(), "body")).collect()
        }
    };
    parameters.chain(body).collect()
}

/// Collects facts by dotted path. Parts of a composition count as one.
struct Reader<'a> {
    defs: &'a Map<String, Value>,
    open: Vec<String>,
    found: BTreeMap<String, Facts>,
}

impl Reader<'_> {
    fn members(&mut self, schema: &Value, path: &str) {
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let facts = self.found.entry(path.clone()).or_default();
            if required.contains(&name.as_str()) {
                facts.insert("required", ["required".to_owned()].into());
            }
            self.schema(inner, &path);
        }
    }

    fn schema(&mut self, schema: &Value, path: &str) {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(definition_name) {
            match self.defs.get(&name) {
                Some(target) if self.open.contains(&name) => self.facts(target, path),
                Some(target) => {
                    self.open.push(name);
                    self.schema(target, path);
                    self.open.pop();
                }
                None => {}
            }
            return;
        }
        self.facts(schema, path);
        for key in ["allOf", "oneOf", "anyOf"] {
            for part in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.schema(part, path);
            }
        }
        self.members(schema, path);
        if let Some(items) = schema.get("items") {
            self.schema(items, &format!("{path}[]"));
        }
        if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
            self.schema(values, &format!("{path}.*"));
        }
    }

    fn facts(&mut self, schema: &Value, path: &str) {
        const FACTS: [&str; 15] = [
            "type",
            "enum",
            "default",
            "const",
            "format",
            "pattern",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
        ];
        let facts = self.found.entry(path.to_owned()).or_default();
        for fact in FACTS {
            let values = match schema.get(fact) {
                None => continue,
                Some(Value::Array(values)) if fact == "type" || fact == "enum" => values.as_slice(),
                Some(value) => std::slice::from_ref(value),
            };
            // Whether null is a value is said by the type, and a null default says nothing.
            let values = values.iter().filter(|value| !value.is_null());
            let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let words: BTreeSet<String> = values.map(word).collect();
            if !words.is_empty() {
                facts.entry(fact).or_default().extend(words);
            }
        }
    }
}

/// The facts that differ: name, theirs, ours. Where theirs are partial only what they state counts.
pub(super) fn unequal(theirs: &Facts, ours: &Facts, partial: bool) -> Vec<(&'static str, String, String)> {
    let facts: BTreeSet<&'static str> = theirs.keys().chain(ours.keys()).copied().collect();
    let empty = BTreeSet::new();
    let mut unequal = Vec::new();
    for fact in facts {
        let (their, our) = (theirs.get(fact).unwrap_or(&empty), ours.get(fact).unwrap_or(&empty));
        let equal = their == our || (partial && (if fact == "type" { their.is_subset(our) } else { their.is_empty() }));
        if !equal {
            unequal.push((fact, words(their), words(our)));
        }
    }
    unequal
}

pub(super) fn words(values: &BTreeSet<String>) -> String {
    values.iter().map(String::as_str).collect::<Vec<_>>().join(" | ")
}

/// `a[].b.c` lies in `a[].b`, `a[]` and `a`.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(index, _)| &path[..index])
}
