//! Which tool an address of a provider stands for.

use http::Method;
use infra_mcp_model::{Method as ModelMethod, RestRoute, Segment};
use percent_encoding::percent_decode_str;

use crate::catalogue::{Catalogue, Entry};

/// The addresses of all providers whose tools are served, the more exact ones first.
#[derive(Debug)]
pub(super) struct Routes(Vec<Route>);

/// One of them.
#[derive(Debug)]
pub(super) struct Route {
    /// What the provider says of it.
    pub(super) row: &'static RestRoute,
    /// The tool that it stands for.
    pub(super) entry: Entry,
    /// What stands between the slashes.
    steps: Vec<Step>,
}

/// A piece of a path between two slashes. Words come before parameters: `/vms/all` is not `/vms/{id}`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Word(String),
    Parameter(&'static str),
}

/// What is known of a request.
pub(super) enum Found<'r> {
    /// The route, and the arguments in the path.
    Route(&'r Route, Vec<(&'static str, String)>),
    /// The path is known, but only with these methods.
    OtherMethods(Vec<&'static str>),
    Nothing,
}

impl Routes {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut providers: Vec<_> = catalogue.entries().iter().map(|entry| entry.provider).collect();
        providers.dedup_by_key(|provider| &provider.name);
        let rows = providers.into_iter().flat_map(|provider| provider.rest.iter().map(move |row| (provider, row)));
        let mut routes: Vec<Route> = rows
            .filter_map(|(provider, row)| {
                let entry = catalogue.get(&provider.name, &row.tool)?;
                Some(Route { row, entry, steps: steps(&row.path.0) })
            })
            .collect();
        routes.sort_by(|one, other| one.steps.cmp(&other.steps));
        Self(routes)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    pub(super) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let mut others: Vec<&'static str> = Vec::new();
        for route in &self.0 {
            match route.values(path) {
                Some(values) if route.method().as_str() == method.as_str() => return Found::Route(route, values),
                Some(_) => others.push(route.method().as_str()),
                None => {}
            }
        }
        if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
    }
}

impl Route {
    pub(super) fn method(&self) -> ModelMethod {
        self.row.method
    }

    /// The arguments in the path.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Parameter(name) => Some(*name),
            Step::Word(_) => None,
        })
    }

    /// The values of the parameters, if this is the path. A parameter takes all between two slashes, and something.
    fn values(&self, path: &str) -> Option<Vec<(&'static str, String)>> {
        let given: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        if given.len() != self.steps.len() {
            return None;
        }
        let mut values = Vec::new();
        for (step, given) in self.steps.iter().zip(given) {
            match step {
                Step::Word(word) if word == given => {}
                Step::Parameter(name) if !given.is_empty() => {
                    values.push((*name, percent_decode_str(given).decode_utf8().ok()?.into_owned()));
                }
                _ => return None,
            }
        }
        Some(values)
    }
}

/// The generator sees to it that a parameter is all there is between two slashes.
fn steps(segments: &'static [Segment]) -> Vec<Step> {
    let mut steps = Vec::new();
    for segment in segments {
        match segment {
            Segment::Literal(text) => {
                let words = text.split('/').filter(|word| !word.is_empty());
                steps.extend(words.map(|word| Step::Word(word.to_owned())));
            }
            Segment::Parameter(name) => steps.push(Step::Parameter(name)),
        }
    }
    steps
}
