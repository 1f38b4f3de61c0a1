//! Generates the tool tables and types from `specs/`, or from the folder in `INFRA_MCP_SPECS`.

use infra_mcp_codegen::{Options, Severity, generate};
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=INFRA_MCP_SPECS");
    println!("cargo::rustc-check-cfg=cfg(infra_mcp_provider, values(any()))");
    let foreign = env::var_os("INFRA_MCP_SPECS").map(PathBuf::from);
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let specs = foreign.clone().unwrap_or_else(|| root.join("specs"));
    println!("cargo::rerun-if-changed={}", specs.display());
    let feature = |name: &str| {
        let variable = format!("CARGO_FEATURE_{}", name.to_uppercase().replace('-', "_"));
        env::var_os(variable).is_some()
    };
    // Handlers are written against our own definitions.
    for provider in fs::read_dir(&specs).into_iter().flatten().flatten().filter(|_| foreign.is_none()) {
        let name = provider.file_name().to_string_lossy().into_owned();
        if feature(&name) {
            println!("cargo::rustc-cfg=infra_mcp_provider={name:?}");
        }
    }
    let options =
        Options { strict: foreign.is_none(), feature: &feature, types: feature("types"), sources: feature("live") };
    let report = match generate(&specs, &options) {
        Ok((source, report)) => {
            let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("generated.rs");
            if fs::read_to_string(&out).ok().as_deref() != Some(&source) {
                fs::write(&out, source).expect("OUT_DIR is writable");
            }
            report
        }
        Err(report) => report,
    };
    #[cfg(feature = "client")]
    write_clients(&specs);
    for problem in report.problems() {
        match problem.severity {
            Severity::Error => println!("cargo::error={problem}"),
            Severity::Warning => println!("cargo::warning={problem}"),
            // Told by `infra-mcp-specs check`; a build need not repeat what is as it should be.
            Severity::Note => {}
        }
    }
}

#[cfg(feature = "client")]
fn write_clients(specs: &std::path::Path) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("clients.rs");
    let (source, left_out) = infra_mcp_codegen::generate_clients(specs);
    fs::write(out, source).expect("OUT_DIR is writable");
    for problem in left_out {
        println!("cargo::warning={problem}");
    }
}
