//! An MCP server as a child process, and what the kernel knows about it. Linux only: reads `/proc`.

pub mod load;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Clock ticks a second in `/proc/PID/stat`; fixed by the Linux ABI.
const TICKS_PER_SECOND: f64 = 100.0;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// How to start a server.
#[derive(Clone, Debug, Deserialize)]
pub struct Launch {
    /// Program and its arguments.
    pub command: Vec<String>,
    /// The whole environment of the server.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Working directory; by default the one of the caller.
    pub directory: Option<PathBuf>,
}

impl Launch {
    /// The command, ready to spawn with pipes for input and output.
    pub fn to_command(&self) -> Command {
        let (program, arguments) = self.command.split_first().expect("a launch names a program");
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(&self.environment);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }
}

/// One JSON-RPC answer, its content left unparsed.
#[derive(Deserialize)]
pub struct Answer<'a> {
    /// The id of the request, where it is one of ours.
    pub id: Option<u64>,
    /// Of a request that was carried out.
    #[serde(borrow)]
    pub result: Option<&'a RawValue>,
    /// Of a request that was not.
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}

/// A running server; it ends with this value.
pub struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: Vec<u8>,
}

impl Server {
    /// Spawns the server. `line` is a buffer to reuse; its content is lost.
    pub fn spawn(command: &mut Command, line: Vec<u8>) -> io::Result<Server> {
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or_else(|| io::Error::other("no pipe to the server"))?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no pipe from the server"))?;
        Ok(Server { child, input, output: BufReader::with_capacity(1 << 16, output), line })
    }

    /// Sends `initialize`, waits for the answer and confirms it, as every client does.
    pub fn initialize(&mut self) -> io::Result<()> {
        self.send(INITIALIZE.as_bytes())?;
        loop {
            let line = self.receive()?;
            if parse(line).is_some_and(|answer| answer.id == Some(0)) {
                return self.send(INITIALIZED.as_bytes());
            }
        }
    }

    /// Sends one message; the line end is added.
    pub fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(message);
        self.line.push(b'\n');
        self.input.write_all(&self.line)
    }

    /// Waits for the next line. The end of the output is an error.
    pub fn receive(&mut self) -> io::Result<&[u8]> {
        self.line.clear();
        match self.output.read_until(b'\n', &mut self.line)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed its output")),
            _ => Ok(&self.line),
        }
    }

    /// Largest resident size so far, in KiB.
    pub fn peak_kib(&self) -> io::Result<u64> {
        peak_kib(self.child.id())
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server and gives the buffer back.
    pub fn end(mut self) -> Vec<u8> {
        std::mem::take(&mut self.line)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do about an error here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Largest resident size of a process so far, in KiB.
pub fn peak_kib(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| io::Error::other("no VmHWM in /proc/PID/status"))
}

/// Processor time that a process has used so far in all its threads, in seconds, in steps of 10 ms.
pub fn cpu_seconds(process: u32) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field behind it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Ok(fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND)
}

/// The answer in a line, if it is one: servers also send notifications.
pub fn parse(line: &[u8]) -> Option<Answer<'_>> {
    serde_json::from_slice(line).ok().filter(|answer: &Answer<'_>| answer.result.is_some() || answer.error.is_some())
}

/// The value below which the share `quantile` of sorted values lies; 0 of none.
pub fn quantile<T: Copy + Default>(sorted: &[T], quantile: f64) -> T {
    let position = (sorted.len() as f64 * quantile) as usize;
    sorted.get(position.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}
