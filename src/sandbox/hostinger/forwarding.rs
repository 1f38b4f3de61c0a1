//! Redirects of whole domains.

use super::Routes;
use super::estate::Estate;
use super::outcome::{Failure, Outcome, accepted, answer};
use super::request::{Fields, Request};
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Post, Put};
use serde::Serialize;

pub(super) const ROUTES: Routes = &[
    (Post, "/api/domains/v1/forwarding", create),
    (Get, "/api/domains/v1/forwarding/{domain}", details),
    (Put, "/api/domains/v1/forwarding/{domain}", update),
    (Delete, "/api/domains/v1/forwarding/{domain}", delete),
];

#[derive(Serialize)]
pub(super) struct Forwarding {
    domain: String,
    redirect_type: &'static str,
    redirect_url: String,
    created_at: Timestamp,
    updated_at: Option<Timestamp>,
}

impl Forwarding {
    pub(super) fn seed(now: Timestamp) -> Self {
        Self {
            domain: "example.net".to_owned(),
            redirect_type: "301",
            redirect_url: "https://www.example.com/".to_owned(),
            created_at: now.days_ago(100),
            updated_at: None,
        }
    }
}

fn create(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let domain = body.text("domain")?.to_ascii_lowercase();
    let (redirect_type, redirect_url) = target(&body)?;
    estate.domains.registered(&domain).map_err(|_| body.failure("domain", "The account has no such domain."))?;
    if place(estate, &domain).is_ok() {
        return Err(body.failure("domain", "The domain is already forwarded."));
    }
    let forwarding = Forwarding { domain, redirect_type, redirect_url, created_at: estate.now, updated_at: None };
    estate.domains.forwardings.push(forwarding);
    answer(estate.domains.forwardings.last())
}

fn details(estate: &mut Estate, request: &Request) -> Outcome {
    let place = place(estate, request.word(0))?;
    answer(&estate.domains.forwardings[place])
}

fn update(estate: &mut Estate, request: &Request) -> Outcome {
    let place = place(estate, request.word(0))?;
    let target = target(&request.body())?;
    let forwarding = &mut estate.domains.forwardings[place];
    (forwarding.redirect_type, forwarding.redirect_url) = target;
    forwarding.updated_at = Some(estate.now);
    answer(&*forwarding)
}

fn delete(estate: &mut Estate, request: &Request) -> Outcome {
    let place = place(estate, request.word(0))?;
    estate.domains.forwardings.remove(place);
    accepted()
}

fn place(estate: &Estate, domain: &str) -> Result<usize, Failure> {
    let named = |forwarding: &Forwarding| forwarding.domain.eq_ignore_ascii_case(domain);
    estate.domains.forwardings.iter().position(named).ok_or_else(|| Failure::missing("forwarding of", domain))
}

fn target(body: &Fields<'_>) -> Result<(&'static str, String), Failure> {
    let redirect_type = body.choice("redirect_type", &["301", "302"])?;
    let redirect_url = body.text("redirect_url")?;
    let is_web = url::Url::parse(redirect_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_web {
        return Err(body.failure("redirect_url", "The redirect_url must be an http or https URL."));
    }
    Ok((redirect_type, redirect_url.to_owned()))
}
