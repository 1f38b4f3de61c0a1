//! `audit`: what happened, and whether the log of it is whole.

use std::net::IpAddr;
use std::process::ExitCode;

use super::{FAILED, complain, print};
use crate::audit::{Event, Kind};
use crate::config::{AuditCommand, AuditFilter, Config};
use crate::error::StartupError;
use crate::store::{Store, StoreError};

fn unusable(error: StoreError) -> StartupError {
    StartupError::new(
        "audit",
        error.to_string(),
        "The log is read from the state directory; --state-dir names another.",
    )
}

/// Verifies, lists or exports.
pub(super) fn audit(config: &Config, command: &AuditCommand) -> Result<ExitCode, StartupError> {
    let Some(store) = Store::existing(&config.gate_directory()?).map_err(unusable)? else {
        complain(&"Nothing has been logged in this state directory.");
        return Ok(ExitCode::SUCCESS);
    };
    match command {
        AuditCommand::Verify => verify(&store),
        AuditCommand::List { filter, json } => list(&store, filter, *json),
        AuditCommand::Export => export(&store),
    }
}

fn verify(store: &Store) -> Result<ExitCode, StartupError> {
    match store.verify_audit().map_err(unusable)? {
        Ok(extent) => {
            let hash: String = extent.hash.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(print(&format!("The log is whole: {} events, up to {hash}\n", extent.events)))
        }
        Err(broken) => {
            complain(&format_args!("The log is not whole: {broken}."));
            Ok(ExitCode::from(FAILED))
        }
    }
}

fn export(store: &Store) -> Result<ExitCode, StartupError> {
    let mut lines = String::new();
    store
        .read_audit(|segment| {
            lines.push_str(&segment.events);
            lines.push('\n');
        })
        .map_err(unusable)?;
    Ok(print(&lines))
}

fn list(store: &Store, filter: &AuditFilter, json: bool) -> Result<ExitCode, StartupError> {
    let mut chosen = String::new();
    let mut unreadable = 0;
    store
        .read_audit(|segment| {
            for line in segment.events.lines() {
                match serde_json::from_str::<Event>(line) {
                    Ok(event) if !matches(filter, &event) => {}
                    Ok(_) if json => chosen.push_str(&format!("{line}\n")),
                    Ok(event) => chosen.push_str(&row(&event)),
                    Err(_) => unreadable += 1,
                }
            }
        })
        .map_err(unusable)?;
    if unreadable > 0 {
        complain(&format_args!("{unreadable} events cannot be read; `audit verify` tells whether they were changed."));
    }
    Ok(print(&chosen))
}

fn matches(filter: &AuditFilter, event: &Event) -> bool {
    let is =
        |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|wanted| found == Some(wanted));
    let holds = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| found.is_some_and(|found| found.contains(wanted)))
    };
    let address: Option<IpAddr> = filter.address;
    is(&filter.principal, Some(&event.principal))
        && holds(&filter.account, event.account.as_deref())
        && is(&filter.session, event.session.as_deref())
        && address.is_none_or(|wanted| event.address == Some(wanted))
        && is(&filter.tool, Some(&event.tool))
        && holds(&filter.resource, event.resource.as_deref())
        && is(&filter.decision, Some(&event.decision))
        && is(&filter.result, event.result.as_deref())
        // RFC 3339 in UTC sorts as text, also by a beginning such as a date.
        && filter.since.as_deref().is_none_or(|since| event.time.as_str() >= since)
        && filter.until.as_deref().is_none_or(|until| event.time.as_str() < until)
}

fn row(event: &Event) -> String {
    let Event { time, call, principal, tool, decision, .. } = event;
    let kind = match event.event {
        Kind::Intent => "intent",
        Kind::Call => "call",
        Kind::Door => "door",
    };
    let tool = if tool.is_empty() { "-" } else { tool.as_ref() };
    let count = event.count.filter(|count| *count > 1).map_or_else(String::new, |count| format!(" ({count} times)"));
    let result = event.result.as_deref().unwrap_or("-");
    let status = event.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let resource = event.resource.as_deref().unwrap_or("-");
    let address = event.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
    format!(
        "{time}  {call}  {kind:6}  {principal}  {address}  {tool}  {decision}{count}  {result}  {status}  {resource}\n"
    )
}
