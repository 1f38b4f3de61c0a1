//! Serving MCP, which is what happens without a sub-command.

use std::process::ExitCode;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Only, Providers};
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::error::StartupError;
use crate::server::Handler;
use crate::server::listing::Listing;
use crate::transport::{Session, serve_stdio};

/// Serves until the input ends or a signal comes.
pub(super) fn serve(
    mut config: Config,
    catalogue: Arc<Catalogue>,
    only: Only,
    providers: Providers,
) -> Result<ExitCode, StartupError> {
    // One thread: calls wait for the network, not for each other, and a pool would cost start-up.
    let runtime = runtime()?;
    let grace = config.grace;
    config.result_limit = Some(config.served_result_limit());
    let listing = Listing::new(Arc::clone(&catalogue));
    let server = crate::assembly::server(config, catalogue, providers);
    let handler = Handler::new(Arc::new(server), &only.binary(), &only.title(providers));
    runtime.block_on(async {
        let closing = CancellationToken::new();
        close_on_signal(&closing)?;
        let (reader, writer) = rmcp::transport::stdio_pipes();
        serve_stdio(handler, reader, writer, Session { listing, closing, grace }).await;
        Ok::<(), StartupError>(())
    })?;
    // A read of standard input that cannot be interrupted must not hold up the end.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
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
fn close_on_signal(closing: &CancellationToken) -> Result<(), StartupError> {
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
fn close_on_signal(closing: &CancellationToken) -> Result<(), StartupError> {
    let closing = closing.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            closing.cancel();
        }
    });
    Ok(())
}
