//! The tables. All data are invented (RFC 2606 names, RFC 5737 addresses).

use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// The tables there are.
const TABLES: &str = include_str!("../../../specs/vergeos/tables.json");

/// The rows of a table by key.
pub(super) type Rows = BTreeMap<i64, Value>;

/// How long a guest takes to shut down, in seconds.
const SHUTDOWN: i64 = 5;

/// The guest that ignores being asked to shut down.
const STUBBORN: &str = "legacy-db";

/// Everything the system knows.
pub(super) struct Estate {
    now: i64,
    tables: HashMap<String, Rows>,
    /// When machines are off that are shutting down.
    stopping: BTreeMap<i64, i64>,
}

impl Estate {
    pub(super) fn new(now: i64) -> Self {
        let mut estate = Self { now, tables: HashMap::new(), stopping: BTreeMap::new() };
        // Tables that are empty so far exist all the same.
        let known: Value = serde_json::from_str(TABLES).unwrap_or_default();
        for table in known["tables"].as_array().into_iter().flatten().filter_map(|table| table["table"].as_str()) {
            estate.tables.insert(table.to_owned(), Rows::new());
        }
        estate.fill();
        estate
    }

    fn fill(&mut self) {
        let now = self.now;
        let vms = [
            ("web-1", 4, 8_192, true),
            ("web-2", 4, 8_192, true),
            ("build", 8, 16_384, false),
            (STUBBORN, 2, 4_096, true),
        ];
        for (index, (name, cores, ram, running)) in (0_i64..).zip(vms) {
            let (vm, machine) = (index + 1, index + 101);
            self.put(
                "vms",
                vm,
                json!({ "name": name, "description": format!("{name}.example.com"), "enabled": true,
                "machine": machine, "cpu_cores": cores, "ram": ram, "os_family": "linux", "is_snapshot": false,
                "machine_type": "q35", "console_pass": "not-to-be-seen", "created": now - 86_400 * (40 + index),
                "modified": now - 3_600 }),
            );
            self.put_machine(machine, name, running);
            self.put(
                "machine_drives",
                index + 201,
                json!({ "name": "disk0", "machine": machine, "interface": "virtio-scsi",
                "disksize": 42_949_672_960_i64, "enabled": true, "media": "disk", "description": "system" }),
            );
            self.put(
                "machine_nics",
                index + 301,
                json!({ "name": "nic0", "machine": machine, "vnet": 2,
                "macaddress": format!("f0:db:30:00:00:{index:02x}"), "ipaddress": format!("192.0.2.{}", 10 + index),
                "interface": "virtio", "enabled": true }),
            );
        }
        self.put(
            "machine_snapshots",
            401,
            json!({ "name": "before-upgrade", "machine": 101, "description": "by hand",
            "created": now - 86_400, "expires_type": "date", "expires": now + 6 * 86_400, "quiesced": false }),
        );
        for (key, name, kind, network) in
            [(1, "External", "external", "198.51.100.0/24"), (2, "Internal", "internal", "192.0.2.0/24")]
        {
            self.put(
                "vnets",
                key,
                json!({ "name": name, "type": kind, "network": network, "enabled": true,
                "description": "", "machine": key + 110, "mtu": 1_500, "dhcp_enabled": kind == "internal",
                "need_fw_apply": false, "need_dns_apply": false, "need_restart": false }),
            );
            self.put_machine(key + 110, name, true);
        }
        self.put(
            "tenants",
            1,
            json!({ "name": "acme", "description": "A tenant", "url": "https://acme.example.com",
            "uuid": "00000000-0000-4000-8000-000000000001", "password": "not-to-be-seen", "isolate": false,
            "is_snapshot": false, "status": 1, "vnet": 2 }),
        );
        self.put("tenant_status", 1, json!({ "status": "online", "running": true, "state": "online" }));
        for key in [1_i64, 2] {
            let name = format!("node{key}");
            self.put(
                "nodes",
                key,
                json!({ "name": name, "model": "Example 1U", "cores": 32, "ram": 262_144,
                "vm_ram": 200_000, "cluster": 1, "machine": key + 120, "maintenance": false, "need_restart": false }),
            );
            self.put_machine(key + 120, &name, true);
            self.put(
                "machine_stats",
                key,
                json!({ "machine": key + 120, "timestamp": now, "total_cpu": 12, "ram_used": 81_920,
                "ram_pct": 31, "core_temp": 48 }),
            );
        }
        self.put("tag_categories", 1, json!({ "name": "tier", "description": "How much depends on it" }));
        self.put("tags", 1, json!({ "name": "gold", "category": 1, "description": "" }));
        self.put("tag_members", 1, json!({ "tag": 1, "member": "vms/2" }));
        self.put(
            "cluster_status",
            1,
            json!({ "cluster": 1, "status": "online", "state": "online", "total_nodes": 2,
            "online_nodes": 2, "total_cores": 64, "used_cores": 18, "total_ram": 524_288, "used_ram": 36_864,
            "running_machines": 3, "token": "not-to-be-seen" }),
        );
        self.put(
            "cluster_tier_stats",
            1,
            json!({ "tier": 1, "rops": 120, "wops": 80, "rbps": 1_048_576, "wbps": 524_288, "secret": "not-to-be-seen" }),
        );
        self.put(
            "alarms",
            1,
            json!({ "level": "warning", "status": "Drive 3 of node2 reports many errors", "owner": 2,
            "owner_type": "nodes", "resolvable": true, "created": now - 7_200, "psk": "not-to-be-seen" }),
        );
        self.put(
            "volumes",
            1,
            json!({ "id": "0123456789abcdef0123456789abcdef01234567", "name": "share", "enabled": true,
            "fs_type": "ext4", "maxsize": 107_374_182_400_i64 }),
        );
        let logs = [
            ("audit", "vm", "web-1", "VM web-1 was started"),
            ("error", "node", "node2", "Drive 3 read error"),
            ("message", "vnet", "Internal", "Network Internal was changed"),
        ];
        for (key, (level, kind, name, text)) in (1_i64..).zip(logs) {
            self.put(
                "logs",
                key,
                json!({ "level": level, "text": text, "user": "admin", "object_type": kind,
                "object_name": name, "timestamp": now - 600 + 60 * key }),
            );
        }
    }

    fn put(&mut self, table: &str, key: i64, mut row: Value) {
        row["$key"] = key.into();
        self.tables.entry(table.to_owned()).or_default().insert(key, row);
    }

    fn put_machine(&mut self, key: i64, name: &str, running: bool) {
        self.put("machines", key, json!({ "name": name, "status": key }));
        let status = if running { "running" } else { "stopped" };
        self.put(
            "machine_status",
            key,
            json!({ "machine": key, "running": running, "status": status, "status_info": "",
            "migratable": running }),
        );
    }

    /// Brings the estate to the present.
    pub(super) fn advance(&mut self, now: i64) {
        self.now = now;
        let done: Vec<i64> = self.stopping.iter().filter(|(_, at)| **at <= now).map(|(machine, _)| *machine).collect();
        for machine in done {
            self.set_running(machine, false);
        }
    }

    pub(super) fn rows(&self, table: &str) -> Option<&Rows> {
        self.tables.get(table)
    }

    /// A row by its key, or by its `id` in the tables that go by that.
    pub(super) fn find(&self, table: &str, key: &str) -> Option<&Value> {
        let rows = self.tables.get(table)?;
        match key.parse() {
            Ok(key) => rows.get(&key),
            Err(_) => rows.values().find(|row| row.get("id").is_some_and(|id| id == key)),
        }
    }

    pub(super) fn find_mut(&mut self, table: &str, key: &str) -> Option<&mut Value> {
        let key = self.find(table, key)?.get("$key")?.as_i64()?;
        self.tables.get_mut(table)?.get_mut(&key)
    }

    /// Adds a row; its key. None where there is no such table.
    pub(super) fn insert(&mut self, table: &str, row: Value) -> Option<i64> {
        let last = self.tables.get(table)?.keys().next_back().copied().unwrap_or(0);
        let mut row = row;
        row["created"] = self.now.into();
        self.put(table, last + 1, row);
        Some(last + 1)
    }

    pub(super) fn remove(&mut self, table: &str, key: &str) -> bool {
        let key = self.find(table, key).and_then(|row| row.get("$key")?.as_i64());
        key.zip(self.tables.get_mut(table)).is_some_and(|(key, rows)| rows.remove(&key).is_some())
    }

    /// A column of a row; `machine#status#running` goes on in the rows that the columns point to.
    pub(super) fn column(&self, row: &Value, column: &str) -> Value {
        let Some((first, rest)) = column.split_once('#') else {
            return row.get(column).cloned().unwrap_or_default();
        };
        let table = match first {
            "machine" => "machines",
            "status" if row.get("uuid").is_some() => "tenant_status",
            "status" => "machine_status",
            "vnet" => "vnets",
            "tag" => "tags",
            _ => return Value::Null,
        };
        let key = row.get(first).and_then(Value::as_i64);
        let next = key.and_then(|key| self.tables.get(table)?.get(&key));
        next.map_or(Value::Null, |next| self.column(next, rest))
    }

    /// Whether the VM of this key runs.
    pub(super) fn is_running(&self, vm: &str) -> bool {
        self.find("vms", vm).is_some_and(|row| self.column(row, "machine#status#running") == true)
    }

    /// Asks the guest of a machine to shut down.
    pub(super) fn ask_to_stop(&mut self, machine: i64) {
        let name = self.tables["machines"].get(&machine).and_then(|row| row.get("name")?.as_str());
        if name != Some(STUBBORN) {
            self.stopping.entry(machine).or_insert(self.now + SHUTDOWN);
            self.set_status(machine, "stopping");
        }
    }

    pub(super) fn set_running(&mut self, machine: i64, running: bool) {
        self.stopping.remove(&machine);
        self.set_status(machine, if running { "running" } else { "stopped" });
        if let Some(row) = self.tables.get_mut("machine_status").and_then(|rows| rows.get_mut(&machine)) {
            row["running"] = running.into();
        }
    }

    fn set_status(&mut self, machine: i64, status: &str) {
        if let Some(row) = self.tables.get_mut("machine_status").and_then(|rows| rows.get_mut(&machine)) {
            row["status"] = status.into();
        }
    }
}
