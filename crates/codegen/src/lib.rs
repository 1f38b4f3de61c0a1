//! The generator of infra-mcp: API descriptions in, tool tables and typed structs out.
//!
//! ```text
//! specs/ ─ load ─ lower ─ check ─ emit ─> generated.rs
//! ```
//!
//! [`generate`] is the whole of it on one screen. All phases report their problems before the build
//! stops; a provider whose files cannot be read at all is left to the first. [`load`] has not heard
//! of Rust names; emission has not heard of OpenAPI. Without the feature `emit` the crate still
//! loads, lowers and checks, so a running server reads a [`live`] document with the code that reads
//! it at build time.

pub mod check;
pub mod drift;
#[cfg(feature = "emit")]
pub mod emit;
pub mod facts;
pub mod live;
pub mod load;
pub mod lower;
pub mod report;

pub use report::{Problem, Report, Severity};

use lower::LoweredProvider;
use std::path::Path;

/// How to generate.
#[allow(missing_debug_implementations, reason = "holds a closure")]
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Our own specs: a missing review, toolset or exclusion is an error. Elsewhere it is a warning.
    pub strict: bool,
    /// Which features are on; a toolset whose feature is off is not emitted.
    pub feature: &'a dyn Fn(&str) -> bool,
    /// Emit a typed struct for every tool.
    pub types: bool,
    /// Emit what [`live`](live::live) needs of every provider with a document.
    pub sources: bool,
}

/// Loads, lowers and checks a specs folder. The report holds everything that was noticed; when it
/// has errors the providers are not to be used.
#[must_use]
pub fn read(specs: &Path, strict: bool) -> (Vec<LoweredProvider>, Report) {
    let mut report = Report::default();
    let sources = load::load(specs, strict, &mut report);
    let providers = lower::lower(&sources, strict, &mut report);
    check::check(&providers, &mut report);
    (providers, report)
}

/// Generates the Rust source for a specs folder.
///
/// # Errors
///
/// The report, when it holds an error.
#[cfg(feature = "emit")]
pub fn generate(specs: &Path, options: &Options<'_>) -> Result<(String, Report), Report> {
    let (mut providers, report) = read(specs, options.strict);
    if report.has_errors() {
        return Err(report);
    }
    if options.sources {
        providers
            .iter_mut()
            .for_each(|lowered| lowered.provider.sources = load::sources(specs, &lowered.provider.name));
    }
    Ok((emit::emit(&providers, options), report))
}

/// Source with one module a provider that has a document: its full typed client. Besides, why there is none of a
/// provider whose document progenitor cannot take.
#[cfg(feature = "client")]
#[must_use]
pub fn generate_clients(specs: &Path) -> (String, Vec<String>) {
    let mut report = Report::default();
    let (mut source, mut left_out) = (String::new(), Vec::new());
    for provider in load::load(specs, false, &mut report) {
        if let Some(document) = &provider.document {
            let client = match emit::client(&document.root) {
                Ok(client) => client,
                Err(error) => {
                    left_out.push(format!("{}: there is no typed client: {error}", document.file));
                    continue;
                }
            };
            let (name, title) = (provider.name.replace('-', "_"), &provider.settings.title);
            source.push_str(&format!("/// The full typed client of {title}.\npub mod {name} {{\n{client}\n}}\n"));
        }
    }
    (source, left_out)
}
