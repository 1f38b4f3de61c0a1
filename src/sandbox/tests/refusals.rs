//! What is refused, and that a refusal changes nothing.

use super::{Estate, at};

const VM: &str = "/api/vps/v1/virtual-machines";
const ZONE: &str = "/api/dns/v1/zones/example.com";
const COM: &str = "/api/domains/v1/portfolio/example.com";

#[test]
fn refused_input_names_its_field_and_changes_nothing() {
    let table = [
        ("POST", "/api/vps/v1/virtual-machines/100001/recreate", r#"{"template_id":1}"#, "template_id"),
        ("POST", "/api/vps/v1/virtual-machines/100001/recreate", r#"{}"#, "template_id"),
        ("POST", "/api/vps/v1/virtual-machines/100001/recreate", r#"{"template_id":"x"}"#, "template_id"),
        ("POST", "/api/vps/v1/virtual-machines/100001/recreate", "[1]", "body"),
        ("POST", "/api/vps/v1/virtual-machines/100001/recreate", "{broken", "body"),
        ("POST", "/api/vps/v1/virtual-machines/100003/start", "", "virtualMachineId"),
        ("DELETE", "/api/vps/v1/virtual-machines/100001/recovery", "", "virtualMachineId"),
        (
            "POST",
            "/api/vps/v1/virtual-machines/100001/setup",
            r#"{"template_id":1077,"data_center_id":9}"#,
            "virtualMachineId",
        ),
        (
            "POST",
            VM,
            r#"{"item_id":"sandbox-vps-1-usd-1m","setup":{"template_id":1077,"data_center_id":1}}"#,
            "setup.data_center_id",
        ),
        ("POST", VM, r#"{"item_id":"none","setup":{"template_id":1077,"data_center_id":9}}"#, "item_id"),
        (
            "POST",
            VM,
            r#"{"item_id":"sandbox-vps-1-usd-1m","payment_method_id":9,"setup":{"template_id":1077,"data_center_id":9}}"#,
            "payment_method_id",
        ),
        ("PUT", "/api/vps/v1/virtual-machines/100001/hostname", r#"{"hostname":"-a b"}"#, "hostname"),
        ("PUT", "/api/vps/v1/virtual-machines/100001/root-password", r#"{"password":"short"}"#, "password"),
        ("PUT", "/api/vps/v1/virtual-machines/100001/nameservers", r#"{"ns1":"one"}"#, "ns1"),
        (
            "POST",
            "/api/vps/v1/firewall/701/rules",
            r#"{"protocol":"TCP","port":"99999","source":"any","source_detail":"any"}"#,
            "port",
        ),
        ("PUT", "/api/vps/v1/firewall/701/rules", r#"{"rules":["ssh"]}"#, "rules"),
        ("PUT", "/api/vps/v1/firewall/701/rules", "{}", "rules"),
        ("POST", "/api/vps/v1/firewall/701/sync/100002", "", "firewallId"),
        ("POST", "/api/vps/v1/public-keys/attach/100001", r#"{"ids":[1]}"#, "ids"),
        (
            "POST",
            "/api/vps/v1/virtual-machines/100001/docker",
            r#"{"project_name":"blog","content":"nothing"}"#,
            "content",
        ),
        (
            "GET",
            "/api/vps/v1/virtual-machines/100001/metrics?date_from=2025-01-02T00:00:00Z&date_to=2025-01-01T00:00:00Z",
            "",
            "date_to",
        ),
        ("GET", "/api/vps/v1/firewall?page=0", "", "page"),
        (
            "PUT",
            ZONE,
            r#"{"zone":[{"name":"a","type":"A","records":[{"content":"nowhere"}]}]}"#,
            "zone.0.records.0.content",
        ),
        ("PUT", ZONE, r#"{"zone":[{"name":"web-1","type":"CNAME","records":[{"content":"@"}]}]}"#, "zone"),
        ("DELETE", ZONE, "", "filters"),
        ("GET", "/api/domains/v1/portfolio/example.com/auth-code", "", "domain"),
        (
            "POST",
            "/api/domains/v1/portfolio",
            r#"{"domain":"example.com","item_id":"sandbox-domain-com-usd-1y"}"#,
            "domain",
        ),
        (
            "POST",
            "/api/domains/v1/portfolio",
            r#"{"domain":"garden.net","item_id":"sandbox-domain-com-usd-1y"}"#,
            "item_id",
        ),
        ("POST", "/api/domains/v1/portfolio/claim", r#"{"domain":"garden.shop"}"#, "domain_contacts"),
        ("DELETE", "/api/domains/v1/whois/451", "", "whoisId"),
        (
            "POST",
            "/api/domains/v1/forwarding",
            r#"{"domain":"example.net","redirect_type":"301","redirect_url":"https://example.org"}"#,
            "domain",
        ),
        (
            "POST",
            "/api/billing/v1/orders",
            r#"{"items":[{"item_id":"sandbox-vps-1-usd-1m","quantity":0}]}"#,
            "items.0.quantity",
        ),
    ];
    let reads = [VM, ZONE, COM, "/api/vps/v1/firewall", "/api/billing/v1/subscriptions", "/api/domains/v1/portfolio"];
    for (method, path, body, field) in table {
        let estate = Estate::new();
        let before = reads.map(|path| estate.get(path));
        let (status, answer) = estate.send(method, path, body);
        assert_eq!(status, 422, "{method} {path} {body}: {answer}");
        let rule = &at(&answer, "/errors")[field][0];
        assert!(rule.is_string() && rule == &answer["message"], "{method} {path} {body}: {answer}");
        assert_eq!(reads.map(|path| estate.get(path)), before, "{method} {path} {body}");
    }
}

#[test]
fn what_does_not_exist_is_not_found() {
    let table = [
        ("GET", "/api/vps/v1/virtual-machines/100001/actions/1"),
        ("POST", "/api/vps/v1/virtual-machines/1/start"),
        ("POST", "/api/vps/v1/virtual-machines/100001/backups/1/restore"),
        ("POST", "/api/vps/v1/virtual-machines/100001/snapshot/restore"),
        ("DELETE", "/api/vps/v1/virtual-machines/100001/ptr/1"),
        ("GET", "/api/vps/v1/virtual-machines/100001/docker/none"),
        ("GET", "/api/vps/v1/templates/1"),
        ("DELETE", "/api/vps/v1/firewall/1"),
        ("DELETE", "/api/vps/v1/firewall/701/rules/1"),
        ("POST", "/api/vps/v1/firewall/1/activate/100001"),
        ("GET", "/api/vps/v1/post-install-scripts/1"),
        ("DELETE", "/api/vps/v1/public-keys/1"),
        ("GET", "/api/dns/v1/zones/other.example"),
        ("GET", "/api/dns/v1/snapshots/example.com/1"),
        ("GET", "/api/domains/v1/portfolio/other.example"),
        ("GET", "/api/domains/v1/portfolio/example.org"),
        ("GET", "/api/domains/v1/forwarding/example.com"),
        ("GET", "/api/domains/v1/whois/1/usage"),
        ("GET", "/api/domains/v1/irtp/example.com"),
        ("GET", "/api/domains/v1/move/outgoing/example.com"),
        ("DELETE", "/api/billing/v1/payment-methods/1"),
        ("PATCH", "/api/billing/v1/subscriptions/none/auto-renewal/enable"),
    ];
    let estate = Estate::new();
    for (method, path) in table {
        let (status, body) = estate.send(method, path, "");
        assert_eq!(status, 404, "{method} {path}: {body}");
        assert!(body["message"].is_string() && body["correlation_id"].is_string(), "{method} {path}: {body}");
    }
}
