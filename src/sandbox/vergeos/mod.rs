//! A VergeOS system with state: one handler for all tables, as in the real one, and actions that take effect.
//!
//! What stands in the tables is in `estate`, what a query chooses of it in `query`, what actions do in `actions`.

mod actions;
mod estate;
mod query;

use super::clock::Clock;
use bytes::Bytes;
use estate::Estate;
use http::{Method, Request, Response};
use percent_encoding::percent_decode_str;
use query::Query;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// The simulated system.
pub(super) struct VergeOs {
    clock: Arc<dyn Clock>,
    estate: Mutex<Estate>,
}

/// A status and its body, none of which may be empty.
type Answer = (u16, Value);

impl VergeOs {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let estate = Mutex::new(Estate::new(clock.now().unix_seconds()));
        Self { clock, estate }
    }

    fn carry_out(&self, request: &Request<Bytes>, path: &str) -> Answer {
        let path: Vec<String> = path
            .trim_start_matches('/')
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let body = match serde_json::from_slice(request.body()) {
            Ok(body) => body,
            Err(_) if request.body().is_empty() => Value::Null,
            Err(_) => return (400, json!({ "err": "The body is no JSON." })),
        };
        let mut estate = self.estate.lock().unwrap_or_else(PoisonError::into_inner);
        estate.advance(self.clock.now().unix_seconds());
        match (request.method(), path.as_slice()) {
            (&Method::GET, [table]) => list(&estate, table, request.uri().query()),
            (&Method::GET, [table, "$table"]) => schema(&estate, table),
            (&Method::GET, [table, key]) => row(&estate, table, key, request.uri().query()),
            (&Method::POST, [actions]) if actions.ends_with("_actions") => actions::post(&mut estate, actions, &body),
            (&Method::POST, [table]) => create(&mut estate, table, body),
            (&Method::PUT, [table, key]) if body.is_object() => change(&mut estate, table, key, &body),
            (&Method::PUT | &Method::POST, [table, key, ..]) if estate.find(table, key).is_some() => (200, Value::Null),
            (&Method::DELETE, [table, key]) => delete(&mut estate, table, key),
            _ => missing("The simulated VergeOS has no such path."),
        }
    }
}

impl super::Estate for VergeOs {
    fn answer(&self, request: &Request<Bytes>, path: &str) -> Result<Response<Bytes>, Vec<&'static str>> {
        let (status, body) = self.carry_out(request, path);
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let mut response = Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        Ok(response)
    }
}

fn missing(what: &str) -> Answer {
    (404, json!({ "err": what }))
}

fn list(estate: &Estate, table: &str, query: Option<&str>) -> Answer {
    let Some(rows) = estate.rows(table) else {
        return missing(&format!("There is no table {table}."));
    };
    match Query::read(query.unwrap_or_default()) {
        Ok(query) => (200, query.choose(estate, table, rows)),
        Err(problem) => (422, json!({ "err": problem })),
    }
}

fn row(estate: &Estate, table: &str, key: &str, query: Option<&str>) -> Answer {
    let Some(row) = estate.find(table, key) else {
        return missing(&format!("There is no row {key} in {table}."));
    };
    match Query::read(query.unwrap_or_default()) {
        Ok(query) => (200, query.show(estate, row)),
        Err(problem) => (422, json!({ "err": problem })),
    }
}

fn schema(estate: &Estate, table: &str) -> Answer {
    let Some(rows) = estate.rows(table) else {
        return missing(&format!("There is no table {table}."));
    };
    let kind = |value: &Value| match value {
        Value::Bool(_) => "bool",
        Value::Number(_) => "uint64",
        _ => "text",
    };
    let columns = rows.values().next().and_then(Value::as_object).into_iter().flatten();
    let fields =
        columns.map(|(name, value)| (name.clone(), json!({ "type": kind(value), "required": name == "name" })));
    (200, json!({ "fields": Value::Object(fields.collect()) }))
}

fn create(estate: &mut Estate, table: &str, body: Value) -> Answer {
    if !body.is_object() {
        return (422, json!({ "err": "A new row needs its columns." }));
    }
    let taken = body.get("name").filter(|_| table == "machine_snapshots" || table == "vms").is_some_and(|name| {
        let same = |row: &Value| row.get("name") == Some(name) && row.get("machine") == body.get("machine");
        estate.rows(table).is_some_and(|rows| rows.values().any(same))
    });
    if taken {
        return (409, json!({ "err": "There is a row of this name." }));
    }
    match estate.insert(table, body) {
        Some(key) => (201, json!({ "$key": key, "location": format!("/v4/{table}/{key}") })),
        None => missing(&format!("There is no table {table}.")),
    }
}

fn change(estate: &mut Estate, table: &str, key: &str, body: &Value) -> Answer {
    let running = table == "vms" && estate.is_running(key);
    if running && ["cpu_cores", "ram"].iter().any(|name| body.get(name).is_some()) {
        return (409, json!({ "err": "The VM is running." }));
    }
    let Some(Value::Object(row)) = estate.find_mut(table, key) else {
        return missing(&format!("There is no row {key} in {table}."));
    };
    for (name, value) in body.as_object().into_iter().flatten() {
        row.insert(name.clone(), value.clone());
    }
    (200, Value::Null)
}

fn delete(estate: &mut Estate, table: &str, key: &str) -> Answer {
    match estate.remove(table, key) {
        true => (200, Value::Null),
        false => missing(&format!("There is no row {key} in {table}.")),
    }
}
