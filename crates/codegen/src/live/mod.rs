//! The document that a server publishes, in the place of the one that a provider was built from.
//!
//! It takes the same way through load, lower and check. Whatever sends the same request keeps its name, our words and
//! our judgement; of what is new nothing is known but the document. Where requests go, and with which credential, is
//! never the document's to say.

mod adopt;

use crate::check;
use crate::drift::{self, Drift};
use crate::load;
use crate::lower;
use crate::report::{Problem, Report, Severity};
use infra_mcp_model::{Provider, Text};

/// What a document gives.
#[derive(Debug)]
pub struct Live {
    /// The provider with the operations of the document.
    pub provider: Provider,
    /// How they differ from those that were built in.
    pub drift: Drift,
    /// Operations that are not served, with the reason.
    pub left_out: Vec<(String, String)>,
    /// What the document does that it should not, though it can be served.
    pub warnings: Vec<Problem>,
}

/// Lowers a document in the place of that of `built_in`, which has its sources. `place` names it in problems.
///
/// # Errors
/// The report, where the document cannot be used.
pub fn live(built_in: &Provider, place: &str, document: &str) -> Result<Live, Report> {
    let mut report = Report::default();
    let source = load::source(&built_in.name, &built_in.sources, Some((place, document)), false, &mut report);
    let Some(mut source) = source else {
        return Err(report);
    };
    let toolset = |name: &str| built_in.toolsets.iter().any(|known| known.name == name);
    // A build with some of the toolsets alone was asked for these alone.
    let whole = source.settings.toolsets.iter().all(|settings| toolset(&settings.name));
    let made = adopt::adopt(&mut source, built_in, &mut report);
    let lowered = lower::lower(std::slice::from_ref(&source), false, &mut report);
    check::check(&lowered, &mut report);
    let Some(lowered) = lowered.into_iter().next().filter(|_| !report.has_errors()) else { return Err(report) };
    let model = lowered.model(&|settings| toolset(&settings.name) || whole && made.contains(&settings.name));
    if !model.tools().any(|tool| tool.operation().is_some()) {
        report.add(Severity::Error, place, "/paths", "holds no operation that can be served", "");
        return Err(report);
    }
    if let Some(url) = source.document.and_then(|document| elsewhere(&document.root, built_in)) {
        let what = format!("says that the API is at {url}; requests go where they always went");
        report.add(Severity::Warning, place, "/servers/0/url", what, "");
    }
    let served = |name: &Text| model.tools().any(|tool| tool.name == *name);
    let provider = Provider {
        references: built_in.references.iter().filter(|reference| served(&reference.tool)).cloned().collect(),
        prompts: built_in.prompts.iter().filter(|prompt| prompt.tools.iter().all(&served)).cloned().collect(),
        tasks: model.tasks.clone(),
        toolsets: model.toolsets.clone(),
        rest: model.rest,
        routes: model.routes,
        ..built_in.clone()
    };
    let drift = drift::between(&provider, built_in);
    // What our own files have beyond the document is part of the drift.
    let of_document = |problem: &&Problem| problem.severity == Severity::Warning && problem.file == place;
    let warnings = report.problems().into_iter().filter(of_document).cloned().collect();
    Ok(Live { provider, drift, left_out: lowered.left_out, warnings })
}

/// Where the document says that the API is, if that is another place than the one that requests go to.
fn elsewhere(root: &serde_json::Value, built_in: &Provider) -> Option<String> {
    let url = root.pointer("/servers/0/url")?.as_str()?;
    let path = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |start| &rest[start..]));
        rest.trim_end_matches('/').to_owned()
    };
    let there = if !built_in.base_url.is_empty() && url.contains("://") {
        url.trim_end_matches('/') == built_in.base_url.trim_end_matches('/')
    } else if built_in.base_url.is_empty() {
        path(url) == built_in.base_path
    } else {
        path(url) == path(&built_in.base_url)
    };
    (!there).then(|| url.to_owned())
}
