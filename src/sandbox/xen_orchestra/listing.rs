//! Lists as the API gives them: chosen fields, filtered, cut, as JSON or as a Markdown table.

use serde_json::{Map, Value, json};

use super::answer::{Answer, refuse};
use super::request::Request;

/// The objects that the request asks for; links where it names no fields.
pub(super) fn list<'o>(collection: &str, objects: impl Iterator<Item = &'o Value>, request: &Request) -> Answer {
    let terms = match request.query("filter").map(terms).transpose() {
        Ok(terms) => terms.unwrap_or_default(),
        Err(word) => return refuse(400, &format!("the simulation does not understand the filter {word}")),
    };
    let limit = request.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let chosen = objects.filter(|object| terms.iter().all(|(key, value)| holds(object, key, value))).take(limit);
    let rows: Vec<Value> = match request.query("fields") {
        None => chosen.map(|object| link(collection, object)).collect(),
        Some(fields) => chosen.map(|object| pick(collection, object, fields)).collect(),
    };
    if request.flag("markdown") { Answer::Markdown(table(&rows)) } else { Answer::Json(200, rows.into()) }
}

fn link(collection: &str, object: &Value) -> Value {
    json!(format!("/rest/v0/{collection}/{}", object["id"].as_str().unwrap_or_default()))
}

fn pick(collection: &str, object: &Value, fields: &str) -> Value {
    let mut picked = match object {
        Value::Object(members) if fields == "*" => members.clone(),
        object => fields
            .split(',')
            .filter_map(|field| Some((field.to_owned(), object.get(field)?.clone())))
            .collect::<Map<_, _>>(),
    };
    picked.insert("href".to_owned(), link(collection, object));
    picked.into()
}

/// `key:value` terms that all have to hold; the error is the word that is no such term.
fn terms(filter: &str) -> Result<Vec<(&str, &str)>, &str> {
    filter
        .split_whitespace()
        .map(|word| match word.split_once(':') {
            Some((key, value)) if !key.is_empty() && !word.contains(['(', ')', '|', '!']) => Ok((key, value)),
            _ => Err(word),
        })
        .collect()
}

/// Whether a member is, or contains, the value; letter case does not count.
fn holds(object: &Value, key: &str, value: &str) -> bool {
    let value = value.trim_matches('"').to_lowercase();
    match key.split(':').try_fold(object, |object, step| object.get(step)) {
        Some(Value::String(text)) => text.to_lowercase().contains(&value),
        Some(Value::Array(elements)) => elements.iter().any(|element| text(element).to_lowercase().contains(&value)),
        Some(Value::Null) | None => false,
        Some(other) => text(other) == value,
    }
}

fn table(rows: &[Value]) -> String {
    let mut names: Vec<&String> = Vec::new();
    for name in rows.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !names.contains(&name) && name != "href" {
            names.push(name);
        }
    }
    if names.is_empty() {
        return rows.iter().map(|row| format!("- {}\n", text(row))).collect();
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut table = line(names.iter().map(|name| (*name).clone()).collect());
    table += &line(vec!["-".to_owned(); names.len()]);
    for row in rows {
        table += &line(names.iter().map(|name| text(&row[name.as_str()]).replace('|', "\\|")).collect());
    }
    table
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
