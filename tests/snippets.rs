//! The lines that the documents of VergeOS and Hostodo have their readers type, with our binaries in the place of
//! theirs: `curl`, and clients that begin without a handshake.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod listening;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use listening::Server;
use serde_json::Value;
use tempfile::TempDir;

const HOSTODO: &str = env!("CARGO_BIN_EXE_hostodo-mcp");
const INFRA: &str = env!("CARGO_BIN_EXE_infra-mcp");
const VERGEOS: &str = env!("CARGO_BIN_EXE_vergeos-mcp");

/// What a line of a shell prints, with `$URL` and `$TOKEN` for what a reader puts in; `$INFRA` and the like are our
/// binaries.
fn shell(line: &str, url: &str, folder: &TempDir) -> String {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", line]).env("HOME", folder.path()).current_dir(folder.path());
    let programs = [("INFRA", INFRA), ("HOSTODO", HOSTODO), ("VERGEOS", VERGEOS)];
    command.envs(programs).env("URL", url).env("TOKEN", "sandbox-all").env("NO_PROXY", "*");
    let output = command.output().expect("bash");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}\n{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn lines_of_the_hostodo_documents() {
    let folder = TempDir::new().unwrap();
    let sandbox = Server::hostodo(&folder);
    let rpc = |token: &str, message: &str| {
        format!(
            "curl -sS -X POST \"$URL/mcp\" -H \"Authorization: Bearer {token}\" -H 'Content-Type: application/json' \
             -d '{message}'"
        )
    };
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"shell","version":"1"}}}"#;
    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    let call = |tool: &str, arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
        )
    };
    for (line, expected) in [
        (rpc("$TOKEN", initialize), r#""protocolVersion":"2024-11-05""#),
        (rpc("$TOKEN", list), "hostodo_install_artifact"),
        (rpc("$TOKEN", &call("hostodo_list_vms", "{}")), "primary_ipv4"),
        (rpc("$TOKEN", &call("hostodo_get_vm", r#"{"vm_id":"my-server"}"#)), "ins::abc123"),
        (rpc("$TOKEN", &call("hostodo_get_vm", r#"{"vm_id":"../my-server"}"#)), "vm_not_found"),
        (rpc("sandbox-expired", initialize), "unauthenticated"),
        (rpc("sandbox-revoked", list), "unauthenticated"),
        (rpc("sandbox-read", &call("hostodo_power_vm", r#"{"vm_id":"staging","action":"start"}"#)), "forbidden_scope"),
    ] {
        let printed = shell(&line, &sandbox.address, &folder);
        assert!(printed.contains(expected), "{line}\n{printed}");
    }
}

/// Size and hash by the tools of a shell, the file by `curl`, and everything else by our server.
#[test]
fn a_file_goes_by_curl_to_where_a_slot_says() {
    let folder = TempDir::new().unwrap();
    let sandbox = Server::hostodo(&folder);
    std::fs::write(folder.path().join("nginx.conf"), "server { listen 80; }\n").unwrap();
    let lines = r#"
        export HOSTODO_MCP_URL="$URL/mcp" HOSTODO_MCP_TOKEN="$TOKEN"
        FILE=./nginx.conf
        SIZE=$(wc -c < "$FILE" | tr -d ' ')
        SHA=$( (shasum -a 256 "$FILE" 2>/dev/null || sha256sum "$FILE") | awk '{print $1}')
        SLOT=$("$HOSTODO" call hostodo_create_artifact_upload vm_id=my-server filename=nginx.conf size_bytes=$SIZE \
            sha256=$SHA purpose=config)
        echo "$SLOT"
        UPLOAD_URL=$(echo "$SLOT" | grep -o 'http://[^"]*')
        ARTIFACT=$(echo "$SLOT" | grep -o 'art-[0-9]*' | head -n 1)
        curl -sS --fail -X PUT -H "Content-Type: application/octet-stream" --upload-file "$FILE" "$UPLOAD_URL"
        "$HOSTODO" --approval none call hostodo_install_artifact vm_id=my-server artifact_id=$ARTIFACT \
            destination_path=/etc/nginx/conf.d/site.conf mode=0640
        "$HOSTODO" --approval none call hostodo_exec_vm_command vm_id=my-server \
            'command=stat /etc/nginx/conf.d/site.conf'
    "#;
    let printed = shell(lines, &sandbox.address, &folder);
    assert!(printed.contains("/etc/nginx/conf.d/site.conf 0640 root 22"), "{printed}");
}

#[test]
fn lines_of_the_vergeos_documents() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(VERGEOS, &["--sandbox", "--http", "--rest", "--port", "0"], &folder);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for (line, expected) in [
        (r#"curl -sS "$URL/health""#.to_owned(), "ok"),
        (r#"curl -sS "$URL/vms""#.to_owned(), "web-1"),
        (r#"curl -sS "$URL/vms/1""#.to_owned(), "web-1"),
        (r#"curl -sS "$URL/vms/99""#.to_owned(), "error"),
        (r#"curl -sS --path-as-is "$URL/vms/..%2f..%2fsys""#.to_owned(), "error"),
        (r#"curl -sS "$URL/networks""#.to_owned(), "Internal"),
        (r#"curl -sS "$URL/tenants""#.to_owned(), "acme"),
        (r#"curl -sS "$URL/nodes""#.to_owned(), "node2"),
        (r#"curl -sS "$URL/cluster/status""#.to_owned(), "online"),
        (r#"curl -sS "$URL/alarms""#.to_owned(), "warning"),
        (r#"curl -sS "$URL/logs?limit=20""#.to_owned(), "node2"),
        (r#"curl -sS "$URL/tools""#.to_owned(), "power_off_vm"),
        (
            r#"curl -sS -X POST "$URL/tools/get_vm_status" -H 'Content-Type: application/json' -d '{"id": 3}'"#
                .to_owned(),
            "stopped",
        ),
        (r#"curl -sS -X POST "$URL/vms/3/poweron""#.to_owned(), "success"),
        (r#"curl -sS -X POST "$URL/vms/1/reset""#.to_owned(), "confirmation_required"),
        (r#"curl -sS "$URL/sse""#.to_owned(), "/mcp"),
        (format!(r#"curl -sS -X POST "$URL/message" -H 'Content-Type: application/json' -d '{list}'"#), "power_off_vm"),
        (format!(r#"echo '{list}' | VERGEOS_MCP_URL="$URL" "$INFRA" bridge"#), "power_off_vm"),
    ] {
        let printed = shell(&line, &server.address, &folder);
        assert!(printed.contains(expected), "{line}\n{printed}");
    }
}

/// The part of a configuration that clients keep for a server, in the form that they share.
#[test]
fn a_configured_server_starts_and_answers() {
    let folder = TempDir::new().unwrap();
    let sandbox = Server::hostodo(&folder);
    let vergeos = Server::start(VERGEOS, &["--sandbox", "--http", "--port", "0"], &folder);
    let configuration = r#"{
        "mcpServers": {
            "hostodo": { "command": "hostodo-mcp", "env": { "HOSTODO_MCP_URL": "{HOSTODO}/mcp", "HOSTODO_MCP_TOKEN": "sandbox-read" } },
            "hostodo-remote": { "command": "infra-mcp", "args": ["bridge", "--url", "{HOSTODO}/mcp", "--token-env", "TOKEN"], "env": { "TOKEN": "sandbox-read" } },
            "vergeos": { "command": "vergeos-mcp", "args": ["--sandbox"], "env": { "VERGEOS_HOST": "vergeos.example.com", "VERGEOS_USER": "admin", "VERGEOS_PASS": "secret" } },
            "vergeos-remote": { "command": "infra-mcp", "args": ["bridge"], "env": { "VERGEOS_MCP_URL": "{VERGEOS}" } }
        }
    }"#;
    let configuration = configuration.replace("{HOSTODO}", &sandbox.address).replace("{VERGEOS}", &vergeos.address);
    let configuration: Value = serde_json::from_str(&configuration).unwrap();
    for (name, server) in configuration["mcpServers"].as_object().unwrap() {
        let program = match server["command"].as_str().unwrap() {
            "hostodo-mcp" => HOSTODO,
            "vergeos-mcp" => VERGEOS,
            _ => INFRA,
        };
        let texts = |value: &Value| {
            value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let variables = server["env"].as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
        let mut command = Command::new(program);
        command.args(texts(&server["args"])).env_clear().env("HOME", folder.path()).envs(variables);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).current_dir(folder.path());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let tool = if name.starts_with("hostodo") { "hostodo_list_vms" } else { "list_vms" };
        for message in [
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#.to_owned(),
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
            format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#),
        ] {
            writeln!(input, "{message}").unwrap();
        }
        let answer = lines.by_ref().map(Result::unwrap).find(|line| line.contains("\"id\":2")).expect("an answer");
        assert!(answer.contains("my-server") || answer.contains("web-1"), "{name}: {answer}");
        drop(input);
        assert!(child.wait().unwrap().success(), "{name}");
    }
}

/// The disk is that of the server, so a caller over the network needs a scope of its own for it.
#[test]
fn over_http_files_of_the_server_are_sent_for_those_who_were_allowed_to() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.conf"), "abc").unwrap();
    let upload = r#"{"vm_id": "my-server", "path": "a.conf", "purpose": "config", "destination_path": "/etc/a.conf"}"#;
    for (scopes, expected) in [("*", "forbidden_scope"), ("*,files:read", "\"size_bytes\":3")] {
        let flags = ["--sandbox", "--http", "--rest", "--port", "0", "--approval", "none", "--upload-dir", "."];
        let server = Server::start(HOSTODO, &[&flags[..], &["--scopes", scopes]].concat(), &folder);
        let line = format!(
            "curl -sS -X POST \"$URL/tools/hostodo_upload_file\" -H 'Content-Type: application/json' -d '{upload}'"
        );
        let printed = shell(&line, &server.address, &folder);
        assert!(printed.contains(expected), "{scopes}: {printed}");
        // A client gets a result and no challenge: there is no token that it could ask for.
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"hostodo_upload_file","arguments":{upload}}}}}"#
        );
        let line = format!("echo '{call}' | \"$INFRA\" bridge --url \"$URL\"");
        let printed = shell(&line, &server.address, &folder);
        let refused = expected == "forbidden_scope";
        assert_eq!(printed.contains(r#""isError":true"#), refused, "{scopes}: {printed}");
        assert!(!refused || printed.contains(expected), "{scopes}: {printed}");
    }
}
