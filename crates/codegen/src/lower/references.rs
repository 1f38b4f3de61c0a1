//! Arguments that take the name of a resource in the place of its id.

use super::provider::{LoweredToolset, texts};
use super::tool::parameter_paths;
use crate::load::{ReferenceSetting, Source};
use crate::report::{Report, Severity};
use infra_mcp_model::Reference;
use serde_json::{Value, json};

/// Lowers one entry of `[[references]]`.
pub(super) fn lower(setting: &ReferenceSetting) -> Reference {
    Reference {
        toolsets: texts(&setting.toolsets),
        arguments: texts(&setting.arguments),
        ids: setting.ids.clone().into(),
        numbers: setting.numbers,
        tool: setting.tool.clone().into(),
        query: Value::Object(setting.query.clone()).to_string().into(),
        list: setting.list.clone().into(),
        id: setting.id.clone().into(),
        name: setting.name.clone().into(),
        kind: setting.kind.clone().into(),
    }
}

/// Whether tools of this toolset are meant.
fn concerns(setting: &ReferenceSetting, toolset: &str) -> bool {
    setting.toolsets.is_empty() || setting.toolsets.iter().any(|name| name == toolset)
}

/// What may be named in the arguments of the tools of one toolset.
pub(super) struct Named<'a>(Vec<&'a ReferenceSetting>);

impl<'a> Named<'a> {
    pub(super) fn of(references: &'a [ReferenceSetting], toolset: &str) -> Self {
        Self(references.iter().filter(|setting| concerns(setting, toolset)).collect())
    }

    fn by(&self, argument: &str) -> Option<&'a ReferenceSetting> {
        self.0.iter().copied().find(|setting| setting.arguments.iter().any(|name| name == argument))
    }

    /// The schema for those who call: a name is text where the id is a number. Arguments are validated against the
    /// schema itself, once ids stand in the place of names.
    pub(super) fn widen(&self, full: &Value) -> Value {
        let mut widened = full.clone();
        let properties = widened.get_mut("properties").and_then(Value::as_object_mut);
        for (_, schema) in properties.into_iter().flatten().filter(|(name, _)| self.by(name).is_some()) {
            let one = if schema.get("items").is_some() { &mut schema["items"] } else { schema };
            if one.get("type").is_some_and(|kind| kind == "integer") {
                one["type"] = json!(["string", "integer"]);
            }
        }
        widened
    }

    /// The words of an argument, and that a name will do.
    pub(super) fn tell(&self, argument: &str, words: String) -> String {
        match self.by(argument) {
            Some(setting) => format!("{words} A {}, or a beginning that fits one alone, will do too.", setting.name),
            None => words,
        }
    }
}

/// A reference that nothing lists, or that no tool takes, is a mistake.
pub(super) fn check(source: &Source, toolsets: &[LoweredToolset], strict: bool, report: &mut Report) {
    let file = format!("{}/provider.toml", source.name);
    let severity = if strict { Severity::Error } else { Severity::Warning };
    let mut problem = |index: usize, what: String, hint: &str| {
        report.add(severity, &file, format!("/references/{index}"), what, hint);
    };
    for (index, setting) in source.settings.references.iter().enumerate() {
        let concerned = toolsets.iter().filter(|toolset| concerns(setting, &toolset.settings.name));
        let concerned: Vec<_> = concerned.flat_map(|toolset| &toolset.tools).collect();
        if !toolsets.iter().flat_map(|toolset| &toolset.tools).any(|lowered| lowered.tool.name == setting.tool) {
            problem(index, format!("there is no tool `{}`", setting.tool), "name the one that lists the resources");
        }
        let mut known = Vec::new();
        concerned.iter().for_each(|lowered| parameter_paths(&lowered.published, "", &mut known));
        for name in &setting.arguments {
            if !known.contains(name) {
                problem(index, format!("no tool takes `{name}`"), "name an argument of a tool of these toolsets");
            }
        }
        for name in &setting.toolsets {
            if !toolsets.iter().any(|toolset| toolset.settings.name == *name) {
                problem(index, format!("there is no toolset `{name}`"), "name one of this provider");
            }
        }
    }
}
