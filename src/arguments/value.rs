//! JSON values as this module needs them: equality by number, words for messages.

use serde_json::Value;

use super::number::Decimal;

/// Values appear in messages up to this many characters.
const LONGEST_SHOWN: usize = 60;

/// Whether two values are equal as JSON Schema means it: numbers by value, objects in any order.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Decimal::parse(a.as_str()) == Decimal::parse(b.as_str()),
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => canonical(a) == canonical(b),
        _ => a == b,
    }
}

/// A text that is equal for equal values and different for different ones.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Number(number) => text.push_str(&Decimal::parse(number.as_str()).to_string()),
        Value::Array(elements) => {
            text.push('[');
            for element in elements {
                write_canonical(element, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (name, member) in members {
                text.push_str(&quoted(name));
                text.push(':');
                write_canonical(member, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

/// What a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A value as JSON text, cut where it is long. What is inside arrays and objects is not shown.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        // Cut before quoting, so that a huge string is not copied and the quotes stay balanced.
        Value::String(text) => quoted(&shortened(text, LONGEST_SHOWN - 2)),
        scalar => shortened(&scalar.to_string(), LONGEST_SHOWN),
    }
}

/// The first characters of a text, with an ellipsis where some were left out.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A text as a JSON string, so that control characters cannot disturb a message.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn alternatives<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", first.join(", "), last.as_ref())
        }
    }
}

/// `1 member`, `2 members`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_by_value() {
        for (a, b, expected) in [
            ("1", "1.0", true),
            ("1", "\"1\"", false),
            ("1", "true", false),
            ("0", "false", false),
            ("null", "null", true),
            (r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"a":1e0}"#, true),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false),
            ("[1,2]", "[2,1]", false),
            ("[[1],2]", "[[1,2]]", false),
            (r#"["a,","b"]"#, r#"["a",",b"]"#, false),
            ("9007199254740993", "9007199254740992", false),
        ] {
            let parsed = |text| serde_json::from_str::<Value>(text).expect("the table holds JSON");
            assert_eq!(same(&parsed(a), &parsed(b)), expected, "{a} {b}");
        }
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown(&Value::from("ä".repeat(1000))).chars().count(), 60);
        assert_eq!(shown(&Value::from("a\nb")), r#""a\nb""#);
        assert_eq!(shown(&serde_json::json!({"password": "x"})), "an object");
    }
}
