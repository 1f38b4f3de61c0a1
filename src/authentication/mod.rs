//! Who is at the other end of an HTTP request.
//!
//! Credentials end here: what goes on is a [`Principal`], which holds none.

mod challenge;
mod oauth;
pub mod tokens;

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};
use serde_json::Value;

pub use challenge::Challenge;
pub use oauth::{METADATA, Oauth};
pub use tokens::Tokens;

use crate::principal::Principal;
use crate::store::now;

/// How callers prove who they are.
#[derive(Debug)]
pub struct Authentication {
    /// Whom everybody is taken for, where nobody is asked.
    anybody: Option<Arc<Principal>>,
    tokens: Option<Tokens>,
    oauth: Option<Oauth>,
}

impl Authentication {
    /// Takes every caller for the local user. Fit for loopback addresses alone.
    #[must_use]
    pub fn open(local: &Principal) -> Self {
        Self { anybody: Some(Arc::new(local.clone().over_network())), tokens: None, oauth: None }
    }

    /// Asks every caller for a token of one of these kinds.
    #[must_use]
    pub fn required(tokens: Option<Tokens>, oauth: Option<Oauth>) -> Self {
        Self { anybody: None, tokens, oauth }
    }

    /// Whether nobody is asked.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.anybody.is_some()
    }

    /// The metadata of this protected resource (RFC 9728 section 2) at this path, where an OAuth issuer is trusted.
    #[must_use]
    pub fn metadata(&self, path: &str) -> Option<Value> {
        let oauth = self.oauth.as_ref()?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let known = [METADATA, &format!("{METADATA}/mcp"), &oauth.metadata_path()].contains(&path);
        known.then(|| oauth.metadata())
    }

    /// The value of `WWW-Authenticate` for a caller who is turned away.
    #[must_use]
    pub fn www_authenticate(&self, challenge: &Challenge) -> String {
        let metadata = self.oauth.as_ref().map(Oauth::metadata_address);
        let scopes = self.oauth.as_ref().map(Oauth::first_scopes).unwrap_or_default();
        challenge.www_authenticate(metadata.as_deref(), scopes)
    }

    /// Tells who calls. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the credentials are missing, malformed, unknown, expired or revoked, or cannot be checked.
    pub async fn principal(&self, uri: &Uri, headers: &HeaderMap) -> Result<Arc<Principal>, Challenge> {
        if let Some(anybody) = &self.anybody {
            return Ok(Arc::clone(anybody));
        }
        if names_token(uri) {
            // RFC 6750 section 5.3: addresses end up in logs.
            return Err(Challenge::Malformed("tokens are not taken from the address: send them in `Authorization`"));
        }
        let token = bearer(headers)?;
        let now = now();
        match (&self.tokens, &self.oauth) {
            (Some(tokens), _) if token.starts_with(tokens::PREFIX) => tokens.principal(token, now),
            (_, Some(oauth)) => oauth.principal(token, now).await,
            _ => Err(Challenge::Invalid("it is not known here")),
        }
    }
}

/// Whether the query of an address holds an access token (RFC 6750 section 2.3).
fn names_token(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

/// The token of the one `Authorization` header (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Challenge> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Challenge::Missing)?;
    if values.next().is_some() {
        return Err(Challenge::Malformed("there is more than one `Authorization`"));
    }
    let text = value.to_str().map_err(|_| Challenge::Malformed("`Authorization` is not plain text"))?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Challenge::Missing);
    }
    let token = token.trim();
    if token.is_empty() || token.contains(' ') {
        return Err(Challenge::Malformed("`Authorization` must be `Bearer TOKEN`"));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn one_bearer_token_is_taken() {
        let malformed = |headers: &[&'static str]| {
            let mut map = HeaderMap::new();
            headers.iter().for_each(|value| _ = map.append(AUTHORIZATION, HeaderValue::from_static(value)));
            bearer(&map).map(str::to_owned)
        };
        for (headers, expected) in [
            (&["Bearer abc"][..], Ok("abc")),
            (&["bearer   abc "], Ok("abc")),
            (&[], Err(401)),
            (&["Basic YTpi"], Err(401)),
            (&["Bearerabc"], Err(401)),
            (&["Bearer"], Err(400)),
            (&["Bearer a b"], Err(400)),
            (&["Bearer a", "Bearer b"], Err(400)),
        ] {
            let got = malformed(headers).map_err(|challenge| challenge.status().as_u16());
            assert_eq!(got, expected.map(str::to_owned), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn who_asks_for_tokens_and_knows_none_lets_nobody_pass() {
        let authentication = Authentication::required(None, None);
        let mut headers = HeaderMap::new();
        let root = Uri::from_static("/");
        assert_eq!(authentication.principal(&root, &headers).await.unwrap_err(), Challenge::Missing);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer imcp_x"));
        let refused = authentication.principal(&root, &headers).await.unwrap_err();
        assert_eq!(refused, Challenge::Invalid("it is not known here"));
        for uri in ["/mcp?access_token=imcp_x", "/mcp?a=1&access%5Ftoken=x"] {
            let refused = authentication.principal(&uri.parse().unwrap(), &headers).await.unwrap_err();
            assert_eq!(refused.status(), 400, "{uri}");
        }
    }
}
