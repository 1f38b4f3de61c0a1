//! Finding one's way in an OpenAPI document: its operations, and what a `$ref` names.

use super::names;
use super::schema::unescape_percent;
use crate::report::escape;
use serde_json::Value;

/// What a path item may hold an operation for (OpenAPI 3.1, Path Item Object).
pub(crate) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// An operation as it stands in the document.
pub(crate) struct Found<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: &'a str,
    /// The path item, which may hold parameters too.
    pub(crate) item: &'a Value,
    pub(crate) operation: &'a Value,
    /// Its operation id, or one made of method and path.
    pub(crate) id: String,
}

impl Found<'_> {
    /// JSON pointer of the operation in its document.
    pub(crate) fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(self.path), self.method)
    }
}

/// All operations in document order.
pub(crate) fn find_operations(root: &Value) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for (path, item) in root.get("paths").and_then(Value::as_object).into_iter().flatten() {
        let Some(item) = component(root, item) else { continue };
        for (method, operation) in item.as_object().into_iter().flatten() {
            if METHODS.contains(&method.as_str()) {
                let id = operation.get("operationId").and_then(Value::as_str).filter(|id| !id.is_empty());
                let id = id.map_or_else(|| names::from_path(method, path), str::to_owned);
                found.push(Found { path, method, item, operation, id });
            }
        }
    }
    found
}

/// Follows `$ref` to a component that is not a schema. `None` for a dangling or endless one.
pub(crate) fn component<'a>(root: &'a Value, mut value: &'a Value) -> Option<&'a Value> {
    for _ in 0..16 {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => value = root.pointer(&unescape_percent(reference.strip_prefix('#')?))?,
            None => return Some(value),
        }
    }
    None
}
