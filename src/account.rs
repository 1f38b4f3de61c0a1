//! One authenticated connection to a provider: where requests go and what every one of them carries.

mod address;
mod headers;
mod remote;
mod secret;
mod session;
mod several;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use infra_mcp_model::{Authentication, Provider, RemoteServer};
use url::Url;

pub(crate) use headers::printable;
pub use remote::Remote;
pub use secret::Secret;
pub(crate) use session::{Key, Session, Ticket};
pub use several::{Accounts, Choice, DEFAULT, Unchosen};

use crate::error::StartupError;
use address::{base_url, with_path};
use headers::{credential_header, credential_value, described_name, extra_name, extra_value, sensitive, user_agent};

/// What is put in the place of a credential.
const MASK: &str = "***";

/// Shorter credentials are not looked for in answers: masking them would tear up ordinary text.
const SHORTEST_MASKED: usize = 6;

/// For which tools the declared body of a GET, HEAD or DELETE request goes into the query instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BodyAsQuery {
    /// As each operation declares.
    #[default]
    Declared,
    /// For the tools with these names.
    Tools(Vec<String>),
    /// For all of them.
    All,
}

impl BodyAsQuery {
    /// Whether this tool is meant.
    #[must_use]
    pub fn covers(&self, tool: &str) -> bool {
        match self {
            Self::Declared => false,
            Self::Tools(names) => names.iter().any(|name| name == tool),
            Self::All => true,
        }
    }
}

/// What a user can say about an account. The default is an account without a credential.
#[derive(Debug, Clone, Default)]
pub struct AccountSettings {
    /// What calls choose it by, where its provider has several. The account of the environment has no name.
    pub name: Option<String>,
    /// Replaces the base URL of the provider; it may have a path.
    pub base_url: Option<Url>,
    /// The credential.
    pub token: Option<Secret>,
    /// User name and password, for where there is no token (RFC 7617).
    pub user: Option<(String, Secret)>,
    /// Replaces the address of the MCP server of the provider.
    pub relay_url: Option<Url>,
    /// The credential for that server.
    pub relay_token: Option<Secret>,
    /// The variable that was to hold the credential of a named account and is not set.
    pub unset: Option<String>,
    /// The same of the credential for the MCP server.
    pub relay_unset: Option<String>,
    /// Additional request headers. They win over all others, the one with the token included.
    pub headers: Vec<(String, Secret)>,
    /// Appended to the user agent in parentheses.
    pub user_agent: Option<String>,
    /// Replaces the time limit of the provider: the whole call, retries included.
    pub timeout: Option<Duration>,
    /// Where declared bodies of GET, HEAD and DELETE requests go.
    pub body_as_query: BodyAsQuery,
}

/// One authenticated connection to a provider, checked and ready: requests only copy from it.
pub struct Account {
    provider: &'static Provider,
    name: Option<String>,
    base_url: Url,
    base: String,
    /// Put into words once, since every call names it in the audit log.
    place: String,
    headers: HeaderMap,
    secrets: Vec<Secret>,
    credential: bool,
    unset: Option<String>,
    remote: Option<Remote>,
    session: Option<Session>,
    key: Option<Key>,
    timeout: Duration,
    body_as_query: BodyAsQuery,
}

impl Account {
    /// Checks the settings.
    ///
    /// # Errors
    /// If the base URL is missing or unfit, or if a token or header cannot be sent.
    pub fn new(provider: &'static Provider, settings: AccountSettings) -> Result<Self, StartupError> {
        let base_url = base_url(provider, settings.base_url.map(|url| with_path(url, &provider.base_path)))?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, user_agent(settings.user_agent.as_deref()));
        for header in provider.headers.iter() {
            let (name, value) = (described_name(provider, &header.name)?, Secret::new(header.value.as_ref()));
            headers.insert(&name, extra_value(provider, &name, &value)?);
        }
        let mut secrets = Vec::new();
        let (mut session, mut key) = (None, None);
        let carrier = credential_header(&provider.authentication, provider)?;
        match (&carrier, settings.token, settings.user) {
            (Some(carrier), Some(token), _) => {
                let token = Secret::new(token.expose().trim());
                match &provider.authentication {
                    Authentication::Session(_) => key = Some(Key::new(provider, &token)?),
                    _ => drop(headers.insert(carrier, credential_value(provider, &token)?)),
                }
                secrets.push(token);
            }
            (Some(_), None, Some(user)) if matches!(provider.authentication, Authentication::Session(_)) => {
                session = Session::new(provider, &base_url, user)?;
            }
            (Some(_), None, Some((name, password))) => {
                let pair = Secret::new(BASE64_STANDARD.encode(format!("{name}:{}", password.expose())));
                let value = sensitive(&provider.environment.password, &format!("Basic {}", pair.expose()))?;
                headers.insert(AUTHORIZATION, value);
                secrets.extend([pair, password]);
            }
            _ => {}
        }
        let relay_token = settings.relay_token.map(|token| Secret::new(token.expose().trim()));
        let (url, unset) = (settings.relay_url, settings.relay_unset);
        let remote = provider.relay.as_ref().map(|server| Remote::new(server, url, relay_token.as_ref(), unset));
        secrets.extend(relay_token);
        for (name, value) in settings.headers {
            let name = extra_name(provider, &name)?;
            let carries = Some(&name) == carrier.as_ref() || name == AUTHORIZATION;
            headers.insert(&name, extra_value(provider, &name, &value)?);
            if carries {
                let credential = value.expose().rsplit(' ').next().unwrap_or_default();
                secrets.push(Secret::new(credential));
            }
        }
        Ok(Self {
            base: base_url.as_str().trim_end_matches('/').to_owned(),
            place: match &settings.name {
                Some(name) => format!("{base_url} ({name})"),
                None => base_url.to_string(),
            },
            credential: carrier.is_none_or(|carrier| headers.contains_key(carrier))
                || headers.contains_key(AUTHORIZATION)
                || session.is_some()
                || key.is_some(),
            base_url,
            unset: settings.unset,
            remote: remote.transpose()?,
            session,
            name: settings.name,
            key,
            provider,
            headers,
            secrets,
            timeout: settings.timeout.unwrap_or(Duration::from_secs(provider.timeout_seconds)),
            body_as_query: settings.body_as_query,
        })
    }

    /// The provider that is connected to.
    #[must_use]
    pub fn provider(&self) -> &'static Provider {
        self.provider
    }

    /// Its name; the account of the environment has none.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What calls choose it by, where there are others.
    #[must_use]
    pub fn called(&self) -> &str {
        self.name().unwrap_or(DEFAULT)
    }

    /// Provider and name, as grants and the policy file have it: `acme/lab`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.provider.name, self.called())
    }

    /// Its address, and its name if it has one: what tells it from others in texts for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The provider for people, with its name if it has one: `Acme (lab)`.
    #[must_use]
    pub fn title(&self) -> String {
        match self.name() {
            Some(name) => format!("{} ({name})", self.provider.title),
            None => self.provider.title.to_string(),
        }
    }

    /// What gives it the credential that it lacks, as a sentence.
    #[must_use]
    pub fn cure(&self) -> String {
        self.cure_by(self.unset.as_deref(), || self.provider.environment.credential())
    }

    /// The same for the MCP server of its provider.
    #[must_use]
    pub fn relay_cure(&self) -> String {
        let unset = self.remote.as_ref().and_then(Remote::unset);
        let usual = || self.provider.relay.as_ref().map(RemoteServer::credential).unwrap_or_default();
        self.cure_by(unset, usual)
    }

    fn cure_by(&self, unset: Option<&str>, usual: impl Fn() -> String) -> String {
        match (self.name(), unset) {
            (Some(name), None) => format!("Give the account `{name}` one in the configuration file."),
            (_, Some(variable)) => format!("Set {variable} in the environment of this server."),
            (None, None) => format!("Set {} in the environment of this server.", usual()),
        }
    }

    /// Where its credential is, as part of a sentence: `XO_TOKEN, or XO_USERNAME and XO_PASSWORD,`
    #[must_use]
    pub fn credential(&self) -> String {
        match self.name() {
            Some(name) => format!("the credential of the account `{name}`"),
            None => self.provider.environment.credential(),
        }
    }

    /// Where requests go.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The base URL without a slash at its end, ready for a path.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The headers that every request carries.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether requests carry a credential, or need none.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        self.credential
    }

    /// Whether some request carries a credential, or needs none.
    #[must_use]
    pub fn has_any_credential(&self) -> bool {
        self.credential || self.remote.as_ref().is_some_and(Remote::has_credential)
    }

    /// The MCP server of the provider, if it has one.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// The session that requests belong to, where user name and password open one.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The token of which it is not known how it is sent, where the provider takes several.
    pub(crate) fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// How long a call may take, retries included.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Where declared bodies of GET, HEAD and DELETE requests go.
    #[must_use]
    pub fn body_as_query(&self) -> &BodyAsQuery {
        &self.body_as_query
    }

    /// What tells this account from all others: where requests go, and all that every one of them carries. That
    /// includes the credentials, so it is for hashing alone.
    pub(crate) fn identity(&self) -> impl Iterator<Item = &[u8]> {
        let mut headers: Vec<_> = self.headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        let carried = headers.into_iter().flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]);
        let remote = self.remote.iter().flat_map(Remote::identity);
        let session = self.session.iter().flat_map(Session::identity);
        let named = [self.base.as_bytes(), self.called().as_bytes()];
        let key = self.key.iter().map(Key::identity);
        named.into_iter().chain(carried).chain(remote).chain(session).chain(key)
    }

    /// The text without the credentials of this account.
    pub(crate) fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = without(Cow::Borrowed(text), &self.secrets);
        match &self.session {
            Some(session) => session.mask(text),
            None => text,
        }
    }
}

/// The text with a mask in the place of every secret that is not too short.
pub(crate) fn without<'t>(text: Cow<'t, str>, secrets: &[Secret]) -> Cow<'t, str> {
    let long = secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= SHORTEST_MASKED);
    long.fold(text, |text, secret| if text.contains(secret) { Cow::Owned(text.replace(secret, MASK)) } else { text })
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("provider", &self.provider.name)
            .field("name", &self.name)
            .field("base_url", &self.base)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}
