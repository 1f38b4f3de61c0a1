//! The OpenAPI document of what one principal can ask for.

use infra_mcp_model::Method;
use serde_json::{Map, Value, json};

use super::routes::{Route, Routes};
use crate::catalogue::Entry;

/// Describes the addresses of these tools, which are listed as MCP lists them, and the routes to tools that `alone`
/// gives by themselves. `guarded` says that callers show a token.
pub(super) fn document(
    tools: &Value,
    routes: &Routes,
    alone: impl Fn(&Entry) -> Option<Value>,
    guarded: bool,
) -> Value {
    let tools: Vec<&Value> = tools.as_array().into_iter().flatten().collect();
    let mut paths = Map::new();
    paths.insert("/tools".to_owned(), json!({ "get": listing() }));
    for tool in &tools {
        let name = tool["name"].as_str().unwrap_or_default();
        let mut operation = described(tool);
        operation["operationId"] = name.into();
        operation["requestBody"] = body(&tool["inputSchema"]);
        paths.insert(format!("/tools/{name}"), json!({ "post": operation }));
    }
    for route in routes.iter() {
        let Some(tool) = alone(&route.entry) else { continue };
        let path = paths.entry(route.row.path.to_string()).or_insert_with(|| json!({}));
        path[route.method().as_str().to_ascii_lowercase()] = operation(route, &tool);
    }
    let security = if guarded { json!([{ "token": [] }]) } else { json!([]) };
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tools over plain HTTP",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every tool that the caller may use, by its name, and shorter addresses for some of them. \
                            What is dangerous is answered with a preview first and has to be approved.",
        },
        "security": security,
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Error": error() },
            "responses": {
                "Done": answer("It was done, and this came of it.", result()),
                "Refused": answer("Nothing came of it: `code` says why.", json!({ "$ref": "#/components/schemas/Error" })),
            },
        },
    })
}

fn listing() -> Value {
    let schema = json!({
        "type": "object",
        "properties": { "tools": { "type": "array", "items": { "type": "object" } } },
        "required": ["tools"],
    });
    json!({
        "operationId": "listTools",
        "summary": "List tools",
        "description": "The tools of this caller with description, input schema and annotations, as in MCP.",
        "responses": { "200": answer("The tools.", schema), "4XX": refused() },
    })
}

fn refused() -> Value {
    json!({ "$ref": "#/components/responses/Refused" })
}

fn answer(description: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn result() -> Value {
    json!({
        "type": "object",
        "properties": {
            "result": { "description": "What the provider answered." },
            "notes": {
                "type": "array",
                "items": { "type": "string" },
                "description": "What is to be known about it: that it was cut, that a credential was withheld, that others wrote the text.",
            },
        },
        "required": ["result"],
    })
}

fn error() -> Value {
    json!({
        "type": "object",
        "properties": {
            "error": { "type": "string", "description": "What is wrong and what to do about it." },
            "code": { "type": "string", "description": "The same as a word that does not change." },
            "approval": {
                "type": "object",
                "description": "With `confirmation_required`: what to repeat the call with, or the command of an operator.",
                "properties": {
                    "confirm_token": { "type": "string" },
                    "confirmation": { "type": "string" },
                    "command": { "type": "string" },
                },
            },
            "upstream_status": { "type": "integer", "description": "The status of the provider's answer." },
        },
        "required": ["error", "code"],
    })
}

/// What all operations of a tool have in common.
fn described(tool: &Value) -> Value {
    let done = json!({ "$ref": "#/components/responses/Done" });
    let mut operation = json!({ "responses": { "200": done, "4XX": refused(), "5XX": refused() } });
    for (key, member) in [("summary", "title"), ("description", "description")] {
        if tool[member].is_string() {
            operation[key] = tool[member].clone();
        }
    }
    operation
}

fn body(schema: &Value) -> Value {
    let required = schema["required"].as_array().is_some_and(|names| !names.is_empty());
    json!({ "required": required, "content": { "application/json": { "schema": schema } } })
}

/// The operation of a provider's address: what it stands for and its path are no part of query and body.
fn operation(route: &Route, tool: &Value) -> Value {
    let mut operation = described(tool);
    let fixed: Map<String, Value> = serde_json::from_str(&route.row.arguments).unwrap_or_default();
    let in_path: Vec<&str> = route.parameters().collect();
    let schema = &tool["inputSchema"];
    let mut parameters: Vec<Value> =
        in_path.iter().map(|name| parameter(name, "path", true, &schema["properties"][name])).collect();
    let free = |name: &str| !in_path.contains(&name) && !fixed.contains_key(name);
    let mut rest = schema.clone();
    if let Some(properties) = rest["properties"].as_object_mut() {
        properties.retain(|name, _| free(name));
    }
    if let Some(required) = rest["required"].as_array_mut() {
        required.retain(|name| name.as_str().is_some_and(free));
    }
    if route.method() == Method::Get {
        let required =
            |name: &str| rest["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
        let properties = rest["properties"].as_object().into_iter().flatten();
        parameters.extend(properties.map(|(name, schema)| parameter(name, "query", required(name), schema)));
    } else {
        operation["requestBody"] = body(&rest);
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation
}

fn parameter(name: &str, place: &str, required: bool, schema: &Value) -> Value {
    let mut parameter = json!({ "name": name, "in": place, "required": required });
    // An object in an address is JSON; all else is written as it is, an array once for each element.
    if schema["type"] == "object" {
        parameter["content"] = json!({ "application/json": { "schema": schema } });
    } else {
        parameter["schema"] = schema.clone();
    }
    parameter
}
