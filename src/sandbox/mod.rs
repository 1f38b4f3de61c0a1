//! A simulated provider that stands in the place of the network.
//!
//! It receives finished HTTP requests and knows neither tools nor arguments, so validation, policy,
//! request building and answer handling are the ones that face the real provider. Nothing here opens
//! a socket, and what changes lives in memory until the process ends.
//!
//! Two layers answer: an estate with state where there is one for the provider (`hostinger`, `hostodo`, `vergeos`,
//! `xen_orchestra`), and for every other operation the sample body of its [`Route`].

mod answer;
mod clock;
mod hostinger;
mod hostodo;
mod routes;
mod vergeos;
mod xen_orchestra;

use crate::executor::Simulator;
use answer::Answers;
use bytes::Bytes;
use clock::{Clock, SystemClock};
use hostinger::Hostinger;
use hostodo::Hostodo;
use http::{Request, Response};
use infra_mcp_model::{Provider, Route};
use routes::{Found, RouteTable};
use std::sync::Arc;
use vergeos::VergeOs;
use xen_orchestra::XenOrchestra;

/// A simulated `provider`: a stateful estate where one is built in, sample answers for all the rest.
///
/// The estate starts fresh with every call and its data are invented (RFC 2606 names, RFC 5737 and
/// RFC 3849 addresses). An unknown path is answered with 404, a known one with another method with 405.
#[must_use]
pub fn simulator(provider: &'static Provider) -> Arc<dyn Simulator> {
    simulated(provider, true)
}

/// The same for others to reach over HTTP: what asks for a credential there, asks for one here.
#[must_use]
pub fn endpoint(provider: &'static Provider) -> Arc<dyn Simulator> {
    simulated(provider, false)
}

fn simulated(provider: &'static Provider, at_home: bool) -> Arc<dyn Simulator> {
    let clock = Arc::new(SystemClock::new());
    match provider.name.as_ref() {
        "hostodo" => Arc::new(Hostodo::new(provider, clock, at_home)),
        _ => Arc::new(Sandbox::new(provider, clock)),
    }
}

/// A provider with state.
trait Estate: Send + Sync {
    /// Answers a request to `path`, which begins where the API does. What the estate does not know is left to the
    /// samples; the error are the methods that it knows for the path.
    fn answer(&self, request: &Request<Bytes>, path: &str) -> Result<Response<Bytes>, Vec<&'static str>>;
}

struct Sandbox {
    /// Where the API begins.
    base: &'static str,
    samples: RouteTable<&'static Route>,
    estate: Option<Box<dyn Estate>>,
    answers: Arc<Answers>,
}

impl Sandbox {
    fn new(provider: &'static Provider, clock: Arc<dyn Clock>) -> Self {
        let answers = Arc::new(Answers::default());
        let estate: Option<Box<dyn Estate>> = match provider.name.as_ref() {
            "hostinger" => Some(Box::new(Hostinger::new(clock, Arc::clone(&answers)))),
            "vergeos" => Some(Box::new(VergeOs::new(clock))),
            "xen-orchestra" => Some(Box::new(XenOrchestra::new(clock))),
            _ => None,
        };
        let samples = provider.routes.iter().map(|route| (route.method, route.path.to_string(), route));
        Self { samples: RouteTable::new(samples), base: &provider.base_path, estate, answers }
    }

    /// The sample answer. `others` are the methods that the estate knows for this path.
    fn sample(&self, method: &str, path: &str, others: Vec<&'static str>) -> Response<Bytes> {
        match self.samples.find(method, path) {
            Found::Route(route, _) => self.answers.sample(route),
            Found::OtherMethods(methods) => self.answers.method_not_allowed(method, &[methods, others].concat()),
            Found::Nothing if !others.is_empty() => self.answers.method_not_allowed(method, &others),
            Found::Nothing => self.answers.not_found(&format!("The simulated provider has no route for {path}.")),
        }
    }
}

impl Simulator for Sandbox {
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (method, path) = (request.method().as_str(), request.uri().path());
        let path = path.strip_prefix(self.base).unwrap_or(path);
        let known = self.estate.as_ref().map(|estate| estate.answer(&request, path));
        known.unwrap_or_else(|| Err(Vec::new())).unwrap_or_else(|others| self.sample(method, path, others))
    }
}

#[cfg(test)]
mod tests;
