//! Which read shows the resource that a call acts on.

use super::provider::LoweredToolset;
use infra_mcp_model::{Location, Method, Operation, RequestBody, Segment, Tool};
use std::collections::HashMap;

/// Gives every tool that does not merely read, and names none itself, the tool that shows its resource: the GET
/// operation with the longest path that begins its own path, ends in a parameter and asks for nothing else.
pub(super) fn assign(toolsets: &mut [LoweredToolset]) {
    let tools = toolsets.iter().flat_map(|toolset| &toolset.tools).map(|lowered| &lowered.tool);
    let readers: HashMap<String, String> = tools
        .filter_map(|tool| Some((tool.operation().filter(|shown| shows_one_resource(tool, shown))?, tool)))
        .map(|(operation, tool)| (operation.path.to_string(), tool.name.to_string()))
        .collect();
    for lowered in toolsets.iter_mut().flat_map(|toolset| &mut toolset.tools) {
        let Some(operation) = lowered.tool.operation() else { continue };
        if lowered.tool.reader.is_empty() && !matches!(operation.method, Method::Get | Method::Head) {
            lowered.tool.reader = reader_of(operation, &readers).unwrap_or_default().into();
        }
    }
}

fn shows_one_resource(tool: &Tool, operation: &Operation) -> bool {
    let required = |argument: &str| lowered_required(&tool.input_schema).iter().any(|name| name == argument);
    operation.method == Method::Get
        && matches!(operation.path.0.last(), Some(Segment::Parameter(_)))
        && operation
            .parameters
            .iter()
            .all(|parameter| parameter.location == Location::Path || !required(&parameter.argument))
        && operation.body.as_ref().is_none_or(|body| matches!(body, RequestBody::Members { required: false, .. }))
}

fn lowered_required(schema: &str) -> Vec<String> {
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap_or_default();
    let required = schema.get("required").and_then(serde_json::Value::as_array);
    required.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn reader_of(operation: &Operation, readers: &HashMap<String, String>) -> Option<String> {
    let segments = &operation.path.0;
    let ends = (1..=segments.len()).rev().filter(|end| matches!(segments[end - 1], Segment::Parameter(_)));
    ends.map(|end| infra_mcp_model::PathTemplate(segments[..end].to_vec().into()).to_string())
        .find_map(|path| readers.get(&path).cloned())
}
