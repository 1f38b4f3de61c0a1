//! The request that the document prescribes for a call, written from OpenAPI 3.0.3 and RFC 6570
//! alone, and the comparison with a request that was received.

use serde_json::{Map, Value};

use crate::document::{Entry, Way};
use crate::encoding::{canonical, encoded, name_of, pairs};
use crate::example::{Extent, example, is_required, merged_form, whole_object};
use crate::recorder::Received;

/// The token every call is made with.
pub(crate) const TOKEN: &str = "a.Token-for_the~requests/test==";

/// Headers of which an API description says nothing: they belong to HTTP or to the client.
const OUTSIDE_THE_DOCUMENT: [&str; 8] = [
    "host",
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "transfer-encoding",
    "user-agent",
    "x-mcp-client",
];

/// A call and the request it must lead to.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Operation id and extent, for messages.
    pub(crate) label: String,
    /// The tool to call.
    pub(crate) tool: String,
    /// The arguments of the call.
    pub(crate) arguments: Map<String, Value>,
    /// What must arrive.
    pub(crate) expected: Expected,
}

/// A request as the document prescribes it.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    method: String,
    /// Percent-encoded except for unreserved characters.
    path: String,
    /// `name=value`, encoded likewise, ordered by name.
    query: Vec<String>,
    /// Lower-case name and value, ordered.
    headers: Vec<(String, String)>,
    body: Option<Value>,
}

/// The call of an operation with example arguments, or what the document says that this test does
/// not understand.
pub(crate) fn plan(entry: &Entry, extent: Extent) -> Result<Plan, String> {
    let label = format!("{} ({extent:?})", entry.id());
    let fail = |why| format!("{label}: {why}");
    let mut arguments = Map::new();
    let mut expected = Expected {
        method: entry.method.clone(),
        path: entry.path.clone(),
        headers: [authorization(entry).map_err(fail)?, entry.headers.clone()].concat(),
        ..Expected::default()
    };
    for parameter in entry.operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        if extent == Extent::Required && parameter["required"] != true {
            if let Some(value) = entry.defaults.get(name).filter(|value| parameter["in"] == "query" && !value.is_null())
            {
                expected.place(parameter, name, value).map_err(fail)?;
            }
            continue;
        }
        let value = example(&parameter["schema"], name, extent).map_err(fail)?;
        expected.place(parameter, name, &value).map_err(fail)?;
        arguments.insert(name.to_owned(), value);
    }
    if let Some(body) = entry.operation.get("requestBody") {
        let schema = whole_object(&body["content"]["application/json"]["schema"]);
        if let Some(form) = schema["anyOf"].get(0) {
            // Which of several forms it is cannot be told by single members, so the body is one argument.
            if body["required"] == true || extent == Extent::Everything {
                let value = example(&merged_form(&schema, form), "body", extent).map_err(fail)?;
                expected.headers.push(("content-type".into(), "application/json".into()));
                expected.body = Some(value.clone());
                arguments.insert("body".to_owned(), value);
            }
            return expected.into_plan(label, entry, arguments);
        }
        let members = members(&schema, extent).map_err(fail)?;
        if body["required"] == true || !members.is_empty() {
            expected.headers.push(("content-type".into(), "application/json".into()));
            expected.body = Some(members.clone().into());
        }
        let given = match entry.way {
            Way::Alone => members,
            Way::Among { .. } if members.is_empty() => members,
            Way::Among { .. } => Map::from_iter([("body".to_owned(), members.into())]),
        };
        for (name, value) in given {
            if arguments.insert(name.clone(), value).is_some() {
                return Err(fail(format!("two arguments are called {name}")));
            }
        }
    }
    expected.into_plan(label, entry, arguments)
}

fn authorization(entry: &Entry) -> Result<Vec<(String, String)>, String> {
    let schemes = entry.operation["security"].as_array();
    let schemes = schemes.map_or(&[][..], Vec::as_slice);
    schemes
        .iter()
        .map(|scheme| {
            if scheme["type"] == "http" && scheme["scheme"] == "bearer" {
                Ok(("authorization".into(), format!("Bearer {TOKEN}")))
            } else if scheme["type"] == "apiKey" && scheme["in"] == "cookie" {
                Ok(("cookie".into(), format!("{}={TOKEN}", scheme["name"].as_str().unwrap_or_default())))
            } else {
                Err(format!("security scheme {scheme} is not known to this test"))
            }
        })
        .collect()
}

fn members(schema: &Value, extent: Extent) -> Result<Map<String, Value>, String> {
    let properties = schema["properties"].as_object();
    let properties = properties.ok_or("the body is no JSON object with named members")?;
    properties
        .iter()
        .filter(|(name, _)| extent == Extent::Everything || is_required(schema, name))
        .map(|(name, member)| Ok((name.clone(), example(member, name, extent)?)))
        .collect()
}

impl Expected {
    fn into_plan(mut self, label: String, entry: &Entry, mut arguments: Map<String, Value>) -> Result<Plan, String> {
        if self.path.contains(['{', '}']) {
            return Err(format!("{label}: unfilled path {}", self.path));
        }
        self.query.sort_by(|a, b| name_of(a).cmp(name_of(b)));
        self.headers.sort();
        let tool = match &entry.way {
            Way::Alone => entry.tool(),
            Way::Among { tool, operation } => {
                arguments.insert("operation".to_owned(), operation.clone().into());
                tool.clone()
            }
        };
        Ok(Plan { label, tool, arguments, expected: self })
    }

    /// Puts a value where its Parameter Object says, in the style it says (OpenAPI 3.0.3, "Style
    /// Values").
    fn place(&mut self, parameter: &Value, name: &str, value: &Value) -> Result<(), String> {
        let location = parameter["in"].as_str().unwrap_or_default();
        let default = if matches!(location, "query" | "cookie") { "form" } else { "simple" };
        let style = parameter["style"].as_str().unwrap_or(default);
        let explode = parameter["explode"].as_bool().unwrap_or(style == "form");
        let pieces = pieces(value)?;
        let joined = |separator| pieces.iter().map(|p| encoded(p)).collect::<Vec<_>>().join(separator);
        match (location, style, explode) {
            ("path", "simple", _) => {
                self.path = self.path.replace(&format!("{{{name}}}"), &joined(","));
            }
            ("query", "form", true) => {
                for piece in &pieces {
                    self.query.push(format!("{}={}", encoded(name), encoded(piece)));
                }
            }
            ("query", "form", false) => self.query.push(format!("{}={}", encoded(name), joined(","))),
            ("query", "spaceDelimited", false) => {
                self.query.push(format!("{}={}", encoded(name), joined("%20")));
            }
            ("query", "pipeDelimited", false) => {
                self.query.push(format!("{}={}", encoded(name), joined("%7C")));
            }
            ("header", "simple", _) => self.headers.push((name.to_ascii_lowercase(), pieces.join(","))),
            _ => {
                return Err(format!(
                    "{name}: in {location}, style {style}, explode {explode} is not known to this test"
                ));
            }
        }
        Ok(())
    }

    /// Every difference to what arrived, as a line that names both sides.
    pub(crate) fn differences(&self, got: &Received) -> Vec<String> {
        let mut found = Differences::default();
        found.compare("method", &self.method, &got.method);
        let (path, query) = got.target.split_once('?').map_or((got.target.as_str(), None), |(p, q)| (p, Some(q)));
        match canonical(path, "/,") {
            Ok(path) => found.compare("path", &self.path, &path),
            Err(why) => found.add("path", &self.path, &why),
        }
        match query.map_or_else(|| Ok(Vec::new()), pairs) {
            Ok(_) if query == Some("") => found.add("query", "none or pairs", "a bare ?"),
            Ok(query) => found.compare("query", &self.query.join("&"), &query.join("&")),
            Err(why) => found.add("query", &self.query.join("&"), &why),
        }
        found.compare("headers", &lines(&self.headers), &lines(&documented(&got.headers)));
        match (&self.body, got.body.as_slice()) {
            (None, b"") => {}
            (None, bytes) => found.add("body", "none", &String::from_utf8_lossy(bytes)),
            (Some(body), b"") => found.add("body", &body.to_string(), "none"),
            (Some(body), bytes) => match serde_json::from_slice(bytes) {
                Ok(sent) => found.values("body", body, &sent),
                Err(why) => {
                    found.add("body", &body.to_string(), &format!("no JSON, {why}: {}", String::from_utf8_lossy(bytes)))
                }
            },
        }
        found.0
    }
}

/// The elements of an array or the one scalar, as text.
fn pieces(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(items) => items.iter().map(scalar).collect(),
        value => Ok(vec![scalar(value)?]),
    }
}

fn scalar(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        other => Err(format!("{other} outside a body is not known to this test")),
    }
}

fn documented(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut headers = headers.to_vec();
    headers.retain(|(name, _)| !OUTSIDE_THE_DOCUMENT.contains(&name.as_str()));
    headers.sort();
    headers
}

fn lines(headers: &[(String, String)]) -> String {
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.join(" | ")
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    /// Longest text of one side in a message.
    const LONGEST: usize = 300;
    /// How much of what both sides begin with stays in a message.
    const LEAD: usize = 40;

    fn add(&mut self, what: &str, expected: &str, got: &str) {
        let same = expected.chars().zip(got.chars());
        let skipped = same.take_while(|(a, b)| a == b).count().saturating_sub(Self::LEAD);
        let cut = |text: &str| {
            let shown: String = text.chars().skip(skipped).take(Self::LONGEST).collect();
            if skipped > 0 { format!("…{shown}") } else { shown }
        };
        self.0.push(format!("{what}\n    expected {}\n    got      {}", cut(expected), cut(got)));
    }

    fn compare(&mut self, what: &str, expected: &str, got: &str) {
        if expected != got {
            self.add(what, expected, got);
        }
    }

    /// Compares JSON deeply and names the innermost places that differ. Numbers are compared by
    /// their digits.
    fn values(&mut self, place: &str, expected: &Value, got: &Value) {
        match (expected, got) {
            (Value::Object(a), Value::Object(b)) => {
                for (name, value) in a {
                    match b.get(name) {
                        Some(other) => self.values(&format!("{place}.{name}"), value, other),
                        None => self.add(&format!("{place}.{name}"), &value.to_string(), "nothing"),
                    }
                }
                for (name, value) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
                    self.add(&format!("{place}.{name}"), "nothing", &value.to_string());
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (index, (value, other)) in a.iter().zip(b).enumerate() {
                    self.values(&format!("{place}[{index}]"), value, other);
                }
            }
            (a, b) if a == b => {}
            (a, b) => self.add(place, &a.to_string(), &b.to_string()),
        }
    }
}
