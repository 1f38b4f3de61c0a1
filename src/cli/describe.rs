//! `describe`: one tool in full, for people or as JSON.

use std::process::ExitCode;

use infra_mcp_model::{Binding, Condition, Effect, EffectWhen, Operation, Tool};
use serde_json::{Value, json};

use super::{list, print};
use crate::arguments::text::resolve;
use crate::catalogue::Entry;
use crate::error::StartupError;
use crate::exposure::{Domain, Exposure, Found, OPERATION};
use crate::server::Server;

/// Lines are broken before this column.
const WIDTH: usize = 100;

/// How deep members of members are shown. Schemas may be cyclic.
const DEPTH: usize = 4;

/// Prints one tool, or one operation of one; without a name every tool that is served, as JSON.
pub(super) fn describe(server: &Server, name: Option<&str>, json: bool) -> Result<ExitCode, StartupError> {
    let exposure = &server.exposure;
    let full = |entry: &Entry| {
        let mut schema = schema(entry.tool);
        if let Some(choice) = server.accounts.choice(&entry.provider.name) {
            choice.put_into(entry.tool, &mut schema);
        }
        schema
    };
    let Some(name) = name else {
        let entries = server.catalogue.entries().iter();
        let all: Vec<Value> = entries.map(|entry| described(exposure, entry, full(entry))).collect();
        return Ok(print(&format!("{:#}\n", Value::from(all))));
    };
    let print = |entry: Entry| {
        let schema = full(&entry);
        Ok(print(&if json { as_json(exposure, &entry, schema) } else { text(exposure, &entry, &schema) }))
    };
    match exposure.find(name) {
        Some(Found::Tool(entry, _)) => print(entry),
        Some(Found::Domain(domain)) => Ok(super::print(&domain_text(server, domain, json))),
        Some(Found::Builtin(builtin)) => Ok(super::print(&format!("{:#}\n", builtin.listing(true)))),
        Some(Found::Contested(candidates)) => {
            let problem = format!("several providers have a tool {name:?}.");
            Err(StartupError::new("describe", problem, format!("Name one of {}.", candidates.join(", "))))
        }
        None => match server.catalogue.named(name).next() {
            Some(entry) => print(entry),
            None => Err(StartupError::new("describe", server.unknown(name).to_string(), "`list` shows the tools.")),
        },
    }
}

/// The tool that stands for several operations.
fn domain_text(server: &Server, domain: &Domain, json: bool) -> String {
    let provider = domain.operations.first().map(|entry| entry.provider.name.as_ref());
    let choice = provider.and_then(|provider| server.accounts.choice(provider));
    if json {
        let listing = domain.listing(&domain.operations, choice, None, true);
        return format!("{:#}\n", serde_json::from_str::<Value>(&listing).unwrap_or_default());
    }
    let mut text =
        format!("{}: {}\n\nOperations (`call {} operation=NAME ...`):\n", domain.name, domain.title(), domain.name);
    for Entry { tool, .. } in &domain.operations {
        text.push_str(&format!("  {}({})\n      {}\n", tool.operation_name, tool.listing.signature, tool.title));
    }
    if let Some(choice) = choice {
        let argument = choice.argument(domain.operations.iter().map(|entry| entry.tool));
        text.push_str(&format!("\nEach also takes {argument}: one of {}.\n", choice.names.join(", ")));
    }
    text.push_str(
        "\nBraces hold what goes into `body`; ? marks what may be left out. `describe NAME` tells more about one.\n",
    );
    text
}

fn as_json(exposure: &Exposure, entry: &Entry, schema: Value) -> String {
    format!("{:#}\n", described(exposure, entry, schema))
}

fn described(exposure: &Exposure, entry: &Entry, schema: Value) -> Value {
    let (called, operation) = exposure.place(*entry).unwrap_or((&entry.tool.name, None));
    let mut facts = list::facts(entry, called, operation);
    let tool = entry.tool;
    facts["description"] = tool.description.as_ref().into();
    facts["secretArguments"] = tool.review.secret_arguments.iter().map(AsRef::as_ref).collect::<Vec<&str>>().into();
    facts["secretResults"] = tool.review.secret_results.iter().map(AsRef::as_ref).collect::<Vec<&str>>().into();
    facts["effectWhen"] = tool.review.effect_when.iter().map(condition).collect::<Vec<Value>>().into();
    facts["phrases"] = tool.review.phrases.iter().map(|phrase| phrase.text.as_ref()).collect::<Vec<&str>>().into();
    facts["reader"] = tool.reader.as_ref().into();
    facts["inputSchema"] = schema;
    facts
}

/// One condition under which a call has another effect: `{"argument", "equals" or "present", "effect"}`.
fn condition(when: &EffectWhen) -> Value {
    let (word, value) = match &when.condition {
        // It was JSON when it was serialised.
        Condition::Equals(value) => ("equals", serde_json::from_str(value).unwrap_or_default()),
        Condition::Present => ("present", Value::Bool(true)),
    };
    json!({ "argument": when.argument, word: value, "effect": when.effect.as_str() })
}

/// The schema is made by our generator; should it not parse, nothing can be said about arguments.
fn schema(tool: &Tool) -> Value {
    serde_json::from_str(&tool.input_schema).unwrap_or_default()
}

fn text(exposure: &Exposure, entry: &Entry, schema: &Value) -> String {
    let tool = entry.tool;
    let mut text = format!("{}: {}\n\n", tool.name, tool.title);
    wrap(&tool.description, 0, &mut text);
    text.push_str("\nArguments");
    let mut arguments = String::new();
    members(schema, schema, 1, &mut arguments);
    text.push_str(if arguments.is_empty() { ": none\n" } else { " (* is required):\n" });
    text.push_str(&arguments);
    text.push_str("\nFacts:\n");
    for (name, value) in facts(exposure, entry) {
        text.push_str(&format!("  {name:11}"));
        let mut wrapped = String::new();
        wrap(&value, 13, &mut wrapped);
        text.push_str(wrapped.trim_start());
    }
    text
}

fn facts(exposure: &Exposure, entry: &Entry) -> Vec<(&'static str, String)> {
    let Entry { provider, tool } = entry;
    let review = &tool.review;
    let mut facts = vec![("toolset", format!("{} ({})", tool.toolset, provider.title)), ("effect", effect(tool))];
    let remarks = list::remarks(tool).into_iter().map(|word| match word {
        "money" => ("money", "spends money, commits to spending it or uses up an entitlement".to_owned()),
        "secret" => ("secret", format!("the answer hands out a credential: {}", review.secret_results.join(", "))),
        "exec" => ("exec", "makes somebody's code or commands run".to_owned()),
        "async" => ("async", "work goes on after the answer".to_owned()),
        "deprecated" => ("deprecated", "the provider advises against using it".to_owned()),
        other => (other, "nobody has judged this tool; its facts are careful guesses".to_owned()),
    });
    facts.extend(remarks);
    if !review.secret_arguments.is_empty() {
        facts.push(("secrets in", format!("these arguments carry a secret: {}", review.secret_arguments.join(", "))));
    }
    facts.push((
        "repeatable",
        if review.idempotent { "yes: a second equal call changes nothing more" } else { "no" }.to_owned(),
    ));
    facts.push(("scope", review.scope.to_string()));
    let request = |operation: &Operation| format!("{} {}", operation.method.as_str(), operation.path);
    match &tool.binding {
        Binding::Operation(operation) => facts.push(("request", request(operation))),
        Binding::Composite(composite) => {
            let relayed = composite.relayed.iter().map(|step| format!("tools/call {}", step.tool));
            let requests: Vec<String> =
                composite.operations.iter().chain(composite.pages.iter()).map(request).chain(relayed).collect();
            facts.push(("requests", requests.join(", ")));
        }
        Binding::Relay(relay) => facts.push(("relayed to", format!("the tool {} of the provider", relay.tool))),
    }
    if let Some((called, operation)) = exposure.place(*entry).filter(|(called, _)| *called != tool.name) {
        let operation = operation.map(|operation| format!(" {OPERATION}={operation}")).unwrap_or_default();
        facts.push(("call", format!("{called}{operation}")));
    }
    let former: Vec<&str> = tool.aliases.iter().map(|alias| alias.name.as_ref()).collect();
    if !former.is_empty() {
        facts.push(("formerly", former.join(", ")));
    }
    facts
}

fn effect(tool: &Tool) -> String {
    let mut text = match tool.review.effect {
        Effect::Read => "read: changes nothing",
        Effect::Write => "write: changes or adds something; a later call can set it back",
        Effect::Destructive => "destructive: loses or overwrites something, or cannot be undone",
    }
    .to_owned();
    for when in tool.review.effect_when.iter() {
        let condition = match &when.condition {
            Condition::Equals(value) => format!("is {value}"),
            Condition::Present => "is given".to_owned(),
        };
        text.push_str(&format!("; {} when {} {condition}", when.effect.as_str(), when.argument));
    }
    text
}

/// One paragraph for each property of an object schema, those of nested objects indented.
fn members(root: &Value, object: &Value, depth: usize, text: &mut String) {
    let Some(properties) = object["properties"].as_object() else {
        return;
    };
    let required =
        |name: &str| object["required"].as_array().is_some_and(|names| names.iter().any(|other| other == name));
    for (name, property) in properties {
        let property = resolve(root, property);
        let star = if required(name) { '*' } else { ' ' };
        let indent = depth * 4;
        text.push_str(&format!("{:width$}{star} {name}: {}\n", "", kind(root, property), width = indent - 2));
        if let Some(description) = property["description"].as_str() {
            wrap(description, indent + 4, text);
        }
        if depth < DEPTH {
            let items = resolve(root, &property["items"]);
            members(root, property, depth + 1, text);
            members(root, items, depth + 1, text);
        }
    }
}

/// The type of a schema in a few words.
fn kind(root: &Value, schema: &Value) -> String {
    let schema = resolve(root, schema);
    if let Some(values) = schema["enum"].as_array() {
        return format!("one of {}", values.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
    }
    for keyword in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[keyword].as_array() {
            return choices.iter().map(|choice| kind(root, choice)).collect::<Vec<_>>().join(" or ");
        }
    }
    let mut words = match &schema["type"] {
        Value::String(name) if name == "array" => array(root, schema),
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    };
    if let Some(format) = schema["format"].as_str() {
        words.push_str(&format!(" ({format})"));
    }
    if !schema["default"].is_null() {
        words.push_str(&format!(", default {}", schema["default"]));
    }
    words
}

fn array(root: &Value, schema: &Value) -> String {
    match schema.get("items") {
        Some(items) => format!("array of {}", kind(root, items)),
        None => "array".to_owned(),
    }
}

/// Appends a paragraph, indented and broken between words.
fn wrap(paragraph: &str, indent: usize, text: &mut String) {
    for line in paragraph.lines() {
        let mut column = 0;
        for word in line.split_whitespace() {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > WIDTH {
                text.push('\n');
                column = 0;
            }
            if column == 0 {
                text.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else {
                text.push(' ');
                column += 1;
            }
            text.push_str(word);
            column += length;
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalogue::{Catalogue, Selection};
    use crate::generated::PROVIDERS;

    #[test]
    fn every_tool_can_be_described() {
        let catalogue = Arc::new(Catalogue::select(PROVIDERS, &Selection::default()).unwrap());
        let exposure = Exposure::new(Arc::clone(&catalogue), None);
        for entry in catalogue.entries() {
            let (text, name) = (text(&exposure, entry, &schema(entry.tool)), &entry.tool.name);
            assert!(text.starts_with(&format!("{name}: ")), "{text}");
            assert!(text.contains("\nFacts:\n  toolset"), "{text}");
            let described: Value = serde_json::from_str(&as_json(&exposure, entry, schema(entry.tool))).unwrap();
            assert_eq!(described["inputSchema"]["type"], "object", "{name}");
        }
    }

    #[test]
    fn arguments_are_shown_with_their_members_even_in_a_cycle() {
        let schema: Value = serde_json::from_str(
            r##"{"properties": {
                "id": {"type": "integer", "description": "Number of it."},
                "list": {"type": "array", "items": {"$ref": "#/$defs/Node"}}
            }, "required": ["id"], "$defs": {"Node": {"type": "object", "properties": {
                "next": {"$ref": "#/$defs/Node"}, "kind": {"enum": ["a", 1]}
            }}}}"##,
        )
        .unwrap();
        let mut text = String::new();
        members(&schema, &schema, 1, &mut text);
        assert!(
            text.starts_with(
                "  * id: integer\n        Number of it.\n    list: array of object\n        next: object\n"
            ),
            "{text}"
        );
        assert!(text.contains("kind: one of \"a\", 1\n"), "{text}");
    }

    #[test]
    fn lines_break_between_words() {
        let mut text = String::new();
        wrap(&"word ".repeat(30), 4, &mut text);
        assert!(text.lines().all(|line| line.starts_with("    word") && line.len() <= WIDTH), "{text}");
        assert_eq!(text.split_whitespace().count(), 30);
    }
}
