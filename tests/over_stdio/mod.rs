//! A client of the built binaries over standard input and output, against the sandbox.

#![allow(dead_code, reason = "not every test file needs all of it")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A server that runs, and what was asked of it.
pub(crate) struct Client {
    process: Child,
    input: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    last: u64,
}

impl Client {
    pub(crate) fn start(binary: &str, state: &Path, flags: &[&str]) -> Self {
        Self::able(binary, state, flags, &json!({}))
    }

    /// A client that declares these capabilities.
    pub(crate) fn able(binary: &str, state: &Path, flags: &[&str], capabilities: &Value) -> Self {
        Self::of(command(binary, state, flags), capabilities)
    }

    /// A client of the server that this command starts.
    pub(crate) fn of(mut command: Command, capabilities: &Value) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut client = Self { process, input, answers, last: 0 };
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": {"name": "t", "version": "1"},
        });
        client.request("initialize", &hello);
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    pub(crate) fn send(&mut self, message: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}));
        self.next()
    }

    /// What the server says next.
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// The list of tools.
    pub(crate) fn tools(&mut self) -> Vec<Value> {
        self.request("tools/list", &json!({}))["result"]["tools"].as_array().unwrap().clone()
    }

    /// Whether the call succeeded, and its text.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> (bool, String) {
        let answer = self.request("tools/call", &json!({"name": tool, "arguments": arguments}));
        match answer["result"]["content"][0]["text"].as_str() {
            Some(text) => (answer["result"]["isError"] != true, text.to_owned()),
            None => (false, answer["error"]["message"].to_string()),
        }
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn end(mut self) {
        drop(self.input.take());
        assert!(self.process.wait().unwrap().success());
    }
}

pub(crate) fn command(binary: &str, state: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().current_dir(state).args(["--sandbox", "--state-dir"]).arg(state).args(flags);
    command.stderr(Stdio::null());
    command
}

/// What a sub-command prints.
pub(crate) fn printed(binary: &str, state: &Path, words: &[&str]) -> String {
    let output = command(binary, state, words).output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the audit log tells.
pub(crate) fn events(binary: &str, state: &Path) -> Vec<Value> {
    printed(binary, state, &["audit", "export"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The text between the first two double quotes behind a word.
pub(crate) fn quoted(text: &str, word: &str) -> String {
    text.split_once(word).unwrap().1.split('"').nth(1).unwrap().to_owned()
}
