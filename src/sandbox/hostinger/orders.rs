//! Buying a machine and setting it up.

use super::actions::{Task, Transition};
use super::estate::Estate;
use super::machine::{Disk, Machine, Plan, State};
use super::outcome::{Failure, Outcome};
use super::request::{Fields, Request};
use super::zone::is_hostname;
use super::{Routes, catalog, keys, scripts, templates};
use infra_mcp_model::Method::Post;
use serde_json::json;

pub(super) const ROUTES: Routes = &[
    (Post, "/api/vps/v1/virtual-machines", purchase),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/setup", setup),
];

fn purchase(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let item = catalog::chosen(&body, "item_id")?;
    let Some(plan) = item.plan() else {
        return Err(body.failure("item_id", "The selected item is not a virtual machine."));
    };
    let wanted = Setup::read(estate, &body.object("setup")?)?;
    let (order, subscriptions) = estate.order(&body, &[item])?;
    let machine = add_machine(estate, plan, subscriptions.into_iter().collect());
    wanted.apply(estate, machine)?;
    Ok(json!({ "order": order, "virtual_machine": estate.machine(machine)?.resource() }))
}

/// Adds a machine that is not set up and returns its number.
pub(super) fn add_machine(estate: &mut Estate, plan: Plan, subscription: String) -> u64 {
    let (id, now) = (estate.fresh_id(), estate.now);
    let host = 11 + u64::try_from(estate.machines.len()).unwrap_or(0) % 240;
    estate.machines.push(Machine::bought(id, plan, subscription, host, now));
    id
}

fn setup(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    if estate.machine(id)?.state != State::Initial {
        return Err(Failure::invalid("virtualMachineId", "The virtual machine has been set up already."));
    }
    let wanted = Setup::read(estate, &request.body())?;
    wanted.apply(estate, id)?;
    Ok(estate.machine(id)?.resource())
}

/// What a machine becomes. Reading checks everything, so that a refused order changes nothing.
struct Setup<'a> {
    template: u64,
    data_center: u64,
    hostname: Option<&'a str>,
    resolvers: [Option<&'a str>; 2],
    scanner: bool,
    key: Option<Fields<'a>>,
}

impl<'a> Setup<'a> {
    fn read(estate: &Estate, fields: &Fields<'a>) -> Result<Self, Failure> {
        scripts::chosen(estate, fields)?;
        fields.optional_password("password", 12)?;
        fields.flag("enable_backups", true)?;
        let hostname = fields.optional_text("hostname")?;
        if hostname.is_some_and(|name| !is_hostname(name)) {
            return Err(fields.failure("hostname", "The hostname may hold letters, digits, hyphens and dots only."));
        }
        let key = fields.optional_object("public_key")?;
        if let Some(key) = &key {
            keys::check(key)?;
        }
        Ok(Self {
            template: templates::chosen(fields)?,
            data_center: templates::chosen_data_center(fields)?,
            hostname,
            resolvers: [fields.optional_text("ns1")?, fields.optional_text("ns2")?],
            scanner: fields.flag("install_monarx", false)?,
            key,
        })
    }

    fn apply(self, estate: &mut Estate, id: u64) -> Result<(), Failure> {
        let keys = self.key.map(|key| keys::store(estate, &key)).transpose()?.into_iter().collect();
        let disk = Disk { template: Some(self.template), keys, scanner: self.scanner, ..Disk::default() };
        let (action, now) = (estate.fresh_id(), estate.now);
        let machine = estate.machine(id)?;
        machine.data_center = Some(self.data_center);
        if let Some(hostname) = self.hostname {
            hostname.clone_into(&mut machine.hostname);
        }
        for (resolver, wanted) in machine.resolvers.iter_mut().zip(self.resolvers) {
            *resolver = wanted.map(str::to_owned).or(resolver.take());
        }
        machine.disk.template = disk.template;
        machine.order(action, Task::new("setup", Transition::Create).then(|machine, _| machine.disk = disk), now);
        Ok(())
    }
}
