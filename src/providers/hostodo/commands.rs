//! Waiting for a long command, so that an assistant need not poll.

use std::time::Duration;

use serde_json::{Value, json};

use super::requests::{ReadLogs, ReadStatus, StartCommand};
use super::{Answer, HostodoStartVmCommand, HostodoWaitVmCommand, passed_on, text};
use crate::error::CallError;
use crate::executor::{SentBy, Steps};

/// The most bytes of each stream that come back with a command that was waited for from its start.
const FIRST_PIECE: i64 = 16_384;

/// Twice as long each time, from one second to ten.
fn pauses(elapsed: Duration) -> Duration {
    elapsed.clamp(Duration::from_secs(1), Duration::from_secs(10))
}

/// Output of one stream that was collected so far.
struct Collected {
    text: String,
    offset: u64,
    truncated: bool,
}

impl Collected {
    fn from(offset: i64) -> Self {
        Self { text: String::new(), offset: u64::try_from(offset).unwrap_or(0), truncated: false }
    }

    /// Takes a piece in, up to `most` bytes altogether.
    fn take(&mut self, piece: &str, next: Option<u64>, most: usize) {
        if self.text.len() + piece.len() <= most {
            self.text.push_str(piece);
            self.offset = next.unwrap_or(self.offset);
            return;
        }
        let mut end = most - self.text.len();
        while !piece.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&piece[..end]);
        self.offset += end as u64;
        self.truncated = true;
    }
}

/// Which command is followed, and from where on.
struct Following<'f> {
    vm_id: &'f str,
    command_id: &'f str,
    limit: Duration,
    stdout_offset: i64,
    stderr_offset: i64,
    /// The most bytes of each stream that are returned.
    most: i64,
}

/// Starts a command, and stays for as long as it was told to.
pub(super) async fn hostodo_start_vm_command(
    arguments: HostodoStartVmCommand,
    steps: Steps<'_, HostodoStartVmCommand>,
) -> Answer {
    let vm_id = arguments.vm_id;
    let start = StartCommand {
        vm_id: vm_id.as_str().into(),
        command: arguments.command.into(),
        timeout_seconds: arguments.timeout_seconds.into(),
        label: arguments.label.into(),
        working_directory: arguments.working_directory.into(),
    };
    let started = passed_on(steps.send(start).await?);
    let command_id = text(&started, "command_id");
    let limit = seconds(arguments.wait_seconds);
    if limit.is_zero() || command_id.is_empty() {
        return Ok(started);
    }
    let following =
        Following { vm_id: &vm_id, command_id, limit, stdout_offset: 0, stderr_offset: 0, most: FIRST_PIECE };
    follow(following, &steps).await.map_err(|error| CallError::Midway {
        error: Box::new(error),
        done: format!("The command runs as {command_id}: hostodo_wait_vm_command follows it. Do not start it again."),
    })
}

pub(super) async fn hostodo_wait_vm_command(
    arguments: HostodoWaitVmCommand,
    steps: Steps<'_, HostodoWaitVmCommand>,
) -> Answer {
    let following = Following {
        vm_id: &arguments.vm_id,
        command_id: &arguments.command_id,
        limit: seconds(arguments.wait_seconds),
        stdout_offset: arguments.stdout_offset,
        stderr_offset: arguments.stderr_offset,
        most: arguments.max_bytes,
    };
    follow(following, &steps).await
}

fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}

/// Waits for the end of a command, tells how much it has written, and reads what there is to read.
async fn follow<T>(following: Following<'_>, steps: &Steps<'_, T>) -> Answer
where
    ReadStatus: SentBy<T>,
    ReadLogs: SentBy<T>,
{
    let most = usize::try_from(following.most).unwrap_or_default();
    let (mut out, mut err) = (Collected::from(following.stdout_offset), Collected::from(following.stderr_offset));
    let mut wait = steps.wait(following.limit, pauses);
    let (mut unknown, mut seen) = (0, json!({}));
    let status = loop {
        match steps.ask(following.status()).await {
            Ok(answer) => seen = answer,
            // Patience is all that is asked for.
            Err(CallError::Remote(error)) if error.code.as_deref() == Some("rate_limited") => {}
            Err(error) => return Err(error),
        }
        let status = text(&seen, "status").to_owned();
        unknown = if status == "unknown" { unknown + 1 } else { 0 };
        let over = !matches!(status.as_str(), "" | "queued" | "running" | "unknown") || unknown == 3;
        if !over && wait.next(&following.told(&status, &seen)).await {
            continue;
        }
        break status;
    };
    let mut left = true;
    while left && !out.truncated && !err.truncated {
        let answer = steps.ask(following.logs(out.offset, err.offset)).await?;
        let next = |name: &str| answer.get(name).and_then(Value::as_u64);
        let (before_out, before_err) = (out.offset, err.offset);
        out.take(text(&answer, "stdout"), next("next_stdout_offset"), most);
        err.take(text(&answer, "stderr"), next("next_stderr_offset"), most);
        left = out.offset > before_out || err.offset > before_err;
    }
    let finished = matches!(status.as_str(), "succeeded" | "failed" | "timed_out" | "cancelled");
    Ok(json!({
        "command_id": following.command_id, "status": status, "finished": finished, "exit_code": seen["exit_code"],
        "stdout": out.text, "stderr": err.text, "stdout_truncated": out.truncated, "stderr_truncated": err.truncated,
        "next_stdout_offset": out.offset, "next_stderr_offset": err.offset,
        "waited_seconds": wait.elapsed().as_secs(),
    }))
}

impl Following<'_> {
    fn status(&self) -> ReadStatus {
        ReadStatus {
            vm_id: self.vm_id.into(),
            command_id: self.command_id.into(),
            stdout_tail_bytes: 0.into(),
            stderr_tail_bytes: 0.into(),
        }
    }

    fn logs(&self, stdout_offset: u64, stderr_offset: u64) -> ReadLogs {
        ReadLogs {
            vm_id: self.vm_id.into(),
            command_id: self.command_id.into(),
            stdout_offset: stdout_offset.into(),
            stderr_offset: stderr_offset.into(),
            max_bytes: self.most.into(),
        }
    }

    /// How far the command is, without what it wrote: that is data of others.
    fn told(&self, status: &str, seen: &Value) -> String {
        let written = |name: &str| seen.get(name).and_then(Value::as_u64);
        match (written("next_stdout_offset"), written("next_stderr_offset")) {
            (Some(out), Some(err)) => {
                format!("{} is {status}: {out} bytes on stdout, {err} on stderr", self.command_id)
            }
            _ => format!("{} is {status}", self.command_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_collected_up_to_a_limit_and_goes_on_from_there() {
        for (pieces, most, expected, offset, truncated) in [
            (&["ab", "cd"][..], 9, "abcd", 14, false),
            (&["ab", "cd"], 3, "abc", 13, true),
            (&["é", "éé"], 3, "é", 12, true),
            (&["", ""], 3, "", 10, false),
        ] {
            let mut collected = Collected::from(10);
            for piece in pieces {
                let next = collected.offset + piece.len() as u64;
                collected.take(piece, Some(next), most);
            }
            assert_eq!((collected.text.as_str(), collected.offset, collected.truncated), (expected, offset, truncated));
        }
    }
}
