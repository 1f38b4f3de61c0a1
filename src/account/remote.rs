//! The MCP server of a provider, as an account reaches it.

use http::HeaderValue;
use infra_mcp_model::RemoteServer;
use url::Url;

use super::Secret;
use super::address::unfit;
use super::headers::{bearer, variable};
use crate::error::StartupError;

/// Where tools of a provider are relayed to, and with which credential.
pub struct Remote {
    url: Url,
    authorization: Option<HeaderValue>,
    unset: Option<String>,
}

impl Remote {
    /// Checks address and token. `unset` is the variable that was to hold the token.
    pub(super) fn new(
        server: &RemoteServer,
        url: Option<Url>,
        token: Option<&Secret>,
        unset: Option<String>,
    ) -> Result<Self, StartupError> {
        let named = variable(&server.url_variables, "the address of the MCP server");
        let url = url.map_or_else(|| Url::parse(&server.url).map_err(|_| "this is not a URL."), Ok);
        let url = url.and_then(|url| match unfit(&url) {
            Some(problem) => Err(problem),
            None => Ok(url),
        });
        let fix = "Give the whole address of its MCP endpoint, such as https://api.example.com/mcp.";
        Ok(Self {
            url: url.map_err(|problem| StartupError::new(named, problem, fix))?,
            authorization: token.map(|token| bearer(&server.token_variables, token)).transpose()?,
            unset,
        })
    }

    /// Where the server is.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether there is a credential for it.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        self.authorization.is_some()
    }

    /// The variable that was to hold the credential and is not set.
    pub(super) fn unset(&self) -> Option<&str> {
        self.unset.as_deref()
    }

    /// Where the server is, and the credential.
    pub(super) fn identity(&self) -> [&[u8]; 2] {
        [self.url.as_str().as_bytes(), self.authorization.as_ref().map_or(&[], HeaderValue::as_bytes)]
    }

    /// The value of the header that carries the credential.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}
