//! Example values that satisfy a schema and are hard to send: reserved characters, text beyond
//! ASCII, integers that a double cannot hold.

use serde_json::{Map, Value, json};

/// How much of what is optional an example holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What must be given, at every depth.
    Required,
    /// Whatever can be given, at every depth.
    Everything,
}

/// Characters that mean something in paths, queries, JSON or percent-encoding.
const NASTY: &str = "ü/?&#%41 +=,;:@\\\"'<>[]{}|~😀";

/// The first integer that a double cannot hold.
const BEYOND_DOUBLE: i64 = 9_007_199_254_740_993;

/// A place that needs a value.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// Makes the values of two places differ, so that a mix-up shows.
    name: &'a str,
    /// Counts the elements of an array.
    turn: usize,
    extent: Extent,
}

/// A value for what is called `name`, or why there is none.
pub(crate) fn example(schema: &Value, name: &str, extent: Extent) -> Result<Value, String> {
    let turn = 0;
    value(schema, Place { name, turn, extent }).map_err(|why| format!("{name}: {why}"))
}

fn value(schema: &Value, place: Place<'_>) -> Result<Value, String> {
    if schema.get("allOf").is_some() {
        return value(&whole_object(schema), place);
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<&Value> = values.iter().filter(|v| !v.is_null()).collect();
        return match values.len() {
            0 => Err("an enum without values".into()),
            // The last one first: the first is often the default.
            n => Ok(values[(n - 1 + place.turn) % n].clone()),
        };
    }
    if let Some(first) = schema["oneOf"].get(0).or_else(|| schema["anyOf"].get(0)) {
        return value(first, place);
    }
    for keyword in ["not", "multipleOf"] {
        if schema.get(keyword).is_some() {
            return Err(format!("`{keyword}` is not known to this test"));
        }
    }
    match schema["type"].as_str() {
        Some("string") => text(schema, place).map(Value::from),
        Some("integer" | "number") => integer(schema, place).map(Value::from),
        // Both values are sent, each in one of the calls.
        Some("boolean") => Ok((place.extent == Extent::Required).into()),
        Some("array") => array(schema, place),
        Some("object") => object(schema, place),
        Some(other) => Err(format!("type `{other}` is not known to this test")),
        None => Ok(anything(place.name, place.turn)),
    }
}

fn array(schema: &Value, place: Place<'_>) -> Result<Value, String> {
    let limit =
        |keyword, default| schema[keyword].as_u64().map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let count = limit("minItems", 0).max(2).min(limit("maxItems", 2).max(1));
    (0..count)
        .map(|turn| {
            let name = format!("{}{turn}", place.name);
            let name = name.as_str();
            value(&schema["items"], Place { name, turn, ..place })
        })
        .collect()
}

fn object(schema: &Value, place: Place<'_>) -> Result<Value, String> {
    let mut members = Map::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if place.extent == Extent::Everything || is_required(schema, name) {
            let name = name.as_str();
            members.insert(name.to_owned(), value(member, Place { name, ..place })?);
        }
    }
    match &schema["additionalProperties"] {
        // One entry for every kind of value that is allowed.
        Value::Object(_) => {
            let schema = &schema["additionalProperties"];
            let kinds = schema["oneOf"].as_array();
            for (turn, kind) in kinds.map_or(std::slice::from_ref(schema), Vec::as_slice).iter().enumerate() {
                let name = format!("{}{turn}", place.name);
                let value = value(kind, Place { name: &name, turn, ..place })?;
                members.insert(name, value);
            }
        }
        Value::Bool(false) => {}
        _ if schema["properties"].is_object() => {}
        _ => {
            members.insert(NASTY.to_owned(), anything(place.name, 0));
            members.insert("other".to_owned(), anything(place.name, 1));
        }
    }
    Ok(members.into())
}

/// A value for a place that takes any: more digits than any machine number has.
fn anything(name: &str, turn: usize) -> Value {
    let number = |digits| serde_json::from_str::<Value>(digits).expect("a JSON number");
    match turn {
        0 => format!("{NASTY}{name}").into(),
        _ => json!({
            "integer": number("123456789012345678901234567890"),
            "decimal": number("0.10"),
            "list": [true, null, []],
        }),
    }
}

fn integer(schema: &Value, place: Place<'_>) -> Result<i64, String> {
    let bound = |keyword: &str, exclusive: &str, step: i64| match &schema[keyword] {
        Value::Null => Ok(None),
        number => match number.as_i64() {
            Some(n) if schema[exclusive] == true => Ok(Some(n + step)),
            Some(n) => Ok(Some(n)),
            None => Err(format!("`{keyword}` is no 64-bit integer")),
        },
    };
    let turn = i64::try_from(place.turn).map_err(|e| e.to_string())?;
    let low = bound("minimum", "exclusiveMinimum", 1)?;
    let high = bound("maximum", "exclusiveMaximum", -1)?;
    Ok(match (low, high) {
        (low, Some(high)) => (high - turn).max(low.unwrap_or(i64::MIN)),
        (low, None) => large(place.name).max(low.unwrap_or(i64::MIN)),
    })
}

/// An odd integer beyond 2^53, a different one for (nearly) every name.
fn large(name: &str) -> i64 {
    let sum = name.bytes().fold(7_i64, |sum, b| (sum * 31 + i64::from(b)) % 1_000_003);
    BEYOND_DOUBLE + 2 * sum
}

fn text(schema: &Value, place: Place<'_>) -> Result<String, String> {
    let text = match (schema["pattern"].as_str(), schema["format"].as_str()) {
        (Some(pattern), _) => matching(pattern, place)?,
        (None, Some(format)) => formatted(format, place)?,
        (None, None) => format!("{NASTY}{}", place.name),
    };
    let limit = |keyword: &str| schema[keyword].as_u64();
    let length = text.chars().count() as u64;
    let free = schema.get("pattern").is_none() && matches!(schema["format"].as_str(), None | Some("password"));
    match (limit("minLength"), limit("maxLength")) {
        (Some(least), _) if length < least && free => {
            Ok(text + &"x".repeat(usize::try_from(least - length).map_err(|e| e.to_string())?))
        }
        (_, Some(most)) if length > most && free => Ok(cut(&text, most, place.name)),
        (Some(least), _) if length < least => Err(format!("{text:?} is shorter than {least}")),
        (_, Some(most)) if length > most => Err(format!("{text:?} is longer than {most}")),
        _ => Ok(text),
    }
}

/// A piece of the text that depends on the name, so that short values differ too.
fn cut(text: &str, length: u64, name: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let first = usize::try_from(large(name)).map_or(0, |n| n % chars.len());
    let chars = chars.iter().cycle().skip(first);
    chars.zip(0..length).map(|(c, _)| c).collect()
}

fn matching(pattern: &str, place: Place<'_>) -> Result<String, String> {
    let Place { name, turn, .. } = place;
    match pattern {
        "^[0-9]+$" => Ok(large(name).to_string()),
        r"^(wp-[0-9]+(\.[0-9]+){1,2}|php-fpm)$" => Ok(format!("wp-6.{turn}.2")),
        r"^(?=[a-z0-9])(?=.*[a-z0-9]$)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$" => Ok(format!("a_b-1.c-{turn}")),
        _ => Err(format!("no example is known for the pattern {pattern}")),
    }
}

fn formatted(format: &str, place: Place<'_>) -> Result<String, String> {
    let Place { name, turn, .. } = place;
    let number = large(name) % 1_000_000;
    Ok(match format {
        "password" => format!("{NASTY}{name}"),
        "uuid" => format!("01234567-89ab-4def-8123-{number:012}"),
        "date" => format!("2026-02-{:02}", 1 + turn),
        "date-time" => format!("2026-02-03T04:05:06.{number:06}+02:00"),
        "email" => format!("a+b.{number}@example.com"),
        "uri" => format!("https://example.com/{number}/a%20b?c=d&e=f+g#h"),
        _ => return Err(format!("no example is known for the format {format}")),
    })
}

/// Whether an object schema requires the member.
pub(crate) fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema["required"].as_array();
    required.is_some_and(|names| names.iter().any(|n| n == name))
}

/// An object schema with what the parts of an `allOf` say about the same object.
pub(crate) fn whole_object(schema: &Value) -> Value {
    let mut whole = schema.as_object().cloned().unwrap_or_default();
    let Some(Value::Array(parts)) = whole.shift_remove("allOf") else { return schema.clone() };
    let mut whole = Value::Object(whole);
    for part in &parts {
        whole = merged_form(&whole, &whole_object(part));
    }
    whole
}

/// One object schema that says what both say.
pub(crate) fn merged_form(one: &Value, other: &Value) -> Value {
    let mut merged = one.as_object().cloned().unwrap_or_default();
    merged.shift_remove("anyOf");
    for (keyword, value) in other.as_object().into_iter().flatten() {
        match (merged.get_mut(keyword), value) {
            (Some(Value::Object(have)), Value::Object(more)) => have.extend(more.clone()),
            (Some(Value::Array(have)), Value::Array(more)) => have.extend(more.iter().cloned()),
            _ => {
                merged.insert(keyword.clone(), value.clone());
            }
        }
    }
    merged.into()
}
