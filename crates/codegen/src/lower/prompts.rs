//! Messages for users to begin with.

use super::names;
use super::provider::LoweredToolset;
use crate::load::{PromptSetting, Source};
use crate::report::{Report, Severity};
use infra_mcp_model::{Prompt, PromptArgument, Text};

/// Lowers `prompts.json`; what cannot be served is left out and reported.
pub(super) fn lower(source: &Source, toolsets: &[LoweredToolset], report: &mut Report) -> Vec<Prompt> {
    let file = format!("{}/prompts.json", source.name);
    let serves = |name: &String| toolsets.iter().flat_map(|set| &set.tools).any(|tool| tool.tool.name == **name);
    let mut prompts = Vec::new();
    for (index, setting) in source.prompts.iter().enumerate() {
        let pointer = format!("/{index}");
        if names::sanitize(&setting.name) != setting.name || !(1..=names::LONGEST).contains(&setting.name.len()) {
            let what = format!("`{}` is not a legal name of a prompt", setting.name);
            report.add(Severity::Error, &file, &pointer, what, "up to 64 of A-Z a-z 0-9 _ -");
        }
        if let Some(tool) = setting.tools.iter().find(|name| !serves(name)) {
            let what = format!("`{}` counts on `{tool}`, which is no tool", setting.name);
            report.add(Severity::Error, &file, &pointer, what, "name tools of this provider");
        }
        for fault in places(setting) {
            let what = format!("`{}`: {fault}", setting.name);
            report.add(Severity::Error, &file, &pointer, what, "each argument stands in the text, in braces");
        }
        prompts.push(prompt(setting));
    }
    prompts
}

fn prompt(setting: &PromptSetting) -> Prompt {
    let arguments = setting.arguments.iter().map(|argument| PromptArgument {
        name: argument.name.clone().into(),
        description: argument.description.clone().into(),
        otherwise: argument.otherwise.clone().into(),
    });
    Prompt {
        name: setting.name.clone().into(),
        title: setting.title.clone().into(),
        description: setting.description.clone().into(),
        arguments: arguments.collect(),
        text: setting.text.clone().into(),
        tools: setting.tools.iter().cloned().map(Text::from).collect(),
    }
}

/// Places without an argument, arguments without a place, and arguments that are there twice.
fn places(setting: &PromptSetting) -> Vec<String> {
    let places: Vec<&str> =
        setting.text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default()).collect();
    let names: Vec<&str> = setting.arguments.iter().map(|argument| argument.name.as_str()).collect();
    let strange = places.iter().filter(|place| !names.contains(place));
    let idle = names.iter().filter(|name| !places.contains(name));
    let twice = names.iter().enumerate().filter(|(index, name)| names[..*index].contains(name)).map(|(_, name)| name);
    let strange = strange.map(|place| format!("there is no argument `{place}`"));
    let idle = idle.map(|name| format!("the text has no place for `{name}`"));
    strange.chain(idle).chain(twice.map(|name| format!("there are two arguments `{name}`"))).collect()
}
