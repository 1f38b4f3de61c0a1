//! Tokens of an OAuth issuer.

use std::time::Instant;

use ring::hmac;
use serde_json::{Value, json};

use crate::issuer::{Issuer, Key, compose, encode, now};
use crate::server::{Answer, Place, Server, text};

const PUBLIC: &str = "https://mcp.example.com/mcp";
const METADATA: &str = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";
const READ: &str = "VPS_getVirtualMachinesV1";

fn serve(place: &Place, issuers: &str) -> Server {
    place.serve(&["--public-url", PUBLIC, "--oauth-issuer", issuers])
}

/// Good claims of this issuer with some replaced, or taken away with null.
fn claims(issuer: &str, more: Value) -> Value {
    let mut claims = json!({ "iss": issuer, "sub": "alice", "aud": PUBLIC, "exp": now() + 600, "scope": "vms:read" });
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => _ = claims.as_object_mut().unwrap().remove(name),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn reason(answer: &Answer) -> String {
    answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn only_good_tokens_of_the_issuer_are_accepted() {
    let begun = Instant::now();
    let (key, second, foreign) = (Key::new("one"), Key::new("two"), Key::new("one"));
    let issuer = Issuer::start(vec![key.jwk(), second.jwk()]);
    let name = issuer.name();
    let place = Place::new();
    let server = serve(&place, name);
    let good = |more: Value| key.sign(&claims(name, more));
    let header = |more: Value| {
        let mut header = json!({ "alg": "EdDSA", "kid": "one" });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key.sign_as(&header, &claims(name, json!({})))
    };
    let hmac_of = |secret: &[u8]| {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let header = json!({ "alg": "HS256", "kid": "one" });
        compose(&header, &claims(name, json!({})), |message| hmac::sign(&secret, message).as_ref().to_vec())
    };
    let unsigned =
        |algorithm: &str| compose(&json!({ "alg": algorithm, "kid": "one" }), &claims(name, json!({})), |_| Vec::new());
    let tampered = {
        let token = good(json!({}));
        let (head, _) = token.split_once('.').unwrap();
        let (_, signature) = token.rsplit_once('.').unwrap();
        format!("{head}.{}.{signature}", encode(claims(name, json!({ "sub": "root" })).to_string()))
    };
    for (what, token, expected) in [
        ("good", good(json!({})), None),
        ("the other key", second.sign(&claims(name, json!({}))), None),
        ("several audiences", good(json!({ "aud": ["https://other.example", PUBLIC] })), None),
        ("an audience with a slash", good(json!({ "aud": format!("{PUBLIC}/") })), None),
        ("just expired, within the leeway", good(json!({ "exp": now() - 30 })), None),
        ("nearly valid, within the leeway", good(json!({ "nbf": now() + 30 })), None),
        ("times with fractions", good(json!({ "exp": (now() + 600) as f64 + 0.5, "nbf": 0.5 })), None),
        ("expired", good(json!({ "exp": now() - 61 })), Some("it has expired")),
        ("not yet valid", good(json!({ "nbf": now() + 120 })), Some("it is not valid yet")),
        ("an expiry of text", good(json!({ "exp": "9999999999" })), Some("malformed")),
        ("no expiry", good(json!({ "exp": null })), Some("malformed")),
        ("another issuer", good(json!({ "iss": "https://auth.example.com" })), Some("issuer is not trusted")),
        ("an issuer with a slash", good(json!({ "iss": format!("{name}/") })), Some("issuer is not trusted")),
        ("no issuer", good(json!({ "iss": null })), Some("neither a token of this server nor a JWT")),
        ("a list of issuers", good(json!({ "iss": [name] })), Some("neither a token of this server nor a JWT")),
        ("another audience", good(json!({ "aud": "https://other.example/mcp" })), Some("audience")),
        ("the origin as audience", good(json!({ "aud": "https://mcp.example.com" })), Some("audience")),
        ("no audience", good(json!({ "aud": null })), Some("lacks one of the claims")),
        ("an empty audience", good(json!({ "aud": [] })), Some("audience")),
        ("no subject", good(json!({ "sub": null })), Some("malformed")),
        ("an empty subject", good(json!({ "sub": "" })), Some("subject")),
        ("a subject with a line break", good(json!({ "sub": "a\nb" })), Some("subject")),
        ("a foreign key", foreign.sign(&claims(name, json!({}))), Some("signature is wrong")),
        ("other claims", tampered, Some("signature is wrong")),
        ("alg none", unsigned("none"), Some("neither a token of this server nor a JWT")),
        ("no signature", unsigned("EdDSA"), Some("signature is wrong")),
        ("HS256 with the public key", hmac_of(key.public()), Some("neither a token")),
        ("HS256 with the published text", hmac_of(encode(key.public()).as_bytes()), Some("neither a token")),
        ("another algorithm", header(json!({ "alg": "ES256" })), Some("does not publish")),
        ("no kid and two keys", header(json!({ "kid": null })), Some("does not publish")),
        ("an unknown kid", header(json!({ "kid": "three" })), Some("does not publish")),
        ("its own key", header(json!({ "kid": "three", "jwk": foreign.jwk() })), Some("does not publish")),
        ("its own address of keys", header(json!({ "kid": "three", "jku": name })), Some("does not publish")),
        ("a critical extension", header(json!({ "crit": ["b64"], "b64": false })), Some("critical")),
        ("two parts", "a.b".to_owned(), Some("neither a token of this server nor a JWT")),
        ("no JWT", "opaque".to_owned(), Some("neither a token of this server nor a JWT")),
        ("a token of the command line", "imcp_abc".to_owned(), Some("neither a token of this server nor a JWT")),
    ] {
        let answer = server.call(Some(&token), READ, json!({}));
        let status = if expected.is_some() { 401 } else { 200 };
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        let Some(expected) = expected else { continue };
        assert!(reason(&answer).contains(expected), "{what}: {answer:?}");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains(r#"error="invalid_token""#) && challenge.contains(METADATA), "{what}: {challenge}");
    }
    let seconds = begun.elapsed().as_secs() as usize;
    assert!(issuer.asked() <= 1 + seconds / 30, "keys are cached, and nobody can make us ask for them all the time");
}

#[test]
fn scopes_decide_what_is_seen_and_called() {
    let key = Key::new("one");
    let issuer = Issuer::start(vec![key.jwk()]);
    let place = Place::new();
    let server = serve(&place, issuer.name());
    let token = |more: Value| key.sign_as(&json!({ "alg": "EdDSA" }), &claims(issuer.name(), more));
    let machine = json!({ "virtualMachineId": 100_002 });
    for (granted, lists, starts) in [
        (json!({ "scope": "vms:read openid" }), true, false),
        (json!({ "scope": null, "scp": ["vms:read", "vms:power"] }), true, true),
        (json!({ "scope": "vms:*" }), true, true),
        (json!({ "scope": null }), false, false),
        (json!({ "scope": "dns:read" }), false, false),
    ] {
        // Without a kid: there is one key that fits.
        let token = token(granted.clone());
        let listed = server.list(Some(&token));
        assert_eq!(listed.tools().iter().any(|tool| tool == READ), lists, "{granted}");
        assert_eq!(listed.json()["result"]["cacheScope"], "private");
        let answer = server.call(Some(&token), "VPS_startVirtualMachineV1", machine.clone());
        assert_eq!(answer.status, if starts { 200 } else { 403 }, "{granted}: {answer:?}");
        if !starts {
            let challenge = answer.header("www-authenticate");
            let expected = format!(r#"error="insufficient_scope", scope="vms:power", resource_metadata="{METADATA}""#);
            assert!(challenge.ends_with(&expected), "{challenge}");
        }
    }
    let alice = server.initialize(Some(&token(json!({}))));
    let session = alice.header("mcp-session-id");
    for (subject, status) in [("alice", 200), ("bob", 404)] {
        let token = token(json!({ "sub": subject }));
        let answer = server.in_session(Some(&token), session, "tools/list", json!({}));
        assert_eq!(answer.status, status, "{subject}: {answer:?}");
    }
}

#[test]
fn a_claim_of_the_issuer_names_the_accounts() {
    let key = Key::new("one");
    let issuer = Issuer::start(vec![key.jwk()]);
    let place = Place::new();
    place.write("accounts.toml", "[accounts.hostinger.one]\n[accounts.hostinger.two]\n");
    let flags = ["--public-url", PUBLIC, "--oauth-issuer", issuer.name(), "--config", "accounts.toml"];
    let server = place.serve(&flags);
    for (claim, offered) in [
        (Value::Null, &["one", "two"][..]),
        (json!(["hostinger/one", "acme/two"]), &["one"]),
        (json!("hostinger/two"), &["two"]),
        (json!([]), &[]),
    ] {
        let token = key.sign(&claims(issuer.name(), json!({ "infra_mcp_accounts": claim })));
        let listed = server.list(Some(&token)).json();
        let tool = listed["result"]["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == READ);
        let choice = tool.map(|tool| tool["inputSchema"]["properties"]["account"]["enum"].clone());
        assert_eq!(choice, (!offered.is_empty()).then(|| json!(offered)), "{claim}");
        for account in ["one", "two"] {
            let answer = server.call(Some(&token), READ, json!({ "account": account })).json();
            let done = answer["result"]["isError"] == false;
            assert_eq!(done, offered.contains(&account), "{claim} {account}: {answer}");
            let text = answer.to_string();
            let other = if account == "one" { "two" } else { "one" };
            assert!(done || offered.contains(&other) || !text.contains(other), "{text}");
        }
    }
}

#[test]
fn metadata_leads_a_client_to_the_issuer() {
    let place = Place::new();
    let server = serve(&place, "https://auth.example.com,https://login.example.com/tenant");
    let challenge = server.list(None);
    assert_eq!(challenge.status, 401);
    let header = challenge.header("www-authenticate").to_owned();
    assert!(header.contains(&format!(r#"resource_metadata="{METADATA}""#)), "{header}");
    assert!(header.contains("vms:read") && !header.contains("vms:power"), "{header}");
    for (path, status) in [
        ("/.well-known/oauth-protected-resource", 200),
        ("/.well-known/oauth-protected-resource/mcp", 200),
        ("/.well-known/oauth-protected-resource/other", 404),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, status, "{path}");
        if status == 200 {
            let metadata = answer.json();
            assert_eq!(metadata["resource"], PUBLIC);
            let issuers = json!(["https://auth.example.com", "https://login.example.com/tenant"]);
            assert_eq!(metadata["authorization_servers"], issuers);
            assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
            let scopes = metadata["scopes_supported"].as_array().unwrap();
            assert!(scopes.contains(&json!("vms:power")) && !scopes.contains(&json!("offline_access")), "{metadata}");
        }
    }
    for (arguments, expected) in [
        (&["--oauth-issuer", "https://a.example"][..], "--public-url"),
        (&["--oauth-issuer", "http://a.example", "--public-url", PUBLIC], "not https"),
    ] {
        let refused = place.run(&[&["--sandbox", "--http", "--port", "0"], arguments].concat());
        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains(expected), "{}", text(&refused.stderr));
    }
}

#[test]
fn without_its_keys_no_token_of_an_issuer_passes() {
    let key = Key::new("one");
    let place = Place::new();
    // An address that nobody listens on any more.
    let down = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let down = format!("http://{down}");
    let up = Issuer::start(vec![key.jwk()]);
    let own = place.token("own", &[]);
    let issuers = format!("{down},{}", up.name());
    let server = place.serve(&["--public-url", PUBLIC, "--oauth-issuer", &issuers, "--log", "error"]);
    for _ in 0..2 {
        let answer = server.list(Some(&key.sign(&claims(&down, json!({})))));
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{answer:?}");
        assert!(!answer.body.contains("127.0.0.1"), "an internal message stays in the log: {answer:?}");
    }
    assert_eq!(server.list(Some(&key.sign(&claims(up.name(), json!({}))))).status, 200, "the other one works");
    assert_eq!(server.list(Some(&own)).status, 200, "and so do our own tokens");
    let said = server.stop();
    assert!(said.contains(&format!("the keys of {down} cannot be read")), "{said}");
}

#[test]
fn a_rotated_key_is_no_longer_accepted_by_a_server_that_reads_keys_after_it() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let issuer = Issuer::start(vec![old.jwk()]);
    let place = Place::new();
    let status = |server: &Server, key: &Key| server.list(Some(&key.sign(&claims(issuer.name(), json!({}))))).status;
    let before = serve(&place, issuer.name());
    assert_eq!((status(&before, &old), status(&before, &new)), (200, 401));
    *issuer.keys.lock().unwrap() = vec![new.jwk()];
    let after = serve(&place, issuer.name());
    assert_eq!((status(&after, &old), status(&after, &new)), (401, 200));
}
