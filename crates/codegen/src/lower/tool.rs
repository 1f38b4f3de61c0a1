use super::listing::listing;
use super::names;
use super::power_off;
use super::published::publish;
use super::references::Named;
use super::text::{bounded, one_line};
use crate::load::{Definition, DefinitionFile, Source};
use crate::report::{Report, Severity};
use infra_mcp_model::{Binding, Effect, Method, Review, Route, Tool, WAIT, WAIT_SECONDS};
use serde_json::{Map, Value};

/// The extension of an operation by which Xen Orchestra says what MCP clients may do with it.
pub(crate) const EXPOSURE: &str = "x-mcp-exposure";

/// A tool of the model, with what emission needs beside it.
#[derive(Debug)]
pub struct LoweredTool {
    /// The row.
    pub tool: Tool,
    /// The full input schema as a value.
    pub input_schema: Value,
    /// The published input schema as a value: its texts become the docs of the typed struct.
    pub published: Value,
    /// What the simulated provider answers.
    pub route: Option<Route>,
    /// What our definition does not say: `title`, `description`, `parameters.PATH`, `review`.
    pub lacking: Vec<String>,
}

/// Where the words of a tool come from: its definition, else the document.
pub(super) struct Words<'a> {
    pub(super) definition: Option<(&'a DefinitionFile, &'a Definition)>,
    pub(super) operation: &'a Value,
    pub(super) source: &'a Source,
    /// Its calls can wait for the task that they begin: arguments whose words are the generator's.
    pub(super) awaits: bool,
    /// How bad it is that the definition names a parameter that does not exist.
    pub(super) stray: Severity,
}

impl Words<'_> {
    fn text(&self, key: &str) -> Option<String> {
        self.operation.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(one_line)
    }

    fn title(&self, name: &str) -> String {
        let own = self.definition.and_then(|(_, definition)| definition.title.clone());
        let title = own.or_else(|| self.text("summary")).unwrap_or_else(|| one_line(&name.replace(['_', '-'], " ")));
        bounded(&title, 100)
    }

    /// At most 1,024 characters: what every client shows whole.
    fn description(&self, name: &str, binding: &Binding) -> String {
        let own = self.definition.and_then(|(_, definition)| definition.description.clone());
        let fallback = || {
            let text = self.text("description").or_else(|| self.text("summary"));
            text.unwrap_or_else(|| match binding {
                Binding::Operation(operation) => format!("Calls {} {}.", operation.method.as_str(), operation.path),
                Binding::Composite(_) | Binding::Relay(_) => format!("Carries out {name}."),
            })
        };
        bounded(&own.unwrap_or_else(fallback), 1024)
    }

    fn parameter(&self, path: &str) -> Option<String> {
        let (file, definition) = self.definition?;
        let text = definition.parameters.get(path).or_else(|| file.parameters.get(path));
        let own = text.and_then(Value::as_str).map(str::to_owned);
        own.or_else(|| power_off::words(definition.power_off.as_ref()?, path))
    }

    fn lacking(&self, paths: &[String]) -> Vec<String> {
        let definition = self.definition.map(|(_, definition)| definition);
        let has = |present: fn(&Definition) -> bool| definition.is_some_and(present);
        let named = [
            ("title", has(|definition| definition.title.is_some())),
            ("description", has(|definition| definition.description.is_some())),
            ("review", has(|definition| definition.facts.is_some())),
        ];
        let absent = named.iter().filter(|(_, present)| !present).map(|(name, _)| (*name).to_owned());
        let ours = |path: &str| self.awaits && matches!(path, WAIT | WAIT_SECONDS);
        let wordless = paths.iter().filter(|path| self.parameter(path).is_none() && !ours(path));
        absent.chain(wordless.map(|path| format!("parameters.{path}"))).collect()
    }

    /// What the document says about giving the operation to MCP clients: `allow`, `confirm` or `deny`.
    fn exposure(&self) -> Option<&str> {
        self.operation.get(EXPOSURE).and_then(Value::as_str)
    }

    fn facts(&self, binding: &Binding) -> Review {
        let Some(facts) = self.definition.and_then(|(_, definition)| definition.facts.clone()) else {
            return careful(binding, self.exposure(), &self.source.name);
        };
        Review {
            effect: facts.effect,
            effect_when: facts.effect_when.into(),
            money: facts.money,
            exec: facts.exec,
            asynchronous: facts.asynchronous,
            idempotent: facts.idempotent,
            scope: facts.scope.into(),
            secret_arguments: facts.secret_arguments.into_iter().map(Into::into).collect(),
            secret_results: facts.secret_results.into_iter().map(Into::into).collect(),
            phrases: facts.phrases.into(),
            opt_in: facts.opt_in,
            reviewed: true,
        }
    }
}

/// What holds for a tool nobody has judged: GET reads unless the document wants it confirmed, everything else is
/// destructive.
fn careful(binding: &Binding, exposure: Option<&str>, provider: &str) -> Review {
    let reads = matches!(binding, Binding::Operation(operation) if matches!(operation.method, Method::Get | Method::Head))
        && exposure.is_none_or(|exposure| exposure == "allow");
    Review {
        effect: if reads { Effect::Read } else { Effect::Destructive },
        effect_when: Default::default(),
        money: false,
        exec: false,
        asynchronous: false,
        idempotent: reads,
        scope: format!("{provider}:{}", if reads { "read" } else { "write" }).into(),
        secret_arguments: Default::default(),
        secret_results: Default::default(),
        phrases: Default::default(),
        opt_in: false,
        reviewed: false,
    }
}

pub(super) fn lower(
    name: &str,
    (binding, full): (Binding, &Value),
    words: &Words<'_>,
    toolset: &str,
    route: Option<Route>,
    report: &mut Report,
) -> LoweredTool {
    let review = words.facts(&binding);
    let title = words.title(name);
    let mut description = words.description(name, &binding);
    let deprecated = matches!(&binding, Binding::Operation(operation) if operation.deprecated);
    if deprecated && !description.to_lowercase().contains("deprecated") {
        description = bounded(&format!("Deprecated. {description}"), 1024);
    }
    let named = Named::of(&words.source.settings.references, toolset);
    let published = publish(&named.widen(full), &|path| Some(named.tell(path, words.parameter(path)?)));
    let mut paths = Vec::new();
    parameter_paths(&published, "", &mut paths);
    check_words(name, words, &paths, report);
    let lacking = words.lacking(&paths);
    let listing = listing(name, &title, &description, &published, &review, binding.body());
    let alone = words.definition.and_then(|(_, definition)| definition.standalone.as_ref());
    let reader = alone.map(|alone| alone.reader.clone()).unwrap_or_default();
    let aliases = words.definition.map(|(_, definition)| definition.aliases.clone()).unwrap_or_default();
    let operation_name = words.definition.and_then(|(_, definition)| definition.operation_name.clone());
    let operation_name = operation_name.unwrap_or_else(|| names::of_binding(name, &binding));
    let input_schema = without_descriptions(full);
    let tool = Tool {
        name: name.to_owned().into(),
        title: title.into(),
        description: description.into(),
        toolset: toolset.to_owned().into(),
        operation_name: operation_name.into(),
        aliases: aliases.into(),
        review,
        binding,
        awaits: words.awaits,
        power_off: words.definition.and_then(|(_, definition)| definition.power_off.as_ref()).map(power_off::lower),
        reader: reader.into(),
        input_schema: input_schema.to_string().into(),
        listing,
    };
    LoweredTool { tool, input_schema, published, route, lacking }
}

/// A text for a parameter that does not exist, and a fact that names one, are mistakes.
fn check_words(name: &str, words: &Words<'_>, paths: &[String], report: &mut Report) {
    let Some((file, definition)) = words.definition else { return };
    let mut named: Vec<(&str, &str)> = definition.parameters.keys().map(|path| (path.as_str(), "parameters")).collect();
    if let Some(facts) = &definition.facts {
        named.extend(facts.secret_arguments.iter().map(|path| (path.as_str(), "secrets.arguments")));
        named.extend(facts.effect_when.iter().map(|when| (when.argument.as_ref(), "effect_when")));
    }
    let renamed = definition.aliases.iter().flat_map(|alias| alias.arguments.iter());
    named.extend(renamed.map(|(_, today)| (today.as_ref(), "aliases")));
    for (path, key) in named {
        if !paths.iter().any(|known| known == path) {
            let what = format!("`{name}` has no parameter `{path}`, which its `{key}` names");
            report.add(words.stray, &file.file, &definition.pointer, what, "");
        }
    }
}

/// The dotted paths of all parameters of a published schema.
pub(crate) fn parameter_paths(schema: &Value, path: &str, found: &mut Vec<String>) {
    for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let mut path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        found.push(path.clone());
        let mut inner = inner;
        while let Some(items) = inner.get("items") {
            path.push_str("[]");
            inner = items;
        }
        parameter_paths(inner, &path, found);
    }
}

/// The full schema serves validation, which needs no words.
fn without_descriptions(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => {
            let is_schema_map = |key: &str| ["properties", "$defs"].contains(&key);
            object
                .iter()
                .filter(|(key, value)| !(*key == "description" && value.is_string()))
                .map(|(key, value)| {
                    let stripped = match value {
                        Value::Object(named) if is_schema_map(key) => {
                            named.iter().map(|(name, schema)| (name.clone(), without_descriptions(schema))).collect()
                        }
                        _ if ["default", "enum", "const"].contains(&key.as_str()) => value.clone(),
                        _ => without_descriptions(value),
                    };
                    (key.clone(), stripped)
                })
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(without_descriptions).collect(),
        other => other.clone(),
    }
}
