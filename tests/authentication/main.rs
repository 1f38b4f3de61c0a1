//! Who may call the HTTP server, and what: the built binary, a state directory of its own, tokens made by the command
//! line and by an OAuth issuer in this process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod issuer;
mod oauth;
mod server;
mod streams;
mod tokens;
