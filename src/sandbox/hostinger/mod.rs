//! A Hostinger account with state: machines, firewalls, DNS zones, domains and billing.
//!
//! Each area has a file with its own `ROUTES`. Handlers see the estate as it stands at the present moment,
//! and the request taken apart. What a machine is stands in `machine`, what happens to it over time in
//! `actions`, the records of a zone in `zone`, the domains of the account in `domains`.

mod actions;
mod availability;
mod backups;
mod billing;
mod catalog;
mod contacts;
mod dns;
mod docker;
mod domains;
mod estate;
mod firewalls;
mod forwarding;
mod keys;
mod machine;
mod metrics;
mod moves;
mod orders;
mod outcome;
mod portfolio;
mod request;
mod scripts;
mod settings;
mod templates;
mod vms;
mod zone;

pub(super) use outcome::{Failure, Outcome};

use super::answer::Answers;
use super::clock::Clock;
use super::routes::{Found, RouteTable};
use bytes::Bytes;
use estate::Estate;
use infra_mcp_model::Method;
use request::Request;
use std::sync::{Arc, Mutex, PoisonError};

/// Carries out one operation. A failure leaves the estate as it was.
pub(super) type Handler = fn(&mut Estate, &Request) -> Outcome;

/// Routes of one area: method, path template, handler.
type Routes = &'static [(Method, &'static str, Handler)];

/// Every stateful route.
pub(super) const AREAS: &[Routes] = &[
    vms::ROUTES,
    settings::ROUTES,
    orders::ROUTES,
    templates::ROUTES,
    backups::ROUTES,
    firewalls::ROUTES,
    scripts::ROUTES,
    keys::ROUTES,
    docker::ROUTES,
    metrics::ROUTES,
    dns::ROUTES,
    portfolio::ROUTES,
    availability::ROUTES,
    forwarding::ROUTES,
    contacts::ROUTES,
    moves::ROUTES,
    billing::ROUTES,
];

/// The simulated account.
pub(super) struct Hostinger {
    routes: RouteTable<Handler>,
    clock: Arc<dyn Clock>,
    answers: Arc<Answers>,
    estate: Mutex<Estate>,
}

impl Hostinger {
    pub(super) fn new(clock: Arc<dyn Clock>, answers: Arc<Answers>) -> Self {
        let estate = Mutex::new(Estate::new(clock.now()));
        Self { routes: RouteTable::new(AREAS.iter().copied().flatten().copied()), clock, answers, estate }
    }

    /// Brings the estate to the present and lets `handler` answer. `values` are those of the path.
    fn handle(&self, handler: Handler, values: Vec<String>, request: &http::Request<Bytes>) -> Outcome {
        let request = Request::read(values, request)?;
        let mut estate = self.estate.lock().unwrap_or_else(PoisonError::into_inner);
        estate.advance(self.clock.now());
        handler(&mut estate, &request)
    }
}

impl super::Estate for Hostinger {
    fn answer(&self, request: &http::Request<Bytes>, path: &str) -> Result<http::Response<Bytes>, Vec<&'static str>> {
        match self.routes.find(request.method().as_str(), path) {
            Found::Route(handler, values) => Ok(self.answers.outcome(self.handle(*handler, values, request))),
            Found::OtherMethods(methods) => Err(methods),
            Found::Nothing => Err(Vec::new()),
        }
    }
}
