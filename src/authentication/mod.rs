//! Who is at the other end of an HTTP request.

mod challenge;

use std::sync::Arc;

use http::HeaderMap;
use serde_json::Value;

pub use challenge::Challenge;

use crate::principal::Principal;

/// How callers prove who they are.
#[derive(Debug)]
pub struct Authentication {
    method: Method,
}

#[derive(Debug)]
enum Method {
    /// Nobody is asked: for loopback addresses alone.
    Open(Arc<Principal>),
}

impl Authentication {
    /// Takes every caller for the local user. Fit for loopback addresses alone.
    #[must_use]
    pub fn open() -> Self {
        Self { method: Method::Open(Arc::new(Principal::local())) }
    }

    /// Whether the list of tools depends on who asks.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.method, Method::Open(_))
    }

    /// The metadata of this protected resource (RFC 9728, section 3.2), where an OAuth issuer is trusted.
    #[must_use]
    pub fn metadata(&self) -> Option<Value> {
        None
    }

    /// Where the metadata lies.
    #[must_use]
    pub fn metadata_address(&self) -> Option<String> {
        None
    }

    /// Tells who calls.
    ///
    /// # Errors
    /// If the credentials are missing, malformed, unknown, expired or revoked.
    pub async fn principal(&self, _headers: &HeaderMap) -> Result<Arc<Principal>, Challenge> {
        match &self.method {
            Method::Open(principal) => Ok(Arc::clone(principal)),
        }
    }
}
