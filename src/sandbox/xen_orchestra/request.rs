//! A request taken apart.

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

/// Method, path below the API, query and JSON body.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: Vec<String>,
    query: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Request {
    /// `path` is that of the request below the API. A body that is no JSON reads as null.
    pub(super) fn read(request: &http::Request<Bytes>, path: &str) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let steps = path.split('/').filter(|step| !step.is_empty());
        Self {
            method: request.method().as_str().to_owned(),
            path: steps.map(|step| percent_decode_str(step).decode_utf8_lossy().into_owned()).collect(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            body: serde_json::from_slice(request.body()).unwrap_or_default(),
        }
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.query(name) == Some("true")
    }

    /// A text of the body.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }
}
