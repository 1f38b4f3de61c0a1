//! The official SDKs for TypeScript and Python and the MCP Inspector as clients of the built binaries, over standard input
//! and output and over HTTP.
//!
//! What is checked stands in `clients/typescript.mjs`, `clients/python.py` and `clients/inspector.mjs`; through the bridge
//! in `clients/bridge.mjs` and `clients/foreign.mjs`, tool by tool in `clients/calls.mjs`, with tokens and without in
//! `clients/team.mjs`, and what people ask about Xen Orchestra in `clients/xen-orchestra.mjs`. Their packages are installed by hand (see `clients/README.md`) or by
//! `.ci/run`; with `CI` set they must be there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Each binary with the number of tools it lists.
const SERVERS: [(&str, u32); 2] = [(env!("CARGO_BIN_EXE_hostinger-mcp"), 392), (env!("CARGO_BIN_EXE_vps-mcp"), 64)];

const INFRA: &str = env!("CARGO_BIN_EXE_infra-mcp");

#[test]
fn typescript_sdks() {
    each_server(run_with_node, "typescript.mjs");
}

#[test]
fn inspector() {
    each_server(run_with_node, "inspector.mjs");
}

#[test]
fn colleagues_and_strangers() {
    run_with_node("team.mjs", &[SERVERS[0].0]);
}

#[test]
fn through_the_bridge() {
    run_with_node("bridge.mjs", &[INFRA]);
    run_with_node("foreign.mjs", &[INFRA]);
}

#[test]
fn every_tool_of_hostodo_and_vergeos() {
    let (hostodo, vergeos) = (env!("CARGO_BIN_EXE_hostodo-mcp"), env!("CARGO_BIN_EXE_vergeos-mcp"));
    run_with_node("calls.mjs", &[INFRA, hostodo, vergeos]);
}

#[test]
fn questions_about_xen_orchestra() {
    run_with_node("xen-orchestra.mjs", &[env!("CARGO_BIN_EXE_xo-mcp")]);
}

#[test]
fn python_sdk() {
    let imports = "from mcp import Client; import jsonschema";
    if succeeds(Command::new("python3").args(["-c", imports])) {
        each_server(|script, arguments| run("python3", script, arguments), "python.py");
    } else {
        missing("a python3 on the PATH with the packages of tests/clients/requirements.txt");
    }
}

/// Runs a script with the Node.js that is one of the packages: the Inspector asks for a newer one than many have.
fn run_with_node(script: &str, arguments: &[&str]) {
    let node = folder().join("node_modules/.bin/node");
    if succeeds(Command::new(&node).arg("--version")) {
        run(node, script, arguments);
    } else {
        missing("`npm ci` in tests/clients");
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a script once for each of the servers.
fn each_server(run: impl Fn(&str, &[&str]), script: &str) {
    for (binary, tools) in SERVERS {
        run(script, &[binary, &tools.to_string()]);
    }
}

fn run(interpreter: impl AsRef<Path>, script: &str, arguments: &[&str]) {
    let output = Command::new(interpreter.as_ref())
        .arg(folder().join(script))
        .args(arguments)
        .output()
        .expect("the interpreter has run before");
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A developer without the packages skips the test and is told so; continuous integration fails.
fn missing(what: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "this test needs {what}");
    eprintln!("skipped: this test needs {what}");
}
