//! What is wrong with the input: every problem of every file, sorted, in one report.

use std::fmt;

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The build stops.
    Error,
    /// The build goes on; somebody should look.
    Warning,
    /// Told for completeness, such as an operation left out with its reason.
    Note,
}

/// One thing that is wrong, with its place and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file, relative to the specs folder.
    pub file: String,
    /// JSON pointer (RFC 6901) into the file; empty for the whole file.
    pub pointer: String,
    /// What is wrong.
    pub what: String,
    /// What to do; empty where `what` says it.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if !self.pointer.is_empty() {
            write!(f, "#{}", self.pointer)?;
        }
        write!(f, ": {}", self.what)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}

/// All problems found so far. Phases add to it and the build stops between phases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    problems: Vec<Problem>,
}

impl Report {
    /// Adds one problem.
    pub fn add(
        &mut self,
        severity: Severity,
        file: &str,
        pointer: impl Into<String>,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Problem {
            severity,
            file: file.to_owned(),
            pointer: pointer.into(),
            what: what.into(),
            hint: hint.into(),
        });
    }

    /// Whether the build has to stop.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Whether something was said about this very place.
    #[must_use]
    pub fn mentions(&self, file: &str, pointer: &str) -> bool {
        self.problems.iter().any(|problem| problem.file == file && problem.pointer == pointer)
    }

    /// The problems, errors first, then by file and pointer.
    #[must_use]
    pub fn problems(&self) -> Vec<&Problem> {
        let mut sorted: Vec<&Problem> = self.problems.iter().collect();
        sorted.sort();
        sorted.dedup();
        sorted
    }
}

/// A piece of a JSON pointer, escaped as RFC 6901 section 3 says.
#[must_use]
pub fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}
