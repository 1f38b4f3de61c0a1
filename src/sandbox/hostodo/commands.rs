//! Commands inside machines: short ones that are answered at once, and long ones that go on.

use super::guest::{ENDLESS, Run, Stream, whole};
use super::refusal::{Outcome, Refusal, invalid, refuse};
use crate::sandbox::clock::Timestamp;
use serde_json::{Map, Value, json};

/// Kept of a stream of a short command, in bytes.
const SHORT: usize = 65_536;

/// Kept of a stream of a long one, in bytes.
const LONG: usize = 16 * 1024 * 1024;

/// How long a command waits before it begins, in milliseconds.
const QUEUE: u64 = 500;

/// A long command. What it does was known when it started; how far it is, the clock says.
pub(super) struct Command {
    pub(super) id: String,
    pub(super) vm_id: String,
    label: Option<String>,
    started: Timestamp,
    timeout_ms: u64,
    run: Run,
    /// What ended it from outside, and when.
    ended: Option<(Timestamp, &'static str)>,
}

impl Command {
    pub(super) fn start(id: String, vm_id: &str, given: &Map<String, Value>, run: Run, now: Timestamp) -> Self {
        Self {
            id,
            vm_id: vm_id.to_owned(),
            label: given.get("label").and_then(Value::as_str).map(str::to_owned),
            started: now,
            timeout_ms: number(given, "timeout_seconds", 1800) * 1000,
            run,
            ended: None,
        }
    }

    /// How long it has run, in milliseconds; none while it waits.
    fn elapsed(&self, now: Timestamp) -> Option<u64> {
        let until = self.ended.map_or(now, |(at, _)| at.min(now));
        let since = u64::try_from(until.since(self.started).as_millis()).unwrap_or(u64::MAX);
        Some(since.checked_sub(QUEUE)?.min(self.timeout_ms).min(self.run.millis))
    }

    pub(super) fn status(&self, now: Timestamp) -> &'static str {
        if let Some((_, status)) = self.ended {
            return status;
        }
        match self.elapsed(now) {
            None => "queued",
            Some(elapsed) if elapsed >= self.run.millis => {
                if self.run.exit_code == 0 {
                    "succeeded"
                } else {
                    "failed"
                }
            }
            Some(elapsed) if elapsed >= self.timeout_ms => "timed_out",
            Some(_) => "running",
        }
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        !matches!(self.status(now), "queued" | "running")
    }

    /// Ends it, if it goes on.
    pub(super) fn end(&mut self, status: &'static str, now: Timestamp) {
        if !self.is_over(now) {
            self.ended = Some((now, status));
        }
    }

    fn exit_code(&self, now: Timestamp) -> Option<i32> {
        matches!(self.status(now), "succeeded" | "failed").then_some(self.run.exit_code)
    }

    pub(super) fn started(&self) -> Value {
        json!({
            "command_id": self.id, "vm_id": self.vm_id, "status": "queued", "label": self.label,
            "timeout_seconds": self.timeout_ms / 1000,
        })
    }

    fn stream(&self, stream: Stream, now: Timestamp) -> (Vec<u8>, bool) {
        self.elapsed(now).map_or_else(Default::default, |elapsed| self.run.written(stream, elapsed, LONG))
    }

    /// State and ends of both streams.
    pub(super) fn output(&self, given: &Map<String, Value>, now: Timestamp) -> Value {
        let tail = |stream, name| {
            let (bytes, cut) = self.stream(stream, now);
            let mut from = bytes.len().saturating_sub(usize::try_from(number(given, name, 8192)).unwrap_or(usize::MAX));
            while from < bytes.len() && bytes[from] & 0xc0 == 0x80 {
                from += 1;
            }
            (String::from_utf8_lossy(&bytes[from..]).into_owned(), bytes.len(), cut || from > 0)
        };
        let (out, err) = (tail(Stream::Out, "stdout_tail_bytes"), tail(Stream::Err, "stderr_tail_bytes"));
        let over = self.is_over(now);
        let elapsed = self.elapsed(now);
        let finished = elapsed.filter(|_| over).map(|elapsed| {
            self.started + std::time::Duration::from_millis(elapsed.saturating_add(QUEUE).min(u64::from(u32::MAX)))
        });
        json!({
            "command_id": self.id, "vm_id": self.vm_id, "label": self.label, "status": self.status(now),
            "exit_code": self.exit_code(now), "duration_ms": elapsed.filter(|_| over),
            "started_at": self.started, "finished_at": finished,
            "stdout_tail": out.0, "stderr_tail": err.0, "stdout_truncated": out.2, "stderr_truncated": err.2,
            "next_stdout_offset": out.1, "next_stderr_offset": err.1,
        })
    }

    /// The next piece of both streams.
    pub(super) fn logs(&self, given: &Map<String, Value>, now: Timestamp) -> Value {
        let most = usize::try_from(number(given, "max_bytes", 16_384)).unwrap_or(usize::MAX);
        let piece = |stream, name| {
            let (bytes, _) = self.stream(stream, now);
            let from = usize::try_from(number(given, name, 0)).unwrap_or(usize::MAX);
            if from >= bytes.len() {
                return (String::new(), from, self.is_over(now));
            }
            let end = whole(&bytes, from.saturating_add(most));
            let text = String::from_utf8_lossy(&bytes[from..end]).into_owned();
            (text, end, self.is_over(now) && end == bytes.len())
        };
        let (out, err) = (piece(Stream::Out, "stdout_offset"), piece(Stream::Err, "stderr_offset"));
        json!({
            "command_id": self.id, "status": self.status(now), "stdout": out.0, "stderr": err.0,
            "next_stdout_offset": out.1, "next_stderr_offset": err.1, "stdout_eof": out.2, "stderr_eof": err.2,
        })
    }
}

/// The answer to a short command.
pub(super) fn short(run: &Run, given: &Map<String, Value>) -> Value {
    let limit = number(given, "timeout_seconds", 30) * 1000;
    let timed_out = run.millis > limit;
    let lasted = run.millis.min(limit);
    let stream = |stream| {
        let (bytes, cut) = run.written(stream, lasted, SHORT);
        (String::from_utf8_lossy(&bytes).into_owned(), cut)
    };
    let ((stdout, stdout_truncated), (stderr, stderr_truncated)) = (stream(Stream::Out), stream(Stream::Err));
    json!({
        "exit_code": (!timed_out).then_some(run.exit_code), "stdout": stdout, "stderr": stderr,
        "stdout_truncated": stdout_truncated, "stderr_truncated": stderr_truncated, "timed_out": timed_out,
        "duration_ms": if lasted == ENDLESS { limit } else { lasted },
    })
}

/// Refuses a second command on one machine.
pub(super) fn alone(commands: &[Command], vm_id: &str, now: Timestamp) -> Result<(), Refusal> {
    match commands.iter().find(|command| command.vm_id == vm_id && !command.is_over(now)) {
        None => Ok(()),
        Some(command) => Err(refuse("vm_command_in_progress", "Another command runs on this machine.")
            .with("command_id", json!(command.id))),
    }
}

/// The command of this id on this machine.
pub(super) fn find<'c>(commands: &'c mut [Command], vm_id: &str, id: &str) -> Result<&'c mut Command, Refusal> {
    let found = commands.iter_mut().find(|command| command.id == id && command.vm_id == vm_id);
    found.ok_or_else(|| invalid(format!("There is no command {id} on this machine.")))
}

pub(super) fn cancel(command: &mut Command, now: Timestamp) -> Outcome {
    command.end("cancelled", now);
    Ok(json!({ "command_id": command.id, "status": command.status(now) }))
}

fn number(given: &Map<String, Value>, name: &str, otherwise: u64) -> u64 {
    given.get(name).and_then(Value::as_u64).unwrap_or(otherwise)
}
