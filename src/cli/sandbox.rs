//! `sandbox`: a simulated provider as a server of its own, for any client.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Providers, complain, serve};
use crate::error::StartupError;
use crate::executor::Simulator;

/// The longest request: the largest file that a simulated provider takes, and a little.
const LONGEST: usize = 257 * 1024 * 1024;

/// Serves until a signal comes.
pub(super) fn sandbox(providers: Providers, named: &str, address: SocketAddr) -> Result<ExitCode, StartupError> {
    let known = providers.iter().copied();
    let Some(provider) = known.clone().find(|provider| provider.name == named) else {
        let names: Vec<&str> = known.map(|provider| provider.name.as_ref()).collect();
        let problem = format!("there is no provider {named:?} here.");
        return Err(StartupError::new("sandbox", problem, format!("Name one of these: {}.", names.join(", "))));
    };
    let simulator = crate::sandbox::endpoint(provider);
    let runtime = serve::runtime()?;
    runtime.block_on(async {
        let closing = CancellationToken::new();
        serve::close_on_signal(&closing)?;
        let unbound = |error: std::io::Error| {
            let fix = "Give another one as HOST:PORT; port 0 takes any that is free.";
            StartupError::new("sandbox", format!("{address} cannot be listened on: {error}."), fix)
        };
        let listener = TcpListener::bind(address).await.map_err(unbound)?;
        let bound = listener.local_addr().map_err(unbound)?;
        complain(&format_args!("Sandbox: a simulated {} answers at http://{bound}", provider.title));
        loop {
            tokio::select! {
                () = closing.cancelled() => return Ok::<(), StartupError>(()),
                Ok((stream, _)) = listener.accept() => {
                    let simulator = Arc::clone(&simulator);
                    let service = service_fn(move |request| answer(Arc::clone(&simulator), request));
                    // A client that breaks off is nobody's loss.
                    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                }
            }
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn answer(
    simulator: Arc<dyn Simulator>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    Ok(match Limited::new(body, LONGEST).collect().await {
        Ok(body) => simulator.answer(Request::from_parts(head, body.to_bytes())).map(Full::new),
        Err(_) => {
            let mut refused = Response::new(Full::default());
            *refused.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            refused
        }
    })
}
