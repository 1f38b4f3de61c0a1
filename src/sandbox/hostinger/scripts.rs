//! Post-install scripts.

use super::Routes;
use super::estate::{Estate, find, take};
use super::outcome::{Failure, Outcome, accepted, answer};
use super::request::{Fields, Request};
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Post, Put};
use serde::Serialize;

pub(super) const ROUTES: Routes = &[
    (Get, "/api/vps/v1/post-install-scripts", list),
    (Post, "/api/vps/v1/post-install-scripts", create),
    (Get, "/api/vps/v1/post-install-scripts/{postInstallScriptId}", details),
    (Put, "/api/vps/v1/post-install-scripts/{postInstallScriptId}", update),
    (Delete, "/api/vps/v1/post-install-scripts/{postInstallScriptId}", delete),
];

#[derive(Serialize)]
pub(super) struct Script {
    id: u64,
    name: String,
    content: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Script {
    pub(super) fn seed(now: Timestamp) -> Vec<Self> {
        let (name, content) = ("Updates".to_owned(), "#!/bin/sh\napt-get update && apt-get -y upgrade\n".to_owned());
        vec![Self { id: 601, name, content, created_at: now.days_ago(60), updated_at: now.days_ago(60) }]
    }
}

const KIND: &str = "post-install script";

/// The optional `post_install_script_id`, if it exists.
pub(super) fn chosen(estate: &Estate, fields: &Fields<'_>) -> Result<(), Failure> {
    match fields.optional_number("post_install_script_id")? {
        Some(id) if estate.scripts.iter().all(|script| script.id != id) => {
            Err(fields.failure("post_install_script_id", "The selected post-install script does not exist."))
        }
        _ => Ok(()),
    }
}

fn list(estate: &mut Estate, request: &Request) -> Outcome {
    request.page(&estate.scripts.iter().map(answer).collect::<Result<Vec<_>, _>>()?)
}

fn details(estate: &mut Estate, request: &Request) -> Outcome {
    answer(&*find(&mut estate.scripts, KIND, request.number(0)?, |script| script.id)?)
}

fn create(estate: &mut Estate, request: &Request) -> Outcome {
    let (name, content) = texts(request)?;
    let (id, now) = (estate.fresh_id(), estate.now);
    estate.scripts.push(Script { id, name, content, created_at: now, updated_at: now });
    answer(estate.scripts.last())
}

fn update(estate: &mut Estate, request: &Request) -> Outcome {
    let script = find(&mut estate.scripts, KIND, request.number(0)?, |script| script.id)?;
    (script.name, script.content) = texts(request)?;
    script.updated_at = estate.now;
    answer(&*script)
}

fn delete(estate: &mut Estate, request: &Request) -> Outcome {
    take(&mut estate.scripts, KIND, request.number(0)?, |script| script.id)?;
    accepted()
}

fn texts(request: &Request) -> Result<(String, String), Failure> {
    let body = request.body();
    Ok((body.text("name")?.to_owned(), body.text("content")?.to_owned()))
}
