//! The machines of two customers, and what power does to them.

use super::guest::Guest;
use super::refusal::{Outcome, invalid, refuse};
use crate::sandbox::clock::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a clean start or end takes.
const CHANGE: Duration = Duration::from_secs(5);

/// What can be installed: number and name.
pub(super) const TEMPLATES: [(u64, &str); 4] =
    [(7, "Ubuntu 22.04"), (8, "Ubuntu 24.04"), (12, "Debian 12"), (15, "AlmaLinux 9")];

/// Whether a machine is on, and what it is about to become.
#[derive(Debug, Clone, Copy)]
pub(super) struct Power {
    on: bool,
    /// When the change to the other state is complete.
    changes: Option<Timestamp>,
}

impl Power {
    fn steady(on: bool) -> Self {
        Self { on, changes: None }
    }

    pub(super) fn word(self, now: Timestamp) -> &'static str {
        match (self.on, self.changes.is_some_and(|done| done > now)) {
            (true, false) => "running",
            (false, false) => "stopped",
            (true, true) => "starting",
            (false, true) => "stopping",
        }
    }
}

pub(super) struct Machine {
    pub(super) id: String,
    pub(super) hostname: String,
    pub(super) customer: u32,
    pub(super) status: &'static str,
    pub(super) opted_in: bool,
    pub(super) held_off: bool,
    pub(super) controls: bool,
    pub(super) deaf: bool,
    pub(super) power: Power,
    pub(super) template: u64,
    pub(super) created: Timestamp,
    pub(super) guest: Guest,
    /// Where it stands in the estate, for addresses and REST.
    pub(super) number: usize,
}

/// Id, hostname, customer, and what is special.
const ESTATE: [(&str, &str, u32, &str); 9] = [
    ("ins::abc123", "my-server", 1, "opted-in"),
    ("ins::4kq0v7m2xa", "production-web", 1, "opted-in"),
    ("ins::9tz1c5r8he", "production-db", 1, ""),
    ("ins::2mb6w3y0pd", "staging", 1, "off"),
    ("ins::7fj4n1u9ks", "builder", 1, "opted-in bare deaf"),
    ("ins::0xs8g6e2ql", "archive", 1, "suspended"),
    ("ins::5rv3a9d7ti", "legacy", 1, "no-controls"),
    ("ins::8wd2k6p4zc", "my-server", 2, "opted-in"),
    ("ins::3hy7b1t5nm", "production-web", 2, ""),
];

pub(super) fn estate(now: Timestamp) -> Vec<Machine> {
    let machine = |(number, (id, hostname, customer, special)): (usize, &(&str, &str, u32, &'static str))| {
        let is = |word| special.split(' ').any(|known| known == word);
        Machine {
            id: (*id).to_owned(),
            hostname: (*hostname).to_owned(),
            customer: *customer,
            status: if is("suspended") { "suspended" } else { "active" },
            opted_in: is("opted-in"),
            held_off: false,
            controls: !is("no-controls"),
            deaf: is("deaf"),
            power: Power::steady(!is("off") && !is("suspended")),
            template: 7,
            created: now.days_ago(90),
            guest: guest(hostname, if is("bare") { vec!["curl"] } else { Vec::new() }),
            number,
        }
    };
    ESTATE.iter().enumerate().map(machine).collect()
}

fn guest(hostname: &str, lacks: Vec<&'static str>) -> Guest {
    let mut guest = Guest { hostname: hostname.to_owned(), lacks, ..Guest::default() };
    guest.put("/etc/hostname", format!("{hostname}\n"), "0644", "root");
    guest.put("/etc/os-release", "NAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\n", "0644", "root");
    guest
}

impl Machine {
    pub(super) fn ipv4(&self) -> String {
        format!("192.0.2.{}", 10 + self.number)
    }

    fn summary(&self, now: Timestamp) -> Value {
        json!({
            "id": self.id, "hostname": self.hostname, "status": self.status, "location": "Las Vegas",
            "plan": "KVM-2G", "primary_ipv4": self.ipv4(), "primary_ipv6": format!("2001:db8::{}", 10 + self.number),
            "mcp_exec_enabled": self.opted_in, "power_state": self.power.word(now),
            "power_controls_supported": self.controls,
        })
    }

    /// Everything about the machine; the password is for the relay to keep to itself.
    pub(super) fn details(&self, now: Timestamp) -> Value {
        let mut vm = self.summary(now);
        let template = json!({ "id": self.template, "name": template(self.template) });
        for (name, value) in [
            ("vcpu", json!(2)),
            ("ram_mb", json!(2048)),
            ("disk_gb", json!(40)),
            ("bandwidth_gb", json!(4000)),
            ("template", template),
            ("created_at", json!(self.created)),
        ] {
            vm[name] = value;
        }
        json!({ "vm": vm })
    }

    pub(super) fn is_running(&self, now: Timestamp) -> bool {
        self.power.word(now) == "running"
    }

    /// Carries out a power action. Whether commands end cleanly, are torn off, or go on is for the caller.
    pub(super) fn switch(&mut self, action: &str, now: Timestamp) -> Outcome {
        let running = self.power.on;
        let later = Some(now + CHANGE);
        self.power = match action {
            "start" if running => self.power,
            "start" => Power { on: true, changes: later },
            "shutdown" if !running || self.deaf => self.power,
            "shutdown" => Power { on: false, changes: later },
            "stop" => Power::steady(false),
            "reboot" | "reset" if !running => {
                return Err(refuse("vm_state_blocked", "The machine is off.").with("status", json!(self.status)));
            }
            "reboot" => Power { on: true, changes: later },
            "reset" => Power::steady(true),
            other => return Err(invalid(format!("{other} is no power action."))),
        };
        Ok(json!({
            "vm_id": self.id, "action": action, "accepted": true, "power_state": self.power.word(now),
        }))
    }

    /// Puts another system on the machine. The password is shown this once.
    pub(super) fn reinstall(&mut self, template_id: u64, password: &str) -> Value {
        self.template = template_id;
        self.guest = guest(&self.hostname, Vec::new());
        self.opted_in = false;
        self.power = Power::steady(true);
        json!({
            "vm_id": self.id, "template_id": template_id, "rootpw": password, "default_user": "root",
            "power_state": "running",
        })
    }
}

pub(super) fn template(id: u64) -> Option<&'static str> {
    TEMPLATES.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

pub(super) fn templates() -> Value {
    let templates = TEMPLATES.iter().map(|(id, name)| {
        json!({ "id": id, "name": name, "description": format!("{name}, 64 bit"), "default_username": "root" })
    });
    json!({ "templates": templates.collect::<Vec<_>>() })
}

pub(super) fn list<'m>(machines: impl Iterator<Item = &'m Machine>, now: Timestamp) -> Value {
    json!({ "vms": machines.map(|machine| machine.summary(now)).collect::<Vec<_>>() })
}

/// The place of the machine that a reference means: its id, its exact hostname, or the beginning of one hostname alone.
pub(super) fn find(machines: &[Machine], customer: u32, reference: &str) -> Result<usize, super::refusal::Refusal> {
    if reference.is_empty() {
        return Err(invalid("vm_id is empty."));
    }
    let own = || machines.iter().enumerate().filter(|(_, machine)| machine.customer == customer);
    let exact = own().find(|(_, machine)| machine.id == reference || machine.hostname == reference);
    if let Some((at, _)) = exact {
        return Ok(at);
    }
    let fitting: Vec<(usize, &Machine)> =
        own().filter(|(_, machine)| machine.hostname.starts_with(reference)).collect();
    match fitting[..] {
        [(at, _)] => Ok(at),
        [] => Err(refuse("vm_not_found", "No machine of this account has that id or name.")),
        _ => {
            let matches = fitting.iter().map(|(_, vm)| json!({ "id": vm.id, "hostname": vm.hostname })).collect();
            Err(refuse("vm_not_found", "Several machines begin like that.").with("matches", Value::Array(matches)))
        }
    }
}
