//! Every operation of `specs/*/openapi.json`, called through the built binary of its provider
//! against a recording upstream, sends exactly the request that the document prescribes: as a tool
//! of its own, and as one of the operations of a tool.
//!
//! What is expected comes from the document alone: nothing here uses the generator, the executor
//! or any other code of this repository. A table of finished requests and a set of altered copies
//! of the document prove that the comparison notices what it must.

mod document;
mod encoding;
mod example;
mod expectation;
mod mutations;
mod provider;
mod recorder;
mod session;
mod sweep;
mod wire;

use std::collections::BTreeSet;

use document::{Entry, Way};
use mutations::MUTATIONS;
use provider::{ALL, HOSTINGER};
use recorder::Recorder;
use serde_json::Value;
use session::Session;
use sweep::{plans, recordings, request_of};

/// Names that tools had before, with the operation that answers to them.
const OLD_NAMES: [(&str, &str); 1] = [("ecommerce_listOrdersV1", "ecommerce_listStoreOrdersV1")];

#[test]
fn every_operation_sends_the_request_the_document_prescribes() {
    assert_eq!(recordings().len(), ALL.iter().map(|provider| provider.operations).sum::<usize>());
    report(recordings().iter().flat_map(|recording| recording.differences(&recording.plans)));
}

#[test]
fn a_wrong_document_is_noticed() {
    let right: Vec<_> =
        recordings().iter().filter(|recording| recording.differences(&recording.plans).is_empty()).collect();
    let mut problems = Vec::new();
    for (name, mutation) in MUTATIONS {
        let mut copies = 0;
        for recording in &right {
            for copy in mutation(&recording.entry) {
                copies += 1;
                match plans(&copy) {
                    Ok(plans) if recording.differences(&plans).is_empty() => {
                        problems.push(format!("{}: {name} makes no difference", copy.id()));
                    }
                    Ok(_) => {}
                    Err(why) => problems.push(format!("{name}: {why}")),
                }
            }
        }
        if copies == 0 {
            problems.push(format!("{name}: no request is right, so nothing was tried"));
        }
    }
    report(problems.into_iter());
}

#[test]
fn the_list_names_every_operation_once_and_no_old_name() {
    for provider in ALL {
        let upstream = Recorder::start();
        let mut session = Session::start(provider, &upstream.url()).expect("the server starts");
        let mut tools = session.tools().expect("the tools are listed");
        session.finish().expect("the server ends when its input does");
        // What the server answers by itself is no operation, nor are tools that are more than one request.
        let others: Vec<String> = provider.composites().into_iter().chain(["describe_operation".to_owned()]).collect();
        tools.retain(|tool| !others.iter().any(|other| tool["name"] == other.as_str()));
        let listed: Vec<(String, String)> = tools.iter().flat_map(names).collect();
        let entries = provider.entries();
        let expected: BTreeSet<(String, String)> = entries.iter().map(call).collect();
        assert_eq!(expected.len(), provider.operations, "names of the document are unique");
        let names: BTreeSet<(String, String)> = listed.iter().cloned().collect();
        let missing = expected.difference(&names).map(|name| format!("{name:?} is not listed"));
        let unknown = names.difference(&expected).map(|name| format!("{name:?} is listed and no operation"));
        report(missing.chain(unknown));
        assert_eq!(listed.len(), names.len(), "no name is listed twice");
    }
}

/// Tool and operation of all that a listed tool stands for; a tool that is one operation has its own name for both.
fn names(tool: &Value) -> Vec<(String, String)> {
    let name = tool["name"].as_str().unwrap_or_default();
    let several = tool["inputSchema"]["properties"]["operation"]["enum"].as_array();
    let several = several.map(|values| values.iter().filter_map(Value::as_str).collect());
    several.unwrap_or_else(|| vec![name]).into_iter().map(|one| (name.to_owned(), one.to_owned())).collect()
}

/// Tool and operation by which an operation has to be called.
fn call(entry: &Entry) -> (String, String) {
    match &entry.way {
        Way::Alone => (entry.tool(), entry.tool()),
        Way::Among { tool, operation } => (tool.clone(), operation.clone()),
    }
}

/// In a domain Xen Orchestra's operations have the names that its own server gives them: the first step of the path,
/// and what the method is for.
#[test]
fn domains_of_xen_orchestra_are_its_own() {
    let entries = ALL.iter().filter(|provider| provider.expose == "domain" && provider.address == "XO_URL");
    let mut count = 0;
    for entry in entries.flat_map(|provider| provider.entries()) {
        let step = entry.path.split('/').nth(3).expect("a path below /rest/v0").replace('-', "_");
        let kind = if entry.method == "GET" { "query" } else { "action" };
        assert_eq!(call(&entry).0, format!("{step}_{kind}"), "{}", entry.id());
        count += 1;
    }
    assert!(count > 0, "there are operations");
}

#[test]
fn old_names_are_answered() {
    let upstream = Recorder::start();
    let mut session = Session::start(HOSTINGER, &upstream.url()).expect("the server starts");
    let entries = HOSTINGER.entries();
    let mut problems = Vec::new();
    for (old, id) in OLD_NAMES {
        let entry = entries.iter().find(|entry| entry.id() == id).expect("an operation of the document");
        for plan in plans(entry).expect("a plan") {
            match request_of(&mut session, &upstream, old, &plan) {
                Ok(sent) => problems.extend(plan.expected.differences(&sent)),
                Err(why) => problems.push(format!("{old}: {why}")),
            }
        }
    }
    report(problems.into_iter());
}

/// Fails with all problems at once, the first ones in full.
fn report(problems: impl Iterator<Item = String>) {
    const SHOWN: usize = 40;
    let problems: Vec<String> = problems.collect();
    if problems.is_empty() {
        return;
    }
    let more = problems.len().saturating_sub(SHOWN);
    let shown = problems[..problems.len() - more].join("\n");
    panic!("{} problems:\n{shown}\n({more} more)", problems.len());
}
