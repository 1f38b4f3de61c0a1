//! The gate as a client meets it: the built binary over standard input and output, against the sandbox.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod over_stdio;

use std::io::Write as _;
use std::process::Stdio;

use over_stdio::{Client, command, events, printed, quoted};
use serde_json::{Value, json};
use tempfile::TempDir;

const SERVER: &str = env!("CARGO_BIN_EXE_hostinger-mcp");
const RECREATE: &str = "VPS_recreateVirtualMachineV1";

/// The machine as the provider has it.
fn machine(client: &mut Client) -> Value {
    let (done, text) = client.call("VPS_getVirtualMachineDetailsV1", &json!({"virtualMachineId": 100_001}));
    assert!(done, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn recreate() -> Value {
    json!({"virtualMachineId": 100_001, "template_id": 1013})
}

fn with(mut arguments: Value, name: &str, value: &str) -> Value {
    arguments[name] = value.into();
    arguments
}

#[test]
fn a_model_alone_gets_nothing_dangerous_done() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(SERVER, state.path(), &[]);
    let before = machine(&mut client);
    let (done, preview) = client.call(RECREATE, &recreate());
    assert!(!done && preview.starts_with("confirmation_required"), "{preview}");
    assert!(preview.contains("approve ") && preview.contains("web-1.example.com"), "{preview}");
    let id = preview.split_once("approve ").unwrap().1.split('`').next().unwrap().to_owned();
    for arguments in [
        recreate(),
        with(recreate(), "confirm_token", &id),
        with(recreate(), "confirmation", "RECREATE 100001"),
        with(recreate(), "approved", "true"),
        with(recreate(), "Confirm_Token", &id),
    ] {
        let (done, text) = client.call(RECREATE, &arguments);
        assert!(!done, "{arguments}: {text}");
    }
    for tool in ["vps_recreatevirtualmachinev1", "VPS_recreateVirtualMachineV1 ", "VРS_recreateVirtualMachineV1"] {
        let (done, text) = client.call(tool, &recreate());
        assert!(!done, "{tool}: {text}");
    }
    assert_eq!(machine(&mut client), before, "nothing was done");
    client.end();
    // A pipe is no person.
    let mut approve = command(SERVER, state.path(), &["approve", &id]).stdin(Stdio::piped()).spawn().unwrap();
    let _ = approve.stdin.take().unwrap().write_all(b"yes\n");
    assert!(!approve.wait().unwrap().success());
    assert!(printed(SERVER, state.path(), &["approve"]).contains(&id), "it still waits");
}

#[test]
fn a_token_is_good_for_the_call_that_was_shown() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(SERVER, state.path(), &["--approval", "token"]);
    let (_, preview) = client.call(RECREATE, &recreate());
    let token = quoted(&preview, "`confirm_token`");
    for (arguments, code) in [
        (
            with(json!({"virtualMachineId": 100_001, "template_id": 1077}), "confirm_token", &token),
            "confirmation_mismatch",
        ),
        (
            with(json!({"virtualMachineId": 100_002, "template_id": 1013}), "confirm_token", &token),
            "confirmation_mismatch",
        ),
        (with(recreate(), "confirm_token", "forged"), "confirmation_mismatch"),
        (recreate(), "confirmation_required"),
    ] {
        let (done, text) = client.call(RECREATE, &arguments);
        assert!(!done && text.starts_with(code), "{arguments}: {text}");
    }
    let (done, text) = client.call(RECREATE, &with(recreate(), "confirm_token", &token));
    assert!(done, "{text}");
    let (done, text) = client.call(RECREATE, &with(recreate(), "confirm_token", &token));
    assert!(!done && text.starts_with("confirmation_mismatch"), "{text}");
    client.end();
}

#[test]
fn a_phrase_names_what_is_done() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(SERVER, state.path(), &["--approval", "phrase"]);
    let (_, preview) = client.call(RECREATE, &recreate());
    let phrase = quoted(&preview, "`confirmation`");
    assert!(phrase.ends_with(" 100001"), "{phrase}");
    let (done, text) = client.call(RECREATE, &with(recreate(), "confirmation", &phrase.to_lowercase()));
    assert!(!done && text.starts_with("confirmation_mismatch"), "{text}");
    let (done, text) = client.call(RECREATE, &with(recreate(), "confirmation", &phrase));
    assert!(done, "{text}");
    client.end();
}

#[test]
fn a_kill_switch_reaches_a_server_that_runs() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(SERVER, state.path(), &[]);
    let start = json!({"virtualMachineId": 100_002});
    for (thrown, reads, writes) in [
        (&["throw", "writes"], true, false),
        (&["throw", "everything"], false, false),
        (&["release", "everything"], true, false),
        (&["release", "writes"], true, true),
    ] {
        printed(SERVER, state.path(), &[&["kill-switch"][..], thrown].concat());
        let (read, text) = client.call("VPS_getVirtualMachinesV1", &json!({}));
        assert_eq!(read, reads, "{thrown:?}: {text}");
        let (written, text) = client.call("VPS_startVirtualMachineV1", &start);
        assert_eq!(written, writes, "{thrown:?}: {text}");
        assert!(written || text.starts_with("kill_switch"), "{text}");
    }
    client.end();
}

#[test]
fn what_is_protected_stays_whatever_the_argument_is_called() {
    let state = TempDir::new().unwrap();
    let policy =
        "[protected]\nhostinger = [\"web-1.*\", \"example.com\"]\n[tools]\nVPS_stopVirtualMachineV1 = \"block\"\n";
    std::fs::write(state.path().join("policy.toml"), policy).unwrap();
    let mut client = Client::start(SERVER, state.path(), &["--policy", "policy.toml", "--approval", "none"]);
    for (tool, arguments, code) in [
        ("VPS_restartVirtualMachineV1", json!({"virtualMachineId": 100_001}), Some("protected_resource")),
        (RECREATE, recreate(), Some("protected_resource")),
        ("DNS_resetDNSRecordsV1", json!({"domain": "Example.com"}), Some("protected_resource")),
        ("VPS_stopVirtualMachineV1", json!({"virtualMachineId": 100_002}), Some("blocked_by_policy")),
        ("VPS_getVirtualMachineDetailsV1", json!({"virtualMachineId": 100_001}), None),
        ("VPS_startVirtualMachineV1", json!({"virtualMachineId": 100_002}), None),
    ] {
        let (done, text) = client.call(tool, &arguments);
        match code {
            Some(code) => assert!(!done && text.starts_with(code), "{tool} {arguments}: {text}"),
            None => assert!(done, "{tool} {arguments}: {text}"),
        }
    }
    client.end();
}

#[test]
fn the_audit_log_tells_what_happened_and_what_may_have() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(SERVER, state.path(), &[]);
    client.call("VPS_getVirtualMachinesV1", &json!({}));
    client.call(RECREATE, &with(recreate(), "password", "canary-Password-1"));
    client.call("VPS_startVirtualMachineV1", &json!({"virtualMachineId": "canary-wrong"}));
    client.call("no_such_tool", &json!({}));
    client.end();
    let decisions: Vec<String> =
        events(SERVER, state.path()).iter().map(|event| event["decision"].as_str().unwrap().to_owned()).collect();
    // The third one is the list that a name was looked for in.
    assert_eq!(decisions, ["allowed", "confirmation_required", "allowed", "invalid_arguments", "unknown_tool"]);
    assert!(printed(SERVER, state.path(), &["audit", "verify"]).starts_with("The log is whole: 5 events"));

    // Whatever moment the process dies at: what was begun is in the log.
    let mut client = Client::start(SERVER, state.path(), &[]);
    client.call("VPS_startVirtualMachineV1", &json!({"virtualMachineId": 100_002}));
    client.kill();
    let events = events(SERVER, state.path());
    let intent = events.iter().find(|event| event["event"] == "intent").unwrap();
    assert_eq!(
        (intent["tool"].as_str(), intent["principal"].as_str()),
        (Some("VPS_startVirtualMachineV1"), Some("local"))
    );
    for event in &events {
        assert!(!event.to_string().contains("canary"), "{event}");
    }
}

/// The person in front of the client is asked where the client can ask, and only a yes counts.
#[test]
fn a_person_is_asked_while_the_call_waits() {
    let state = TempDir::new().unwrap();
    for (answer, code) in [
        (json!({"result": {"action": "decline"}}), "confirmation_required"),
        (json!({"result": {"action": "cancel"}}), "confirmation_required"),
        (json!({"result": {"action": "accept", "content": {"approve": false}}}), "confirmation_required"),
        (json!({"result": {"action": "accept"}}), "confirmation_required"),
        // Who cannot ask after all goes to the terminal.
        (json!({"error": {"code": -32601, "message": "no"}}), "confirmation_required"),
        (json!({"result": {"action": "accept", "content": {"approve": true}}}), ""),
    ] {
        let mut client = Client::able(SERVER, state.path(), &[], &json!({"elicitation": {}}));
        let question = client.request("tools/call", &json!({"name": RECREATE, "arguments": recreate()}));
        assert_eq!(question["method"], "elicitation/create", "{question}");
        let message = question["params"]["message"].as_str().unwrap();
        assert!(message.contains("web-1.example.com") && message.contains("recreate"), "{message}");
        assert_eq!(question["params"]["requestedSchema"]["properties"]["approve"]["type"], "boolean");
        let mut reply = json!({"jsonrpc": "2.0", "id": question["id"]});
        reply.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        client.send(&reply);
        let result = client.next();
        let text = result["result"]["content"][0]["text"].as_str().unwrap();
        if code.is_empty() {
            assert_ne!(result["result"]["isError"], true, "{result}");
        } else {
            assert!(result["result"]["isError"] == true && text.starts_with(code), "{answer}: {result}");
        }
        assert_eq!(machine(&mut client)["state"] == "recreating", code.is_empty(), "{answer}");
        // The next call is a new question.
        let question = client.request("tools/call", &json!({"name": RECREATE, "arguments": recreate()}));
        assert_eq!(question["method"], "elicitation/create", "{question}");
        client.kill();
    }
}

/// In 2026-07-28 the question is a result, and the call is repeated with the answer.
#[test]
fn a_person_is_asked_between_two_calls() {
    let state = TempDir::new().unwrap();
    let mut client = Client::start(SERVER, state.path(), &[]);
    let meta = |capabilities: Value| {
        json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        })
    };
    let able = || meta(json!({"elicitation": {"form": {}}}));
    let call = |arguments: Value, meta: Value| json!({"name": RECREATE, "arguments": arguments, "_meta": meta});
    let refused = |answer: &Value| {
        let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
        (answer["result"]["isError"] == true).then(|| text.split(':').next().unwrap_or_default().to_owned())
    };

    let cannot = client.request("tools/call", &call(recreate(), meta(json!({}))));
    assert_eq!(refused(&cannot).as_deref(), Some("confirmation_required"), "{cannot}");
    let ask = |client: &mut Client| {
        let asked = client.request("tools/call", &call(recreate(), able()));
        assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
        assert_eq!(asked["result"]["inputRequests"]["approval"]["method"], "elicitation/create", "{asked}");
        asked["result"]["requestState"].as_str().unwrap().to_owned()
    };
    let with = |mut params: Value, state: &str, answer: Value| {
        params["requestState"] = state.into();
        params["inputResponses"] = json!({"approval": answer});
        params
    };
    let yes = || json!({"action": "accept", "content": {"approve": true}});
    let other = json!({"virtualMachineId": 100_002, "template_id": 1013});

    let token = ask(&mut client);
    for (params, expected) in [
        // A yes to another call, with a state of somebody's own, or without the capability.
        (with(call(other, able()), &token, yes()), "confirmation_mismatch"),
        (with(call(recreate(), able()), "forged", yes()), "confirmation_mismatch"),
        (with(call(recreate(), meta(json!({}))), &token, yes()), "confirmation_required"),
        (with(call(recreate(), able()), &token, json!({"action": "decline"})), "confirmation_required"),
        // What was declined cannot be accepted any more.
        (with(call(recreate(), able()), &token, yes()), "confirmation_mismatch"),
    ] {
        let answer = client.request("tools/call", &params);
        assert_eq!(refused(&answer).as_deref(), Some(expected), "{params} {answer}");
    }
    client.end();
    // Nothing of it is kept in a process.
    let mut client = Client::start(SERVER, state.path(), &[]);
    let token = ask(&mut client);
    client.end();
    let mut client = Client::start(SERVER, state.path(), &[]);
    let done = client.request("tools/call", &with(call(recreate(), able()), &token, yes()));
    assert_eq!(refused(&done), None, "{done}");
    let again = client.request("tools/call", &with(call(recreate(), able()), &token, yes()));
    assert_eq!(refused(&again).as_deref(), Some("confirmation_mismatch"), "{again}");
    client.end();
}
