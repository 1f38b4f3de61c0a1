//! The program: reads flags and environment, then serves or carries out a sub-command.
//!
//! Exit codes: 0 done, 1 the called tool failed, 2 the command line or the environment is wrong.

mod approve;
mod arguments;
mod audit;
mod bridge;
mod call;
mod describe;
mod kill_switch;
mod list;
mod login;
mod sandbox;
mod scopes;
mod serve;
#[cfg(feature = "live")]
mod spec;
mod token;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use infra_mcp_model::Access;

pub use crate::config::Only;

use crate::assembly::{executor, server};
use crate::catalogue::Catalogue;
use crate::config::{Command, Config, Environment, Flags, LogLevel, Providers, remote_server};
use crate::error::StartupError;
use crate::exposure::Exposure;

/// A sub-command that has done its work and failed.
const FAILED: u8 = 1;

/// The whole program behind every binary.
#[must_use]
pub fn run(only: Only) -> ExitCode {
    let flags = match Flags::parse(std::env::args_os(), only) {
        Ok(flags) => flags,
        Err(answer) => {
            // Help and version go to standard output, everything else to standard error. If it is
            // closed there is nobody left to tell.
            let _ = answer.print();
            return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(StartupError::EXIT_CODE));
        }
    };
    match carry_out(flags, only) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::from(StartupError::EXIT_CODE)
        }
    }
}

fn carry_out(flags: Flags, only: Only) -> Result<ExitCode, StartupError> {
    let Flags { options, command } = flags;
    if let Some(Command::Token { command }) = &command {
        token::check_flags(command, &options)?;
    }
    let environment = Environment::of_process();
    #[cfg(feature = "live")]
    let (only, documents) = spec::serve(&options, &environment, only)?;
    #[cfg(feature = "live")]
    if !matches!(command, Some(Command::Spec { .. })) {
        spec::announce(&documents);
    }
    let providers = &only.providers();
    let mut config = Config::new(options, &environment, only)?;
    for warning in &config.warnings {
        complain(&format_args!("warning: {warning}"));
    }
    if let Some(level) = config.log {
        start_log(level);
    }
    if matches!(command, Some(Command::Token { .. })) {
        // A token may reach what only another server of this machine serves.
        config.selection.access.get_or_insert(Access::Full);
    }
    let catalogue = Arc::new(Catalogue::select(providers, &config.selection)?);
    if let Some(given) = &config.local.grant().scopes {
        scopes::check(given, &catalogue)?;
    }
    if config.sandbox && matches!(command, None | Some(Command::Call { .. })) {
        complain(&"Sandbox: a simulated provider answers. Nothing real is read, changed or bought.");
    }
    if command.is_none() && config.approval.is_weak() {
        let way = config.approval.as_str();
        complain(&format_args!("warning: --approval {way} lets a model act alone, without a person."));
    }
    match command {
        None => serve::serve(config, catalogue, only, providers),
        Some(Command::Bridge { url, token_env }) => {
            let (network, trust) = (config.network.clone(), config.trust.clone());
            let remote = remote_server(url.as_deref(), token_env.as_deref(), &environment, network, trust)?;
            bridge::bridge(&config, remote)
        }
        Some(Command::Sandbox { provider, address }) => sandbox::sandbox(providers, &provider, address),
        Some(Command::Login { provider }) => {
            let executor = executor(&config, &catalogue);
            login::login(&config, &executor, providers, provider.as_deref())
        }
        Some(Command::Audit { command }) => audit::audit(&config, &command),
        Some(Command::KillSwitch { action }) => kill_switch::kill_switch(&config, action),
        Some(Command::Approve { id }) => approve::approve(&config, id.as_deref()),
        Some(Command::List { json }) => Ok(print(&list::list(&Exposure::new(catalogue, config.expose), json))),
        Some(Command::Describe { tool, json }) => {
            describe::describe(&server(config, catalogue, providers), tool.as_deref(), json)
        }
        #[cfg(feature = "live")]
        Some(Command::Spec { json }) => spec::tell(&documents, json),
        Some(Command::Token { command }) => token::token(&config, &catalogue, &command),
        Some(Command::Call { tool, arguments }) => call::call(&server(config, catalogue, providers), &tool, &arguments),
    }
}

/// Logs to standard error what this crate says: rmcp and the HTTP client would log arguments.
fn start_log(level: LogLevel) {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt;
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).finish();
    // A second log in one process is a test's business.
    let _ = tracing::subscriber::set_global_default(lines.with(Targets::new().with_target("infra_mcp", level)));
}

/// Says something on standard error, if anybody listens.
fn complain(message: &dyn Display) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Prints the result of a sub-command. Whoever stops reading early, as `head` does, has seen enough.
fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format_args!("The result cannot be written: {error}."));
            ExitCode::from(FAILED)
        }
        _ => ExitCode::SUCCESS,
    }
}
