//! Work that goes on after an answer: which calls can wait for it, and how it is followed.

use super::operation::LoweredOperation;
use super::provider::LoweredToolset;
use super::tool::LoweredTool;
use crate::load::{Source, TasksSetting};
use crate::report::{Report, Severity};
use infra_mcp_model::{Effect, Tasks, Text, WAIT, WAIT_SECONDS};
use serde_json::{Map, Value, json};

/// How long a call waits unless it says otherwise, and the longest wait, in seconds.
const USUAL: u64 = 120;
const LONGEST: u64 = 3_600;

/// Lets an operation that may answer before its work is done wait for that. Says whether it can: not where its own
/// arguments have these names.
pub(super) fn apply(lowered: &mut LoweredOperation, settings: Option<&TasksSetting>) -> bool {
    if settings.is_none() || !lowered.accepts {
        return false;
    }
    let properties = lowered.input_schema.as_object_mut().map(|schema| {
        let properties = schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
        // Members of a schema have an order, and clients get them in it.
        properties.as_object_mut()
    });
    let Some(properties) = properties.flatten() else { return false };
    if properties.contains_key(WAIT) || properties.contains_key(WAIT_SECONDS) {
        lowered.notes.push(format!("its calls cannot wait for their task: it has a `{WAIT}` of its own"));
        return false;
    }
    properties.insert(
        WAIT.to_owned(),
        json!({
            "type": "boolean",
            "description": "True follows the task until it has ended and answers with what came of it.",
        }),
    );
    properties.insert(
        WAIT_SECONDS.to_owned(),
        json!({
            "type": "integer", "minimum": 1, "maximum": LONGEST, "default": USUAL,
            "description": "The longest wait in seconds; the task goes on after it.",
        }),
    );
    true
}

/// Lowers `[tasks]` of `provider.toml`.
pub(super) fn lower(source: &Source, toolsets: &[LoweredToolset], report: &mut Report) -> Option<Tasks> {
    let setting = source.settings.tasks.as_ref()?;
    let reader = toolsets.iter().flat_map(|set| &set.tools).find(|lowered| lowered.tool.name == setting.tool);
    if let Some(fault) = fault(setting, reader) {
        let file = format!("{}/provider.toml", source.name);
        report.add(Severity::Error, &file, "/tasks", fault, "name a tool that reads one task, and its argument");
        return None;
    }
    let texts = |list: &[String]| list.iter().cloned().map(Text::from).collect();
    Some(Tasks {
        tool: setting.tool.clone().into(),
        argument: setting.argument.clone().into(),
        id: setting.id.clone().into(),
        state: setting.state.clone().into(),
        done: texts(&setting.done),
        failed: texts(&setting.failed),
        result: setting.result.clone().into(),
        progress: setting.progress.clone().into(),
    })
}

fn fault(setting: &TasksSetting, reader: Option<&LoweredTool>) -> Option<String> {
    match reader {
        None => Some(format!("there is no tool `{}`", setting.tool)),
        Some(lowered) if lowered.tool.review.effect != Effect::Read => {
            Some(format!("`{}` does more than read", setting.tool))
        }
        Some(lowered) if !lowered.tool.takes(&setting.argument) => {
            Some(format!("`{}` takes no `{}`", setting.tool, setting.argument))
        }
        Some(_) if setting.done.is_empty() => Some("no state means that a task is done".to_owned()),
        Some(_) => None,
    }
}
