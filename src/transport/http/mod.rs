//! MCP over Streamable HTTP: both eras on one endpoint, for any number of clients; and beside it a door for scripts,
//! where that was asked for.
//!
//! rmcp minds the protocol (of most calls of 2026-07-28 only what comes after the transport, see `direct`),
//! [`Rest`](crate::server::rest::Rest) what scripts ask. What is here minds the network: who may come in ([`Origins`],
//! authentication), how much of anything one caller may use, and how the server comes to its end without losing what
//! it has accepted.

mod batch;
mod body;
mod certificates;
mod connections;
mod direct;
mod door;
mod endpoint;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod listening;
mod origins;
mod proxies;
mod respond;
mod sessions;

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use certificates::{Certificates, CertificatesError};
pub use origins::Origins;
pub use proxies::Proxies;

use crate::authentication::Authentication;
use crate::server::Served;
use connections::Connections;
use respond::App;

/// How many requests are carried out at once; the next is asked to come back.
const MOST_REQUESTS: usize = 1024;

/// What an HTTP server is told besides what it serves.
#[derive(Debug)]
pub struct HttpOptions {
    /// Which addresses it goes by and which web pages may call.
    pub origins: Origins,
    /// Which proxies are believed.
    pub proxies: Proxies,
    /// How callers prove who they are.
    pub authentication: Authentication,
    /// The certificate to serve TLS with; without one it serves plain HTTP.
    pub certificates: Option<Certificates>,
    /// How many sessions of the revisions before 2026-07-28 may be open.
    pub most_sessions: usize,
    /// How long such a session may be silent.
    pub session_idle: Duration,
}

/// Serves until `closing` is cancelled. From then on every new request is answered with 503, and those that were
/// accepted before have `grace` to end; a second signal is the caller's business.
///
/// Must be called within a tokio runtime.
pub async fn serve_http(
    handler: impl Served,
    listener: TcpListener,
    mut options: HttpOptions,
    closing: CancellationToken,
    grace: Duration,
) {
    let end = CancellationToken::new();
    let certificates = options.certificates.take();
    let app = App::new(handler, options, closing.clone(), end.clone());
    let flight = std::sync::Arc::clone(&app.flight);
    let connections = Connections::new(app, certificates, end.clone());
    let finished = async {
        closing.cancelled().await;
        // Every permit back means that every accepted request is answered.
        let _ = tokio::time::timeout(grace, flight.acquire_many(MOST_REQUESTS as u32)).await;
    };
    tokio::select! {
        () = connections.accept(listener) => {}
        () = finished => {}
    }
    end.cancel();
    connections.ended().await;
}
