//! Every stateful answer against the response schema of the API description.
//!
//! Stricter than the schemas are: a declared property must be there, and no undeclared one may be.

use super::super::hostinger::AREAS;
use super::super::routes::{Found, RouteTable};
use super::Estate;
use serde_json::Value;
use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/specs/hostinger/openapi.json"));

/// Requests that all succeed when sent in this order: one at least for every stateful route.
const REQUESTS: &[(&str, &str, &str)] = &[
    ("GET", "/api/vps/v1/data-centers", ""),
    ("GET", "/api/vps/v1/templates", ""),
    ("GET", "/api/vps/v1/templates/1121", ""),
    ("GET", "/api/vps/v1/virtual-machines", ""),
    ("GET", "/api/vps/v1/virtual-machines/100003", ""),
    ("GET", "/api/vps/v1/virtual-machines/100001", ""),
    ("POST", "/api/vps/v1/virtual-machines/100002/start", ""),
    ("POST", "/api/vps/v1/virtual-machines/100002/restart", ""),
    ("POST", "/api/vps/v1/virtual-machines/100002/stop", ""),
    ("POST", "/api/vps/v1/virtual-machines/100002/recovery", r#"{"root_password":"correct horse"}"#),
    ("DELETE", "/api/vps/v1/virtual-machines/100002/recovery", ""),
    ("GET", "/api/vps/v1/virtual-machines/100002/actions", ""),
    ("GET", "/api/vps/v1/virtual-machines/100002/actions/900001", ""),
    ("PUT", "/api/vps/v1/virtual-machines/100002/hostname", r#"{"hostname":"a.example.com"}"#),
    ("DELETE", "/api/vps/v1/virtual-machines/100002/hostname", ""),
    ("PUT", "/api/vps/v1/virtual-machines/100002/root-password", r#"{"password":"correct horse battery"}"#),
    ("PUT", "/api/vps/v1/virtual-machines/100002/panel-password", r#"{"password":"correct horse"}"#),
    ("PUT", "/api/vps/v1/virtual-machines/100002/nameservers", r#"{"ns1":"192.0.2.1","ns2":null}"#),
    ("POST", "/api/vps/v1/virtual-machines/100002/ptr/1000024", r#"{"domain":"a.example.com"}"#),
    ("DELETE", "/api/vps/v1/virtual-machines/100002/ptr/1000024", ""),
    ("GET", "/api/vps/v1/virtual-machines/100002", ""),
    (
        "GET",
        "/api/vps/v1/virtual-machines/100001/metrics?date_from=2025-06-01T00:00:00Z&date_to=2025-06-02T00:00:00Z",
        "",
    ),
    ("GET", "/api/vps/v1/virtual-machines/100001/monarx", ""),
    ("DELETE", "/api/vps/v1/virtual-machines/100001/monarx", ""),
    ("POST", "/api/vps/v1/virtual-machines/100001/monarx", ""),
    ("GET", "/api/vps/v1/virtual-machines/100001/backups", ""),
    ("POST", "/api/vps/v1/virtual-machines/100002/backups/811/restore", ""),
    ("POST", "/api/vps/v1/virtual-machines/100001/snapshot", ""),
    ("GET", "/api/vps/v1/virtual-machines/100001/snapshot", ""),
    ("POST", "/api/vps/v1/virtual-machines/100001/snapshot/restore", ""),
    ("DELETE", "/api/vps/v1/virtual-machines/100001/snapshot", ""),
    ("GET", "/api/vps/v1/virtual-machines/100001/docker", ""),
    (
        "POST",
        "/api/vps/v1/virtual-machines/100001/docker",
        r#"{"project_name":"blog","content":"https://example.com/c.yml"}"#,
    ),
    ("GET", "/api/vps/v1/virtual-machines/100001/docker/storefront", ""),
    ("GET", "/api/vps/v1/virtual-machines/100001/docker/storefront/containers", ""),
    ("GET", "/api/vps/v1/virtual-machines/100001/docker/storefront/logs", ""),
    ("POST", "/api/vps/v1/virtual-machines/100001/docker/storefront/stop", ""),
    ("GET", "/api/vps/v1/virtual-machines/100001/docker", ""),
    ("POST", "/api/vps/v1/virtual-machines/100001/docker/storefront/start", ""),
    ("POST", "/api/vps/v1/virtual-machines/100001/docker/storefront/restart", ""),
    ("POST", "/api/vps/v1/virtual-machines/100001/docker/storefront/update", ""),
    ("DELETE", "/api/vps/v1/virtual-machines/100001/docker/blog/down", ""),
    ("GET", "/api/vps/v1/firewall", ""),
    ("POST", "/api/vps/v1/firewall", r#"{"name":"db"}"#),
    ("GET", "/api/vps/v1/firewall/701", ""),
    (
        "POST",
        "/api/vps/v1/firewall/701/rules",
        r#"{"protocol":"UDP","port":"1024:2048","source":"any","source_detail":"any"}"#,
    ),
    (
        "PUT",
        "/api/vps/v1/firewall/701/rules/711",
        r#"{"protocol":"SSH","port":"22","source":"any","source_detail":"any"}"#,
    ),
    ("DELETE", "/api/vps/v1/firewall/701/rules/712", ""),
    ("POST", "/api/vps/v1/firewall/701/activate/100002", ""),
    ("POST", "/api/vps/v1/firewall/701/sync", ""),
    ("POST", "/api/vps/v1/firewall/701/sync/100001", ""),
    ("POST", "/api/vps/v1/firewall/701/deactivate/100002", ""),
    ("PUT", "/api/vps/v1/firewall/701/rules", r#"{"rules":[],"sync":true}"#),
    ("DELETE", "/api/vps/v1/firewall/701", ""),
    ("GET", "/api/vps/v1/post-install-scripts", ""),
    ("POST", "/api/vps/v1/post-install-scripts", r##"{"name":"x","content":"#!/bin/sh"}"##),
    ("GET", "/api/vps/v1/post-install-scripts/601", ""),
    ("PUT", "/api/vps/v1/post-install-scripts/601", r##"{"name":"y","content":"#!/bin/sh"}"##),
    ("POST", "/api/vps/v1/virtual-machines/100002/recreate", r#"{"template_id":1013,"post_install_script_id":601}"#),
    ("DELETE", "/api/vps/v1/post-install-scripts/601", ""),
    ("GET", "/api/vps/v1/public-keys", ""),
    ("POST", "/api/vps/v1/public-keys", r#"{"name":"k","key":"ssh-ed25519 AAAA"}"#),
    ("POST", "/api/vps/v1/public-keys/attach/100001", r#"{"ids":[501]}"#),
    ("GET", "/api/vps/v1/virtual-machines/100001/public-keys", ""),
    ("DELETE", "/api/vps/v1/public-keys/501", ""),
    (
        "POST",
        "/api/vps/v1/virtual-machines/100003/setup",
        r#"{"template_id":1077,"data_center_id":9,"public_key":{"name":"k","key":"ssh-ed25519 AAAA"}}"#,
    ),
    (
        "POST",
        "/api/vps/v1/virtual-machines",
        r#"{"item_id":"sandbox-vps-4-usd-1y","setup":{"template_id":1077,"data_center_id":9}}"#,
    ),
    ("GET", "/api/dns/v1/zones/example.com", ""),
    (
        "PUT",
        "/api/dns/v1/zones/example.com",
        r#"{"zone":[{"name":"a","type":"A","records":[{"content":"192.0.2.1"}]}]}"#,
    ),
    (
        "POST",
        "/api/dns/v1/zones/example.com/validate",
        r#"{"zone":[{"name":"a","type":"A","records":[{"content":"192.0.2.1"}]}]}"#,
    ),
    ("DELETE", "/api/dns/v1/zones/example.com", r#"{"filters":[{"name":"a","type":"A"}]}"#),
    ("POST", "/api/dns/v1/zones/example.com/reset", r#"{"reset_email_records":false}"#),
    ("GET", "/api/dns/v1/snapshots/example.com", ""),
    ("GET", "/api/dns/v1/snapshots/example.com/{snapshot}", ""),
    ("POST", "/api/dns/v1/snapshots/example.com/{snapshot}/restore", ""),
    ("GET", "/api/domains/v1/portfolio", ""),
    ("GET", "/api/domains/v1/portfolio/example.com", ""),
    ("GET", "/api/domains/v1/portfolio/example.com/renewal", ""),
    ("DELETE", "/api/domains/v1/portfolio/example.com/domain-lock", ""),
    ("GET", "/api/domains/v1/portfolio/example.com/auth-code", ""),
    ("PUT", "/api/domains/v1/portfolio/example.com/domain-lock", ""),
    ("DELETE", "/api/domains/v1/portfolio/example.com/privacy-protection", ""),
    ("PUT", "/api/domains/v1/portfolio/example.com/privacy-protection", ""),
    ("PUT", "/api/domains/v1/portfolio/example.com/nameservers", r#"{"ns1":"a.example","ns2":"b.example"}"#),
    ("POST", "/api/domains/v1/portfolio/example.org/setup", "{}"),
    ("POST", "/api/domains/v1/portfolio", r#"{"domain":"garden.com","item_id":"sandbox-domain-com-usd-1y"}"#),
    ("POST", "/api/domains/v1/portfolio/claim", r#"{"domain":"orchard.org"}"#),
    ("POST", "/api/domains/v1/availability", r#"{"domain":"meadow","tlds":["com"],"with_alternatives":true}"#),
    ("POST", "/api/domains/v1/availability/alternatives-from-domain", r#"{"domain":"meadow.com","limit":9}"#),
    (
        "POST",
        "/api/domains/v1/availability/alternatives-from-description",
        r#"{"description":"a shop for seeds","limit":3}"#,
    ),
    (
        "POST",
        "/api/domains/v1/forwarding",
        r#"{"domain":"example.com","redirect_type":"301","redirect_url":"https://example.org"}"#,
    ),
    ("GET", "/api/domains/v1/forwarding/example.com", ""),
    (
        "PUT",
        "/api/domains/v1/forwarding/example.com",
        r#"{"redirect_type":"302","redirect_url":"https://example.org"}"#,
    ),
    ("DELETE", "/api/domains/v1/forwarding/example.com", ""),
    ("GET", "/api/domains/v1/whois", ""),
    ("GET", "/api/domains/v1/whois/451", ""),
    ("GET", "/api/domains/v1/whois/451/usage", ""),
    (
        "POST",
        "/api/domains/v1/whois",
        r#"{"tld":"shop","country":"US","entity_type":"individual","whois_details":{"name":"A"}}"#,
    ),
    ("PUT", "/api/domains/v1/whois/default/454", ""),
    ("DELETE", "/api/domains/v1/whois/default/454", ""),
    ("PUT", "/api/domains/v1/whois/change", r#"{"domain":"example.com","new_whois_id":454,"change_for":["owner"]}"#),
    ("GET", "/api/domains/v1/irtp/example.com", ""),
    ("DELETE", "/api/domains/v1/irtp/example.com", ""),
    ("DELETE", "/api/domains/v1/whois/454", ""),
    ("GET", "/api/domains/v1/move/incoming", ""),
    ("GET", "/api/domains/v1/move/incoming/gift.example", ""),
    ("DELETE", "/api/domains/v1/move/incoming/gift.example", ""),
    ("POST", "/api/domains/v1/move/outgoing/example.com", r#"{"new_customer_email":"sam@example.com"}"#),
    ("GET", "/api/domains/v1/move/outgoing", ""),
    ("GET", "/api/domains/v1/move/outgoing/example.com", ""),
    ("DELETE", "/api/domains/v1/move/outgoing/example.com", ""),
    ("POST", "/api/domains/v1/transfers/claim", r#"{"domain":"pond.net","auth_code":"x"}"#),
    ("GET", "/api/domains/v1/transfers", ""),
    ("GET", "/api/domains/v1/transfers/pond.net", ""),
    ("GET", "/api/billing/v1/catalog", ""),
    ("GET", "/api/billing/v1/payment-methods", ""),
    ("POST", "/api/billing/v1/orders", r#"{"items":[{"item_id":"sandbox-email-starter-usd-1m"}]}"#),
    ("GET", "/api/billing/v1/subscriptions", ""),
    ("DELETE", "/api/billing/v1/subscriptions/sub-domain-com/auto-renewal/disable", ""),
    ("PATCH", "/api/billing/v1/subscriptions/sub-domain-com/auto-renewal/enable", ""),
    ("POST", "/api/billing/v1/subscriptions/sub-domain-com/renew", "{}"),
    ("POST", "/api/billing/v1/payment-methods/302", ""),
    ("DELETE", "/api/billing/v1/payment-methods/301", ""),
];

#[test]
fn stateful_answers_fit_the_description() {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let routes = || AREAS.iter().copied().flatten();
    let templates = RouteTable::new(routes().map(|(method, template, _)| (*method, template, *template)));
    let mut left: BTreeSet<_> = routes().map(|(method, template, _)| (method.as_str(), *template)).collect();
    // The second estate is for the one request that another one excludes.
    let estates = [Estate::new(), Estate::new()];
    let accepted = [(
        "PUT",
        "/api/domains/v1/move/incoming/gift.example",
        r#"{"domain_contacts":{"owner_id":455,"admin_id":455,"billing_id":455,"tech_id":455}}"#,
    )];
    let requests = REQUESTS.iter().map(|request| (&estates[0], request));
    for (estate, (method, path, body)) in requests.chain(accepted.iter().map(|request| (&estates[1], request))) {
        let path = path.replace("{snapshot}", &snapshot(estate));
        let (status, answer) = estate.send(method, &path, body);
        assert_eq!(status, 200, "{method} {path}: {answer}");
        let Found::Route(template, _) = templates.find(method, path.split('?').next().unwrap_or_default()) else {
            panic!("no route for {method} {path}");
        };
        left.remove(&(*method, *template));
        let operation = &document["paths"][*template][method.to_lowercase()];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {template} is not in the description");
        let mut problems = Vec::new();
        check(&document, schema, &answer, "", &mut problems);
        assert!(problems.is_empty(), "{method} {path}: {problems:?}\n{answer}");
        estate.wait(2000);
    }
    assert!(left.is_empty(), "not sent: {left:?}");
}

/// The number of the first DNS snapshot, once there is one.
fn snapshot(estate: &Estate) -> String {
    estate.get("/api/dns/v1/snapshots/example.com")[0]["id"].to_string()
}

#[test]
fn the_checker_finds_what_does_not_fit() {
    let document = serde_json::json!({ "components": { "schemas": { "Name": { "type": "string" } } } });
    let schema = serde_json::json!({
        "type": "object",
        "properties": {
            "name": { "$ref": "#/components/schemas/Name" },
            "state": { "type": "string", "enum": ["on", "off"] },
            "at": { "type": "string", "format": "date-time", "nullable": true },
            "sizes": { "type": "array", "items": { "type": "integer" } },
        },
    });
    let table = [
        (r#"{"name":"a","state":"on","at":null,"sizes":[1]}"#, 0),
        (r#"{"name":"a","state":"on","at":"2025-01-01T00:00:00Z","sizes":[]}"#, 0),
        (r#"{"name":1,"state":"up","at":"today","sizes":["1"]}"#, 4),
        (r#"{"name":null,"state":"on","at":null,"sizes":[],"more":1}"#, 2),
        (r#"{}"#, 4),
        (r#"[]"#, 1),
    ];
    for (text, count) in table {
        let mut problems = Vec::new();
        check(&document, &schema, &serde_json::from_str(text).expect("JSON"), "", &mut problems);
        assert_eq!(problems.len(), count, "{text}: {problems:?}");
    }
}

fn check(document: &Value, schema: &Value, value: &Value, place: &str, problems: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).expect("a schema");
        return check(document, target, value, place, problems);
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if let Some([only]) = schema["oneOf"].as_array().map(Vec::as_slice) {
        return check(document, only, value, place, problems);
    }
    if !has_type(value, schema["type"].as_str()) {
        return problems.push(format!("{place}: {value} is no {}", schema["type"]));
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
        problems.push(format!("{place}: {value} is none of {words:?}"));
    }
    if schema["format"] == "date-time" && value.as_str().and_then(super::Timestamp::parse).is_none() {
        problems.push(format!("{place}: {value} is no timestamp"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(document, &schema["items"], item, &format!("{place}/{index}"), problems);
    }
    if let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object()) {
        for (name, property) in properties {
            match members.get(name) {
                Some(member) => check(document, property, member, &format!("{place}/{name}"), problems),
                None => problems.push(format!("{place}/{name} is missing")),
            }
        }
        let unknown = members.keys().filter(|name| !properties.contains_key(*name));
        problems.extend(unknown.map(|name| format!("{place}/{name} is not declared")));
    }
}

fn has_type(value: &Value, name: Option<&str>) -> bool {
    match name {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some(_) => false,
    }
}
