//! The mechanical part of what makes a definition good, held over every tool of our own specs.

use infra_mcp_codegen::read;
use infra_mcp_model::{Effect, Tool};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A tool as clients see it, with the facts its words have to match.
struct Listed {
    name: String,
    title: String,
    description: String,
    plain_read: bool,
    money: bool,
    scope: String,
    schema: Value,
}

impl Listed {
    fn new(tool: &Tool, schema: &Value) -> Self {
        let review = &tool.review;
        Self {
            name: tool.name.to_string(),
            title: tool.title.to_string(),
            description: tool.description.to_string(),
            plain_read: review.effect == Effect::Read,
            money: review.money,
            scope: review.scope.to_string(),
            schema: schema.clone(),
        }
    }
}

fn listed() -> Vec<Listed> {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    let (providers, report) = read(&specs, true);
    assert!(!report.has_errors(), "{:?}", report.problems().first());
    let tools = providers.iter().flat_map(|provider| &provider.toolsets).flat_map(|toolset| &toolset.tools);
    tools.map(|lowered| Listed::new(&lowered.tool, &lowered.published)).collect()
}

/// Everything that is wrong with the words of one tool.
fn faults(tool: &Listed) -> Vec<String> {
    let mut faults = Vec::new();
    let text = &tool.description;
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if !(120..=1024).contains(&text.chars().count()) || text.contains('\n') {
        faults.push("the description is too short, too long or has line breaks".to_owned());
    }
    if !has(&["returns", "answers with", "the answer"]) {
        faults.push("does not say what comes back".to_owned());
    }
    let undo = ["undo", "revers", "permanent", "restor", "cannot be", "set back", "put back", "brought back", "again"];
    if !tool.plain_read && !has(&undo) {
        faults.push("does not say whether it can be undone".to_owned());
    }
    let orders = ["MUST", "ALWAYS", "NEVER", "IMPORTANT", "WARNING", "your reply", "tell the user", "ask the user"];
    if let Some(order) = orders.iter().find(|order| text.contains(*order)) {
        faults.push(format!("gives orders: {order}"));
    }
    let (area, verb) = tool.scope.split_once(':').unwrap_or_default();
    if area.is_empty() || !["read", "write", "power", "exec", "spend"].contains(&verb) {
        faults.push(format!("the scope {} is no area:verb", tool.scope));
    }
    if tool.money && tool.scope != "billing:spend" {
        faults.push("spends money under another scope than billing:spend".to_owned());
    }
    parameters(&tool.schema, "", &mut |path, schema| {
        let words = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let leaf = path.rsplit('.').next().unwrap_or(path).replace("[]", "");
        if says_no_more_than(words, &leaf) {
            faults.push(format!("the text of `{path}` merely repeats its name or type: {words:?}"));
        }
    });
    faults
}

fn parameters(schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let mut path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        visit(&path, inner);
        let mut inner = inner;
        while let Some(items) = inner.get("items") {
            path.push_str("[]");
            inner = items;
        }
        parameters(inner, &path, visit);
    }
}

/// Whether a text holds nothing beyond the words of a name, of types, and small ones.
fn says_no_more_than(text: &str, name: &str) -> bool {
    const SMALL: [&str; 22] = [
        "the",
        "a",
        "an",
        "of",
        "for",
        "to",
        "this",
        "parameter",
        "value",
        "string",
        "number",
        "integer",
        "boolean",
        "object",
        "array",
        "list",
        "is",
        "may",
        "be",
        "null",
        "true",
        "false",
    ];
    let name = words(name);
    words(text).iter().all(|word| name.contains(word) || SMALL.contains(&word.as_str()))
}

/// Lower-case words, taking `virtualMachineId` and `node_version` apart, without a plural s.
fn words(text: &str) -> BTreeSet<String> {
    ordered_words(text).into_iter().collect()
}

fn ordered_words(text: &str) -> Vec<String> {
    let mut apart = String::new();
    let mut before = ' ';
    for c in text.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            apart.push(' ');
        }
        apart.push(c);
        before = c;
    }
    let split = apart.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    split
        .map(|word| word.to_lowercase())
        .map(|word| word.strip_suffix('s').map(str::to_owned).unwrap_or(word))
        .collect()
}

/// A description without the words that the tool's own name and title bring along.
fn skeleton(tool: &Listed) -> String {
    let own: BTreeSet<String> = words(&tool.name).into_iter().chain(words(&tool.title)).collect();
    ordered_words(&tool.description).into_iter().filter(|word| !own.contains(word)).collect::<Vec<_>>().join(" ")
}

/// Pairs of tools whose descriptions differ in their own nouns alone.
fn twins(tools: &[Listed]) -> Vec<String> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut twins = Vec::new();
    for tool in tools {
        if let Some(other) = seen.insert(skeleton(tool), &tool.name) {
            twins.push(format!("{other} and {}", tool.name));
        }
    }
    twins
}

#[test]
fn every_tool_is_described_well() {
    let tools = listed();
    assert!(tools.len() >= 392, "{} tools", tools.len());
    let faults: Vec<String> = tools
        .iter()
        .flat_map(|tool| faults(tool).into_iter().map(|fault| format!("{}: {fault}", tool.name)))
        .chain(twins(&tools).into_iter().map(|pair| format!("{pair} are described alike")))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn good() -> Listed {
    Listed {
        name: "VPS_stopMachineV1".into(),
        title: "Stop a machine".into(),
        description: "Shuts one machine down and keeps its disk; undo with VPS_startMachineV1. The work goes on after \
                      the answer. Returns an action with id and state."
            .into(),
        plain_read: false,
        money: false,
        scope: "vms:power".into(),
        schema: json!({"type": "object", "properties": {"id": {"type": "integer", "description": "`id` from the list."}}}),
    }
}

/// Each rule refuses something, so none of them is empty.
#[test]
fn every_rule_can_fail() {
    assert_eq!(faults(&good()), Vec::<String>::new());
    let longer = good().description;
    let cases: [(&str, Listed); 8] = [
        ("too short", Listed { description: "Stops. Returns; undo.".into(), ..good() }),
        (
            "comes back",
            Listed { description: longer.replace("Returns", "Gives").replace("the answer", "it"), ..good() },
        ),
        ("undone", Listed { description: longer.replace("undo", "see"), ..good() }),
        ("orders", Listed { description: format!("{longer} You MUST wait."), ..good() }),
        ("area:verb", Listed { scope: "vms".into(), ..good() }),
        ("billing:spend", Listed { money: true, ..good() }),
        (
            "merely repeats",
            Listed {
                schema: json!({"properties": {"node_version": {"description": "The node version parameter"}}}),
                ..good()
            },
        ),
        (
            "merely repeats",
            Listed {
                schema: json!({"properties": {"a": {"items": {"properties": {"port": {}}}, "description": "Rules to set."}}}),
                ..good()
            },
        ),
    ];
    for (expected, tool) in cases {
        let found = faults(&tool);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{expected}: {found:?}");
    }
    let other = Listed {
        name: "VPS_stopServerV1".into(),
        title: "Stop a server".into(),
        description: good().description.replace("machine", "server").replace("Machine", "Server"),
        ..good()
    };
    assert_eq!(twins(&[good(), other]).len(), 1);
}
