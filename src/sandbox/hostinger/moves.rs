//! Domains on their way: between accounts (moves) and between registrars (transfers).

use super::Routes;
use super::contacts::Contacts;
use super::domains::{Domain, Status};
use super::estate::Estate;
use super::outcome::{Failure, Outcome, accepted, answer};
use super::request::Request;
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Post, Put};
use serde::Serialize;

pub(super) const ROUTES: Routes = &[
    (Get, "/api/domains/v1/move/incoming", incoming),
    (Get, "/api/domains/v1/move/incoming/{domain}", incoming_one),
    (Put, "/api/domains/v1/move/incoming/{domain}", accept),
    (Delete, "/api/domains/v1/move/incoming/{domain}", reject),
    (Get, "/api/domains/v1/move/outgoing", outgoing),
    (Get, "/api/domains/v1/move/outgoing/{domain}", outgoing_one),
    (Post, "/api/domains/v1/move/outgoing/{domain}", offer),
    (Delete, "/api/domains/v1/move/outgoing/{domain}", withdraw),
    (Get, "/api/domains/v1/transfers", transfers),
    (Get, "/api/domains/v1/transfers/{domain}", transfer),
    (Post, "/api/domains/v1/transfers/claim", claim_transfer),
];

/// A domain that passes from one account to another.
#[derive(Serialize)]
pub(super) struct Move {
    domain: String,
    status: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Move {
    pub(super) fn new(domain: &str, now: Timestamp) -> Self {
        Self { domain: domain.to_owned(), status: "initiated", created_at: now, updated_at: now }
    }
}

/// A domain that passes from one registrar to another.
#[derive(Serialize)]
pub(super) struct Transfer {
    domain: String,
    status: &'static str,
    initiated_at: Timestamp,
    completed_at: Option<Timestamp>,
}

impl Transfer {
    pub(super) fn completed(domain: &str, initiated_at: Timestamp, completed_at: Timestamp) -> Self {
        Self { domain: domain.to_owned(), status: "Completed", initiated_at, completed_at: Some(completed_at) }
    }
}

fn incoming(estate: &mut Estate, _: &Request) -> Outcome {
    answer(&estate.domains.incoming)
}

fn incoming_one(estate: &mut Estate, request: &Request) -> Outcome {
    let place = place(&estate.domains.incoming, request.word(0))?;
    answer(&estate.domains.incoming[place])
}

/// There is no owner to be asked by mail, so the domain arrives at once.
fn accept(estate: &mut Estate, request: &Request) -> Outcome {
    let place = place(&estate.domains.incoming, request.word(0))?;
    initiated(&estate.domains.incoming[place])?;
    let name = estate.domains.incoming[place].domain.clone();
    request.body().object("domain_contacts")?;
    let contacts = Contacts::chosen(&estate.domains, &request.body(), &name)?;
    let mut domain = Domain::unregistered(estate.fresh_id(), &name, estate.now);
    domain.register(contacts, estate.now);
    estate.domains.portfolio.push(domain);
    estate.zones.add(&name);
    let offer = &mut estate.domains.incoming[place];
    (offer.status, offer.updated_at) = ("completed", estate.now);
    accepted()
}

fn reject(estate: &mut Estate, request: &Request) -> Outcome {
    let place = place(&estate.domains.incoming, request.word(0))?;
    initiated(&estate.domains.incoming[place])?;
    estate.domains.incoming.remove(place);
    accepted()
}

fn outgoing(estate: &mut Estate, _: &Request) -> Outcome {
    answer(&estate.domains.outgoing)
}

fn outgoing_one(estate: &mut Estate, request: &Request) -> Outcome {
    let place = place(&estate.domains.outgoing, request.word(0))?;
    answer(&estate.domains.outgoing[place])
}

/// Nobody receives the offer, so it stays open until it is withdrawn.
fn offer(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    if !body.text("new_customer_email")?.contains('@') {
        return Err(body.failure("new_customer_email", "The new_customer_email must be an e-mail address."));
    }
    let name = estate.domains.registered(request.word(0))?.name.clone().unwrap_or_default();
    if place(&estate.domains.outgoing, &name).is_ok() {
        return Err(Failure::invalid("domain", "The domain is already being moved."));
    }
    estate.domains.outgoing.push(Move::new(&name, estate.now));
    accepted()
}

fn withdraw(estate: &mut Estate, request: &Request) -> Outcome {
    let place = place(&estate.domains.outgoing, request.word(0))?;
    estate.domains.outgoing.remove(place);
    accepted()
}

fn place(moves: &[Move], domain: &str) -> Result<usize, Failure> {
    let named = |known: &Move| known.domain.eq_ignore_ascii_case(domain);
    moves.iter().position(named).ok_or_else(|| Failure::missing("move of domain", domain))
}

fn initiated(offer: &Move) -> Result<(), Failure> {
    match offer.status {
        "initiated" => Ok(()),
        _ => Err(Failure::invalid("domain", "The move has been accepted already.")),
    }
}

fn transfers(estate: &mut Estate, _: &Request) -> Outcome {
    answer(&estate.domains.transfers)
}

fn transfer(estate: &mut Estate, request: &Request) -> Outcome {
    let domain = request.word(0);
    let transfer = estate.domains.transfers.iter().find(|known| known.domain.eq_ignore_ascii_case(domain));
    answer(transfer.ok_or_else(|| Failure::missing("transfer of domain", domain))?)
}

/// Registrars take days for a transfer, so it stays pending.
fn claim_transfer(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let name = body.text("domain")?.to_ascii_lowercase();
    body.text("auth_code")?;
    body.flag("should_keep_ns", true)?;
    if estate.domains.holds(&name) {
        return Err(body.failure("domain", "The domain is in this account already."));
    }
    let contacts = Contacts::chosen(&estate.domains, &body, &name)?;
    let right = estate.domains.unused("free_domain_transfer")?;
    (right.name, right.status, right.contacts) = (Some(name.clone()), Status::Requested, contacts);
    right.updated_at = estate.now;
    let transfer = Transfer { domain: name, status: "Pending", initiated_at: estate.now, completed_at: None };
    estate.domains.transfers.push(transfer);
    answer(estate.domains.transfers.last())
}
