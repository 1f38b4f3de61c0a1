//! `--spec`, and `spec`, which tells what came of it.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{FAILED, complain, print};
use crate::config::{Environment, Only, Options, given};
use crate::error::StartupError;
use crate::executor::NetworkOptions;
use crate::live::{self, Outcome};

/// What to serve, after the documents that the flags name, and what became of these.
pub(super) fn serve(
    options: &Options,
    environment: &Environment,
    only: Only,
) -> Result<(Only, Vec<Outcome>), StartupError> {
    let documents = given(options, environment, only)?;
    let network = NetworkOptions { ca_file: options.ca_file.clone(), ..NetworkOptions::default() };
    live::serve(&documents, &network, only)
}

/// Says on standard error what is served.
pub(super) fn announce(outcomes: &[Outcome]) {
    for outcome in outcomes {
        complain(&line(outcome));
    }
}

/// Prints all there is to tell about the documents. Ends with 1 where a built-in one is served instead.
pub(super) fn tell(outcomes: &[Outcome], as_json: bool) -> Result<ExitCode, StartupError> {
    if outcomes.is_empty() {
        let fix = "Name one: --spec FILE or --spec URL.";
        return Err(StartupError::new("spec", "there is no document to tell about.", fix));
    }
    let text = match as_json {
        true => format!("{:#}\n", outcomes.iter().map(facts).collect::<Value>()),
        false => outcomes.iter().map(text).collect(),
    };
    let printed = print(&text);
    Ok(if outcomes.iter().all(|outcome| outcome.result.is_ok()) { printed } else { ExitCode::from(FAILED) })
}

fn line(outcome: &Outcome) -> String {
    let Outcome { provider, place, result } = outcome;
    let title = &provider.title;
    match result {
        Ok(served) => {
            let (operations, drift) = (served.provider.tools().count(), &served.drift);
            let [new, gone, changed] = [drift.new.len(), drift.gone.len(), drift.changed.len()];
            format!(
                "{title}: {operations} operations come from {place}; against the built-in description {new} are new, \
                 {gone} gone and {changed} changed. The sub-command `spec` names them."
            )
        }
        Err(problem) => {
            format!("warning: {title}: the built-in description is served, because {place} cannot be: {problem}.")
        }
    }
}

fn text(outcome: &Outcome) -> String {
    let mut text = line(outcome) + "\n";
    if let Ok(served) = &outcome.result {
        text.push_str(&served.drift.to_string());
        let left_out = served.left_out.iter().map(|(name, reason)| format!("left out: {name}: {reason}\n"));
        let warnings = served.warnings.iter().map(|problem| format!("warning: {problem}\n"));
        text.extend(left_out.chain(warnings));
    }
    text
}

fn facts(outcome: &Outcome) -> Value {
    let Outcome { provider, place, result } = outcome;
    match result {
        Ok(served) => json!({
            "provider": provider.name,
            "document": place,
            "served": true,
            "operations": served.provider.tools().count(),
            "drift": served.drift,
            "left_out": served.left_out.iter().map(|(name, why)| json!({"name": name, "why": why})).collect::<Value>(),
            "warnings": served.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        Err(problem) => json!({"provider": provider.name, "document": place, "served": false, "problem": problem}),
    }
}
