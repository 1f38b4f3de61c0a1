//! How messages reach the [server](crate::server): one line of JSON each over standard input and
//! output.
//!
//! A transport frames, limits and orders messages. It knows no tools: of the catalogue it has the
//! finished bytes of `tools/list` alone.

mod calls;
mod lines;
mod message;
mod outbox;
mod parts;
mod stdio;

pub use stdio::{Session, serve_stdio};
