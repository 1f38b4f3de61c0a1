//! What the simulated server knows when it starts. Everything is invented.

use serde_json::{Map, Value, json};

/// Objects by the collection they are listed in, in listing order.
pub(super) type Collections = Vec<(&'static str, Vec<Value>)>;

/// An id of the estate: the kind as its first digits, then the number of the object.
pub(super) fn id(kind: u32, number: u32) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

const GIB: u64 = 1 << 30;

/// The machine whose guest does not react to being asked to shut down.
pub(super) const DEAF: u32 = 7;

/// A pool of two hosts with shared storage, seven machines, and a backup job. `now` is in milliseconds since 1970.
pub(super) fn collections(now: i64) -> Collections {
    let (pool, network, shared) = (id(1, 1), id(4, 1), id(5, 1));
    let hosts: Vec<String> = [1, 2].map(|number| id(2, number)).to_vec();
    let at = |container: &str, mut object: Value| {
        let id = object["id"].clone();
        object["uuid"] = id;
        object["$pool"] = json!(pool);
        object["$poolId"] = json!(pool);
        if !container.is_empty() {
            object["$container"] = json!(container);
        }
        object
    };
    let host = |number: usize, enabled: bool| {
        at(
            "",
            json!({
                "type": "host", "id": hosts[number - 1], "name_label": format!("host-{number}.example.com"),
                "name_description": "", "hostname": format!("host-{number}"), "productBrand": "XCP-ng", "version": "8.3.0",
                "power_state": "Running", "enabled": enabled, "address": format!("192.0.2.{}", 10 + number),
                "memory": { "size": 64 * GIB, "usage": 21 * GIB }, "cpus": { "cores": 16, "sockets": 2 },
                "rebootRequired": number == 2, "current_operations": {}, "tags": [],
            }),
        )
    };
    let vm = |number: u32, name: &str, state: &str, cpus: u32, memory: u64, host: usize, tags: Value| {
        let container = if state == "Halted" { &pool } else { &hosts[host - 1] };
        let running = state == "Running";
        at(
            container,
            json!({
                "type": "VM", "id": id(3, number), "name_label": name, "name_description": "", "power_state": state,
                "CPUs": { "max": cpus, "number": if running { cpus } else { 0 } },
                "memory": { "size": memory * GIB, "dynamic": [memory * GIB, memory * GIB] },
                "mainIpAddress": if running { json!(format!("198.51.100.{}", 20 + number)) } else { Value::Null },
                "os_version": { "name": "Debian GNU/Linux 12", "distro": "debian" }, "auto_poweron": number < 4,
                "tags": tags, "snapshots": [], "$VBDs": [id(7, number)], "VIFs": [id(8, number)], "current_operations": {},
                "blockedOperations": {}, "startTime": if running { json!(now / 1000 - 86_400) } else { Value::Null },
            }),
        )
    };
    let disk = |number: u32, name: &str, size: u64, used: u64| {
        at(
            "",
            json!({
                "type": "VDI", "id": id(6, number), "name_label": name, "name_description": "", "VDI_type": "user",
                "size": size * GIB, "usage": used * GIB, "$SR": shared, "$VBDs": [id(7, number)], "tags": [],
                "snapshots": [], "cbt_enabled": false, "missing": false, "current_operations": {},
            }),
        )
    };
    let storage = |number: u32, name: &str, kind: &str, size: u64, used: u64, container: &str| {
        at(
            container,
            json!({
                "type": "SR", "id": id(5, number), "name_label": name, "name_description": "", "SR_type": kind,
                "content_type": if kind == "iso" { "iso" } else { "user" }, "size": size * GIB,
                "physical_usage": used * GIB, "usage": 2 * used * GIB, "shared": container == pool,
                "allocationStrategy": "thin", "VDIs": [], "tags": [],
            }),
        )
    };
    let machines = [
        ("web-1", "Running", 2, 4, 1),
        ("web-2", "Running", 2, 4, 2),
        ("db-1", "Running", 8, 32, 1),
        ("build-1", "Halted", 4, 8, 1),
        ("test-1", "Suspended", 2, 4, 2),
        ("old-mail", "Halted", 1, 2, 1),
        ("kiosk-1", "Running", 1, 2, 2),
    ];
    let numbered = || (1..).zip(machines);
    let tags =
        |name: &str| if name.starts_with("web") || name.starts_with("db") { json!(["production"]) } else { json!([]) };
    vec![
        ("pools", vec![json!({
            "type": "pool", "id": pool, "uuid": pool, "name_label": "example", "name_description": "A pool to try things",
            "auto_poweron": true, "HA_enabled": false, "master": hosts[0], "default_SR": shared,
            "cpus": { "cores": 32, "sockets": 4 }, "platform_version": "3.4.0", "tags": [], "$pool": pool, "$poolId": pool,
        })]),
        ("hosts", vec![host(1, true), host(2, true)]),
        ("vms", numbered().map(|(number, (name, state, cpus, memory, host))| {
            vm(number, name, state, cpus, memory, host, tags(name))
        }).collect()),
        ("vm-snapshots", Vec::new()),
        ("vm-templates", vec![at(&pool, json!({
            "type": "VM-template", "id": id(9, 1), "name_label": "Debian Bookworm 12", "isDefaultTemplate": true,
            "power_state": "Halted", "CPUs": { "max": 1, "number": 0 }, "memory": { "size": 2 * GIB }, "tags": [],
        }))]),
        ("networks", vec![at("", json!({
            "type": "network", "id": network, "name_label": "Servers", "name_description": "", "bridge": "xenbr0",
            "MTU": 1500, "nbd": false, "automatic": false, "PIFs": [], "VIFs": [], "tags": [],
        }))]),
        ("srs", vec![
            storage(1, "Shared storage", "nfs", 4096, 900, &pool),
            storage(2, "Local storage", "ext", 400, 60, &hosts[0]),
            storage(3, "ISO images", "iso", 100, 12, &pool),
        ]),
        ("vdis", numbered().map(|(number, (name, ..))| disk(number, &format!("{name} system"), 50, 18)).collect()),
        ("vbds", numbered().map(|(number, (_, state, ..))| at("", json!({
            "type": "VBD", "id": id(7, number), "device": "xvda", "attached": state == "Running", "bootable": true,
            "is_cd_drive": false, "position": "0", "read_only": false, "VM": id(3, number), "VDI": id(6, number),
        }))).collect()),
        ("vifs", numbered().map(|(number, (_, state, ..))| at("", json!({
            "type": "VIF", "id": id(8, number), "device": "0", "attached": state == "Running", "MTU": 1500,
            "MAC": format!("02:00:00:00:00:{number:02x}"), "$VM": id(3, number), "$network": network,
        }))).collect()),
        ("tasks", Vec::new()),
        ("messages", vec![at("", json!({
            "type": "message", "id": id(10, 1), "name": "VM_STARTED", "body": "VM 'web-1' has started",
            "time": now / 1000 - 86_400, "$object": id(3, 1),
        }))]),
        ("alarms", vec![at("", json!({
            "type": "message", "id": id(11, 1), "name": "ALARM", "time": now / 1000 - 3_600,
            "body": { "name": "physical_utilisation", "value": "0.91" }, "object": { "type": "SR", "uuid": id(5, 2) },
        }))]),
        ("backup-jobs", vec![json!({
            "id": id(12, 1), "name": "Nightly", "type": "backup", "mode": "delta", "vms": { "tags": ["production"] },
        })]),
        ("schedules", vec![json!({
            "id": id(13, 1), "name": "Every night", "enabled": true, "cron": "0 2 * * *", "timezone": "UTC",
            "jobId": id(12, 1),
        })]),
        ("backup-logs", (1..=3).map(|night| log(night, now - i64::from(night) * 86_400_000)).collect()),
    ]
}

/// A run of the backup job; the second one failed.
pub(super) fn log(number: u32, start: i64) -> Value {
    let status = if number == 2 { "failure" } else { "success" };
    let mut log = Map::from_iter(
        [("status", json!(status)), ("start", json!(start)), ("end", json!(start + 600_000))]
            .map(|(name, value)| (name.to_owned(), value)),
    );
    log.insert("id".to_owned(), json!(id(14, number)));
    log.insert("jobId".to_owned(), json!(id(12, 1)));
    log.insert("jobName".to_owned(), json!("Nightly"));
    log.insert("message".to_owned(), json!("backup"));
    log.into()
}
