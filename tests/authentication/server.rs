//! The built binary as an HTTP server with a state directory of its own, and a client of raw requests.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The revision without sessions.
const STATELESS: &str = "2026-07-28";

/// A state directory and a working directory, both empty at first.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Puts a file into the working directory.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The binary with an empty environment but for the state directory.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hostinger-mcp"));
        command.args(arguments).env_clear().env("INFRA_MCP_STATE_DIR", self.state());
        command.current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().unwrap()
    }

    /// Makes a token with the command line.
    pub(crate) fn token(&self, name: &str, more: &[&str]) -> String {
        let output = self.run(&[&["token", "create", "--name", name], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        self.serve_with(&[&["--sandbox"], arguments].concat(), &[])
    }

    pub(crate) fn serve_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Server {
        let mut command = self.program(&[&["--http", "--port", "0"], arguments].concat());
        let mut child = command.envs(variables.iter().copied()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let mut address: SocketAddr = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it does not serve: {said}")).unwrap();
            if let Some(rest) = line.strip_prefix("Listening on http://") {
                break rest.trim_end_matches("/mcp").parse().unwrap();
            }
            said += &line;
        };
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        let rest = std::thread::spawn(move || lines.map(|line| line.unwrap() + "\n").collect());
        Server { child, address, said, rest: Some(rest) }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A running server; it ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    said: String,
    rest: Option<JoinHandle<String>>,
}

impl Server {
    /// Ends it and tells what it wrote to standard error.
    pub(crate) fn stop(mut self) -> String {
        self.child.kill().unwrap();
        self.said.clone() + &self.rest.take().unwrap().join().unwrap()
    }

    /// Lets it come to its end, so that all it had to keep is kept.
    pub(crate) fn finish(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap();
    }

    /// A stateless request to the endpoint.
    pub(crate) fn ask(&self, token: Option<&str>, method: &str, params: Value) -> Answer {
        let name = params["name"].as_str().map(|name| ("Mcp-Name", name.to_owned()));
        let mut headers = vec![("MCP-Protocol-Version", STATELESS.to_owned()), ("Mcp-Method", method.to_owned())];
        headers.extend(name);
        headers.extend(token.map(|token| ("Authorization", format!("Bearer {token}"))));
        let mut params = params;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": STATELESS,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "raw requests", "version": "1" },
        });
        self.post("/mcp", &headers, method, params)
    }

    pub(crate) fn list(&self, token: Option<&str>) -> Answer {
        self.ask(token, "tools/list", json!({}))
    }

    pub(crate) fn call(&self, token: Option<&str>, tool: &str, arguments: Value) -> Answer {
        self.ask(token, "tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Opens a session of the older revisions.
    pub(crate) fn initialize(&self, token: Option<&str>) -> Answer {
        let client = json!({ "name": "raw requests", "version": "1" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        let headers: Vec<_> = token.map(|token| ("Authorization", format!("Bearer {token}"))).into_iter().collect();
        self.post("/mcp", &headers, "initialize", params)
    }

    /// A request in such a session.
    pub(crate) fn in_session(&self, token: Option<&str>, session: &str, method: &str, params: Value) -> Answer {
        let mut headers =
            vec![("Mcp-Session-Id", session.to_owned()), ("MCP-Protocol-Version", "2025-06-18".to_owned())];
        headers.extend(token.map(|token| ("Authorization", format!("Bearer {token}"))));
        self.post("/mcp", &headers, method, params)
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, String)], method: &str, params: Value) -> Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        self.send("POST", path, headers, &body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, String)], body: &str) -> Answer {
        let mut answer = String::new();
        self.open(method, path, headers, body).read_to_string(&mut answer).unwrap();
        Answer::read(&answer)
    }

    /// Sends a request and leaves its answer to be read, up to the end of the connection.
    pub(crate) fn open(&self, method: &str, path: &str, headers: &[(&str, String)], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        head += "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n";
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP answer. Names of headers are in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HashMap<String, String> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
        Self { status, headers, body: if chunked { join(body) } else { body.to_owned() } }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The JSON-RPC message, also where it is an event of a stream.
    pub(crate) fn json(&self) -> Value {
        let mut data = self.body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        let text = data.next_back().unwrap_or(&self.body);
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The names of listed tools.
    pub(crate) fn tools(&self) -> Vec<String> {
        let list = self.json();
        let tools = list["result"]["tools"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// A chunked body in one piece.
fn join(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, more)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        body += &more[..size];
        rest = &more[size + 2..];
    }
    body
}
