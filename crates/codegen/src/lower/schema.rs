//! OpenAPI schemas of 3.0 and 3.1 become JSON Schema 2020-12, with `$ref` into `$defs` alone.

use crate::report::escape;
use serde_json::{Map, Value, json};

const COMPONENTS: &str = "#/components/schemas/";
pub(crate) const DEFS: &str = "#/$defs/";

/// Which way values of a schema travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To the provider: what is `readOnly` is left out.
    Input,
    /// From the provider: what is `writeOnly` is left out.
    Answer,
}

impl Direction {
    fn hides(self, property: &Value) -> bool {
        let flag = if self == Self::Input { "readOnly" } else { "writeOnly" };
        property.get(flag) == Some(&Value::Bool(true))
    }
}

/// Keywords that are carried over as they are.
const KEPT: [&str; 16] = [
    "format",
    "default",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "const",
    "required",
    "enum",
];

/// Turns one OpenAPI schema into JSON Schema.
///
/// `nullable` becomes a type, boolean exclusive limits become numbers, and what only annotates is
/// left out, except `description`, which the published projection may want.
pub(crate) fn to_json_schema(schema: &Value, direction: Direction) -> Value {
    let Some(object) = schema.as_object() else {
        return if schema.is_boolean() { schema.clone() } else { json!({}) };
    };
    let mut out = Map::new();
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        out.insert("$ref".into(), rewrite(reference).into());
    }
    if let Some(kind) = object.get("type") {
        out.insert("type".into(), kind.clone());
    }
    for key in KEPT {
        if let Some(value) = object.get(key) {
            out.insert(key.into(), value.clone());
        }
    }
    if let Some(Value::Array(required)) = out.get_mut("required") {
        required.retain(Value::is_string);
    }
    exclusive_limits(object, &mut out);
    if let Some(Value::String(description)) = object.get("description") {
        out.insert("description".into(), description.clone().into());
    }
    properties(object, direction, &mut out);
    for key in ["items", "additionalProperties", "not"] {
        if let Some(inner) = object.get(key) {
            out.insert(key.into(), to_json_schema(inner, direction));
        }
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(Value::Array(inner)) = object.get(key) {
            out.insert(key.into(), inner.iter().map(|part| to_json_schema(part, direction)).collect());
        }
    }
    if object.get("nullable") == Some(&Value::Bool(true)) { nullable(out) } else { Value::Object(out) }
}

/// A component schema keeps its name; any other place of the document is named by its pointer.
fn rewrite(reference: &str) -> String {
    let reference = unescape_percent(reference);
    let named = reference.strip_prefix(COMPONENTS).or_else(|| reference.strip_prefix(DEFS));
    match named.filter(|name| !name.contains('/')) {
        Some(name) => format!("{DEFS}{name}"),
        None => format!("{DEFS}{}", escape(reference.strip_prefix('#').unwrap_or(&reference))),
    }
}

/// OpenAPI 3.0 writes `exclusiveMinimum: true` beside `minimum`; 2020-12 writes the number.
fn exclusive_limits(object: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (exclusive, limit) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match object.get(exclusive) {
            Some(Value::Bool(true)) => {
                if let Some(value) = out.remove(limit) {
                    out.insert(exclusive.into(), value);
                }
            }
            Some(value @ Value::Number(_)) => {
                out.insert(exclusive.into(), value.clone());
            }
            _ => {}
        }
    }
}

fn properties(object: &Map<String, Value>, direction: Direction, out: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = object.get("properties") else { return };
    let kept: Map<String, Value> = properties
        .iter()
        .filter(|(_, schema)| !direction.hides(schema))
        .map(|(name, schema)| (name.clone(), to_json_schema(schema, direction)))
        .collect();
    if let Some(Value::Array(required)) = out.get_mut("required") {
        let hidden = |name: &str| properties.get(name).is_some_and(|schema| direction.hides(schema));
        required.retain(|name| name.as_str().is_some_and(|name| !hidden(name)));
    }
    out.insert("properties".into(), Value::Object(kept));
}

fn nullable(mut out: Map<String, Value>) -> Value {
    match out.get("type").cloned() {
        Some(Value::String(kind)) => {
            out.insert("type".into(), json!([kind, "null"]));
            if let Some(Value::Array(values)) = out.get_mut("enum")
                && !values.contains(&Value::Null)
            {
                values.push(Value::Null);
            }
            Value::Object(out)
        }
        Some(_) => Value::Object(out),
        None if out.is_empty() => Value::Object(out),
        None => json!({"anyOf": [out, {"type": "null"}]}),
    }
}

/// A `$ref` is a URI fragment, so a name may be percent-encoded in it.
pub(crate) fn unescape_percent(token: &str) -> String {
    if !token.contains('%') {
        return token.to_owned();
    }
    let bytes = token.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| token.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| token.to_owned())
}

/// Follows `$ref` through `defs` until something else stands there. `None` for a dangling or
/// endless reference.
pub(crate) fn resolve<'a>(mut schema: &'a Value, defs: &'a Map<String, Value>) -> Option<&'a Value> {
    for _ in 0..16 {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return Some(schema) };
        schema = defs.get(&definition_name(reference)?)?;
    }
    None
}

/// The `$defs` key that a reference names.
pub(crate) fn definition_name(reference: &str) -> Option<String> {
    reference.strip_prefix(DEFS).map(|name| name.replace("~1", "/").replace("~0", "~"))
}

/// An object schema with everything its `allOf` says folded in; `None` where the schema is not
/// plainly an object or its parts contradict each other.
pub(crate) fn merged_object(schema: &Value, defs: &Map<String, Value>, depth: usize) -> Option<Map<String, Value>> {
    if depth > 8 {
        return None;
    }
    let schema = resolve(schema, defs)?.as_object()?;
    let mut merged = schema.clone();
    let parts = match merged.remove("allOf") {
        Some(Value::Array(parts)) => parts,
        _ => Vec::new(),
    };
    for part in &parts {
        let part = merged_object(part, defs, depth + 1)?;
        fold(&mut merged, part)?;
    }
    let object = merged.get("type").is_some_and(|kind| names_type(kind, "object"))
        || (merged.contains_key("properties") && !merged.contains_key("type"));
    (object || merged.is_empty() || depth > 0).then_some(merged)
}

fn fold(into: &mut Map<String, Value>, part: Map<String, Value>) -> Option<()> {
    for (key, value) in part {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(have)), Value::Object(more)) if key == "properties" => {
                for (name, schema) in more {
                    have.entry(name).or_insert(schema);
                }
            }
            (Some(Value::Array(have)), Value::Array(more)) if key == "required" => {
                for name in more {
                    if !have.contains(&name) {
                        have.push(name);
                    }
                }
            }
            (Some(_), _) if ["type", "description", "additionalProperties"].contains(&key.as_str()) => {}
            (Some(have), value) if *have == value => {}
            (Some(_), _) => return None,
            (None, value) => {
                into.insert(key, value);
            }
        }
    }
    Some(())
}

/// Whether `type` is or contains `name`.
pub(crate) fn names_type(kind: &Value, name: &str) -> bool {
    match kind {
        Value::String(kind) => kind == name,
        Value::Array(kinds) => kinds.iter().any(|kind| kind == name),
        _ => false,
    }
}
