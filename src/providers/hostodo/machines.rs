//! Power with patience, health, traffic and the course of a deployment.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::requests::{Act, ListEvents, ReadInstance, ReadPower, ReadVm};
use super::{Answer, HostodoCheckVmHealth, HostodoGetBandwidthUsage, HostodoGetDeployment, HostodoPowerOffVm, text};
use crate::error::CallError;
use crate::executor::{SentBy, Steps};

/// The power state of a machine that is off.
const OFF: &str = "stopped";

/// Between two looks at it.
const LOOK: Duration = Duration::from_secs(3);

/// How long a machine gets to be off after its power was cut.
const AFTER_STOP: Duration = Duration::from_secs(30);

/// From this share of the traffic on it is told as a problem, in percent.
const MUCH_TRAFFIC: f64 = 90.0;

/// Shuts down, waits if told to, and cuts the power if told to.
pub(super) async fn hostodo_power_off_vm(arguments: HostodoPowerOffVm, steps: Steps<'_, HostodoPowerOffVm>) -> Answer {
    let id = &arguments.vm_id;
    let look = async || {
        let vm = steps.ask(ReadVm { vm_id: id.as_str().into() }).await?;
        Ok::<String, CallError>(text(vm.get("vm").unwrap_or(&vm), "power_state").to_owned())
    };
    let act = async |action: &str| steps.ask(Act { vm_id: id.as_str().into(), action: action.into() }).await;
    let before = look().await?;
    // What other words there are is not documented; these two mean that there is something to switch off.
    if !matches!(before.as_str(), "running" | "starting") {
        return Ok(json!({ "vm_id": id, "success": true, "was_running": false, "final_state": before }));
    }
    act("shutdown").await?;
    let limit = u64::try_from(arguments.wait_timeout).unwrap_or(0);
    if limit == 0 {
        let note = "The shutdown goes on; hostodo_get_vm tells when the machine is off.";
        let state = look().await?;
        return Ok(json!({
            "vm_id": id, "success": true, "was_running": true, "current_state": state, "note": note,
        }));
    }
    let mut state = before;
    let mut until_off = async |limit: Duration| {
        let mut wait = steps.wait(limit, |_| LOOK);
        while state != OFF && wait.next(&format!("{id} is {state}")).await {
            state = look().await?;
        }
        Ok::<_, CallError>((state.clone(), wait.elapsed().as_secs()))
    };
    let (state, seconds) = until_off(Duration::from_secs(limit)).await?;
    if state != OFF && !arguments.force_after_timeout {
        let error = format!("the machine is not off after {limit} s");
        let hint = "Give it more time and look with hostodo_get_vm, or cut its power with stop of hostodo_power_vm.";
        return Ok(json!({
            "vm_id": id, "success": false, "was_running": true, "forced": false, "error": error,
            "current_state": state, "elapsed_seconds": seconds, "hint": hint,
        }));
    }
    let forced = state != OFF;
    let (state, more) = if forced {
        act("stop").await?;
        until_off(AFTER_STOP).await?
    } else {
        (state, 0)
    };
    Ok(json!({
        "vm_id": id, "success": state == OFF, "was_running": true, "forced": forced, "final_state": state,
        "elapsed_seconds": seconds + more,
    }))
}

/// The record of a machine, which comes bare or wrapped. It may hold a password: only named members go on.
async fn record<T>(steps: &Steps<'_, T>, id: &str) -> Result<Value, CallError>
where
    ReadInstance: SentBy<T>,
{
    let answer = steps.ask(ReadInstance { instance_id: id.into() }).await?;
    Ok(answer.get("instance").cloned().unwrap_or(answer))
}

async fn power<T>(steps: &Steps<'_, T>, id: &str) -> Option<String>
where
    ReadPower: SentBy<T>,
{
    // A machine that is being made cannot be asked.
    let answer = steps.ask(ReadPower { instance_id: id.into() }).await.ok()?;
    answer.pointer("/instance/power_status").and_then(Value::as_str).map(str::to_owned)
}

pub(super) async fn hostodo_check_vm_health(
    arguments: HostodoCheckVmHealth,
    steps: Steps<'_, HostodoCheckVmHealth>,
) -> Answer {
    let vm = record(&steps, &arguments.vm_id).await?;
    let state = power(&steps, &arguments.vm_id).await;
    let mut problems = Vec::new();
    match state.as_deref() {
        Some("running") => {}
        Some(other) => problems.push(format!("The machine is {other}.")),
        None => problems.push("The power state could not be read.".to_owned()),
    }
    if vm.get("is_suspended") == Some(&Value::Bool(true)) {
        problems.push(format!("The machine is suspended: {}.", text(&vm, "suspension_reason")));
    }
    if let Some(percent) = used_percent(&vm).filter(|percent| *percent >= MUCH_TRAFFIC) {
        problems.push(format!("{percent:.0} % of the traffic is used."));
    }
    if is_past(text(&vm, "next_due_date"), SystemTime::now().into()) {
        problems.push(format!("A payment was due on {}.", text(&vm, "next_due_date")));
    }
    Ok(json!({
        "vm_id": arguments.vm_id, "hostname": vm["hostname"], "healthy": problems.is_empty(), "problems": problems,
        "status": vm["status"], "power_state": state, "is_suspended": vm["is_suspended"],
        "suspension_reason": vm["suspension_reason"], "main_ip": vm["main_ip"],
        "bandwidth_used_gb": vm["bandwidth_usage"], "bandwidth_total_gb": vm["bandwidth"],
        "next_due_date": vm["next_due_date"], "updated_at": vm["updated_at"],
    }))
}

pub(super) async fn hostodo_get_bandwidth_usage(
    arguments: HostodoGetBandwidthUsage,
    steps: Steps<'_, HostodoGetBandwidthUsage>,
) -> Answer {
    let vm = record(&steps, &arguments.vm_id).await?;
    let (used, included) = (vm["bandwidth_usage"].as_f64(), vm["bandwidth"].as_f64());
    let remaining = used.zip(included).filter(|(_, included)| *included > 0.0).map(|(used, all)| (all - used).max(0.0));
    Ok(json!({
        "vm_id": arguments.vm_id, "hostname": vm["hostname"], "used_gb": vm["bandwidth_usage"],
        "included_gb": vm["bandwidth"], "remaining_gb": remaining,
        "used_percent": used_percent(&vm).map(|percent| (percent * 10.0).round() / 10.0),
        "updated_at": vm["updated_at"],
    }))
}

/// None where no quota is known.
fn used_percent(vm: &Value) -> Option<f64> {
    let included = vm["bandwidth"].as_f64().filter(|included| *included > 0.0)?;
    Some(vm["bandwidth_usage"].as_f64()? * 100.0 / included)
}

/// Whether a day or moment lies behind.
fn is_past(date: &str, now: DateTime<Utc>) -> bool {
    match DateTime::parse_from_rfc3339(date) {
        Ok(moment) => moment < now,
        Err(_) => NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok_and(|day| day < now.date_naive()),
    }
}

pub(super) async fn hostodo_get_deployment(
    arguments: HostodoGetDeployment,
    steps: Steps<'_, HostodoGetDeployment>,
) -> Answer {
    let id = arguments.vm_id.as_str();
    let vm = record(&steps, id).await?;
    let state = power(&steps, id).await;
    let answer = steps.ask(ListEvents { instance_id: id.into() }).await?;
    let told = answer.get("events").and_then(Value::as_array).into_iter().flatten().rev();
    let events: Vec<Value> = told
        .map(|event| {
            json!({
                "id": event["id"], "message": event["client_event_message"], "status": event["status"],
                "created_at": event["created_at"],
            })
        })
        .collect();
    let ready = state.as_deref() == Some("running") && !text(&vm, "main_ip").is_empty();
    Ok(json!({
        "vm_id": id, "hostname": vm["hostname"], "status": vm["status"], "power_state": state,
        "main_ip": vm["main_ip"], "ready": ready, "events": events,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_past_when_it_is_over() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap().to_utc();
        for (date, expected) in [
            ("2026-11-20", true),
            ("2026-11-21", false),
            ("2026-11-21T11:59:59Z", true),
            ("2026-11-21T12:00:00-01:00", false),
            ("", false),
            ("soon", false),
        ] {
            assert_eq!(is_past(date, now), expected, "{date}");
        }
    }
}
