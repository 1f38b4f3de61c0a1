//! How messages reach the [server](crate::server): one line of JSON each over standard input and output, or one
//! HTTP request each.
//!
//! A transport frames, limits and orders messages, and over HTTP it knows who sends them. It knows no tools: of the
//! catalogue it has the finished bytes of `tools/list` alone.

mod calls;
mod http;
mod lines;
mod message;
mod outbox;
mod parts;
mod stdio;

/// Doors for the fuzz targets: what they feed cannot be reached from outside otherwise.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    pub use super::http::fuzzing::Http;

    /// Reads one line as JSON-RPC and gives the error message that answers it, if it is to be refused.
    #[must_use]
    pub fn refusal(line: &[u8]) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        super::message::read(line).err()?.write(&mut text);
        Some(text)
    }
}

pub use http::{Certificates, CertificatesError, HttpOptions, Origins, Proxies, serve_http};
pub use stdio::{Session, serve_stdio};
