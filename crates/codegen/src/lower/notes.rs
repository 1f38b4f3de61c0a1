//! What a schema says beyond the subset that clients accept, in words.

use super::schema::names_type;
use super::text::{bounded, one_line};
use serde_json::Value;

pub(super) const MAY_BE_NULL: &str = "May be null.";

const KINDS: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];

/// The one type word of a schema that has been made single.
pub(super) fn kind(schema: &Value) -> &'static str {
    if let Some(kind) = schema.get("type") {
        return KINDS.into_iter().find(|name| names_type(kind, name)).unwrap_or("string");
    }
    let has = |key: &str| schema.get(key).is_some();
    if has("properties") || has("additionalProperties") {
        return "object";
    }
    if has("items") {
        return "array";
    }
    let values = schema.get("enum").and_then(Value::as_array);
    let example = schema.get("const").or_else(|| values?.iter().find(|value| !value.is_null()));
    match example.or_else(|| schema.get("default")) {
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => "integer",
        Some(Value::Number(_)) => "number",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
        _ => "string",
    }
}

/// Whether the schema itself says what kind of value it takes.
pub(super) fn says_kind(schema: &Value) -> bool {
    ["type", "properties", "additionalProperties", "items", "enum", "const"].iter().any(|key| schema.get(key).is_some())
}

pub(super) fn words_for(kind: &str) -> &'static str {
    match kind {
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "an array",
        "object" => "an object",
        _ => "a string",
    }
}

pub(super) fn string_enum(schema: &Value) -> Option<Value> {
    // Gemini refuses an empty string among the values.
    let named = |value: &&Value| !value.is_null() && value.as_str() != Some("");
    let values: Vec<Value> = schema.get("enum")?.as_array()?.iter().filter(named).cloned().collect();
    (!values.is_empty() && values.iter().all(Value::is_string)).then_some(Value::Array(values))
}

/// What the schema says beyond the subset, as short sentences.
pub(super) fn limits(schema: &Value, kind: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let number = |key: &str| schema.get(key).filter(|value| value.is_number()).map(Value::to_string);
    let range = |low: Option<String>, high: Option<String>, unit: &str| match (low, high) {
        (Some(low), Some(high)) if low == high => Some(format!("Exactly {low}{unit}.")),
        (Some(low), Some(high)) => Some(format!("{low} to {high}{unit}.")),
        (Some(low), None) => Some(format!("At least {low}{unit}.")),
        (None, Some(high)) => Some(format!("At most {high}{unit}.")),
        (None, None) => None,
    };
    if let Some(Value::Array(values)) = schema.get("enum")
        && (kind != "string" || string_enum(schema).is_none())
    {
        let values: Vec<String> = values.iter().filter(|value| !value.is_null()).map(Value::to_string).collect();
        notes.push(format!("One of {}.", values.join(", ")));
    }
    if let Some(value) = schema.get("const") {
        notes.push(format!("Always {value}."));
    }
    if schema.get("enum").and_then(Value::as_array).is_some_and(|values| values.contains(&"".into())) {
        notes.push("May be empty.".into());
    }
    match schema.get("type") {
        Some(Value::Array(kinds)) => {
            let others = KINDS.into_iter().filter(|name| kinds.iter().any(|other| other == name) && *name != kind);
            // Every whole number is a number.
            let others: Vec<&str> =
                others.filter(|name| (*name, kind) != ("integer", "number")).map(words_for).collect();
            if !others.is_empty() {
                notes.push(format!("Also takes {}.", others.join(" or ")));
            }
        }
        None if !says_kind(schema) => notes.push("Also takes other types.".into()),
        _ => {}
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
        notes.push(MAY_BE_NULL.into());
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

/// Words, then notes, as one run of sentences. Words that speak of null need no note on it.
pub(super) fn sentences(words: &str, notes: &[String]) -> String {
    let mut out = bounded(&one_line(words), 1024);
    let tells_null = out.split(|c: char| !c.is_alphanumeric()).any(|word| word == "null");
    for note in notes.iter().filter(|note| !(tells_null && *note == MAY_BE_NULL)) {
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
