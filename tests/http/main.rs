//! The built binary over HTTP, spoken to in raw bytes.

mod client;
mod limits;
mod modern;
mod pages;
mod server;
mod sessions;
mod upstream;
