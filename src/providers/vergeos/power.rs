//! Switching VMs, and changing what only a VM that is off can change.

use std::time::Duration;

use serde_json::{Value, json};

use super::Answer;
use super::machine::{STATE, State, Vm, read, status};
use super::rows::pauses;
use crate::error::CallError;
use crate::executor::{SentBy, Steps};
use crate::generated::composites::vergeos::requests::{Configure, ReadStatus, VmAction};
use crate::generated::composites::vergeos::{ForceOffVm, ModifyVm, PowerOffVm, PowerOnVm, ResetVm};

/// The longest wait, in seconds; a longer one counts as this.
const LONGEST_WAIT: f64 = 300.0;

/// How long a machine gets to be gone after its power was cut.
const AFTER_KILL: Duration = Duration::from_secs(2);

async fn act<T>(vm: &Vm, action: &str, steps: &Steps<'_, T>) -> Result<Value, CallError>
where
    VmAction: SentBy<T>,
{
    steps.ask(VmAction { vm: vm.key.into(), action: action.into() }).await
}

pub(super) async fn power_on_vm(arguments: PowerOnVm, steps: Steps<'_, PowerOnVm>) -> Answer {
    let vm = read(&arguments.id, STATE, &steps).await?;
    if vm.state.running == Some(true) {
        let error = format!("VM '{}' is already running", vm.name);
        return Ok(json!({ "success": false, "error": error, "current_state": vm.state.power }));
    }
    let result = act(&vm, "poweron", &steps).await?;
    Ok(json!({ "success": true, "message": format!("VM '{}' is being started", vm.name), "result": result }))
}

pub(super) async fn force_off_vm(arguments: ForceOffVm, steps: Steps<'_, ForceOffVm>) -> Answer {
    let vm = read(&arguments.id, STATE, &steps).await?;
    if vm.state.is_off() {
        return Ok(already_off(&vm));
    }
    let result = act(&vm, "kill", &steps).await?;
    Ok(json!({ "success": true, "message": format!("The power of VM '{}' was cut", vm.name), "result": result }))
}

pub(super) async fn reset_vm(arguments: ResetVm, steps: Steps<'_, ResetVm>) -> Answer {
    let vm = read(&arguments.id, STATE, &steps).await?;
    if vm.state.running != Some(true) {
        let error = format!("VM '{}' is not running - cannot reset", vm.name);
        return Ok(json!({ "success": false, "error": error, "current_state": vm.state.power }));
    }
    let result = act(&vm, "reset", &steps).await?;
    Ok(json!({ "success": true, "message": format!("VM '{}' is being restarted", vm.name), "result": result }))
}

pub(super) async fn power_off_vm(arguments: PowerOffVm, steps: Steps<'_, PowerOffVm>) -> Answer {
    let vm = read(&arguments.id, STATE, &steps).await?;
    if vm.state.is_off() {
        return Ok(already_off(&vm));
    }
    let limit = arguments.wait_timeout.min(LONGEST_WAIT);
    if limit <= 0.0 {
        act(&vm, "poweroff", &steps).await?;
        let note = "The shutdown goes on; get_vm_status tells when the VM is off.";
        let message = format!("VM '{}' was asked to shut down", vm.name);
        return Ok(json!({ "success": true, "was_running": true, "message": message, "note": note }));
    }
    let ended = shut_down(&vm, limit, arguments.force_after_timeout, &steps).await?;
    let (state, elapsed) = (ended.state.power.as_str(), ended.elapsed.as_secs());
    Ok(match ended.by {
        By::Guest => {
            let message = format!("VM '{}' shut down gracefully", vm.name);
            json!({ "success": true, "was_running": true, "forced": false, "message": message,
                    "final_state": state, "elapsed_seconds": elapsed })
        }
        By::Force => json!({ "success": ended.state.is_off(), "was_running": true, "forced": true,
                             "final_state": state, "elapsed_seconds": elapsed }),
        By::Nobody => {
            let error = format!("VM '{}' did not shut down within {limit} seconds", vm.name);
            let hint = "Its guest may need longer or ignore ACPI. Wait and look with get_vm_status, or cut the power \
                        with force_off_vm, which loses unsaved data.";
            json!({ "success": false, "was_running": true, "forced": false, "error": error, "current_state": state,
                    "elapsed_seconds": elapsed, "hint": hint })
        }
    })
}

fn already_off(vm: &Vm) -> Value {
    let message = format!("VM '{}' is already off", vm.name);
    json!({ "success": true, "was_running": false, "message": message, "final_state": vm.state.power })
}

/// What switched a VM off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Guest,
    Force,
    /// It may still run.
    Nobody,
}

struct Ended {
    by: By,
    state: State,
    elapsed: Duration,
}

/// Asks the guest to shut down and waits for so many seconds; then cuts the power if that is wanted.
async fn shut_down<T>(vm: &Vm, limit: f64, force: bool, steps: &Steps<'_, T>) -> Result<Ended, CallError>
where
    VmAction: SentBy<T>,
    ReadStatus: SentBy<T>,
{
    act(vm, "poweroff", steps).await?;
    let mut wait = steps.wait(Duration::from_secs_f64(limit), pauses);
    let mut last = State { running: vm.state.running, power: vm.state.power.clone() };
    while wait.next(&format!("waiting for VM '{}' to shut down, now {}", vm.name, last.power)).await {
        last = status(vm.machine, steps).await?.0;
        if last.is_off() {
            return Ok(Ended { by: By::Guest, state: last, elapsed: wait.elapsed() });
        }
    }
    if !force {
        return Ok(Ended { by: By::Nobody, state: last, elapsed: wait.elapsed() });
    }
    act(vm, "kill", steps).await?;
    steps.pause(AFTER_KILL).await;
    let state = status(vm.machine, steps).await?.0;
    Ok(Ended { by: By::Force, state, elapsed: wait.elapsed() })
}

pub(super) async fn modify_vm(arguments: ModifyVm, steps: Steps<'_, ModifyVm>) -> Answer {
    if arguments.cpu_cores.is_none() && arguments.ram_mb.is_none() {
        return Err(steps.unmet("Must specify cpu_cores and/or ram_mb to modify. Nothing was sent."));
    }
    let vm = read(&arguments.id, &format!("{STATE},cpu_cores,ram"), &steps).await?;
    let column = |name: &str| vm.row.get(name).cloned().unwrap_or_default();
    let previous = json!({ "cpu_cores": column("cpu_cores"), "ram_mb": column("ram") });
    let mut new = previous.clone();
    for (name, value) in [("cpu_cores", arguments.cpu_cores), ("ram_mb", arguments.ram_mb)] {
        if let Some(value) = value {
            new[name] = value.into();
        }
    }
    let was_running = !vm.state.is_off();
    if was_running && !arguments.shutdown_if_running {
        let error = format!("VM '{}' has to be off for this, and its state is {}", vm.name, vm.state.power);
        let hint = "Shut it down with power_off_vm first, or repeat the call with shutdown_if_running true.";
        return Ok(json!({ "success": false, "error": error, "current": previous, "requested": new, "hint": hint }));
    }
    if was_running {
        let limit = arguments.wait_timeout.min(LONGEST_WAIT);
        let ended = shut_down(&vm, limit, arguments.force_after_timeout, &steps).await?;
        if !ended.state.is_off() {
            let error = format!("VM '{}' did not shut down, so nothing was changed", vm.name);
            let hint = "Give it more time with wait_timeout, or cut its power with force_off_vm and call again.";
            return Ok(json!({ "success": false, "error": error, "current_state": ended.state.power,
                              "current": previous, "requested": new, "hint": hint }));
        }
    }
    let (cpu_cores, ram) = (arguments.cpu_cores.into(), arguments.ram_mb.into());
    steps.send(Configure { id: vm.key.into(), cpu_cores, ram }).await?;
    let note = "The VM is off; power_on_vm starts it.";
    Ok(json!({ "success": true, "vm_id": vm.key, "vm_name": vm.name, "previous": previous, "new": new,
               "was_running": was_running, "note": note }))
}
