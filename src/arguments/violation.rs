//! What is wrong with the arguments of a call, in words that let the caller correct it.

use std::fmt;

use super::schema::Argument;
use super::value::{counted, shortened};

/// The list of accepted arguments in a message is about this many characters long at most.
const LONGEST_LIST: usize = 600;
/// Longer argument names are cut in messages.
const LONGEST_NAME: usize = 60;

/// One rule that an argument breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The argument or the place inside it, such as `rules[2].port`; `arguments` for all of them.
    pub pointer: String,
    /// The rule and what was given, such as `must be a whole number, got a string`. A secret value
    /// is never part of it.
    pub rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.rule)
    }
}

/// Everything that is wrong with the arguments of one call, in the order of the schema.
///
/// Displays as several lines: how many problems there are, each of them, and which arguments the tool
/// accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violations {
    pub(super) tool: String,
    pub(super) list: Vec<Violation>,
    /// How many there are in all; beyond a hundred they are not kept.
    pub(super) total: usize,
    pub(super) accepted: Vec<Argument>,
    /// What tells the accepted arguments instead.
    pub(super) explanation: Option<String>,
}

impl Violations {
    /// These violations by a call of `tool`.
    #[must_use]
    pub fn of(tool: &str, list: Vec<Violation>) -> Self {
        Self { tool: tool.to_owned(), total: list.len(), list, accepted: Vec::new(), explanation: None }
    }

    /// The same behind others.
    #[must_use]
    pub fn after(mut self, mut others: Vec<Violation>) -> Self {
        self.total += others.len();
        others.append(&mut self.list);
        Self { list: others, ..self }
    }

    /// The same, with arguments that were given inside of `place` named as there. `inside` tells the name they have
    /// there.
    #[must_use]
    pub fn within(mut self, place: &str, inside: impl Fn(&str) -> Option<String>) -> Self {
        for violation in &mut self.list {
            let end = violation.pointer.find(['.', '[']).unwrap_or(violation.pointer.len());
            // An argument may have a dot in its name; the rest of the pointer then begins behind it.
            let known = [violation.pointer.len(), end].into_iter().find_map(|end| {
                let (argument, rest) = violation.pointer.split_at(end);
                inside(argument).map(|name| format!("{place}.{name}{rest}"))
            });
            violation.pointer = known.unwrap_or_else(|| std::mem::take(&mut violation.pointer));
        }
        self
    }

    /// The same, with a text that tells the accepted arguments.
    #[must_use]
    pub fn explained(self, text: String) -> Self {
        Self { explanation: Some(text), ..self }
    }

    /// The violations; of a very large number the first hundred.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.list.iter()
    }
}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Violations {
    type Item = Violation;
    type IntoIter = std::vec::IntoIter<Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} with the arguments of {}:", counted(self.total, "problem"), self.tool)?;
        for violation in &self.list {
            writeln!(f, "- {violation}")?;
        }
        if self.total > self.list.len() {
            writeln!(f, "- and {} more", self.total - self.list.len())?;
        }
        match &self.explanation {
            Some(explanation) => f.write_str(explanation),
            None => self.accepted_line(f),
        }
    }
}

impl std::error::Error for Violations {}

impl Violations {
    fn accepted_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.accepted.is_empty() {
            return f.write_str("This tool takes no arguments.");
        }
        let mut length = 0;
        let fitting = self.accepted.iter().map(label).take_while(|label| {
            length += label.len() + 2;
            length <= LONGEST_LIST
        });
        let fitting: Vec<String> = fitting.collect();
        write!(f, "Accepted arguments (* required): {}", fitting.join(", "))?;
        match self.accepted.len() - fitting.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn label(argument: &Argument) -> String {
    let mark = if argument.required { "*" } else { "" };
    format!("{}{mark}", shortened(&argument.name, LONGEST_NAME))
}
