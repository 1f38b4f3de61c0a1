//! Flags and environment in, ready values out. The only place that reads the environment.

mod accounts;
mod environment;
mod flags;
mod headers;
mod http;
mod provider;
mod remote;
pub(crate) mod saved;
#[cfg(feature = "live")]
mod spec;
mod state;
mod trust;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use infra_mcp_model::{Access, Expose, Provider, Toolset};

use accounts::NamedAccounts;
pub use environment::Environment;
pub use flags::{
    ApprovalWay, AuditCommand, AuditFilter, Command, Flags, KillSwitch, LogLevel, Options, SecretsWay, TokenCommand,
    Which,
};
pub use headers::HeadersError;
pub use http::HttpConfig;
pub(crate) use provider::is_loopback;
pub use remote::remote_server;
#[cfg(feature = "live")]
pub use spec::{Given, Place, given};

use crate::account::{Accounts, DEFAULT};
use crate::catalogue::{Entry, Selection, names};
use crate::error::StartupError;
use crate::executor::{LocalFiles, NetworkOptions, Trust};
use crate::generated::NAMES;
use crate::near::nearest;
use crate::policy::{Policy, PolicyFile, Rule, Rules, Way};
use crate::principal::Principal;
use crate::result::Secrets;
use trust::Trusted;

/// How long calls in flight may go on at the end unless `--grace` says otherwise.
const GRACE: Duration = Duration::from_secs(10);

/// The longest result in characters unless `--max-result` says otherwise: what the strictest of the
/// big clients still shows to its model.
const RESULT_LIMIT: usize = 100_000;

/// The providers that a binary serves.
pub(crate) type Providers<'p> = &'p [&'static Provider];

/// What a binary is limited to. It names the tables themselves, so that no binary carries those of other providers.
#[derive(Debug, Clone, Copy)]
pub enum Only {
    /// Nothing: every provider of the build.
    Everything(&'static [&'static Provider]),
    /// One provider.
    Provider(&'static Provider),
    /// One toolset of one provider.
    Toolset(&'static Provider, &'static str),
}

impl Only {
    /// The providers whose tools the binary serves.
    #[must_use]
    pub fn providers(self) -> Vec<&'static Provider> {
        match self {
            Self::Everything(providers) => providers.to_vec(),
            Self::Provider(provider) | Self::Toolset(provider, _) => vec![provider],
        }
    }

    /// The name of the binary.
    #[must_use]
    pub fn binary(self) -> String {
        match self {
            Self::Everything(_) => "infra-mcp".to_owned(),
            Self::Provider(provider) if !provider.binary.is_empty() => provider.binary.to_string(),
            Self::Provider(Provider { name, .. }) => format!("{name}-mcp"),
            Self::Toolset(_, name) => format!("{name}-mcp"),
        }
    }

    /// The name of the server for people.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::Everything(_) => "Infrastructure tools".to_owned(),
            Self::Provider(provider) => provider.title.to_string(),
            Self::Toolset(provider, name) => match toolset(provider, name) {
                Some(toolset) => format!("{} {}", provider.title, toolset.title),
                None => provider.title.to_string(),
            },
        }
    }

    fn about(self) -> String {
        format!("MCP server for {}", self.title())
    }

    /// A tool for examples.
    fn first_tool(self) -> Option<&'static str> {
        let toolsets = self.providers().into_iter().flat_map(|provider| provider.toolsets.iter());
        let mut tools = toolsets
            .filter(|toolset| !matches!(self, Self::Toolset(_, name) if toolset.name != name))
            .flat_map(|toolset| toolset.tools.iter());
        tools.next().map(|tool| tool.name.as_ref())
    }

    /// Whether the build has what the binary is for.
    fn check(self) -> Result<(), StartupError> {
        match self {
            Self::Toolset(provider, name) if toolset(provider, name).is_none() => Err(StartupError::new(
                self.binary(),
                format!("this build knows no toolset `{name}` of {}.", provider.title),
                "Use infra-mcp, which serves all there is, or build this binary from the specs of this project.",
            )),
            _ => Ok(()),
        }
    }
}

fn toolset<'p>(provider: &'p Provider, name: &str) -> Option<&'p Toolset> {
    provider.toolsets.iter().find(|toolset| toolset.name == name)
}

/// Everything that flags and environment decide.
#[derive(Debug)]
pub struct Config {
    /// Which tools are served.
    pub selection: Selection,
    /// How tools are listed, where a flag says so.
    pub expose: Option<Expose>,
    /// What calls are judged by.
    pub policy: Policy,
    /// How approvals are obtained.
    pub approval: Way,
    /// What a person types to approve a call, without its id.
    pub approve_command: String,
    /// The accounts of each provider the binary covers and whose address is known.
    pub accounts: Arc<Accounts>,
    /// How the network is reached.
    pub network: NetworkOptions,
    /// What is accepted in the place of a certificate that an authority vouches for, of a server that is no provider.
    pub trust: Option<Trust>,
    /// What is unsafe for as long as the program runs, in sentences.
    pub unsafe_ways: Vec<String>,
    /// Where and for whom to serve over HTTP; without it standard input and output are served.
    pub http: Option<HttpConfig>,
    /// Where the store is, which need not exist. None where nothing says where.
    pub state_directory: Option<PathBuf>,
    /// How long calls in flight may go on at the end.
    pub grace: Duration,
    /// Who calls where nobody is asked for a name.
    pub local: Arc<Principal>,
    /// The files of this machine that calls may send away.
    pub files: LocalFiles,
    /// What becomes of credentials in answers.
    pub secrets: Secrets,
    /// The longest result in characters, where it was given; 0 means no limit.
    pub result_limit: Option<usize>,
    /// Whether a simulated provider stands in the place of the network.
    pub sandbox: bool,
    /// How much is logged.
    pub log: Option<LogLevel>,
    /// What the user should know and what does not keep the program from running.
    pub warnings: Vec<String>,
}

impl Config {
    /// Checks flags and environment.
    ///
    /// # Errors
    /// If one of them is wrong, or the build lacks what the binary is for.
    pub fn new(options: Options, environment: &Environment, only: Only) -> Result<Self, StartupError> {
        only.check()?;
        let providers = &only.providers();
        let trusted = Trusted::read(&options, providers)?;
        let mut network = NetworkOptions { ca_file: options.ca_file.clone(), exceptions: Vec::new() };
        if network.ca_file.is_some() {
            network.check()?;
        }
        let mut warnings = environment.warnings().to_vec();
        let state_directory = state::directory(&options, environment)?;
        let kept = state_directory.as_deref();
        let named = NamedAccounts::read(&options, environment)?;
        if let Some(stranger) = named.providers().find(|name| !is_provider(name, providers)) {
            let known = providers.iter().map(|provider| provider.name.as_ref()).collect::<Vec<_>>().join(", ");
            let problem = format!("it has accounts of {stranger:?}, which is no provider of this build.");
            return Err(StartupError::new("--config", problem, format!("Served here: {known}.")));
        }
        let given = provider::Given { options: &options, environment, providers, named: &named, state_directory: kept };
        let mut accounts = Vec::new();
        let mut opened = Vec::new();
        let mut denied = Vec::new();
        for provider in providers.iter().copied() {
            accounts.extend(provider::accounts(provider, &given, &mut warnings)?);
            if provider::is_opened(provider, environment)? {
                opened.push(provider.name.to_string());
            }
            denied.extend(provider::denied(provider, environment, &mut warnings)?);
        }
        let files = files(&options, environment)?;
        let (exceptions, unsafe_ways) = trusted.exceptions(&accounts, &named)?;
        network.exceptions = exceptions;
        warnings.extend(unsafe_ways.iter().cloned());
        Ok(Self {
            files,
            trust: trusted.of(None),
            unsafe_ways,
            local: Arc::new(Principal::local_with((!options.scopes.is_empty()).then(|| options.scopes.clone()))),
            secrets: secrets(&options, state_directory.as_deref())?,
            policy: Policy { opened: opened.clone(), ..policy(&options, providers, &named)? },
            approval: options.approval.map_or_else(Way::default, Into::into),
            approve_command: approve_command(&options),
            accounts: Arc::new(accounts.into_iter().collect()),
            network,
            http: HttpConfig::new(&options)?,
            state_directory,
            grace: options.grace.map_or(GRACE, Duration::from_secs),
            result_limit: options.max_result,
            sandbox: options.sandbox,
            log: log_level(options.log, environment)?,
            expose: options.expose.map(Into::into),
            selection: Selection { opened, ..selection(options, denied, only)? },
            warnings,
        })
    }

    /// Where the store is to be.
    ///
    /// # Errors
    /// If nothing says where.
    pub fn state_directory(&self) -> Result<&Path, StartupError> {
        self.state_directory.as_deref().ok_or_else(|| {
            let fix = format!("Name a directory with it or with {}.", state::VARIABLE);
            StartupError::new("--state-dir", "nothing says where the state directory is: HOME is not set.", fix)
        })
    }

    /// Where the gate keeps its state: what is approved or stopped in a simulation is so there alone.
    ///
    /// # Errors
    /// If nothing says where the state directory is.
    pub fn gate_directory(&self) -> Result<PathBuf, StartupError> {
        let directory = self.state_directory()?;
        Ok(if self.sandbox { directory.join("sandbox") } else { directory.to_owned() })
    }

    /// The longest result of a server in characters; 0 means no limit.
    #[must_use]
    pub fn served_result_limit(&self) -> usize {
        self.result_limit.unwrap_or(RESULT_LIMIT)
    }
}

/// The variable that names directories whose files may be uploaded, written as `PATH` is.
const UPLOAD_DIRECTORIES: &str = "INFRA_MCP_UPLOAD_DIR";

fn files(options: &Options, environment: &Environment) -> Result<LocalFiles, StartupError> {
    if !options.upload_dir.is_empty() {
        return LocalFiles::below(&options.upload_dir);
    }
    let named = environment.get(UPLOAD_DIRECTORIES)?.unwrap_or_default();
    LocalFiles::below(&std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect::<Vec<_>>())
}

fn secrets(options: &Options, state_directory: Option<&Path>) -> Result<Secrets, StartupError> {
    match (options.secrets, state_directory) {
        (None | Some(SecretsWay::Withhold), _) => Ok(Secrets::Withheld),
        (Some(SecretsWay::File), Some(directory)) => Ok(Secrets::kept_in(directory)),
        (Some(SecretsWay::File), None) => Err(StartupError::new(
            "--secrets file",
            "nothing says where the files are to be: HOME is not set.",
            "Name a directory with --state-dir.",
        )),
    }
}

fn log_level(flag: Option<LogLevel>, environment: &Environment) -> Result<Option<LogLevel>, StartupError> {
    let debug = environment.get("DEBUG")?.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1");
    Ok(flag.or(debug.then_some(LogLevel::Debug)))
}

fn policy(options: &Options, providers: Providers, named: &NamedAccounts) -> Result<Policy, StartupError> {
    let (file, given) = match &options.policy {
        Some(path) => policy_file(path, providers, named)?,
        None => Default::default(),
    };
    let mut rules = Rules::default();
    given.into_iter().for_each(|(entry, rule)| rules.set(entry, rule));
    Ok(Policy {
        access: access(options)?,
        protection: file.protection(),
        limits: file.limits(),
        rules,
        opened: Vec::new(),
    })
}

/// The command that approves in the same state directory.
fn approve_command(options: &Options) -> String {
    let sandbox = if options.sandbox { " --sandbox" } else { "" };
    let directory = options.state_dir.as_ref().map(|directory| format!(" --state-dir {}", directory.display()));
    format!("infra-mcp{sandbox}{} approve", directory.unwrap_or_default())
}

/// Whether there is a provider of this name in the build, served here or by another binary.
fn is_provider(name: &str, providers: &[&'static Provider]) -> bool {
    providers.iter().any(|provider| provider.name == name) || NAMES.iter().any(|(other, _)| *other == name)
}

/// Reads the policy file, with its rules for tools that the binary serves. A name in it that stands for nothing would
/// protect nothing, so it is an error; so is one that stands for tools of several providers.
fn policy_file(
    path: &Path,
    providers: Providers,
    named: &NamedAccounts,
) -> Result<(PolicyFile, Vec<(Entry, Rule)>), StartupError> {
    let wrong = |problem: String| {
        let subject = format!("--policy {}", path.display());
        StartupError::new(subject, problem, "The README shows what a policy file may hold.")
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("it cannot be read: {error}.")))?;
    let file = PolicyFile::parse(&text).map_err(wrong)?;
    // One file may serve several binaries: what only another one knows is in order, and means nothing here.
    let elsewhere = || NAMES.iter().filter(|(provider, _)| !providers.iter().any(|own| own.name == **provider));
    let known_elsewhere = |name: &str| {
        elsewhere().any(|(provider, names)| {
            let own = name.strip_prefix(&provider.replace('-', "_")).and_then(|rest| rest.strip_prefix('_'));
            names.split(' ').any(|other| other == name || Some(other) == own)
        })
    };
    let mut rules = Vec::new();
    for (name, rule) in &file.tools {
        let meant = names::meant(providers, name).map_err(|several| wrong(names::ambiguous(name, &several)))?;
        if meant.is_empty() && !known_elsewhere(name) {
            let tools = providers.iter().flat_map(|provider| provider.tools());
            let likely = nearest(name, tools.map(|tool| tool.name.as_ref()));
            let hint = likely.map_or_else(|| ".".to_owned(), |likely| format!("; did you mean `{likely}`?"));
            return Err(wrong(format!("there is no tool `{name}`{hint}")));
        }
        rules.extend(meant.into_iter().map(|entry| (entry, *rule)));
    }
    let is_known = |owner: &str| match owner.split_once('/') {
        Some((provider, account)) => {
            is_provider(provider, providers)
                && (account == DEFAULT || named.of(provider).any(|(name, _)| name == account))
        }
        None => is_provider(owner, providers),
    };
    let stranger = file.protected_providers().find(|owner| !is_known(owner)).map(str::to_owned);
    match stranger {
        Some(owner) => Err(wrong(format!("there is no provider or account `{owner}` to protect resources of."))),
        None => Ok((file, rules)),
    }
}

/// How far calls may go, where a flag says so. The narrower of two flags wins.
fn access(options: &Options) -> Result<Option<Access>, StartupError> {
    let chosen = options.access.as_deref().map(|word| {
        Access::ALL.into_iter().find(|access| access.as_str() == word).ok_or_else(|| {
            StartupError::new("--access", format!("{word:?} is no level of access."), "Use read, write or full.")
        })
    });
    let chosen = chosen.transpose()?;
    Ok(if options.read_only { Some(Access::Read) } else { chosen })
}

fn selection(options: Options, denied: Vec<String>, only: Only) -> Result<Selection, StartupError> {
    let access = access(&options)?;
    let Options { toolsets, tools, exclude_tools, .. } = options;
    let given = |names: Vec<String>| (!names.is_empty()).then_some(names);
    let exclude = [exclude_tools, denied].concat();
    let mut selection =
        Selection { toolsets: given(toolsets), tools: given(tools), exclude, access, ..Selection::default() };
    match only {
        Only::Everything(_) | Only::Provider(_) => {}
        Only::Toolset(provider, toolset) => {
            if let Some(other) = selection.toolsets.iter().flatten().find(|name| *name != toolset) {
                let problem =
                    format!("{} serves the toolset `{toolset}` only, so `{other}` cannot be selected.", only.binary());
                return Err(StartupError::new(
                    "--toolsets",
                    problem,
                    format!("Leave the flag out, or use {} or infra-mcp.", Only::Provider(provider).binary()),
                ));
            }
            selection.toolsets = Some(vec![toolset.to_owned()]);
        }
    }
    Ok(selection)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
