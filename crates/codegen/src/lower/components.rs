//! The component schemas of one document, each converted once.

use super::schema::{DEFS, Direction, definition_name, to_json_schema};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many definitions an input schema may carry: what lies further away accepts anything. Without
/// a limit a document whose schemas all reach each other would grow with its square. The most that
/// GitHub's 1,223 operations need is 37.
const CARRIED: usize = 64;

/// Converts on demand and remembers.
pub(crate) struct Components<'a> {
    root: &'a Value,
    direction: Direction,
    converted: Map<String, Value>,
    references: BTreeMap<String, Vec<String>>,
    dangling: BTreeSet<String>,
}

/// What an input schema carries along.
pub(crate) struct Carried {
    /// The value of `$defs`, in name order.
    pub(crate) defs: Map<String, Value>,
    /// References that lead nowhere.
    pub(crate) dangling: Vec<String>,
    /// How many definitions lie beyond the limit; at least that many.
    pub(crate) beyond: usize,
}

impl<'a> Components<'a> {
    pub(crate) fn new(root: &'a Value, direction: Direction) -> Self {
        Self { root, direction, converted: Map::new(), references: BTreeMap::new(), dangling: BTreeSet::new() }
    }

    pub(crate) const fn root(&self) -> &'a Value {
        self.root
    }

    /// A schema of the document as JSON Schema; what it reaches is in [`Components::defs`] afterwards.
    pub(crate) fn convert(&mut self, schema: &Value) -> Value {
        let converted = to_json_schema(schema, self.direction);
        let mut open = Vec::new();
        references(&converted, &mut open);
        while let Some(name) = open.pop() {
            if !self.references.contains_key(&name) {
                open.extend(self.learn(name));
            }
        }
        converted
    }

    /// Everything converted so far, by name.
    pub(crate) const fn defs(&self) -> &Map<String, Value> {
        &self.converted
    }

    fn learn(&mut self, name: String) -> Vec<String> {
        let named = |place: Option<&'a Value>| place.and_then(|schemas| schemas.get(&name));
        let target = named(self.root.pointer("/components/schemas"))
            .or_else(|| named(self.root.get("$defs")))
            .or_else(|| self.root.pointer(&name));
        let converted = match target.filter(|_| !name.is_empty()) {
            Some(target) => to_json_schema(target, self.direction),
            None => {
                self.dangling.insert(name.clone());
                Value::Bool(true)
            }
        };
        let mut reached = Vec::new();
        references(&converted, &mut reached);
        self.converted.insert(name.clone(), converted);
        self.references.insert(name, reached.clone());
        reached
    }

    /// The definitions that a converted schema needs beside it, nearest first up to the limit.
    pub(crate) fn carried(&self, schema: &Value) -> Carried {
        let mut start = Vec::new();
        references(schema, &mut start);
        let mut waiting: VecDeque<&str> = start.iter().map(String::as_str).collect();
        let mut reached: BTreeMap<&str, bool> = BTreeMap::new();
        let mut whole = 0;
        while let Some(name) = waiting.pop_front() {
            if reached.contains_key(name) {
                continue;
            }
            reached.insert(name, whole < CARRIED);
            if whole < CARRIED {
                whole += 1;
                waiting.extend(self.references.get(name).into_iter().flatten().map(String::as_str));
            }
        }
        let definition = |(name, whole): (&&str, &bool)| {
            let schema = if *whole { self.converted.get(*name).cloned() } else { None };
            ((*name).to_owned(), schema.unwrap_or(Value::Bool(true)))
        };
        Carried {
            defs: reached.iter().map(definition).collect(),
            dangling: reached.keys().filter(|name| self.dangling.contains(**name)).map(|name| (*name).into()).collect(),
            beyond: reached.values().filter(|whole| !**whole).count(),
        }
    }
}

/// The names of all definitions that `schema` refers to.
fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            for (key, inner) in object {
                match inner {
                    Value::String(reference) if key == "$ref" && reference.starts_with(DEFS) => {
                        found.extend(definition_name(reference));
                    }
                    _ => references(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
