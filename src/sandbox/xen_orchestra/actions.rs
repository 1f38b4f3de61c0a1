//! What can be done to an object: at once, though the task that tells of it takes its time. Only a guest that is asked
//! to shut down takes as long as its task.

use super::answer::{Answer, refuse};
use super::request::Request;
use super::{State, inventory};
use serde_json::{Value, json};

/// What came of an action: something that was made, or nothing but the deed; else why it is impossible.
type Outcome = Result<Option<String>, String>;

impl State {
    /// None where the estate does not know the action.
    pub(super) fn act(&mut self, collection: &str, id: &str, action: &str, request: &Request) -> Option<Answer> {
        let outcome = match (collection, action) {
            ("vms", "snapshot") => Ok(Some(self.snapshot(id, request.text("name_label")))),
            ("vms", "clone") => Ok(Some(self.clone_vm(id, request.body.pointer("/name_label")))),
            ("vms", "revert_snapshot") => self.revert(id, request.text("snapshotId")),
            ("vms", "migrate") => self.migrate(id, request.text("hostId")),
            ("vms", power) => self.power(id, power, request.flag("sync"))?,
            ("hosts", "enable" | "disable") => {
                self.change("hosts", id, |host| host["enabled"] = json!(action == "enable"));
                Ok(None)
            }
            ("vdis", "migrate") => self.move_disk(id, request.text("srId")),
            ("tasks", "abort") => {
                self.change("tasks", id, |task| task["status"] = json!("interrupted"));
                Ok(None)
            }
            ("schedules", "run") => {
                let run = inventory::log(u32::try_from(self.of("backup-logs").len()).unwrap_or(0) + 1, self.now);
                self.add("backup-logs", run);
                Ok(None)
            }
            ("srs", "scan" | "reclaim_space") | ("hosts", "restart_toolstack" | "scan_pifs") => Ok(None),
            _ => return None,
        };
        Some(match outcome {
            Err(reason) => refuse(400, &reason),
            Ok(made) if request.flag("sync") => match made {
                Some(id) => Answer::Json(201, json!({ "id": id })),
                None => Answer::Done,
            },
            Ok(made) => self.task(id, action, made),
        })
    }

    fn task(&mut self, object: &str, action: &str, made: Option<String>) -> Answer {
        let id = self.new_id();
        let mut task = json!({
            "id": id, "status": "pending", "progress": 0, "start": self.now, "updatedAt": self.now,
            "properties": { "name": format!("REST API: {action}"), "method": action, "objectId": object },
        });
        if let Some(made) = made {
            task["result"] = json!({ "id": made });
        }
        self.add("tasks", task);
        Answer::Json(202, json!({ "taskId": id }))
    }

    /// None where there is no such action.
    fn power(&mut self, id: &str, action: &str, sync: bool) -> Option<Outcome> {
        let (from, to): (&[&str], &str) = match action {
            "start" => (&["Halted"], "Running"),
            "clean_shutdown" => (&["Running"], "Halted"),
            "hard_shutdown" => (&["Running", "Paused", "Suspended"], "Halted"),
            "clean_reboot" | "hard_reboot" => (&["Running"], "Running"),
            "suspend" => (&["Running"], "Suspended"),
            "resume" => (&["Suspended"], "Running"),
            "pause" => (&["Running"], "Paused"),
            "unpause" => (&["Paused"], "Running"),
            _ => return None,
        };
        let state = self.find("vms", id).map_or("", |vm| vm["power_state"].as_str().unwrap_or_default()).to_owned();
        if !from.contains(&state.as_str()) {
            return Some(Err(format!("{action} needs a machine that is {}; this one is {state}", from.join(" or "))));
        }
        match action {
            "clean_shutdown" if !sync => return Some(Ok(None)),
            "clean_shutdown" if id == inventory::id(3, inventory::DEAF) => {
                return Some(Err("the guest does not react".to_owned()));
            }
            "hard_shutdown" => self.finish_shutdowns(id),
            _ => {}
        }
        self.set_power(id, to);
        Some(Ok(None))
    }

    pub(super) fn set_power(&mut self, id: &str, state: &str) {
        let (host, pool) = (inventory::id(2, 1), inventory::id(1, 1));
        self.change("vms", id, |vm| {
            vm["power_state"] = json!(state);
            if state == "Halted" {
                vm["$container"] = json!(pool);
            } else if vm["$container"] == json!(pool) {
                vm["$container"] = json!(host);
            }
        });
    }

    fn snapshot(&mut self, id: &str, name: Option<&str>) -> String {
        let made = self.new_id();
        let mut snapshot = self.find("vms", id).cloned().unwrap_or_default();
        if let Some(name) = name {
            snapshot["name_label"] = json!(name);
        }
        snapshot["type"] = json!("VM-snapshot");
        snapshot["id"] = json!(made);
        snapshot["uuid"] = json!(made);
        snapshot["$snapshot_of"] = json!(id);
        snapshot["snapshot_time"] = json!(self.now / 1000);
        self.add("vm-snapshots", snapshot);
        self.change("vms", id, |vm| {
            if let Some(snapshots) = vm["snapshots"].as_array_mut() {
                snapshots.push(json!(made));
            }
        });
        made
    }

    fn clone_vm(&mut self, id: &str, name: Option<&Value>) -> String {
        let made = self.new_id();
        let mut copy = self.find("vms", id).cloned().unwrap_or_default();
        let label = copy["name_label"].as_str().unwrap_or_default();
        copy["name_label"] = name.cloned().unwrap_or_else(|| json!(format!("{label} (copy)")));
        copy["id"] = json!(made);
        copy["uuid"] = json!(made);
        copy["power_state"] = json!("Halted");
        copy["snapshots"] = json!([]);
        self.add("vms", copy);
        made
    }

    fn revert(&mut self, id: &str, snapshot: Option<&str>) -> Outcome {
        let snapshot = snapshot.and_then(|snapshot| self.find("vm-snapshots", snapshot));
        let Some(snapshot) = snapshot.filter(|snapshot| snapshot["$snapshot_of"] == id).cloned() else {
            return Err("snapshotId names no snapshot of this machine".to_owned());
        };
        self.change("vms", id, |vm| {
            for kept in ["memory", "CPUs", "tags", "power_state"] {
                vm[kept] = snapshot[kept].clone();
            }
        });
        Ok(None)
    }

    fn migrate(&mut self, id: &str, host: Option<&str>) -> Outcome {
        let host = host.filter(|host| self.find("hosts", host).is_some_and(|host| host["enabled"] == true));
        let host = host.ok_or("hostId names no host that takes machines")?.to_owned();
        self.change("vms", id, |vm| vm["$container"] = json!(host));
        Ok(None)
    }

    fn move_disk(&mut self, id: &str, storage: Option<&str>) -> Outcome {
        let storage = storage.filter(|storage| self.find("srs", storage).is_some());
        let storage = storage.ok_or("srId names no storage repository")?.to_owned();
        self.change("vdis", id, |disk| disk["$SR"] = json!(storage));
        Ok(None)
    }
}
