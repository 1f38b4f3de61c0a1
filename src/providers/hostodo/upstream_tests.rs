//! Every tool against an upstream that writes down what it is sent: what leaves, what does not, and what becomes of each
//! documented error code.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::tests::{called, server_with};
use crate::call::Caller;
use crate::config::Options;
use crate::executor::{Executor, LocalFiles, Simulator};
use crate::policy::Way;
use crate::principal::{Grant, Principal};
use crate::server::Server;

/// What the documents of the vendor name.
const CODES: [&str; 11] = [
    "unauthenticated",
    "forbidden_scope",
    "vm_not_found",
    "vm_state_blocked",
    "mcp_exec_disabled",
    "vm_command_in_progress",
    "rate_limited",
    "confirmation_required",
    "artifact_not_uploaded",
    "artifact_sha_mismatch",
    "guest_missing_dependency",
];

const VM: &str = "ins::abc123";

/// An MCP server and a REST API that do nothing.
struct Upstream {
    /// Calls of tools as `TOOL ARGUMENTS`, requests as `METHOD PATH BODY`.
    sent: Mutex<Vec<String>>,
    /// The tool that fails, and its code.
    fails: Mutex<Option<(String, &'static str)>>,
    /// The status of the REST API, and its words.
    status: Mutex<(u16, &'static str)>,
    /// Whether the machine lets commands and files in.
    open: Mutex<bool>,
}

impl Simulator for Upstream {
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (path, body) = (request.uri().path_and_query().unwrap().as_str(), request.body());
        if path != "/mcp" {
            let body = String::from_utf8_lossy(body);
            self.sent.lock().unwrap().push(format!("{} {path} {body}", request.method()).trim_end().to_owned());
            let (status, detail) = *self.status.lock().unwrap();
            let answer = if status < 300 { rest(path) } else { json!({ "detail": detail }) };
            return Response::builder().status(status).body(answer.to_string().into()).unwrap();
        }
        let Ok(message) = serde_json::from_slice::<Value>(body) else { return plain(405, "") };
        let result = match message["method"].as_str() {
            Some("initialize") => {
                let info = json!({"name": "upstream", "version": "1"});
                json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info})
            }
            Some("tools/call") => {
                self.call(message["params"]["name"].as_str().unwrap(), &message["params"]["arguments"])
            }
            _ => return plain(202, ""),
        };
        plain(200, json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string())
    }
}

fn plain(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(body.into()).unwrap()
}

/// Enough of every answer for the composite tools.
fn rest(path: &str) -> Value {
    let machine = json!({"instance_id": VM, "hostname": "my-server", "status": "active", "main_ip": "192.0.2.1"});
    match path.split(['?', '/']).filter(|part| !part.is_empty()).collect::<Vec<_>>()[..] {
        ["client", "instances", _] => json!({ "instance": machine }),
        ["client", "instances", _, "power_status"] => json!({"instance": {"power_status": "running"}}),
        ["client", "plans", ..] => json!({"results": [{
            "id": 2, "name": "KVM-2G", "price_monthly": "6.99", "plan_category_id": 1, "show_on_frontend": true,
            "out_of_stock": false,
        }]}),
        ["client", "regions", ..] => json!({"results": [{
            "id": 1, "name": "Las Vegas", "plan_categories": [{"id": 1}], "show_on_frontend": true, "active": true,
        }]}),
        ["client", "templates", ..] => json!({"results": [{"id": 7, "name": "Debian 12"}]}),
        ["client", "orders", "price"] => json!({"amount_due": "6.99", "unit_price": "6.99"}),
        ["v1", "billing", "invoices", ..] => {
            json!({"count": 1, "results": [{"invoice_number": "INV-1", "status": "unpaid", "due_date": "2026-12-01"}]})
        }
        ["v1", "billing", "payment-methods"] => {
            json!({"results": [{"payment_method_id": "pm_1", "customer_default": true}]})
        }
        _ => json!({"count": 0, "results": []}),
    }
}

impl Upstream {
    fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.sent.lock().unwrap().push(format!("{tool} {arguments}"));
        if let Some((_, code)) = self.fails.lock().unwrap().as_ref().filter(|(fails, _)| fails == tool) {
            let error = json!({"error": {"code": code, "message": "So it is."}});
            return json!({"content": [{"type": "text", "text": error.to_string()}], "isError": true});
        }
        let vm = json!({"id": VM, "hostname": "my-server", "power_state": "running", "mcp_exec_enabled": *self.open.lock().unwrap()});
        let answer = match tool {
            "hostodo_list_vms" => json!({ "vms": [vm] }),
            "hostodo_get_vm" => json!({ "vm": vm }),
            "hostodo_create_artifact_upload" => {
                json!({"artifact_id": "art-1", "upload_url": "http://hostodo.sandbox.invalid/slot"})
            }
            "hostodo_get_vm_command_output" => json!({"status": "succeeded", "exit_code": 0}),
            _ => json!({"command_id": "cmd-1", "done": true}),
        };
        json!({"content": [{"type": "text", "text": answer.to_string()}], "structuredContent": answer})
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

struct Bench {
    server: Server,
    upstream: Arc<Upstream>,
    _place: tempfile::TempDir,
}

fn bench(way: Way) -> Bench {
    let upstream = Arc::new(Upstream {
        sent: Mutex::default(),
        fails: Mutex::default(),
        status: Mutex::new((200, "")),
        open: Mutex::new(true),
    });
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("a.conf"), "abc").unwrap();
    let executor = Executor::simulated(Arc::clone(&upstream) as _);
    let executor = executor.with_files(LocalFiles::below(&[place.path().to_owned()]).unwrap());
    let server = Server { executor: Arc::new(executor), ..server_with(Options::default(), way) };
    Bench { server, upstream, _place: place }
}

impl Bench {
    async fn call(&self, tool: &str, arguments: &Value) -> (String, bool) {
        let (answer, is_error) = called(&self.server, tool, arguments.clone(), Caller::local(None)).await;
        (answer.as_str().map_or_else(|| answer.to_string(), str::to_owned), is_error)
    }
}

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// Every tool, a call of it, and the last that leaves for it.
fn calls() -> Vec<(&'static str, Value, String)> {
    let exactly = |tool: &'static str, arguments: Value| (tool, arguments.clone(), format!("{tool} {arguments}"));
    let command = json!({"vm_id": VM, "command_id": "cmd-1"});
    vec![
        exactly("hostodo_list_vms", json!({})),
        exactly("hostodo_list_templates", json!({})),
        exactly("hostodo_get_vm", json!({"vm_id": VM})),
        exactly("hostodo_power_vm", json!({"vm_id": VM, "action": "start"})),
        exactly("hostodo_exec_vm_command", json!({"vm_id": VM, "command": "echo 'é'; ls ../..", "timeout_seconds": 5})),
        exactly(
            "hostodo_set_vm_exec_enabled",
            json!({"vm_id": VM, "enabled": true, "confirmation": "ENABLE MCP EXEC ins::abc123"}),
        ),
        exactly(
            "hostodo_reinstall_vm",
            json!({"vm_id": VM, "template_id": 7, "ssh_key_id": 3, "confirmation": "REINSTALL ins::abc123 TO TEMPLATE 7"}),
        ),
        exactly(
            "hostodo_rename_vm",
            json!({"vm_id": VM, "hostname": "web", "confirmation": "RENAME ins::abc123 TO web"}),
        ),
        exactly(
            "hostodo_create_artifact_upload",
            json!({"vm_id": VM, "filename": "a.conf", "size_bytes": 3, "sha256": ABC, "purpose": "config"}),
        ),
        (
            "hostodo_install_artifact",
            json!({"vm_id": VM, "artifact_id": "art-1", "destination_path": "/etc/a"}),
            r#"hostodo_install_artifact {"artifact_id":"art-1","destination_path":"/etc/a","mode":"0644","owner":"root"}"#
                .to_owned(),
        ),
        (
            "hostodo_upload_file",
            json!({"vm_id": VM, "path": "a.conf", "purpose": "script", "destination_path": "/etc/a", "owner": "www:www"}),
            r#"hostodo_install_artifact {"artifact_id":"art-1","destination_path":"/etc/a","mode":"0750","owner":"www:www"}"#
                .to_owned(),
        ),
        (
            "hostodo_start_vm_command",
            json!({"vm_id": VM, "command": "make", "timeout_seconds": 60, "label": "l", "working_directory": "/srv"}),
            r#"hostodo_start_vm_command {"vm_id":"ins::abc123","command":"make","timeout_seconds":60,"label":"l","working_directory":"/srv"}"#
                .to_owned(),
        ),
        (
            "hostodo_wait_vm_command",
            command.clone(),
            r#"hostodo_read_vm_command_logs {"vm_id":"ins::abc123","command_id":"cmd-1","stdout_offset":0,"stderr_offset":0,"max_bytes":16384}"#
                .to_owned(),
        ),
        exactly("hostodo_get_vm_command_output", json!({"vm_id": VM, "command_id": "cmd-1", "stdout_tail_bytes": 9})),
        exactly("hostodo_read_vm_command_logs", json!({"vm_id": VM, "command_id": "cmd-1", "stdout_offset": 5})),
        exactly("hostodo_cancel_vm_command", command),
        (
            "hostodo_power_off_vm",
            json!({"vm_id": VM, "wait_timeout": 0}),
            r#"hostodo_get_vm {"vm_id":"ins::abc123"}"#.to_owned(),
        ),
    ]
}

/// The same for those over REST.
fn requests() -> Vec<(&'static str, Value, &'static str)> {
    let order = json!({
        "hostname": "web", "region": "Las Vegas", "template": "Debian 12", "plan": "KVM-2G", "billing_cycle": "monthly",
        "expected_amount": "6.99",
    });
    vec![
        ("hostodo_get_account", json!({}), "GET /v1/auth/"),
        ("hostodo_list_sessions", json!({}), "GET /v1/cli-sessions/"),
        ("hostodo_revoke_session", json!({"session_id": 4}), "DELETE /v1/cli-sessions/4/"),
        ("hostodo_list_invoices", json!({"status": "un paid&x"}), "GET /v1/billing/invoices/?status=un%20paid%26x"),
        ("hostodo_get_invoice", json!({"invoice_number": "INV-1"}), "GET /v1/billing/invoices/"),
        ("hostodo_pay_invoice", json!({"invoice_number": "INV/1?"}), "POST /v1/billing/invoices/INV%2F1%3F/pay/"),
        ("hostodo_list_payment_methods", json!({}), "GET /v1/billing/payment-methods/"),
        ("hostodo_list_plans", json!({"limit": 200}), "GET /client/plans/?limit=200"),
        ("hostodo_list_regions", json!({}), "GET /client/regions/"),
        (
            "hostodo_get_price_quote",
            json!({"plan_id": 2, "billing_cycle": "monthly"}),
            r#"POST /client/orders/price/ {"plan_id":2,"billing_cycle":"monthly"}"#,
        ),
        ("hostodo_deploy_instance", order, "POST /client/orders/deploy_instance/ "),
        ("hostodo_get_deployment", json!({"vm_id": VM}), "GET /client/instances/ins%3A%3Aabc123/events/"),
        ("hostodo_check_vm_health", json!({"vm_id": VM}), "GET /client/instances/ins%3A%3Aabc123/power_status/"),
        ("hostodo_get_bandwidth_usage", json!({"vm_id": VM}), "GET /client/instances/ins%3A%3Aabc123/"),
        ("hostodo_list_ssh_keys", json!({}), "GET /client/ssh-keys/"),
        (
            "hostodo_add_ssh_key",
            json!({"name": "laptop", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me@laptop"}),
            r#"POST /client/ssh-keys/ {"name":"laptop","public_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me@laptop"}"#,
        ),
        ("hostodo_remove_ssh_key", json!({"ssh_key_id": 4}), "DELETE /client/ssh-keys/4/"),
    ]
}

fn everything() -> Vec<(&'static str, Value)> {
    let calls = calls().into_iter().map(|(tool, arguments, _)| (tool, arguments));
    calls.chain(requests().into_iter().map(|(tool, arguments, _)| (tool, arguments))).collect()
}

#[tokio::test]
async fn what_leaves_is_what_was_meant() {
    let bench = bench(Way::None);
    let tools: BTreeSet<&str> = bench.server.catalogue.entries().iter().map(|entry| entry.tool.name.as_ref()).collect();
    assert_eq!(everything().iter().map(|(tool, _)| *tool).collect::<BTreeSet<_>>(), tools, "a call of each");
    let requests = requests().into_iter().map(|(tool, arguments, last)| (tool, arguments, last.to_owned()));
    for (tool, arguments, last) in calls().into_iter().chain(requests) {
        let (answer, is_error) = bench.call(tool, &arguments).await;
        let sent = bench.upstream.take();
        assert!(!is_error, "{tool}: {answer}");
        assert!(sent.last().is_some_and(|sent| sent.starts_with(&last)), "{tool}: {sent:?}, not {last}");
    }
}

/// The code comes first and unchanged, the words of the provider follow, and then what to do.
#[tokio::test]
async fn every_documented_code_arrives_with_what_to_do() {
    let bench = bench(Way::None);
    for (tool, arguments, last) in calls() {
        let remote = last.split(' ').next().unwrap();
        for code in CODES {
            *bench.upstream.fails.lock().unwrap() = Some((remote.to_owned(), code));
            let (answer, is_error) = bench.call(tool, &arguments).await;
            let hint = bench.server.catalogue.entries()[0].provider.hint(code).unwrap();
            assert!(is_error, "{tool} {code}: {answer}");
            assert!(answer.starts_with(&format!("{code}: Hostodo refused the call: So it is.")), "{tool}: {answer}");
            assert!(answer.contains(hint), "{tool} {code}: {answer}");
        }
    }
}

#[tokio::test]
async fn the_rest_api_says_no_in_words_that_help() {
    let bench = bench(Way::None);
    for (tool, arguments, _) in requests() {
        for (status, detail, expected) in [
            (401, "This session was revoked.", "Set HOSTODO_API_TOKEN"),
            (401, "Expired.", "Set HOSTODO_API_TOKEN"),
            (403, "Not yours.", "permissions"),
            (404, "Not found.", "There is no such thing"),
            (400, "Bad.", "Correct the arguments"),
            (429, "Slow down.", "Too many requests"),
            (503, "Down.", "provider's side"),
        ] {
            *bench.upstream.status.lock().unwrap() = (status, detail);
            let (answer, is_error) = bench.call(tool, &arguments).await;
            assert!(is_error, "{tool} {status}: {answer}");
            assert!(answer.starts_with(&format!("Hostodo answered HTTP {status}")), "{tool}: {answer}");
            assert!(answer.contains(detail) && answer.contains(expected), "{tool} {status}: {answer}");
        }
    }
}

/// What this side refuses does not leave, whatever the tool.
#[tokio::test]
async fn what_is_refused_does_not_leave() {
    let bench = bench(Way::Operator);
    for (tool, arguments) in everything() {
        let mut strange = arguments.clone();
        strange["no_such_argument"] = 1.into();
        let (answer, is_error) = bench.call(tool, &strange).await;
        assert!(is_error && answer.contains("no_such_argument"), "{tool}: {answer}");
        let grant = Grant { scopes: Some(vec!["none:none".to_owned()]), ..Grant::default() };
        let principal = Arc::new(Principal::new("token:nobody", grant));
        let caller = Caller { principal, ..Caller::local(None) };
        let (answer, is_error) = called(&bench.server, tool, arguments.clone(), caller).await;
        let answer = answer.as_str().unwrap();
        assert!(is_error && answer.starts_with("forbidden_scope: "), "{tool}: {answer}");
        assert_eq!(bench.upstream.take(), [""; 0], "{tool}");
    }
    let grave = [
        "hostodo_exec_vm_command",
        "hostodo_start_vm_command",
        "hostodo_install_artifact",
        "hostodo_upload_file",
        "hostodo_reinstall_vm",
        "hostodo_set_vm_exec_enabled",
        "hostodo_pay_invoice",
        "hostodo_deploy_instance",
        "hostodo_revoke_session",
        "hostodo_remove_ssh_key",
    ];
    for (tool, arguments) in everything().into_iter().filter(|(tool, _)| grave.contains(tool)) {
        let (answer, is_error) = bench.call(tool, &arguments).await;
        assert!(is_error && answer.starts_with("confirmation_required: nothing was sent."), "{tool}: {answer}");
        let looks = ["hostodo_get_vm ", "hostodo_list_vms ", "GET "];
        let sent = bench.upstream.take();
        assert!(sent.iter().all(|sent| looks.iter().any(|look| sent.starts_with(look))), "{tool}: {sent:?}");
    }
}

#[tokio::test]
async fn the_rules_of_the_provider_are_kept_here_already() {
    let bench = bench(Way::None);
    *bench.upstream.open.lock().unwrap() = false;
    let commands_and_files = [
        "hostodo_exec_vm_command",
        "hostodo_start_vm_command",
        "hostodo_create_artifact_upload",
        "hostodo_install_artifact",
        "hostodo_upload_file",
    ];
    for (tool, arguments, _) in calls() {
        let (answer, is_error) = bench.call(tool, &arguments).await;
        let shut = commands_and_files.contains(&tool);
        assert_eq!((is_error, answer.starts_with("mcp_exec_disabled: ")), (shut, shut), "{tool}: {answer}");
        let sent = bench.upstream.take();
        if shut {
            assert_eq!(sent, [format!("hostodo_get_vm {}", json!({ "vm_id": VM }))], "{tool}");
        }
    }
    *bench.upstream.open.lock().unwrap() = true;
    for (tool, arguments, _) in calls() {
        let Some(said) = arguments["confirmation"].as_str() else { continue };
        for wrong in [None, Some(said.to_lowercase()), Some(said.replace(VM, "my-server")), Some(format!("{said} "))] {
            let mut arguments = arguments.clone();
            match wrong {
                Some(wrong) => arguments["confirmation"] = wrong.into(),
                None => drop(arguments.as_object_mut().unwrap().shift_remove("confirmation")),
            }
            let (answer, is_error) = bench.call(tool, &arguments).await;
            assert!(is_error && answer.starts_with("confirmation_required: ") && answer.contains(said), "{answer}");
            assert!(!bench.upstream.take().iter().any(|sent| sent.starts_with(tool)), "{tool}");
        }
    }
    for (tool, arguments, expected) in [
        ("hostodo_exec_vm_command", json!({"vm_id": VM, "command": "ls", "timeout_seconds": 61}), "timeout_seconds"),
        ("hostodo_start_vm_command", json!({"vm_id": VM, "command": "ls", "timeout_seconds": 59}), "timeout_seconds"),
        (
            "hostodo_start_vm_command",
            json!({"vm_id": VM, "command": "ls", "working_directory": "srv"}),
            "working_directory",
        ),
        (
            "hostodo_get_vm_command_output",
            json!({"vm_id": VM, "command_id": "c", "stdout_tail_bytes": 65_537}),
            "stdout_tail_bytes",
        ),
        ("hostodo_read_vm_command_logs", json!({"vm_id": VM, "command_id": "c", "max_bytes": 0}), "max_bytes"),
        (
            "hostodo_add_ssh_key",
            json!({"name": "k", "public_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}),
            "public_key",
        ),
        ("hostodo_add_ssh_key", json!({"name": "k", "public_key": "ssh-ed25519 AAAA\nssh-rsa AAAA"}), "public_key"),
        ("hostodo_add_ssh_key", json!({"name": " ", "public_key": "ssh-ed25519 AAAAC3Nz"}), "name"),
        ("hostodo_remove_ssh_key", json!({"ssh_key_id": 0}), "ssh_key_id"),
        ("hostodo_remove_ssh_key", json!({"ssh_key_id": "../instances/1"}), "ssh_key_id"),
        ("hostodo_pay_invoice", json!({"invoice_number": ".."}), "a step to another path"),
    ] {
        let (answer, is_error) = bench.call(tool, &arguments).await;
        assert!(is_error && answer.contains(expected), "{tool} {arguments}: {answer}");
        assert_eq!(bench.upstream.take(), [""; 0], "{tool} {arguments}");
    }
}
