//! The built binary over HTTP, spoken to in raw bytes.

mod accounts;
mod batches;
mod client;
#[cfg(target_os = "linux")]
mod disk;
mod drain;
mod faults;
mod limits;
mod memory;
mod modern;
mod pages;
mod prompts;
mod rest;
mod resting;
mod server;
mod sessions;
mod tls;
mod upstream;
