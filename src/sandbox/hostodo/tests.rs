//! The endpoint as a client without any of our code meets it: JSON-RPC and REST over finished HTTP requests.

use super::*;
use crate::generated::PROVIDERS;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000) + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

struct Bench {
    hostodo: Hostodo,
    clock: Arc<Hand>,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(Hand::default());
        let provider = PROVIDERS.iter().find(|provider| provider.name == "hostodo").unwrap();
        Self { hostodo: Hostodo::new(provider, clock.clone(), false), clock }
    }

    fn wait(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:8200");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.hostodo.answer(request.body(body.into()).unwrap());
        (answer.status().as_u16(), String::from_utf8(answer.into_body().to_vec()).unwrap())
    }

    fn rpc(&self, token: &str, method: &str, parameters: Value) -> (u16, Value) {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).to_string();
        let (status, text) = self.send("POST", "/mcp", &[("authorization", &format!("Bearer {token}"))], body);
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// What a tool comes to: the result, or the error object.
    fn tool(&self, token: &str, name: &str, arguments: Value) -> Result<Value, Value> {
        let (status, answer) = self.rpc(token, "tools/call", json!({"name": name, "arguments": arguments}));
        assert_eq!(status, 200, "{answer}");
        let result = &answer["result"];
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, result["structuredContent"], "the same in words");
        if result["isError"] == true { Err(text["error"].clone()) } else { Ok(text) }
    }

    fn owner(&self, name: &str, arguments: Value) -> Result<Value, Value> {
        self.tool("sandbox-all", name, arguments)
    }

    fn code(&self, token: &str, name: &str, arguments: Value) -> String {
        match self.tool(token, name, arguments) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error["code"].as_str().unwrap().to_owned(),
        }
    }

    fn staff(&self, path: &str, on: bool) {
        let staff = [("authorization", "Bearer sandbox-staff")];
        assert_eq!(self.send("PUT", path, &staff, json!({ "on": on }).to_string()).0, 204);
    }

    fn rest(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let (status, text) = self.send(method, path, &[("authorization", "Bearer sandbox-rest")], body.to_string());
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}

#[test]
fn the_quick_start_works_letter_by_letter() {
    let bench = Bench::new();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"test","version":"1.0"}}}"#;
    let headers = [("authorization", "Bearer sandbox-all"), ("content-type", "application/json"), ("accept", "*/*")];
    let (status, text) = bench.send("POST", "/mcp", &headers, body);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &answer["result"]["protocolVersion"]), (200, &json!("2024-11-05")));
    assert!(answer["result"]["capabilities"]["tools"].is_object() && answer["result"]["serverInfo"].is_object());
    for token in ["", "Bearer wrong", "Bearer sandbox-expired", "Bearer sandbox-revoked", "Basic sandbox-all"] {
        let (status, text) = bench.send("POST", "/mcp", &[("authorization", token)], body);
        assert_eq!(status, 401);
        assert!(text.contains("\"unauthenticated\""), "{text}");
    }
    assert_eq!(bench.send("GET", "/mcp", &headers, "").0, 405);
    let (_, list) = bench.rpc("sandbox-read", "tools/list", json!({}));
    assert_eq!(list["result"]["tools"].as_array().unwrap().len(), 14);
    let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(bench.send("POST", "/mcp", &headers, note).0, 202);
    let events = [headers[0], ("accept", "text/event-stream")];
    assert!(bench.send("POST", "/mcp", &events, body).1.starts_with("event: message\ndata: {"));
}

#[test]
fn each_refusal_has_its_code() {
    let bench = Bench::new();
    let vm = |id: &str| json!({ "vm_id": id });
    let exec = |id: &str| json!({ "vm_id": id, "command": "true" });
    let power = |id: &str, action: &str| json!({ "vm_id": id, "action": action });
    let enable = |id: &str, phrase: &str| json!({ "vm_id": id, "enabled": true, "confirmation": phrase });
    for (token, tool, arguments, expected) in [
        ("sandbox-read", "hostodo_get_vm", vm("my-server"), "ok"),
        ("sandbox-read", "hostodo_get_vm", vm("my"), "ok"),
        ("sandbox-read", "hostodo_get_vm", vm("ins::8wd2k6p4zc"), "vm_not_found"),
        ("sandbox-other", "hostodo_get_vm", vm("ins::8wd2k6p4zc"), "ok"),
        ("sandbox-read", "hostodo_get_vm", vm("prod"), "vm_not_found"),
        ("sandbox-read", "hostodo_get_vm", vm("MY-SERVER"), "vm_not_found"),
        ("sandbox-read", "hostodo_get_vm", json!({}), "invalid_argument"),
        ("sandbox-read", "hostodo_power_vm", power("my-server", "start"), "forbidden_scope"),
        ("sandbox-power", "hostodo_exec_vm_command", exec("my-server"), "forbidden_scope"),
        ("sandbox-exec", "hostodo_power_vm", power("my-server", "start"), "forbidden_scope"),
        ("sandbox-power", "hostodo_power_vm", power("archive", "start"), "vm_state_blocked"),
        ("sandbox-power", "hostodo_power_vm", power("legacy", "stop"), "vm_state_blocked"),
        ("sandbox-power", "hostodo_power_vm", power("staging", "reboot"), "vm_state_blocked"),
        ("sandbox-power", "hostodo_power_vm", power("staging", "explode"), "invalid_argument"),
        ("sandbox-exec", "hostodo_exec_vm_command", exec("production-db"), "mcp_exec_disabled"),
        (
            "sandbox-exec",
            "hostodo_set_vm_exec_enabled",
            enable("staging", "enable mcp exec ins::2mb6w3y0pd"),
            "confirmation_required",
        ),
        (
            "sandbox-exec",
            "hostodo_set_vm_exec_enabled",
            enable("staging", "ENABLE MCP EXEC staging"),
            "confirmation_required",
        ),
        ("sandbox-exec", "hostodo_set_vm_exec_enabled", enable("staging", "ENABLE MCP EXEC ins::2mb6w3y0pd"), "ok"),
        ("sandbox-exec", "hostodo_exec_vm_command", exec("staging"), "vm_state_blocked"),
        (
            "sandbox-power",
            "hostodo_rename_vm",
            json!({"vm_id": "my-server", "hostname": "builder", "confirmation": "RENAME ins::abc123 TO builder"}),
            "invalid_argument",
        ),
        (
            "sandbox-power",
            "hostodo_reinstall_vm",
            json!({"vm_id": "my-server", "template_id": 99, "confirmation": "REINSTALL ins::abc123 TO TEMPLATE 99"}),
            "invalid_argument",
        ),
    ] {
        assert_eq!(bench.code(token, tool, arguments.clone()), expected, "{token} {tool} {arguments}");
    }
    assert_eq!(bench.rpc("sandbox-all", "tools/call", json!({"name": "hostodo_dance"})).1["error"]["code"], -32602);
}

#[test]
fn switches_are_read_by_every_request_and_the_log_knows_all() {
    let bench = Bench::new();
    let exec = json!({ "vm_id": "my-server", "command": "echo" });
    assert_eq!(bench.code("sandbox-exec", "hostodo_exec_vm_command", exec.clone()), "ok");
    bench.staff("/staff/switches/exec", true);
    let refused = bench.tool("sandbox-exec", "hostodo_exec_vm_command", exec.clone()).unwrap_err();
    assert_eq!((&refused["code"], &refused["disabled_by"]), (&json!("mcp_exec_disabled"), &json!("kill_switch")));
    bench.staff("/staff/switches/exec", false);
    bench.staff("/staff/machines/ins::abc123", true);
    let refused = bench.tool("sandbox-exec", "hostodo_exec_vm_command", exec).unwrap_err();
    assert_eq!(refused["disabled_by"], "staff");
    bench.staff("/staff/switches/mcp", true);
    assert_eq!(bench.rpc("sandbox-all", "tools/list", json!({})).0, 503);
    bench.staff("/staff/switches/mcp", false);
    let (_, text) = bench.send("GET", "/staff/audit", &[("authorization", "Bearer sandbox-staff")], "");
    let events: Value = serde_json::from_str(&text).unwrap();
    let results: Vec<&str> =
        events["events"].as_array().unwrap().iter().map(|event| text_of(event, "result")).collect();
    assert_eq!(results, ["ok", "mcp_exec_disabled", "mcp_exec_disabled"]);
    assert_eq!(bench.send("GET", "/staff/audit", &[("authorization", "Bearer sandbox-all")], "").0, 401);
}

#[test]
fn rates_are_limited_by_customer_and_by_machine() {
    let bench = Bench::new();
    let exec = json!({ "vm_id": "my-server", "command": "true" });
    let codes: Vec<String> =
        (0..11).map(|_| bench.code("sandbox-exec", "hostodo_exec_vm_command", exec.clone())).collect();
    assert!(codes[..10].iter().all(|code| code == "ok"));
    assert_eq!(codes[10], "rate_limited");
    let codes: Vec<String> = (0..120).map(|_| bench.code("sandbox-read", "hostodo_list_vms", json!({}))).collect();
    assert_eq!(codes.iter().filter(|code| *code == "ok").count(), 109, "120 in all");
    let refused = bench.tool("sandbox-read", "hostodo_list_vms", json!({})).unwrap_err();
    assert!(refused["retry_after_seconds"].as_u64().unwrap() > 0);
    assert_eq!(bench.code("sandbox-other", "hostodo_list_vms", json!({})), "ok");
    bench.wait(61);
    assert_eq!(bench.code("sandbox-exec", "hostodo_exec_vm_command", exec), "ok");
}

#[test]
fn short_commands_have_limits() {
    let bench = Bench::new();
    let run = |command: &str| {
        bench
            .owner("hostodo_exec_vm_command", json!({"vm_id": "my-server", "command": command, "timeout_seconds": 2}))
            .unwrap()
    };
    let done = run("echo hi; echo no > /tmp/a; cat /tmp/a; exit 3");
    assert_eq!(done["stdout"], "hi\nno\n");
    assert_eq!((&done["exit_code"], &done["timed_out"]), (&json!(3), &json!(false)));
    let late = run("echo begun; sleep 60; echo over");
    assert_eq!(
        (&late["stdout"], &late["exit_code"], &late["timed_out"]),
        (&json!("begun\n"), &Value::Null, &json!(true))
    );
    let long = run("yes");
    assert_eq!(long["stdout"].as_str().unwrap().len(), 65_536);
    assert_eq!(long["stdout_truncated"], true);
}

#[test]
fn long_commands_go_their_way() {
    let bench = Bench::new();
    let start = |command: &str, timeout: u64| {
        let given = json!({"vm_id": "my-server", "command": command, "timeout_seconds": timeout, "label": "l"});
        bench.owner("hostodo_start_vm_command", given).map(|started| started["command_id"].clone())
    };
    let output = |id: &Value| {
        bench.owner("hostodo_get_vm_command_output", json!({"vm_id": "my-server", "command_id": id})).unwrap()
    };
    let status = |id: &Value| output(id)["status"].as_str().unwrap().to_owned();

    let id = start("docker compose build", 600).unwrap();
    assert_eq!(status(&id), "queued");
    let second = start("true", 600).unwrap_err();
    assert_eq!((&second["code"], &second["command_id"]), (&json!("vm_command_in_progress"), &id));
    bench.wait(10);
    assert_eq!(status(&id), "running");
    // Every byte once, from the offsets that are given.
    let (mut all, mut offset) = (String::new(), 0);
    for _ in 0..400 {
        let piece = bench.owner(
            "hostodo_read_vm_command_logs",
            json!({"vm_id": "my-server", "command_id": id, "stdout_offset": offset, "max_bytes": 100}),
        );
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => {
                assert_eq!(error["code"], "rate_limited");
                bench.wait(61);
                continue;
            }
        };
        all.push_str(piece["stdout"].as_str().unwrap());
        offset = piece["next_stdout_offset"].as_u64().unwrap();
        if piece["stdout_eof"] == true {
            break;
        }
        bench.wait(3);
    }
    assert_eq!((all.lines().count(), all.lines().last()), (40, Some("#40 [app 40/40] RUN step 40")));
    assert_eq!((status(&id).as_str(), &output(&id)["exit_code"]), ("succeeded", &json!(0)));

    for (command, act, expected) in [
        ("exit 2", None, "failed"),
        ("sleep 3000", None, "timed_out"),
        ("sleep 3000", Some(("hostodo_cancel_vm_command", json!({}))), "cancelled"),
        ("sleep 3000", Some(("hostodo_power_vm", json!({"action": "reset"}))), "unknown"),
        ("sleep 3000", Some(("hostodo_power_vm", json!({"action": "reboot"}))), "failed"),
    ] {
        bench.wait(61);
        let id = start(command, 60).unwrap();
        bench.wait(5);
        if let Some((tool, mut arguments)) = act {
            arguments["vm_id"] = "my-server".into();
            if tool == "hostodo_cancel_vm_command" {
                arguments["command_id"] = id.clone();
            }
            bench.owner(tool, arguments).unwrap();
        }
        bench.wait(61);
        assert_eq!(status(&id), expected, "{command}");
    }
}

#[test]
fn files_arrive_whole_or_not_at_all() {
    let bench = Bench::new();
    let content = "server {}\n";
    let hash = hex(&sha256(content.as_bytes()));
    let slot = |vm: &str, size: usize, purpose: &str| {
        let given =
            json!({"vm_id": vm, "filename": "nginx.conf", "size_bytes": size, "sha256": hash, "purpose": purpose});
        bench.owner("hostodo_create_artifact_upload", given)
    };
    let install = |id: &Value, path: &str| {
        let given = json!({"artifact_id": id, "destination_path": path, "mode": "0640"});
        bench.owner("hostodo_install_artifact", given)
    };
    let binary = ("content-type", "application/octet-stream");
    let put = |url: &Value, headers: &[(&str, &str)], body: &str| {
        bench.send("PUT", url.as_str().unwrap(), headers, body.to_owned()).0
    };
    for (purpose, most) in [("config", 1 << 20), ("script", 5 << 20), ("file", 256 << 20)] {
        assert!(slot("my-server", most, purpose).is_ok());
        assert_eq!(slot("my-server", most + 1, purpose).unwrap_err()["code"], "invalid_argument");
    }
    let made = slot("my-server", content.len(), "config").unwrap();
    let (id, url) = (&made["artifact_id"], &made["upload_url"]);
    assert!(url.as_str().unwrap().starts_with("http://127.0.0.1:8200/storage/"));
    let place = "/etc/nginx/conf.d/site.conf";
    assert_eq!(install(id, place).unwrap_err()["code"], "artifact_not_uploaded");
    assert_eq!(put(url, &[binary, ("authorization", "Bearer sandbox-all")], content), 400);
    assert_eq!(put(url, &[("content-type", "text/plain")], content), 400);
    assert_eq!(put(url, &[binary], "more than was announced"), 413);
    assert_eq!(put(url, &[binary], "too short"), 400);
    assert_eq!(put(&json!(url.as_str().unwrap().replace("signature=", "signature=0")), &[binary], content), 403);
    assert_eq!(put(url, &[binary], "server [}\n"), 200);
    assert_eq!(install(id, place).unwrap_err()["code"], "artifact_sha_mismatch");
    assert_eq!(put(url, &[binary], content), 200);
    for denied in ["/etc/shadow", "/proc/1", "/etc/../etc/x", "/a//b"] {
        assert_eq!(install(id, denied).unwrap_err()["code"], "invalid_argument", "{denied}");
    }
    bench.wait(61);
    assert_eq!(install(id, place).unwrap()["mode"], "0640");
    let shown = bench.owner(
        "hostodo_exec_vm_command",
        json!({"vm_id": "my-server", "command": format!("cat {place}; stat {place}")}),
    );
    assert_eq!(shown.unwrap()["stdout"], format!("{content}{place} 0640 root 10\n"));
    let made = slot("builder", content.len(), "config").unwrap();
    assert_eq!(put(&made["upload_url"], &[binary], content), 200);
    assert_eq!(install(&made["artifact_id"], place).unwrap_err()["code"], "guest_missing_dependency");
    bench.wait(901);
    assert_eq!(put(&made["upload_url"], &[binary], content), 403);
}

#[test]
fn a_reinstalled_machine_is_empty_and_shut() {
    let bench = Bench::new();
    let given =
        json!({"vm_id": "my-server", "template_id": 12, "confirmation": "REINSTALL ins::abc123 TO TEMPLATE 12"});
    let made = bench.owner("hostodo_reinstall_vm", given).unwrap();
    assert!(made["rootpw"].as_str().unwrap().len() > 6);
    let vm = bench.owner("hostodo_get_vm", json!({"vm_id": "my-server"})).unwrap();
    assert_eq!((&vm["vm"]["mcp_exec_enabled"], &vm["vm"]["template"]["id"]), (&json!(false), &json!(12)));
    assert!(!vm.to_string().contains("password"));
}

#[test]
fn the_rest_api_answers_as_its_client_expects() {
    let bench = Bench::new();
    for (method, path, body, expected, pointer) in [
        ("GET", "/v1/auth/", json!({}), 200, "/email"),
        ("GET", "/client/instances/?limit=2", json!({}), 200, "/results/1/instance_id"),
        ("GET", "/client/instances/ins%3A%3Aabc123/", json!({}), 200, "/instance/hostname"),
        ("GET", "/client/instances/ins%3A%3A4kq0v7m2xa/", json!({}), 200, "/hostname"),
        ("GET", "/client/instances/ins%3A%3A8wd2k6p4zc/", json!({}), 404, "/detail"),
        ("GET", "/client/instances/ins%3A%3Aabc123/power_status/", json!({}), 200, "/instance/power_status"),
        ("GET", "/client/instances/ins%3A%3Aabc123/events/", json!({}), 200, "/events/2/client_event_message"),
        ("GET", "/client/plans/", json!({}), 200, "/results/0/price_monthly"),
        ("GET", "/client/regions/", json!({}), 200, "/results/0/plan_categories/0/id"),
        ("GET", "/client/templates/", json!({}), 200, "/results/0/default_username"),
        (
            "POST",
            "/client/orders/price/",
            json!({"plan_id": 2, "billing_cycle": "annually", "quantity": 1}),
            200,
            "/amount_due",
        ),
        ("POST", "/client/orders/price/", json!({"plan_id": 2, "billing_cycle": "triennially"}), 400, "/detail"),
        ("GET", "/v1/billing/payment-methods/", json!({}), 200, "/results/0/last_four"),
        ("GET", "/v1/billing/invoices/?status=unpaid", json!({}), 200, "/results/1/invoice_number"),
        ("POST", "/v1/billing/invoices/INV-1002/pay/", json!({}), 200, "/transaction_id"),
        ("POST", "/v1/billing/invoices/INV-1002/pay/", json!({}), 400, "/detail"),
        ("POST", "/client/ssh-keys/", json!({"name": "k", "public_key": "ssh-ed25519 A"}), 201, "/fingerprint"),
        ("DELETE", "/client/ssh-keys/2/", json!({}), 204, ""),
        ("DELETE", "/client/ssh-keys/2/", json!({}), 404, "/detail"),
        ("DELETE", "/v1/cli-sessions/2/", json!({}), 204, ""),
        ("GET", "/v1/auth", json!({}), 404, "/detail"),
        (
            "POST",
            "/client/orders/deploy_instance/",
            json!({"hostname": "new", "region": "Las Vegas", "template": "Debian 12", "plan": "KVM-1G", "billing_cycle": "monthly", "quantity": 1}),
            200,
            "/order/order_number",
        ),
        (
            "POST",
            "/client/orders/deploy_instance/",
            json!({"hostname": "new", "region": "Tampa", "template": "Debian 12", "plan": "KVM-1G", "billing_cycle": "monthly"}),
            400,
            "/detail",
        ),
    ] {
        let (status, answer) = bench.rest(method, path, body);
        assert_eq!(status, expected, "{method} {path}: {answer}");
        assert!(
            pointer.is_empty() && answer.is_null() || answer.pointer(pointer).is_some_and(|found| !found.is_null()),
            "{path}: {answer}"
        );
    }
    assert_eq!(bench.owner("hostodo_get_vm", json!({"vm_id": "new"})).unwrap()["vm"]["plan"], "KVM-2G");
    let (status, text) = bench.send("GET", "/v1/auth/", &[("authorization", "Bearer sandbox-revoked")], "");
    assert!(status == 401 && text.contains("revoked"), "{text}");
    assert_eq!(bench.send("GET", "/v1/auth/", &[("authorization", "Bearer sandbox-all")], "").0, 401);
}

#[test]
fn a_device_is_signed_in_after_a_while() {
    let bench = Bench::new();
    let post = |path: &str, body: Value| {
        let (status, text) = bench.send("POST", path, &[], body.to_string());
        (status, serde_json::from_str::<Value>(&text).unwrap())
    };
    let ask = |name: &str| {
        let (_, begun) = post("/v1/oauth/device/authorize", json!({ "device_name": name }));
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let body = json!({"grant_type": grant, "device_code": begun["device_code"]});
        (0..3)
            .map(|_| post("/v1/oauth/token", body.clone()).1)
            .map(|answer| text_of(&answer, if answer["error"].is_null() { "access_token" } else { "error" }).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ask("laptop"), ["authorization_pending", "authorization_pending", "sandbox-rest"]);
    assert_eq!(ask("deny")[0], "access_denied");
    assert_eq!(ask("expire")[0], "expired_token");
}
