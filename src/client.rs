//! Full typed clients that progenitor makes from the providers' documents.
//!
//! They talk to the provider directly: no policy, no validation beyond their types, no retries. Use
//! [`crate::typed`] to call a tool through the gate.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::unwrap_used,
    rustdoc::all,
    unused_imports,
    mismatched_lifetime_syntaxes
)]

include!(concat!(env!("OUT_DIR"), "/clients.rs"));
