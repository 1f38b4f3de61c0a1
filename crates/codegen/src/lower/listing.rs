//! The entry of a tool in `tools/list`, serialised.

use infra_mcp_model::{Danger, Listing, RequestBody, Review, WAIT_SECONDS};
use serde_json::{Map, Value, json};

/// As many members of a request body are spelled out in a signature; of more, those that have to be given.
const MOST_MEMBERS: usize = 8;

/// MCP tool annotations follow from the review alone (MCP 2025-11-25, Tool Annotations).
pub(super) fn listing(
    name: &str,
    title: &str,
    description: &str,
    published: &Value,
    review: &Review,
    body: Option<&RequestBody>,
) -> Listing {
    let worst = Danger::worst(review);
    let annotations = json!({
        "readOnlyHint": worst.is_none(),
        "destructiveHint": worst.is_grave(),
        "idempotentHint": review.idempotent,
        "openWorldHint": true,
    });
    let text = |value: &str| Value::from(value).to_string();
    let (schema, rest) = parted(published);
    let (signature, required) = signatures(published, body);
    Listing {
        head: format!("{{\"name\":{}", text(name)).into(),
        title: format!(",\"title\":{}", text(title)).into(),
        tail: format!(",\"description\":{},\"inputSchema\":{schema}", text(description)).into(),
        end: format!("{rest},\"annotations\":{annotations}}}").into(),
        signature: signature.into(),
        required: required.into(),
    }
}

/// A published schema as text, parted where a further property can go: before the brace that closes `properties`, or
/// the schema itself where it has none.
fn parted(published: &Value) -> (String, String) {
    let text = published.to_string();
    let members = published.get("properties").and_then(Value::as_object).filter(|members| !members.is_empty());
    let closing = match (members, published.get("required")) {
        (None, _) => 1,
        (Some(_), None) => 2,
        // `properties` stands before `required`, and nothing stands behind it.
        (Some(_), Some(required)) => 2 + ",\"required\":".len() + required.to_string().len(),
    };
    let (schema, rest) = text.split_at(text.len() - closing);
    (schema.to_owned(), rest.to_owned())
}

/// The arguments in one line, all of them and only those that have to be given.
fn signatures(published: &Value, body: Option<&RequestBody>) -> (String, String) {
    let empty = Map::new();
    let properties = published.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let whole = match body {
        Some(RequestBody::Whole { argument }) => Some(argument.as_ref()),
        _ => None,
    };
    let wire = |argument: &str| match body {
        Some(RequestBody::Members { members, .. }) => {
            members.iter().find(|member| member.argument == argument).map(|member| member.name.to_string())
        }
        _ => None,
    };
    let (mut all, mut brief) = (Line::default(), Line::default());
    let mut members = Vec::new();
    // How long to wait is told by the listed argument, for all operations alike.
    for name in properties.keys().filter(|name| *name != WAIT_SECONDS) {
        let required = is_required(published, name);
        match wire(name) {
            Some(wire) => members.push((wire, required)),
            None if whole == Some(name.as_str()) => {}
            None => {
                all.add(name, required);
                brief.add_required(name, required);
            }
        }
    }
    if let Some((name, schema)) = whole.and_then(|name| properties.get_key_value(name)) {
        let inner = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let inner: Vec<_> = inner.map(|(member, _)| (member.clone(), is_required(schema, member))).collect();
        if inner.is_empty() {
            all.add(name, is_required(published, name));
            brief.add_required(name, is_required(published, name));
        }
        members = inner;
    }
    if !members.is_empty() {
        all.parts.push(braced(&members, members.len() <= MOST_MEMBERS));
        if members.iter().any(|(_, required)| *required) {
            brief.parts.push(braced(&members, false));
        } else {
            brief.partial = true;
        }
    }
    (all.finish(), brief.finish())
}

/// The members of a request body: all of them, or only those that have to be given.
fn braced(members: &[(String, bool)], all: bool) -> String {
    let mut line = Line::default();
    for (name, required) in members {
        if all { line.add(name, *required) } else { line.add_required(name, *required) }
    }
    format!("{{{}}}", line.finish())
}

#[derive(Default)]
struct Line {
    parts: Vec<String>,
    /// Something is left out.
    partial: bool,
}

impl Line {
    fn add(&mut self, name: &str, required: bool) {
        self.parts.push(if required { name.to_owned() } else { format!("{name}?") });
    }

    fn add_required(&mut self, name: &str, required: bool) {
        if required { self.parts.push(name.to_owned()) } else { self.partial = true }
    }

    fn finish(mut self) -> String {
        if self.partial {
            self.parts.push("…".to_owned());
        }
        self.parts.join(", ")
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|other| other == name))
}
