use std::sync::Arc;

use infra_mcp_model::Provider;
use serde_json::{Value, json};

use crate::account::Account;
use crate::arguments::Arguments;
use crate::call::{Call, Caller};
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::executor::{Executor, Media, Reply, fixture};
use crate::generated::PROVIDERS;
use crate::{providers, sandbox};

fn provider() -> &'static Provider {
    PROVIDERS.iter().find(|provider| provider.name == "xen-orchestra").unwrap()
}

async fn call(name: &str, arguments: Value) -> Result<Reply, CallError> {
    let tool = provider().tools().find(|tool| tool.name == name).unwrap();
    let Value::Object(arguments) = arguments else { panic!("{name} takes an object") };
    let call = Call {
        entry: Entry { provider: provider(), tool },
        arguments: Arguments::validate(tool, arguments).map_err(CallError::Arguments)?,
        account: Arc::new(Account::new(provider(), fixture::settings("https://xo.example.com")).unwrap()),
        caller: Caller::local(None),
    };
    let executor = Executor::simulated(sandbox::simulator(provider()));
    providers::carry_out(&executor, fixture::authorized(call)).await
}

#[tokio::test]
async fn the_connection_is_told() {
    let reply = call("check_connection", json!({})).await.unwrap();
    let told: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(told["connected"], true);
    assert_eq!(told["address"], "https://xo.example.com/rest/v0");
    assert!(told["first_pool"].is_string(), "{told}");
}

#[tokio::test]
async fn the_summary_has_three_sections() {
    let reply = call("get_infrastructure_summary", json!({})).await.unwrap();
    assert_eq!(reply.media, Media::Text);
    let headings: Vec<&str> = reply.body.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(headings, ["## Pools", "## Hosts", "## Virtual machines"]);
    assert!(reply.body.contains("\n2 (2 Running).\n") && reply.body.contains("| web-1 | Running | 2 | 4.0 GiB |"));
}

#[tokio::test]
async fn the_documentation_is_searched() {
    for (arguments, expected) in [
        (json!({"topic": "backups"}), Ok(&["backups", "First steps", "Limits"][..])),
        (json!({"topic": "restapi", "query": "SUPPORT limits"}), Ok(&["Limits"])),
        (json!({"topic": "users", "query": "zebra"}), Ok(&["Nothing on the page"])),
        (json!({"topic": "../secrets"}), Err("topic")),
        (json!({}), Err("topic")),
    ] {
        match (call("search_documentation", arguments.clone()).await, expected) {
            (Ok(reply), Ok(parts)) => {
                let ends = |text: &str| !text.contains(['<', '>']);
                assert!(parts.iter().all(|part| reply.body.contains(part)) && ends(&reply.body), "{}", reply.body);
                assert_eq!(reply.body.contains("First steps"), parts.len() != 1 || parts[0].starts_with("Nothing"));
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, _) => panic!("{arguments}: {got:?}"),
        }
    }
}
