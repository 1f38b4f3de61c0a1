//! The provider's typed client, made by progenitor from the document.

use openapiv3::OpenAPI;
use progenitor_impl::{GenerationSettings, Generator};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Rust source of a client for `document`, which has to be OpenAPI 3.0 with at most one kind of
/// success per operation.
///
/// # Errors
///
/// What progenitor cannot take. Some of it panics there, which is caught.
pub fn client(document: &Value) -> Result<String, String> {
    let document: OpenAPI = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    let generate = || Generator::new(&GenerationSettings::default()).generate_tokens(&document);
    let tokens = catch_unwind(AssertUnwindSafe(generate))
        .map_err(|_| "progenitor gave up on it".to_owned())?
        .map_err(|error| error.to_string())?;
    Ok(match syn::parse2::<syn::File>(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        // Unformatted source still compiles, or shows the fault with rustc's own message.
        Err(_) => tokens.to_string(),
    })
}
