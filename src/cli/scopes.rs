//! The scopes of a command line.

use std::collections::BTreeSet;

use crate::catalogue::Catalogue;
use crate::error::StartupError;
use crate::near::nearest;
use crate::principal::{FILES_READ, SECRETS_READ};

/// Refuses scopes that no tool has.
pub(super) fn check(scopes: &[String], catalogue: &Catalogue) -> Result<(), StartupError> {
    let single: BTreeSet<&str> = catalogue.entries().iter().map(|entry| entry.tool.review.scope.as_ref()).collect();
    let areas: BTreeSet<String> =
        single.iter().filter_map(|scope| scope.split_once(':')).map(|(area, _)| format!("{area}:*")).collect();
    let sends_files = catalogue.entries().iter().any(|entry| entry.tool.file().is_some());
    let by_name = ["*", SECRETS_READ].into_iter().chain(sends_files.then_some(FILES_READ));
    let known = || single.iter().copied().chain(areas.iter().map(String::as_str)).chain(by_name.clone());
    let Some(unknown) = scopes.iter().find(|scope| !known().any(|other| other == *scope)) else { return Ok(()) };
    let problem = match nearest(unknown, known()) {
        Some(nearest) => format!("there is no scope `{unknown}`; did you mean `{nearest}`?"),
        None => format!("there is no scope `{unknown}`."),
    };
    Err(StartupError::new("--scopes", problem, format!("Accepted: {}.", known().collect::<Vec<_>>().join(", "))))
}
