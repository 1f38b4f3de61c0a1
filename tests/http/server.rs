//! A server of our own for every test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use crate::client::{Connection, Request, Response};

/// The built binary with an empty environment in an empty folder.
pub(crate) fn program(arguments: &[&str], folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostinger-mcp"));
    command.args(arguments).env_clear().current_dir(folder.path());
    command
}

/// A running server, which ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    said: Arc<Mutex<String>>,
    folder: TempDir,
}

impl Server {
    /// On a free port, with the simulated provider.
    pub(crate) fn sandbox(arguments: &[&str]) -> Self {
        Self::start(&[&["--sandbox"], arguments].concat(), &[])
    }

    /// On a free port, in front of the provider at `base`.
    pub(crate) fn facing(base: &str, arguments: &[&str]) -> Self {
        Self::start(arguments, &[("API_BASE_URL", base), ("HOSTINGER_API_TOKEN", "x")])
    }

    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_in(TempDir::new().expect("a temporary folder"), arguments, variables)
    }

    /// In a folder where there is something already.
    pub(crate) fn start_in(folder: TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let arguments = [&["--http", "--port", "0"], arguments].concat();
        let mut command = program(&arguments, &folder);
        command.envs(variables.iter().copied());
        Self::of(command, folder)
    }

    /// In a folder where there is something already, from a shell that runs `before` first.
    pub(crate) fn shielded(before: &str, folder: TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("sh");
        let script = format!("{before}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_hostinger-mcp"), "--http", "--port", "0"]).args(arguments);
        command.env_clear().envs(variables.iter().copied()).current_dir(folder.path());
        Self::of(command, folder)
    }

    /// The built binary of this path on a free port, with simulated providers.
    pub(crate) fn simulated(binary: &str, folder: TempDir, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary);
        command.env_clear().current_dir(folder.path()).args(["--http", "--port", "0", "--sandbox"]).args(arguments);
        Self::of(command, folder)
    }

    fn of(mut command: Command, folder: TempDir) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let mut before = String::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it does not listen: {before}"));
            if let Some((_, place)) = line.split_once("://").filter(|_| line.starts_with("Listening on ")) {
                break place.trim_end_matches("/mcp").parse().expect("an address");
            }
            before += &line;
            before.push('\n');
        };
        let said = Arc::new(Mutex::new(before));
        let log = Arc::clone(&said);
        std::thread::spawn(move || lines.for_each(|line| *log.lock().expect("no panic") += &(line + "\n")));
        Self { child, address, said, folder }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// The answer to one request on a connection of its own.
    pub(crate) fn ask(&self, request: &Request) -> Response {
        self.connect().ask(request)
    }

    /// What a sub-command prints that runs beside the server.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = program(arguments, &self.folder).output().expect("it starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Shows that the server lives and carries out calls.
    pub(crate) fn assert_healthy(&self, after: &str) {
        let health = self.ask(&Request::new("GET", "/health"));
        assert_eq!((health.status, health.text().as_str()), (200, r#"{"status":"ok"}"#), "after {after}");
        let called = self.ask(&Request::call("healthy"));
        let answer = called.json();
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&"healthy".into(), &false.into()), "after {after}");
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill can be run").success());
    }

    /// The exit code, once it ends by itself.
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    /// Waits until it has ended by itself, and gives the folder that it ran in.
    pub(crate) fn ended(mut self) -> TempDir {
        assert!(self.child.wait().expect("it ends").success());
        std::mem::replace(&mut self.folder, TempDir::new().expect("a temporary folder"))
    }

    /// What it has written to standard error so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    /// A figure of `/proc/PID/status` in KiB.
    pub(crate) fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("the field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
