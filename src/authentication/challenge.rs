use std::fmt::Write as _;

use http::StatusCode;

/// Why a caller is turned away, as RFC 6750 section 3 puts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// No credentials came along.
    Missing,
    /// The credentials are malformed, unknown, expired or revoked; the text says which.
    Invalid(&'static str),
    /// The credentials are good and do not reach this far: every scope that is needed.
    Insufficient(Vec<String>),
}

impl Challenge {
    /// 401, or 403 where other credentials of the same caller would help.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Missing | Self::Invalid(_) => StatusCode::UNAUTHORIZED,
            Self::Insufficient(_) => StatusCode::FORBIDDEN,
        }
    }

    /// A stable word for the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::Invalid(_) => "unauthenticated",
            Self::Insufficient(_) => "forbidden_scope",
        }
    }

    /// The value of `WWW-Authenticate`, with the address of the metadata of RFC 9728 where there is some.
    #[must_use]
    pub fn www_authenticate(&self, metadata: Option<&str>) -> String {
        let mut value = "Bearer realm=\"infra-mcp\"".to_owned();
        let mut parameter = |name: &str, text: &str| {
            // Writing to a string does not fail.
            let _ = write!(value, ", {name}=\"{text}\"");
        };
        match self {
            Self::Missing => {}
            Self::Invalid(description) => {
                parameter("error", "invalid_token");
                parameter("error_description", description);
            }
            Self::Insufficient(scopes) => {
                parameter("error", "insufficient_scope");
                parameter("scope", &scopes.join(" "));
            }
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_says_what_is_missing() {
        let insufficient = Challenge::Insufficient(vec!["vms:power".into(), "vms:read".into()]);
        for (challenge, metadata, status, expected) in [
            (Challenge::Missing, None, 401, r#"Bearer realm="infra-mcp""#),
            (
                Challenge::Missing,
                Some("https://mcp.example/.well-known/oauth-protected-resource"),
                401,
                r#"Bearer realm="infra-mcp", resource_metadata="https://mcp.example/.well-known/oauth-protected-resource""#,
            ),
            (
                Challenge::Invalid("it has expired"),
                None,
                401,
                r#"Bearer realm="infra-mcp", error="invalid_token", error_description="it has expired""#,
            ),
            (
                insufficient,
                None,
                403,
                r#"Bearer realm="infra-mcp", error="insufficient_scope", scope="vms:power vms:read""#,
            ),
        ] {
            assert_eq!(challenge.status(), status, "{challenge:?}");
            assert_eq!(challenge.www_authenticate(metadata), expected);
        }
    }
}
