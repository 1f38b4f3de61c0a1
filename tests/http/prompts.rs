//! Prompts over HTTP, with and without a session.

use serde_json::json;
use tempfile::TempDir;

use crate::client::{LEGACY, Request, Session, message};
use crate::server::Server;

const XO: &str = env!("CARGO_BIN_EXE_xo-mcp");
const NAME: &str = "infrastructure-overview";

#[test]
fn prompts_are_listed_and_filled_in_both_generations() {
    let server = Server::simulated(XO, TempDir::new().expect("a temporary folder"), &[]);
    let found = server.ask(&Request::modern(1, "server/discover", json!({}))).json();
    assert!(found["result"]["capabilities"]["prompts"].is_object(), "{found}");
    let mut session = Session::open(server.address, LEGACY);
    let listed = server.ask(&Request::modern(1, "prompts/list", json!({}))).json();
    assert!(listed["result"]["ttlMs"].is_u64() && listed["result"]["cacheScope"] == "private", "{listed}");
    let legacy = session.ask(&session.post(&message(1, "prompts/list", json!({})))).json();
    assert!(legacy["result"]["ttlMs"].is_null(), "{legacy}");
    for list in [&listed, &legacy] {
        assert_eq!(list["result"]["prompts"][0]["name"], NAME, "{list}");
        assert_eq!(list["result"]["prompts"].as_array().map(Vec::len), Some(1));
    }
    let params = json!({"name": NAME, "arguments": {"focus": "storage"}});
    let modern = server.ask(&Request::modern(2, "prompts/get", params.clone())).json();
    let legacy = session.ask(&session.post(&message(2, "prompts/get", params))).json();
    for got in [&modern, &legacy] {
        let text = got["result"]["messages"][0]["content"]["text"].as_str().unwrap_or_default();
        assert!(text.contains("matters most to me: storage."), "{got}");
    }
    let unknown = server.ask(&Request::modern(3, "prompts/get", json!({"name": "other"}))).json();
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}
