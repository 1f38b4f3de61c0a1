//! Waiting for a long command, so that an assistant need not poll.

use std::time::Duration;

use serde_json::{Value, json};

use super::requests::{ReadLogs, ReadStatus};
use super::{Answer, HostodoWaitVmCommand, text};
use crate::error::CallError;
use crate::executor::Steps;

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

pub(super) async fn hostodo_wait_vm_command(
    arguments: HostodoWaitVmCommand,
    steps: Steps<'_, HostodoWaitVmCommand>,
) -> Answer {
    let most = usize::try_from(arguments.max_bytes).unwrap_or(16_384);
    let (mut out, mut err) = (Collected::from(arguments.stdout_offset), Collected::from(arguments.stderr_offset));
    let limit = Duration::from_secs(u64::try_from(arguments.wait_seconds).unwrap_or(0));
    let mut wait = steps.wait(limit, pauses);
    let (mut unknown, mut seen) = (0, json!({}));
    let status = loop {
        match steps.ask(status(&arguments)).await {
            Ok(answer) => seen = answer,
            // Patience is all that is asked for.
            Err(CallError::Remote(error)) if error.code.as_deref() == Some("rate_limited") => {}
            Err(error) => return Err(error),
        }
        let status = text(&seen, "status").to_owned();
        unknown = if status == "unknown" { unknown + 1 } else { 0 };
        let over = !matches!(status.as_str(), "" | "queued" | "running" | "unknown") || unknown == 3;
        if !over && wait.next(&format!("{} is {status}", arguments.command_id)).await {
            continue;
        }
        break status;
    };
    let mut left = true;
    while left && !out.truncated && !err.truncated {
        let answer = steps
            .ask(ReadLogs {
                vm_id: arguments.vm_id.as_str().into(),
                command_id: arguments.command_id.as_str().into(),
                stdout_offset: out.offset.into(),
                stderr_offset: err.offset.into(),
                max_bytes: arguments.max_bytes.into(),
            })
            .await?;
        let next = |name: &str| answer.get(name).and_then(Value::as_u64);
        let (before_out, before_err) = (out.offset, err.offset);
        out.take(text(&answer, "stdout"), next("next_stdout_offset"), most);
        err.take(text(&answer, "stderr"), next("next_stderr_offset"), most);
        left = out.offset > before_out || err.offset > before_err;
    }
    let finished = matches!(status.as_str(), "succeeded" | "failed" | "timed_out" | "cancelled");
    Ok(json!({
        "command_id": arguments.command_id, "status": status, "finished": finished, "exit_code": seen["exit_code"],
        "stdout": out.text, "stderr": err.text, "stdout_truncated": out.truncated, "stderr_truncated": err.truncated,
        "next_stdout_offset": out.offset, "next_stderr_offset": err.offset,
        "waited_seconds": wait.elapsed().as_secs(),
    }))
}

fn status(arguments: &HostodoWaitVmCommand) -> ReadStatus {
    ReadStatus {
        vm_id: arguments.vm_id.as_str().into(),
        command_id: arguments.command_id.as_str().into(),
        stdout_tail_bytes: 0.into(),
        stderr_tail_bytes: 0.into(),
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
