//! What rows of the tables of actions do.

use super::estate::Estate;
use super::{Answer, missing};
use serde_json::{Value, json};

/// Carries out one action: `{"vm": 1, "action": "poweron"}`.
pub(super) fn post(estate: &mut Estate, actions: &str, body: &Value) -> Answer {
    let (table, target) = match actions {
        "vm_actions" => ("vms", "vm"),
        "vnet_actions" => ("vnets", "vnet"),
        "tenant_actions" => ("tenants", "tenant"),
        _ => return (201, json!({ "task": 1 })),
    };
    let key = body.get(target).map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned));
    let Some(row) = key.as_deref().and_then(|key| estate.find(table, key)).cloned() else {
        return missing(&format!("The action names no row of {table}."));
    };
    let action = body.get("action").and_then(Value::as_str).unwrap_or_default();
    let machine = row.get("machine").and_then(Value::as_i64);
    let running = estate.column(&row, "machine#status#running") == true;
    match (table, action, machine) {
        (_, "poweron", Some(_)) if running => (409, json!({ "err": "It is running already." })),
        (_, "poweron", Some(machine)) => done(|| estate.set_running(machine, true)),
        ("vms", "poweroff" | "kill" | "reset", Some(_)) if !running => (409, json!({ "err": "It is not running." })),
        ("vms", "poweroff", Some(machine)) => done(|| estate.ask_to_stop(machine)),
        (_, "poweroff" | "kill" | "killpower", Some(machine)) => done(|| estate.set_running(machine, false)),
        ("vms", "restore", _) => restore(estate, body),
        ("tenants", "isolateon" | "isolateoff", _) => done(|| {
            if let Some(row) = key.as_deref().and_then(|key| estate.find_mut("tenants", key)) {
                row["isolate"] = (action == "isolateon").into();
            }
        }),
        ("tenants", "poweron" | "poweroff", _) => done(|| {
            if let Some(row) = estate.find_mut("tenant_status", "1") {
                row["running"] = (action == "poweron").into();
                row["status"] = if action == "poweron" { "online" } else { "offline" }.into();
            }
        }),
        ("vms", "execute" | "paste", _) | (_, "", _) => (422, json!({ "err": "There is no such action." })),
        _ => done(|| {}),
    }
}

fn done(act: impl FnOnce()) -> Answer {
    act();
    (201, json!({ "task": 1 }))
}

fn restore(estate: &Estate, body: &Value) -> Answer {
    let snapshot = body.pointer("/params/snapshot").map(Value::to_string).unwrap_or_default();
    match estate.find("machine_snapshots", &snapshot) {
        Some(_) => (201, json!({ "task": 1 })),
        None => missing("There is no such snapshot."),
    }
}
