//! What clients read by an address, over standard input and output, in both eras of the protocol.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod over_stdio;

use over_stdio::{Client, events};
use serde_json::{Value, json};
use tempfile::TempDir;

const VERGEOS: &str = env!("CARGO_BIN_EXE_vergeos-mcp");
const HOSTINGER: &str = env!("CARGO_BIN_EXE_vps-mcp");

/// The parameters of a request that stands alone, as 2026-07-28 has them.
fn alone(mut params: Value) -> Value {
    params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    params
}

fn read(uri: &str) -> Value {
    json!({ "uri": uri })
}

fn uris(answer: &Value, list: &str, member: &str) -> Vec<String> {
    let listed = answer["result"][list].as_array().unwrap_or_else(|| panic!("{answer}"));
    listed.iter().map(|one| one[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn resources_are_listed_and_read_on_the_way_of_a_call() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(VERGEOS, state.path(), &[]);
    let listed = client.request("resources/list", &json!({}));
    let known =
        ["cluster/status", "vms/list", "networks/list", "alarms/active"].map(|path| format!("vergeos://{path}"));
    assert_eq!(uris(&listed, "resources", "uri"), known);
    assert!(listed["result"].get("ttlMs").is_none() && listed["result"]["resources"][0]["title"].is_string());
    let templates = client.request("resources/templates/list", &json!({}));
    assert_eq!(uris(&templates, "resourceTemplates", "uriTemplate"), ["vergeos://vms/{id}", "vergeos://networks/{id}"]);
    for (uri, expected) in [
        ("vergeos://vms/list", r#""name":"web-1""#),
        ("vergeos://vms/3", r#""name":"build""#),
        ("vergeos://vms/legacy%2Ddb", r#""name":"legacy-db""#),
        ("vergeos://networks/2", r#""name":"Internal""#),
        ("vergeos://alarms/active", "reports many errors"),
    ] {
        let answer = client.request("resources/read", &read(uri));
        let contents = &answer["result"]["contents"][0];
        assert_eq!((&contents["uri"], &contents["mimeType"]), (&uri.into(), &"application/json".into()), "{answer}");
        assert!(contents["text"].as_str().unwrap().contains(expected), "{uri}: {answer}");
    }
    client.end();
    let told = events(VERGEOS, state.path());
    let tools: Vec<&str> = told.iter().map(|event| event["tool"].as_str().unwrap()).collect();
    // A name is looked up as in every other call.
    assert_eq!(tools, ["list_vms", "get_vm", "list_vms", "get_vm", "get_network", "get_alarms"]);
}

#[test]
fn an_address_that_stands_for_nothing_is_told_as_each_era_has_it() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(VERGEOS, state.path(), &[]);
    for uri in [
        "vergeos://vms",
        "vergeos://vms/",
        "vergeos://vms/99",
        "vergeos://vms/web",
        "vergeos://vms/%ff",
        "vergeos://vms/1/nics",
        "vergeos://networks/Internal",
        "VERGEOS://vms/list",
        "file:///etc/passwd",
        "",
    ] {
        for (params, code) in [(read(uri), -32002), (alone(read(uri)), -32602)] {
            let answer = client.request("resources/read", &params);
            assert_eq!(
                (&answer["error"]["code"], &answer["error"]["data"]["uri"]),
                (&code.into(), &uri.into()),
                "{answer}"
            );
        }
    }
    let answer = client.request("resources/read", &json!({}));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let answer = client.request("resources/list", &json!({"cursor": "x"}));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");

    let listed = client.request("resources/list", &alone(json!({})));
    assert_eq!((&listed["result"]["cacheScope"], listed["result"]["ttlMs"].is_u64()), (&"public".into(), true));
    let seen = client.request("resources/read", &alone(read("vergeos://vms/1")));
    assert_eq!((&seen["result"]["cacheScope"], &seen["result"]["ttlMs"]), (&"private".into(), &0.into()), "{seen}");
    let discovered = client.request("server/discover", &alone(json!({})));
    assert!(discovered["result"]["capabilities"]["resources"].is_object(), "{discovered}");
    client.end();
}

#[test]
fn only_what_may_be_called_is_there_to_be_read() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(VERGEOS, state.path(), &["--scopes", "networks:read"]);
    let listed = client.request("resources/list", &json!({}));
    assert_eq!(uris(&listed, "resources", "uri"), ["vergeos://networks/list"]);
    assert_eq!(client.request("resources/read", &read("vergeos://vms/1"))["error"]["code"], -32002);
    assert!(client.request("resources/read", &read("vergeos://networks/1"))["result"].is_object());
    client.end();

    // Whoever has none does not speak of any.
    let mut client = Client::start(HOSTINGER, state.path(), &[]);
    let discovered = client.request("server/discover", &alone(json!({})));
    assert!(discovered["result"]["capabilities"]["resources"].is_null(), "{discovered}");
    assert_eq!(client.request("resources/read", &read("vergeos://vms/1"))["error"]["code"], -32601);
    client.end();
}
