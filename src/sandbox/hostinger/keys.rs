//! Public keys of the account and which machines know them.

use super::Routes;
use super::actions::Task;
use super::estate::{Estate, take};
use super::outcome::{Failure, Outcome, accepted, answer};
use super::request::{Fields, Request};
use infra_mcp_model::Method::{Delete, Get, Post};
use serde::Serialize;
use serde_json::Value;

pub(super) const ROUTES: Routes = &[
    (Get, "/api/vps/v1/public-keys", list),
    (Post, "/api/vps/v1/public-keys", create),
    (Delete, "/api/vps/v1/public-keys/{publicKeyId}", delete),
    (Post, "/api/vps/v1/public-keys/attach/{virtualMachineId}", attach),
    (Get, "/api/vps/v1/virtual-machines/{virtualMachineId}/public-keys", attached),
];

#[derive(Serialize)]
pub(super) struct PublicKey {
    id: u64,
    name: String,
    key: String,
}

impl PublicKey {
    pub(super) fn seed() -> Vec<Self> {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNhbmRib3gtcHVibGljLWtleS1ub3QtZm9yLXVzZQ== alex@example.com";
        vec![Self { id: 501, name: "laptop".to_owned(), key: key.to_owned() }]
    }
}

/// Name and key that `fields` describe.
pub(super) fn check<'a>(fields: &Fields<'a>) -> Result<(&'a str, &'a str), Failure> {
    let (name, key) = (fields.text("name")?, fields.text("key")?.trim());
    if key.split_whitespace().count() < 2 {
        return Err(fields.failure("key", "The key must be in OpenSSH form: type, then the key itself."));
    }
    Ok((name, key))
}

/// Stores the key that `fields` describe and returns its number.
pub(super) fn store(estate: &mut Estate, fields: &Fields<'_>) -> Result<u64, Failure> {
    let (name, key) = check(fields)?;
    let id = estate.fresh_id();
    estate.keys.push(PublicKey { id, name: name.to_owned(), key: key.to_owned() });
    Ok(id)
}

fn list(estate: &mut Estate, request: &Request) -> Outcome {
    request.page(&estate.keys.iter().map(answer).collect::<Result<Vec<_>, _>>()?)
}

fn create(estate: &mut Estate, request: &Request) -> Outcome {
    store(estate, &request.body())?;
    answer(estate.keys.last())
}

fn delete(estate: &mut Estate, request: &Request) -> Outcome {
    take(&mut estate.keys, "public key", request.number(0)?, |key| key.id)?;
    accepted()
}

fn attach(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let known = |id: &u64| estate.keys.iter().any(|key| key.id == *id);
    let ids = body.list("ids")?.iter().map(|id| id.as_u64().filter(known)).collect::<Option<Vec<_>>>();
    let ids = ids.ok_or_else(|| body.failure("ids", "Every id must be that of a stored public key."))?;
    let task = Task::change("attach_public_keys", move |machine, _| {
        let keys = &mut machine.disk.keys;
        keys.extend(ids);
        keys.sort_unstable();
        keys.dedup();
    });
    estate.act(request.number(0)?, task)
}

fn attached(estate: &mut Estate, request: &Request) -> Outcome {
    let known = estate.machine(request.number(0)?)?.disk.keys.clone();
    let keys = estate.keys.iter().filter(|key| known.contains(&key.id));
    request.page(&keys.map(answer).collect::<Result<Vec<Value>, _>>()?)
}
