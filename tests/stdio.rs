//! The built binary over stdin and stdout, spoken to in raw lines.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const TOKEN: &str = "canary-token-0123456789";
const TOOL: &str = "VPS_getVirtualMachinesV1";

/// The binary with an empty environment in an empty folder.
fn program(arguments: &[&str], folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vps-mcp"));
    command.args(arguments).env_clear().current_dir(folder.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn empty() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

/// Runs to the end with this input.
fn run(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let folder = empty();
    let mut child = program(arguments, &folder).envs(variables.iter().copied()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    // It may have ended without reading.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("only JSON on stdout")).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn request(id: impl Into<Value>, method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params}).to_string()
}

fn initialize(version: &str) -> String {
    let client = json!({"name": "raw \u{7}lines", "version": "1"});
    request(0, "initialize", json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client}))
}

fn call(id: impl Into<Value>, arguments: Value) -> String {
    request(id, "tools/call", json!({"name": TOOL, "arguments": arguments}))
}

/// The parameters of a stateless request.
fn stateless(version: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "raw lines", "version": "1"},
    });
    params
}

/// A running server.
struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Session {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = empty();
        let mut child = program(arguments, &folder).envs(variables.iter().copied()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { input: child.stdin.take(), output, child, _folder: folder }
    }

    fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it writes");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    }

    fn ask(&mut self, line: &str) -> Value {
        self.say(line);
        self.hear()
    }

    /// Sends a signal by its name.
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill can be run").success());
    }

    /// What still comes, and the exit code.
    fn rest(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("UTF-8");
        (rest, self.child.wait().expect("it ends").code())
    }
}

/// An upstream that takes requests and answers when it is told to.
struct Upstream(TcpListener);

impl Upstream {
    fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        (Self(listener), address)
    }

    /// The next request: its head, and the connection to answer on.
    fn take(&self) -> (String, TcpStream) {
        let (stream, _) = self.0.accept().expect("a connection");
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while reader.read_line(&mut head).expect("a request") > 2 {}
        (head, reader.into_inner())
    }
}

fn answer(mut stream: TcpStream, body: &str) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("it reads the answer");
}

#[test]
fn the_older_era_shakes_hands_first() {
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let input = format!("{}\n{note}\n{}\n", initialize(asked), request(1, "tools/list", json!({})));
        let output = run(&["--sandbox"], &[], &input);
        let [first, second] = &lines(&output)[..] else { panic!("two answers to {asked}") };
        let result = &first["result"];
        assert_eq!(result["protocolVersion"], agreed);
        assert_eq!(result["serverInfo"]["name"], "vps-mcp");
        assert_eq!(result["capabilities"], json!({"tools": {}}));
        assert!(result["instructions"].as_str().is_some_and(|text| text.len() <= 2048));
        let list = second["result"].as_object().expect("a list");
        assert_eq!(list.keys().collect::<Vec<_>>(), ["tools"], "{asked}");
        let tools = list["tools"].as_array().expect("tools");
        assert_eq!(tools.len(), 64);
        assert_eq!(tools.iter().any(|tool| tool.get("title").is_some()), agreed >= "2025-06-18", "{asked}");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn the_stateless_era_needs_no_handshake_and_shares_the_pipe() {
    let modern = "2026-07-28";
    let mut session = Session::start(&["--sandbox"], &[]);
    let discovered = session.ask(&request(1, "server/discover", stateless(modern, json!({}))));
    assert!(
        discovered["result"]["supportedVersions"].as_array().is_some_and(|versions| versions.contains(&json!(modern)))
    );
    let list = session.ask(&request(2, "tools/list", stateless(modern, json!({}))));
    for answer in [&discovered, &list] {
        let result = &answer["result"];
        assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("public")));
        assert!(result["ttlMs"].as_u64().is_some_and(|ttl| ttl > 0));
        assert_eq!(
            result["_meta"].as_object().map(|meta| meta.keys().collect::<Vec<_>>()),
            Some(vec![&"io.modelcontextprotocol/serverInfo".to_owned()])
        );
    }
    let called = session.ask(&request(3, "tools/call", stateless(modern, json!({"name": TOOL}))));
    assert_eq!(called["result"]["resultType"], "complete");
    assert_eq!(called["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "vps-mcp");
    let future = session.ask(&request(4, "tools/list", stateless("2030-01-01", json!({}))));
    assert_eq!(future["error"]["code"], -32022);
    assert!(future["error"]["data"]["supported"].is_array());
    assert_eq!(session.ask(&request(5, "tools/list", json!({})))["error"]["code"], -32602);
    for removed in ["initialize", "ping", "logging/setLevel", "resources/subscribe"] {
        assert_eq!(
            session.ask(&request(6, removed, stateless(modern, json!({}))))["error"]["code"],
            -32601,
            "{removed}"
        );
    }
    assert_eq!(session.ask(&initialize("2025-06-18"))["result"]["protocolVersion"], "2025-06-18");
    let list = session.ask(&request(6, "tools/list", json!({})));
    assert_eq!(list["result"].as_object().map(serde_json::Map::len), Some(1));
}

#[test]
fn what_is_not_served_is_refused() {
    let mut session = Session::start(&["--sandbox", "--exclude-tools", "VPS_getTemplatesV1"], &[]);
    session.ask(&initialize("2025-11-25"));
    for method in [
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "completion/complete",
        "logging/setLevel",
        "subscriptions/listen",
        "tasks/get",
        "no/such/method",
    ] {
        let params = json!({"name": "x", "uri": "x:y", "level": "info", "taskId": "t", "notifications": {},
            "ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": "b"}});
        assert_eq!(session.ask(&request("r", method, params))["error"]["code"], -32601, "{method}");
    }
    for (method, params, expected) in [
        ("tools/list", json!({"cursor": "abc"}), "no cursors"),
        ("tools/list", json!({"cursor": 5}), "`cursor`"),
        ("tools/call", json!({"name": 5}), "`name`"),
        ("tools/call", json!({"name": "x", "arguments": [1]}), "`arguments`"),
        ("tools/call", json!({"name": "VPS_getVirtualMachineV1"}), "Did you mean"),
        ("tools/call", json!({"name": "VPS_getTemplatesV1"}), "--exclude-tools"),
        ("tools/call", json!({"name": "billing_getCatalogItemListV1"}), "`billing`"),
    ] {
        let error = &session.ask(&request(1, method, params.clone()))["error"];
        assert_eq!(error["code"], -32602, "{method} {params}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(expected)), "{params}: {error}");
    }
    let wrong = session.ask(&call(2, json!({"no_such": 1})));
    assert_eq!(wrong["result"]["isError"], true, "what a model can correct is a result");
}

#[test]
fn bad_lines_get_their_error_and_the_server_lives_on() {
    let mut session = Session::start(&["--sandbox"], &[]);
    session.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    session.say(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    session.say("");
    session.ask(&initialize("2025-11-25"));
    let deep = "[".repeat(100_000);
    for (line, id, code) in [
        ("}{", Value::Null, -32700),
        (deep.as_str(), Value::Null, -32700),
        ("[1]", Value::Null, -32600),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, Value::Null, -32600),
        (r#"{"jsonrpc":"2.0","id":12}"#, json!(12), -32600),
    ] {
        let answer = session.ask(line);
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(code)), "{}", &line[..line.len().min(60)]);
    }
    let input = session.input.as_mut().expect("the input is open");
    input.write_all(b"\xff\xfe{}\n").expect("it reads");
    assert_eq!(session.hear()["error"]["code"], -32700);
    session.say(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#, "y".repeat(20 << 20)));
    assert_eq!(session.hear()["error"]["code"], -32600);
    assert_eq!(session.ask("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":13,\"method\":\"ping\"}\r")["id"], 13);
}

#[test]
fn calls_are_answered_as_they_finish() {
    let (upstream, address) = Upstream::start();
    let mut session =
        Session::start(&[], &[("API_BASE_URL", &address), ("API_TOKEN", TOKEN), ("API_HEADERS", r#"X-A:"b, c:d""#)]);
    session.ask(&initialize("2025-11-25"));
    session.say(&call("slow", json!({})));
    let (head, slow) = upstream.take();
    for expected in [
        "GET /api/vps/v1/virtual-machines HTTP/1.1",
        &format!("authorization: Bearer {TOKEN}"),
        "x-a: b, c:d",
        "x-mcp-client: raw lines",
    ] {
        assert!(head.lines().any(|line| line.eq_ignore_ascii_case(expected)), "{expected} in {head}");
    }
    assert_eq!(session.ask(&call("slow", json!({})))["error"]["code"], -32600, "its id is in use");
    session.say(&call("fast", json!({})));
    let (_, fast) = upstream.take();
    answer(fast, "[1.10]");
    let answered = session.hear();
    assert_eq!((&answered["id"], &answered["result"]["content"][0]["text"]), (&json!("fast"), &json!("[1.10]")));
    answer(slow, "[]");
    assert_eq!(session.hear()["id"], "slow");
}

#[test]
fn cancelling_a_call_aborts_its_request() {
    let (upstream, address) = Upstream::start();
    let mut session = Session::start(&[], &[("API_BASE_URL", &address), ("API_TOKEN", TOKEN)]);
    session.ask(&initialize("2025-11-25"));
    session.say(&call(1, json!({})));
    let (_, mut connection) = upstream.take();
    session
        .say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}).to_string());
    assert_eq!(connection.read(&mut [0]).unwrap_or(0), 0, "the connection is closed");
    assert_eq!(session.ask(&request(2, "ping", json!({})))["id"], 2);
    drop(session.input.take());
    assert_eq!(session.rest(), (String::new(), Some(0)));
}

#[test]
fn at_the_end_calls_in_flight_are_answered() {
    for signal in [None, Some("TERM"), Some("INT")] {
        let (upstream, address) = Upstream::start();
        let mut session = Session::start(&["--grace", "600"], &[("API_BASE_URL", &address), ("API_TOKEN", TOKEN)]);
        session.ask(&initialize("2025-11-25"));
        session.say(&call(1, json!({})));
        let (_, connection) = upstream.take();
        match signal {
            Some(name) => session.signal(name),
            None => drop(session.input.take()),
        }
        answer(connection, "[]");
        let (rest, code) = session.rest();
        assert_eq!(serde_json::from_str::<Value>(&rest).expect("one answer")["id"], 1, "{signal:?}");
        assert_eq!(code, Some(0), "{signal:?}");
    }
}

#[test]
fn after_its_grace_or_without_calls_it_ends_at_once() {
    for (signal, in_flight) in [(None, true), (Some("TERM"), true), (None, false), (Some("TERM"), false)] {
        let (upstream, address) = Upstream::start();
        let grace = if in_flight { "0" } else { "86400" };
        let mut session = Session::start(&["--grace", grace], &[("API_BASE_URL", &address), ("API_TOKEN", TOKEN)]);
        session.ask(&initialize("2025-11-25"));
        let connection = in_flight.then(|| {
            session.say(&call(1, json!({})));
            upstream.take()
        });
        match signal {
            Some(name) => session.signal(name),
            None => drop(session.input.take()),
        }
        let (rest, code) = session.rest();
        assert_eq!((rest.as_str(), code), ("", Some(0)), "{signal:?} {in_flight}");
        drop(connection);
    }
}

#[test]
fn a_client_that_stops_reading_ends_it_quietly() {
    let mut session = Session::start(&["--sandbox"], &[]);
    session.ask(&initialize("2025-11-25"));
    let Session { mut child, mut input, output, _folder } = session;
    drop(output);
    let stdin = input.as_mut().expect("the input is open");
    stdin.write_all(format!("{}\n", request(1, "tools/list", json!({}))).as_bytes()).expect("it reads");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
    assert!(!said.contains("panic"), "{said}");
}

#[test]
fn a_wrong_start_says_what_to_do_and_leaves_stdout_alone() {
    for (arguments, variables, expected) in [
        (&["--toolset", "vps"][..], &[][..], "--toolsets"),
        (&["--toolsets", "dns"], &[], "hostinger-mcp"),
        (&["--tools", "VPS_getVirtualMachineV1"], &[], "VPS_getVirtualMachine"),
        (&["--grace", "soon"], &[], "--grace"),
        (&["--ca-file", "/nonexistent"], &[], "--ca-file"),
        (&["call", "VPS_getVirtualMachineV1"], &[], "did you mean"),
        (&["call", TOOL, "oops"], &[], "name=value"),
        (&[], &[("API_BASE_URL", "example.com")], "API_BASE_URL"),
        (&[], &[("API_HEADERS", "malformed")], "API_HEADERS"),
    ] {
        let output = run(arguments, variables, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {variables:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(stderr(&output).to_lowercase().contains(&expected.to_lowercase()), "{expected}: {}", stderr(&output));
    }
}

#[test]
fn sub_commands_print_and_tell_success_by_their_exit_code() {
    let call = run(&["--sandbox", "call", TOOL], &[], "");
    assert_eq!(call.status.code(), Some(0), "{}", stderr(&call));
    assert!(serde_json::from_slice::<Value>(&call.stdout).is_ok_and(|machines| machines.is_array()));
    assert!(stderr(&call).contains("Nothing real"));

    let refused = run(&["call", TOOL], &[], "");
    assert_eq!(refused.status.code(), Some(1));
    let told = lines(&refused)[0]["error"].to_string();
    assert!(told.contains("HOSTINGER_API_TOKEN"), "{told}");

    let listed = run(&["list", "--json", "--read-only"], &[], "");
    let tools: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert!(!tools.is_empty() && tools.iter().all(|tool| tool["effect"] == "read" && tool["money"] == false));

    for (arguments, expected) in [
        (&["list"][..], TOOL),
        (&["describe", TOOL], "effect"),
        (&["describe", TOOL, "--json"], "inputSchema"),
        (&["--help"], "HOSTINGER_API_TOKEN"),
        (&["--version"], "vps-mcp "),
    ] {
        let output = run(arguments, &[], "");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(expected), "{arguments:?}");
    }
}

#[test]
fn a_reader_of_a_list_may_stop_early() {
    let folder = empty();
    let mut child = program(&["list", "--json"], &folder).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn a_file_in_the_working_directory_adds_variables() {
    let (upstream, address) = Upstream::start();
    let folder = empty();
    let text = format!("API_BASE_URL={address}\nHOSTINGER_API_TOKEN=from-file\nAPI_TOKEN={TOKEN}\nthis is malformed\n");
    std::fs::write(folder.path().join(".env"), text).expect("it can be written");
    let child = program(&["call", TOOL, "--log", "debug"], &folder)
        .env("HOSTINGER_API_TOKEN", TOKEN)
        .spawn()
        .expect("it starts");
    let (head, connection) = upstream.take();
    assert!(head.contains(TOKEN), "the process wins over the file: {head}");
    answer(connection, &format!(r#"{{"echo":"{TOKEN}"}}"#));
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains(".env") && said.contains("infra_mcp"), "{said}");
    assert!(!said.contains(TOKEN) && !said.contains("malformed\n"), "{said}");
}
