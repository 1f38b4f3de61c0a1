//! What flags and environment say about one provider.

use std::path::Path;
use std::time::Duration;

use infra_mcp_model::{Provider, Text, Tool};
use url::{Host, Url};

use super::accounts::{AccountFile, NamedAccounts};
use super::{Environment, Options, Providers, headers, saved};
use crate::account::{Account, AccountSettings, BodyAsQuery, Secret};
use crate::catalogue::names;
use crate::error::StartupError;
use crate::near::nearest;

/// What accounts of all providers are made of.
pub(super) struct Given<'a> {
    pub(super) options: &'a Options,
    pub(super) environment: &'a Environment,
    pub(super) providers: Providers<'a>,
    pub(super) named: &'a NamedAccounts,
    pub(super) state_directory: Option<&'a Path>,
}

/// The accounts of a provider: the one of the environment, and those that have a name. None where nobody has said where
/// the provider is. Beside others an account without a credential is none.
pub(super) fn accounts(
    provider: &'static Provider,
    given: &Given<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Account>, StartupError> {
    let mut named = Vec::new();
    for (name, written) in given.named.of(&provider.name) {
        named.push(named_account(provider, name, written, given, warnings)?);
    }
    let own =
        if named.is_empty() || !given.options.sandbox { environment_account(provider, given, warnings)? } else { None };
    let own = own.filter(|account| named.is_empty() || account.has_any_credential());
    Ok(own.into_iter().chain(named).collect())
}

/// What holds for every account.
fn settings(given: &Given<'_>) -> Result<AccountSettings, StartupError> {
    let body_as_query = body_as_query(&given.options.body_as_query, given.providers)?;
    let timeout = given.options.timeout.map(Duration::from_secs);
    let user_agent = if given.options.sandbox { None } else { given.environment.get("USER_AGENT")? };
    Ok(AccountSettings { timeout, body_as_query, user_agent, ..AccountSettings::default() })
}

/// An account of a simulated provider. No credential and no foreign address may play a part in a simulation.
fn simulated(provider: &'static Provider, mut settings: AccountSettings) -> Result<Account, StartupError> {
    let address = sandbox_address(provider, settings.name.as_deref())?;
    settings.relay_url = address.join("mcp").ok().filter(|_| provider.relay.is_some());
    settings.base_url = Some(address);
    Account::new(provider, settings)
}

fn named_account(
    provider: &'static Provider,
    name: &str,
    written: &AccountFile,
    given: &Given<'_>,
    warnings: &mut Vec<String>,
) -> Result<Account, StartupError> {
    let mut settings = AccountSettings { name: Some(name.to_owned()), ..settings(given)? };
    if given.options.sandbox {
        return simulated(provider, settings);
    }
    let subject = given.named.subject(&provider.name, name);
    let address = |text: &Option<String>, warnings: &mut Vec<String>| {
        text.as_deref().map(|text| parsed(&subject, text, warnings)).transpose()
    };
    settings.base_url = address(&written.url, warnings)?;
    settings.relay_url = address(&written.relay_url, warnings)?;
    let credentials = given.named.credentials(&provider.name, name, written, given.environment)?;
    for variable in credentials.unset.iter().chain(&credentials.relay_unset) {
        warnings.push(format!("{subject}: {variable} is not set, so calls of this account will fail and say so."));
    }
    settings.token = credentials.token;
    settings.user = credentials.user;
    settings.relay_token = credentials.relay_token;
    settings.unset = credentials.unset;
    settings.relay_unset = credentials.relay_unset;
    settings.timeout = settings.timeout.or(written.timeout_seconds.map(Duration::from_secs));
    Account::new(provider, settings).map_err(|error| error.about(subject))
}

fn environment_account(
    provider: &'static Provider,
    given: &Given<'_>,
    warnings: &mut Vec<String>,
) -> Result<Option<Account>, StartupError> {
    let environment = given.environment;
    let mut settings = settings(given)?;
    if given.options.sandbox {
        return simulated(provider, settings).map(Some);
    }
    settings.base_url = address(&provider.environment.base_url, environment, warnings)?;
    if settings.base_url.is_none() && provider.base_url.is_empty() {
        return Ok(None);
    }
    settings.token = environment.first(&provider.environment.token)?.map(|(_, token)| Secret::new(token));
    if let (None, Some(_), Some(directory)) = (&settings.token, &provider.login, given.state_directory) {
        settings.token = saved::token(directory, provider)?;
    }
    if let Some(relay) = &provider.relay {
        settings.relay_url = address(&relay.url_variables, environment, warnings)?;
        settings.relay_token = environment.first(&relay.token_variables)?.map(|(_, token)| Secret::new(token));
    }
    let user = environment.first(&provider.environment.username)?;
    let password = environment.first(&provider.environment.password)?;
    settings.user = user.zip(password).map(|((_, name), (_, password))| (name, Secret::new(password)));
    settings.headers = extra_headers(provider, environment)?;
    Account::new(provider, settings).map(Some)
}

/// The address a simulated provider answers at. `.invalid` (RFC 2606) exists nowhere.
///
/// # Errors
/// If the name of the provider cannot be part of a host name.
fn sandbox_address(provider: &Provider, account: Option<&str>) -> Result<Url, StartupError> {
    let account = account.map(|name| format!(".{name}")).unwrap_or_default();
    Url::parse(&format!("http://{}{account}.sandbox.invalid", provider.name)).map_err(|_| {
        let problem = format!("the provider `{}` cannot be simulated: its name fits no host name.", provider.name);
        StartupError::new("--sandbox", problem, "Rename it in its specs with letters, digits and dashes.")
    })
}

/// The address that the first of these variables holds.
fn address(
    variables: &[Text],
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Option<Url>, StartupError> {
    let given = environment.first(variables)?;
    given.map(|(variable, value)| parsed(variable, &value, warnings)).transpose()
}

/// An address that a variable or the configuration file holds.
fn parsed(variable: &str, value: &str, warnings: &mut Vec<String>) -> Result<Url, StartupError> {
    let value = value.trim();
    // What is called a host may be no more than that.
    let bare = variable.ends_with("HOST") && !value.contains("://");
    let value = if bare { format!("https://{value}") } else { value.to_owned() };
    let url = Url::parse(&value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        let fix = "Give an address that begins with https:// (or http://), or leave it out.";
        return Err(StartupError::new(variable, "its value is not the address of a web API.", fix));
    };
    if url.scheme() == "http" && !is_loopback(&url) {
        warnings.push(format!(
            "{variable}: requests and the token go to this address unencrypted, because it begins with http://."
        ));
    }
    Ok(url)
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn extra_headers(provider: &Provider, environment: &Environment) -> Result<Vec<(String, Secret)>, StartupError> {
    let Some((variable, value)) = environment.first(&provider.environment.headers)? else {
        return Ok(Vec::new());
    };
    headers::parse(&value).map_err(|error| {
        let fix = r#"The form is name:value,name:value; put a value with commas in double quotes: name:"a, b"."#;
        StartupError::new(variable, error.to_string(), fix)
    })
}

fn body_as_query(names: &[String], providers: Providers) -> Result<BodyAsQuery, StartupError> {
    if names.is_empty() {
        return Ok(BodyAsQuery::Declared);
    }
    if names.iter().any(|name| name == "all") {
        return Ok(BodyAsQuery::All);
    }
    let tools =
        || providers.iter().flat_map(|provider| provider.toolsets.iter()).flat_map(|toolset| toolset.tools.iter());
    if let Some(name) = names.iter().find(|name| !tools().any(|tool| tool.name == **name)) {
        let likely = nearest(name, tools().map(|tool| tool.name.as_ref()));
        let problem = match likely {
            Some(likely) => format!("there is no tool `{name}`; did you mean `{likely}`?"),
            None => format!("there is no tool `{name}`."),
        };
        return Err(StartupError::new(
            "--body-as-query",
            problem,
            "Give names of tools, separated by commas, or `all`.",
        ));
    }
    Ok(BodyAsQuery::Tools(names.to_vec()))
}

/// Whether the variable of the provider lets calls go all the way.
///
/// # Errors
/// If its value says neither yes nor no.
pub(super) fn is_opened(provider: &Provider, environment: &Environment) -> Result<bool, StartupError> {
    let Some((variable, value)) = environment.first(&provider.environment.enable_actions)? else {
        return Ok(false);
    };
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(StartupError::new(variable, "its value says neither yes nor no.", "Set it to 1 or 0.")),
    }
}

/// The names of the tools that the variable of the provider denies, by operation id or tool name.
pub(super) fn denied(
    provider: &Provider,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Vec<String>, StartupError> {
    let Some((variable, value)) = environment.first(&provider.environment.deny)? else {
        return Ok(Vec::new());
    };
    let mut denied = Vec::new();
    for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let meant = |tool: &&Tool| {
            tool.answers_to(name)
                || tool.operation_name == name
                || tool.operation().is_some_and(|known| known.id == name)
        };
        let before = denied.len();
        denied.extend(provider.tools().filter(meant).map(|tool| names::qualified(provider, &tool.name)));
        if denied.len() == before {
            warnings.push(format!("{variable}: {} has no operation `{name}` here to deny.", provider.title));
        }
    }
    Ok(denied)
}
