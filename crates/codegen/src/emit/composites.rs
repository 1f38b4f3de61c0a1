//! What the handlers of composite tools are written against: arguments, requests, and a trait that asks for them all.

use super::expression::literal;
use super::source::{Source, identifier};
use super::types::module_name;
use crate::load::ToolsetSettings;
use crate::lower::{LoweredProvider, LoweredTool};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use infra_mcp_model::{Binding, Composite, Operation, RelayedStep, RequestBody};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(super) fn emit(providers: &[LoweredProvider], enabled: &dyn Fn(&ToolsetSettings) -> bool, out: &mut String) {
    let composed: Vec<(&LoweredProvider, Vec<Composed<'_>>)> = providers
        .iter()
        .map(|provider| (provider, composites(provider, enabled)))
        .filter(|(_, tools)| !tools.is_empty())
        .collect();
    if composed.is_empty() {
        return;
    }
    let mut source = Source::new(out);
    source.end("");
    source.doc("What handlers of composite tools are written against, by provider.");
    source
        .line("#[allow(clippy::all, rustdoc::bare_urls, rustdoc::broken_intra_doc_links, rustdoc::invalid_html_tags)]");
    source.block("pub mod composites {", |source| {
        for (provider, tools) in composed {
            source.doc(&format!("The composite tools of {}.", provider.provider.title));
            source.block(&format!("pub mod {} {{", module_name(&provider.provider.name)), |source| {
                source.line("use crate::error::CallError;");
                source.line("use crate::executor::{CompositeTool, Reply, Run, SentBy, Steps};");
                source.line("use ::serde_json::Value;");
                tools.iter().for_each(|tool| tool.arguments(source));
                requests(&tools, source);
                handlers(&tools, source);
                dispatch(&tools, source);
            });
        }
    });
}

/// A composite tool with the names of what is emitted for it.
struct Composed<'a> {
    tool: &'a LoweredTool,
    composite: &'a Composite,
    kind: String,
    method: String,
}

fn composites<'a>(provider: &'a LoweredProvider, enabled: &dyn Fn(&ToolsetSettings) -> bool) -> Vec<Composed<'a>> {
    let tools =
        provider.toolsets.iter().filter(|toolset| enabled(&toolset.settings)).flat_map(|toolset| &toolset.tools);
    let composed = tools.filter_map(|tool| match &tool.tool.binding {
        Binding::Composite(composite) => Some(Composed {
            tool,
            composite,
            kind: identifier(&tool.tool.name.to_upper_camel_case()),
            method: identifier(&tool.tool.name.to_snake_case()),
        }),
        _ => None,
    });
    composed.collect()
}

impl Composed<'_> {
    fn arguments(&self, source: &mut Source<'_>) {
        let schema = &self.tool.input_schema;
        let nothing = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let name = &self.tool.tool.name;
        source.doc(&format!("Arguments of `{name}`, defaults filled in."));
        source.line("#[derive(Debug, Clone, PartialEq, ::serde::Deserialize)]");
        source.block(&format!("pub struct {} {{", self.kind), |source| {
            for (wire, property) in properties {
                let told = self.tool.published.pointer(&format!("/properties/{}/description", escaped(wire)));
                source.doc(told.and_then(Value::as_str).unwrap_or("Not described."));
                let (field, kind) = (identifier(&wire.to_snake_case()), kind(property));
                if field != *wire {
                    source.line(&format!("#[serde(rename = {})]", literal(wire)));
                }
                let given = required.contains(&wire.as_str()) || property.get("default").is_some();
                let kind = if given { kind.to_owned() } else { format!("Option<{kind}>") };
                source.line(&format!("pub {field}: {kind},"));
            }
        });
        let defaults: Map<String, Value> = properties
            .iter()
            .filter_map(|(wire, property)| Some((wire.clone(), property.get("default")?.clone())))
            .collect();
        source.block(&format!("impl CompositeTool for {} {{", self.kind), |source| {
            source.line(&format!("const NAME: &'static str = {};", literal(name)));
            source.line(&format!("const DEFAULTS: &'static str = {};", literal(&Value::Object(defaults).to_string())));
        });
        if self.composite.file.is_some() {
            source.line(&format!("impl crate::executor::SendsFile for {} {{}}", self.kind));
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn kind(schema: &Value) -> &'static str {
    match schema.get("type").and_then(Value::as_str) {
        Some("integer") => "i64",
        Some("number") => "f64",
        Some("string") => "String",
        Some("boolean") => "bool",
        Some("object") => "::serde_json::Map<String, Value>",
        Some("array") => "Vec<Value>",
        _ => "Value",
    }
}

/// A struct a request, shared by the tools that may send it.
fn requests(tools: &[Composed<'_>], source: &mut Source<'_>) {
    let mut known: BTreeMap<&str, (Sent<'_>, Vec<&str>)> = BTreeMap::new();
    for tool in tools {
        let operations = tool.composite.operations.iter().chain(tool.composite.pages.iter());
        let requests = operations.map(|operation| (&operation.id, Sent::Request(operation)));
        let relayed = tool.composite.relayed.iter().map(|step| (&step.id, Sent::Relayed(step)));
        for (id, sent) in requests.chain(relayed) {
            known.entry(id).or_insert_with(|| (sent, Vec::new())).1.push(&tool.kind);
        }
    }
    source.doc("The requests of these tools. A value of `null` is left out.");
    source.block("pub mod requests {", |source| {
        source.line("use super::*;");
        for (id, (sent, senders)) in known {
            request(id, &sent, &senders, source);
        }
    });
}

/// What a handler can send.
enum Sent<'a> {
    Request(&'a Operation),
    Relayed(&'a RelayedStep),
}

impl Sent<'_> {
    fn told(&self) -> String {
        match self {
            Self::Request(operation) => format!("`{} {}`", operation.method.as_str(), operation.path),
            Self::Relayed(step) => format!("The tool `{}` of the MCP server.", step.tool),
        }
    }

    fn names(&self) -> Vec<&str> {
        let operation = match self {
            Self::Relayed(step) => return step.arguments.iter().map(AsRef::as_ref).collect(),
            Self::Request(operation) => operation,
        };
        let parameters = operation.parameters.iter().map(|parameter| parameter.argument.as_ref());
        let members: Vec<&str> = match &operation.body {
            Some(RequestBody::Members { members, .. }) => {
                members.iter().map(|member| member.argument.as_ref()).collect()
            }
            Some(RequestBody::Whole { argument }) => vec![argument.as_ref()],
            None => Vec::new(),
        };
        parameters.chain(members).collect()
    }
}

fn request(id: &str, sent: &Sent<'_>, senders: &[&str], source: &mut Source<'_>) {
    let kind = identifier(&id.to_upper_camel_case());
    let mut values: Vec<(&str, String)> = Vec::new();
    for name in sent.names() {
        if values.iter().all(|(known, _)| *known != name) {
            values.push((name, identifier(&name.to_snake_case())));
        }
    }
    source.doc(&sent.told());
    source.line("#[derive(Debug, Clone, Default, PartialEq)]");
    source.block(&format!("pub struct {kind} {{"), |source| {
        for (name, field) in &values {
            source.doc(&format!("`{name}`"));
            source.line(&format!("pub {field}: Value,"));
        }
    });
    source.block(&format!("impl crate::executor::Request for {kind} {{"), |source| {
        source.line(&format!("const ID: &'static str = {};", literal(id)));
        source.block("fn into_values(self) -> Vec<(&'static str, Value)> {", |source| {
            let pairs: Vec<String> =
                values.iter().map(|(name, field)| format!("({}, self.{field})", literal(name))).collect();
            source.listed("vec![", &pairs, "]");
        });
    });
    for sender in senders {
        source.line(&format!("impl SentBy<super::{sender}> for {kind} {{}}"));
    }
}

fn handlers(tools: &[Composed<'_>], source: &mut Source<'_>) {
    source.doc("Carries the tools out. Each method gives the answer of its tool.");
    source.block("pub trait Composites: Sync {", |source| {
        for Composed { tool, kind, method, .. } in tools {
            source.doc(&tool.tool.title);
            source.line(&format!("fn {method}("));
            source.inner(|source| {
                source.line("&self,");
                source.line(&format!("arguments: {kind},"));
                source.line(&format!("steps: Steps<'_, {kind}>,"));
            });
            source.line(") -> impl Future<Output = Result<Value, CallError>> + Send;");
        }
    });
}

fn dispatch(tools: &[Composed<'_>], source: &mut Source<'_>) {
    source.doc(
        "Has the handler of its tool carry a call out.\n\n# Errors\nThose of the handler, or if the tool is none of these.",
    );
    source.line("pub async fn carry_out(handlers: &impl Composites, run: Run<'_>) -> Result<Reply, CallError> {");
    source.inner(|source| {
        source.line("let answer = match run.tool() {");
        source.inner(|source| {
            for Composed { tool, kind, method, .. } in tools {
                source.line(&format!(
                    "{} => handlers.{method}(run.arguments::<{kind}>()?, run.steps()).await?,",
                    literal(&tool.tool.name)
                ));
            }
            source.line("_ => return Err(run.unknown()),");
        });
        source.line("};");
        source.line("Ok(run.finish(&answer))");
    });
    source.line("}");
}
