//! Errors that a provider answers with, and what they advise.

use std::fmt;
use std::time::Duration;

use infra_mcp_model::{Provider, Text};

/// An answer with an error status, as far as it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamError {
    /// The provider.
    pub provider: &'static Provider,
    /// The status, 400 to 599.
    pub status: u16,
    /// Its reason phrase; empty for an unregistered status.
    pub reason: &'static str,
    /// What the provider says, shortened; empty if it says nothing.
    pub message: String,
    /// The provider's own word for what went wrong, where it gives one.
    pub code: Option<String>,
    /// What it says about single arguments, shortened.
    pub fields: Vec<(String, String)>,
    /// The id by which the provider's support finds the request.
    pub correlation_id: Option<String>,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// The variables that hold the credential, in words.
    pub credential: String,
    /// The operation changes something.
    pub changes: bool,
}

/// An error that the MCP server of a provider gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteError {
    /// Title of the provider.
    pub provider: Text,
    /// Its stable code, as it came.
    pub code: Option<String>,
    /// What it says, shortened.
    pub message: String,
    /// What else it tells, as a JSON object; empty if nothing.
    pub details: String,
    /// What the provider's description says to do about the code.
    pub hint: Option<&'static str>,
}

impl fmt::Display for RemoteError {
    /// The code comes first, for those who match on it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}: {} refused the call", self.provider)?,
            None => write!(f, "{} refused the call", self.provider)?,
        }
        match self.message.as_str() {
            "" => f.write_str(".")?,
            message => write!(f, ": {message}")?,
        }
        for more in [Some(self.details.as_str()).filter(|details| !details.is_empty()), self.hint].into_iter().flatten()
        {
            write!(f, "\n{more}")?;
        }
        Ok(())
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered HTTP {}", self.provider.title, self.status)?;
        if !self.reason.is_empty() {
            write!(f, " {}", self.reason)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        for (field, problem) in &self.fields {
            write!(f, "\n- {field}: {problem}")?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, "\nCorrelation id: {id}")?;
        }
        write!(f, "\n{}", self.advice())
    }
}

impl UpstreamError {
    /// What to try. What the provider's description says about the code wins over what it says about the status.
    fn advice(&self) -> String {
        let of_code = self.code.as_deref().and_then(|code| self.provider.hint(code));
        let of_status = || self.provider.hint(&self.status.to_string());
        match (of_code, self.status) {
            (Some(hint), _) => hint.to_owned(),
            (None, 500..) => {
                let fault = of_status().unwrap_or("The fault is on the provider's side.");
                let unsettled = " Read the current state first, the change may have happened.";
                format!("{fault}{} {}", if self.changes { unsettled } else { "" }, self.wait())
            }
            _ => of_status().map_or_else(|| self.general_advice(), str::to_owned),
        }
    }

    fn wait(&self) -> String {
        match self.retry_after {
            Some(wait) => format!("Try again in {} s.", wait.as_secs().max(1)),
            None => "Try again later.".to_owned(),
        }
    }

    fn general_advice(&self) -> String {
        match self.status {
            401 => format!(
                "The credential was not accepted. Set {} to a valid one and restart this server.",
                self.credential
            ),
            402 => "The provider asks for payment first.".to_owned(),
            403 => {
                "The account of this token may not do that: check its permissions and whose resource it is.".to_owned()
            }
            404 => "There is no such thing, or not for this account: get the current id from the tool that lists it."
                .to_owned(),
            409 => "It clashes with the current state: read the state, wait for running work to finish, then decide."
                .to_owned(),
            408 | 425 => self.wait(),
            429 => format!("Too many requests. {}", self.wait()),
            400 | 422 => "Correct the arguments and call again.".to_owned(),
            _ => "Check the arguments before you call again.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::fixture::{self, blank_provider};
    use infra_mcp_model::Hint;

    fn provider(hints: &[(&'static str, &'static str)]) -> &'static Provider {
        let hints = hints.iter().map(|(about, text)| Hint { about: (*about).into(), text: (*text).into() }).collect();
        Box::leak(Box::new(Provider { hints, ..blank_provider(vec![]) }))
    }

    fn upstream(status: u16, changes: bool) -> UpstreamError {
        UpstreamError { changes, ..fixture::upstream_error(status) }
    }

    #[test]
    fn advice_fits_the_status() {
        for (status, changes, expected) in [
            (401, false, "Set A_TOKEN (or B_TOKEN) to a valid one"),
            (403, false, "permissions"),
            (404, false, "lists it"),
            (409, true, "current state"),
            (418, false, "Check the arguments"),
            (422, true, "Correct the arguments"),
            (429, false, "Try again in 7 s."),
            (503, false, "provider's side. Try again in 7 s."),
            (503, true, "the change may have happened"),
        ] {
            let text = upstream(status, changes).to_string();
            assert!(text.contains(expected), "{status}: {text}");
        }
    }

    #[test]
    fn a_provider_knows_better_what_to_do() {
        let hints = [("403", "Ask Ann."), ("503", "It starts."), ("switched_off", "Ask Bob.")];
        let advice = |status, code: Option<&str>, changes| {
            let code = code.map(str::to_owned);
            UpstreamError { provider: provider(&hints), code, ..upstream(status, changes) }.advice()
        };
        for (status, code, changes, expected) in [
            (403, None, true, "Ask Ann."),
            (404, Some("other"), false, "There is no such thing"),
            (503, Some("other"), false, "It starts. Try again in 7 s."),
            (503, None, true, "It starts. Read the current state first"),
            (503, Some("switched_off"), true, "Ask Bob."),
        ] {
            let advice = advice(status, code, changes);
            assert!(advice.starts_with(expected), "{status} {code:?}: {advice}");
        }
    }

    #[test]
    fn an_error_status_tells_all_that_is_known() {
        let error = UpstreamError {
            reason: "Unprocessable Entity",
            message: "The data is wrong.".into(),
            fields: vec![("domain".into(), "is taken".into())],
            correlation_id: Some("c-1".into()),
            ..upstream(422, true)
        };
        assert_eq!(
            error.to_string(),
            "Example answered HTTP 422 Unprocessable Entity: The data is wrong.\n- domain: is taken\n\
             Correlation id: c-1\nCorrect the arguments and call again."
        );
    }
}
