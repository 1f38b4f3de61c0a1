//! A Xen Orchestra server with state: one pool, its hosts, machines, storage, networks, tasks and backups.
//!
//! All collections answer alike, so what is here is told by the shape of a path: lists, single objects, what belongs
//! to an object, tags, changes, and in `actions` what machines, hosts, storage and schedules can do.

mod actions;
mod answer;
mod documentation;
mod inventory;
mod listing;
mod request;
#[cfg(test)]
mod tests;

use super::Estate;
use super::clock::Clock;
use answer::{Answer, refuse};
use bytes::Bytes;
use http::Response;
use inventory::Collections;
use request::Request;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// How long the task of an action takes, in milliseconds.
const TASK: i64 = 3_000;

/// The simulated server.
pub(super) struct XenOrchestra {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    collections: Collections,
    /// The present, in milliseconds since 1970.
    now: i64,
    /// Objects made since the start, for their ids.
    made: u32,
}

impl XenOrchestra {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let now = clock.now().unix_seconds() * 1000;
        let state = State { collections: inventory::collections(now), now, made: 0 };
        Self { clock, state: Mutex::new(state) }
    }
}

impl Estate for XenOrchestra {
    fn answer(&self, request: &http::Request<Bytes>, path: &str) -> Result<Response<Bytes>, Vec<&'static str>> {
        if request.uri().host() == Some(documentation::HOST) {
            return Ok(documentation::page(path).into());
        }
        let request = Request::read(request, path);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = self.clock.now().unix_seconds() * 1000;
        state.finish_tasks();
        state.answer(&request).map(Into::into).ok_or_else(Vec::new)
    }
}

impl State {
    /// None where the estate knows nothing of the path.
    fn answer(&mut self, request: &Request) -> Option<Answer> {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        let known = |state: &Self, name: &str| state.collections.iter().any(|(known, _)| *known == name);
        let (collection, rest) = path.split_first().filter(|(name, _)| known(self, name))?;
        if let [id, ..] = rest
            && self.find(collection, id).is_none()
        {
            return Some(refuse(404, &format!("no such object {id}")));
        }
        match (request.method.as_str(), rest) {
            ("GET", []) => Some(listing::list(collection, self.of(collection).iter(), request)),
            ("GET", [id]) => self.find(collection, id).map(|object| Answer::Json(200, object.clone())),
            ("GET", [id, part @ ("alarms" | "messages" | "tasks" | "vdis")]) => Some(self.part(id, part, request)),
            ("PUT", [id, "tags", tag]) => Some(self.tag(collection, id, tag, true)),
            ("DELETE", [id, "tags", tag]) => Some(self.tag(collection, id, tag, false)),
            ("DELETE", [id]) => Some(self.delete(collection, id)),
            ("PATCH", [id]) => Some(self.update(collection, id, &request.body)),
            ("POST", [id, "actions", action]) => self.act(collection, id, action, request),
            _ => None,
        }
    }

    fn of(&self, collection: &str) -> &[Value] {
        self.collections.iter().find(|(name, _)| *name == collection).map_or(&[], |(_, objects)| objects)
    }

    fn of_mut(&mut self, collection: &str) -> Option<&mut Vec<Value>> {
        self.collections.iter_mut().find(|(name, _)| *name == collection).map(|(_, objects)| objects)
    }

    fn find(&self, collection: &str, id: &str) -> Option<&Value> {
        self.of(collection).iter().find(|object| object["id"] == id)
    }

    fn change(&mut self, collection: &str, id: &str, change: impl FnOnce(&mut Value)) {
        let object = self.of_mut(collection).and_then(|all| all.iter_mut().find(|object| object["id"] == id));
        if let Some(object) = object {
            change(object);
        }
    }

    fn add(&mut self, collection: &str, object: Value) {
        if let Some(objects) = self.of_mut(collection) {
            objects.push(object);
        }
    }

    /// What belongs to an object: it says so itself, or by the disk link of a machine.
    fn part(&self, id: &str, part: &str, request: &Request) -> Answer {
        let disks: Vec<&Value> =
            self.of("vbds").iter().filter(|link| link["VM"] == id).map(|link| &link["VDI"]).collect();
        let concerns = |object: &&Value| {
            let subjects = [&object["$object"], &object["object"]["uuid"], &object["properties"]["objectId"]];
            subjects.iter().any(|subject| **subject == id) || part == "vdis" && disks.contains(&&object["id"])
        };
        listing::list(part, self.of(part).iter().filter(concerns), request)
    }

    fn tag(&mut self, collection: &str, id: &str, tag: &str, wanted: bool) -> Answer {
        self.change(collection, id, |object| {
            let mut tags: Vec<Value> = object["tags"].as_array().cloned().unwrap_or_default();
            tags.retain(|known| known != tag);
            tags.extend(wanted.then(|| json!(tag)));
            object["tags"] = tags.into();
        });
        Answer::Done
    }

    fn delete(&mut self, collection: &str, id: &str) -> Answer {
        let guarded = self.find(collection, id).is_some_and(|object| !object["blockedOperations"]["destroy"].is_null());
        if guarded {
            return refuse(403, "the operation destroy is blocked for this object");
        }
        if let Some(objects) = self.of_mut(collection) {
            objects.retain(|object| object["id"] != id);
        }
        if collection == "vms" {
            for link in ["vbds", "vifs"] {
                let objects = self.of_mut(link).into_iter();
                objects.for_each(|objects| objects.retain(|object| object["VM"] != id && object["$VM"] != id));
            }
        }
        Answer::Done
    }

    /// Members of the body replace those of the object; `nameLabel` is `name_label` there.
    fn update(&mut self, collection: &str, id: &str, body: &Value) -> Answer {
        let Some(members) = body.as_object() else { return refuse(400, "the body must be a JSON object") };
        self.change(collection, id, |object| {
            for (name, value) in members {
                let name = match name.as_str() {
                    "nameLabel" => "name_label",
                    "nameDescription" => "name_description",
                    "autoPoweron" => "auto_poweron",
                    other => other,
                };
                object[name] = value.clone();
            }
        });
        Answer::Done
    }

    /// Ends the tasks that are due. A machine that was asked to shut down is off by then; one that does not react keeps
    /// its task waiting.
    fn finish_tasks(&mut self) {
        let (now, deaf) = (self.now, inventory::id(3, inventory::DEAF));
        let mut halted = Vec::new();
        for task in self.of_mut("tasks").into_iter().flatten().filter(|task| task["status"] == "pending") {
            let end = task["start"].as_i64().unwrap_or_default() + TASK;
            let shuts_down = task["properties"]["method"] == "clean_shutdown";
            let machine = task["properties"]["objectId"].as_str().unwrap_or_default();
            if now < end || (shuts_down && machine == deaf) {
                continue;
            }
            halted.extend(shuts_down.then(|| machine.to_owned()));
            end_task(task, end);
        }
        halted.iter().for_each(|id| self.set_power(id, "Halted"));
    }

    /// Ends the tasks that shut this machine down: it is off in another way.
    fn finish_shutdowns(&mut self, id: &str) {
        let now = self.now;
        let is_it = |task: &&mut Value| {
            let about = &task["properties"];
            task["status"] == "pending" && about["method"] == "clean_shutdown" && about["objectId"] == id
        };
        self.of_mut("tasks").into_iter().flatten().filter(is_it).for_each(|task| end_task(task, now));
    }

    /// An id of an object that did not exist before.
    fn new_id(&mut self) -> String {
        self.made += 1;
        inventory::id(0xff, self.made)
    }
}

fn end_task(task: &mut Value, end: i64) {
    task["status"] = json!("success");
    task["progress"] = json!(100);
    task["end"] = json!(end);
}
