//! 2026-07-28 on the wire: what a stateless request must carry, and what it gets.

use serde_json::{Value, json};

use crate::client::{MODERN, Request, Session, TOOL, message, stateless};
use crate::server::Server;
use crate::upstream::{Upstream, answer};

const META: &str = "io.modelcontextprotocol/";

/// A call whose `_meta` lacks one key.
fn lacking(key: &str) -> Request {
    let mut params = stateless(MODERN, json!({ "name": TOOL }));
    params["_meta"].as_object_mut().expect("an object").remove(&format!("{META}{key}"));
    Request::call(1).saying(message(1, "tools/call", params).to_string())
}

/// A list under this revision, in header and body.
fn under(header: &str, body: &str) -> Request {
    let body = message(1, "tools/list", stateless(body, json!({})));
    Request::modern(1, "tools/list", json!({})).with("MCP-Protocol-Version", header).saying(body.to_string())
}

#[test]
fn both_addresses_answer_every_request_alone() {
    let server = Server::sandbox(&[]);
    let mut connection = server.connect();
    for path in ["/", "/mcp"] {
        for (id, method, params, field) in [
            (json!(1), "server/discover", json!({}), "supportedVersions"),
            (json!("two"), "tools/list", json!({}), "tools"),
            (json!(3), "tools/call", json!({ "name": TOOL }), "content"),
        ] {
            let got = connection.ask(&Request::modern(id.clone(), method, params).to(path));
            assert_eq!((got.status, got.header("content-type")), (200, Some("application/json")), "{method}");
            assert_eq!(got.header("mcp-session-id"), None, "{method}");
            let answer = got.json();
            assert_eq!(answer["id"], id);
            assert!(answer["result"][field].as_array().is_some_and(|field| !field.is_empty()), "{method}");
            assert_eq!(answer["result"]["resultType"], "complete", "{method}");
            let cached = method != "tools/call";
            assert_eq!(answer["result"]["ttlMs"].is_u64(), cached, "{method}");
            assert_eq!(answer["result"]["cacheScope"].is_string(), cached, "{method}");
            assert_eq!(answer["result"]["_meta"][format!("{META}serverInfo")]["name"], "hostinger-mcp", "{method}");
        }
    }
}

#[test]
fn the_short_way_of_a_request_ends_where_the_long_one_does() {
    let server = Server::sandbox(&[]);
    for (method, params) in [
        ("tools/list", json!({})),
        ("tools/list", json!({ "cursor": "x" })),
        ("tools/call", json!({ "name": TOOL })),
        ("tools/call", json!({ "name": TOOL, "arguments": { "no": "such" } })),
        ("tools/call", json!({ "name": "no_such_tool" })),
    ] {
        let short = Request::modern(1, method, params.clone());
        let long = short.clone().with("Content-Type", "application/json; charset=utf-8");
        let [short, long] = [short, long].map(|request| server.ask(&request));
        let what = format!("{method} {params}");
        assert_eq!((short.status, short.header("content-type")), (long.status, long.header("content-type")), "{what}");
        assert_eq!(short.json(), long.json(), "{what}");
        // rmcp does not say this.
        assert_eq!((short.header("cache-control"), long.header("cache-control")), (Some("no-store"), None), "{what}");
    }
}

#[test]
fn the_list_of_tools_is_the_same_for_all_and_whole() {
    let server = Server::sandbox(&[]);
    let list = || server.ask(&Request::modern(1, "tools/list", json!({})));
    let (first, second) = (list(), list());
    assert_eq!(first.body, second.body);
    let tools = first.json()["result"]["tools"].as_array().map(Vec::len);
    let mut session = Session::open(server.address, "2025-06-18");
    let legacy = session.ask(&session.post(&message(1, "tools/list", json!({})))).json();
    assert_eq!(legacy["result"]["tools"].as_array().map(Vec::len), tools);
    assert!(tools.is_some_and(|tools| tools > 100), "{tools:?}");
}

#[test]
fn what_a_request_must_carry_is_compared() {
    let server = Server::sandbox(&[]);
    let call = || Request::call(1);
    let encoded = "=?base64?VlBTX2dldFZpcnR1YWxNYWNoaW5lc1Yx?=";
    for (what, request, status, code) in [
        ("all there", call(), 200, None),
        ("an old session id is ignored", call().with("Mcp-Session-Id", "gone"), 200, None),
        ("there is nothing to resume", call().with("Last-Event-ID", "5"), 200, None),
        ("a name in base64", call().with("Mcp-Name", encoded), 200, None),
        ("names of headers in other cases", call().without("Mcp-Name").with("mcp-NAME", TOOL), 200, None),
        ("another name in base64", call().with("Mcp-Name", "=?base64?eA==?="), 400, Some(-32020)),
        ("no base64", call().with("Mcp-Name", "=?base64?!?="), 400, Some(-32020)),
        ("another name", call().with("Mcp-Name", "x"), 400, Some(-32020)),
        ("no name", call().without("Mcp-Name"), 400, Some(-32020)),
        ("two names", call().adding("Mcp-Name", TOOL), 400, Some(-32020)),
        ("another method", call().with("Mcp-Method", "tools/list"), 400, Some(-32020)),
        ("a method in capitals", call().with("Mcp-Method", "Tools/Call"), 400, Some(-32020)),
        ("no method", call().without("Mcp-Method"), 400, Some(-32020)),
        ("two methods", call().adding("Mcp-Method", "tools/call"), 400, Some(-32020)),
        ("no version in the headers", call().without("MCP-Protocol-Version"), 400, Some(-32020)),
        ("another version in the headers", call().with("MCP-Protocol-Version", "2025-11-25"), 400, Some(-32020)),
        ("a version of tomorrow", under("2030-01-01", "2030-01-01"), 400, Some(-32022)),
        ("versions that differ", under(MODERN, "2030-01-01"), 400, Some(-32020)),
        ("no version in the body", lacking("protocolVersion"), 400, Some(-32602)),
        ("no capabilities", lacking("clientCapabilities"), 400, Some(-32602)),
        ("no name of the client", lacking("clientInfo"), 200, None),
        ("no meta", call().saying(message(1, "tools/call", json!({ "name": TOOL })).to_string()), 400, Some(-32602)),
        ("an unknown method", Request::modern(1, "no/such", json!({})), 404, Some(-32601)),
        ("a removed method", Request::modern(1, "ping", json!({})), 404, Some(-32601)),
        ("prompts", Request::modern(1, "prompts/list", json!({})), 404, Some(-32601)),
        ("an unknown tool", Request::modern(1, "tools/call", json!({ "name": "no_such" })), 200, Some(-32602)),
        ("a cursor", Request::modern(1, "tools/list", json!({ "cursor": "x" })), 200, Some(-32602)),
    ] {
        let got = server.ask(&request);
        assert_eq!(got.status, status, "{what}: {}", got.text());
        let answer = got.json();
        assert_eq!(answer["error"]["code"].as_i64(), code, "{what}: {answer}");
        assert_eq!(answer["id"], 1, "{what}: {answer}");
        if code == Some(-32022) {
            let data = &answer["error"]["data"];
            assert_eq!(data["requested"], "2030-01-01");
            assert!(data["supported"].as_array().is_some_and(|all| all.contains(&json!(MODERN))), "{data}");
        }
    }
    let wrong = Request::modern(1, "tools/call", json!({ "name": TOOL, "arguments": { "no_such": 1 } }));
    let wrong = server.ask(&wrong).json();
    assert_eq!(wrong["result"]["isError"], true, "a model can correct arguments: {wrong}");
    assert!(wrong["result"]["content"][0]["text"].as_str().is_some_and(|text| text.contains("no_such")), "{wrong}");
}

#[test]
fn only_requests_have_answers() {
    let server = Server::sandbox(&[]);
    let note = |method: &str| json!({ "jsonrpc": "2.0", "method": method, "params": stateless(MODERN, json!({})) });
    let said = |body: &Value| {
        let method = body["method"].as_str().unwrap_or("none").to_owned();
        Request::post(body.to_string()).with("MCP-Protocol-Version", MODERN).with("Mcp-Method", &method)
    };
    for (body, status) in [
        (note("notifications/cancelled"), 202),
        (note("notifications/of/tomorrow"), 202),
        (json!({ "jsonrpc": "2.0", "id": 1, "result": {} }), 400),
        (json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 1, "message": "x" } }), 400),
    ] {
        let got = server.ask(&said(&body));
        assert_eq!(got.status, status, "{body}: {}", got.text());
        assert_eq!(got.body.is_empty(), status == 202, "{body}");
    }
}

#[test]
fn numbers_keep_every_digit() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &[]);
    let text = r#"{"id":9007199254740993,"big":123456789012345678901234567890,"price":1.10,"small":1e-400}"#;
    let tool = "VPS_getVirtualMachineDetailsV1";
    // serde_json keeps the digits of what it is given as text.
    let arguments: Value = serde_json::from_str(r#"{"virtualMachineId":9007199254740993}"#).expect("JSON");
    let params = json!({ "name": tool, "arguments": arguments });
    let mut session = Session::open(server.address, "2025-11-25");
    let modern = Request::modern(1, "tools/call", params.clone());
    let legacy = session.post(&message(1, "tools/call", params));
    let mut connection = server.connect();
    for (connection, request) in [(&mut connection, modern), (&mut session.connection, legacy)] {
        connection.send(&request.bytes());
        let (head, mut stream) = upstream.take();
        assert!(head.starts_with("GET /api/vps/v1/virtual-machines/9007199254740993 "), "{head}");
        answer(&mut stream, "200 OK", text);
        assert_eq!(connection.answer().json()["result"]["content"][0]["text"], text);
    }
    // Beyond 64 bits an argument is refused by its schema or by the provider, and not silently changed.
    let digits = "123456789012345678901234567890";
    for (request, id) in [(Request::call(1), digits), (Request::call(1), "\"text\"")] {
        let body = String::from_utf8(request.bytes()).expect("UTF-8");
        let body = body.split("\r\n\r\n").nth(1).expect("a body").replace("\"id\":1", &format!("\"id\":{id}"));
        let name = format!("\"name\":\"{tool}\",\"arguments\":{{\"virtualMachineId\":{digits}}}");
        let body = body.replace(&format!("\"name\":\"{TOOL}\""), &name);
        let mut connection = server.connect();
        connection.send(&request.with("Mcp-Name", tool).saying(body).bytes());
        if id == digits {
            let got = connection.answer();
            assert_eq!((got.status, got.json()["error"]["code"].as_i64()), (400, Some(-32600)), "{}", got.text());
            continue;
        }
        let (head, mut stream) = upstream.take();
        assert!(head.starts_with(&format!("GET /api/vps/v1/virtual-machines/{digits} ")), "{head}");
        answer(&mut stream, "200 OK", text);
        assert_eq!(connection.answer().json()["result"]["content"][0]["text"], text);
    }
}
