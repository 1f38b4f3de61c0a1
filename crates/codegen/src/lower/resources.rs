//! What clients can read by an address.

use super::provider::LoweredToolset;
use super::tool::LoweredTool;
use crate::load::{ResourceSetting, Source};
use crate::report::{Report, Severity};
use infra_mcp_model::{Danger, Resource};
use serde_json::Value;

/// Lowers `[[resources]]` of `provider.toml`; what cannot be served is left out and reported.
pub(super) fn lower(source: &Source, toolsets: &[LoweredToolset], report: &mut Report) -> Vec<Resource> {
    let file = format!("{}/provider.toml", source.name);
    let tools: Vec<&LoweredTool> = toolsets.iter().flat_map(|toolset| &toolset.tools).collect();
    let mut resources: Vec<Resource> = Vec::new();
    for (index, setting) in source.settings.resources.iter().enumerate() {
        let known = resources.iter().any(|resource| resource.uri == setting.uri);
        let fault = if known { Some(("is there twice".to_owned(), "take another address")) } else { None };
        match fault.map_or_else(|| resource(setting, &tools), Err) {
            Ok(resource) => resources.push(resource),
            Err((what, hint)) => {
                let what = format!("the resource {} {what}", setting.uri);
                report.add(Severity::Error, &file, format!("/resources/{index}"), what, hint);
            }
        }
    }
    resources
}

fn resource(setting: &ResourceSetting, tools: &[&LoweredTool]) -> Result<Resource, (String, &'static str)> {
    let steps: Vec<&str> = setting.uri.split('/').collect();
    let whole = |step: &&str| !inner(step).unwrap_or(step).contains(['{', '}', '%', '?', '#']);
    if !setting.uri.contains("://") || !steps.iter().all(whole) {
        return Err(("has no address that can be told apart".to_owned(), "acme://machines/{id}"));
    }
    let Some(lowered) = tools.iter().find(|lowered| lowered.tool.name == setting.tool) else {
        return Err((format!("is answered by `{}`, which is no tool", setting.tool), "name one of this provider"));
    };
    if !Danger::worst(&lowered.tool.review).is_none() {
        return Err((format!("is answered by `{}`, which does more than read", setting.tool), "name one that reads"));
    }
    let placed: Vec<&str> = steps.iter().copied().filter_map(inner).collect();
    for name in placed.iter().copied().chain(setting.arguments.keys().map(String::as_str)) {
        if lowered.input_schema["properties"].get(name).is_none() {
            return Err((format!("gives `{name}`, which `{}` does not take", setting.tool), "name its arguments"));
        }
    }
    if let Some(name) = placed.iter().find(|name| setting.arguments.contains_key(**name)) {
        return Err((format!("gives `{name}` twice"), "leave it out of the address or of `arguments`"));
    }
    let text = |text: &String| text.clone().into();
    Ok(Resource {
        uri: text(&setting.uri),
        name: text(&setting.name),
        title: text(&setting.title),
        description: text(&setting.description),
        mime_type: text(&setting.mime_type),
        tool: text(&setting.tool),
        arguments: Value::Object(setting.arguments.clone()).to_string().into(),
    })
}

/// The argument that a step of an address stands for.
fn inner(step: &str) -> Option<&str> {
    step.strip_prefix('{')?.strip_suffix('}')
}
