//! The whole HTTP side over a connection in memory.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::connections::speak;
use super::respond::App;
use super::{HttpOptions, Origins, Proxies};
use crate::authentication::Authentication;
use crate::principal::Principal;
use crate::server::rest::Rest;
use crate::server::{Handler, Server};

/// What fits into the connection at once, in bytes.
const BUFFER: usize = 64 * 1024;

/// A server that listens nowhere.
#[allow(missing_debug_implementations, reason = "a program for development holds it")]
pub struct Http {
    runtime: Runtime,
    app: Arc<App<Handler>>,
}

impl Http {
    /// Serves `server` to everybody.
    ///
    /// # Errors
    /// If the runtime cannot be started.
    pub fn new(server: Arc<Server>) -> std::io::Result<Self> {
        // Time passes at once when nothing else is to be done: what waits for more bytes gives up immediately.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
        let entered = runtime.enter();
        let options = HttpOptions {
            origins: Origins::default(),
            proxies: Proxies::default(),
            authentication: Authentication::open(&Principal::local()),
            certificates: None,
            most_sessions: 64,
            session_idle: Duration::from_secs(1),
        };
        let handler = Handler::remote(Arc::clone(&server), "infra-mcp", "Fuzzing", Some(Rest::new(server)));
        let app = Arc::new(App::new(handler, options, CancellationToken::new(), CancellationToken::new()));
        drop(entered);
        Ok(Self { runtime, app })
    }

    /// Everything that is answered to a client that sends these bytes and no more, until the server closes.
    #[must_use]
    pub fn answers(&self, sent: &[u8]) -> Vec<u8> {
        let (mut client, server) = tokio::io::duplex(BUFFER);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8100));
        let serving = speak(Arc::clone(&self.app), server, address, address, CancellationToken::new());
        self.runtime.block_on(async {
            let talking = async {
                let mut answers = Vec::new();
                let (mut reader, mut writer) = tokio::io::split(&mut client);
                let saying = async {
                    // The server may have had enough.
                    let _ = writer.write_all(sent).await;
                };
                let (_, read) = tokio::join!(saying, reader.read_to_end(&mut answers));
                read.map(|_| answers).unwrap_or_default()
            };
            // A connection that ends in an error has answered what it could.
            let (_, answers) = tokio::join!(serving, talking);
            answers
        })
    }
}
