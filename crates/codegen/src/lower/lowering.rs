use super::components::Components;
use super::document::{Found, find_operations};
use super::operation::{self, LoweredOperation, Reading};
use super::provider::{LoweredProvider, LoweredToolset, head};
use super::sample::sample;
use super::schema::Direction;
use super::tool::{EXPOSURE, LoweredTool, Words};
use super::{alone, defaults, names, tool};
use crate::load::{Definition, DefinitionFile, Source, ToolsetSettings};
use crate::report::{Report, Severity};
use infra_mcp_model::{Binding, Provider, Route};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) fn lower(source: &Source, strict: bool, report: &mut Report) -> LoweredProvider {
    let mut lowering = Lowering::new(source, strict, report);
    lowering.operations();
    lowering.standalone_definitions();
    lowering.unused_definitions();
    lowering.finish()
}

struct Lowering<'a, 'r> {
    source: &'a Source,
    strict: bool,
    report: &'r mut Report,
    bound: HashMap<&'a str, (&'a DefinitionFile, &'a Definition)>,
    used: BTreeSet<&'a str>,
    taken: BTreeSet<String>,
    toolsets: BTreeMap<usize, Vec<LoweredTool>>,
    others: Vec<(String, Vec<LoweredTool>)>,
    operations: usize,
    left_out: Vec<(String, String)>,
    inputs: Components<'a>,
    answers: Components<'a>,
    careful: Careful,
}

/// What a foreign folder leaves to careful defaults, by tool name. Each is a note and their number
/// a warning, so that a vendor's document does not bury the build in warnings.
#[derive(Default)]
struct Careful {
    undefined: Vec<String>,
    unreviewed: Vec<String>,
    unplaced: Vec<String>,
}

impl<'a, 'r> Lowering<'a, 'r> {
    fn new(source: &'a Source, strict: bool, report: &'r mut Report) -> Self {
        let mut bound = HashMap::new();
        for file in &source.definitions {
            unknown_toolset(source, file, strict, report);
            for definition in file.tools.iter().filter(|definition| definition.standalone.is_none()) {
                if bound.insert(definition.name.as_str(), (file, definition)).is_some() {
                    let what = format!("`{}` is defined twice", definition.name);
                    report.add(Severity::Error, &file.file, &definition.pointer, what, "keep one of them");
                }
            }
        }
        static NOTHING: Value = Value::Null;
        let root = source.document.as_ref().map_or(&NOTHING, |document| &document.root);
        Self {
            inputs: Components::new(root, Direction::Input),
            answers: Components::new(root, Direction::Answer),
            careful: Careful::default(),
            source,
            strict,
            report,
            bound,
            used: BTreeSet::new(),
            taken: BTreeSet::new(),
            toolsets: BTreeMap::new(),
            others: Vec::new(),
            operations: 0,
            left_out: Vec::new(),
        }
    }

    /// How bad a mistake is: an error in our own specs, elsewhere a warning.
    fn mistake(&self) -> Severity {
        if self.strict { Severity::Error } else { Severity::Warning }
    }

    /// An error in our own specs; elsewhere a note, counted by the caller.
    fn lack(&mut self, file: &str, pointer: &str, what: String, hint: &str) {
        let severity = if self.strict { Severity::Error } else { Severity::Note };
        self.report.add(severity, file, pointer, what, hint);
    }

    fn problem(&mut self, file: &str, pointer: &str, what: String, hint: &str) {
        self.report.add(self.mistake(), file, pointer, what, hint);
    }

    fn operations(&mut self) {
        let Some(document) = &self.source.document else { return };
        let (root, file) = (&document.root, document.file.as_str());
        for found in find_operations(root) {
            self.operations += 1;
            let pointer = found.pointer();
            let name = self.name(&found, file, &pointer);
            if let Some(reason) = self.source.settings.exclude.get(&name) {
                self.left_out.push((name, reason.clone()));
                continue;
            }
            if found.operation.get(EXPOSURE).is_some_and(|word| word == "deny") && !self.bound.contains_key(&*name) {
                self.unservable(name, "its description denies it to MCP clients".to_owned(), file, &pointer);
                continue;
            }
            let settings = &self.source.settings;
            let own = self.bound.get(name.as_str()).and_then(|(_, definition)| definition.body_as_query);
            let reading = Reading { body_as_query: own.unwrap_or(settings.body_as_query), omit: &settings.omit };
            match operation::lower(&found, &mut self.inputs, reading) {
                Ok(lowered) => self.tool(name, found.operation, lowered, file, &pointer),
                Err(reason) => {
                    self.used.extend(self.bound.get_key_value(name.as_str()).map(|(key, _)| *key));
                    self.unservable(name, reason, file, &pointer);
                }
            }
        }
    }

    /// In our own specs an operation is left out by an entry in `exclude` and never by accident.
    fn unservable(&mut self, name: String, reason: String, file: &str, pointer: &str) {
        let severity = if self.strict { Severity::Error } else { Severity::Note };
        let what = format!("`{name}` is left out: {reason}");
        let hint = if self.strict { "exclude it in provider.toml with the reason" } else { "" };
        self.report.add(severity, file, pointer, what, hint);
        self.left_out.push((name, reason));
    }

    /// A legal name that nothing else has. The first of several operations with one id keeps it.
    fn name(&mut self, found: &Found<'_>, file: &str, pointer: &str) -> String {
        let wanted = names::sanitize(&found.id);
        let mut name = names::shorten(&wanted);
        if name != wanted {
            let what = format!("the operation id {} is longer than a tool name may be; the tool is `{name}`", found.id);
            self.problem(file, pointer, what, "");
        }
        if !self.taken.insert(name.clone()) {
            let whole = format!("{wanted}_{}", names::from_path(found.method, found.path));
            name = names::shorten(&whole);
            while !self.taken.insert(name.clone()) {
                name = names::shorten(&format!("{whole}_{name}"));
            }
            let what = format!("the operation id {} is not unique; the tool of this one is `{name}`", found.id);
            self.problem(file, pointer, what, "");
        }
        name
    }

    fn tool(&mut self, name: String, operation: &Value, mut lowered: LoweredOperation, file: &str, pointer: &str) {
        for note in &lowered.notes {
            self.report.add(Severity::Note, file, pointer, format!("`{name}`: {note}"), "");
        }
        let bound = self.bound.get_key_value(name.as_str()).map(|(key, value)| (*key, *value));
        if let Some((key, _)) = bound {
            self.used.insert(key);
        }
        let bound = bound.map(|(_, bound)| bound);
        match bound {
            None => {
                let what = format!(
                    "`{name}` has no definition: its words come from the document and its effect is judged carefully"
                );
                self.lack(file, pointer, what, "describe it in tools/*.json");
                self.careful.undefined.push(name.clone());
            }
            Some((definition_file, definition)) if definition.facts.is_none() => {
                self.unreviewed(definition_file, definition);
            }
            Some(_) => {}
        }
        defaults::apply(&mut lowered, &self.source.settings, bound, self.mistake(), self.report);
        // One way to wait is enough: until the machine is off, or until the task is over.
        let awaits = match bound.and_then(|(_, definition)| definition.power_off.as_ref()) {
            Some(setting) => {
                super::power_off::add_arguments(setting, &mut lowered.input_schema);
                false
            }
            None => super::tasks::apply(&mut lowered, self.source.settings.tasks.as_ref()),
        };
        let route = Some(self.route(&lowered));
        let toolset = self.place(&name, operation, bound, file, pointer);
        let words = Words { definition: bound, operation, source: self.source, awaits, stray: self.mistake() };
        let LoweredOperation { operation: bound, input_schema, .. } = lowered;
        let tool =
            tool::lower(&name, (Binding::Operation(bound), &input_schema), &words, &toolset.1, route, self.report);
        self.keep(toolset, tool);
    }

    fn unreviewed(&mut self, file: &DefinitionFile, definition: &Definition) {
        if self.report.mentions(&file.file, &definition.pointer) {
            return;
        }
        let what = format!("`{}` is not reviewed", definition.name);
        let hint = "judge effect, money, secrets, exec, async, idempotent and scope";
        self.lack(&file.file, &definition.pointer, what, hint);
        self.careful.unreviewed.push(definition.name.clone());
    }

    fn route(&mut self, lowered: &LoweredOperation) -> Route {
        let (status, schema) = &lowered.success;
        let body = schema.as_ref().map_or_else(String::new, |schema| {
            let schema = self.answers.convert(schema);
            sample(&schema, self.answers.defs()).to_string()
        });
        Route {
            method: lowered.operation.method,
            path: lowered.operation.path.clone(),
            status: *status,
            body: body.into(),
        }
    }

    /// The toolset of an operation: that of its definition's file, or the one that claims its first
    /// tag, or the only one; else one named after the provider.
    fn place(
        &mut self,
        name: &str,
        operation: &Value,
        bound: Option<(&DefinitionFile, &Definition)>,
        file: &str,
        pointer: &str,
    ) -> (Option<usize>, String) {
        let settings = &self.source.settings.toolsets;
        let named = bound.and_then(|(file, _)| file.toolset.as_deref());
        let tags: Vec<&str> =
            operation.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let by_name = named.and_then(|named| settings.iter().position(|toolset| toolset.name == named));
        let by_tag = || settings.iter().position(|toolset| toolset.tags.iter().any(|tag| tags.contains(&tag.as_str())));
        match by_name.or_else(by_tag) {
            Some(index) => (Some(index), settings[index].name.clone()),
            None => {
                let what = format!("`{name}` belongs to no toolset");
                if !settings.is_empty() {
                    self.lack(file, pointer, what, "give a toolset one of its tags, or exclude it with a reason");
                    self.careful.unplaced.push(name.to_owned());
                }
                let index = settings.iter().position(|toolset| toolset.name == self.source.name);
                (index, self.source.name.clone())
            }
        }
    }

    fn keep(&mut self, (index, name): (Option<usize>, String), tool: LoweredTool) {
        match index {
            Some(index) => self.toolsets.entry(index).or_default().push(tool),
            None => match self.others.iter_mut().find(|(other, _)| *other == name) {
                Some((_, tools)) => tools.push(tool),
                None => self.others.push((name, vec![tool])),
            },
        }
    }

    fn standalone_definitions(&mut self) {
        let source = self.source;
        for file in &source.definitions {
            for definition in &file.tools {
                let Some(standalone) = &definition.standalone else { continue };
                self.operations += 1;
                let (binding, mut schema) = match alone::binding(definition, standalone) {
                    Ok(lowered) => lowered,
                    Err(reason) => {
                        self.unservable(definition.name.clone(), reason, &file.file, &definition.pointer);
                        continue;
                    }
                };
                let name = definition.name.clone();
                if names::sanitize(&name) != name || name.len() > names::LONGEST || !self.taken.insert(name.clone()) {
                    let reason = "its name is not one of its own of up to 64 of A-Z a-z 0-9 _ -".to_owned();
                    self.unservable(name, reason, &file.file, &definition.pointer);
                    continue;
                }
                if definition.facts.is_none() {
                    self.unreviewed(file, definition);
                }
                if let Some(setting) = &definition.power_off {
                    super::power_off::add_arguments(setting, &mut schema);
                }
                let empty = json!({"tags": standalone.group.iter().collect::<Vec<_>>()});
                let bound = Some((file, definition));
                let toolset = self.place(&name, &empty, bound, &file.file, &definition.pointer);
                let stray = self.mistake();
                let words = Words { definition: bound, operation: &empty, source, awaits: false, stray };
                let tool = tool::lower(&name, (binding, &schema), &words, &toolset.1, None, self.report);
                self.keep(toolset, tool);
            }
        }
    }

    fn unused_definitions(&mut self) {
        let source = self.source;
        for file in &source.definitions {
            for definition in &file.tools {
                if definition.standalone.is_none() && !self.used.contains(definition.name.as_str()) {
                    let what = format!("`{}` belongs to no operation of the document", definition.name);
                    self.problem(&file.file, &definition.pointer, what, "remove it, or give it a method and a path");
                }
            }
        }
        for name in source.settings.exclude.keys() {
            if !self.left_out.iter().any(|(left_out, _)| left_out == name) {
                let file = format!("{}/provider.toml", source.name);
                self.problem(&file, "", format!("`exclude` names `{name}`, which is no operation"), "remove the entry");
            }
        }
    }

    /// The careful defaults of a foreign folder, counted.
    fn careful(&mut self) {
        let Careful { undefined, unreviewed, unplaced } = std::mem::take(&mut self.careful);
        let told = [
            (
                undefined,
                "have no definition: their words come from the document, GET counts as read and all else as destructive",
            ),
            (unreviewed, "are not reviewed: GET counts as read and all else as destructive"),
            (unplaced, "belong to no toolset and go to one named after the provider"),
        ];
        for (names, what) in told.into_iter().filter(|(names, _)| !self.strict && !names.is_empty()) {
            let shown = names.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let more = if names.len() > 3 { ", …" } else { "" };
            let what = format!("{} tools {what}: {shown}{more}", names.len());
            self.report.add(Severity::Warning, &format!("{}/provider.toml", self.source.name), "", what, "");
        }
    }

    fn finish(mut self) -> LoweredProvider {
        self.careful();
        let settings = &self.source.settings;
        let mut toolsets = Vec::new();
        for (index, toolset) in settings.toolsets.iter().enumerate() {
            match self.toolsets.remove(&index) {
                Some(tools) => {
                    let feature = toolset.feature.clone().or_else(|| settings.feature.clone());
                    let settings = ToolsetSettings { feature, ..toolset.clone() };
                    toolsets.push(LoweredToolset::new(settings, tools));
                }
                None => {
                    let file = format!("{}/provider.toml", self.source.name);
                    let what = format!("the toolset `{}` is empty", toolset.name);
                    self.report.add(self.mistake(), &file, "", what, "check its tags");
                }
            }
        }
        for (name, tools) in self.others {
            let settings = ToolsetSettings {
                title: settings.title.clone(),
                name,
                binary: String::new(),
                feature: settings.feature.clone(),
                expose: None,
                exclusive: false,
                tags: Vec::new(),
            };
            toolsets.push(LoweredToolset::new(settings, tools));
        }
        super::reader::assign(&mut toolsets);
        super::power_off::check(&format!("{}/tools", self.source.name), &toolsets, self.report);
        super::references::check(self.source, &toolsets, self.strict, self.report);
        let file = format!("{}/provider.toml", self.source.name);
        toolsets.iter_mut().for_each(|toolset| super::domain::settle(&file, toolset, self.report));
        let resources = super::resources::lower(self.source, &toolsets, self.report).into();
        let rest = super::rest::lower(self.source, &toolsets, self.report).into();
        let prompts = super::prompts::lower(self.source, &toolsets, self.report).into();
        let tasks = super::tasks::lower(self.source, &toolsets, self.report);
        let provider = Provider { resources, rest, prompts, tasks, ..head(self.source) };
        LoweredProvider { provider, toolsets, operations: self.operations, left_out: self.left_out }
    }
}

fn unknown_toolset(source: &Source, file: &DefinitionFile, strict: bool, report: &mut Report) {
    let Some(named) = &file.toolset else { return };
    let toolsets = &source.settings.toolsets;
    if !toolsets.is_empty() && !toolsets.iter().any(|toolset| toolset.name == *named) {
        let severity = if strict { Severity::Error } else { Severity::Warning };
        let known: Vec<&str> = toolsets.iter().map(|toolset| toolset.name.as_str()).collect();
        let what = format!("there is no toolset `{named}`");
        report.add(severity, &file.file, "/toolset", what, format!("there are {}", known.join(", ")));
    }
}
