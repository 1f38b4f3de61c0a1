//! The configuration file: named accounts, each with an address and a credential of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Environment, Options};
use crate::account::{DEFAULT, Secret};
use crate::error::StartupError;
use crate::executor::{Authorities, Pin, Trust};

/// The name of ours in a directory for the configuration of all programs, and of the file there.
const PLACE: &str = "infra-mcp/config.toml";

/// How a name of an account is made.
const NAMES: &str = "A name begins with a letter and has up to 40 of A-Z a-z 0-9 _ -";

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// By provider, then by name.
    #[serde(default)]
    accounts: BTreeMap<String, BTreeMap<String, AccountFile>>,
}

/// One account as it is written. Of each credential one way to tell it counts: the name of a variable, the path of a
/// file, or the credential itself.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountFile {
    /// Where requests go.
    pub(super) url: Option<String>,
    /// Where relayed calls go.
    pub(super) relay_url: Option<String>,
    /// How long a call may take, retries included.
    pub(super) timeout_seconds: Option<u64>,
    /// PEM file with certificates of authorities to trust besides all others.
    ca_file: Option<PathBuf>,
    /// Fingerprints of the certificates that alone are accepted.
    #[serde(default)]
    pin_sha256: Vec<String>,
    /// No certificate is checked.
    #[serde(default)]
    insecure: bool,
    username: Option<String>,
    token: Option<Inline>,
    token_env: Option<String>,
    token_file: Option<PathBuf>,
    password: Option<Inline>,
    password_env: Option<String>,
    password_file: Option<PathBuf>,
    relay_token: Option<Inline>,
    relay_token_env: Option<String>,
    relay_token_file: Option<PathBuf>,
}

/// A credential in the file itself.
#[derive(Deserialize)]
#[serde(transparent)]
struct Inline(String);

impl std::fmt::Debug for Inline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The named accounts of a configuration file.
#[derive(Debug, Default)]
pub(super) struct NamedAccounts {
    file: PathBuf,
    written: Written,
}

/// The credentials of a named account.
pub(super) struct Credentials {
    pub(super) token: Option<Secret>,
    pub(super) user: Option<(String, Secret)>,
    pub(super) relay_token: Option<Secret>,
    /// The variable that the file names for the token or password and that is not set: calls will say so.
    pub(super) unset: Option<String>,
    /// The same for the relay.
    pub(super) relay_unset: Option<String>,
}

impl NamedAccounts {
    /// Reads the file that a flag names, or the one at the usual place, where there is one. A simulation reads the
    /// former alone: nothing real plays a part in it unasked.
    ///
    /// # Errors
    /// If the file cannot be read or understood, or others can read a credential in it.
    pub(super) fn read(options: &Options, environment: &Environment) -> Result<Self, StartupError> {
        let Some(file) = file(options, environment)? else { return Ok(Self::default()) };
        let subject = format!("--config {}", file.display());
        let wrong = |problem: String| StartupError::new(&subject, problem, "The README shows what it may hold.");
        let text = fs::read_to_string(&file).map_err(|error| wrong(format!("it cannot be read: {error}.")))?;
        let written: Written = toml::from_str(&text).map_err(|error| {
            // The whole error repeats the line, which may hold a credential.
            let line = error.span().map(|span| text[..span.start].lines().count().max(1));
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            wrong(format!("{line}{}", error.message()))
        })?;
        let named = Self { file, written };
        named.check_names(&wrong)?;
        named.check_mode(&wrong)?;
        Ok(named)
    }

    /// The providers that it has accounts of.
    pub(super) fn providers(&self) -> impl Iterator<Item = &str> {
        self.written.accounts.keys().map(String::as_str)
    }

    /// The accounts of a provider, by name.
    pub(super) fn of(&self, provider: &str) -> impl Iterator<Item = (&str, &AccountFile)> {
        let accounts = self.written.accounts.get(provider).into_iter().flatten();
        accounts.map(|(name, account)| (name.as_str(), account))
    }

    /// How an error calls one of its accounts.
    pub(super) fn subject(&self, provider: &str, name: &str) -> String {
        format!("accounts.{provider}.{name} in {}", self.file.display())
    }

    /// The credentials of an account.
    ///
    /// # Errors
    /// If one is told in two ways, or cannot be had.
    pub(super) fn credentials(
        &self,
        provider: &str,
        name: &str,
        account: &AccountFile,
        environment: &Environment,
    ) -> Result<Credentials, StartupError> {
        let subject = self.subject(provider, name);
        let source = Source { subject: &subject, named: self, environment };
        let AccountFile { token, token_env, token_file, .. } = account;
        let token = source.secret("token", token.as_ref(), token_env.as_deref(), token_file.as_deref())?;
        let AccountFile { password, password_env, password_file, .. } = account;
        let password =
            source.secret("password", password.as_ref(), password_env.as_deref(), password_file.as_deref())?;
        let AccountFile { relay_token: relay, relay_token_env, relay_token_file, .. } = account;
        let relay =
            source.secret("relay_token", relay.as_ref(), relay_token_env.as_deref(), relay_token_file.as_deref())?;
        let unset = |secret: &Option<Secret>, variable: &Option<String>| variable.clone().filter(|_| secret.is_none());
        let relay_unset = unset(&relay, relay_token_env);
        let password_env = password_env.clone().filter(|_| account.username.is_some());
        let token_unset = unset(&token, token_env).or_else(|| unset(&password, &password_env));
        let user = account.username.clone().zip(password);
        let named = token_unset.is_some() || relay_unset.is_some();
        if token.is_none() && user.is_none() && relay.is_none() && !named {
            let fix = "Give it token_env = \"VARIABLE\" or token_file = \"PATH\", or username with password_env.";
            return Err(StartupError::new(subject, "the account has no credential.", fix));
        }
        // One that is there is enough.
        let token_unset = token_unset.filter(|_| token.is_none() && user.is_none());
        Ok(Credentials { token, user, relay_token: relay, unset: token_unset, relay_unset })
    }

    /// What is accepted in the place of a certificate that an authority vouches for; none where one has to.
    ///
    /// # Errors
    /// If a fingerprint is none, or the certificates of its authorities cannot be read.
    pub(super) fn trust(&self, provider: &str, name: &str) -> Result<Option<Trust>, StartupError> {
        let Some((_, account)) = self.of(provider).find(|(known, _)| *known == name) else { return Ok(None) };
        let pin = |text: &String| {
            text.parse().map_err(|problem: String| {
                let fix = "`openssl x509 -noout -fingerprint -sha256 -in FILE` prints that of a certificate.";
                StartupError::new(self.subject(provider, name), problem, fix)
            })
        };
        let pins: Vec<Pin> = account.pin_sha256.iter().map(pin).collect::<Result<_, _>>()?;
        // Who pins a certificate, or names who vouches for it, wants it checked.
        if !pins.is_empty() {
            return Ok(Some(Trust::Pinned(pins)));
        }
        let Some(file) = &account.ca_file else { return Ok(account.insecure.then_some(Trust::Anything)) };
        let authorities = Authorities::read(&self.beside(file)).map_err(|problem| {
            let fix = "Name a readable file with certificates in PEM form (-----BEGIN CERTIFICATE-----).";
            StartupError::new(self.subject(provider, name), problem, fix)
        })?;
        Ok(Some(Trust::Authorities(authorities)))
    }

    /// What is not absolute stands beside the configuration.
    fn beside(&self, file: &Path) -> PathBuf {
        self.file.parent().map_or_else(|| file.to_owned(), |folder| folder.join(file))
    }

    fn check_names(&self, wrong: &dyn Fn(String) -> StartupError) -> Result<(), StartupError> {
        for (provider, accounts) in &self.written.accounts {
            if let Some(name) = accounts.keys().find(|name| !is_name(name)) {
                return Err(wrong(format!("accounts.{provider}.{name} is not a name for an account. {NAMES}.")));
            }
            if accounts.contains_key(DEFAULT) {
                let problem =
                    format!("accounts.{provider}.{DEFAULT}: that is what the account of the environment is called.");
                return Err(wrong(problem));
            }
        }
        Ok(())
    }

    /// A credential in the file itself is nobody else's to read.
    #[cfg(unix)]
    fn check_mode(&self, wrong: &dyn Fn(String) -> StartupError) -> Result<(), StartupError> {
        use std::os::unix::fs::PermissionsExt as _;
        let accounts = self.written.accounts.values().flatten();
        let inline = |account: &AccountFile| {
            account.token.is_some() || account.password.is_some() || account.relay_token.is_some()
        };
        if !accounts.map(|(_, account)| account).any(inline) {
            return Ok(());
        }
        let mode = fs::metadata(&self.file).map(|data| data.permissions().mode());
        match mode {
            Ok(mode) if mode & 0o077 == 0 => Ok(()),
            _ => Err(wrong(
                "it holds a credential, and others can read it: `chmod 600` it, or name a variable or a file instead."
                    .to_owned(),
            )),
        }
    }

    #[cfg(not(unix))]
    fn check_mode(&self, _: &dyn Fn(String) -> StartupError) -> Result<(), StartupError> {
        Ok(())
    }
}

/// Where the credentials of one account come from.
struct Source<'a> {
    subject: &'a str,
    named: &'a NamedAccounts,
    environment: &'a Environment,
}

impl Source<'_> {
    /// None where nothing is told, or the variable is not set.
    fn secret(
        &self,
        what: &str,
        inline: Option<&Inline>,
        variable: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Option<Secret>, StartupError> {
        let wrong = |problem: String| {
            let fix = format!("Give one of {what}_env, {what}_file and {what}.");
            StartupError::new(self.subject, problem, fix)
        };
        let text = match (inline, variable, file) {
            (None, None, None) => return Ok(None),
            (Some(Inline(text)), None, None) => text.clone(),
            (None, Some(variable), None) => {
                let Some(value) = self.environment.get(variable)? else { return Ok(None) };
                value
            }
            (None, None, Some(file)) => {
                let file = self.named.beside(file);
                fs::read_to_string(&file)
                    .map_err(|error| wrong(format!("{} cannot be read: {error}.", file.display())))?
            }
            _ => return Err(wrong(format!("its {what} is told in more than one way."))),
        };
        match text.trim() {
            "" => Err(wrong(format!("its {what} is empty."))),
            text => Ok(Some(Secret::new(text))),
        }
    }
}

/// Whether it can be a name: no text that could be taken for another kind of value, and fit for a host name.
fn is_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(legal)
        && !["true", "false", "null"].contains(&name)
}

/// Where the file is, as the XDG Base Directory Specification 0.8 says unless a flag does.
fn file(options: &Options, environment: &Environment) -> Result<Option<PathBuf>, StartupError> {
    if options.config.is_some() || options.sandbox {
        return Ok(options.config.clone());
    }
    let absolute = |text: String| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
    let folder = match environment.get("XDG_CONFIG_HOME")?.and_then(absolute) {
        Some(folder) => Some(folder),
        None => environment.get("HOME")?.and_then(absolute).map(|home| home.join(".config")),
    };
    Ok(folder.map(|folder| folder.join(PLACE)).filter(|file| file.exists()))
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
