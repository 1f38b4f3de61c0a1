//! The composite tools against the simulated Hostodo.

use serde_json::{Value, json};

use crate::call::Caller;
use crate::config::{Config, Environment, Only, Options};
use crate::generated::HOSTODO;
use crate::policy::{Limits, PerMinute, Way};
use crate::server::Server;

/// What the result says, as JSON where it is, and whether it is an error.
pub(super) async fn called(server: &Server, tool: &str, arguments: Value, caller: Caller) -> (Value, bool) {
    let Value::Object(arguments) = arguments else { panic!("an object") };
    let result = server.call(tool, arguments, caller).await.unwrap();
    let text = &result.content[0].as_text().unwrap().text;
    (serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()), result.is_error == Some(true))
}

async fn call(server: &Server, tool: &str, arguments: Value) -> (Value, bool) {
    called(server, tool, arguments, Caller::local(None)).await
}

pub(super) fn server_with(options: Options, way: Way) -> Server {
    let options = Options { sandbox: true, ..options };
    let mut config = Config::new(options, &Environment::of(&[]), Only::Provider(&HOSTODO)).unwrap();
    config.approval = way;
    // Tables of cases make more calls than a person would.
    let none = PerMinute::default();
    config.policy.limits = Limits { principal: none, resource: none, server: none };
    let catalogue = crate::catalogue::Catalogue::select(&[&HOSTODO], &config.selection).unwrap();
    crate::assembly::server(config, catalogue.into(), &[&HOSTODO])
}

fn server() -> Server {
    server_with(Options::default(), Way::None)
}

#[tokio::test]
async fn each_tool_answers_in_its_own_words() {
    let server = server();
    for (tool, arguments, pointer, expected) in [
        ("hostodo_check_vm_health", json!({"vm_id": "my-server"}), "/healthy", json!(true)),
        (
            "hostodo_check_vm_health",
            json!({"vm_id": "production-db"}),
            "/problems/0",
            json!("95 % of the traffic is used."),
        ),
        ("hostodo_check_vm_health", json!({"vm_id": "archive"}), "/healthy", json!(false)),
        ("hostodo_get_bandwidth_usage", json!({"vm_id": "production-db"}), "/used_percent", json!(95.0)),
        ("hostodo_get_deployment", json!({"vm_id": "my-server"}), "/events/0/message", json!("Order accepted")),
        ("hostodo_get_deployment", json!({"vm_id": "my-server"}), "/ready", json!(true)),
        ("hostodo_get_invoice", json!({"invoice_number": "INV-1003"}), "/overdue", json!(true)),
        ("hostodo_power_off_vm", json!({"vm_id": "staging"}), "/was_running", json!(false)),
        ("hostodo_power_off_vm", json!({"vm_id": "my-server"}), "/current_state", json!("stopping")),
    ] {
        let (answer, is_error) = call(&server, tool, arguments).await;
        assert!(!is_error, "{answer}");
        assert_eq!(answer.pointer(pointer), Some(&expected), "{tool}: {answer}");
        assert!(!answer.to_string().contains("never-to-be-shown"), "{answer}");
    }
    let (answer, is_error) = call(&server, "hostodo_get_invoice", json!({"invoice_number": "INV-9"})).await;
    assert!(is_error && answer.as_str().unwrap().contains("hostodo_list_invoices"), "{answer}");
}

#[tokio::test]
async fn an_order_is_checked_before_money_is_spent() {
    let server = server();
    let order = |change: Value| {
        let mut order = json!({
            "hostname": "shop", "region": "las vegas", "template": "debian", "plan": "2g", "billing_cycle": "monthly",
            "expected_amount": "6.99",
        });
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        order
    };
    for (change, expected) in [
        (json!({"plan": "kvm"}), "fits several"),
        (json!({"plan": "4g"}), "This plan takes no orders now."),
        (json!({"region": "tampa"}), "This region takes no orders now."),
        (json!({"billing_cycle": "triennially"}), "not offered for this period"),
        (json!({"ssh_key": "phone"}), "There is no SSH key"),
        (json!({"payment_method_id": "pm_9"}), "no such payment method"),
        (json!({"hostname": "my-server"}), "is called \"my-server\" already"),
        (json!({"expected_amount": "5.99"}), "The price is \"6.99\" now"),
    ] {
        let (answer, is_error) = call(&server, "hostodo_deploy_instance", order(change)).await;
        let text = answer.as_str().unwrap();
        assert!(is_error && text.contains("Nothing was ordered.") && text.contains(expected), "{text}");
    }
    let (answer, is_error) = call(&server, "hostodo_deploy_instance", order(json!({"ssh_key": "laptop"}))).await;
    assert!(!is_error, "{answer}");
    assert_eq!((&answer["hostname"], &answer["amount_due"]), (&json!("shop"), &json!("6.99")));
    let (found, _) = call(&server, "hostodo_get_vm", json!({"vm_id": "shop"})).await;
    assert_eq!(found["vm"]["hostname"], "shop");
}

#[tokio::test]
async fn a_command_that_has_ended_is_not_waited_for() {
    let server = server();
    let start = json!({"vm_id": "my-server", "command": "echo hi; exit 3"});
    let (started, _) = call(&server, "hostodo_start_vm_command", start).await;
    let wait = json!({"vm_id": "my-server", "command_id": started["command_id"], "wait_seconds": 30});
    let (answer, is_error) = call(&server, "hostodo_wait_vm_command", wait).await;
    assert!(!is_error, "{answer}");
    assert_eq!(
        (&answer["status"], &answer["exit_code"], &answer["stdout"]),
        (&json!("failed"), &json!(3), &json!("hi\n"))
    );
    assert_eq!(answer["next_stdout_offset"], 3);
}
