//! MCP servers for hosting and virtualization estates, generated at compile time from API descriptions.
//!
//! # Where to enter
//!
//! - [`cli::run`] is the whole program; every binary is one call of it.
//! - [`assembly::sandbox`] and [`assembly::from_environment`] give a library user a [`server::Server`];
//!   [`server::Server::call`] carries out one call by name and `Server::run` one typed call.
//! - [`generated`] holds the tool tables that `build.rs` makes of `specs/`, and with the feature `types`
//!   a struct for the arguments of every tool.
//!
//! # Code map
//!
//! Imports run one way, upwards in this list:
//!
//! | module | what it is |
//! |---|---|
//! | [`generated`] | the only `include!` of generated code: tables and plain structs |
//! | [`store`] | what outlasts the process: one SQLite file, a table a concern |
//! | [`account`] | authenticated connections to providers, and which of them a call means |
//! | [`catalogue`] | the selected tools, looked up by name |
//! | [`exposure`] | what the selected tools are called by: each by itself, or those of a toolset as two |
//! | [`principal`] | who calls, and what they may reach |
//! | [`arguments`] | validation of a call's arguments, every violation named |
//! | [`call`] | a call: tool, valid arguments, account |
//! | [`policy`] | pure judgement; the only maker of [`policy::Authorized`] |
//! | [`audit`] | what happened, in a log that shows every change of it |
//! | [`executor`] | builds the HTTP request, sends it, reads the answer |
//! | [`providers`] | handlers of composite tools |
//! | [`result`] | makes a tool result of an answer, cut to size and still valid |
//! | [`server`] | the way of a call: exposure → arguments → policy → executor → result; [`server::rest`] for scripts |
//! | [`authentication`] | tells who is at the other end of an HTTP request |
//! | [`transport`] | JSON-RPC lines over standard input and output, and Streamable HTTP |
//! | [`bridge`] | a stdio server in front of any remote one |
//! | [`sandbox`] | simulated providers |
//! | [`config`] | flags and environment in, ready values out |
//! | `live` | tools of the document that a server publishes, in the place of a built-in one |
//! | [`assembly`] | a configuration becomes a server; where a library user starts |
//! | [`cli`] | the program and its sub-commands |
//! | `conformance` | what the conformance suite of MCP expects to find, with the feature of that name |
//! | [`error`] | errors for who starts the server and for who calls a tool |
//!
//! # What never happens
//!
//! - No call is executed that policy has not allowed: the executor takes nothing but
//!   [`policy::Authorized`], and only policy makes it.
//! - No hidden tool is called: listing and calling use the same [`exposure::Exposure`].
//! - No model chooses where a request goes: address and credential are fixed at start, and a path value
//!   neither adds nor removes a segment.
//! - Nothing is sent before the arguments are valid, and nothing that does more than read before the intent of it is
//!   on disk in the [`audit`] log.
//! - Nothing grave happens that nobody approved, unless the operator said so: see [`policy::Gate`].
//! - No credential of a caller goes upstream: it ends in [`authentication`], and what goes on is a
//!   [`principal::Principal`], which holds none.
//! - No module but [`config`] reads the environment, and none but the executor opens a connection.
//! - The sandbox sees finished HTTP requests, never tools or arguments.
//! - The transport knows no tools, and generated code does no I/O.
//! - Nothing but JSON-RPC is written to standard output while serving, and no token is ever logged.
//! - No schema is parsed to start or to list, and no HTTP client is made before the first call.
//!
//! # What it does not do
//!
//! It serves tools, and prompts and resources where a provider has some: no completions or subscriptions. It issues no
//! OAuth tokens, and signs nobody in.

pub mod account;
pub mod arguments;
pub mod assembly;
pub mod audit;
pub mod authentication;
pub mod bridge;
pub mod call;
pub mod catalogue;
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
pub mod executor;
pub mod exposure;
pub mod generated;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use transport::fuzzing;
#[cfg(feature = "live")]
mod live;
mod near;
pub mod policy;
pub mod principal;
pub mod providers;
pub mod result;
pub mod sandbox;
pub mod server;
pub mod store;
pub mod transport;
#[cfg(feature = "types")]
pub mod typed;
