//! The maintainer's command: checks specs, compares them with what a vendor publishes, takes facts
//! out of a vendor's document, and shows what is generated.

use clap::{Parser, Subcommand};
use infra_mcp_codegen::drift::drift;
use infra_mcp_codegen::facts::facts;
use infra_mcp_codegen::load::{Upstream, load_provider, load_upstream};
use infra_mcp_codegen::lower::{LoweredProvider, lower};
use infra_mcp_codegen::{Options, Report, Severity, generate, read};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Looks after the specs folder.
#[derive(Parser)]
#[command(name = "infra-mcp-specs", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints everything there is to say about a specs folder, and how many tools it gives. Exit
    /// code 1 if the build would stop.
    Check {
        /// The folder with one sub-folder a provider.
        #[arg(default_value = "specs")]
        specs: PathBuf,
        /// Judge it as a folder named by INFRA_MCP_SPECS: what is merely missing is no error.
        #[arg(long)]
        foreign: bool,
    },
    /// Tells where a provider's upstream description and ours differ. Exit code 1 if they do, or if
    /// a tool lacks our words or our review.
    Drift {
        /// An OpenAPI document, or an array of tools with method, path and inputSchema.
        upstream: PathBuf,
        /// Our folder of that provider, such as specs/hostinger.
        provider: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints the facts of an OpenAPI document without its words, as a start for a new provider.
    Facts {
        /// The OpenAPI document.
        upstream: PathBuf,
    },
    /// Prints the source that a build would generate with every feature on.
    Generate {
        /// The folder with one sub-folder a provider.
        #[arg(default_value = "specs")]
        specs: PathBuf,
        /// Judge it as a folder named by INFRA_MCP_SPECS.
        #[arg(long)]
        foreign: bool,
        /// Include the typed structs.
        #[arg(long)]
        types: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Check { specs, foreign } => check(&specs, foreign),
        Command::Drift { upstream, provider, json } => compare(&upstream, &provider, json),
        Command::Facts { upstream } => take_facts(&upstream),
        Command::Generate { specs, foreign, types } => show(&specs, foreign, types),
    };
    match outcome {
        Ok(code) => code,
        // Whoever reads our output had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("infra-mcp-specs: cannot write: {error}");
            ExitCode::from(2)
        }
    }
}

fn check(specs: &Path, foreign: bool) -> io::Result<ExitCode> {
    let (providers, report) = read(specs, !foreign);
    let mut out = io::stdout().lock();
    for problem in report.problems() {
        writeln!(out, "{}: {problem}", word(problem.severity))?;
    }
    for provider in &providers {
        count(&mut out, provider)?;
    }
    Ok(if report.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn count(out: &mut impl io::Write, provider: &LoweredProvider) -> io::Result<()> {
    let served: usize = provider.toolsets.iter().map(|toolset| toolset.tools.len()).sum();
    let (name, left_out) = (&provider.provider.name, provider.left_out.len());
    writeln!(out, "{name}: {} operations, {served} tools, {left_out} left out", provider.operations)?;
    for toolset in &provider.toolsets {
        let reviewed = toolset.tools.iter().filter(|tool| tool.tool.review.reviewed).count();
        writeln!(out, "  {}: {} tools, {reviewed} reviewed", toolset.settings.name, toolset.tools.len())?;
    }
    for (name, reason) in &provider.left_out {
        writeln!(out, "  left out: {name}: {reason}")?;
    }
    Ok(())
}

fn compare(upstream: &Path, folder: &Path, json: bool) -> io::Result<ExitCode> {
    let mut report = Report::default();
    let upstream = load_upstream(upstream, &mut report);
    let source = folder.canonicalize().ok().and_then(|folder| load_provider(&folder, false, &mut report));
    if source.is_none() && !report.has_errors() {
        let what = "there is no such provider folder";
        report.add(Severity::Error, &folder.display().to_string(), "", what, "name one such as specs/hostinger");
    }
    let (Some(upstream), Some(source)) = (upstream, source) else { return fail(&report) };
    let mut ignored = Report::default();
    let sources = [source];
    let lowered = lower(&sources, false, &mut ignored);
    let drift = drift(&upstream, &sources[0], &lowered[0]);
    let mut out = io::stdout().lock();
    if json {
        let text = serde_json::to_string_pretty(&drift).map_err(io::Error::other)?;
        writeln!(out, "{text}")?;
    } else {
        write!(out, "{drift}")?;
    }
    Ok(if drift.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn take_facts(upstream: &Path) -> io::Result<ExitCode> {
    let mut report = Report::default();
    match load_upstream(upstream, &mut report) {
        Some(Upstream::Document(document)) => {
            let text = serde_json::to_string_pretty(&facts(&document.root)).map_err(io::Error::other)?;
            writeln!(io::stdout().lock(), "{text}")?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Upstream::Tools(list)) => {
            let what = "is a list of tools";
            report.add(Severity::Error, &list.file, "", what, "facts are taken from an OpenAPI document");
        }
        None => {}
    }
    fail(&report)
}

fn show(specs: &Path, foreign: bool, types: bool) -> io::Result<ExitCode> {
    match generate(specs, &Options { strict: !foreign, feature: &|_| true, types, sources: false }) {
        Ok((source, _)) => {
            write!(io::stdout().lock(), "{source}")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(report) => fail(&report),
    }
}

fn fail(report: &Report) -> io::Result<ExitCode> {
    for problem in report.problems() {
        eprintln!("{}: {problem}", word(problem.severity));
    }
    Ok(ExitCode::FAILURE)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}
