//! Errors for the two audiences of the runtime: who starts the server and who called a tool.

mod answered;

use std::time::Duration;

use infra_mcp_model::Text;

pub use answered::{RemoteError, UpstreamError};

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
    /// Neither an approval nor the intent can be kept.
    #[error("Nothing was sent, because the call cannot be put on record first: {0}")]
    Store(#[from] StoreError),
    /// The arguments are valid and still make no safe request.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// The account has no credential.
    #[error("No credential for {whom}, so nothing was sent. {cure} {help}")]
    NoCredential {
        /// Who wants one.
        whom: String,
        /// What to set, as a sentence.
        cure: String,
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
