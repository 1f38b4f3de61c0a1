//! Programs of ours that others reach over HTTP.

#![allow(dead_code, reason = "not every test file needs all of it")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server that says on standard error where it listens. It ends with this value.
pub(crate) struct Server {
    child: Child,
    /// Scheme, host and port.
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(program: &str, arguments: &[&str], folder: &TempDir) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("HOME", folder.path()).current_dir(folder.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it says where it listens").unwrap();
            if let Some((_, address)) = line.split_once("http://") {
                break format!("http://{}", address.trim_end_matches("/mcp"));
            }
        };
        // Whoever is not read from may not write for ever.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// A simulated Hostodo that wants its tokens.
    pub(crate) fn hostodo(folder: &TempDir) -> Self {
        Self::start(env!("CARGO_BIN_EXE_infra-mcp"), &["sandbox", "hostodo", "127.0.0.1:0"], folder)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
