//! Access tokens of an OAuth issuer that the operator trusts: this server is a protected resource (RFC 9728) and takes
//! JWTs (RFC 9068) that were issued for it (RFC 8707).

mod claims;
mod issuer;
mod signature;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Value, json};
use url::Url;

use super::Challenge;
use crate::catalogue::Catalogue;
use crate::executor::{Documents, NetworkOptions};
use crate::principal::{Grant, Principal};
use claims::{Claims, Unchecked};
use issuer::Issuer;

/// Where the metadata of RFC 9728 lies; the path of the resource follows.
pub const METADATA: &str = "/.well-known/oauth-protected-resource";

/// Which issuers are trusted, and what their tokens must be for.
pub struct Oauth {
    issuers: Vec<Issuer>,
    documents: Documents,
    /// Our address as tokens name it, without a slash at its end.
    resource: String,
    public: Url,
    /// Every scope that some tool asks for.
    scopes: Vec<String>,
    /// The scopes to begin with: those of tools that only read.
    first_scopes: Vec<String>,
}

impl Oauth {
    /// Trusts these issuers, in their own spelling, for tokens whose audience is `public`, the address of this server.
    #[must_use]
    pub fn new(issuers: Vec<(String, Url)>, public: Url, catalogue: &Catalogue, network: NetworkOptions) -> Self {
        signature::install();
        let scopes = |harmless: bool| {
            let entries = catalogue.entries().iter().filter(|entry| !harmless || entry.harmless());
            let scopes: BTreeSet<&str> = entries.map(|entry| entry.tool.review.scope.as_ref()).collect();
            scopes.into_iter().map(str::to_owned).collect()
        };
        Self {
            issuers: issuers.into_iter().map(|(name, address)| Issuer::new(name, address)).collect(),
            documents: Documents::new(network),
            resource: public.as_str().trim_end_matches('/').to_owned(),
            public,
            scopes: scopes(false),
            first_scopes: scopes(true),
        }
    }

    /// The scopes that whoever has no token yet should ask for.
    pub(super) fn first_scopes(&self) -> &[String] {
        &self.first_scopes
    }

    /// The metadata of this resource (RFC 9728 section 2).
    pub(super) fn metadata(&self) -> Value {
        let issuers: Vec<&str> = self.issuers.iter().map(Issuer::name).collect();
        json!({
            "resource": self.resource,
            "authorization_servers": issuers,
            "scopes_supported": self.scopes,
            "bearer_methods_supported": ["header"],
        })
    }

    /// Where the metadata lies (RFC 9728 section 3.1).
    pub(super) fn metadata_address(&self) -> String {
        let mut address = self.public.clone();
        address.set_path(&self.metadata_path());
        address.into()
    }

    pub(super) fn metadata_path(&self) -> String {
        format!("{METADATA}{}", self.public.path().trim_end_matches('/'))
    }

    /// Whose token it is, at `now` in seconds since 1970-01-01T00:00:00Z.
    pub(super) async fn principal(&self, token: &str, now: i64) -> Result<Arc<Principal>, Challenge> {
        let malformed = Challenge::Invalid("it is neither a token of this server nor a JWT with an accepted signature");
        let header = decode_header(token).ok().filter(|header| signature::ACCEPTED.contains(&header.alg));
        let header = header.ok_or(malformed.clone())?;
        if header.crit.is_some() {
            // RFC 7515 section 4.1.11: what must be understood and is not makes the token invalid.
            return Err(Challenge::Invalid("its header holds a critical extension"));
        }
        let unchecked: Unchecked = insecure_decode_claims(token).map_err(|_| malformed.clone())?;
        let issuer = self.issuers.iter().find(|issuer| issuer.name() == unchecked.iss);
        let issuer = issuer.ok_or(Challenge::Invalid("its issuer is not trusted here"))?;
        let key = issuer.key(header.kid.as_deref(), header.alg, &self.documents).await?;

        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[issuer.name()]);
        validation.set_audience(&[self.resource.clone(), format!("{}/", self.resource)]);
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        // It cannot read numbers where serde_json keeps all their digits, as it does here. `Claims` checks the times.
        validation.validate_exp = false;
        let claims = match decode::<Claims>(token, &key, &validation) {
            Ok(token) => token.claims,
            Err(error) => return Err(Challenge::Invalid(reason(error.kind()))),
        };
        claims.check_times(now)?;
        let grant = Grant { scopes: Some(claims.scopes()), accounts: claims.accounts(), ..Grant::default() };
        Ok(Arc::new(Principal::new(format!("{}#{}", issuer.name(), claims.subject()?), grant)))
    }
}

impl fmt::Debug for Oauth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<&str> = self.issuers.iter().map(Issuer::name).collect();
        f.debug_struct("Oauth").field("issuers", &issuers).field("resource", &self.resource).finish_non_exhaustive()
    }
}

fn reason(error: &ErrorKind) -> &'static str {
    match error {
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::InvalidAudience => "it was issued for somebody else: its audience is not this server",
        ErrorKind::MissingRequiredClaim(_) => "it lacks one of the claims iss, sub, aud and exp",
        _ => "it is malformed",
    }
}
