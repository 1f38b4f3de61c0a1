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

pub use http::{Certificates, CertificatesError, HttpOptions, Origins, Proxies, serve_http};
pub use stdio::{Session, serve_stdio};
