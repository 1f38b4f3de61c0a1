//! Usage history and malware scans of a machine.

use super::Routes;
use super::actions::Task;
use super::estate::Estate;
use super::machine::{Machine, State};
use super::outcome::{Failure, Outcome, answer};
use super::request::Request;
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Post};
use serde_json::{Map, json};

pub(super) const ROUTES: Routes = &[
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/metrics", metrics),
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/monarx", scan),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/monarx", install_scanner),
    (Delete, "/api/vps/v1/virtual-machines/{virtualMachineId}/monarx", remove_scanner),
];

/// At most this many values a measurement.
const POINTS: i64 = 24;

const MEGABYTE: i64 = 1_048_576;

/// The values follow a wave over the day; a machine that is off reports zero.
fn metrics(estate: &mut Estate, request: &Request) -> Outcome {
    let machine = estate.machine(request.number(0)?)?;
    let (from, to) = (moment(request, "date_from")?, moment(request, "date_to")?);
    if from > to {
        return Err(Failure::invalid("date_to", "The date_to must not lie before date_from."));
    }
    let on = matches!(machine.state, State::Running | State::Recovery);
    let step = ((to.unix_seconds() - from.unix_seconds()) / POINTS).max(300);
    let times: Vec<i64> = (0..=POINTS).map(|point| from.unix_seconds() + point * step).collect();
    let series = |unit: &str, value: &dyn Fn(i64) -> i64| {
        let times = times.iter().filter(|time| **time <= to.unix_seconds());
        let usage: Map<_, _> = times.map(|time| (time.to_string(), json!(if on { value(*time) } else { 0 }))).collect();
        json!({ "unit": unit, "usage": usage })
    };
    let size = |megabytes: u64| i64::try_from(megabytes).unwrap_or(i64::MAX / MEGABYTE) * MEGABYTE;
    let (memory, disk) = (size(machine.plan.memory), size(machine.plan.disk));
    Ok(json!({
        "cpu_usage": series("%", &|time| 5 + load(time) / 4),
        "ram_usage": series("bytes", &|time| memory / 400 * (100 + load(time))),
        "disk_space": series("bytes", &|_| disk / 5),
        "outgoing_traffic": series("bytes", &|time| load(time) * 640_000),
        "incoming_traffic": series("bytes", &|time| load(time) * 120_000),
        "uptime": series("milliseconds", &|time| (time - machine.created_at.unix_seconds()).max(0) * 1000),
    }))
}

/// Rises from 0 at midnight to 100 at noon (UTC) and falls again.
fn load(time: i64) -> i64 {
    100 - (time.rem_euclid(86_400) - 43_200).abs() / 432
}

fn moment(request: &Request, name: &str) -> Result<Timestamp, Failure> {
    let text = request.query(name).ok_or_else(|| Failure::invalid(name, format!("The {name} is required.")))?;
    let rule = || Failure::invalid(name, format!("The {name} must be a date and time such as 2025-01-31T08:00:00Z."));
    Timestamp::parse(text).ok_or_else(rule)
}

fn scan(estate: &mut Estate, request: &Request) -> Outcome {
    let now = estate.now;
    if !estate.machine(request.number(0)?)?.disk.scanner {
        return Err(Failure::invalid("virtualMachineId", "Monarx is not installed on this virtual machine."));
    }
    answer(json!({
        "records": 0, "malicious": 0, "compromised": 0, "scanned_files": 48_112,
        "scan_started_at": now.days_ago(1), "scan_ended_at": now.days_ago(1),
    }))
}

fn install_scanner(estate: &mut Estate, request: &Request) -> Outcome {
    let install = |machine: &mut Machine, _| machine.disk.scanner = true;
    estate.act(request.number(0)?, Task::change("install_monarx", install))
}

fn remove_scanner(estate: &mut Estate, request: &Request) -> Outcome {
    let remove = |machine: &mut Machine, _| machine.disk.scanner = false;
    estate.act(request.number(0)?, Task::change("uninstall_monarx", remove))
}
