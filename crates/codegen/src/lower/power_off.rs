//! Tools that power a machine off and can wait for it.

use super::provider::LoweredToolset;
use crate::load::PowerOffSetting;
use crate::report::{Report, Severity};
use infra_mcp_model::{Location, Operation, PowerOff};
use serde_json::{Value, json};

pub(super) fn lower(setting: &PowerOffSetting) -> PowerOff {
    let text = |text: &String| text.clone().into();
    PowerOff { member: text(&setting.member), off: text(&setting.off), force: text(&setting.force) }
}

/// Puts the arguments that waiting takes into an input schema.
pub(super) fn add_arguments(setting: &PowerOffSetting, schema: &mut Value) {
    let wait = json!({"type": "integer", "minimum": 0, "maximum": PowerOff::LONGEST, "default": 0});
    schema["properties"][PowerOff::WAIT] = wait;
    if !setting.force.is_empty() {
        schema["properties"][PowerOff::FORCE] = json!({"type": "boolean", "default": false});
    }
}

/// What such an argument means.
pub(super) fn words(setting: &PowerOffSetting, argument: &str) -> Option<String> {
    const WAIT: &str = "Seconds for which the answer waits until the machine is off; 0 answers at once.";
    match (argument, setting.force.as_str()) {
        (PowerOff::WAIT, "") => Some(format!("{WAIT} There is no harder way to power it off after that.")),
        (PowerOff::WAIT, _) => Some(WAIT.to_owned()),
        (PowerOff::FORCE, force) if !force.is_empty() => Some(format!(
            "True cuts the power, as {force} does, of a machine that is not off when wait_timeout is over; without a \
             wait_timeout it does nothing."
        )),
        _ => None,
    }
}

/// Whoever waits has to see the machine, and whoever cuts its power has to name it alike.
pub(super) fn check(file: &str, toolsets: &[LoweredToolset], report: &mut Report) {
    let tools = || toolsets.iter().flat_map(|toolset| &toolset.tools).map(|lowered| &lowered.tool);
    let operation = |name: &str| tools().find(|tool| tool.name == name).and_then(|tool| tool.operation());
    for tool in tools() {
        let Some(power_off) = &tool.power_off else { continue };
        let own = tool.operation().map(places).unwrap_or_default();
        let fits = |name: &str| operation(name).is_some_and(|other| !own.is_empty() && places(other) == own);
        for (name, what) in [(&tool.reader, "sees"), (&power_off.force, "cuts the power of")] {
            if (what == "sees" || !name.is_empty()) && !fits(name) {
                let what = format!("no tool {what} the machine that `{}` powers off", tool.name);
                let hint = "it is one operation, with the same path parameters";
                report.add(Severity::Error, file, "", what, hint);
            }
        }
    }
}

fn places(operation: &Operation) -> Vec<String> {
    let in_path = operation.parameters.iter().filter(|parameter| parameter.location == Location::Path);
    in_path.map(|parameter| parameter.argument.to_string()).collect()
}
