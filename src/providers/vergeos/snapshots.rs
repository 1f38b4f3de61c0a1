//! Snapshots of VMs. They hang on the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::machine::{IDENTITY, read};
use super::rows::{date, key_in, of_machine};
use super::{Answer, text};
use crate::executor::Steps;
use crate::generated::composites::vergeos::requests::{
    DropSnapshot, ReadSnapshot, ReadSnapshots, Restore, TakeSnapshot,
};
use crate::generated::composites::vergeos::{CreateVmSnapshot, DeleteVmSnapshot, ListVmSnapshots, RestoreVmSnapshot};

/// Seconds of a day.
const DAY: f64 = 86_400.0;

pub(super) async fn list_vm_snapshots(arguments: ListVmSnapshots, steps: Steps<'_, ListVmSnapshots>) -> Answer {
    let vm = read(&arguments.vm_id, IDENTITY, &steps).await?;
    let filter = format!("machine eq {}", vm.machine).into();
    let rows = of_machine(steps.ask(ReadSnapshots { fields: "most".into(), filter }).await?, vm.machine);
    let snapshot = |row: &Value| {
        json!({
            "id": row.get("$key"),
            "name": row.get("name"),
            "description": row.get("description"),
            "created": row.get("dbtime").or_else(|| row.get("created")),
            "expires": expires(row),
            "quiesced": row.get("quiesced"),
            "size_bytes": row.get("size_bytes"),
        })
    };
    Ok(rows.iter().map(snapshot).collect())
}

fn expires(row: &Value) -> String {
    match key_in(row, "expires") {
        Some(seconds) if seconds > 0 && text(row, "expires_type") != "never" => date(seconds),
        _ => "never".to_owned(),
    }
}

pub(super) async fn create_vm_snapshot(arguments: CreateVmSnapshot, steps: Steps<'_, CreateVmSnapshot>) -> Answer {
    let vm = read(&arguments.vm_id, IDENTITY, &steps).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    #[allow(clippy::cast_possible_truncation, reason = "a date beyond 2^63 seconds is as good as never")]
    let expires = (arguments.expires_days > 0.0).then_some((now + arguments.expires_days * DAY) as i64);
    let answer = steps.ask(TakeSnapshot {
        machine: vm.machine.into(),
        name: arguments.name.as_str().into(),
        description: arguments.description.into(),
        expires_type: if expires.is_some() { "date" } else { "never" }.into(),
        expires: expires.into(),
        quiesce: arguments.quiesce.into(),
        created_manually: true.into(),
    });
    let answer = answer.await?;
    let message = format!("Snapshot '{}' of VM '{}' was taken", arguments.name, vm.name);
    Ok(json!({ "success": true, "snapshot_id": answer.get("$key"), "message": message, "vm_id": vm.key,
               "vm_name": vm.name, "quiesce": arguments.quiesce,
               "expires": expires.map_or_else(|| "never".to_owned(), date) }))
}

pub(super) async fn delete_vm_snapshot(arguments: DeleteVmSnapshot, steps: Steps<'_, DeleteVmSnapshot>) -> Answer {
    steps.send(DropSnapshot { snapshot_id: arguments.snapshot_id.into() }).await?;
    Ok(json!({ "success": true, "message": format!("Snapshot {} was deleted", arguments.snapshot_id) }))
}

pub(super) async fn restore_vm_snapshot(arguments: RestoreVmSnapshot, steps: Steps<'_, RestoreVmSnapshot>) -> Answer {
    let vm = read(&arguments.vm_id, IDENTITY, &steps).await?;
    let id = arguments.snapshot_id;
    let fields = "$key,name,machine,created".into();
    let row = steps.ask(ReadSnapshot { snapshot_id: id.into(), fields }).await?;
    if key_in(&row, "machine") != Some(vm.machine) {
        let problem = format!(
            "Snapshot {id} does not belong to VM '{}', so nothing was restored. list_vm_snapshots shows those that do.",
            vm.name
        );
        return Err(steps.unmet(problem));
    }
    let params = json!({ "snapshot": id });
    let result = steps.ask(Restore { vm: vm.key.into(), action: "restore".into(), params }).await?;
    let message = format!("VM '{}' is being set back to snapshot '{}'", vm.name, text(&row, "name"));
    Ok(json!({ "success": true, "message": message, "result": result }))
}
