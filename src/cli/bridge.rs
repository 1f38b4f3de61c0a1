//! `bridge`: a stdio server in front of a remote one.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::serve;
use crate::config::Config;
use crate::error::StartupError;
use crate::executor::RemoteServer;

/// Serves until the input ends or a signal comes.
pub(super) fn bridge(config: &Config, remote: RemoteServer) -> Result<ExitCode, StartupError> {
    let runtime = serve::runtime()?;
    runtime.block_on(async {
        let closing = CancellationToken::new();
        serve::close_on_signal(&closing)?;
        let (reader, writer) = rmcp::transport::stdio_pipes();
        crate::bridge::bridge(remote, reader, writer, closing, config.grace).await;
        Ok::<(), StartupError>(())
    })?;
    // A read of standard input that cannot be interrupted must not hold up the end.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}
