//! `--spec` as an operator meets it: the built binaries before documents of their own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod over_stdio;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use over_stdio::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

const XO: &str = env!("CARGO_BIN_EXE_xo-mcp");
const VPS: &str = env!("CARGO_BIN_EXE_vps-mcp");
const EVERYTHING: &str = env!("CARGO_BIN_EXE_infra-mcp");

const VM: &str = "00000003-0000-4000-8000-000000000001";

/// A small server as Xen Orchestra describes itself, faults included: an operation id that stands twice, `null` among
/// the required members, security that is declared nowhere, lines instead of a list on demand.
fn described() -> Value {
    let answer = json!({"200": {"description": "Done", "content": {"application/json": {"schema": {}}}}});
    let id = json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}});
    let query =
        |name: &str, kind: &str| json!({"name": name, "in": "query", "required": false, "schema": {"type": kind}});
    let operation = |id: &str, parameters: Value| {
        json!({
            "operationId": id, "parameters": parameters, "responses": answer, "security": [{"nowhere": []}],
            "summary": "Words of the server", "tags": ["anything"],
        })
    };
    let mut snapshot = operation("SnapshotVm", json!([id, query("sync", "boolean")]));
    snapshot["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": {
        "type": "object", "properties": {"name_label": {"type": "string"}, "reason": {"type": "string"}},
        "required": ["reason", null],
    }}}});
    let lists = json!([query("fields", "string"), query("limit", "integer"), query("ndjson", "boolean")]);
    json!({
        "openapi": "3.0.0",
        "info": {"title": "A server", "version": "99.0.0"},
        "servers": [{"url": "/rest/v0"}],
        "paths": {
            "/vms": {"get": operation("GetVms", lists.clone())},
            "/vms/{id}": {"get": operation("GetVm", json!([id]))},
            "/vms/{id}/actions/snapshot": {"post": snapshot},
            "/srs": {"get": operation("GetSrs", lists.clone())},
            "/sms": {"get": operation("GetSrs", lists)},
            "/vms/{id}/shadow": {
                "get": operation("GetVmShadow", json!([id])),
                "delete": operation("DeleteVmShadow", json!([id])),
            },
            "/hosts/{id}/actions/detach": {"post": operation("DetachHost", json!([id]))},
        },
    })
}

fn saved(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("described.json");
    std::fs::write(&path, text).unwrap();
    path
}

fn output(binary: &str, folder: &Path, variables: &[(&str, &str)], words: &[&str]) -> Output {
    let state = folder.join("state");
    let mut command = Command::new(binary);
    command.args(words).arg("--state-dir").arg(state).current_dir(folder).env_clear();
    command.envs(variables.iter().copied()).output().unwrap()
}

/// Standard output, standard error, and whether it ended well.
fn told(output: &Output) -> (String, String, bool) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.success())
}

#[test]
fn what_the_server_describes_is_served_with_our_names_words_and_gate() {
    let folder = TempDir::new().unwrap();
    let document = saved(folder.path(), &described().to_string());
    let mut client = Client::start(
        XO,
        folder.path(),
        &["--access", "full", "--approval", "token", "--spec", document.to_str().unwrap()],
    );
    let tools = client.tools();
    let operations = |name: &str| {
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap();
        tool["inputSchema"]["properties"]["operation"]["enum"].clone()
    };
    assert_eq!(operations("vms_query"), json!(["GetVms", "GetVm", "GetVmShadow"]));
    assert_eq!(operations("vms_action"), json!(["SnapshotVm", "DeleteVmShadow"]));
    assert_eq!([operations("srs_query"), operations("sms_query")], [json!(["GetSrs"]), json!(["GetSrs"])]);
    assert!(!tools.iter().any(|tool| tool["name"].as_str().unwrap().starts_with("hosts_")), "denied as ever");
    // What is the same behaves as it did, defaults and former names included.
    let (done, text) = client.call("list_vms", &json!({"limit": 1}));
    assert!(done && text.contains("web-1") && !text.contains("web-2"), "{text}");
    let described: Value = {
        let (done, text) = client.call("describe_operation", &json!({"operation": "GetVms"}));
        assert!(done, "{text}");
        serde_json::from_str(&text).unwrap()
    };
    assert!(!described.to_string().contains("Words of the server"), "{described}");
    assert!(!described.to_string().contains("ndjson"), "{described}");
    // What the server asks for now is asked for before anything is sent.
    let (done, text) = client.call("vms_action", &json!({"operation": "SnapshotVm", "id": VM, "body": {}}));
    assert!(!done && text.contains("body.reason"), "{text}");
    // What is new has the words of the server, and nobody has judged it.
    let (done, text) = client.call("describe_operation", &json!({"operation": "DeleteVmShadow"}));
    assert!(done && text.contains("Words of the server"), "{text}");
    let (done, text) = client.call("vms_query", &json!({"operation": "GetVmShadow", "id": VM}));
    assert!(done, "{text}");
    let (done, text) = client.call("vms_action", &json!({"operation": "DeleteVmShadow", "id": VM}));
    assert!(!done && text.starts_with("confirmation_required"), "{text}");
    assert!(text.contains("DELETE") && text.contains("/shadow"), "{text}");
    client.end();
}

#[test]
fn reading_alone_shows_nothing_new_that_may_do_more() {
    let folder = TempDir::new().unwrap();
    let document = saved(folder.path(), &described().to_string());
    let words = ["--sandbox", "list", "--json", "--spec", document.to_str().unwrap()];
    let (listed, said, done) = told(&output(XO, folder.path(), &[], &words));
    assert!(done && said.contains("2 are new"), "{said}");
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let names: Vec<&str> = listed.iter().filter_map(|tool| tool["name"].as_str()).collect();
    let own = ["check_connection", "get_infrastructure_summary", "search_documentation", "describe_operation"];
    let operations: Vec<&str> = names.iter().copied().filter(|name| !own.contains(name)).collect();
    assert_eq!(operations, ["GetSms", "GetSrs", "GetVms", "GetVm", "GetVmShadow"]);
    assert_eq!(operations.len() + own.len(), names.len(), "what is no request of the document is there as ever");
}

#[test]
fn the_report_names_what_differs() {
    let folder = TempDir::new().unwrap();
    let document = saved(folder.path(), &described().to_string());
    let document = document.to_str().unwrap();
    let (report, _, done) = told(&output(XO, folder.path(), &[], &["spec", "--spec", document]));
    assert!(done);
    for expected in [
        "new upstream: 2\n  GetVmShadow (GET /vms/{id}/shadow)\n  DeleteVmShadow (DELETE /vms/{id}/shadow)\n",
        "  StartVm (POST /vms/{id}/actions/start)\n",
        "  SnapshotVm\n",
        "    reason: argument: upstream body string required, ours nothing\n",
        "left out: DetachHost: Xen Orchestra denies it to MCP clients\n",
    ] {
        assert!(report.contains(expected), "{expected} is missing:\n{report}");
    }
    let words = ["spec", "--json", "--spec", &format!("xen-orchestra={document}")];
    let (report, _, done) = told(&output(EVERYTHING, folder.path(), &[], &words));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert!(
        done && report[0]["served"] == true && report[0]["drift"]["new"].as_array().unwrap().len() == 2,
        "{report}"
    );
    // A provider among several is named; one without a document has no place for one.
    for (binary, place, expected) in [
        (EVERYTHING, document.to_owned(), "which provider"),
        (EVERYTHING, format!("hostodo={document}"), "no OpenAPI document"),
    ] {
        let (_, said, done) = told(&output(binary, folder.path(), &[], &["spec", "--spec", &place]));
        assert!(!done && said.contains(expected), "{said}");
    }
}

#[test]
fn without_a_usable_document_the_built_in_one_is_served() {
    let folder = TempDir::new().unwrap();
    let unreachable = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/swagger.json", listener.local_addr().unwrap())
    };
    let cut = described().to_string();
    let broken = [
        &cut[..cut.len() / 2],
        "<html>sign in first</html>",
        r#"{"swagger": "2.0", "paths": {}}"#,
        r#"{"openapi": "3.0.0", "info": {"title": "", "version": ""}, "paths": {}}"#,
    ];
    let broken = broken.iter().enumerate().map(|(number, text)| {
        let folder = folder.path().join(number.to_string());
        std::fs::create_dir(&folder).unwrap();
        saved(&folder, text).to_str().unwrap().to_owned()
    });
    let others = [unreachable, "nowhere.json".to_owned(), folder.path().to_str().unwrap().to_owned()];
    for place in broken.chain(others) {
        let (listed, said, done) = told(&output(XO, folder.path(), &[], &["--sandbox", "list", "--spec", &place]));
        assert!(done && listed.contains("GetVmAlarms"), "{place}: {listed}");
        assert!(said.contains("warning: Xen Orchestra: the built-in description is served"), "{place}: {said}");
        let (report, _, done) = told(&output(XO, folder.path(), &[], &["spec", "--spec", &place]));
        assert!(!done && report.contains("the built-in description is served"), "{place}: {report}");
    }
}

/// A server that gives the document to whoever asks, and what it was asked.
fn publisher(text: String) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            head.push(byte[0]);
        }
        let length = text.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}").unwrap();
        String::from_utf8(head).unwrap()
    });
    (address, asked)
}

#[test]
fn the_credential_goes_to_the_provider_alone() {
    let folder = TempDir::new().unwrap();
    for own in [true, false] {
        let (address, asked) = publisher(described().to_string());
        let provider = if own { address.as_str() } else { "http://localhost:1" };
        let variables = [("XO_URL", provider), ("XO_TOKEN", "token-of-this-test")];
        let place = format!("{address}/rest/v0/docs/swagger.json?secret=1");
        let (report, said, done) = told(&output(XO, folder.path(), &variables, &["spec", "--spec", &place]));
        assert!(done, "{report}{said}");
        assert!(!report.contains("secret=1") && !said.contains("secret=1"), "{report}{said}");
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("GET /rest/v0/docs/swagger.json?secret=1 "), "{asked}");
        assert_eq!(asked.contains("token-of-this-test"), own, "{asked}");
    }
}

#[test]
fn one_toolset_takes_its_part_of_the_document() {
    let folder = TempDir::new().unwrap();
    let answer = json!({"200": {"description": "Done", "content": {"application/json": {"schema": {}}}}});
    let operation = |id: &str| json!({"operationId": id, "responses": answer});
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "A server", "version": "99.0.0"},
        "servers": [{"url": "https://elsewhere.example"}],
        "paths": {
            "/api/vps/v1/virtual-machines": {"get": operation("listAllOfThem")},
            "/api/vps/v1/moods": {"get": operation("VPS_getMoodsV1"), "post": operation("VPS_setMoodV1")},
            "/api/dns/v1/moods": {"get": operation("DNS_getMoodsV1")},
        },
    });
    let document = saved(folder.path(), &document.to_string());
    let words = ["--sandbox", "list", "--json", "--spec", document.to_str().unwrap()];
    let (listed, said, done) = told(&output(VPS, folder.path(), &[], &words));
    assert!(done, "{said}");
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let rows: Vec<(&str, &str)> =
        listed.iter().map(|tool| (tool["name"].as_str().unwrap(), tool["effect"].as_str().unwrap())).collect();
    let expected = [("VPS_getVirtualMachinesV1", "read"), ("VPS_getMoodsV1", "read"), ("VPS_setMoodV1", "destructive")];
    assert_eq!(rows, expected);
    let (report, _, _) = told(&output(VPS, folder.path(), &[], &["spec", "--spec", document.to_str().unwrap()]));
    assert!(report.contains("https://elsewhere.example; requests go where they always went"), "{report}");
}
