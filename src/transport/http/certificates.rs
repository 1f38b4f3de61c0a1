//! The certificate of the server, read anew when its files change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at, at most.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A certificate chain and its key in two PEM files.
pub struct Certificates {
    chain: PathBuf,
    key: PathBuf,
    current: Mutex<Current>,
}

struct Current {
    acceptor: TlsAcceptor,
    /// What the files were when they were read.
    seen: [Option<SystemTime>; 2],
    looked: Instant,
}

/// Why TLS cannot be served with the files that were named.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// A file cannot be read, or is not what it should be.
    #[error("{} holds no {what} that can be read: {reason}.", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Both can be read and do not belong together, or cannot be used.
    #[error("the certificate and its key cannot be used: {0}.")]
    Unfit(#[from] rustls::Error),
}

impl Certificates {
    /// Reads the chain (server certificate first) and the private key.
    ///
    /// # Errors
    /// If one of them cannot be read, or they do not belong together.
    pub fn read(chain: PathBuf, key: PathBuf) -> Result<Self, CertificatesError> {
        let current = Mutex::new(Current {
            seen: [modified(&chain), modified(&key)],
            acceptor: acceptor(&chain, &key)?,
            looked: Instant::now(),
        });
        Ok(Self { chain, key, current })
    }

    /// What the next connection is accepted with. Files that changed and cannot be used leave the old certificate
    /// in place, with a warning.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= LOOK_AGAIN {
            current.looked = Instant::now();
            let seen = [modified(&self.chain), modified(&self.key)];
            if seen != current.seen {
                match acceptor(&self.chain, &self.key) {
                    Ok(acceptor) => {
                        tracing::info!(target: "infra_mcp", "the certificate was read again");
                        current.acceptor = acceptor;
                        current.seen = seen;
                    }
                    // Perhaps one of two files is still to come: tried again with the next look.
                    Err(error) => tracing::warn!(target: "infra_mcp", "the old certificate stays: {error}"),
                }
            }
        }
        current.acceptor.clone()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("chain", &self.chain).finish_non_exhaustive()
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn acceptor(chain: &Path, key: &Path) -> Result<TlsAcceptor, CertificatesError> {
    let file = |path: &Path, what, reason: String| CertificatesError::File { path: path.to_owned(), what, reason };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .map_err(|error| file(chain, "certificate", error.to_string()))?;
    if certificates.is_empty() {
        return Err(file(chain, "certificate", "there is none in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| file(key, "private key", error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, private)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
