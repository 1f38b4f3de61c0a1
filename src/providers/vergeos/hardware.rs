//! Drives and network cards.

use serde_json::{Value, json};

use super::machine::{IDENTITY, read};
use super::rows::{chosen, of_machine};
use super::{Answer, text};
use crate::executor::Steps;
use crate::generated::composites::vergeos::requests::{AttachDrive, ReadDrive, ReadDrives, ReadNics, Resize};
use crate::generated::composites::vergeos::{AddDrive, GetVmDrives, GetVmNics, ResizeDrive};

/// Bytes of a GB, as VergeOS counts.
const GB: f64 = 1_073_741_824.0;

/// A size in GB with two decimals at most.
fn gb(bytes: f64) -> f64 {
    (bytes / GB * 100.0).round() / 100.0
}

/// A size in whole bytes.
#[allow(clippy::cast_possible_truncation, reason = "a size beyond 2^63 bytes is refused by VergeOS all the same")]
fn bytes(gb: f64) -> i64 {
    (gb * GB).round() as i64
}

pub(super) async fn get_vm_nics(arguments: GetVmNics, steps: Steps<'_, GetVmNics>) -> Answer {
    let vm = read(&arguments.id, IDENTITY, &steps).await?;
    let fields = "$key,name,machine,macaddress,vnet,ipaddress,interface,enabled".into();
    let filter = format!("machine eq {}", vm.machine).into();
    let rows = of_machine(steps.ask(ReadNics { fields, filter }).await?, vm.machine);
    let columns = [
        ("id", "$key"),
        ("name", "name"),
        ("mac", "macaddress"),
        ("network_id", "vnet"),
        ("ip", "ipaddress"),
        ("interface", "interface"),
        ("enabled", "enabled"),
    ];
    Ok(rows.iter().map(|row| chosen(row, &columns)).collect())
}

pub(super) async fn get_vm_drives(arguments: GetVmDrives, steps: Steps<'_, GetVmDrives>) -> Answer {
    let vm = read(&arguments.id, IDENTITY, &steps).await?;
    let fields = "$key,name,machine,interface,disksize,enabled,media,description".into();
    let filter = format!("machine eq {}", vm.machine).into();
    let rows = of_machine(steps.ask(ReadDrives { fields, filter }).await?, vm.machine);
    let drive = |row: &Value| {
        let size = row.get("disksize").and_then(Value::as_f64);
        json!({
            "id": row.get("$key"),
            "name": row.get("name"),
            "interface": row.get("interface"),
            "size_gb": size.map(gb),
            "size_bytes": row.get("disksize"),
            "enabled": row.get("enabled"),
            "media_type": row.get("media"),
            "description": row.get("description"),
        })
    };
    Ok(rows.iter().map(drive).collect())
}

pub(super) async fn resize_drive(arguments: ResizeDrive, steps: Steps<'_, ResizeDrive>) -> Answer {
    let drive_id = Value::from(arguments.drive_id);
    let fields = "$key,name,machine,disksize".into();
    let row = steps.ask(ReadDrive { drive_id: drive_id.clone(), fields }).await?;
    let Some(size) = row.get("disksize").and_then(Value::as_f64) else {
        let problem = format!("VergeOS does not show how large drive {drive_id} is, so nothing was changed.");
        return Err(steps.unmet(problem));
    };
    let (new, wanted) = (bytes(arguments.new_size_gb), arguments.new_size_gb);
    if arguments.new_size_gb * GB <= size {
        let error = format!(
            "New size ({wanted} GB) must be larger than current size ({} GB). Shrinking disks is not supported.",
            gb(size)
        );
        return Ok(json!({ "success": false, "error": error, "current_size_gb": gb(size) }));
    }
    steps.send(Resize { drive_id: drive_id.clone(), disksize: new.into() }).await?;
    let note = "The guest still has to extend its partition and file system.";
    Ok(json!({ "success": true, "drive_id": drive_id, "name": text(&row, "name"), "previous_size_gb": gb(size),
               "new_size_gb": wanted, "note": note }))
}

pub(super) async fn add_drive(arguments: AddDrive, steps: Steps<'_, AddDrive>) -> Answer {
    let answer = steps.ask(AttachDrive {
        machine: arguments.machine_id.into(),
        name: arguments.name.as_str().into(),
        disksize: bytes(arguments.size_gb).into(),
        interface: arguments.interface_type.as_str().into(),
        media: "disk".into(),
        description: arguments.description.into(),
        enabled: true.into(),
    });
    let answer = answer.await?;
    let note = "The guest has to partition and format the disk; without hotplug it sees it after its next start.";
    Ok(json!({ "success": true, "drive_id": answer.get("$key"), "name": arguments.name, "size_gb": arguments.size_gb,
               "interface": arguments.interface_type, "note": note }))
}
