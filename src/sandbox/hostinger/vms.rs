//! Machines: listing, power, recreation, recovery mode and their actions.

use super::actions::{Task, Transition};
use super::backups::Backup;
use super::docker::Project;
use super::estate::{Estate, find};
use super::machine::{Applied, Disk, LARGE, MEDIUM, Machine, SMALL, State};
use super::outcome::{Failure, Outcome, answer};
use super::request::Request;
use super::{Routes, scripts, templates};
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Post};

pub(super) const ROUTES: Routes = &[
    (Get, "/api/vps/v1/virtual-machines", list),
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}", details),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/start", start),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/stop", stop),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/restart", restart),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/recreate", recreate),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/recovery", enter_recovery),
    (Delete, "/api/vps/v1/virtual-machines/{virtualMachineId}/recovery", leave_recovery),
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/actions", actions),
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/actions/{actionId}", action),
];

/// Three machines: one runs, one is stopped, one is not set up.
pub(super) fn seed(now: Timestamp) -> Vec<Machine> {
    let backups = |first: u64, template| {
        let backup = |week: i64| {
            let disk = Disk { template: Some(template), ..Disk::default() };
            Backup::new(first + week.unsigned_abs(), now.days_ago(7 * week + 1), disk)
        };
        (0..3).map(backup).collect()
    };
    let web = Machine {
        hostname: "web-1.example.com".to_owned(),
        state: State::Running,
        data_center: Some(9),
        disk: Disk {
            template: Some(templates::DOCKER),
            projects: vec![Project::seed(now.days_ago(40))],
            keys: vec![501],
            scanner: true,
        },
        firewall: Some(Applied { firewall: 701, revision: 1 }),
        backups: backups(801, templates::DOCKER),
        ..Machine::bought(100_001, MEDIUM, "sub-vps-100001".to_owned(), 11, now.days_ago(200))
    };
    let db = Machine {
        hostname: "db-1.example.com".to_owned(),
        state: State::Stopped,
        data_center: Some(17),
        disk: Disk { template: Some(templates::UBUNTU), ..Disk::default() },
        backups: backups(811, templates::UBUNTU),
        ..Machine::bought(100_002, LARGE, "sub-vps-100002".to_owned(), 12, now.days_ago(90))
    };
    let fresh = Machine::bought(100_003, SMALL, "sub-vps-100003".to_owned(), 13, now.days_ago(1));
    vec![web, db, fresh]
}

fn list(estate: &mut Estate, _: &Request) -> Outcome {
    answer(estate.machines.iter().map(Machine::resource).collect::<Vec<_>>())
}

fn details(estate: &mut Estate, request: &Request) -> Outcome {
    Ok(estate.machine(request.number(0)?)?.resource())
}

fn start(estate: &mut Estate, request: &Request) -> Outcome {
    estate.act(request.number(0)?, Task::new("start", Transition::Start))
}

fn stop(estate: &mut Estate, request: &Request) -> Outcome {
    estate.act(request.number(0)?, Task::new("stop", Transition::Stop))
}

fn restart(estate: &mut Estate, request: &Request) -> Outcome {
    estate.act(request.number(0)?, Task::new("restart", Transition::Restart))
}

/// Hostname, addresses, firewall and backups stay; disk contents and snapshot go.
fn recreate(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let template = templates::chosen(&body)?;
    body.optional_password("password", 12)?;
    body.optional_password("panel_password", 12)?;
    scripts::chosen(estate, &body)?;
    let task = Task::new("recreate", Transition::Recreate).then(move |machine, _| {
        machine.disk = Disk { template: Some(template), ..Disk::default() };
        machine.snapshot = None;
    });
    estate.act(request.number(0)?, task)
}

fn enter_recovery(estate: &mut Estate, request: &Request) -> Outcome {
    request.body().text("root_password")?;
    estate.act(request.number(0)?, Task::new("start_recovery", Transition::EnterRecovery))
}

fn leave_recovery(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    match estate.machine(id)?.state {
        State::Recovery => estate.act(id, Task::new("stop_recovery", Transition::LeaveRecovery)),
        _ => Err(Failure::invalid("virtualMachineId", "The virtual machine is not in recovery mode.")),
    }
}

/// Newest first.
fn actions(estate: &mut Estate, request: &Request) -> Outcome {
    let machine = estate.machine(request.number(0)?)?;
    let actions = machine.actions.iter().rev().map(answer).collect::<Result<Vec<_>, _>>()?;
    request.page(&actions)
}

fn action(estate: &mut Estate, request: &Request) -> Outcome {
    let machine = estate.machine(request.number(0)?)?;
    answer(&*find(&mut machine.actions, "action", request.number(1)?, |action| action.id)?)
}
