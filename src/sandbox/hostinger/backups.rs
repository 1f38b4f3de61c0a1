//! Backups and the one snapshot of a machine.

use super::Routes;
use super::actions::{Task, Transition};
use super::estate::{Estate, find};
use super::machine::Disk;
use super::outcome::{Failure, Outcome, answer};
use super::request::Request;
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Post};
use serde::Serialize;

pub(super) const ROUTES: Routes = &[
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/backups", list),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/backups/{backupId}/restore", restore_backup),
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/snapshot", snapshot),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/snapshot", create_snapshot),
    (Delete, "/api/vps/v1/virtual-machines/{virtualMachineId}/snapshot", delete_snapshot),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/snapshot/restore", restore_snapshot),
];

/// A scheduled copy of a disk.
#[derive(Serialize)]
pub(super) struct Backup {
    pub(super) id: u64,
    /// In kilobytes.
    size: u64,
    /// In seconds.
    restore_time: u64,
    location: &'static str,
    created_at: Timestamp,
    #[serde(skip)]
    disk: Disk,
}

impl Backup {
    pub(super) fn new(id: u64, created_at: Timestamp, disk: Disk) -> Self {
        Self { id, size: 3_145_728, restore_time: 420, location: "vno", created_at, disk }
    }
}

/// A copy of a disk that was asked for.
#[derive(Serialize)]
pub(super) struct Snapshot {
    id: u64,
    /// In seconds.
    restore_time: u64,
    created_at: Timestamp,
    expires_at: Timestamp,
    #[serde(skip)]
    disk: Disk,
}

/// How long a snapshot is kept.
const SNAPSHOT_DAYS: i64 = 20;

fn list(estate: &mut Estate, request: &Request) -> Outcome {
    let machine = estate.machine(request.number(0)?)?;
    let backups = machine.backups.iter().map(answer).collect::<Result<Vec<_>, _>>()?;
    request.page(&backups)
}

fn restore_backup(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    let machine = estate.machine(id)?;
    let disk = find(&mut machine.backups, "backup", request.number(1)?, |backup| backup.id)?.disk.clone();
    let task = Task::new("restore_backup", Transition::Restore).then(|machine, _| machine.disk = disk);
    estate.act(id, task)
}

fn snapshot(estate: &mut Estate, request: &Request) -> Outcome {
    answer(existing_snapshot(estate, request.number(0)?)?)
}

/// The disk is copied when the action completes, in place of an earlier snapshot.
fn create_snapshot(estate: &mut Estate, request: &Request) -> Outcome {
    let snapshot = estate.fresh_id();
    let task = Task::change("create_snapshot", move |machine, now| {
        machine.snapshot = Some(Snapshot {
            id: snapshot,
            restore_time: 180,
            created_at: now,
            expires_at: now.days_later(SNAPSHOT_DAYS),
            disk: machine.disk.clone(),
        });
    });
    estate.act(request.number(0)?, task)
}

fn delete_snapshot(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    existing_snapshot(estate, id)?;
    estate.act(id, Task::change("delete_snapshot", |machine, _| machine.snapshot = None))
}

fn restore_snapshot(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    let disk = existing_snapshot(estate, id)?.disk.clone();
    let task = Task::new("restore_snapshot", Transition::Restore).then(|machine, _| machine.disk = disk);
    estate.act(id, task)
}

fn existing_snapshot(estate: &mut Estate, machine: u64) -> Result<&Snapshot, Failure> {
    let missing = || Failure::Missing(format!("Virtual machine {machine} has no snapshot."));
    estate.machine(machine)?.snapshot.as_ref().ok_or_else(missing)
}
