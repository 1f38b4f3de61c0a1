//! What clients see of an input schema: the subset that all of them accept.
//!
//! Only `type` (one word), `description`, `enum` (strings), `items`, `properties` and `required`
//! come out; no `$ref`, no composition, no empty `properties`. What the subset cannot say stands in
//! the description, and arguments are validated against the full schema.

use super::notes::{MAY_BE_NULL, kind, limits, says_kind, sentences, string_enum, words_for};
use super::schema::{definition_name, resolve};
use serde_json::{Map, Value, json};

/// Looks up our own words for a dotted parameter path such as `rules[].port`.
pub(crate) type Words<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How deep a published schema may nest, and how many schemas it may hold.
const DEPTH: usize = 7;
const BUDGET: usize = 200;
/// How many parts of compositions are looked at: compositions of compositions multiply.
const FOLDS: usize = 400;

/// The published form of a full input schema.
pub(crate) fn publish(full: &Value, words: Words<'_>) -> Value {
    let empty = Map::new();
    let defs = full.get("$defs").and_then(Value::as_object).unwrap_or(&empty);
    let mut publisher = Publisher { defs, words, open: Vec::new(), budget: BUDGET, folds: FOLDS };
    let mut out = json!({"type": "object"});
    publisher.object(full, "", &mut out);
    out
}

struct Publisher<'a> {
    defs: &'a Map<String, Value>,
    words: Words<'a>,
    open: Vec<String>,
    budget: usize,
    folds: usize,
}

impl Publisher<'_> {
    fn object(&mut self, schema: &Value, path: &str, out: &mut Value) {
        let Some(Value::Object(properties)) = schema.get("properties") else { return };
        if properties.is_empty() {
            return;
        }
        let published: Map<String, Value> = properties
            .iter()
            .map(|(name, schema)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                (name.clone(), self.schema(schema, &path))
            })
            .collect();
        out["properties"] = Value::Object(published);
        if let Some(Value::Array(required)) = schema.get("required")
            && !required.is_empty()
        {
            out["required"] = Value::Array(required.clone());
        }
    }

    fn schema(&mut self, schema: &Value, path: &str) -> Value {
        let mark = self.open.len();
        let mut described = None;
        let mut current = schema;
        let mut cyclic = false;
        while let Some(reference) = current.get("$ref").and_then(Value::as_str) {
            described = described.or_else(|| current.get("description").and_then(Value::as_str));
            let name = definition_name(reference).unwrap_or_default();
            cyclic = self.open.contains(&name);
            let Some(target) = self.defs.get(&name).filter(|_| !cyclic) else { break };
            self.open.push(name);
            current = target;
        }
        let nests = || matches!(self.shallow(current, 0), "object" | "array");
        let deep = self.budget == 0 || path.split(['.', '[']).count() > DEPTH * 2;
        let out = if cyclic || (deep && nests()) {
            self.cut(current, path, described)
        } else {
            self.budget = self.budget.saturating_sub(1);
            self.resolved(current, path, described)
        };
        self.open.truncate(mark);
        out
    }

    /// Something too deep to spell out: what kind it is, and of arrays what they hold.
    fn cut(&self, schema: &Value, path: &str, described: Option<&str>) -> Value {
        let words = (self.words)(path).or_else(|| described.map(str::to_owned)).unwrap_or_default();
        let kind = self.shallow(schema, 0);
        let note = "Nested further; any member the API knows.".to_owned();
        let mut out = json!({"type": kind, "description": sentences(&words, &[note])});
        if kind == "array" {
            let items = resolve(schema, self.defs).and_then(|array| array.get("items"));
            out["items"] = json!({"type": items.map_or("object", |items| self.shallow(items, 0))});
            // An array has to say what its elements are, and so on down.
            if out["items"]["type"] == "array" {
                out["items"]["items"] = json!({"type": "object"});
            }
        }
        out
    }

    /// The type word of a schema as far as it shows without folding it.
    fn shallow(&self, schema: &Value, depth: usize) -> &'static str {
        let Some(schema) = resolve(schema, self.defs).filter(|_| depth < DEPTH) else { return "object" };
        let part = ["allOf", "oneOf", "anyOf"].iter().find_map(|key| schema.get(key)?.as_array()?.first());
        match part {
            Some(part) if !says_kind(schema) => self.shallow(part, depth + 1),
            _ => kind(schema),
        }
    }

    fn resolved(&mut self, schema: &Value, path: &str, described: Option<&str>) -> Value {
        let mark = self.open.len();
        let mut passed = Vec::new();
        let (schema, mut notes) = self.single(schema, 0, &mut passed);
        self.open.extend(passed);
        let out = self.folded(&schema, path, described, &mut notes);
        self.open.truncate(mark);
        out
    }

    fn folded(&mut self, schema: &Value, path: &str, described: Option<&str>, notes: &mut Vec<String>) -> Value {
        let kind = kind(schema);
        let mut out = json!({"type": kind});
        notes.extend(limits(schema, kind));
        let words = (self.words)(path)
            .or_else(|| described.map(str::to_owned))
            .or_else(|| schema.get("description").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_default();
        let description = sentences(&words, notes);
        if !description.is_empty() {
            out["description"] = description.into();
        }
        match kind {
            "string" => {
                if let Some(values) = string_enum(schema) {
                    out["enum"] = values;
                }
            }
            "array" => {
                let items = schema.get("items").cloned().unwrap_or_else(|| json!({"type": "string"}));
                out["items"] = self.schema(&items, &format!("{path}[]"));
            }
            "object" => self.object(schema, path, &mut out),
            _ => {}
        }
        out
    }

    /// Folds compositions into one schema, with notes on what that loses. The definitions it passes
    /// are told, so that they are not entered again further down.
    fn single(&mut self, schema: &Value, depth: usize, passed: &mut Vec<String>) -> (Value, Vec<String>) {
        let Some(object) = schema.as_object() else { return (json!({}), Vec::new()) };
        let mut notes = Vec::new();
        let mut base = object.clone();
        if let Some(Value::Array(parts)) = base.remove("allOf") {
            for (part, more) in self.parts(parts.iter(), depth, passed) {
                notes.extend(more);
                absorb(&mut base, &part, true);
            }
        }
        for key in ["oneOf", "anyOf"] {
            let Some(Value::Array(choices)) = base.remove(key) else { continue };
            let null = |choice: &&Value| choice.get("type") == Some(&json!("null"));
            if choices.iter().any(|choice| null(&choice)) {
                notes.push(MAY_BE_NULL.into());
            }
            let choices = self.parts(choices.iter().filter(|choice| !null(choice)), depth, passed);
            notes.extend(choose(&mut base, &choices));
        }
        (Value::Object(base), notes)
    }

    /// Parts of a composition made single. What leads back to where it came from, or lies too deep,
    /// is dropped, which only widens what is published.
    fn parts<'p>(
        &mut self,
        parts: impl Iterator<Item = &'p Value>,
        depth: usize,
        passed: &mut Vec<String>,
    ) -> Vec<(Value, Vec<String>)> {
        let defs = self.defs;
        let mut single = Vec::new();
        for part in parts {
            let name = part.get("$ref").and_then(Value::as_str).and_then(definition_name);
            let Some(target) = resolve(part, defs).filter(|_| depth < DEPTH && self.folds > 0) else { continue };
            if name.as_ref().is_some_and(|name| self.open.contains(name)) {
                continue;
            }
            self.folds -= 1;
            let mark = self.open.len();
            self.open.extend(name.clone());
            single.push(self.single(target, depth + 1, passed));
            self.open.truncate(mark);
            passed.extend(name);
        }
        single
    }
}

/// Puts the choices of a union into `base`: objects are merged with everything optional, otherwise
/// the first (a string, if there is one) stands for all and the others are told.
fn choose(base: &mut Map<String, Value>, choices: &[(Value, Vec<String>)]) -> Vec<String> {
    if let [(only, notes)] = choices {
        absorb(base, only, true);
        return notes.clone();
    }
    let kinds: Vec<&str> = choices.iter().map(|(choice, _)| kind(choice)).collect();
    if !choices.is_empty() && kinds.iter().all(|kind| *kind == "object") {
        for (choice, _) in choices {
            absorb(base, choice, false);
        }
        base.insert("type".into(), "object".into());
        return vec!["Takes one of several forms; not all members go together.".into()];
    }
    let Some(chosen) = kinds.iter().position(|kind| *kind == "string").or((!kinds.is_empty()).then_some(0)) else {
        return Vec::new();
    };
    absorb(base, &choices[chosen].0, true);
    let mut others: Vec<&str> = Vec::new();
    for other in kinds.iter().filter(|kind| **kind != kinds[chosen]) {
        if !others.contains(&words_for(other)) {
            others.push(words_for(other));
        }
    }
    let mut notes = choices[chosen].1.clone();
    if !others.is_empty() {
        notes.push(format!("Also takes {}.", others.join(" or ")));
    }
    notes
}

fn absorb(base: &mut Map<String, Value>, other: &Value, with_required: bool) {
    let Some(other) = other.as_object() else { return };
    for (key, value) in other {
        match (base.get_mut(key), value) {
            (Some(Value::Object(have)), Value::Object(more)) if key == "properties" => {
                for (name, schema) in more {
                    have.entry(name.clone()).or_insert_with(|| schema.clone());
                }
            }
            (Some(Value::Array(have)), Value::Array(more)) if key == "required" && with_required => {
                for name in more {
                    if !have.contains(name) {
                        have.push(name.clone());
                    }
                }
            }
            (Some(_), _) => {}
            (None, _) if key == "required" && !with_required => {}
            (None, value) => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}
