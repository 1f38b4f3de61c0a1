//! Tokens that the operator makes.

use infra_mcp::authentication::tokens;
use infra_mcp::store::now;
use infra_mcp::store::{Store, TokenRecord};
use serde_json::{Value, json};

use crate::issuer::Web;
use crate::server::{Place, text};

/// Reads; toolset `vps`, scope `vms:read`.
const READ: &str = "VPS_getVirtualMachinesV1";
/// Changes; toolset `vps`, scope `vms:power`.
const START: &str = "VPS_startVirtualMachineV1";
/// Reads; toolset `dns`, scope `dns:read`.
const ZONE: &str = "DNS_getDNSRecordsV1";

fn machine() -> Value {
    json!({ "virtualMachineId": 100_002 })
}

#[test]
fn everybody_sees_and_calls_what_their_token_allows() {
    let place = Place::new();
    let everything = place.token("everything", &[]);
    let toolset = place.token("toolset", &["--toolsets", "dns"]);
    let scoped = place.token("scoped", &["--scopes", "vms:read,dns:*"]);
    let reader = place.token("reader", &["--read-only", "--toolsets", "vps"]);
    let server = place.serve(&[]);
    // For each tool: seen, and the status and the beginning of what a call says.
    let refused = (false, 400, "is not enabled in this server: your token does not reach it");
    let lacking = |scope: &'static str| (false, 403, scope);
    let good = (true, 200, "");
    for (name, token, expected) in [
        ("everything", &everything, [good, good, good]),
        ("toolset", &toolset, [refused, refused, good]),
        ("scoped", &scoped, [good, lacking("vms:power"), good]),
        ("reader", &reader, [good, refused, refused]),
    ] {
        let list = server.list(Some(token));
        assert_eq!((list.status, list.json()["result"]["cacheScope"].as_str()), (200, Some("private")), "{name}");
        let session = server.initialize(Some(token));
        let session = session.header("mcp-session-id");
        let older = server.in_session(Some(token), session, "tools/list", json!({}));
        assert_eq!(older.tools(), list.tools(), "{name}");
        for (tool, (seen, status, words)) in [READ, START, ZONE].into_iter().zip(expected) {
            assert_eq!(list.tools().iter().any(|listed| listed == tool), seen, "{name} {tool}");
            let arguments = if tool == READ {
                json!({})
            } else if tool == ZONE {
                json!({ "domain": "example.com" })
            } else {
                machine()
            };
            let call = server.call(Some(token), tool, arguments.clone());
            assert!(call.body.contains(words), "{name} {tool}: {call:?}");
            let params = json!({ "name": tool, "arguments": arguments });
            let older = server.in_session(Some(token), session, "tools/call", params);
            assert!(older.body.contains(words), "{name} {tool}: {older:?}");
            assert_ne!(call.json()["result"]["isError"], true, "{name} {tool}: {call:?}");
            match status {
                200 => assert!(call.json()["result"].is_object(), "{name} {tool}: {call:?}"),
                403 => {
                    let challenge = format!(r#"error="insufficient_scope", scope="{words}""#);
                    for answer in [call, older] {
                        assert_eq!(answer.status, 403, "{name} {tool}: {answer:?}");
                        assert!(answer.header("www-authenticate").contains(&challenge), "{answer:?}");
                    }
                }
                _ => assert_eq!(call.json()["error"]["code"], -32602, "{name} {tool}: {call:?}"),
            }
        }
    }
}

#[test]
fn who_shows_no_good_token_is_turned_away() {
    let place = Place::new();
    let good = place.token("good", &[]);
    let revoked = place.token("revoked", &[]);
    assert!(place.run(&["token", "revoke", "revoked"]).status.success());
    let store = Store::create(&place.state()).unwrap();
    let day = 86_400;
    let old = |name: &str, created: i64, expires: Option<i64>| {
        let (token, hash) = tokens::make().unwrap();
        let record = TokenRecord {
            name: name.to_owned(),
            hash,
            toolsets: None,
            scopes: None,
            accounts: None,
            read_only: false,
            created,
            expires,
            used: None,
            revoked: None,
        };
        assert!(store.add_token(&record).unwrap());
        token.expose().to_owned()
    };
    let expired = old("expired", now() - 2, Some(now() - 1));
    let unused = old("unused", now() - 90 * day, None);
    let used = old("nearly unused", now() - 89 * day, None);

    let server = place.serve(&[]);
    let bearer = |token: &str| vec![("Authorization", format!("Bearer {token}"))];
    let twice = [bearer(&good), bearer(&good)].concat();
    let invalid = r#"error="invalid_token""#;
    let malformed = r#"error="invalid_request""#;
    for (what, path, headers, status, challenge) in [
        ("nothing", "/mcp", vec![], 401, r#"Bearer realm="infra-mcp""#),
        ("nothing at the other path", "/", vec![], 401, r#"Bearer realm="infra-mcp""#),
        ("another scheme", "/mcp", vec![("Authorization", format!("Basic {good}"))], 401, r#"Bearer realm"#),
        ("a wrong token", "/mcp", bearer("imcp_0"), 401, invalid),
        ("a token cut short", "/mcp", bearer(&good[..good.len() - 1]), 401, invalid),
        ("something else", "/mcp", bearer("abc"), 401, invalid),
        ("a revoked token", "/mcp", bearer(&revoked), 401, "it has been revoked"),
        ("an expired token", "/mcp", bearer(&expired), 401, "it has expired"),
        ("an unused token", "/mcp", bearer(&unused), 401, "not used for 90 days"),
        ("two tokens", "/mcp", twice, 400, malformed),
        ("a token in the address", &format!("/mcp?access_token={good}"), vec![], 400, malformed),
        ("a token in both", &format!("/mcp?access_token={good}"), bearer(&good), 400, malformed),
        ("a token in a cookie", "/mcp", vec![("Cookie", format!("token={good}"))], 401, r#"Bearer realm"#),
        ("a good token", "/mcp", bearer(&good), 200, ""),
        ("a good token, other case", "/mcp", vec![("authorization", format!("BEARER {good}"))], 200, ""),
        ("a token used long ago", "/mcp", bearer(&used), 200, ""),
    ] {
        let client = json!({ "name": "raw requests", "version": "1" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        let answer = server.post(path, &headers, "initialize", params);
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert!(answer.header("www-authenticate").contains(challenge), "{what}: {answer:?}");
        assert_eq!(answer.headers.contains_key("mcp-session-id"), status == 200, "{what}: {answer:?}");
    }
    for (path, status) in [("/health", 200), ("/ready", 200), ("/.well-known/oauth-protected-resource", 404)] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    let said = server.stop();
    assert!(!said.contains("imcp_"), "{said}");
}

/// Whoever is turned away leaves a trace, but not one for every knock, and nothing of what they sent.
#[test]
fn the_audit_log_tells_who_was_turned_away() {
    let place = Place::new();
    let reader = place.token("reader", &["--scopes", "vms:read"]);
    let revoked = place.token("revoked", &[]);
    assert!(place.run(&["token", "revoke", "revoked"]).status.success());
    let server = place.serve(&["--rest"]);
    for _ in 0..12 {
        assert_eq!(server.list(None).status, 401);
    }
    assert_eq!(server.list(Some("imcp_canary")).status, 401);
    assert_eq!(server.list(Some(&revoked)).status, 401);
    assert_eq!(server.get("/tools").status, 401);
    assert_eq!(server.get("/tools?access_token=canary").status, 400);
    for _ in 0..2 {
        assert_eq!(server.call(Some(&reader), START, machine()).status, 403);
    }
    let foreign = server.post("/mcp", &[("Origin", "https://canary.example".to_owned())], "tools/list", json!({}));
    assert_eq!(foreign.status, 403);
    assert_eq!(foreign.json()["error"]["data"]["code"], "blocked_by_policy");
    server.finish();

    let exported = text(&place.run(&["--sandbox", "audit", "export"]).stdout);
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |event: &Value| {
        let words = ["event", "principal", "decision", "reason"].map(|key| event[key].as_str().unwrap().to_owned());
        (words.join(", "), event["count"].as_u64())
    };
    let door = |rest: &str, count| (format!("door, nobody, {rest}"), Some(count));
    let lacking = "call, token:reader, forbidden_scope, It needs the scope vms:power, which your token lacks. The \
                   operator can make a token with it.";
    assert_eq!(
        events.iter().map(told).collect::<Vec<_>>(),
        [
            door("unauthenticated, no token came along", 1),
            door("unauthenticated, no token came along", 10),
            door("unauthenticated, it is not known here", 1),
            door("unauthenticated, it has been revoked", 1),
            door("invalid_request, tokens are not taken from the address: send them in `Authorization`", 1),
            (lacking.to_owned(), None),
            (lacking.to_owned(), None),
            door(
                "blocked_by_policy, Web pages of this origin may not call this server. --allow-origin names those \
                 that may.",
                1
            ),
        ]
    );
    assert!(events.iter().all(|event| event["address"] == "127.0.0.1"), "{exported}");
    assert_eq!(events[5]["tool"], START);
    assert!(!exported.contains("canary") && !exported.contains("imcp_"), "{exported}");
    let verified = text(&place.run(&["--sandbox", "audit", "verify"]).stdout);
    assert!(verified.starts_with("The log is whole: 8 events"), "{verified}");
}

#[test]
fn revocation_and_new_tokens_hold_for_the_next_request() {
    let place = Place::new();
    let first = place.token("first", &[]);
    let server = place.serve(&[]);
    let session = server.initialize(Some(&first));
    let session = session.header("mcp-session-id");
    assert_eq!(server.list(Some(&first)).status, 200);

    let second = place.token("second", &["--read-only"]);
    assert_eq!(server.list(Some(&second)).status, 200);
    let foreign = server.in_session(Some(&second), session, "tools/list", json!({}));
    assert_eq!(foreign.status, 404, "{foreign:?}");
    let own = server.in_session(Some(&first), session, "tools/list", json!({}));
    assert_eq!(own.status, 200, "{own:?}");

    assert!(place.run(&["token", "revoke", "first"]).status.success());
    for answer in [server.list(Some(&first)), server.in_session(Some(&first), session, "tools/list", json!({}))] {
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.body.contains("revoked"), "{answer:?}");
    }
    assert_eq!(server.list(Some(&second)).status, 200);
    let listed: Value = serde_json::from_slice(&place.run(&["token", "list", "--json"]).stdout).unwrap();
    assert_eq!(listed[0]["state"], "revoked");
    assert!(listed[0]["lastUsed"].is_string(), "{listed}");
}

#[test]
fn a_token_that_was_ever_made_closes_the_server() {
    let place = Place::new();
    let refused = place.run(&["--sandbox", "--http", "--host", "0.0.0.0", "--port", "0"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("token create --name") && said.contains("--oauth-issuer"), "{said}");
    assert!(!place.state().exists(), "nothing is made to look for tokens");

    let open = place.serve(&[]);
    assert_eq!(open.list(None).status, 200);
    assert!(!open.stop().contains("unencrypted"));

    let token = place.token("a", &[]);
    let public = place.serve(&["--host", "0.0.0.0"]);
    assert_eq!((public.list(None).status, public.list(Some(&token)).status), (401, 200));
    assert!(public.stop().contains("unencrypted"), "a token on plain HTTP is warned of");

    assert!(place.run(&["token", "revoke", "a"]).status.success());
    let closed = place.serve(&[]);
    assert_eq!((closed.list(None).status, closed.list(Some(&token)).status), (401, 401));
}

#[test]
fn a_store_that_cannot_be_used_lets_nobody_pass() {
    let place = Place::new();
    let token = place.token("a", &[]);
    let server = place.serve(&[]);
    assert_eq!(server.list(Some(&token)).status, 200);
    let file = place.state().join("state.db");
    rusqlite::Connection::open(&file).unwrap().execute_batch("DROP TABLE token").unwrap();
    for token in [&token, "imcp_other"] {
        let answer = server.list(Some(token));
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{answer:?}");
        assert!(!answer.body.contains("table"), "an internal message stays in the log: {answer:?}");
    }
    let _ = server.stop();

    for name in ["state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(place.state().join(name));
    }
    std::fs::write(&file, "no database ".repeat(500)).unwrap();
    for arguments in
        [&["--sandbox", "--http", "--port", "0"][..], &["token", "list"], &["token", "create", "--name", "b"]]
    {
        let refused = place.run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(text(&refused.stderr).contains("backup"), "{}", text(&refused.stderr));
        assert!(refused.stdout.is_empty());
    }
}

/// A limit on the size of files stands for a disk without room.
#[cfg(unix)]
#[test]
fn on_a_full_disk_no_token_is_shown_that_was_not_kept() {
    let place = Place::new();
    for kept in [0, 1] {
        let mut shell = std::process::Command::new("sh");
        let program = place.program(&[]).get_program().to_owned();
        shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" token create --name full"]).arg(program);
        let output = shell.env_clear().env("INFRA_MCP_STATE_DIR", place.state()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty() && text(&output.stderr).contains("Check the disk"));
        if kept == 0 {
            place.token("a", &[]);
        }
        let listed: Value = serde_json::from_slice(&place.run(&["token", "list", "--json"]).stdout).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    }
}

#[test]
fn what_cannot_be_a_token_is_refused_with_what_was_meant() {
    let place = Place::new();
    place.token("alice", &[]);
    let create = |more: &[&'static str]| [&["token", "create", "--name", "bob"], more].concat();
    for (arguments, expected) in [
        (create(&["--scopes", "vm:read"]), "did you mean `vms:read`?"),
        (create(&["--scopes", "vms:read,nonsense"]), "there is no scope `nonsense`"),
        (create(&["--scopes", "xyz:*"]), "there is no scope `xyz:*`"),
        (create(&["--toolsets", "vpss"]), "did you mean `vps`?"),
        (create(&["--toolsets", "dns", "--scopes", "vms:read"]), "there is no scope `vms:read`"),
        (create(&["--accounts", "hostinger/lab"]), "there is no account \"hostinger/lab\" here"),
        (create(&["--expires", "tomorrow"]), "30d"),
        (create(&["--expires", "2020-01-01"]), "over already"),
        (create(&["--tools", READ]), "--toolsets, --scopes, --accounts and --read-only"),
        (create(&["--access", "write"]), "--toolsets, --scopes, --accounts and --read-only"),
        (vec!["token", "create", "--name", "alice"], "already"),
        (vec!["token", "create", "--name", "a b"], "letters"),
        (vec!["token", "create"], "--name"),
        (vec!["token", "revoke", "alcie"], "did you mean \"alice\"?"),
        (vec!["token", "list", "--read-only"], "mean nothing"),
        (vec!["--state-dir", "/dev/null/state", "token", "create", "--name", "x"], "--state-dir"),
    ] {
        let output = place.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
    let listed: Value = serde_json::from_slice(&place.run(&["token", "list", "--json"]).stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn a_token_is_kept_nowhere() {
    let place = Place::new();
    let token = place.token("alice", &["--scopes", "vms:*", "--toolsets", "vps", "--expires", "30d"]);
    let secret = token.strip_prefix("imcp_").unwrap();
    for arguments in [&["token", "list"][..], &["token", "list", "--json"]] {
        let listed = text(&place.run(arguments).stdout);
        assert!(listed.contains("alice") && listed.contains("vms:*") && !listed.contains(secret), "{listed}");
    }
    for file in std::fs::read_dir(place.state()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

#[test]
fn credentials_of_the_caller_reach_neither_the_provider_nor_the_log() {
    let upstream = Web::start(|_| (200, "[]".to_owned()));
    let place = Place::new();
    let token = place.token("canary", &[]);
    let variables = [("API_BASE_URL", upstream.address.as_str()), ("API_TOKEN", "own-credential")];
    let server = place.serve_with(&["--log", "trace"], &variables);
    let session = server.initialize(Some(&token));
    let session = session.header("mcp-session-id").to_owned();
    let call = json!({ "name": READ, "arguments": {} });
    let own = [
        ("Authorization", format!("Bearer {token}")),
        ("Cookie", "id=canary-cookie".to_owned()),
        ("Proxy-Authorization", "Basic canary-proxy".to_owned()),
        ("X-Api-Key", "canary-key".to_owned()),
        ("X-Forwarded-For", "192.0.2.77".to_owned()),
        ("Traceparent", "canary-trace".to_owned()),
        ("Mcp-Session-Id", session.clone()),
        ("MCP-Protocol-Version", "2025-06-18".to_owned()),
    ];
    let calls = [
        server.call(Some(&token), READ, json!({})),
        server.post("/mcp?key=canary-query", &own, "tools/call", call.clone()),
        server.post("/", &own[..1], "tools/call", call),
        server.call(Some("imcp_canary-refused"), READ, json!({})),
    ];
    assert_eq!(calls.map(|answer| answer.status), [200, 200, 400, 401]);
    let received = upstream.received.lock().unwrap().clone();
    assert_eq!(received.matches("own-credential").count(), 2, "{received}");
    let said = server.stop();
    assert!(said.contains("principal=token:canary"), "the log is on: {said}");
    let secret = token.strip_prefix("imcp_").unwrap();
    let canaries = ["canary-cookie", "canary-proxy", "canary-key", "canary-trace", "canary-query", "canary-refused"];
    for canary in canaries.into_iter().chain([secret, "192.0.2.77", &session]) {
        assert!(!received.contains(canary), "{canary} in {received}");
    }
    for canary in canaries.into_iter().chain([secret]) {
        assert!(!said.contains(canary), "{canary} in {said}");
    }
}
