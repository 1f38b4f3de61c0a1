//! VMs and their state. The key of a VM is not the key of its machine, which drives, cards and snapshots hang on.

use serde_json::{Value, json};

use super::rows::{chosen, key, key_in, of_machine, quoted, rows, truth, without_secrets};
use super::{Answer, text};
use crate::error::CallError;
use crate::executor::{SentBy, Steps};
use crate::generated::composites::vergeos::requests::{ReadStatus, ReadVm, ReadVms};
use crate::generated::composites::vergeos::{GetVm, GetVmStatus, ListVms};

const LISTED: &str = "$key,name,description,enabled,cpu_cores,ram,os_family,is_snapshot,machine,\
machine#status#status as status,machine#status#running as running";

/// What tells which VM it is, and nothing of its state.
pub(super) const IDENTITY: &str = "$key,name,machine";

/// The same with its state, by the join that the vendor's Python client sends.
pub(super) const STATE: &str = "$key,name,machine,machine#status#running as running,\
machine#status#status as power_state,machine#status#status_info as status_info,\
machine#status#migratable as migratable";

/// A VM as one read shows it.
pub(super) struct Vm {
    pub(super) key: i64,
    pub(super) name: String,
    /// The key of its machine.
    pub(super) machine: i64,
    pub(super) state: State,
    pub(super) row: Value,
}

/// Whether a machine runs.
pub(super) struct State {
    /// None where the system keeps no state of it.
    pub(super) running: Option<bool>,
    pub(super) power: String,
}

impl State {
    fn of(row: &Value, column: &str) -> Self {
        let power = text(row, column);
        let power = if power.is_empty() { "unknown" } else { power };
        Self { running: truth(row.get("running")), power: power.to_owned() }
    }

    /// Known not to run.
    pub(super) fn is_off(&self) -> bool {
        self.running == Some(false)
    }
}

/// The key that names a VM.
pub(super) fn vm_key<T>(id: &Value, steps: &Steps<'_, T>) -> Result<i64, CallError> {
    key(id).filter(|key| *key > 0).ok_or_else(|| {
        steps.unmet(format!("{id} is no id of a VM, which is a whole number. list_vms shows it for every name."))
    })
}

/// Reads these columns of one VM.
pub(super) async fn read<T>(id: &Value, columns: &str, steps: &Steps<'_, T>) -> Result<Vm, CallError>
where
    ReadVm: SentBy<T>,
{
    let key = vm_key(id, steps)?;
    let row = steps.ask(ReadVm { id: key.into(), fields: columns.into() }).await?;
    let Some(machine) = key_in(&row, "machine") else {
        return Err(steps.unmet(format!("VergeOS shows no machine behind VM {key}, so nothing can be done with it.")));
    };
    Ok(Vm { key, name: text(&row, "name").to_owned(), machine, state: State::of(&row, "power_state"), row })
}

/// Reads the state of one machine: a single row, not the table.
pub(super) async fn status<T>(machine: i64, steps: &Steps<'_, T>) -> Result<(State, Value), CallError>
where
    ReadStatus: SentBy<T>,
{
    let fields = "machine,running,status,status_info,migratable".into();
    let filter = format!("machine eq {machine}").into();
    let found = of_machine(steps.ask(ReadStatus { fields, filter, limit: 1.into() }).await?, machine);
    let row = found.into_iter().next().unwrap_or(Value::Null);
    Ok((State::of(&row, "status"), row))
}

pub(super) async fn list_vms(arguments: ListVms, steps: Steps<'_, ListVms>) -> Answer {
    let mut filter = "is_snapshot eq false".to_owned();
    if let Some(name) = &arguments.name {
        filter = format!("{filter} and name ct {}", quoted(name));
    }
    let all = rows(steps.ask(ReadVms { fields: LISTED.into(), filter: filter.into() }).await?);
    let wanted = arguments.name.unwrap_or_default().to_lowercase();
    let kept = all.iter().filter(|row| {
        truth(row.get("is_snapshot")) != Some(true)
            && text(row, "name").to_lowercase().contains(&wanted)
            && arguments.running.is_none_or(|running| (truth(row.get("running")) == Some(true)) == running)
    });
    let columns = ["name", "machine", "enabled", "running", "status", "cpu_cores", "ram", "os_family", "description"];
    let columns: Vec<(&str, &str)> = [("id", "$key")].into_iter().chain(columns.map(|name| (name, name))).collect();
    Ok(kept.map(|row| chosen(row, &columns)).collect())
}

pub(super) async fn get_vm(arguments: GetVm, steps: Steps<'_, GetVm>) -> Answer {
    let vm = read(&arguments.id, "most", &steps).await?;
    let (state, status) = status(vm.machine, &steps).await?;
    let mut row = without_secrets(vm.row);
    row["power_state"] = state.power.into();
    row["running"] = state.running.into();
    for column in ["status_info", "migratable"] {
        row[column] = status.get(column).cloned().unwrap_or_default();
    }
    Ok(row)
}

pub(super) async fn get_vm_status(arguments: GetVmStatus, steps: Steps<'_, GetVmStatus>) -> Answer {
    let vm = read(&arguments.id, STATE, &steps).await?;
    Ok(json!({
        "vm_id": vm.key,
        "name": vm.name,
        "machine": vm.machine,
        "running": vm.state.running.unwrap_or(false),
        "power_state": vm.state.power,
        "status_info": vm.row.get("status_info"),
        "migratable": vm.row.get("migratable"),
    }))
}
