//! Hostodo end to end: the built binaries, the simulated endpoint over HTTP, and the bridge between them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod listening;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use listening::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

const HOSTODO: &str = env!("CARGO_BIN_EXE_hostodo-mcp");
const INFRA: &str = env!("CARGO_BIN_EXE_infra-mcp");

fn run(arguments: &[&str], variables: &[(&str, &str)], folder: &TempDir) -> Output {
    let mut command = Command::new(HOSTODO);
    command.args(arguments).env_clear().env("HOME", folder.path()).envs(variables.iter().copied());
    command.current_dir(folder.path()).output().unwrap()
}

fn printed(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// A client that speaks in lines.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Client {
    fn start(arguments: &[&str], variables: &[(&str, &str)], folder: &TempDir) -> Self {
        let mut command = Command::new(INFRA);
        command.args(arguments).env_clear().env("HOME", folder.path()).envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).current_dir(folder.path());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "an answer");
        serde_json::from_str(&line).unwrap()
    }

    /// The answer to a request; what comes before it is left aside.
    fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let heard = self.hear();
            if heard["id"] == id && heard.get("method").is_none() {
                return heard;
            }
        }
    }

    fn greet(&mut self, capabilities: Value) {
        let client = json!({"name": "lines", "version": "1"});
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": capabilities, "clientInfo": client});
        assert!(self.ask(0, "initialize", params)["result"]["capabilities"]["tools"].is_object());
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    /// The text of a result, and whether it is an error.
    fn tool(&mut self, id: u64, name: &str, arguments: Value) -> (String, bool) {
        let answer = self.ask(id, "tools/call", json!({"name": name, "arguments": arguments}));
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
        (text.to_owned(), result["isError"] == true)
    }

    /// Ends the input and waits for the end of the program.
    fn end(mut self) {
        drop(self.input.take());
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn calls_go_to_the_endpoint_that_the_environment_names_with_the_token_for_it() {
    let folder = TempDir::new().unwrap();
    let sandbox = Server::hostodo(&folder);
    let endpoint = format!("{}/mcp", sandbox.address);
    let with = |token: &'static str| [("HOSTODO_MCP_URL", endpoint.as_str()), ("HOSTODO_MCP_TOKEN", token)];
    let listed = printed(&run(&["call", "hostodo_list_vms"], &with("sandbox-read"), &folder));
    assert_eq!(listed["vms"].as_array().unwrap().len(), 7, "{listed}");
    let power = ["call", "hostodo_power_vm", "vm_id=staging", "action=start"];
    for (token, arguments, expected) in [
        ("sandbox-expired", &["call", "hostodo_list_vms"][..], "unauthenticated: "),
        ("sandbox-read", &power, "forbidden_scope: Hostodo refused the call"),
        ("sandbox-power", &["call", "hostodo_power_vm", "vm_id=archive", "action=start"], "vm_state_blocked: "),
        ("sandbox-other", &["call", "hostodo_get_vm", "vm_id=ins::abc123"], "vm_not_found: "),
        ("sandbox-other", &["call", "hostodo_get_vm", "vm_id=staging"], "fits no virtual machine"),
    ] {
        let output = run(arguments, &with(token), &folder);
        let error = printed(&output)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(expected), "{token}: {error}");
        assert_eq!(output.status.code(), Some(1));
    }
    let done = printed(&run(&power, &with("sandbox-power"), &folder));
    assert_eq!(done["power_state"], "starting");
    let fallback = [("HOSTODO_MCP_URL", endpoint.as_str()), ("HOSTODO_API_TOKEN", "sandbox-read")];
    assert!(printed(&run(&["call", "hostodo_list_templates"], &fallback, &folder))["templates"].is_array());
}

#[test]
fn the_rest_api_wants_a_token_of_its_own_and_login_gets_one() {
    let folder = TempDir::new().unwrap();
    let sandbox = Server::hostodo(&folder);
    let variables = [("HOSTODO_API_URL", sandbox.address.as_str()), ("HOSTODO_MCP_TOKEN", "sandbox-all")];
    let account = |expected: &str| {
        let output = run(&["call", "hostodo_get_account"], &variables, &folder);
        assert!(String::from_utf8_lossy(&output.stdout).contains(expected), "{output:?}");
    };
    account("Set HOSTODO_API_TOKEN");
    let output = run(&["login"], &variables, &folder);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && told.contains("ABCDEF123456") && told.contains("/device"), "{told}");
    assert!(!told.contains("sandbox-rest") && !String::from_utf8_lossy(&output.stdout).contains("sandbox-rest"));
    account("owner@example.com");
}

#[test]
fn the_bridge_carries_a_client_to_a_remote_server() {
    let folder = TempDir::new().unwrap();
    let sandbox = Server::hostodo(&folder);
    let flags = ["bridge", "--url", &sandbox.address, "--token-env", "TOKEN"];
    let mut client = Client::start(&flags, &[("TOKEN", "sandbox-all")], &folder);
    client.greet(json!({}));
    assert_eq!(client.ask(1, "tools/list", json!({}))["result"]["tools"].as_array().unwrap().len(), 14);
    let (text, is_error) =
        client.tool(2, "hostodo_exec_vm_command", json!({"vm_id": "my-server", "command": "echo 'é\"'"}));
    assert_eq!((serde_json::from_str::<Value>(&text).unwrap()["stdout"].as_str(), is_error), (Some("é\"\n"), false));
    assert_eq!(client.ask(3, "resources/list", json!({}))["error"]["code"], -32601);
    client.end();

    let mut client = Client::start(&flags, &[("TOKEN", "sandbox-expired")], &folder);
    let refused = client.ask(
        1,
        "initialize",
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "l", "version": "1"}}),
    );
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("HTTP 401") && message.contains("--token-env"), "{message}");
    client.end();
}

/// A question of the remote server reaches the client, and its answer the server; and a server that was gone for a
/// while has forgotten the session.
#[test]
fn questions_pass_the_bridge_and_a_lost_session_is_opened_again() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(INFRA, &["--sandbox", "--http", "--port", "0"], &folder);
    let mut client = Client::start(&["bridge"], &[("VERGEOS_MCP_URL", &server.address)], &folder);
    client.greet(json!({"elicitation": {}}));
    let arguments = json!({"vm_id": "my-server", "command": "whoami"});
    client.say(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "hostodo_exec_vm_command", "arguments": arguments}}));
    let question = loop {
        let heard = client.hear();
        if heard["method"] == "elicitation/create" {
            break heard;
        }
    };
    let schema = &question["params"]["requestedSchema"]["properties"];
    let content: Value = schema
        .as_object()
        .unwrap()
        .keys()
        .map(|name| (name.clone(), json!(true)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    client.say(&json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": content}}));
    let answer = loop {
        let heard = client.hear();
        if heard["id"] == 5 {
            break heard;
        }
    };
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("root"), "{answer}");

    let port = server.address.rsplit(':').next().unwrap().to_owned();
    drop(server);
    let lost = client.ask(6, "tools/call", json!({"name": "hostodo_list_vms", "arguments": {}}));
    assert!(
        lost["error"]["message"].as_str().is_some_and(|message| message.contains("did not take the request")),
        "{lost}"
    );
    let _again = Server::start(INFRA, &["--sandbox", "--http", "--port", &port], &folder);
    let (text, is_error) = client.tool(7, "hostodo_list_vms", json!({}));
    assert!(!is_error && text.contains("my-server"), "{text}");
    client.end();
}

/// What was given up keeps nobody from ending: the time for open calls is an hour here.
#[test]
fn a_cancelled_call_is_not_waited_for_at_the_end() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(INFRA, &["--sandbox", "--http", "--port", "0", "--approval", "none"], &folder);
    let bridge = ["bridge", "--url", &server.address, "--grace", "3600"];
    let mut client = Client::start(&bridge, &[], &folder);
    client.greet(json!({}));
    let (started, _) =
        client.tool(1, "hostodo_start_vm_command", json!({"vm_id": "my-server", "command": "sleep 3000"}));
    let started: Value = serde_json::from_str(&started).unwrap();
    let arguments = json!({"vm_id": "my-server", "command_id": started["command_id"], "wait_seconds": 600});
    let wait = json!({"name": "hostodo_wait_vm_command", "arguments": arguments});
    client.say(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": wait}));
    client.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}));
    client.end();
}
