//! Named accounts over HTTP: for MCP, for scripts, and in what describes the addresses of scripts.

use serde_json::json;
use tempfile::TempDir;

use crate::client::Request;
use crate::server::Server;

const EVERYTHING: &str = env!("CARGO_BIN_EXE_infra-mcp");

/// Names are all that a simulation takes of the file.
const ACCOUNTS: &str = "[accounts.vergeos.east]\n[accounts.vergeos.west]\n";

fn server() -> Server {
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("accounts.toml"), ACCOUNTS).expect("it can be written");
    let flags = ["--rest", "--config", "accounts.toml", "--approval", "none"];
    Server::simulated(EVERYTHING, folder, &flags)
}

/// A token of the holder's own, which the command prints.
fn token(folder: &TempDir, flags: &[&str]) -> String {
    let mut command = std::process::Command::new(EVERYTHING);
    command.env_clear().current_dir(folder.path()).args(["--sandbox", "--config", "accounts.toml", "--state-dir", "."]);
    let made = command.args(["token", "create", "--name", "ci"]).args(flags).output().expect("it starts");
    String::from_utf8(made.stdout).expect("UTF-8").trim().to_owned()
}

#[test]
fn a_token_for_one_account_reaches_no_other() {
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("accounts.toml"), ACCOUNTS).expect("it can be written");
    assert_eq!(token(&folder, &["--accounts", "vergeos/north"]), "", "there is no such account");
    let token = token(&folder, &["--accounts", "vergeos/east"]);
    assert!(token.starts_with("imcp_"), "{token}");
    let flags = ["--rest", "--config", "accounts.toml", "--approval", "none", "--state-dir", "."];
    let server = Server::simulated(EVERYTHING, folder, &flags);
    let ask = |request: Request| server.ask(&request.with("Authorization", &format!("Bearer {token}")));
    let get = |path: &str| ask(Request::new("GET", path));
    assert_eq!(get("/tenants?account=east").status, 200);
    let refused = get("/tenants?account=west");
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("must be one of east (accounts of VergeOS)"), "{}", refused.text());
    let tools = get("/tools").json();
    let tools = tools["tools"].as_array().expect("a list");
    assert!(!tools.is_empty());
    for tool in tools {
        let account = &tool["inputSchema"]["properties"]["account"]["enum"];
        assert!(*account == json!(["east"]) || tool["name"] == "describe_operation", "{tool}");
    }
    let call = Request::new("POST", "/tools/VPS_getVirtualMachinesV1").with("Content-Type", "application/json");
    assert_eq!(ask(call.saying("{}")).status, 404, "other providers are beyond it");
}

/// Neither what describes an operation nor what is wrong with a call of it names an account that is not granted.
#[test]
fn a_token_for_one_account_hears_of_no_other() {
    let folder = TempDir::new().expect("a temporary folder");
    let accounts = "[accounts.xen-orchestra.lab]\n[accounts.xen-orchestra.production]\n";
    std::fs::write(folder.path().join("accounts.toml"), accounts).expect("it can be written");
    let token = token(&folder, &["--accounts", "xen-orchestra/lab"]);
    let server = Server::simulated(EVERYTHING, folder, &["--config", "accounts.toml", "--state-dir", "."]);
    for (tool, arguments) in [
        ("describe_operation", json!({"operation": "GetVms"})),
        ("vms_query", json!({"operation": "GetVms", "limit": "many"})),
    ] {
        let call = Request::modern(1, "tools/call", json!({"name": tool, "arguments": arguments}));
        let answer = server.ask(&call.with("Authorization", &format!("Bearer {token}"))).json().to_string();
        assert!(answer.contains("lab") && !answer.contains("production"), "{tool}: {answer}");
    }
}

#[test]
fn a_server_is_ready_when_some_account_of_each_provider_can_be_used() {
    for (variables, status) in [(&[("ONE", "x")][..], 200), (&[], 503)] {
        let folder = TempDir::new().expect("a temporary folder");
        let accounts = "[accounts.hostinger.one]\ntoken_env = 'ONE'\n[accounts.hostinger.two]\ntoken_env = 'TWO'\n";
        std::fs::write(folder.path().join("accounts.toml"), accounts).expect("it can be written");
        let server = Server::start_in(folder, &["--config", "accounts.toml"], variables);
        let ready = server.ask(&Request::new("GET", "/ready"));
        let text = ready.text();
        assert_eq!((ready.status, text.contains("Set ONE in the environment")), (status, status == 503), "{text}");
    }
}

#[test]
fn every_door_asks_which_account_is_meant() {
    let server = server();
    let call = |arguments| {
        let answer =
            server.ask(&Request::modern(1, "tools/call", json!({"name": "list_tenants", "arguments": arguments})));
        answer.json()["result"].clone()
    };
    assert_eq!(call(json!({"account": "east"}))["isError"], false);
    let refused = call(json!({})).to_string();
    assert!(refused.contains("is required: one of east, west"), "{refused}");
    for (path, status) in [
        ("/tenants", 400),
        ("/tenants?account=north", 400),
        ("/tenants?account=east", 200),
        ("/vms/1?account=west", 200),
    ] {
        let answer = server.ask(&Request::new("GET", path));
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    let described = server.ask(&Request::new("GET", "/openapi.json")).json();
    let parameters = described["paths"]["/tenants"]["get"]["parameters"].as_array().cloned().unwrap_or_default();
    let account = parameters.iter().find(|parameter| parameter["name"] == "account").expect("it is told");
    assert_eq!((&account["required"], &account["schema"]["enum"]), (&json!(true), &json!(["east", "west"])));
    // What has one account asks for none.
    let body = &described["paths"]["/tools/VPS_getVirtualMachinesV1"]["post"]["requestBody"];
    assert!(!body.to_string().contains("account"), "{body}");
}

/// Each account has an estate of its own: what changes in one stays as it is in the other.
#[test]
fn a_change_is_one_of_the_account_it_was_made_for() {
    let server = server();
    let runs = |account: &str| {
        let answer = server.ask(&Request::new("GET", &format!("/vms/1?account={account}"))).json();
        answer["result"]["running"] == true
    };
    assert!(runs("east") && runs("west"));
    let arguments = json!({"account": "east", "id": 1}).to_string();
    let cut = Request::new("POST", "/tools/force_off_vm").with("Content-Type", "application/json").saying(arguments);
    let answer = server.ask(&cut);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!runs("east") && runs("west"));
}

#[test]
fn resources_are_those_of_an_account() {
    let server = server();
    let listed = server.ask(&Request::modern(1, "resources/list", json!({}))).json();
    let resources = listed["result"]["resources"].as_array().cloned().unwrap_or_default();
    let uris: Vec<&str> = resources.iter().filter_map(|resource| resource["uri"].as_str()).collect();
    assert!(uris.contains(&"vergeos://vms/list?account=east") && uris.contains(&"vergeos://vms/list?account=west"));
    for (uri, found) in [
        ("vergeos://vms/list?account=east", true),
        ("vergeos://vms/1?account=west", true),
        ("vergeos://vms/list", false),
        ("vergeos://vms/list?account=north", false),
    ] {
        let request = Request::modern(1, "resources/read", json!({"uri": uri})).with("Mcp-Name", uri);
        let read = server.ask(&request).json();
        assert_eq!(read["result"]["contents"].is_array(), found, "{uri}: {read}");
    }
}
