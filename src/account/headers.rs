//! The values of request headers, credentials among them.

use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use infra_mcp_model::{Authentication, Provider, SessionLogin, Text};

use super::Secret;
use crate::error::StartupError;

pub(super) fn variable(names: &[Text], otherwise: &str) -> String {
    names.first().map_or_else(|| otherwise.to_owned(), ToString::to_string)
}

pub(super) fn user_agent(appended: Option<&str>) -> HeaderValue {
    const OURS: &str = concat!("infra-mcp/", env!("CARGO_PKG_VERSION"));
    printable(appended.unwrap_or_default())
        .and_then(|appended| HeaderValue::from_bytes(format!("{OURS} ({appended})").as_bytes()).ok())
        .unwrap_or(HeaderValue::from_static(OURS))
}

/// The text without control characters and outer spaces; `None` if nothing is left.
pub(crate) fn printable(text: &str) -> Option<String> {
    let kept: String = text.chars().filter(|c| !c.is_control()).collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// The header that carries the credential.
pub(super) fn credential_header(
    authentication: &Authentication,
    provider: &Provider,
) -> Result<Option<HeaderName>, StartupError> {
    match authentication {
        Authentication::Bearer => Ok(Some(AUTHORIZATION)),
        Authentication::None => Ok(None),
        Authentication::Cookie(_) | Authentication::Session(_) => Ok(Some(COOKIE)),
        Authentication::Header(name) => described_name(provider, name).map(Some),
    }
}

pub(super) fn described_name(provider: &Provider, name: &str) -> Result<HeaderName, StartupError> {
    HeaderName::try_from(name).map_err(|_| {
        let problem = format!("its description names the header {name:?}, which is no header name.");
        StartupError::new(format!("provider {}", provider.name), problem, "Correct its description in the specs.")
    })
}

pub(super) fn credential_value(provider: &Provider, token: &Secret) -> Result<HeaderValue, StartupError> {
    match &provider.authentication {
        Authentication::Bearer => bearer(&provider.environment.token, token),
        Authentication::Cookie(name) | Authentication::Session(SessionLogin { cookie: name, .. }) => {
            sensitive(&provider.environment.token, &format!("{name}={}", token.expose()))
        }
        Authentication::Header(_) | Authentication::None => sensitive(&provider.environment.token, token.expose()),
    }
}

pub(super) fn bearer(variables: &[Text], token: &Secret) -> Result<HeaderValue, StartupError> {
    sensitive(variables, &format!("Bearer {}", token.expose()))
}

pub(super) fn sensitive(variables: &[Text], text: &str) -> Result<HeaderValue, StartupError> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        let fix = "Copy it again: it is one line of letters, digits and punctuation.";
        StartupError::new(variable(variables, "token"), "the token holds characters that cannot be sent.", fix)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn extra_name(provider: &Provider, name: &str) -> Result<HeaderName, StartupError> {
    HeaderName::try_from(name).map_err(|_| {
        let problem = format!("{name:?} is no header name.");
        StartupError::new(
            variable(&provider.environment.headers, "headers"),
            problem,
            "A name is made of letters, digits and dashes.",
        )
    })
}

pub(super) fn extra_value(provider: &Provider, name: &HeaderName, value: &Secret) -> Result<HeaderValue, StartupError> {
    let mut value = HeaderValue::from_bytes(value.expose().as_bytes()).map_err(|_| {
        let problem = format!("the value of {name} holds characters that cannot be sent.");
        StartupError::new(
            variable(&provider.environment.headers, "headers"),
            problem,
            "Leave out line breaks and other control characters.",
        )
    })?;
    // What an operator puts here is as often as not another credential.
    value.set_sensitive(true);
    Ok(value)
}
