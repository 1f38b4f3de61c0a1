//! Requests and what reads show after them.

use super::{Estate, at};
use serde_json::{Value, json};

const VM: &str = "/api/vps/v1/virtual-machines";
const WEB: &str = "/api/vps/v1/virtual-machines/100001";
const ZONE: &str = "/api/dns/v1/zones/example.com";
const COM: &str = "/api/domains/v1/portfolio/example.com";

/// Requests in order, then a place that is read and what it holds.
type Case<'a> = (&'a [(&'a str, &'a str, &'a str)], &'a str, &'a str, Value);

#[test]
fn reads_show_what_was_written() {
    let rule = r#"{"protocol":"TCP","port":"8443","source":"custom","source_detail":"192.0.2.0/24"}"#;
    let rules = r#"{"rules":["{\"protocol\":\"SSH\",\"port\":\"22\",\"source\":\"any\",\"source_detail\":\"any\"}"],"sync":true}"#;
    let firewall = "/api/vps/v1/firewall/701";
    let rule_path = "/api/vps/v1/firewall/701/rules";
    let add = r#"{"overwrite":false,"zone":[{"name":"www2","type":"A","ttl":60,"records":[{"content":"192.0.2.2"}]}]}"#;
    let more =
        r#"{"overwrite":false,"zone":[{"name":"web-1","type":"A","ttl":60,"records":[{"content":"192.0.2.2"}]}]}"#;
    let instead = r#"{"zone":[{"name":"web-1","type":"A","records":[{"content":"192.0.2.2"}]}]}"#;
    let web1 = r#"{"filters":[{"name":"web-1","type":"A"}]}"#;
    let compose =
        r#"{"project_name":"blog","content":"services:\n  app:\n    image: blog:2\n    ports:\n      - 80:8000\n"}"#;
    let setup = r#"{"template_id":1077,"data_center_id":17,"hostname":"new.example.com"}"#;
    let forward = r#"{"domain":"example.com","redirect_type":"302","redirect_url":"https://example.org/"}"#;
    let owner = r#"{"domain":"example.com","new_whois_id":454,"change_for":["owner","tech"]}"#;
    let table: &[Case<'_>] = &[
        (
            &[("PUT", &format!("{WEB}/hostname"), r#"{"hostname":"a.example.com"}"#)],
            WEB,
            "/hostname",
            json!("a.example.com"),
        ),
        (&[("DELETE", &format!("{WEB}/hostname"), "")], WEB, "/hostname", json!("srv100001.hosts.example")),
        (&[("PUT", &format!("{WEB}/nameservers"), r#"{"ns1":"192.0.2.1"}"#)], WEB, "/ns1", json!("192.0.2.1")),
        (
            &[("POST", &format!("{WEB}/ptr/1000014"), r#"{"domain":"p.example.com"}"#)],
            WEB,
            "/ipv4/0/ptr",
            json!("p.example.com"),
        ),
        (&[("DELETE", &format!("{WEB}/ptr/1000016"), "")], WEB, "/ipv6/0/ptr", Value::Null),
        (
            &[("POST", &format!("{VM}/100003/setup"), setup)],
            "/api/vps/v1/virtual-machines/100003",
            "/state",
            json!("running"),
        ),
        (
            &[("POST", &format!("{VM}/100003/setup"), setup)],
            "/api/vps/v1/virtual-machines/100003",
            "/hostname",
            json!("new.example.com"),
        ),
        (&[("POST", rule_path, rule)], firewall, "/rules/2/port", json!("8443")),
        (&[("POST", rule_path, rule)], firewall, "/is_synced", json!(false)),
        (
            &[("POST", rule_path, rule), ("POST", "/api/vps/v1/firewall/701/sync", "")],
            firewall,
            "/is_synced",
            json!(true),
        ),
        (
            &[("PUT", rule_path, rules)],
            firewall,
            "/rules",
            json!([
                {"id": 900_001, "action": "accept", "protocol": "SSH", "port": "22", "source": "any", "source_detail": "any"}
            ]),
        ),
        (&[("PUT", rule_path, rules)], firewall, "/is_synced", json!(true)),
        (&[("PUT", &format!("{rule_path}/711"), rule)], firewall, "/rules/0/protocol", json!("TCP")),
        (&[("DELETE", &format!("{rule_path}/711"), "")], firewall, "/rules/0/id", json!(712)),
        (
            &[("POST", &format!("{firewall}/activate/100002"), "")],
            "/api/vps/v1/virtual-machines/100002",
            "/firewall_group_id",
            json!(701),
        ),
        (&[("POST", &format!("{firewall}/deactivate/100001"), "")], WEB, "/firewall_group_id", Value::Null),
        (&[("DELETE", firewall, "")], WEB, "/firewall_group_id", Value::Null),
        (
            &[("POST", &format!("{WEB}/docker"), compose)],
            "/api/vps/v1/virtual-machines/100001/docker/blog/containers",
            "/0/ports/0/container_port",
            json!(8000),
        ),
        (
            &[("POST", &format!("{WEB}/docker/storefront/stop"), "")],
            "/api/vps/v1/virtual-machines/100001/docker",
            "/0/state",
            json!("stopped"),
        ),
        (
            &[
                ("POST", "/api/vps/v1/public-keys", r#"{"name":"k","key":"ssh-ed25519 AAAA"}"#),
                ("POST", "/api/vps/v1/public-keys/attach/100002", r#"{"ids":[900001]}"#),
            ],
            "/api/vps/v1/virtual-machines/100002/public-keys",
            "/data/0/name",
            json!("k"),
        ),
        (
            &[("PUT", ZONE, add)],
            ZONE,
            "/8",
            json!({"name":"www2","records":[{"content":"192.0.2.2","is_disabled":false}],"ttl":60,"type":"A"}),
        ),
        (&[("PUT", ZONE, more)], ZONE, "/5/records/1/content", json!("192.0.2.2")),
        (&[("PUT", ZONE, instead)], ZONE, "/7/records", json!([{"content":"192.0.2.2","is_disabled":false}])),
        (&[("DELETE", ZONE, web1)], ZONE, "/5/name", json!("db-1")),
        (
            &[("DELETE", &format!("{ZONE}?filters[0][name]=web-1&filters[0][type]=A"), "")],
            ZONE,
            "/5/name",
            json!("db-1"),
        ),
        (
            &[("DELETE", ZONE, web1), ("POST", "/api/dns/v1/snapshots/example.com/900001/restore", "")],
            ZONE,
            "/5/name",
            json!("web-1"),
        ),
        (&[("DELETE", ZONE, web1)], "/api/dns/v1/snapshots/example.com/900001", "/snapshot/5/name", json!("web-1")),
        (
            &[("POST", &format!("{ZONE}/reset"), r#"{"whitelisted_record_types":["CAA"]}"#)],
            ZONE,
            "/0/type",
            json!("CAA"),
        ),
        (&[("POST", &format!("{ZONE}/validate"), instead)], "/api/dns/v1/snapshots/example.com", "", json!([])),
        (&[("DELETE", &format!("{COM}/domain-lock"), "")], COM, "/is_locked", json!(false)),
        (
            &[("DELETE", &format!("{COM}/domain-lock"), ""), ("PUT", &format!("{COM}/domain-lock"), "")],
            COM,
            "/is_locked",
            json!(true),
        ),
        (&[("DELETE", &format!("{COM}/privacy-protection"), "")], COM, "/is_privacy_protected", json!(false)),
        (
            &[("PUT", &format!("{COM}/nameservers"), r#"{"ns1":"a.example","ns2":"b.example"}"#)],
            COM,
            "/name_servers/ns2",
            json!("b.example"),
        ),
        (
            &[("POST", "/api/domains/v1/forwarding", forward)],
            "/api/domains/v1/forwarding/example.com",
            "/redirect_type",
            json!("302"),
        ),
        (
            &[("POST", "/api/domains/v1/portfolio/example.org/setup", "{}")],
            "/api/domains/v1/portfolio/example.org",
            "/domain_contacts/owner_id",
            json!(453),
        ),
        (
            &[("POST", "/api/domains/v1/portfolio/claim", r#"{"domain":"garden.com"}"#)],
            "/api/domains/v1/portfolio/garden.com",
            "/status",
            json!("active"),
        ),
        (
            &[("PUT", "/api/domains/v1/whois/change", owner)],
            COM,
            "/domain_contacts",
            json!({"admin_id":451,"owner_id":451,"billing_id":451,"tech_id":454}),
        ),
        (
            &[("PUT", "/api/domains/v1/whois/change", owner)],
            "/api/domains/v1/irtp/example.com",
            "/new_whois_profile_email",
            json!("office@example.com"),
        ),
        (
            &[("PUT", "/api/domains/v1/whois/change", owner)],
            "/api/domains/v1/whois/454/usage",
            "",
            json!(["example.com"]),
        ),
        (
            &[("POST", "/api/billing/v1/payment-methods/302", "")],
            "/api/billing/v1/payment-methods",
            "/0/is_default",
            json!(false),
        ),
        (
            &[("DELETE", "/api/billing/v1/payment-methods/301", "")],
            "/api/billing/v1/payment-methods",
            "/0/id",
            json!(302),
        ),
        (
            &[("DELETE", "/api/billing/v1/subscriptions/sub-vps-100001/auto-renewal/disable", "")],
            "/api/billing/v1/subscriptions",
            "/0/status",
            json!("not_renewing"),
        ),
        (&[], "/api/billing/v1/catalog?name=.com*", "/0/id", json!("sandbox-domain-com")),
        (&[], "/api/vps/v1/firewall?page=2", "/meta", json!({"current_page":2,"per_page":50,"total":1})),
        (&[], "/api/vps/v1/firewall?page=2", "/data", json!([])),
    ];
    for (requests, path, pointer, expected) in table {
        let estate = Estate::new();
        for (method, path, body) in *requests {
            estate.complete(method, path, body);
        }
        assert_eq!(at(&estate.get(path), pointer), expected, "{requests:?}");
    }
}

#[test]
fn a_purchase_adds_a_machine_and_a_subscription() {
    let estate = Estate::new();
    let setup = r#"{"template_id":1077,"data_center_id":9,"password":"correct horse battery"}"#;
    let order = format!(r#"{{"item_id":"sandbox-vps-2-usd-1m","setup":{setup}}}"#);
    let (status, bought) = estate.send("POST", VM, &order);
    assert_eq!((status, at(&bought, "/virtual_machine/state")), (200, &json!("creating")));
    assert_eq!(at(&bought, "/order/total"), 999);
    estate.wait(2000);
    let machine = estate.get(&format!("{VM}/{}", at(&bought, "/virtual_machine/id")));
    assert_eq!((at(&machine, "/state"), at(&machine, "/template/id")), (&json!("running"), &json!(1077)));
    let subscriptions = estate.get("/api/billing/v1/subscriptions");
    assert_eq!(at(&subscriptions, "/6/id"), at(&machine, "/subscription_id"));

    let order = r#"{"items":[{"item_id":"sandbox-vps-1-usd-1y","quantity":2}]}"#;
    assert_eq!(at(&estate.complete("POST", "/api/billing/v1/orders", order), "/total"), 11_976);
    let states: Vec<_> = estate.get(VM).as_array().expect("a list").iter().map(|vm| vm["state"].clone()).collect();
    assert_eq!(states, ["running", "stopped", "initial", "running", "initial", "initial"]);
}
