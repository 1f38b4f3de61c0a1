//! Differences between what somebody publishes about their API and what our specs say.
//!
//! Both sides are lowered by the code that generates tools, so a difference here is one that callers
//! would notice: an operation, or something about an argument. Answers are not compared.

mod face;
mod text;

use crate::load::{Source, Upstream};
use crate::lower::LoweredProvider;
use face::{Face, Facts};
use infra_mcp_model::{Danger, Provider};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use face::route;

/// An operation that one side has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Its tool name.
    pub name: String,
    /// `GET /path`
    pub request: String,
}

/// An operation that is known under another id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// Its tool name upstream.
    pub upstream: String,
    /// Its tool name here.
    pub ours: String,
    /// `GET /path`
    pub request: String,
}

/// An operation whose inputs differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its tool name here.
    pub name: String,
    /// The differences, by argument.
    pub differences: Vec<Difference>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Dotted path of the argument; empty for the operation itself.
    pub argument: String,
    /// Which fact: `argument`, `type`, `required`, `enum`, `location`, …
    pub fact: String,
    /// What upstream says; empty where it says nothing.
    pub upstream: String,
    /// What our document says; empty where it says nothing.
    pub ours: String,
}

/// Something about one of our tools that still has to be done or made certain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Open {
    /// The tool name.
    pub name: String,
    /// What is open.
    pub what: Vec<String>,
}

/// An operation that upstream gives to MCP clients in another way than we do. That is decided with a reason, so it is
/// told and does not count as drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exposed {
    /// Its tool name here.
    pub name: String,
    /// `GET /path`
    pub request: String,
    /// `allow`, `confirm`, `deny`, or empty where upstream says nothing.
    pub upstream: String,
    /// What a call of it does here, or why there is none.
    pub ours: String,
}

/// Everything that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Operations that only upstream has.
    pub new: Vec<Place>,
    /// Operations that only we have.
    pub gone: Vec<Place>,
    /// Same method and path under another id.
    pub renamed: Vec<Renamed>,
    /// Same operation with other inputs.
    pub changed: Vec<Changed>,
    /// Tools without our words or our review.
    pub lacking: Vec<Open>,
    /// Operations whose `x-unverified` names parts that no published description settles. They are
    /// known, so they are told and do not count as drift.
    pub unverified: Vec<Open>,
    /// Operations that MCP clients get in another way, where upstream says how they should.
    pub exposed: Vec<Exposed>,
    /// Tools of the upstream list that name no request.
    pub without_request: Vec<String>,
}

impl Drift {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.gone.is_empty()
            && self.renamed.is_empty()
            && self.changed.is_empty()
            && self.lacking.is_empty()
    }
}

/// Compares an upstream description with a provider of ours. `lowered` is `source`, lowered.
#[must_use]
pub fn drift(upstream: &Upstream, source: &Source, lowered: &LoweredProvider) -> Drift {
    let theirs = face::upstream(upstream, &source.settings);
    let ours = face::ours(source);
    let excluded = |face: &Face| source.settings.exclude.contains_key(&face.name);
    Drift {
        lacking: lacking(lowered),
        unverified: ours.iter().filter_map(unverified).collect(),
        exposed: exposed(&theirs, &ours, lowered),
        without_request: without_request(upstream),
        ..compared(&theirs, &ours, &excluded)
    }
}

/// Compares the operations of a provider with those that were built in.
#[must_use]
pub(crate) fn between(upstream: &Provider, built_in: &Provider) -> Drift {
    let faces = |provider: &Provider| -> Vec<Face> { provider.tools().filter_map(Face::of_tool).collect() };
    compared(&faces(upstream), &faces(built_in), &|_| false)
}

fn compared(theirs: &[Face], ours: &[Face], excluded: &dyn Fn(&Face) -> bool) -> Drift {
    let pairs = pair(theirs, ours);
    let (matched_theirs, matched_ours): (BTreeSet<usize>, BTreeSet<usize>) = pairs.iter().copied().unzip();
    let alone = |faces: &[Face], matched: &BTreeSet<usize>| -> Vec<Place> {
        let rest = faces.iter().enumerate().filter(|(index, _)| !matched.contains(index));
        rest.map(|(_, face)| Place { name: face.name.clone(), request: face.request() }).collect()
    };
    let mut drift = Drift { new: alone(theirs, &matched_theirs), gone: alone(ours, &matched_ours), ..Drift::default() };
    for (their, our) in pairs.into_iter().map(|(their, our)| (&theirs[their], &ours[our])) {
        if their.name != our.name {
            let (upstream, ours) = (their.name.clone(), our.name.clone());
            drift.renamed.push(Renamed { upstream, ours, request: our.request() });
        }
        let differences = if excluded(our) { Vec::new() } else { differences(their, our) };
        if !differences.is_empty() {
            drift.changed.push(Changed { name: our.name.clone(), differences });
        }
    }
    drift
}

/// Which operations are the same: by method and path, and where one side lacks that, by name.
fn pair(theirs: &[Face], ours: &[Face]) -> Vec<(usize, usize)> {
    let by_route: BTreeMap<_, _> = theirs.iter().enumerate().map(|(index, face)| (face.route(), index)).collect();
    let mut pairs: Vec<(usize, usize)> = ours
        .iter()
        .enumerate()
        .filter_map(|(index, face)| by_route.get(&face.route()).map(|their| (*their, index)))
        .collect();
    let taken: (BTreeSet<usize>, BTreeSet<usize>) = pairs.iter().copied().unzip();
    let by_name: BTreeMap<&str, usize> = theirs
        .iter()
        .enumerate()
        .filter(|(index, _)| !taken.0.contains(index))
        .map(|(index, face)| (face.name.as_str(), index))
        .collect();
    let left = ours.iter().enumerate().filter(|(index, _)| !taken.1.contains(index));
    pairs.extend(left.filter_map(|(index, face)| by_name.get(face.name.as_str()).map(|their| (*their, index))));
    pairs.sort_by_key(|(_, our)| *our);
    pairs
}

fn differences(theirs: &Face, ours: &Face) -> Vec<Difference> {
    let difference = |argument: &str, fact: &str, upstream: String, ours: String| Difference {
        argument: argument.to_owned(),
        fact: fact.to_owned(),
        upstream,
        ours,
    };
    let mut found = Vec::new();
    if theirs.route() != ours.route() {
        found.push(difference("", "request", theirs.request(), ours.request()));
    }
    if theirs.deprecated != ours.deprecated && !theirs.partial {
        let word = |deprecated: bool| if deprecated { "deprecated" } else { "" }.to_owned();
        found.push(difference("", "deprecated", word(theirs.deprecated), word(ours.deprecated)));
    }
    let (their_inputs, our_inputs) = match (&theirs.inputs, &ours.inputs) {
        (Ok(theirs), Ok(ours)) => (theirs, ours),
        (Err(_), Err(_)) => return found,
        (theirs, ours) => {
            let reason = |inputs: &Result<_, String>| inputs.as_ref().err().cloned().unwrap_or_default();
            found.push(difference("", "not served", reason(theirs), reason(ours)));
            return found;
        }
    };
    let arguments: BTreeSet<&String> = their_inputs.keys().chain(our_inputs.keys()).collect();
    for argument in arguments {
        match (their_inputs.get(argument), our_inputs.get(argument)) {
            (Some(their), Some(our)) => {
                for (fact, upstream, ours) in face::unequal(their, our, theirs.partial) {
                    found.push(difference(argument, fact, upstream, ours));
                }
            }
            (Some(facts), None) => found.push(difference(argument, "argument", short(facts), String::new())),
            (None, Some(facts)) => found.push(difference(argument, "argument", String::new(), short(facts))),
            (None, None) => {}
        }
    }
    // What is inside an argument that only one side has goes without saying.
    let one_sided: BTreeSet<String> = found
        .iter()
        .filter(|difference| difference.fact == "argument")
        .map(|difference| difference.argument.clone())
        .collect();
    found.retain(|difference| !face::parents(&difference.argument).any(|parent| one_sided.contains(parent)));
    found
}

fn short(facts: &Facts) -> String {
    let word = |fact: &str| facts.get(fact).map(face::words);
    let required = facts.contains_key("required").then(|| "required".to_owned());
    let kind = word("type").unwrap_or_else(|| "any".to_owned());
    [word("location"), Some(kind), required].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn lacking(lowered: &LoweredProvider) -> Vec<Open> {
    let tools = lowered.toolsets.iter().flat_map(|toolset| &toolset.tools);
    tools
        .filter(|tool| !tool.lacking.is_empty())
        .map(|tool| Open { name: tool.tool.name.to_string(), what: tool.lacking.clone() })
        .collect()
}

/// Nothing where upstream says of no operation what MCP clients may do with it.
fn exposed(theirs: &[Face], ours: &[Face], lowered: &LoweredProvider) -> Vec<Exposed> {
    if theirs.iter().all(|face| face.exposure.is_none()) {
        return Vec::new();
    }
    let told = |(their, our): (usize, usize)| {
        let (upstream, our) = (theirs[their].exposure.clone().unwrap_or_default(), &ours[our]);
        let mut tools = lowered.toolsets.iter().flat_map(|toolset| &toolset.tools).map(|lowered| &lowered.tool);
        let danger = tools.find(|tool| tool.name == our.name).map(|tool| Danger::of(&tool.review));
        let alike = match danger {
            None => upstream == "deny",
            Some(danger) => upstream == if danger.is_none() { "allow" } else { "confirm" },
        };
        let reason = || lowered.left_out.iter().find(|(name, _)| *name == our.name).map(|(_, reason)| reason.as_str());
        let ours = match danger {
            None => format!("left out: {}", reason().unwrap_or_default()),
            Some(danger) => danger.in_words(),
        };
        (!alike).then(|| Exposed { name: our.name.clone(), request: our.request(), upstream, ours })
    };
    pair(theirs, ours).into_iter().filter_map(told).collect()
}

fn unverified(face: &Face) -> Option<Open> {
    (!face.unverified.is_empty()).then(|| Open { name: face.name.clone(), what: face.unverified.clone() })
}

fn without_request(upstream: &Upstream) -> Vec<String> {
    let Upstream::Tools(list) = upstream else { return Vec::new() };
    list.tools.iter().filter(|tool| tool.standalone.is_none()).map(|tool| tool.name.clone()).collect()
}
