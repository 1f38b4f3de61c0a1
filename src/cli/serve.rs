//! Serving MCP, which is what happens without a sub-command.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Only, Providers, complain};
use crate::authentication::{Authentication, Oauth, Tokens};
use crate::catalogue::Catalogue;
use crate::config::{Config, HttpConfig};
use crate::error::StartupError;
use crate::server::Handler;
use crate::server::rest::Rest;
use crate::store::{Store, StoreError};
use crate::transport::{HttpOptions, Session, serve_http, serve_stdio};

/// How many sessions of the revisions before 2026-07-28 may be open.
const MOST_SESSIONS: usize = 4096;

/// Serves until the input ends or a signal comes.
pub(super) fn serve(
    mut config: Config,
    catalogue: Arc<Catalogue>,
    only: Only,
    providers: Providers,
) -> Result<ExitCode, StartupError> {
    let grace = config.grace;
    let http = match config.http.take() {
        None => None,
        Some(http) => Some((authentication(&config, &http, &catalogue)?, http)),
    };
    config.result_limit = Some(config.served_result_limit());
    let server = Arc::new(crate::assembly::server(config, catalogue, providers));
    let (name, title) = (only.binary(), only.title());
    let presented = Arc::clone(&server);
    let served = match http {
        None => over_stdio(Handler::local(presented, &name, &title), grace),
        Some((authentication, http)) => {
            let rest = http.rest.then(|| Rest::new(Arc::clone(&server)));
            over_http(Handler::remote(presented, &name, &title, rest), authentication, http, grace)
        }
    };
    // What is still on its way to the audit log.
    server.recorder.flush();
    served
}

fn over_stdio(handler: Handler, grace: Duration) -> Result<ExitCode, StartupError> {
    // One thread: calls wait for the network, not for each other, and a pool would cost start-up.
    let runtime = runtime()?;
    runtime.block_on(async {
        let closing = CancellationToken::new();
        close_on_signal(&closing)?;
        let (reader, writer) = rmcp::transport::stdio_pipes();
        serve_stdio(handler, reader, writer, Session { closing, grace }).await;
        Ok::<(), StartupError>(())
    })?;
    // A read of standard input that cannot be interrupted must not hold up the end.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

fn over_http(
    handler: Handler,
    authentication: Authentication,
    config: HttpConfig,
    grace: Duration,
) -> Result<ExitCode, StartupError> {
    let certificates = config.certificates()?;
    if authentication.is_open() {
        must_be_private(&config)?;
    } else if certificates.is_none() && travels_unencrypted(&config) {
        complain(
            &"warning: tokens travel unencrypted. Serve TLS with --tls-cert and --tls-key, or let a proxy do it \
                   and name its address with --public-url https://...",
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| system_error("The runtime", &error))?;
    runtime.block_on(async {
        let closing = CancellationToken::new();
        close_on_signal(&closing)?;
        let listener = TcpListener::bind(config.address).await.map_err(|error| unbound(config.address, &error))?;
        let address = listener.local_addr().map_err(|error| unbound(config.address, &error))?;
        let scheme = if certificates.is_some() { "https" } else { "http" };
        complain(&format_args!("Listening on {scheme}://{address}/mcp"));
        let options = HttpOptions {
            origins: config.origins,
            proxies: config.proxies,
            authentication,
            certificates,
            most_sessions: MOST_SESSIONS,
            session_idle: config.session_idle,
        };
        serve_http(handler, listener, options, closing, grace).await;
        Ok::<(), StartupError>(())
    })?;
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

/// Asks for tokens as soon as one was ever made, or an issuer is trusted.
fn authentication(config: &Config, http: &HttpConfig, catalogue: &Catalogue) -> Result<Authentication, StartupError> {
    let unusable = |error: StoreError| {
        StartupError::new("--state-dir", error.to_string(), "Without it nobody can tell whose token is good.")
    };
    let store = config.state_directory.as_deref().map_or(Ok(None), Store::existing).map_err(unusable)?;
    let ever_made = store.as_ref().map_or(Ok(false), Store::has_tokens).map_err(unusable)?;
    let tokens = store.filter(|_| ever_made || !http.issuers.is_empty()).map(|store| Tokens::new(Arc::new(store)));
    let oauth = http.origins.public.clone().filter(|_| !http.issuers.is_empty());
    let oauth = oauth.map(|public| Oauth::new(http.issuers.clone(), public, catalogue, config.network.clone()));
    Ok(match (tokens, oauth) {
        (None, None) => Authentication::open(&config.local),
        (tokens, oauth) => Authentication::required(tokens, oauth),
    })
}

/// Whether a token can be read on its way here, as far as we know.
fn travels_unencrypted(config: &HttpConfig) -> bool {
    let proxied = config.origins.public.as_ref().is_some_and(|url| url.scheme() == "https");
    !proxied && !config.address.ip().to_canonical().is_loopback()
}

/// Who asks nobody for a name must not be reachable by everybody.
fn must_be_private(config: &HttpConfig) -> Result<(), StartupError> {
    let fix = "Make a token with `token create --name NAME`, or name an issuer with --oauth-issuer; then every caller \
               has to show one. Or listen on 127.0.0.1.";
    let problem = |place: &dyn std::fmt::Display| {
        format!("{place} can be reached from other machines, and nobody is asked who they are.")
    };
    if !config.address.ip().to_canonical().is_loopback() {
        return Err(StartupError::new("--host", problem(&config.address.ip()), fix));
    }
    match config.origins.public.as_ref().filter(|url| !crate::config::is_loopback(url)) {
        Some(url) => Err(StartupError::new("--public-url", problem(url), fix)),
        None => Ok(()),
    }
}

fn unbound(address: SocketAddr, error: &std::io::Error) -> StartupError {
    let fix = "Choose another one with --host and --port; --port 0 takes any that is free.";
    StartupError::new("--http", format!("{address} cannot be listened on: {error}."), fix)
}

/// The runtime of a process that serves one client or makes one call.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, StartupError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system_error("The runtime", &error))
}

fn system_error(subject: &str, error: &std::io::Error) -> StartupError {
    StartupError::new(
        subject,
        format!("cannot be started: {error}."),
        "Check the limits of this process for open files and threads.",
    )
}

#[cfg(unix)]
pub(super) fn close_on_signal(closing: &CancellationToken) -> Result<(), StartupError> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| system_error("Signal handling", &error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let closing = closing.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        closing.cancel();
    });
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn close_on_signal(closing: &CancellationToken) -> Result<(), StartupError> {
    let closing = closing.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            closing.cancel();
        }
    });
    Ok(())
}
