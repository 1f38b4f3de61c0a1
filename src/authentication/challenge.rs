use std::fmt::Write as _;

use http::StatusCode;

use crate::policy::Code;

/// Why a caller is turned away: RFC 6750 section 3, and what can keep the server from knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// No credentials came along.
    Missing,
    /// The credentials are malformed, unknown, expired or revoked; the text says which.
    Invalid(&'static str),
    /// The credentials are good and do not reach this far: every scope that is needed.
    Insufficient(Vec<String>),
    /// The credentials came in a way that is not taken; the text says which is.
    Malformed(&'static str),
    /// Nobody can tell at the moment whether the credentials are good.
    Unavailable {
        /// How long to wait before the next attempt, in seconds.
        retry_after: u64,
    },
}

impl Challenge {
    /// 401, or 403 where other credentials of the same caller would help, 400 where the request is wrong in itself
    /// and 503 where waiting helps.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Missing | Self::Invalid(_) => StatusCode::UNAUTHORIZED,
            Self::Insufficient(_) => StatusCode::FORBIDDEN,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A stable word for the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::Invalid(_) => Code::Unauthenticated.as_str(),
            Self::Insufficient(_) => Code::ForbiddenScope.as_str(),
            Self::Malformed(_) => "invalid_request",
            Self::Unavailable { .. } => "authentication_unavailable",
        }
    }

    /// Why, for the audit log: without anything that the caller sent.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "no token came along",
            Self::Invalid(description) | Self::Malformed(description) => description,
            Self::Insufficient(_) => "the token lacks a scope",
            Self::Unavailable { .. } => "tokens cannot be checked",
        }
    }

    /// The value of `WWW-Authenticate`. Where an OAuth issuer is trusted it names the metadata of RFC 9728 and, to
    /// whom has no token yet, the `scopes` to begin with.
    #[must_use]
    pub fn www_authenticate(&self, metadata: Option<&str>, scopes: &[String]) -> String {
        let mut value = "Bearer realm=\"infra-mcp\"".to_owned();
        let mut parameter = |name: &str, text: &str| {
            // Writing to a string does not fail.
            let _ = write!(value, ", {name}=\"{text}\"");
        };
        match self {
            Self::Missing | Self::Unavailable { .. } => {}
            Self::Invalid(description) => {
                parameter("error", "invalid_token");
                parameter("error_description", description);
            }
            Self::Malformed(description) => {
                parameter("error", "invalid_request");
                parameter("error_description", description);
            }
            Self::Insufficient(_) => parameter("error", "insufficient_scope"),
        }
        let scopes = if let Self::Insufficient(needed) = self { needed } else { scopes };
        if !scopes.is_empty() {
            parameter("scope", &scopes.join(" "));
        }
        if let Some(metadata) = metadata {
            parameter("resource_metadata", metadata);
        }
        value
    }

    /// What to do about it.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Missing => {
                "This server asks for a token: send `Authorization: Bearer TOKEN`. Its operator makes one \
                 with `token create`."
                    .to_owned()
            }
            Self::Invalid(description) => format!("The token was not accepted: {description}."),
            Self::Insufficient(scopes) => format!("The token lacks a scope that this needs: {}.", scopes.join(", ")),
            Self::Malformed(description) => format!("The request was not accepted: {description}."),
            Self::Unavailable { .. } => "Tokens cannot be checked at the moment. Try again shortly.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_says_what_is_missing() {
        let metadata = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
        let insufficient = Challenge::Insufficient(vec!["vms:power".into(), "vms:read".into()]);
        for (challenge, oauth, status, expected) in [
            (Challenge::Missing, false, 401, r#"Bearer realm="infra-mcp""#.to_owned()),
            (
                Challenge::Missing,
                true,
                401,
                format!(r#"Bearer realm="infra-mcp", scope="dns:read", resource_metadata="{metadata}""#),
            ),
            (
                Challenge::Invalid("it has expired"),
                false,
                401,
                r#"Bearer realm="infra-mcp", error="invalid_token", error_description="it has expired""#.to_owned(),
            ),
            (
                insufficient.clone(),
                false,
                403,
                r#"Bearer realm="infra-mcp", error="insufficient_scope", scope="vms:power vms:read""#.to_owned(),
            ),
            (
                insufficient,
                true,
                403,
                format!(
                    "Bearer realm=\"infra-mcp\", error=\"insufficient_scope\", scope=\"vms:power vms:read\", \
                     resource_metadata=\"{metadata}\""
                ),
            ),
            (
                Challenge::Malformed("no"),
                false,
                400,
                r#"Bearer realm="infra-mcp", error="invalid_request", error_description="no""#.to_owned(),
            ),
            (Challenge::Unavailable { retry_after: 5 }, false, 503, r#"Bearer realm="infra-mcp""#.to_owned()),
        ] {
            assert_eq!(challenge.status(), status, "{challenge:?}");
            let (metadata, scopes) = if oauth { (Some(metadata), vec!["dns:read".to_owned()]) } else { (None, vec![]) };
            assert_eq!(challenge.www_authenticate(metadata, &scopes), expected);
        }
    }
}
