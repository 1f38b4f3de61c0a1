//! infra-mcp
pub mod generated;
#[cfg(feature = "types")]
pub mod typed;
