use infra_mcp_model::{Method as ModelMethod, Provider, RestRoute, Tool};

use super::routes::{Found, Routes};
use super::*;
use crate::catalogue::{Catalogue, Entry, Selection};
use crate::executor::fixture::{blank_provider, operation, tool};

const SCHEMA: &str = r#"{"type":"object","properties":{"id":{"type":"integer"},"name":{"type":"string"},
    "force":{"type":"boolean"},"tags":{"type":"array","items":{"type":"string"}}},"required":["id"]}"#;

fn served() -> Catalogue {
    let named = |name| {
        let operation = operation(ModelMethod::Get, "/x", vec![], None);
        Tool { input_schema: SCHEMA.into(), ..tool(name, operation) }
    };
    let row = |method, path: &str, tool: &'static str, arguments: &'static str| {
        let row = operation(method, path, vec![], None);
        RestRoute { method, path: row.path, tool: tool.into(), arguments: arguments.into() }
    };
    let rest = vec![
        row(ModelMethod::Get, "/vms/{id}", "show", "{}"),
        row(ModelMethod::Get, "/vms", "list", "{}"),
        row(ModelMethod::Get, "/vms/all", "list", "{}"),
        row(ModelMethod::Post, "/vms/{id}/stop", "stop", r#"{"force":false}"#),
        row(ModelMethod::Post, "/vms/{id}/{name}", "stop", "{}"),
        row(ModelMethod::Get, "/hidden", "not_served", "{}"),
    ];
    let provider =
        Provider { rest: rest.into(), ..blank_provider(vec![("vms", ["show", "list", "stop"].map(named).into())]) };
    let providers: &'static [&'static Provider] = vec![&*Box::leak(Box::new(provider))].leak();
    Catalogue::select(providers, &Selection::default()).unwrap()
}

/// The tool and its arguments, or the status of what is answered instead.
fn asked(routes: &Routes, method: Method, address: &str, body: &str) -> Result<(String, String), u16> {
    let uri: Uri = address.parse().unwrap();
    match routes.find(&method, uri.path()) {
        Found::Route(route, values) => match arguments::of_route(route, values, uri.query(), body.as_bytes()) {
            Ok(arguments) => Ok((route.entry.tool.name.to_string(), Value::Object(arguments).to_string())),
            Err(_) => Err(400),
        },
        Found::OtherMethods(_) => Err(405),
        Found::Nothing => Err(404),
    }
}

#[test]
fn addresses_stand_for_tools_with_arguments() {
    let routes = Routes::new(&served());
    for (method, address, body, expected) in [
        (Method::GET, "/vms", "", Ok(("list", "{}"))),
        (Method::GET, "/vms/all", "", Ok(("list", "{}"))),
        (Method::GET, "/vms/5", "", Ok(("show", r#"{"id":5}"#))),
        (Method::GET, "/vms/five", "", Ok(("show", r#"{"id":"five"}"#))),
        (Method::GET, "/vms/..%2F5%3Fa", "", Ok(("show", r#"{"id":"../5?a"}"#))),
        (Method::GET, "/vms/5?name=7&tags=a&tags=b", "", Ok(("show", r#"{"id":5,"name":"7","tags":["a","b"]}"#))),
        (Method::GET, "/vms/5?unknown=1", "", Ok(("show", r#"{"id":5,"unknown":1}"#))),
        (Method::GET, "/vms/5?id=6", "", Err(400)),
        (Method::GET, "/vms/5?name=a&name=b", "", Err(400)),
        (Method::GET, "/vms/%ff", "", Err(404)),
        (Method::GET, "/vms/", "", Err(404)),
        (Method::GET, "/vms/5/", "", Err(404)),
        (Method::GET, "//vms", "", Err(404)),
        (Method::GET, "/VMS", "", Err(404)),
        (Method::GET, "/hidden", "", Err(404)),
        (Method::POST, "/vms", "", Err(405)),
        (Method::DELETE, "/vms/5", "", Err(405)),
        (Method::POST, "/vms/5/stop", r#"{"name":"x"}"#, Ok(("stop", r#"{"force":false,"id":5,"name":"x"}"#))),
        (Method::POST, "/vms/5/stop", r#"{"force":true}"#, Err(400)),
        (Method::POST, "/vms/5/stop?force=true", "", Err(400)),
        (Method::POST, "/vms/5/stop", r#"{"id":6}"#, Err(400)),
        (Method::POST, "/vms/5/stop", "[]", Err(400)),
        (Method::POST, "/vms/5/go", "", Ok(("stop", r#"{"id":5,"name":"go"}"#))),
    ] {
        let expected = expected.map(|(tool, arguments): (&str, &str)| (tool.to_owned(), arguments.to_owned()));
        assert_eq!(asked(&routes, method.clone(), address, body), expected, "{method} {address} {body}");
    }
}

#[test]
fn the_description_shows_what_is_left_to_give() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let tools = json!([
        { "name": "show", "title": "Show", "inputSchema": schema },
        { "name": "stop", "title": "Stop", "inputSchema": schema },
    ]);
    // `list` is not for this caller.
    let alone = |entry: &Entry| tools.as_array()?.iter().find(|tool| tool["name"] == *entry.tool.name).cloned();
    let document = document::document(&tools, &Routes::new(&served()), alone, true);
    let paths = document["paths"].as_object().unwrap();
    let known = ["/tools", "/tools/show", "/tools/stop", "/vms/{id}", "/vms/{id}/stop", "/vms/{id}/{name}"];
    assert_eq!(paths.keys().collect::<Vec<_>>(), known);
    let shown: Vec<_> = paths["/vms/{id}"]["get"]["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [("id", "path"), ("name", "query"), ("force", "query"), ("tags", "query")]);
    let body = &paths["/vms/{id}/stop"]["post"]["requestBody"];
    let given = &body["content"]["application/json"]["schema"];
    assert_eq!(body["required"], false);
    assert_eq!(given["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["name", "tags"]);
    assert_eq!(given["required"], json!([]));
}
