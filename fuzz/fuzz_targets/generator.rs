//! The generator on any OpenAPI document: it reports what it cannot take, and what it emits is text without a
//! control character of the document.
#![no_main]

use infra_mcp_codegen::load::{Document, Settings, Source};
use infra_mcp_codegen::{Options, Report, check, emit, lower};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(root) = serde_json::from_slice(data) else { return };
    let settings: Settings = toml::from_str("title = \"Acme\"\nbase_url = \"https://api.acme.example\"").expect("TOML");
    let document = Some(Document { file: "acme/openapi.json".to_owned(), root });
    let sources = [Source { name: "acme".to_owned(), settings, document, definitions: Vec::new(), prompts: Vec::new() }];
    let mut report = Report::default();
    let providers = lower::lower(&sources, false, &mut report);
    check::check(&providers, &mut report);
    if !report.has_errors() {
        let source = emit::emit(&providers, &Options { strict: false, feature: &|_| true, types: true, sources: false });
        assert!(!source.contains('\0'));
    }
});
