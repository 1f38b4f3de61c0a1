//! What clients see of an input schema: the subset that all of them accept.
//!
//! Only `type` (one word), `description`, `enum` (strings), `items`, `properties` and `required`
//! come out; no `$ref`, no composition, no empty `properties`. What the subset cannot say stands in
//! the description, and arguments are validated against the full schema.

use super::schema::{definition_name, names_type, resolve};
use serde_json::{Map, Value, json};

/// Looks up our own words for a dotted parameter path such as `rules[].port`.
pub(crate) type Words<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How deep a published schema may nest, and how many schemas it may hold.
const DEPTH: usize = 7;
const BUDGET: usize = 600;
/// How many parts of compositions are looked at: compositions of compositions multiply.
const FOLDS: usize = 2_000;

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
        let mut entered = 0;
        let mut described = None;
        let mut current = schema;
        while let Some(reference) = current.get("$ref").and_then(Value::as_str) {
            described = described.or_else(|| current.get("description").and_then(Value::as_str));
            let name = definition_name(reference).unwrap_or_default();
            let cyclic = self.open.contains(&name);
            let Some(target) = self.defs.get(&name).filter(|_| !cyclic) else {
                self.open.truncate(self.open.len() - entered);
                return self.cut(path, described);
            };
            self.open.push(name);
            entered += 1;
            current = target;
        }
        let out = if self.budget == 0 || path.split(['.', '[']).count() > DEPTH * 2 {
            self.cut(path, described)
        } else {
            self.budget -= 1;
            self.resolved(current, path, described)
        };
        self.open.truncate(self.open.len() - entered);
        out
    }

    /// Something too deep to spell out.
    fn cut(&self, path: &str, described: Option<&str>) -> Value {
        let words = (self.words)(path).or_else(|| described.map(str::to_owned)).unwrap_or_default();
        json!({"type": "object", "description": sentences(&words, &["Nested further; any member the API knows.".into()])})
    }

    fn resolved(&mut self, schema: &Value, path: &str, described: Option<&str>) -> Value {
        let (schema, mut notes) = self.single(schema, 0);
        let kind = kind(&schema);
        let mut out = json!({"type": kind});
        notes.extend(limits(&schema, kind));
        let words = (self.words)(path)
            .or_else(|| described.map(str::to_owned))
            .or_else(|| schema.get("description").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_default();
        let description = sentences(&words, &notes);
        if !description.is_empty() {
            out["description"] = description.into();
        }
        match kind {
            "string" => {
                if let Some(values) = string_enum(&schema) {
                    out["enum"] = values;
                }
            }
            "array" => {
                let items = schema.get("items").cloned().unwrap_or_else(|| json!({"type": "string"}));
                out["items"] = self.schema(&items, &format!("{path}[]"));
            }
            "object" => self.object(&schema, path, &mut out),
            _ => {}
        }
        out
    }

    /// Folds compositions into one schema, with notes on what that loses.
    fn single(&mut self, schema: &Value, depth: usize) -> (Value, Vec<String>) {
        let Some(object) = schema.as_object() else { return (json!({}), Vec::new()) };
        let mut notes = Vec::new();
        let mut base = object.clone();
        if let Some(Value::Array(parts)) = base.remove("allOf") {
            for (part, more) in self.parts(parts.iter(), depth) {
                notes.extend(more);
                absorb(&mut base, &part, true);
            }
        }
        for key in ["oneOf", "anyOf"] {
            let Some(Value::Array(choices)) = base.remove(key) else { continue };
            let null = |choice: &&Value| choice.get("type") == Some(&json!("null"));
            if choices.iter().any(|choice| null(&choice)) {
                notes.push("May be null.".into());
            }
            let choices = self.parts(choices.iter().filter(|choice| !null(choice)), depth);
            notes.extend(choose(&mut base, &choices));
        }
        (Value::Object(base), notes)
    }

    /// Parts of a composition made single. Compositions may lead back to themselves: what lies too
    /// deep is dropped, which only widens what is published.
    fn parts<'p>(&mut self, parts: impl Iterator<Item = &'p Value>, depth: usize) -> Vec<(Value, Vec<String>)> {
        let defs = self.defs;
        let mut single = Vec::new();
        for part in parts.filter_map(|part| resolve(part, defs)) {
            if depth < DEPTH && self.folds > 0 {
                self.folds -= 1;
                single.push(self.single(part, depth + 1));
            }
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

/// The one type word of a schema that has been made single.
fn kind(schema: &Value) -> &'static str {
    const KINDS: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];
    if let Some(kind) = schema.get("type") {
        return KINDS.into_iter().find(|name| names_type(kind, name)).unwrap_or("string");
    }
    let has = |key: &str| schema.get(key).is_some();
    if has("properties") || has("additionalProperties") {
        "object"
    } else if has("items") {
        "array"
    } else {
        "string"
    }
}

fn words_for(kind: &str) -> &'static str {
    match kind {
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "an array",
        "object" => "an object",
        _ => "a string",
    }
}

fn string_enum(schema: &Value) -> Option<Value> {
    // Gemini refuses an empty string among the values.
    let named = |value: &&Value| !value.is_null() && value.as_str() != Some("");
    let values: Vec<Value> = schema.get("enum")?.as_array()?.iter().filter(named).cloned().collect();
    (!values.is_empty() && values.iter().all(Value::is_string)).then_some(Value::Array(values))
}

/// What the schema says beyond the subset, as short sentences.
fn limits(schema: &Value, kind: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let number = |key: &str| schema.get(key).filter(|value| value.is_number()).map(Value::to_string);
    let range = |low: Option<String>, high: Option<String>, unit: &str| match (low, high) {
        (Some(low), Some(high)) if low == high => Some(format!("Exactly {low}{unit}.")),
        (Some(low), Some(high)) => Some(format!("{low} to {high}{unit}.")),
        (Some(low), None) => Some(format!("At least {low}{unit}.")),
        (None, Some(high)) => Some(format!("At most {high}{unit}.")),
        (None, None) => None,
    };
    if kind != "string" || string_enum(schema).is_none() {
        if let Some(Value::Array(values)) = schema.get("enum") {
            let values: Vec<String> = values.iter().filter(|value| !value.is_null()).map(Value::to_string).collect();
            notes.push(format!("One of {}.", values.join(", ")));
        }
    }
    if let Some(value) = schema.get("const") {
        notes.push(format!("Always {value}."));
    }
    match kind {
        "integer" | "number" => {
            notes.extend(range(number("minimum"), number("maximum"), ""));
            notes.extend(number("exclusiveMinimum").map(|limit| format!("More than {limit}.")));
            notes.extend(number("exclusiveMaximum").map(|limit| format!("Less than {limit}.")));
            notes.extend(number("multipleOf").map(|step| format!("A multiple of {step}.")));
        }
        "string" => {
            notes.extend(range(number("minLength"), number("maxLength"), " characters"));
            notes.extend(schema.get("pattern").and_then(Value::as_str).map(|pattern| format!("Pattern: {pattern}")));
            notes.extend(format_words(schema.get("format").and_then(Value::as_str)));
        }
        "array" => notes.extend(range(number("minItems"), number("maxItems"), " items")),
        "object" => notes.extend(free_members(schema)),
        _ => {}
    }
    match schema.get("default") {
        Some(Value::String(text)) if text.is_empty() => notes.push("Default: empty.".into()),
        Some(Value::String(text)) => notes.push(format!("Default: {text}.")),
        Some(value) if !value.is_null() => notes.push(format!("Default: {value}.")),
        _ => {}
    }
    if schema.get("type").is_some_and(|kind| kind.is_array() && names_type(kind, "null")) {
        notes.push("May be null.".into());
    }
    notes
}

fn format_words(format: Option<&str>) -> Option<String> {
    match format? {
        "date-time" => Some("RFC 3339 date and time.".into()),
        "date" => Some("Date as YYYY-MM-DD.".into()),
        "password" | "binary" | "byte" => None,
        "uuid" => Some("A UUID.".into()),
        "email" => Some("An e-mail address.".into()),
        "uri" | "url" => Some("A URL.".into()),
        other => Some(format!("Format: {other}.")),
    }
}

fn free_members(schema: &Value) -> Option<String> {
    match schema.get("additionalProperties")? {
        Value::Object(values) => {
            let value = Value::Object(values.clone());
            let named: Vec<&str> = match (value.get("oneOf").or(value.get("anyOf")), value.get("type")) {
                (Some(Value::Array(choices)), _) => choices.iter().map(|choice| words_for(kind(choice))).collect(),
                (_, Some(_)) => vec![words_for(kind(&value))],
                _ => return Some("Keys are free.".into()),
            };
            Some(format!("Keys are free; each value is {}.", named.join(" or ")))
        }
        _ => None,
    }
}

/// Words, then notes, as one run of sentences.
fn sentences(words: &str, notes: &[String]) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = words;
    for note in notes {
        if !out.is_empty() {
            if !out.ends_with(['.', '!', '?', ':']) {
                out.push('.');
            }
            out.push(' ');
        }
        out.push_str(note);
    }
    out
}
