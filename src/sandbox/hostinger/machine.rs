use super::actions::Action;
use super::backups::{Backup, Snapshot};
use super::docker::Project;
use super::templates;
use crate::sandbox::clock::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Running,
    Starting,
    Stopping,
    Stopped,
    Creating,
    /// Bought, but not set up.
    Initial,
    Recreating,
    Restoring,
    Recovery,
    StoppingRecovery,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Address {
    pub(super) id: u64,
    pub(super) address: String,
    pub(super) ptr: Option<String>,
}

/// The size that a plan gives a machine; memory, disk and monthly traffic in megabytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) cpus: u64,
    pub(super) memory: u64,
    pub(super) disk: u64,
    pub(super) bandwidth: u64,
}

pub(super) const SMALL: Plan = Plan { name: "KVM 1", cpus: 1, memory: 4096, disk: 51_200, bandwidth: 4_194_304 };
pub(super) const MEDIUM: Plan = Plan { name: "KVM 2", cpus: 2, memory: 8192, disk: 102_400, bandwidth: 8_388_608 };
pub(super) const LARGE: Plan = Plan { name: "KVM 4", cpus: 4, memory: 16_384, disk: 204_800, bandwidth: 16_777_216 };

/// What an installation, a backup or a snapshot brings and a recreation wipes.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub(super) template: Option<u64>,
    pub(super) projects: Vec<Project>,
    /// Numbers of the public keys that may log in.
    pub(super) keys: Vec<u64>,
    pub(super) scanner: bool,
}

/// The firewall in force on a machine, and which revision of its rules arrived there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applied {
    pub(super) firewall: u64,
    pub(super) revision: u64,
}

pub(super) struct Machine {
    pub(super) id: u64,
    pub(super) subscription: String,
    pub(super) plan: Plan,
    pub(super) hostname: String,
    pub(super) state: State,
    pub(super) data_center: Option<u64>,
    pub(super) resolvers: [Option<String>; 2],
    pub(super) ipv4: Vec<Address>,
    pub(super) ipv6: Vec<Address>,
    pub(super) created_at: Timestamp,
    pub(super) disk: Disk,
    pub(super) firewall: Option<Applied>,
    pub(super) snapshot: Option<Snapshot>,
    pub(super) backups: Vec<Backup>,
    /// Oldest first.
    pub(super) actions: Vec<Action>,
}

impl Machine {
    /// A machine that is bought but not set up. `host` (1 to 254) is the last part of its addresses.
    pub(super) fn bought(id: u64, plan: Plan, subscription: String, host: u64, now: Timestamp) -> Self {
        let default = default_hostname(id);
        let address = |id, address| Address { id, address, ptr: Some(default.clone()) };
        Self {
            id,
            subscription,
            plan,
            state: State::Initial,
            data_center: None,
            resolvers: ["192.0.2.53", "198.51.100.53"].map(|address| Some(address.to_owned())),
            ipv4: vec![address(id * 10 + 4, format!("203.0.113.{host}"))],
            ipv6: vec![address(id * 10 + 6, format!("2001:db8::{host:x}"))],
            created_at: now,
            disk: Disk::default(),
            firewall: None,
            snapshot: None,
            backups: Vec::new(),
            actions: Vec::new(),
            hostname: default,
        }
    }

    pub(super) fn addresses(&mut self) -> impl Iterator<Item = &mut Address> {
        self.ipv4.iter_mut().chain(&mut self.ipv6)
    }

    /// The machine as the provider shows it.
    pub(super) fn resource(&self) -> Value {
        let [ns1, ns2] = &self.resolvers;
        json!({
            "id": self.id,
            "firewall_group_id": self.firewall.map(|applied| applied.firewall),
            "subscription_id": self.subscription,
            "data_center_id": self.data_center,
            "plan": self.plan.name,
            "hostname": self.hostname,
            "state": self.state,
            "actions_lock": if self.is_locked() { "locked" } else { "unlocked" },
            "cpus": self.plan.cpus,
            "memory": self.plan.memory,
            "disk": self.plan.disk,
            "bandwidth": self.plan.bandwidth,
            "ns1": ns1,
            "ns2": ns2,
            "ipv4": self.ipv4,
            "ipv6": self.ipv6,
            "template": self.disk.template.and_then(templates::find),
            "created_at": self.created_at,
        })
    }
}

/// The hostname that a machine has until somebody sets another.
pub(super) fn default_hostname(id: u64) -> String {
    format!("srv{id}.hosts.example")
}
