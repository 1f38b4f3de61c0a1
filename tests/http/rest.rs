//! Scripts that speak no MCP: what they get is what an MCP client of the same caller gets.

use std::io::Write as _;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{LEGACY, Request, Response, Session, TOOL, initialize, message};
use crate::drain::wait_until_closing;
use crate::server::{Server, program};
use crate::upstream::{Behaviour, Moody, Upstream, answer, wait_for_the_end};

const RECREATE: &str = "VPS_recreateVirtualMachineV1";
const START: &str = "VPS_startVirtualMachineV1";

/// Flags of a server that keeps what it decides in its folder.
const KEEPING: [&str; 3] = ["--rest", "--state-dir", "state"];

/// Flags of a sub-command beside a simulated one.
const KEPT: [&str; 3] = ["--sandbox", "--state-dir", "state"];

fn get(path: &str) -> Request {
    Request::new("GET", path)
}

/// A call as curl makes it with `--json`.
fn call(tool: &str, arguments: &Value) -> Request {
    let request = Request::new("POST", &format!("/tools/{tool}")).with("Accept", "application/json");
    request.with("Content-Type", "application/json").saying(arguments.to_string())
}

fn recreate() -> Value {
    json!({ "virtualMachineId": 100_001, "template_id": 1013 })
}

/// The status, and the code of a refusal.
fn outcome(response: &Response) -> (u16, String) {
    (response.status, response.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn scripts_see_and_call_what_clients_do() {
    let server = Server::sandbox(&["--rest"]);
    let listed = server.ask(&Request::modern(1, "tools/list", json!({}))).json();
    assert_eq!(server.ask(&get("/tools")).json()["tools"], listed["result"]["tools"]);

    let called = server.ask(&Request::call(1)).json();
    let text = called["result"]["content"][0]["text"].as_str().expect("text");
    let done = server.ask(&call(TOOL, &json!({})));
    assert_eq!((done.status, done.header("content-type")), (200, Some("application/json")));
    assert_eq!(done.json()["result"], serde_json::from_str::<Value>(text).expect("JSON"));
    let nothing = call(TOOL, &json!({})).saying("").without("Content-Type");
    assert_eq!(server.ask(&nothing).status, 200, "no arguments need no body");
}

#[test]
fn each_refusal_has_its_status() {
    let server = Server::sandbox(&["--rest", "--toolsets", "vps"]);
    for (what, request, status, code) in [
        ("an unknown tool", call("VPS_nothing", &json!({})), 404, "unknown_tool"),
        ("a tool of others", call("DNS_getDNSRecordsV1", &json!({ "domain": "example.com" })), 404, "unknown_tool"),
        ("no tool", call("", &json!({})), 404, "unknown_tool"),
        ("an unknown path", get("/machines"), 404, "not_found"),
        ("a path above", get("/tools/../tools"), 405, "method_not_allowed"),
        ("a tool that is read", get(&format!("/tools/{TOOL}")), 405, "method_not_allowed"),
        ("a list that is written", get("/tools").by("POST"), 405, "method_not_allowed"),
        ("a description that is deleted", get("/openapi.json").by("DELETE"), 405, "method_not_allowed"),
        ("no JSON", call(TOOL, &json!({})).saying("a=1"), 400, "invalid_arguments"),
        ("no object", call(TOOL, &json!([])), 400, "invalid_arguments"),
        ("arguments in the address", call(&format!("{TOOL}?page=1"), &json!({})), 400, "invalid_arguments"),
        ("an unknown argument", call(TOOL, &json!({ "colour": 1 })), 400, "invalid_arguments"),
        ("a wrong value", call(START, &json!({ "virtualMachineId": "one" })), 400, "invalid_arguments"),
        ("a form", call(TOOL, &json!({})).with("Content-Type", "text/plain"), 415, "invalid_request"),
        ("no type", call(TOOL, &json!({})).without("Content-Type"), 415, "invalid_request"),
        ("nothing that is there", call(START, &json!({ "virtualMachineId": 1 })), 502, "upstream_error"),
    ] {
        let got = server.ask(&request);
        assert_eq!(outcome(&got), (status, code.to_owned()), "{what}: {}", got.text());
        assert!(got.json()["error"].is_string(), "{what}");
        assert_eq!(got.header("allow").is_some(), status == 405, "{what}");
    }
    for (what, request) in [
        ("a foreign page", call(TOOL, &json!({})).with("Origin", "https://evil.example")),
        ("a page of nobody", call(TOOL, &json!({})).with("Origin", "null")),
        ("a picture of a foreign page", get("/tools").with("Sec-Fetch-Site", "cross-site")),
        ("a foreign name", get("/tools").with("Host", "evil.example")),
        ("a foreign page that looks around", get("/openapi.json").with("Origin", "https://evil.example")),
    ] {
        assert_eq!(server.ask(&request).status, 403, "{what}");
    }
    let head = call(TOOL, &json!({})).saying("").head();
    let mut connection = server.connect();
    connection.send(head.replace("Content-Length: 0", &format!("Content-Length: {}", (4 << 20) + 1)).as_bytes());
    assert_eq!(outcome(&connection.answer()), (413, "invalid_request".to_owned()));
    server.assert_healthy("mistakes");
}

#[test]
fn nothing_dangerous_happens_unapproved() {
    let server = Server::sandbox(&[&KEEPING[..], &["--approval", "token"]].concat());
    let asked = server.ask(&call(RECREATE, &recreate()));
    assert_eq!(outcome(&asked), (403, "confirmation_required".to_owned()), "{}", asked.text());
    let token = asked.json()["approval"]["confirm_token"].clone();
    let with = |mut arguments: Value, token: &Value| {
        arguments["confirm_token"] = token.clone();
        call(RECREATE, &arguments)
    };
    let other = json!({ "virtualMachineId": 100_002, "template_id": 1013 });
    for (request, expected) in [
        (with(recreate(), &json!("forged")), (403, "confirmation_mismatch")),
        (with(other, &token), (403, "confirmation_mismatch")),
        (with(recreate(), &token), (200, "")),
        (with(recreate(), &token), (403, "confirmation_mismatch")),
    ] {
        let got = server.ask(&request);
        assert_eq!(outcome(&got), (expected.0, expected.1.to_owned()), "{}", got.text());
    }

    let server = Server::sandbox(&KEEPING);
    let asked = server.ask(&call(RECREATE, &recreate())).json();
    let command = asked["approval"]["command"].as_str().expect("a command");
    assert!(command.contains(" approve "), "{asked}");
    assert!(server.run(&[&KEPT[..], &["approve"]].concat()).contains(RECREATE), "it waits for a person");
}

#[test]
fn what_the_operator_has_said_holds() {
    let folder = TempDir::new().expect("a temporary folder");
    let policy = format!("[tools]\n{RECREATE} = \"block\"\n[limits]\nresource = {{ writes_per_minute = 1 }}\n");
    std::fs::write(folder.path().join("policy.toml"), policy).expect("a file");
    let server = Server::start_in(folder, &[&KEEPING[..], &["--sandbox", "--policy", "policy.toml"]].concat(), &[]);
    let start = call(START, &json!({ "virtualMachineId": 100_002 }));
    assert_eq!(outcome(&server.ask(&call(RECREATE, &recreate()))), (403, "blocked_by_policy".to_owned()));
    assert_eq!(server.ask(&start).status, 200);
    let limited = server.ask(&start);
    assert_eq!(outcome(&limited), (429, "rate_limited".to_owned()));
    let wait: u64 = limited.header("retry-after").expect("how long").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");

    let other = call(START, &json!({ "virtualMachineId": 100_003 }));
    server.run(&[&KEPT[..], &["kill-switch", "throw", "writes"]].concat());
    assert_eq!(outcome(&server.ask(&other)), (403, "kill_switch".to_owned()));
    assert_eq!(server.ask(&call(TOOL, &json!({}))).status, 200, "reading goes on");
    server.run(&[&KEPT[..], &["kill-switch", "release", "writes"]].concat());
    assert_ne!(outcome(&server.ask(&other)).1, "kill_switch");
}

#[test]
fn a_caller_reaches_what_the_token_does() {
    let folder = TempDir::new().expect("a temporary folder");
    let token = |name: &str, flags: &[&str]| {
        let words = [&["token", "create", "--name", name, "--state-dir", "state"], flags].concat();
        let output = program(&words, &folder).output().expect("it starts");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    };
    let reader = token("reader", &["--scopes", "vms:read", "--toolsets", "vps"]);
    let server = Server::start_in(folder, &[&KEEPING[..], &["--sandbox"]].concat(), &[]);
    let by = |request: Request| request.with("Authorization", &format!("Bearer {reader}"));
    let start = call(START, &json!({ "virtualMachineId": 100_002 }));
    for request in [get("/tools"), get("/openapi.json"), get("/machines"), call(TOOL, &json!({})), start.clone()] {
        let got = server.ask(&request);
        assert_eq!(outcome(&got), (401, "unauthenticated".to_owned()));
        assert!(got.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer ")));
        assert_eq!(server.ask(&request.with("Authorization", "Bearer imcp_forged")).status, 401);
    }
    assert_eq!(server.ask(&by(call(TOOL, &json!({})))).status, 200);
    let lacking = server.ask(&by(start));
    assert_eq!(outcome(&lacking), (403, "forbidden_scope".to_owned()));
    let challenge = lacking.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("insufficient_scope") && challenge.contains("vms:power"), "{challenge}");
    let elsewhere = call("DNS_getDNSRecordsV1", &json!({ "domain": "example.com" }));
    assert_eq!(outcome(&server.ask(&by(elsewhere))), (404, "unknown_tool".to_owned()));

    let listed = server.ask(&by(get("/tools"))).json();
    let names: Vec<&str> =
        listed["tools"].as_array().expect("tools").iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert!(names.contains(&TOOL) && !names.contains(&START));
    let described = server.ask(&by(get("/openapi.json"))).json();
    let paths = described["paths"].as_object().expect("paths");
    assert_eq!(paths.len(), names.len() + 1, "the list itself and every tool in it");
    assert!(names.iter().all(|name| paths.contains_key(&format!("/tools/{name}"))));
    assert_eq!(described["security"], json!([{ "token": [] }]));
}

#[test]
fn every_call_leaves_its_trace() {
    let server = Server::sandbox(&KEEPING);
    server.ask(&call(TOOL, &json!({})));
    server.ask(&call(RECREATE, &recreate()));
    server.ask(&call("no_such_tool", &json!({})));
    server.signal("TERM");
    let folder = server.ended();
    let exported = program(&[&KEPT[..], &["audit", "export"]].concat(), &folder).output().expect("it starts");
    let lines = String::from_utf8(exported.stdout).expect("UTF-8");
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<_> = events.iter().map(|event| (event["tool"].as_str(), event["decision"].as_str())).collect();
    assert_eq!(
        told,
        [
            (Some(TOOL), Some("allowed")),
            (Some(RECREATE), Some("confirmation_required")),
            (Some("no_such_tool"), Some("unknown_tool"))
        ]
    );
    assert!(events.iter().all(|event| event["principal"] == "local" && event["address"] == "127.0.0.1"), "{lines}");
}

#[test]
fn a_failure_of_the_provider_is_none_of_the_caller() {
    let provider = Moody::start();
    let server = Server::facing(&provider.base, &["--rest", "--timeout", "2"]);
    let limited: Behaviour = |stream| {
        let _ = stream.write_all(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 77\r\nContent-Length: 0\r\n\r\n");
    };
    for (what, behaviour, status, code, upstream, wait) in [
        ("it knows nothing", (|s| answer(s, "404 Not Found", "{}")) as Behaviour, 502, "upstream_error", 404, None),
        ("it refuses our token", |s| answer(s, "401 Unauthorized", "{}"), 502, "upstream_error", 401, None),
        ("it is busy", limited, 502, "upstream_error", 429, Some("77")),
        ("it speaks no JSON", |s| answer(s, "200 OK", "<html>"), 502, "upstream_error", 0, None),
        ("it hangs up", |_| (), 502, "upstream_unreachable", 0, None),
        ("it is silent", wait_for_the_end, 504, "upstream_timeout", 0, None),
    ] {
        provider.behave(behaviour);
        let got = server.ask(&call(TOOL, &json!({})));
        assert_eq!(outcome(&got), (status, code.to_owned()), "{what}: {}", got.text());
        assert_eq!(got.json()["upstream_status"].as_u64().unwrap_or(0), upstream, "{what}");
        assert_eq!(got.header("retry-after"), wait, "{what}");
    }
}

#[test]
fn a_resource_takes_one_change_and_what_was_accepted_is_answered() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &[&KEEPING[..], &["--grace", "86400"]].concat());
    let start = call(START, &json!({ "virtualMachineId": 7 }));
    let mut first = server.connect();
    first.send(&start.bytes());
    let (_, mut stream) = upstream.take();
    assert_eq!(outcome(&server.ask(&start)), (409, "operation_in_progress".to_owned()));

    server.signal("TERM");
    wait_until_closing(&server);
    let late = server.ask(&start);
    assert_eq!((outcome(&late), late.header("retry-after")), ((503, "unavailable".to_owned()), Some("1")));
    answer(&mut stream, "200 OK", r#"{"id":8}"#);
    let done = first.answer();
    assert_eq!((done.status, done.text().as_str()), (200, r#"{"result":{"id":8}}"#));
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn old_clients_need_no_session() {
    let server = Server::sandbox(&["--rest"]);
    let bare = |method: &str, params: Value| {
        let request = Request::post(message(7, method, params).to_string()).to("/message");
        request.with("Accept", "*/*")
    };
    let listed = server.ask(&bare("tools/list", json!({})));
    let tools = listed.json()["result"]["tools"].as_array().expect("tools").len();
    assert_eq!((listed.status, tools), (200, 392));
    let called = server.ask(&bare("tools/call", json!({ "name": TOOL }))).json();
    assert_eq!((&called["id"], &called["result"]["isError"]), (&json!(7), &json!(false)), "{called}");
    let modern = Request::call(1).to("/message");
    assert_eq!(server.ask(&modern).json()["result"]["isError"], false);
    let opened = server.ask(&Request::post(initialize(LEGACY).to_string()).to("/message"));
    assert!(opened.header("mcp-session-id").is_some(), "a handshake opens a session here, too");
    let foreign = bare("tools/list", json!({})).with("Origin", "https://evil.example");
    assert_eq!(server.ask(&foreign).status, 403);
    let elsewhere = bare("tools/list", json!({})).to("/mcp");
    assert_ne!(server.ask(&elsewhere).status, 200, "the endpoint itself asks for a session");
}

#[test]
fn curl_need_not_say_what_it_takes() {
    let server = Server::sandbox(&[]);
    for accept in [None, Some("*/*"), Some("text/plain, */*;q=0.5")] {
        let opening = Request::post(initialize("2024-11-05").to_string()).without("Accept");
        let opening = accept.into_iter().fold(opening, |request, value| request.with("Accept", value));
        let opened = server.ask(&opening);
        assert_eq!(opened.status, 200, "{accept:?}: {}", opened.text());
        assert_eq!(opened.json()["result"]["protocolVersion"], "2024-11-05");
    }
    let mut session = Session::open(server.address, LEGACY);
    let listing = session.post(&message(1, "tools/list", json!({}))).without("Accept");
    assert_eq!(session.ask(&listing).json()["result"]["tools"].as_array().map(Vec::len), Some(392));
    assert_eq!(server.ask(&Request::call(1).with("Accept", "*/*")).status, 406, "2026-07-28 asks for both by name");
}

#[test]
fn the_description_is_valid_openapi() {
    let server = Server::sandbox(&["--rest"]);
    let text = server.ask(&get("/openapi.json")).text();
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["paths"].as_object().map(serde_json::Map::len), Some(393));
    assert_eq!(document["security"], json!([]), "nobody is asked here");

    let python = |arguments: &[&str]| Command::new("python3").args(arguments).output();
    if python(&["-c", "import openapi_spec_validator"]).is_ok_and(|output| output.status.success()) {
        let folder = TempDir::new().expect("a temporary folder");
        let file = folder.path().join("openapi.json");
        std::fs::write(&file, &text).expect("a file");
        let path = file.to_str().expect("UTF-8");
        let judged = python(&["-m", "openapi_spec_validator", path]).expect("it has run before");
        assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
    } else {
        let needed = "a python3 with the packages of tests/clients/requirements.txt";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "this test needs {needed}");
        eprintln!("the validator was not asked: that needs {needed}");
    }
}
