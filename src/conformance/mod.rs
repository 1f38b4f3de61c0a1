//! What the official conformance suite of MCP expects to find on a server: tools, resources, prompts and completions
//! with fixed names, on the transport that the shipped servers use.
//!
//! The suite (`@modelcontextprotocol/conformance`) tests a server through fixtures which no real server has. They are
//! answered here by [`Fixtures`], a second [`Served`](crate::server::Served) next to
//! [`Handler`](crate::server::Handler), so that every check goes through the sockets, limits, sessions and streams of
//! [`serve_http`]. `tests/conformance/run` builds this with the feature `conformance` and runs the suite.
//!
//! Nothing here is meant to be reached by anybody but a test.
#![allow(deprecated, reason = "the suite wants roots, sampling and logging, which SEP-2577 deprecates")]

mod conversation;
mod handler;
mod prompts;
mod questions;
mod resources;
mod tasks;
#[cfg(test)]
mod tests;
mod tools;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::JsonObject;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use handler::Fixtures;

use crate::authentication::Authentication;
use crate::principal::Principal;
use crate::transport::{HttpOptions, Origins, Proxies, serve_http};

/// A PNG image of one red pixel, in Base64.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";

/// A WAV file of four silent samples, in Base64.
const SILENCE: &str = "UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQQAAACAgICA";

/// Serves the fixtures over HTTP on a loopback address until the process is ended. Calls `listening` with the address
/// once connections are taken.
///
/// # Errors
/// If the port cannot be had.
pub async fn serve(port: u16, listening: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    listening(listener.local_addr()?);
    let options = HttpOptions {
        origins: Origins::default(),
        proxies: Proxies::default(),
        authentication: Authentication::open(&Principal::local()),
        certificates: None,
        most_sessions: 256,
        session_idle: Duration::from_secs(60),
    };
    serve_http(Fixtures::new(), listener, options, CancellationToken::new(), Duration::ZERO).await;
    Ok(())
}

/// A value of the protocol out of the JSON that stands in a table of fixtures.
fn from_json<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value)
        .map_err(|error| ErrorData::internal_error(format!("a fixture is wrong: {error}"), None))
}

/// A result out of JSON. 2026-07-28 has it say that it is complete, and rmcp takes that out again for older clients.
fn result<T: DeserializeOwned>(mut value: Value) -> Result<T, ErrorData> {
    value["resultType"] = Value::from("complete");
    from_json(value)
}

/// A text argument; empty where the call has none.
fn text<'a>(arguments: &'a JsonObject, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}
