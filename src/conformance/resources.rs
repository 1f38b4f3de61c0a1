//! The resources of the suite, and the template that makes more of them.

use rmcp::ErrorData;
use rmcp::model::{ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult};
use serde_json::{Value, json};

use super::{PIXEL, result};

struct Resource {
    uri: &'static str,
    name: &'static str,
    mime_type: &'static str,
    /// The member with the content, and the content.
    content: (&'static str, &'static str),
}

#[rustfmt::skip]
const RESOURCES: &[Resource] = &[
    Resource { uri: "test://static-text", name: "Text", mime_type: "text/plain",
        content: ("text", "This is the content of the static text resource.") },
    Resource { uri: "test://static-binary", name: "Image", mime_type: "image/png", content: ("blob", PIXEL) },
    Resource { uri: "test://watched-resource", name: "Watched", mime_type: "text/plain",
        content: ("text", "Subscriptions to this resource are taken. It does not change.") },
];

/// What comes before and after the variable of the template.
const TEMPLATE: (&str, &str) = ("test://template/", "/data");

pub(super) fn list() -> Result<ListResourcesResult, ErrorData> {
    let resources = RESOURCES
        .iter()
        .map(|resource| json!({ "uri": resource.uri, "name": resource.name, "mimeType": resource.mime_type }));
    result(json!({ "resources": resources.collect::<Vec<_>>() }))
}

pub(super) fn templates() -> Result<ListResourceTemplatesResult, ErrorData> {
    let (before, after) = TEMPLATE;
    result(json!({ "resourceTemplates": [{
        "uriTemplate": format!("{before}{{id}}{after}"),
        "name": "Data",
        "mimeType": "application/json",
    }] }))
}

pub(super) fn read(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let contents = match RESOURCES.iter().find(|resource| resource.uri == uri) {
        Some(resource) => {
            let (member, content) = resource.content;
            json!({ "uri": uri, "mimeType": resource.mime_type, member: content })
        }
        None => from_template(uri).ok_or_else(|| unknown(uri))?,
    };
    result(json!({ "contents": [contents] }))
}

/// Whether a client may watch the resource.
///
/// # Errors
/// If there is none.
pub(super) fn watch(uri: &str) -> Result<(), ErrorData> {
    read(uri).map(|_| ())
}

fn from_template(uri: &str) -> Option<Value> {
    let id = uri.strip_prefix(TEMPLATE.0)?.strip_suffix(TEMPLATE.1)?;
    let text = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") }).to_string();
    Some(json!({ "uri": uri, "mimeType": "application/json", "text": text }))
}

fn unknown(uri: &str) -> ErrorData {
    ErrorData::resource_not_found(format!("There is no resource {uri:?}."), Some(json!({ "uri": uri })))
}
