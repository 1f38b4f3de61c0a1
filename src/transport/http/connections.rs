//! Sockets: taking them, TLS, and what one of them may use.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::certificates::Certificates;
use super::respond::App;
use crate::server::Served;

/// How many connections may be open; the next waits in the queue of the system.
const MOST_CONNECTIONS: usize = 4096;

/// How long a connection may take for its TLS handshake, and for the head of a request once one may come. An
/// unused connection ends after the same time.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a peer may refuse to take what it is sent.
const STALL: Duration = Duration::from_secs(30);

/// How many headers a request may have.
const MOST_HEADERS: usize = 100;

/// How long the head of a request may be in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// How long connections have at the very end to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// The open connections.
pub(super) struct Connections<H: Served> {
    app: Arc<App<H>>,
    certificates: Option<Arc<Certificates>>,
    room: Arc<Semaphore>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl<H: Served> Connections<H> {
    pub(super) fn new(app: App<H>, certificates: Option<Certificates>, end: CancellationToken) -> Self {
        Self {
            app: Arc::new(app),
            certificates: certificates.map(Arc::new),
            room: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
            tasks: TaskTracker::new(),
            end,
        }
    }

    /// Takes connections for ever.
    pub(super) async fn accept(&self, listener: TcpListener) {
        loop {
            let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { return };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or a peer that was gone at once: neither is helped by hurry.
                    tracing::warn!(target: "infra_mcp", "a connection was not taken: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let app = Arc::clone(&self.app);
            let certificates = self.certificates.clone();
            let end = self.end.clone();
            self.tasks.spawn(async move {
                if let Err(error) = serve(app, certificates, stream, peer, end).await {
                    tracing::debug!(target: "infra_mcp", %peer, "connection: {error}");
                }
                drop(room);
            });
        }
    }

    /// Waits until the last connection is closed, for a moment.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        let _ = tokio::time::timeout(FAREWELL, self.tasks.wait()).await;
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn serve<H: Served>(
    app: Arc<App<H>>,
    certificates: Option<Arc<Certificates>>,
    stream: TcpStream,
    peer: SocketAddr,
    end: CancellationToken,
) -> Result<(), Failure> {
    // An answer in two writes would wait for the other side's delayed acknowledgement, 40 ms and more.
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(STALL));
    let stream = Box::pin(stream);
    match certificates {
        None => speak(app, stream, peer, local, end).await,
        Some(certificates) => {
            let handshake = certificates.acceptor().accept(stream);
            let stream = tokio::time::timeout(PATIENCE, handshake)
                .await
                .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long"))??;
            speak(app, stream, peer, local, end).await
        }
    }
}

pub(super) async fn speak<H: Served>(
    app: Arc<App<H>>,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    peer: SocketAddr,
    local: SocketAddr,
    end: CancellationToken,
) -> Result<(), Failure> {
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, std::convert::Infallible>(app.respond(request, peer, local).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_headers(MOST_HEADERS).max_buf_size(LONGEST_HEAD);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        served = connection.as_mut() => return Ok(served?),
        () = end.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}
