//! `login`: a token for the API of a provider, by way of a browser.

use std::process::ExitCode;

use infra_mcp_model::Provider;

use super::{FAILED, Providers, complain, print, serve};
use crate::config::{Config, saved};
use crate::error::StartupError;
use crate::executor::Executor;

/// Signs in and keeps the token.
pub(super) fn login(
    config: &Config,
    executor: &Executor,
    providers: Providers,
    named: Option<&str>,
) -> Result<ExitCode, StartupError> {
    let provider = provider(providers, named)?;
    let directory = config.gate_directory()?;
    let (Some(login), Some(account)) = (&provider.login, config.accounts.of(&provider.name).first()) else {
        let problem = format!("{} has no login of this kind.", provider.title);
        return Err(StartupError::new("login", problem, provider.credential_help.to_string()));
    };
    let signed_in = serve::runtime()?.block_on(executor.sign_in(account, login, "infra-mcp", |prompt| {
        complain(&format_args!("Open {} and check that it shows {}. Waiting ...", prompt.address, prompt.code));
    }));
    match signed_in {
        Err(error) => {
            complain(&error);
            Ok(ExitCode::from(FAILED))
        }
        Ok(token) => {
            let file = saved::keep(&directory, provider, &token)?;
            let variables = provider.environment.token.join(" or ");
            Ok(print(&format!("The token is kept in {}. It serves where {variables} is not set.\n", file.display())))
        }
    }
}

fn provider(providers: Providers, named: Option<&str>) -> Result<&'static Provider, StartupError> {
    let able = || providers.iter().copied().filter(|provider| provider.login.is_some());
    let chosen = match named {
        Some(name) => able().find(|provider| provider.name == name),
        None => able().next().filter(|_| able().count() == 1),
    };
    chosen.ok_or_else(|| {
        let names: Vec<&str> = able().map(|provider| provider.name.as_ref()).collect();
        let fix = match names.as_slice() {
            [] => "Set the variable that `--help` names instead.".to_owned(),
            names => format!("Name one of these: {}.", names.join(", ")),
        };
        StartupError::new("login", "no provider with a login of this kind is meant.", fix)
    })
}
