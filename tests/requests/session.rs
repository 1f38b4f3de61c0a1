//! The built binary over stdio: an MCP client of a few lines.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::provider::Provider;

/// A running server. It is ended by [`Session::finish`], or killed when dropped.
pub(crate) struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    last_id: u64,
    /// The working directory: empty, so that no `.env` is found.
    _directory: TempDir,
}

impl Session {
    /// Starts the binary of a provider against the base URL and initializes it. Nothing of the surroundings
    /// (environment, `.env`) reaches it.
    pub(crate) fn start(provider: Provider, base_url: &str) -> Result<Self, String> {
        let directory = TempDir::new().map_err(|e| format!("no working directory: {e}"))?;
        let unlimited = "[limits]\nprincipal = { writes_per_minute = 0 }\nresource = { writes_per_minute = 0 }\n\
                         server = { writes_per_minute = 0 }\n";
        std::fs::write(directory.path().join("policy.toml"), unlimited).map_err(|e| format!("no policy file: {e}"))?;
        let mut child = Command::new(provider.binary)
            // What is asked of people and how often one may call is another test's business.
            .args(["--approval", "none", "--state-dir", "state", "--policy", "policy.toml"])
            .args(provider.flags())
            .current_dir(directory.path())
            .env_clear()
            .envs(provider.variables(base_url))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("the server does not start: {e}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().map(BufReader::new).ok_or("no stdout")?;
        let mut session = Self { child, input, output, last_id: 0, _directory: directory };
        let client = json!({ "name": "requests-test", "version": "1" });
        session.request(
            "initialize",
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client }),
        )?;
        session.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(session)
    }

    /// Calls a tool; the text of a tool error or a protocol error is the `Err`.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> Result<Value, String> {
        let result = self.request("tools/call", json!({ "name": tool, "arguments": arguments }))?;
        match result["isError"].as_bool() {
            Some(true) => {
                Err(format!("the call was refused: {}", result["content"][0]["text"].as_str().unwrap_or("no text")))
            }
            _ => Ok(result),
        }
    }

    /// All tools that are listed, in order.
    pub(crate) fn tools(&mut self) -> Result<Vec<Value>, String> {
        let mut listed = Vec::new();
        let mut params = json!({});
        loop {
            let page = self.request("tools/list", params)?;
            let tools = page["tools"].as_array().ok_or("`tools` is no array")?;
            listed.extend(tools.iter().cloned());
            match &page["nextCursor"] {
                Value::Null => return Ok(listed),
                cursor => params = json!({ "cursor": cursor }),
            }
        }
    }

    /// Ends the input and waits for the server to exit.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        self.input = None;
        let status = self.child.wait().map_err(|e| e.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }

    fn request(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.last_id += 1;
        self.write(&json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params }))?;
        loop {
            let mut message = self.read()?;
            if message.get("id").is_none() {
                continue;
            }
            return match (message["id"].as_u64(), message.get("error")) {
                (Some(id), None) if id == self.last_id => Ok(message["result"].take()),
                (_, Some(error)) => Err(format!("protocol error: {error}")),
                _ => Err(format!("an answer to something else: {message}")),
            };
        }
    }

    fn write(&mut self, message: &Value) -> Result<(), String> {
        let input = self.input.as_mut().ok_or("the input is closed")?;
        input.write_all(format!("{message}\n").as_bytes()).map_err(|e| format!("the server reads no more: {e}"))
    }

    fn read(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err("the server has ended".into()),
            Ok(_) => serde_json::from_str(&line).map_err(|e| format!("no JSON on stdout, {e}: {line}")),
            Err(e) => Err(format!("the output cannot be read: {e}")),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail only for a process that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
