//! Sources become the model: operations and definitions are joined, named, grouped and worded.

mod alone;
mod answer;
pub(crate) mod components;
mod defaults;
pub(crate) mod document;
mod domain;
mod listing;
mod lowering;
pub(crate) mod names;
mod notes;
pub(crate) mod operation;
mod power_off;
mod prompts;
mod provider;
pub(crate) mod published;
mod reader;
mod references;
mod resources;
mod rest;
pub(crate) mod sample;
pub(crate) mod schema;
mod tasks;
mod text;
pub(crate) mod tool;

pub(crate) use alone::request;
pub use names::sanitize;
pub use provider::{LoweredProvider, LoweredToolset};
pub use tool::LoweredTool;

use crate::load::Source;
use crate::report::Report;

/// Lowers every source. Problems of all of them are in the report afterwards.
pub fn lower(sources: &[Source], strict: bool, report: &mut Report) -> Vec<LoweredProvider> {
    sources.iter().map(|source| lowering::lower(source, strict, report)).collect()
}
