//! The comparison itself: requests written by hand against a small document.

use serde_json::{Value, json};

use crate::document::{Entry, entries};
use crate::example::Extent;
use crate::expectation::{TOKEN, plan};
use crate::recorder::read;

fn document() -> Value {
    let list = json!({ "type": "array", "items": { "type": "string", "enum": ["b", "a"] } });
    let path = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "integer", "maximum": 9_007_199_254_740_993_u64 } });
    json!({
        "security": [{ "key": [] }],
        "paths": { "/v1/{id}": {
            "parameters": [{ "$ref": "#/components/parameters/id" }],
            "get": { "operationId": "read", "parameters": [
                { "name": "each", "in": "query", "schema": list },
                { "name": "list", "in": "query", "explode": false, "schema": list },
                { "name": "text", "in": "query", "schema": { "type": "string" } },
            ] },
            "put": { "operationId": "write", "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/body" } } },
            } },
        } },
        "components": {
            "parameters": { "id": path },
            "schemas": { "body": { "type": "object", "properties": { "n": { "type": "integer", "maximum": 9_007_199_254_740_993_u64 }, "any": {} } } },
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
}

const READ: &str = "each=a&each=b&list=a,b&text=%C3%BC%2F%3F%26%23%2541%20%2B%3D%2C%3B%3A%40%5C%22%27%3C%3E%5B%5D%7B%7D%7C~%F0%9F%98%80text";
const WRITE: &str = r#"{"any":"ü/?&#%41 +=,;:@\\\"'<>[]{}|~😀any","n":9007199254740993}"#;
const ID: &str = "9007199254740993";

fn request(line: &str, headers: &str, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{headers}{length}\r\n{body}")
}

/// What the comparison says about a request, each difference by its first word.
fn judged(id: &str, extent: Extent, request: &str) -> Vec<String> {
    let entries = entries(&document());
    let entry: &Entry = entries.iter().find(|entry| entry.id() == id).expect("an operation");
    let plan = plan(entry, extent).expect("a document this test understands");
    let received = read(&mut request.as_bytes()).expect("a legal request").expect("a request");
    let differences = plan.expected.differences(&received);
    differences.iter().map(|d| d.split_whitespace().next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn requests_are_judged_as_the_specifications_say() {
    let get = |query: &str| request(&format!("GET /v1/{ID}{query}"), "", "");
    let put = |body: &str| request(&format!("PUT /v1/{ID}"), "Content-Type: application/json\r\n", body);
    let all = format!("?{READ}");
    let swap = |from: &str, to: &str| get(&all.replace(from, to));
    let json = |from: &str, to: &str| put(&WRITE.replace(from, to));
    use Extent::{Everything, Required};
    let cases = [
        ("read", Required, get(""), vec![]),
        ("read", Everything, get(&all), vec![]),
        ("read", Everything, swap("each=a&each=b&list=a,b", "list=a,b&each=a&each=b"), vec![]),
        ("read", Everything, swap("%C3", "%c3"), vec![]),
        ("read", Everything, swap("each=a&each=b", "each=a,b"), vec!["query"]),
        ("read", Everything, swap("each=a&each=b", "each=b&each=a"), vec!["query"]),
        ("read", Everything, swap("each", "each[]"), vec!["query"]),
        ("read", Everything, swap("list=a,b", "list=a&list=b"), vec!["query"]),
        ("read", Everything, swap("list=a,b", "list=a%2Cb"), vec!["query"]),
        ("read", Everything, swap("%20", "+"), vec!["query"]),
        ("read", Everything, swap("%2B", "+"), vec!["query"]),
        ("read", Everything, swap("%25", "%"), vec!["query"]),
        ("read", Everything, swap("%25", "%2525"), vec!["query"]),
        ("read", Everything, swap("%C3%BC", "%FC"), vec!["query"]),
        ("read", Everything, swap("%3F", "%"), vec!["query"]),
        ("read", Required, get("?"), vec!["query"]),
        ("read", Required, get("?text="), vec!["query"]),
        ("read", Required, get("/"), vec!["path"]),
        ("read", Required, get("").replace("993", "992"), vec!["path"]),
        ("read", Required, get("").replace("GET", "HEAD"), vec!["method"]),
        ("read", Required, get("").replace("Bearer ", ""), vec!["headers"]),
        ("read", Required, get("").replace("Host", "X-Other: 1\r\nHost"), vec!["headers"]),
        ("read", Required, request(&format!("GET /v1/{ID}"), "", "{}"), vec!["body"]),
        (
            "read",
            Required,
            request(&format!("GET /v1/{ID}"), "Content-Type: application/json\r\n", ""),
            vec!["headers"],
        ),
        ("write", Required, put("{}"), vec![]),
        ("write", Required, put(""), vec!["body"]),
        ("write", Required, put("[]"), vec!["body"]),
        ("write", Required, put("{"), vec!["body"]),
        ("write", Required, put(r#"{"n":null}"#), vec!["body.n"]),
        ("write", Required, request(&format!("PUT /v1/{ID}"), "", "{}"), vec!["headers"]),
        ("write", Everything, put(WRITE), vec![]),
        ("write", Everything, json("ü", "\\u00fc"), vec![]),
        ("write", Everything, json(":9007199254740993", ":9007199254740992"), vec!["body.n"]),
        ("write", Everything, json(":9007199254740993", ":\"9007199254740993\""), vec!["body.n"]),
        ("write", Everything, json("\"n\"", "\"N\""), vec!["body.n", "body.N"]),
        ("write", Everything, json("%41", "A"), vec!["body.any"]),
    ];
    for (id, extent, request, expected) in cases {
        assert_eq!(judged(id, extent, &request), expected, "{id} {extent:?}: {request}");
    }
}

#[test]
fn a_chunked_body_is_read() {
    let text = "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
    let received = read(&mut text.as_bytes()).expect("a legal request").expect("a request");
    assert_eq!(received.body, b"{\"a\":1}");
}

/// Without `arbitrary_precision` digits would be lost here before they are compared.
#[test]
fn numbers_keep_their_digits_in_this_test() {
    let digits = "[0.10,123456789012345678901234567890,1E2]";
    let value: Value = serde_json::from_str(digits).expect("JSON");
    let again: Value = serde_json::from_str("[0.1,123456789012345678901234567890,1E2]").expect("JSON");
    assert_eq!(value.to_string().to_lowercase().replace("e+", "e"), digits.to_lowercase());
    assert_ne!(value, again);
}
