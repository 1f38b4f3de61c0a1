//! The built binary over HTTP, spoken to in raw bytes.

mod client;
mod drain;
mod faults;
mod limits;
mod memory;
mod modern;
mod pages;
mod rest;
mod server;
mod sessions;
mod tls;
mod upstream;
