//! `approve`: a person lets a call through that waits for them.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use super::{FAILED, complain, print};
use crate::config::Config;
use crate::error::StartupError;
use crate::store::{self, ApprovalRecord, Store, StoreError};

/// Shows what waits, or one of them, and asks the person at the terminal. Nothing is approved without a terminal: what
/// a program could say in a person's place proves nothing.
pub(super) fn approve(config: &Config, id: Option<&str>) -> Result<ExitCode, StartupError> {
    let failed = |error: StoreError| StartupError::new("approve", error.to_string(), "Nothing was approved.");
    let directory = config.gate_directory()?;
    let Some(store) = Store::existing(&directory).map_err(failed)? else {
        return Ok(print("Nothing waits for approval.\n"));
    };
    let waiting = store.waiting_approvals(store::now()).map_err(failed)?;
    let Some(id) = id else { return Ok(print(&overview(&waiting))) };
    let Some(approval) = waiting.iter().find(|approval| approval.id.eq_ignore_ascii_case(id)) else {
        complain(&format_args!(
            "Nothing with the id {id} waits for approval. It may have expired: they are good for 5 minutes."
        ));
        return Ok(ExitCode::from(FAILED));
    };
    if !io::stdin().is_terminal() {
        let fix = "Run it in a terminal, as the person who decides.";
        return Err(StartupError::new("approve", "standard input is no terminal, so nobody can be asked.", fix));
    }
    let shown = format!("{}\n\nAsked by {}. Approve it? Type `yes`: ", approval.preview, approval.principal);
    print(&shown);
    let _ = io::stdout().flush();
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_err() || answer.trim() != "yes" {
        complain(&"Not approved.");
        return Ok(ExitCode::from(FAILED));
    }
    if store.approve(&approval.id, store::now()).map_err(failed)? {
        return Ok(print("Approved. The same call now goes through, once.\n"));
    }
    complain(&"Too late: the approval has expired, or was given before.");
    Ok(ExitCode::from(FAILED))
}

fn overview(waiting: &[ApprovalRecord]) -> String {
    if waiting.is_empty() {
        return "Nothing waits for approval.\n".to_owned();
    }
    let now = store::now();
    let line = |approval: &ApprovalRecord| {
        let left = approval.expires - now;
        let ApprovalRecord { id, tool, principal, account, .. } = approval;
        format!("{id}  {tool}  {principal}  {account}  good for {left} s\n")
    };
    waiting.iter().map(line).collect::<String>() + "`approve ID` shows one of them and asks.\n"
}
