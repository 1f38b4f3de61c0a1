//! Templates and data centers: fixed lists.

use super::Routes;
use super::estate::Estate;
use super::outcome::{Failure, Outcome, answer};
use super::request::{Fields, Request};
use infra_mcp_model::Method::Get;
use serde::Serialize;

pub(super) const ROUTES: Routes = &[
    (Get, "/api/vps/v1/templates", list),
    (Get, "/api/vps/v1/templates/{templateId}", details),
    (Get, "/api/vps/v1/data-centers", data_centers),
];

/// An operating system image.
#[derive(Serialize)]
pub(super) struct Template {
    id: u64,
    name: &'static str,
    description: &'static str,
    documentation: Option<&'static str>,
}

pub(super) const UBUNTU: u64 = 1077;
pub(super) const DOCKER: u64 = 1121;

const TEMPLATES: &[Template] = &[
    Template { id: 1013, name: "Debian 13", description: "Debian 13, without a control panel", documentation: None },
    Template {
        id: UBUNTU,
        name: "Ubuntu 24.04 LTS",
        description: "Ubuntu 24.04 LTS, without a control panel",
        documentation: None,
    },
    Template {
        id: DOCKER,
        name: "Ubuntu 24.04 LTS with Docker",
        description: "Ubuntu 24.04 LTS with Docker and Compose",
        documentation: Some("https://docs.example/templates/docker"),
    },
    Template {
        id: 1140,
        name: "AlmaLinux 10",
        description: "AlmaLinux 10, without a control panel",
        documentation: None,
    },
];

#[derive(Serialize)]
struct DataCenter {
    id: u64,
    name: &'static str,
    location: &'static str,
    city: &'static str,
    continent: &'static str,
}

const DATA_CENTERS: &[DataCenter] = &[
    DataCenter { id: 9, name: "vno", location: "lt", city: "Vilnius", continent: "Europe" },
    DataCenter { id: 17, name: "bos", location: "us", city: "Boston", continent: "North America" },
    DataCenter { id: 23, name: "sin", location: "sg", city: "Singapore", continent: "Asia" },
];

pub(super) fn find(id: u64) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.id == id)
}

/// The required `template_id`, if it exists.
pub(super) fn chosen(fields: &Fields<'_>) -> Result<u64, Failure> {
    let id = fields.number("template_id")?;
    find(id).map(|_| id).ok_or_else(|| fields.failure("template_id", "The selected template does not exist."))
}

/// The required `data_center_id`, if it exists.
pub(super) fn chosen_data_center(fields: &Fields<'_>) -> Result<u64, Failure> {
    let id = fields.number("data_center_id")?;
    let exists = DATA_CENTERS.iter().any(|center| center.id == id);
    if exists { Ok(id) } else { Err(fields.failure("data_center_id", "The selected data center does not exist.")) }
}

fn list(_: &mut Estate, _: &Request) -> Outcome {
    answer(TEMPLATES)
}

fn details(_: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    answer(find(id).ok_or_else(|| Failure::missing("template", id))?)
}

fn data_centers(_: &mut Estate, _: &Request) -> Outcome {
    answer(DATA_CENTERS)
}
