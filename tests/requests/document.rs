//! Reads an OpenAPI document into operations that stand alone: references replaced,
//! parameters of the path merged in. Everything stays JSON so that a test can alter a copy.

use serde_json::{Map, Value, json};

/// Methods a path item can hold (OpenAPI 3.0, Path Item Object).
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// How an operation is called.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// By a tool of its own: members of the request body stand beside the parameters.
    Alone,
    /// As one of the operations of a tool: members of the request body stand in `body`.
    Among {
        /// The tool that stands for several operations.
        tool: String,
        /// What the operation is called there.
        operation: String,
    },
}

/// One operation of the document with everything it refers to.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// How it is called.
    pub(crate) way: Way,
    /// The method in upper case.
    pub(crate) method: String,
    /// The path template.
    pub(crate) path: String,
    /// The Operation Object: no references, no responses, `security` holds the scheme objects.
    pub(crate) operation: Value,
    /// Headers that every request carries besides: lower-case name and value.
    pub(crate) headers: Vec<(String, String)>,
    /// What is sent for query parameters that a call leaves out; null sends nothing.
    pub(crate) defaults: Map<String, Value>,
}

impl Entry {
    /// The operation id.
    pub(crate) fn id(&self) -> &str {
        self.operation["operationId"].as_str().unwrap_or_default()
    }

    /// The name of the tool that is the operation alone.
    pub(crate) fn tool(&self) -> String {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        self.id().chars().map(|c| if legal(c) { c } else { '_' }).collect()
    }
}

/// The operations of an OpenAPI 3.0 document in its order.
pub(crate) fn entries(document: &Value) -> Vec<Entry> {
    let paths = document["paths"].as_object().expect("`paths` is an object");
    let mut entries = Vec::new();
    for (path, item) in paths {
        let item = item.as_object().expect("a path item is an object");
        for (method, operation) in item {
            if METHODS.contains(&method.as_str()) {
                entries.push(entry(document, path, item, method, operation));
            }
        }
    }
    entries
}

fn entry(document: &Value, path: &str, item: &Map<String, Value>, method: &str, operation: &Value) -> Entry {
    let mut operation = operation.clone();
    let fields = operation.as_object_mut().expect("an operation is an object");
    fields.shift_remove("responses");
    let security = fields.get("security").unwrap_or(&document["security"]).clone();
    fields.insert("security".into(), schemes(document, &security));
    let mut operation = inlined(document, &operation);
    operation["parameters"] =
        merged(inlined(document, item.get("parameters").unwrap_or(&json!([]))), operation["parameters"].take());
    Entry {
        way: Way::Alone,
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        operation,
        headers: Vec::new(),
        defaults: Map::new(),
    }
}

/// The Security Scheme Objects of the first of the alternatives.
fn schemes(document: &Value, security: &Value) -> Value {
    let names = security.get(0).and_then(Value::as_object);
    names.into_iter().flatten().map(|(name, _)| document["components"]["securitySchemes"][name].clone()).collect()
}

/// Parameters of the path, each replaced by the operation's own of the same name and location.
fn merged(shared: Value, own: Value) -> Value {
    let list = |value| match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    let own = list(own);
    let mut merged = list(shared);
    merged.retain(|p| own.iter().all(|o| o["name"] != p["name"] || o["in"] != p["in"]));
    merged.extend(own);
    merged.into()
}

/// The value with every local reference replaced by what it points to.
fn inlined(document: &Value, value: &Value) -> Value {
    match value {
        Value::Object(fields) => match fields.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let target = reference.strip_prefix('#').and_then(|p| document.pointer(p));
                inlined(document, target.expect("a reference into the document"))
            }
            None => fields.iter().map(|(name, field)| (name.clone(), inlined(document, field))).collect(),
        },
        Value::Array(items) => items.iter().map(|item| inlined(document, item)).collect(),
        scalar => scalar.clone(),
    }
}
