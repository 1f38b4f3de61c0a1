//! Carries out authorised calls: builds the request, sends it and reads the answer.

mod bound;
mod composite;
mod device;
mod exchange;
mod fetch;
mod files;
mod page;
mod power_off;
mod relay;
mod remote;
pub mod request;
mod response;
mod retry;
mod send;
mod session;
mod task;
mod trust;
mod upload;
mod wire;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::call::Call;
use crate::error::CallError;
use crate::policy::Authorized;
use exchange::Exchange;
use infra_mcp_model::{Binding, Effect};
use relay::{Passed, Relays};
use send::Network;

pub use composite::{CompositeTool, Request, Run, SendsFile, SentBy, Steps, Wait};
pub use device::{LoginError, Prompt};
pub use fetch::{DocumentError, Documents};
pub use files::{Fingerprint, LocalFiles};
pub(crate) use remote::RemoteLine;
pub use remote::RemoteServer;
pub use request::BuildError;
pub use response::{Media, Reply};
pub use send::NetworkOptions;
pub(crate) use task::Seen;
pub use trust::{Authorities, Exception, Pin, Trust};

/// Stands in the place of the network: gets finished HTTP requests and never sees tools or arguments.
pub trait Simulator: Send + Sync {
    /// Answers one request.
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes>;
}

/// Carries out authorised calls.
pub struct Executor {
    destination: Destination,
    relays: Relays,
    files: LocalFiles,
}

enum Destination {
    Network(Box<Network>),
    Simulated(Arc<dyn Simulator>),
}

impl Executor {
    /// Sends to the provider. The HTTP client is made by the first call, not here.
    #[must_use]
    pub fn network(options: NetworkOptions) -> Self {
        Self::to(Destination::Network(Box::new(Network::new(options))))
    }

    /// Sends nothing: the simulator answers.
    #[must_use]
    pub fn simulated(simulator: Arc<dyn Simulator>) -> Self {
        Self::to(Destination::Simulated(simulator))
    }

    fn to(destination: Destination) -> Self {
        Self { destination, relays: Relays::default(), files: LocalFiles::default() }
    }

    /// The same, that may send these files away.
    #[must_use]
    pub fn with_files(self, files: LocalFiles) -> Self {
        Self { files, ..self }
    }

    /// The files of this machine that calls may send away.
    #[must_use]
    pub fn files(&self) -> &LocalFiles {
        &self.files
    }

    /// Whether a simulator answers.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        matches!(self.destination, Destination::Simulated(_))
    }

    /// Carries the call out. Dropping the future aborts the upstream request.
    ///
    /// The rare ways are boxed, here and on the way of a call: their state is ten times that of the usual one, which would
    /// carry it along.
    ///
    /// # Errors
    /// If nothing safe can be sent, if no usable answer arrives or if it is an error.
    pub async fn execute(&self, call: Authorized<Call>) -> Result<Reply, CallError> {
        let made = call.call();
        if let Some(wish) = power_off::Wish::of(made) {
            return Box::pin(self.power_off(call, &wish)).await;
        }
        match &made.entry.tool.binding {
            Binding::Relay(relay) => {
                let passed = Passed::of(made, relay);
                Box::pin(self.relays.call(&self.destination, &passed)).await
            }
            Binding::Operation(_) | Binding::Composite(_) => self.exchange(&Exchange::of(made)?).await,
        }
    }

    async fn exchange(&self, exchange: &Exchange<'_>) -> Result<Reply, CallError> {
        let answer = match &self.destination {
            Destination::Network(network) => network.send(exchange).await?,
            Destination::Simulated(simulator) => simulator.answer(exchange.request()?),
        };
        response::read(exchange, answer)
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.destination {
            Destination::Network(_) => "Executor::network",
            Destination::Simulated(_) => "Executor::simulated",
        })
    }
}

/// Whether a call of this tool can change something, whatever its arguments are.
fn changes(call: &Call) -> bool {
    let review = &call.entry.tool.review;
    review.money || review.effect != Effect::Read || review.effect_when.iter().any(|when| when.effect != Effect::Read)
}
