//! A value that a schema accepts, made from the schema alone: what the simulated provider answers
//! when it knows nothing better, and what the tests of the typed structs send.

use super::schema::{definition_name, names_type};
use serde_json::{Map, Value, json};

/// A sample holds every property and one element in every array, up to this many values; then it
/// goes on with what is required alone. Schemas that reach each other in many ways would fill
/// megabytes.
const FULL: usize = 400;

/// A value that `schema` accepts. Cycles end in what is required, or in null.
pub(crate) fn sample(schema: &Value, defs: &Map<String, Value>) -> Value {
    Sampler { defs, open: Vec::new(), made: 0 }.value(schema, "")
}

struct Sampler<'a> {
    defs: &'a Map<String, Value>,
    open: Vec<String>,
    made: usize,
}

impl Sampler<'_> {
    const fn full(&self) -> bool {
        self.made < FULL
    }

    fn value(&mut self, schema: &Value, name: &str) -> Value {
        self.made += 1;
        if self.made > 10 * FULL {
            return Value::Null;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = definition_name(reference).unwrap_or_default();
            if self.open.iter().filter(|open| **open == target).count() > 1 {
                return Value::Null;
            }
            let Some(inner) = self.defs.get(&target) else { return Value::Null };
            self.open.push(target);
            let value = self.value(inner, name);
            self.open.pop();
            return value;
        }
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(value) = schema.get("enum").and_then(Value::as_array).and_then(|values| values.first()) {
            return value.clone();
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(first) = schema.get(key).and_then(Value::as_array).and_then(|choices| choices.first()) {
                return if schema.get("properties").is_some() {
                    self.narrowed(schema, first, name)
                } else {
                    self.value(first, name)
                };
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.merged(schema, parts, name);
        }
        let is = |kind: &str| schema.get("type").is_some_and(|have| names_type(have, kind));
        if is("object") || schema.get("properties").is_some() {
            self.object(schema)
        } else if is("array") {
            self.array(schema, name)
        } else if is("string") {
            string(schema, name).into()
        } else if is("integer") || is("number") {
            number(schema)
        } else if is("boolean") {
            Value::Bool(true)
        } else {
            Value::Null
        }
    }

    fn merged(&mut self, schema: &Value, parts: &[Value], name: &str) -> Value {
        let mut whole = self.object(schema);
        for part in parts {
            match (&mut whole, self.value(part, name)) {
                // A part that merely narrows a member down makes no value of it.
                (Value::Object(have), Value::Object(more)) => have.extend(more),
                (_, other) if parts.len() == 1 => return other,
                _ => {}
            }
        }
        whole
    }

    /// An object whose members a choice beside them narrows down.
    fn narrowed(&mut self, schema: &Value, choice: &Value, name: &str) -> Value {
        let mut whole = self.object(schema);
        if let (Value::Object(have), Value::Object(more)) = (&mut whole, self.value(choice, name)) {
            have.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        whole
    }

    fn object(&mut self, schema: &Value) -> Value {
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut out = Map::new();
        for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if self.full() || required.contains(&name.as_str()) {
                out.insert(name.clone(), self.value(inner, name));
            }
        }
        Value::Object(out)
    }

    fn array(&mut self, schema: &Value, name: &str) -> Value {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let count = least.max(u64::from(self.full()));
        let Some(items) = schema.get("items") else { return json!([]) };
        (0..count).map(|_| self.value(items, name)).collect()
    }
}

fn string(schema: &Value, name: &str) -> String {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-15T09:30:00Z".to_owned(),
        Some("date") => "2026-01-15".to_owned(),
        Some("uuid") => "7d1c1f0e-5a63-4c52-9d0b-0f4f1c2a9b11".to_owned(),
        Some("email") => "owner@example.com".to_owned(),
        Some("uri" | "url") => "https://example.com/".to_owned(),
        Some("ipv4") => "192.0.2.10".to_owned(),
        Some("ipv6") => "2001:db8::10".to_owned(),
        _ => match schema.get("pattern").and_then(Value::as_str) {
            Some("^[0-9]+$") => "1".to_owned(),
            Some(pattern) if pattern.ends_with("php-fpm)$") => "php-fpm".to_owned(),
            // A key of no use to anybody, in the form of one.
            Some(pattern) if pattern.starts_with("^(ssh-ed25519|") => "ssh-ed25519 AAAAsample".to_owned(),
            Some(_) => "sample".to_owned(),
            None if name.is_empty() => "sample".to_owned(),
            None => format!("sample {}", name.replace('_', " ")),
        },
    };
    let limit = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let least = limit("minLength").unwrap_or(0);
    let most = limit("maxLength").unwrap_or(usize::MAX);
    let padded = format!("{text}{}", "x".repeat(least.saturating_sub(text.len()).min(10_000)));
    padded.chars().take(most).collect()
}

fn number(schema: &Value) -> Value {
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
    let step = limit("multipleOf").filter(|step| *step > 0.0);
    let mut value = 1.0_f64.max(limit("minimum").unwrap_or(f64::MIN));
    if let Some(more_than) = limit("exclusiveMinimum").filter(|more_than| value <= *more_than) {
        value = more_than + step.unwrap_or(1.0);
    }
    if let Some(step) = step {
        value = (value / step).ceil() * step;
    }
    if let Some(most) = limit("maximum") {
        value = value.min(most);
    }
    #[expect(clippy::cast_possible_truncation, reason = "limits of real documents are small")]
    let whole = value as i64;
    if value.fract() == 0.0 { json!(whole) } else { json!(value) }
}
