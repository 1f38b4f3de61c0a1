//! Addresses of the REST door that stand for tools.

use super::operation::{method, path_template};
use super::provider::LoweredToolset;
use super::tool::LoweredTool;
use crate::load::{RestSetting, Source};
use crate::report::{Report, Severity};
use infra_mcp_model::{Danger, Method, PathTemplate, RestRoute, Segment};
use serde_json::Value;

/// The first steps of paths that the server answers itself.
const TAKEN: [&str; 9] = ["", "mcp", "message", "sse", "health", "ready", "tools", "openapi.json", ".well-known"];

/// Lowers `[[rest]]` of `provider.toml`; what cannot be served is left out and reported.
pub(super) fn lower(source: &Source, toolsets: &[LoweredToolset], report: &mut Report) -> Vec<RestRoute> {
    let file = format!("{}/provider.toml", source.name);
    let tools: Vec<&LoweredTool> = toolsets.iter().flat_map(|toolset| &toolset.tools).collect();
    let mut routes = Vec::new();
    for (index, setting) in source.settings.rest.iter().enumerate() {
        match route(setting, &tools) {
            Ok(route) => routes.push(route),
            Err((what, hint)) => report.add(Severity::Error, &file, format!("/rest/{index}"), what, hint),
        }
    }
    routes
}

type Fault = (String, &'static str);

fn route(setting: &RestSetting, tools: &[&LoweredTool]) -> Result<RestRoute, Fault> {
    let fault = |what: String, hint: &'static str| Err((what, hint));
    let Some(method) = method(&setting.method) else {
        return fault(format!("the method {} is not served", setting.method), "take GET, POST, PUT, PATCH or DELETE");
    };
    let path = path_template(&setting.path).map_err(|what| (what, "write it as in OpenAPI: /machines/{id}"))?;
    let Some(steps) = steps(&setting.path) else {
        return fault(format!("the path {} is none that can be told apart", setting.path), "/machines/{id}/start");
    };
    if TAKEN.contains(&steps[0]) || steps[0].starts_with('{') {
        return fault(format!("the path {} is not free", setting.path), "begin it with another word");
    }
    let Some(lowered) = tools.iter().find(|lowered| lowered.tool.name == setting.tool) else {
        return fault(format!("there is no tool `{}`", setting.tool), "name one of this provider");
    };
    if method == Method::Get && !Danger::of(&lowered.tool.review).is_none() {
        return fault(format!("`{}` does more than read", setting.tool), "take another method than GET");
    }
    for name in parameters(&path).chain(setting.arguments.keys().map(String::as_str)) {
        if lowered.input_schema["properties"].get(name).is_none() {
            return fault(format!("`{}` takes no `{name}`", setting.tool), "name its arguments");
        }
    }
    if let Some(name) = parameters(&path).find(|name| setting.arguments.contains_key(*name)) {
        return fault(format!("`{name}` is given twice"), "leave it out of the path or of `arguments`");
    }
    let arguments = Value::Object(setting.arguments.clone()).to_string();
    Ok(RestRoute { method, path, tool: setting.tool.clone().into(), arguments: arguments.into() })
}

/// The steps between the slashes, each a word or a parameter as a whole.
fn steps(path: &str) -> Option<Vec<&str>> {
    let steps: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let whole = |step: &&str| {
        let inner = step.strip_prefix('{').and_then(|step| step.strip_suffix('}')).unwrap_or(step);
        !inner.contains(['{', '}', '%'])
    };
    steps.iter().all(whole).then_some(steps)
}

fn parameters(path: &PathTemplate) -> impl Iterator<Item = &str> {
    path.0.iter().filter_map(|segment| match segment {
        Segment::Parameter(name) => Some(name.as_ref()),
        Segment::Literal(_) => None,
    })
}
