//! Rows as VergeOS shows them, and the filters that choose them.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value};

use super::tables::Tables;

/// Pauses between looks at a machine: 300 s take 37 requests of the 1,000 that an hour has.
pub(super) fn pauses(elapsed: Duration) -> Duration {
    Duration::from_secs(if elapsed < Duration::from_secs(30) { 3 } else { 10 })
}

/// A text inside a filter: it cannot leave its quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The rows of an answer.
pub(super) fn rows(answer: Value) -> Vec<Value> {
    match answer {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
}

/// A key, which comes as a number or as text of digits.
pub(super) fn key(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The key in this column of a row.
pub(super) fn key_in(row: &Value, column: &str) -> Option<i64> {
    row.get(column).and_then(key)
}

/// A truth value, which comes as such or as a number.
pub(super) fn truth(value: Option<&Value>) -> Option<bool> {
    let value = value?;
    value.as_bool().or_else(|| value.as_i64().map(|number| number != 0))
}

/// Those rows that hang on this machine: a filter that the system did not understand must not bring others in.
pub(super) fn of_machine(answer: Value, machine: i64) -> Vec<Value> {
    rows(answer).into_iter().filter(|row| key_in(row, "machine") == Some(machine)).collect()
}

/// The row with some of its columns, each under a name of our own.
pub(super) fn chosen(row: &Value, columns: &[(&str, &str)]) -> Value {
    let pairs =
        columns.iter().map(|(name, column)| ((*name).to_owned(), row.get(*column).cloned().unwrap_or_default()));
    Value::Object(pairs.collect())
}

/// The answer without columns that hold secrets, at any depth.
pub(super) fn without_secrets(answer: Value) -> Value {
    let secrets = &Tables::get().secret_fields;
    match answer {
        Value::Array(items) => items.into_iter().map(without_secrets).collect(),
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| !secrets.contains(name));
            Value::Object(kept.map(|(name, value)| (name, without_secrets(value))).collect::<Map<_, _>>())
        }
        plain => plain,
    }
}

/// Unix seconds as text that people read.
pub(super) fn date(seconds: i64) -> String {
    let date = DateTime::from_timestamp(seconds, 0);
    date.map_or_else(|| seconds.to_string(), |date| date.to_rfc3339_opts(SecondsFormat::Secs, true))
}
