//! Several accounts of one provider in one process, and what a server in the way says: the built binaries in front of
//! upstreams that record what reaches them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod over_stdio;
mod recording;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use over_stdio::{Client, quoted};
use recording::Upstream;
use serde_json::{Value, json};
use tempfile::TempDir;

const HOSTINGER: &str = env!("CARGO_BIN_EXE_hostinger-mcp");
const XO: &str = env!("CARGO_BIN_EXE_xo-mcp");

/// A server in front of real addresses, with these variables and no others.
fn facing(binary: &str, state: &Path, flags: &[&str], variables: &[(&str, &str)]) -> Client {
    let mut command = Command::new(binary);
    command.env_clear().envs(variables.iter().copied()).current_dir(state);
    command.arg("--state-dir").arg(state).args(flags).stderr(Stdio::null());
    Client::of(command, &json!({}))
}

/// Two accounts of Hostinger and their upstreams.
fn two(state: &Path) -> [Upstream; 2] {
    let upstreams = ["one", "two"].map(|_| Upstream::answering("200 OK", r#"{"message":"done"}"#));
    let account = |(name, upstream): (&str, &Upstream)| {
        format!(
            "[accounts.hostinger.{name}]\nurl = '{}'\ntoken_env = 'TOKEN_{}'\n",
            upstream.address,
            name.to_uppercase()
        )
    };
    let text: String = ["one", "two"].into_iter().zip(&upstreams).map(account).collect();
    std::fs::write(state.join("accounts.toml"), text).unwrap();
    upstreams
}

const TOKENS: [(&str, &str); 2] = [("TOKEN_ONE", "token-of-the-first"), ("TOKEN_TWO", "token-of-the-second")];

#[test]
fn a_call_reaches_the_account_that_it_names_with_the_credential_of_that() {
    let state = TempDir::new().unwrap();
    let upstreams = two(state.path());
    for expose in ["flat", "domain"] {
        let flags = ["--config", "accounts.toml", "--expose", expose];
        let mut client = facing(HOSTINGER, state.path(), &flags, &TOKENS);
        let (tool, arguments) = match expose {
            "flat" => ("VPS_getVirtualMachinesV1", json!({})),
            _ => ("vps_query", json!({"operation": "VPS_getVirtualMachinesV1"})),
        };
        let of = |account: Value| {
            let mut arguments = arguments.clone();
            arguments["account"] = account;
            arguments
        };
        let tools = client.tools();
        for listed in tools.iter().filter(|listed| listed["name"] != "describe_operation") {
            let (properties, required) = (&listed["inputSchema"]["properties"], &listed["inputSchema"]["required"]);
            // A tool with an argument of that name calls ours something else.
            let asked =
                ["account", "hostinger_account"].into_iter().find(|name| required[0] == *name || required[1] == *name);
            let asked = asked.unwrap_or_else(|| panic!("{listed}"));
            assert_eq!(properties[asked]["enum"], json!(["one", "two"]), "{listed}");
        }
        for (index, account) in ["one", "two"].into_iter().enumerate() {
            let (done, text) = client.call(tool, &of(account.into()));
            assert!(done, "{text}");
            let [request] = &upstreams[index].taken()[..] else { panic!("one request") };
            assert!(request.contains(&format!("authorization: bearer {}\r\n", TOKENS[index].1)), "{request}");
            assert!(
                request.starts_with("get /api/vps/v1/virtual-machines http"),
                "nothing of it goes along: {request}"
            );
            assert!(upstreams[1 - index].taken().is_empty(), "{account}");
        }
        for wrong in [arguments.clone(), of("three".into()), of(1.into()), of("ONE".into())] {
            let (done, text) = client.call(tool, &wrong);
            assert!(!done && text.contains("account: ") && text.contains("one of one, two"), "{wrong}: {text}");
        }
        assert!(upstreams.iter().all(|upstream| upstream.taken().is_empty()));
        client.end();
    }
}

#[test]
fn an_approval_for_one_account_is_worthless_for_another() {
    let state = TempDir::new().unwrap();
    let upstreams = two(state.path());
    let flags = ["--config", "accounts.toml", "--approval", "token"];
    let mut client = facing(HOSTINGER, state.path(), &flags, &TOKENS);
    let call = |account: &str, token: Option<&str>| {
        let mut arguments = json!({"account": account, "virtualMachineId": 7});
        arguments.as_object_mut().unwrap().extend(token.map(|token| ("confirm_token".to_owned(), token.into())));
        arguments
    };
    let tool = "VPS_deleteSnapshotV1";
    let (done, preview) = client.call(tool, &call("one", None));
    assert!(!done && preview.contains("(one)"), "{preview}");
    let token = quoted(&preview, "`confirm_token`");
    let (done, text) = client.call(tool, &call("two", Some(&token)));
    assert!(!done && text.starts_with("confirmation_mismatch"), "{text}");
    let changes = |upstream: &Upstream| upstream.taken().iter().filter(|head| head.starts_with("delete ")).count();
    assert_eq!(upstreams.each_ref().map(changes), [0, 0]);
    let (done, text) = client.call(tool, &call("one", Some(&token)));
    assert!(done, "{text}");
    assert_eq!(upstreams.each_ref().map(changes), [1, 0]);
    client.end();
    let mut command = Command::new(HOSTINGER);
    let state = state.path();
    let log = command.env_clear().current_dir(state).args(["--state-dir", ".", "audit", "export"]).output().unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    let told: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let accounts: Vec<&str> = told.iter().filter_map(|event| event["account"].as_str()).collect();
    for name in ["(one)", "(two)"] {
        assert!(
            accounts.iter().any(|account| account.starts_with("hostinger http") && account.ends_with(name)),
            "{log}"
        );
    }
    assert!(
        told.iter().filter_map(|event| event["resource"].as_str()).all(|resource| resource.contains(" (")),
        "{log}"
    );
    assert!(TOKENS.iter().all(|(_, token)| !log.contains(token)));
}

#[test]
fn an_account_whose_variable_is_not_set_keeps_no_other_from_working() {
    let state = TempDir::new().unwrap();
    let upstreams = two(state.path());
    let flags = ["--config", "accounts.toml"];
    let mut client = facing(HOSTINGER, state.path(), &flags, &TOKENS[..1]);
    let (tool, of) = ("VPS_getVirtualMachinesV1", |account: &str| json!({"account": account}));
    let (done, text) = client.call(tool, &of("one"));
    assert!(done, "{text}");
    let (done, text) = client.call(tool, &of("two"));
    assert!(!done && text.contains("Hostinger (two)") && text.contains("Set TOKEN_TWO in the environment"), "{text}");
    assert_eq!(upstreams.each_ref().map(|upstream| upstream.taken().len()), [1, 0]);
    client.end();
    for words in [&["list"][..], &["describe", tool]] {
        let mut command = Command::new(HOSTINGER);
        let output = command.env_clear().current_dir(state.path()).args(flags).args(words).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{words:?}: {output:?}");
    }
}

/// The administrator of Xen Orchestra can switch MCP clients off: each request says that it is one, and the refusal
/// what to do.
#[test]
fn a_server_that_wants_no_mcp_clients_is_understood() {
    let state = TempDir::new().unwrap();
    let body = r#"{"error":"MCP is off","data":{"error":"mcp_disabled"}}"#;
    let upstream = Upstream::answering("503 Service Unavailable", body);
    let variables =
        [("XO_URL", upstream.address.as_str()), ("XO_TOKEN", "token-of-xo"), ("XO_MCP_ENABLE_ACTIONS", "1")];
    let mut client = facing(XO, state.path(), &["--approval", "none"], &variables);
    assert!(!client.tools().is_empty());
    assert!(upstream.taken().is_empty(), "the list needs no server");
    for (tool, arguments) in [
        ("check_connection", json!({})),
        ("vms_query", json!({"operation": "GetVms"})),
        ("vms_action", json!({"operation": "StartVm", "id": "1"})),
    ] {
        let (done, text) = client.call(tool, &arguments);
        assert!(!done && text.contains("switched MCP clients off"), "{tool}: {text}");
        let taken = upstream.taken();
        assert!(!taken.is_empty(), "{tool}");
        for request in taken {
            assert!(request.contains("x-xo-client: mcp\r\n"), "{request}");
            assert!(request.contains("cookie: authenticationtoken=token-of-xo\r\n"), "{request}");
        }
    }
    client.end();
}

#[test]
fn a_server_that_is_down_keeps_nothing_from_starting() {
    let state = TempDir::new().unwrap();
    // Nobody listens there any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    let mut client = facing(XO, state.path(), &[], &[("XO_URL", &url), ("XO_TOKEN", "token-of-xo")]);
    let tools = client.tools();
    assert!(tools.iter().any(|tool| tool["name"] == "vms_query"));
    let (done, text) = client.call("check_connection", &json!({}));
    assert!(!done && text.contains("refused") && text.contains("XO_URL"), "{text}");
    client.end();
}

/// A page of the documentation goes through the proxy of the environment, and no credential goes with it.
#[test]
fn the_documentation_is_read_through_the_proxy() {
    let state = TempDir::new().unwrap();
    let proxy = Upstream::answering("403 Forbidden", "{}");
    let variables =
        [("XO_URL", "https://xo.example.com"), ("XO_TOKEN", "token-of-xo"), ("HTTPS_PROXY", proxy.address.as_str())];
    let mut client = facing(XO, state.path(), &[], &variables);
    let (done, text) = client.call("search_documentation", &json!({"topic": "backups"}));
    assert!(!done && text.contains("https://docs.xen-orchestra.com cannot be reached"), "{text}");
    let taken = proxy.taken();
    assert!(!taken.is_empty());
    for request in taken {
        assert!(request.starts_with("connect docs.xen-orchestra.com:443 "), "{request}");
        assert!(!request.contains("token-of-xo"), "{request}");
    }
    client.end();
}
