//! The arguments of a call, gathered from where a request can hold them.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::routes::Route;
use crate::arguments::text;

/// The arguments in a body: a JSON object, or nothing.
///
/// # Errors
/// If it is something else, in words for the caller.
pub(super) fn of_body(body: &[u8]) -> Result<Map<String, Value>, String> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err("The body must be a JSON object with the arguments.".to_owned()),
        Err(error) => Err(format!("The body is not valid JSON: {error}.")),
    }
}

/// The arguments of a request to the address of a provider: those that it stands for, and those of path, query and
/// body.
///
/// # Errors
/// If one is given twice, or the body is no object, in words for the caller.
pub(super) fn of_route(
    route: &Route,
    path: Vec<(&'static str, String)>,
    query: Option<&str>,
    body: &[u8],
) -> Result<Map<String, Value>, String> {
    // Both texts are made by our generator.
    let schema: Value = serde_json::from_str(&route.entry.tool.input_schema).unwrap_or_default();
    let mut arguments: Map<String, Value> = serde_json::from_str(&route.row.arguments).unwrap_or_default();
    let mut put = |name: &str, value: Value| match arguments.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(format!("`{name}` may be given once, and this address or its path gives it already.")),
    };
    for (name, given) in path {
        put(name, text::value(&schema, &[name.to_owned()], &given))?;
    }
    let mut named: Vec<(String, Vec<String>)> = Vec::new();
    for (name, given) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.push(given.into_owned()),
            None => named.push((name.into_owned(), vec![given.into_owned()])),
        }
    }
    for (name, given) in named {
        let texts: Vec<&str> = given.iter().map(String::as_str).collect();
        let value = text::value_of_all(&schema, &name, &texts);
        put(&name, value.ok_or_else(|| format!("`{name}` may be given once."))?)?;
    }
    for (name, value) in of_body(body)? {
        put(&name, value)?;
    }
    Ok(arguments)
}
