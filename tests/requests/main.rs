//! Every operation of `specs/*/openapi.json`, called through the built binary of its provider
//! against a recording upstream, sends exactly the request that the document prescribes.
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

use mutations::MUTATIONS;
use provider::{HOSTINGER, XEN_ORCHESTRA};
use recorder::Recorder;
use session::Session;
use sweep::{plans, recordings, recordings_of, request_of};

/// Names that tools had before, with the operation that answers to them.
const OLD_NAMES: [(&str, &str); 1] = [("ecommerce_listOrdersV1", "ecommerce_listStoreOrdersV1")];

#[test]
fn every_operation_sends_the_request_the_document_prescribes() {
    let others = recordings_of(XEN_ORCHESTRA);
    assert_eq!([recordings().len(), others.len()], [HOSTINGER.operations, XEN_ORCHESTRA.operations]);
    let all = recordings().iter().chain(&others);
    report(all.flat_map(|recording| recording.differences(&recording.plans)));
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
    for provider in [HOSTINGER, XEN_ORCHESTRA] {
        let upstream = Recorder::start();
        let mut session = Session::start(provider, &upstream.url()).expect("the server starts");
        let listed = session.tools().expect("the tools are listed");
        session.finish().expect("the server ends when its input does");

        let names: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
        let tools: Vec<String> = provider.entries().iter().map(document::Entry::tool).collect();
        let expected: BTreeSet<&str> = tools.iter().map(String::as_str).collect();
        assert_eq!(expected.len(), provider.operations, "tool names of the document are unique");
        let missing = expected.difference(&names).map(|name| format!("{name} is not listed"));
        let unknown = names.difference(&expected).map(|name| format!("{name} is listed and no operation"));
        report(missing.chain(unknown));
        assert_eq!(listed.len(), names.len(), "no name is listed twice");
    }
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
