//! Firewalls, their rules, and on which machines they are in force.

use super::Routes;
use super::actions::Task;
use super::estate::{Estate, find, take};
use super::machine::{Applied, Machine};
use super::outcome::{Failure, Outcome, accepted, answer};
use super::request::{Fields, Request};
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Post, Put};
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(super) const ROUTES: Routes = &[
    (Get, "/api/vps/v1/firewall", list),
    (Post, "/api/vps/v1/firewall", create),
    (Get, "/api/vps/v1/firewall/{firewallId}", details),
    (Delete, "/api/vps/v1/firewall/{firewallId}", delete),
    (Post, "/api/vps/v1/firewall/{firewallId}/rules", create_rule),
    (Put, "/api/vps/v1/firewall/{firewallId}/rules", replace_rules),
    (Put, "/api/vps/v1/firewall/{firewallId}/rules/{ruleId}", update_rule),
    (Delete, "/api/vps/v1/firewall/{firewallId}/rules/{ruleId}", delete_rule),
    (Post, "/api/vps/v1/firewall/{firewallId}/activate/{virtualMachineId}", activate),
    (Post, "/api/vps/v1/firewall/{firewallId}/deactivate/{virtualMachineId}", deactivate),
    (Post, "/api/vps/v1/firewall/{firewallId}/sync", sync_all),
    (Post, "/api/vps/v1/firewall/{firewallId}/sync/{virtualMachineId}", sync),
];

const PROTOCOLS: &[&str] =
    &["TCP", "UDP", "ICMP", "GRE", "any", "ESP", "AH", "ICMPv6", "SSH", "HTTP", "HTTPS", "MySQL", "PostgreSQL"];

pub(super) struct Firewall {
    id: u64,
    name: String,
    rules: Vec<Rule>,
    /// Counts the changes of the rules; a machine is in sync when it has this one.
    revision: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Clone, Serialize)]
struct Rule {
    id: u64,
    action: &'static str,
    protocol: &'static str,
    port: String,
    source: &'static str,
    source_detail: String,
}

impl Rule {
    fn accept(id: u64, protocol: &'static str, port: &str) -> Self {
        Self { id, action: "accept", protocol, port: port.to_owned(), source: "any", source_detail: "any".to_owned() }
    }

    fn read(id: u64, fields: &Fields<'_>) -> Result<Self, Failure> {
        let protocol = fields.choice("protocol", PROTOCOLS)?;
        let port = fields.text("port")?;
        if !is_port(port) {
            return Err(
                fields.failure("port", "The port must be a number from 1 to 65535, a range such as 1024:2048, or any.")
            );
        }
        let source = fields.choice("source", &["any", "custom"])?;
        let source_detail = fields.text("source_detail")?.to_owned();
        Ok(Self { id, action: "accept", protocol, port: port.to_owned(), source, source_detail })
    }
}

fn is_port(text: &str) -> bool {
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    match text.split_once([':', '-']) {
        None => text == "any" || number(text).is_some(),
        Some((first, last)) => number(first).zip(number(last)).is_some_and(|(first, last)| first <= last),
    }
}

impl Firewall {
    pub(super) fn seed(now: Timestamp) -> Vec<Self> {
        let web = vec![Rule::accept(711, "SSH", "22"), Rule::accept(712, "HTTPS", "443")];
        let at = now.days_ago(180);
        vec![Self { id: 701, name: "web".to_owned(), rules: web, revision: 1, created_at: at, updated_at: at }]
    }

    fn resource(&self, machines: &[Machine]) -> Value {
        let mut applied = machines.iter().filter_map(|machine| machine.firewall).filter(|it| it.firewall == self.id);
        json!({
            "id": self.id,
            "name": self.name,
            "is_synced": applied.all(|it| it.revision == self.revision),
            "rules": self.rules,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    fn changed(&mut self, now: Timestamp) {
        self.revision += 1;
        self.updated_at = now;
    }
}

fn firewall(estate: &mut Estate, id: u64) -> Result<&mut Firewall, Failure> {
    find(&mut estate.firewalls, "firewall", id, |firewall| firewall.id)
}

fn list(estate: &mut Estate, request: &Request) -> Outcome {
    let machines = &estate.machines;
    request.page(&estate.firewalls.iter().map(|firewall| firewall.resource(machines)).collect::<Vec<_>>())
}

fn details(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    firewall(estate, id)?;
    show(estate, id)
}

fn show(estate: &Estate, id: u64) -> Outcome {
    let firewall = estate.firewalls.iter().find(|firewall| firewall.id == id);
    Ok(firewall.ok_or_else(|| Failure::missing("firewall", id))?.resource(&estate.machines))
}

fn create(estate: &mut Estate, request: &Request) -> Outcome {
    let name = request.body().text("name")?.to_owned();
    let (id, now) = (estate.fresh_id(), estate.now);
    estate.firewalls.push(Firewall { id, name, rules: Vec::new(), revision: 1, created_at: now, updated_at: now });
    show(estate, id)
}

fn delete(estate: &mut Estate, request: &Request) -> Outcome {
    let id = take(&mut estate.firewalls, "firewall", request.number(0)?, |firewall| firewall.id)?.id;
    for machine in &mut estate.machines {
        machine.firewall.take_if(|applied| applied.firewall == id);
    }
    accepted()
}

fn create_rule(estate: &mut Estate, request: &Request) -> Outcome {
    let rule = Rule::read(estate.fresh_id(), &request.body())?;
    let now = estate.now;
    let firewall = firewall(estate, request.number(0)?)?;
    firewall.rules.push(rule.clone());
    firewall.changed(now);
    answer(rule)
}

fn update_rule(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(1)?;
    let now = estate.now;
    let firewall = firewall(estate, request.number(0)?)?;
    let rule = find(&mut firewall.rules, "firewall rule", id, |rule| rule.id)?;
    *rule = Rule::read(id, &request.body())?;
    let shown = answer(&*rule);
    firewall.changed(now);
    shown
}

fn delete_rule(estate: &mut Estate, request: &Request) -> Outcome {
    let now = estate.now;
    let firewall = firewall(estate, request.number(0)?)?;
    take(&mut firewall.rules, "firewall rule", request.number(1)?, |rule| rule.id)?;
    firewall.changed(now);
    accepted()
}

/// The description does not say what an entry looks like: an object or its JSON text is understood.
fn replace_rules(estate: &mut Estate, request: &Request) -> Outcome {
    let (body, id) = (request.body(), request.number(0)?);
    let sync = body.flag("sync", false)?;
    if !body.members().contains_key("rules") {
        return Err(body.failure("rules", "The rules are required; an empty list removes all."));
    }
    let entries: Vec<Map<String, Value>> = body
        .optional_list("rules")?
        .iter()
        .map(|entry| match entry {
            Value::Object(members) => Some(members.clone()),
            Value::String(text) => serde_json::from_str(text).ok(),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(|| body.failure("rules", "Every rule must be an object, or the JSON text of one."))?;
    let rules = entries
        .iter()
        .enumerate()
        .map(|(index, members)| Rule::read(estate.fresh_id(), &Fields::of(members, &format!("rules.{index}."))))
        .collect::<Result<_, _>>()?;
    let now = estate.now;
    let firewall = firewall(estate, id)?;
    firewall.rules = rules;
    firewall.changed(now);
    if sync {
        push_to_all(estate, id)?;
    }
    accepted()
}

fn activate(estate: &mut Estate, request: &Request) -> Outcome {
    let (id, machine) = (request.number(0)?, request.number(1)?);
    let task = push(estate, id, "activate_firewall")?;
    estate.act(machine, task)
}

fn deactivate(estate: &mut Estate, request: &Request) -> Outcome {
    let (id, machine) = (request.number(0)?, request.number(1)?);
    firewall(estate, id)?;
    in_force(estate, id, machine)?;
    let lift = move |machine: &mut Machine, _| {
        machine.firewall.take_if(|applied| applied.firewall == id);
    };
    estate.act(machine, Task::change("deactivate_firewall", lift))
}

fn sync(estate: &mut Estate, request: &Request) -> Outcome {
    let (id, machine) = (request.number(0)?, request.number(1)?);
    let task = push(estate, id, "sync_firewall")?;
    in_force(estate, id, machine)?;
    estate.act(machine, task)
}

fn sync_all(estate: &mut Estate, request: &Request) -> Outcome {
    push_to_all(estate, request.number(0)?)?;
    accepted()
}

fn push_to_all(estate: &mut Estate, id: u64) -> Result<(), Failure> {
    firewall(estate, id)?;
    let uses = |machine: &&Machine| machine.firewall.is_some_and(|applied| applied.firewall == id);
    let machines: Vec<u64> = estate.machines.iter().filter(uses).map(|machine| machine.id).collect();
    for machine in machines {
        let task = push(estate, id, "sync_firewall")?;
        estate.act(machine, task)?;
    }
    Ok(())
}

/// The task that brings the present rules of a firewall to a machine.
fn push(estate: &mut Estate, id: u64, name: &'static str) -> Result<Task, Failure> {
    let applied = Applied { firewall: id, revision: firewall(estate, id)?.revision };
    Ok(Task::change(name, move |machine, _| machine.firewall = Some(applied)))
}

fn in_force(estate: &mut Estate, id: u64, machine: u64) -> Result<(), Failure> {
    match estate.machine(machine)?.firewall {
        Some(applied) if applied.firewall == id => Ok(()),
        _ => Err(Failure::invalid("firewallId", "The firewall is not active on this virtual machine.")),
    }
}
