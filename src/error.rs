//! Errors for the two audiences of the runtime: who starts the server and who called a tool.

use std::fmt;
use std::time::Duration;

use infra_mcp_model::{Provider, Text};

use crate::arguments::Violations;
use crate::executor::BuildError;
use crate::policy::{Code, GateError, Refusal, Request};
use crate::store::StoreError;

/// Why the program cannot start: which flag or variable is wrong and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {problem}\n{fix}")]
pub struct StartupError {
    subject: String,
    problem: String,
    fix: String,
}

impl StartupError {
    /// Exit code of a program that could not start.
    pub const EXIT_CODE: u8 = 2;

    /// `subject` is the flag or variable, `problem` what is wrong with it and `fix` a sentence on what to do.
    pub fn new(subject: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { subject: subject.into(), problem: problem.into(), fix: fix.into() }
    }

    /// The same about another flag, variable or entry of a file.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..self }
    }
}

/// Why a call has no result, by where it failed. Its text is written for whoever made the call.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The arguments break the input schema.
    #[error("{0}")]
    Arguments(Violations),
    /// The tool has no such operation.
    #[error("{text}")]
    Operation {
        /// What there is instead.
        text: String,
    },
    /// A name among the arguments stands for no resource, or for several.
    #[error("Nothing was sent. `{argument}`: {given:?} {problem}.")]
    Reference {
        /// The argument.
        argument: String,
        /// The name.
        given: String,
        /// What is wrong with it, as the rest of a sentence without its end.
        problem: String,
    },
    /// Policy does not allow the call.
    #[error("{0}")]
    Refused(Refusal),
    /// The call needs an approval first.
    #[error("{0}")]
    Unapproved(Box<Request>),
    /// Approvals cannot be kept.
    #[error("Nothing was sent, because approvals cannot be kept: {0}")]
    Store(#[from] StoreError),
    /// The arguments are valid and still make no safe request.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// The account has no credential.
    #[error(
        "No credential for {provider}, so nothing was sent. Set {credential} in the environment of this server. {help}"
    )]
    NoCredential {
        /// Who wants one.
        provider: Text,
        /// The variables that hold it, in words.
        credential: String,
        /// Where a user gets one.
        help: Text,
    },
    /// The HTTP client could not be set up.
    #[error("Nothing was sent: {problem}")]
    Client {
        /// What is wrong with the set-up.
        problem: String,
    },
    /// No answer: the connection failed or broke.
    #[error("{origin} {problem}{}", aftermath(*unsettled))]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// What happened, as the rest of a sentence about the origin.
        problem: String,
        /// The request may have been carried out, and it changes something.
        unsettled: bool,
    },
    /// No answer in time.
    #[error("No answer from {origin} within {} s.{} {hint}", after.as_secs_f64(), aftermath(*unsettled))]
    Timeout {
        /// Scheme, host and port.
        origin: String,
        /// The limit, retries included.
        after: Duration,
        /// What to do, in a sentence.
        hint: &'static str,
        /// The request may have been carried out, and it changes something.
        unsettled: bool,
    },
    /// The provider answered with an error status.
    #[error("{0}")]
    Upstream(Box<UpstreamError>),
    /// The MCP server of the provider answered with an error.
    #[error("{0}")]
    Remote(Box<RemoteError>),
    /// The provider sends the request elsewhere.
    #[error("HTTP {status}: a redirect to {target} was not followed: {reason}. Check the base URL.{}", aftermath(*unsettled))]
    Redirected {
        /// The status.
        status: u16,
        /// Origin of the target.
        target: String,
        /// Why it is not followed.
        reason: &'static str,
        /// The request may have been carried out, and it changes something.
        unsettled: bool,
    },
    /// A success whose body is not what the operation promises.
    #[error("HTTP {status}, but {problem}{}{}", excerpt_of(excerpt), aftermath(*unsettled))]
    Undecodable {
        /// The status.
        status: u16,
        /// What is wrong with the body.
        problem: String,
        /// The beginning of the body.
        excerpt: String,
        /// The request was probably carried out, and it changes something.
        unsettled: bool,
    },
    /// The answer is larger than what is read.
    #[error("The answer is larger than {} MiB and was dropped. Ask for less: a page, a filter or a shorter period.{}", limit / (1024 * 1024), aftermath(*unsettled))]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// The request was probably carried out, and it changes something.
        unsettled: bool,
    },
    /// The place where a file was to go did not take it.
    #[error("{origin} did not take the file: HTTP {status}{} Nothing was installed: call again.", excerpt_of(excerpt))]
    Storage {
        /// Scheme, host and port of the place.
        origin: String,
        /// The status.
        status: u16,
        /// The beginning of its answer.
        excerpt: String,
    },
    /// Part of the call was carried out before it failed.
    #[error("{error}\n{done}")]
    Midway {
        /// What it failed for.
        error: Box<CallError>,
        /// What was done, and how to go on from there, in sentences.
        done: String,
    },
    /// The call was carried out, and the task that it began did not end well.
    #[error("The task {id} ended with {state:?}{}{} Read the current state before you try again.",
        if told.is_empty() { "" } else { ": " }, if told.is_empty() { "." } else { told })]
    Task {
        /// Its id.
        id: String,
        /// Its state.
        state: String,
        /// What the provider says came of it, shortened; empty if nothing.
        told: String,
    },
    /// Things are not as the call needs them, so its handler ended it.
    #[error("{problem}{}", aftermath(*unsettled))]
    Unmet {
        /// Why, and what to do, in sentences.
        problem: String,
        /// A request that changes something was sent before.
        unsettled: bool,
    },
    /// The caller cancelled the call.
    #[error("The call was cancelled. If it changes something, read the current state before you repeat it.")]
    Cancelled,
}

impl CallError {
    /// A stable word for the kind of failure: of ours, or the provider's own.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Arguments(_) | Self::Operation { .. } | Self::Build(_) | Self::Reference { .. } => {
                "invalid_arguments"
            }
            Self::Refused(refusal) => refusal.code().as_str(),
            Self::Unapproved(_) => Code::ConfirmationRequired.as_str(),
            Self::Store(_) => "unavailable",
            Self::NoCredential { .. } | Self::Client { .. } => "not_configured",
            Self::Unreachable { .. } => "upstream_unreachable",
            Self::Timeout { .. } => "upstream_timeout",
            Self::Remote(remote) => remote.code.as_deref().unwrap_or("upstream_error"),
            Self::Task { .. } => "task_failed",
            Self::Midway { error, .. } => error.code(),
            Self::Upstream(_)
            | Self::Storage { .. }
            | Self::Redirected { .. }
            | Self::Undecodable { .. }
            | Self::TooLarge { .. } => "upstream_error",
            Self::Unmet { .. } => "unmet",
            Self::Cancelled => "cancelled",
        }
    }

    /// What the call failed for, however far it had come.
    #[must_use]
    pub fn cause(&self) -> &Self {
        match self {
            Self::Midway { error, .. } => error.cause(),
            error => error,
        }
    }
}

impl From<GateError> for CallError {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Refused(refusal) => Self::Refused(refusal),
            GateError::Store(error) => Self::Store(error),
        }
    }
}

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

/// What to do about a change that may have happened.
fn aftermath(unsettled: bool) -> &'static str {
    if unsettled {
        " The change may have happened all the same: read the current state before you repeat it."
    } else {
        ""
    }
}

fn excerpt_of(excerpt: &str) -> String {
    if excerpt.is_empty() { String::new() } else { format!(" It begins: {excerpt}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::fixture::blank_provider;
    use infra_mcp_model::Hint;

    fn provider(hints: &[(&'static str, &'static str)]) -> &'static Provider {
        let hints = hints.iter().map(|(about, text)| Hint { about: (*about).into(), text: (*text).into() }).collect();
        Box::leak(Box::new(Provider { hints, ..blank_provider(vec![]) }))
    }

    fn upstream(status: u16, changes: bool) -> UpstreamError {
        UpstreamError {
            provider: provider(&[]),
            code: None,
            credential: "A_TOKEN (or B_TOKEN)".to_owned(),
            status,
            reason: "",
            message: String::new(),
            fields: vec![],
            correlation_id: None,
            retry_after: Some(Duration::from_secs(7)),
            changes,
        }
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
            "Example answered HTTP 422 Unprocessable Entity: The data is wrong.\n- domain: is taken\nCorrelation id: c-1\nCorrect the arguments and call again."
        );
    }
}
