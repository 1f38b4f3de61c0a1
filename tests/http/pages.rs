//! HTTP itself: paths, methods, media types, and which web pages may call.

use crate::client::{MODERN, Request};
use crate::server::Server;

#[test]
fn each_mistake_has_its_status() {
    let server = Server::sandbox(&[]);
    let get = |path: &str| Request::new("GET", path);
    let post = |body: &[u8]| Request::post(body).with("MCP-Protocol-Version", MODERN);
    let call = || Request::call(1);
    let stream = || get("/mcp").with("Accept", "text/event-stream");
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":{deep}}}}}"#);
    for (what, request, status, code) in [
        ("health", get("/health"), 200, None),
        ("readiness", get("/ready"), 200, None),
        ("an unknown path", get("/mcp/x"), 404, None),
        ("a path above", get("/../etc/passwd"), 404, None),
        ("a call elsewhere", call().to("/sse"), 404, None),
        ("the stream of 2024-11-05", get("/sse"), 410, None),
        ("scripts that were not let in", get("/tools"), 404, None),
        ("a message without a session", call().to("/message"), 404, None),
        ("a probe that writes", get("/health").by("POST"), 405, None),
        ("another method", call().by("PUT"), 405, Some(-32600)),
        ("a method of nobody", call().by("BREW"), 405, Some(-32600)),
        ("a stateless stream", stream().with("MCP-Protocol-Version", MODERN), 405, None),
        ("a stateless end", get("/mcp").by("DELETE").with("MCP-Protocol-Version", MODERN), 405, None),
        ("a stream without a session", stream(), 400, None),
        ("an end without a session", get("/mcp").by("DELETE"), 400, None),
        ("a stream that is not taken", get("/mcp"), 406, None),
        ("an answer that is not taken", call().with("Accept", "text/html"), 406, None),
        ("JSON alone", call().with("Accept", "application/json"), 406, None),
        ("JSON refused", call().with("Accept", "application/json;q=0, text/event-stream"), 406, None),
        (
            "media types in two headers",
            call().with("Accept", "application/json").adding("Accept", "text/event-stream"),
            200,
            None,
        ),
        ("a form", call().with("Content-Type", "application/x-www-form-urlencoded"), 415, None),
        ("no type", call().without("Content-Type"), 415, None),
        ("a type with a parameter", call().with("Content-Type", "Application/JSON; charset=utf-8"), 200, None),
        ("nothing", post(b""), 400, Some(-32700)),
        ("blanks", post(b" \r\n"), 400, Some(-32700)),
        ("no JSON", post(b"hello"), 400, Some(-32700)),
        ("half of it", post(br#"{"jsonrpc":"2.0","id":1,"meth"#), 400, Some(-32700)),
        ("no UTF-8", post(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}"), 400, Some(-32700)),
        ("depth alone", post(deep.as_bytes()), 400, Some(-32700)),
        ("depth in a request", post(nested.as_bytes()), 400, Some(-32700)),
        ("a batch", post(br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#), 400, Some(-32600)),
        ("an empty batch", post(b"[]"), 400, Some(-32600)),
        ("no object", post(b"5"), 400, Some(-32600)),
        ("no version of JSON-RPC", post(br#"{"id":1,"method":"ping"}"#), 400, Some(-32600)),
        ("no method", post(br#"{"jsonrpc":"2.0","id":1}"#), 400, Some(-32600)),
        ("an id that is none", post(br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#), 400, Some(-32600)),
        (
            "parameters that are none",
            post(br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#),
            400,
            Some(-32602),
        ),
    ] {
        let got = server.ask(&request);
        assert_eq!(got.status, status, "{what}: {}", got.text());
        if let Some(code) = code {
            assert_eq!(got.json()["error"]["code"], code, "{what}: {}", got.text());
        }
        assert_eq!(got.header("allow").is_some(), status == 405, "{what}");
    }
    let head = Request::new("HEAD", "/health");
    let mut connection = server.connect();
    connection.send(&head.bytes());
    assert_eq!(connection.head().status, 200);
    assert_eq!(connection.ask(&get("/health")).status, 200, "a HEAD has no body");
    server.assert_healthy("mistakes");
}

#[test]
fn it_is_not_ready_without_a_token_and_says_so() {
    let server = Server::start(&[], &[]);
    let got = server.ask(&Request::new("GET", "/ready"));
    assert_eq!(got.status, 503);
    let answer = got.json();
    assert_eq!(answer["ready"], false);
    assert!(answer["missing"][0].as_str().is_some_and(|text| text.contains("HOSTINGER_API_TOKEN")), "{answer}");
    assert_eq!(server.ask(&Request::new("GET", "/health")).status, 200);
    let called = server.ask(&Request::call(1)).json();
    assert_eq!(called["result"]["isError"], true, "{called}");
}

#[test]
fn only_named_pages_may_call() {
    let arguments = ["--allow-origin", "https://app.example.com", "--public-url", "https://localhost:9/mcp"];
    let server = Server::sandbox(&arguments);
    let ours = format!("http://127.0.0.1:{}", server.address.port());
    let rebound = "evil.example:80";
    for (what, request) in [
        ("call", Request::call(1)),
        ("stream", Request::new("GET", "/mcp").with("Accept", "text/event-stream")),
        ("end", Request::new("DELETE", "/")),
        ("nothing there", Request::new("GET", "/nothing")),
        ("metadata", Request::new("GET", "/.well-known/oauth-protected-resource")),
        ("preflight", Request::new("OPTIONS", "/mcp").with("Access-Control-Request-Method", "POST")),
        ("health", Request::new("GET", "/health")),
        ("readiness", Request::new("GET", "/ready")),
    ] {
        for origin in ["https://evil.example", "null", "http://app.example.com", "https://app.example.com.evil.example"]
        {
            let got = server.ask(&request.clone().with("Origin", origin));
            assert_eq!(got.status, 403, "{what} from {origin}: {}", got.text());
            assert_eq!(got.header("access-control-allow-origin"), None, "{what} from {origin}");
        }
        let got = server.ask(&request.clone().with("Host", rebound));
        let probe = matches!(what, "health" | "readiness");
        assert_eq!(got.status == 403, !probe, "{what} at {rebound}: {}", got.text());
        let got = server.ask(&request.without("Host"));
        assert_eq!(got.status == 403, !probe, "{what} at nobody: {}", got.text());
    }
    for (origin, shared) in [("https://app.example.com", true), ("https://localhost:9", false), (ours.as_str(), false)]
    {
        let got = server.ask(&Request::call(1).with("Origin", origin));
        assert_eq!(got.status, 200, "{origin}: {}", got.text());
        assert_eq!(got.header("access-control-allow-origin"), shared.then_some(origin), "{origin}");
        assert_eq!(got.header("vary"), shared.then_some("origin"), "{origin}");
        let asks = Request::new("OPTIONS", "/mcp").with("Origin", origin).with("Access-Control-Request-Method", "POST");
        let got = server.ask(&asks);
        assert_eq!(got.status, if shared { 204 } else { 403 }, "{origin}");
        let headers = got.header("access-control-allow-headers").unwrap_or_default();
        for header in ["content-type", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id"] {
            assert_eq!(headers.contains(header), shared, "{origin} {header}: {headers}");
        }
    }
    let refused = server.ask(&Request::new("POST", "/nothing").with("Origin", "https://app.example.com"));
    assert_eq!(refused.status, 404);
    assert!(refused.header("access-control-allow-origin").is_some(), "a page may read why it was refused");
}

#[test]
fn the_address_of_the_caller_comes_from_trusted_proxies_alone() {
    for (trusted, expected) in [("127.0.0.0/8", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")] {
        let server = Server::sandbox(&["--trust-proxy", trusted, "--log", "info"]);
        server.ask(&Request::call(1).with("X-Forwarded-For", "198.51.100.1, 203.0.113.9"));
        // The line was written before the answer; the next one shows that it was read.
        let line = loop {
            let said = server.said();
            if let Some(line) = said.lines().find(|line| line.contains(&format!("address={expected}"))) {
                break line.to_owned();
            }
            assert!(!said.lines().any(|line| line.contains("address=")), "{said}");
            std::thread::yield_now();
        };
        assert!(line.contains(crate::client::TOOL), "{line}");
    }
}
