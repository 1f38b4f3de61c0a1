//! Tools by domain as a client meets them: the built binaries over standard input and output, against the sandbox.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod over_stdio;

use std::collections::BTreeSet;

use over_stdio::{Client, events, printed, quoted};
use serde_json::{Value, json};
use tempfile::TempDir;

const HOSTINGER: &str = env!("CARGO_BIN_EXE_hostinger-mcp");
const XO: &str = env!("CARGO_BIN_EXE_xo-mcp");
const EVERYTHING: &str = env!("CARGO_BIN_EXE_infra-mcp");

fn names(tools: &[Value]) -> BTreeSet<&str> {
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

fn operations<'t>(tools: &'t [Value], name: &str) -> Vec<&'t str> {
    let tool = tools.iter().find(|tool| tool["name"] == name).unwrap();
    let values = tool["inputSchema"]["properties"]["operation"]["enum"].as_array().unwrap();
    values.iter().map(|value| value.as_str().unwrap()).collect()
}

#[test]
fn what_xen_orchestra_lists_reads_alone_and_acts_when_told_to() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(XO, state.path(), &[]);
    let reads = client.tools();
    assert!(names(&reads).contains("vms_query") && names(&reads).contains("describe_operation"));
    assert!(!names(&reads).iter().any(|name| name.ends_with("_action") || *name == "GetVms"));
    assert!(!operations(&reads, "users_query").contains(&"GetAuthenticationTokens"), "it hands out a credential");
    assert!(reads.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true));
    // Neither by a tool that is not listed, nor as an operation that is not.
    for (tool, arguments) in [
        ("vms_action", json!({"operation": "DeleteVm", "id": "1"})),
        ("vms_query", json!({"operation": "DeleteVm", "id": "1"})),
        ("DeleteVm", json!({"id": "1"})),
        ("users_query", json!({"operation": "GetAuthenticationTokens", "id": "1"})),
    ] {
        let (done, text) = client.call(tool, &arguments);
        assert!(!done, "{tool} {arguments}: {text}");
    }
    client.end();
    let mut client = Client::start(XO, state.path(), &["--access", "full"]);
    let all = client.tools();
    assert!(operations(&all, "vms_action").contains(&"DeleteVm"));
    assert!(operations(&all, "users_query").contains(&"GetAuthenticationTokens"));
    let hints = |name: &str| {
        let tool = all.iter().find(|tool| tool["name"] == name).unwrap();
        (tool["annotations"]["readOnlyHint"] == true, tool["annotations"]["destructiveHint"] == true)
    };
    assert_eq!((hints("vms_query"), hints("vms_action")), ((true, false), (false, true)));
    // What hands out a credential is neither harmless nor listed as if it were.
    assert_eq!(hints("users_query"), (false, true));
    client.end();
    let mut client = Client::start(XO, state.path(), &["--access", "full", "--exclude-tools", "DeleteVm,GetVm"]);
    let fewer = client.tools();
    assert!(!operations(&fewer, "vms_action").contains(&"DeleteVm"));
    let (done, text) = client.call("vms_action", &json!({"operation": "DeleteVm", "id": "1"}));
    assert!(!done && text.contains("(--exclude-tools"), "{text}");
    let (done, text) = client.call("get_vm_details", &json!({"vm_id": "1"}));
    assert!(!done && text.contains("(--exclude-tools"), "{text}");
    client.end();
}

#[test]
fn the_vendors_calls_work() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(XO, state.path(), &["--access", "full", "--approval", "none"]);
    let vm = |number: u8| format!("00000003-0000-4000-8000-{number:012}");
    let (host, pool) = ("00000002-0000-4000-8000-000000000001", "00000001-0000-4000-8000-000000000001");
    for (tool, arguments) in [
        ("vms_query", json!({"operation": "GetVms", "limit": 2})),
        ("vms_action", json!({"operation": "PutVmTag", "id": vm(1), "tag": "blue"})),
        ("vms_action", json!({"operation": "StartVm", "id": vm(4), "body": {"hostId": host}, "sync": true})),
        ("vms_action", json!({"operation": "StartVm", "id": vm(6), "hostId": host})),
        ("vms_action", json!({"operation": "CleanShutdownVm", "id": vm(1), "body": {}})),
        // Two operations of one id, told apart by their domain.
        ("sms_query", json!({"operation": "GetSrs"})),
        ("srs_query", json!({"operation": "GetSrs"})),
        ("hosts_action", json!({"operation": "ManagementReconfigure", "id": host, "body": {"pif": "2"}})),
        ("pools_action", json!({"operation": "ManagementReconfigure", "id": pool, "body": {"network": "2"}})),
        // Names of an older server.
        ("list_vms", json!({"limit": 1})),
        ("get_vm_details", json!({"vm_id": vm(1)})),
        ("get_pool_dashboard", json!({"pool_id": pool})),
        ("describe_operation", json!({"operation": "StartVm"})),
        ("describe_operation", json!({"operation": "GetSrs", "domain": "sms"})),
    ] {
        let (done, text) = client.call(tool, &arguments);
        assert!(done, "{tool} {arguments}: {text}");
    }
    let (done, text) = client.call("vms_action", &json!({"operation": "StartVm", "id": vm(1), "body": {"host": "2"}}));
    assert!(!done && text.contains("body.host: is not a member"), "{text}");
    let described = text.lines().last().unwrap();
    assert_eq!(client.call("describe_operation", &json!({"operation": "StartVm"})).1, described);
    let described: Value = serde_json::from_str(described).unwrap();
    assert_eq!(described["required"], json!(["id"]));
    assert_eq!(described["body"]["properties"]["hostId"]["type"], "string");
    client.end();
    let told = events(XO, state.path());
    let tools: Vec<&str> =
        told.iter().filter(|event| event["event"] == "call").map(|event| event["tool"].as_str().unwrap()).collect();
    assert_eq!(tools[..2], ["GetVms", "PutVmTag"], "the log knows tools, not what they were called by");
    assert_eq!(tools[5..8], ["GetSms", "GetSrs", "ManagementReconfigureHost"]);
    assert_eq!(tools.last(), Some(&"describe_operation"));
}

#[test]
fn an_approval_is_for_the_operation_and_not_for_the_tool_that_stands_for_it() {
    let state = TempDir::new().unwrap();
    let flags = ["--expose", "domain", "--approval", "token"];
    let mut client = Client::start(HOSTINGER, state.path(), &flags);
    let tools = client.tools();
    let action = tools.iter().find(|tool| tool["name"] == "vps_action").unwrap();
    assert!(action["inputSchema"]["properties"]["confirm_token"].is_object());
    let recreate = |id: u32| json!({"operation": "VPS_recreateVirtualMachineV1", "virtualMachineId": id, "body": {"template_id": 1013}});
    let with = |mut arguments: Value, token: &str| {
        arguments["confirm_token"] = token.into();
        arguments
    };
    let (done, preview) = client.call("vps_action", &recreate(100_001));
    assert!(!done && preview.starts_with("confirmation_required"), "{preview}");
    let token = quoted(&preview, "`confirm_token`");
    let snapshot = json!({"operation": "VPS_deleteSnapshotV1", "virtualMachineId": 100_001});
    for arguments in [with(recreate(100_002), &token), with(snapshot, &token)] {
        let (done, text) = client.call("vps_action", &arguments);
        assert!(!done && text.starts_with("confirmation_mismatch"), "{arguments}: {text}");
    }
    // Members of the body beside it are the same call.
    let flat = json!({"operation": "VPS_recreateVirtualMachineV1", "virtualMachineId": 100_001, "template_id": 1013});
    let (done, text) = client.call("vps_action", &with(flat, &token));
    assert!(done, "{text}");
    let (done, text) = client.call("vps_action", &with(recreate(100_001), &token));
    assert!(!done && text.starts_with("confirmation_mismatch"), "{text}");
    client.end();
    assert!(!events(HOSTINGER, state.path()).iter().any(|event| event.to_string().contains(&token)));
}

#[test]
fn the_command_line_calls_what_is_listed() {
    let state = TempDir::new().unwrap();
    let printed = |binary, words: &[&str]| printed(binary, state.path(), words);
    let list = printed(XO, &["list"]);
    assert!(list.lines().any(|line| line.starts_with("vms_query operation=GetVms ")), "{list}");
    let machines = printed(XO, &["call", "vms_query", "operation=GetVms", "markdown=false"]);
    assert!(serde_json::from_str::<Value>(&machines).unwrap().is_array());
    let domains = ["--expose", "domain", "call", "vps_query", "operation=VPS_getVirtualMachineDetailsV1"];
    let machine = printed(HOSTINGER, &[&domains[..], &["virtualMachineId=100001"]].concat());
    assert_eq!(serde_json::from_str::<Value>(&machine).unwrap()["id"], 100_001);
    assert!(printed(XO, &["describe", "vms_query"]).contains("GetVmAlarms("));
    assert!(printed(XO, &["describe", "GetVm"]).contains("vms_query operation=GetVm"));
    assert!(printed(XO, &["describe", "describe_operation"]).contains("inputSchema"));
    let both = printed(EVERYTHING, &["list", "--json"]);
    let both: Vec<Value> = serde_json::from_str(&both).unwrap();
    let called: BTreeSet<&str> = both.iter().map(|tool| tool["call"]["tool"].as_str().unwrap()).collect();
    assert!(called.contains("VPS_getVirtualMachinesV1") && called.contains("vms_query"), "each as its provider says");
}

#[test]
fn the_utilities_keep_their_names_and_work_without_network() {
    let state = TempDir::new().unwrap();
    for flags in [&[][..], &["--expose", "flat"], &["--expose", "domain"]] {
        let mut client = Client::start(XO, state.path(), flags);
        let tools = client.tools();
        for (tool, arguments, expected) in [
            ("check_connection", json!({}), "\"connected\":true"),
            ("get_infrastructure_summary", json!({}), "## Virtual machines"),
            ("search_documentation", json!({"topic": "restapi", "query": "limits"}), "A simulation has no limits"),
        ] {
            assert!(names(&tools).contains(tool), "{flags:?} {tool}");
            let (done, text) = client.call(tool, &arguments);
            assert!(done && text.contains(expected), "{flags:?} {tool}: {text}");
        }
        client.end();
    }
}

#[test]
fn the_prompt_is_there_where_its_tools_are() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(XO, state.path(), &[]);
    let listed = client.request("prompts/list", &json!({}));
    let prompt = &listed["result"]["prompts"][0];
    assert_eq!(prompt["name"], "infrastructure-overview", "{listed}");
    assert_eq!(prompt["arguments"][0]["required"], false);
    for (params, expected) in [
        (json!({"name": "infrastructure-overview"}), Ok("capacity, health and backups alike")),
        (
            json!({"name": "infrastructure-overview", "arguments": {"focus": "{focus} of disks"}}),
            Ok(": {focus} of disks."),
        ),
        (json!({"name": "overview"}), Err("no prompt \"overview\"")),
        (json!({"name": "infrastructure-overview", "arguments": {"depth": "2"}}), Err("it takes focus")),
        (json!({"name": "infrastructure-overview", "arguments": {"focus": 2}}), Err("must be a text")),
        (json!({"arguments": {}}), Err("`name` (text)")),
    ] {
        let answer = client.request("prompts/get", &params);
        match expected {
            Ok(part) => {
                let message = &answer["result"]["messages"][0];
                let text = message["content"]["text"].as_str().unwrap();
                assert!(message["role"] == "user" && text.contains(part), "{answer}");
            }
            Err(part) => {
                assert_eq!(answer["error"]["code"], -32602, "{answer}");
                assert!(answer["error"]["message"].as_str().unwrap().contains(part), "{answer}");
            }
        }
    }
    client.end();
    for (binary, flags) in [(XO, &["--exclude-tools", "get_infrastructure_summary"][..]), (HOSTINGER, &[])] {
        let mut client = Client::start(binary, state.path(), flags);
        for method in ["prompts/list", "prompts/get"] {
            let answer = client.request(method, &json!({"name": "infrastructure-overview"}));
            assert_eq!(answer["error"]["code"], -32601, "{flags:?} {answer}");
        }
        client.end();
    }
}

#[test]
fn a_call_that_waits_tells_how_far_its_task_is() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(XO, state.path(), &["--access", "full", "--approval", "none"]);
    let tools = client.tools();
    let action = tools.iter().find(|tool| tool["name"] == "vms_action").unwrap();
    assert_eq!(action["inputSchema"]["properties"]["wait"]["type"], "boolean");
    assert!(action["inputSchema"]["properties"]["wait_seconds"]["description"].as_str().unwrap().contains("seconds"));
    let arguments = json!({"operation": "CleanRebootVm", "id": "00000003-0000-4000-8000-000000000001", "wait": true});
    let params = json!({"name": "vms_action", "arguments": arguments, "_meta": {"progressToken": "p"}});
    let mut answer = client.request("tools/call", &params);
    let mut told = 0;
    while answer["method"] == "notifications/progress" {
        assert_eq!(answer["params"]["progressToken"], "p");
        told += 1;
        answer = client.next();
    }
    assert!(told > 0 && answer["result"]["isError"] != true, "{told} {answer}");
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("\"status\":\"success\""), "{answer}");
    client.end();
}
