//! What is protected by its name or its tag, against the simulated estates: every tool that changes something is called
//! for a part of what is protected, by numbers alone, and for something else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use infra_mcp_model::Danger;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::assembly;
use crate::call::Caller;
use crate::catalogue::Catalogue;
use crate::config::{Config, Environment, Only, Options};
use crate::error::CallError;
use crate::executor::{Executor, Simulator};
use crate::generated::PROVIDERS;
use crate::policy::Way;
use crate::principal::{Grant, Principal};
use crate::server::Server;

/// Tools that only make something new, which nothing protects but the names in their arguments; and one that takes a
/// file of this machine, and is told apart from `hostodo_create_artifact_upload` by that alone.
const APART: [&str; 3] = ["hostodo_deploy_instance", "hostodo_add_ssh_key", "hostodo_upload_file"];

fn server(provider: &str, patterns: &[&str], way: Way) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let limits = "[limits]\nprincipal = { writes_per_minute = 0 }\nresource = { writes_per_minute = 0 }\n\
                  server = { writes_per_minute = 0 }\n";
    std::fs::write(&file, format!("[protected]\n{provider} = {}\n{limits}", json!(patterns))).unwrap();
    let options = Options { sandbox: true, policy: Some(file), access: Some("full".to_owned()), ..Options::default() };
    let config = Config::new(options, &Environment::of(&[]), Only::Everything(PROVIDERS)).unwrap();
    let config = Config { approval: way, ..config };
    let catalogue = Catalogue::select(PROVIDERS, &config.selection).unwrap();
    (folder, assembly::server(config, catalogue.into(), PROVIDERS))
}

/// The code of what came of the call.
async fn code(server: &Server, provider: &str, name: &str, arguments: &Value) -> String {
    let entry = server.catalogue.get(provider, name).unwrap();
    let arguments = arguments.as_object().unwrap().clone();
    match server.carry_out(entry, arguments.into(), server.local_caller(None)).await {
        Ok(_) => "done".to_owned(),
        Err(error @ (CallError::Arguments(_) | CallError::Reference { .. })) => panic!("{name}: {error}"),
        Err(error) => error.code().to_owned(),
    }
}

async fn each_is_protected(provider: &str, patterns: &[&str], cases: &[(&str, Value, Value)]) {
    let (_folder, server) = server(provider, patterns, Way::None);
    for (name, touching, other) in cases {
        assert_eq!(code(&server, provider, name, touching).await, "protected_resource", "{name} {touching}");
        if !other.is_null() {
            assert_ne!(code(&server, provider, name, other).await, "protected_resource", "{name} {other}");
        }
    }
    let tried: BTreeSet<&str> = cases.iter().map(|(name, ..)| *name).chain(APART).collect();
    let provider = PROVIDERS.iter().find(|known| known.name == provider).unwrap();
    let changing = provider.tools().filter(|tool| !Danger::worst(&tool.review).is_none());
    let untried: Vec<&str> = changing.map(|tool| tool.name.as_ref()).filter(|name| !tried.contains(name)).collect();
    assert!(untried.is_empty(), "{untried:?}");
}

/// VM 1 is web-1 with machine 101, drive 201, card 301 and snapshot 401; VM 2 has the tag gold; network 2 is Internal.
#[tokio::test]
async fn vergeos_protects_what_is_a_part_of_something_protected() {
    let on = |table: &str, key: u64| json!({"table": table, "key": key});
    let update = |table: &str, key: u64, data: Value| json!({"table": table, "key": key, "data": data});
    let act = |table: &str, key: u64, action: &str| json!({"table": table, "key": key, "action": action});
    let off = |name: &'static str| (name, json!({"id": 1}), json!({"id": 3}));
    let nic = |machine: u64| json!({"table": "machine_nics", "data": {"machine": machine, "interface": "virtio"}});
    let rule = |vnet: u64| {
        let data = json!({"vnet": vnet, "name": "r", "direction": "incoming", "action": "accept", "protocol": "tcp",
                          "interface": "auto"});
        json!({"table": "vnet_rules", "data": data})
    };
    let cases = [
        off("power_on_vm"),
        off("power_off_vm"),
        off("force_off_vm"),
        ("force_off_vm", json!({"id": 2}), Value::Null),
        off("reset_vm"),
        ("modify_vm", json!({"id": "1", "cpu_cores": 2}), json!({"id": 3, "cpu_cores": 2})),
        ("resize_drive", json!({"drive_id": 201, "new_size_gb": 99}), json!({"drive_id": 203, "new_size_gb": 99})),
        (
            "add_drive",
            json!({"machine_id": 101, "name": "d", "size_gb": 1}),
            json!({"machine_id": 103, "name": "d", "size_gb": 1}),
        ),
        // The machine of a protected network.
        ("add_drive", json!({"machine_id": 112, "name": "d", "size_gb": 1}), Value::Null),
        ("create_vm_snapshot", json!({"vm_id": 1, "name": "s"}), json!({"vm_id": 3, "name": "s"})),
        ("delete_vm_snapshot", json!({"snapshot_id": 401}), Value::Null),
        ("restore_vm_snapshot", json!({"vm_id": 1, "snapshot_id": 401}), Value::Null),
        ("network_action", json!({"id": 2, "action": "reset"}), json!({"id": 1, "action": "reset"})),
        ("tenant_action", json!({"id": 1, "action": "poweroff"}), Value::Null),
        ("table_create", nic(101), nic(103)),
        ("table_create", nic(102), Value::Null),
        ("table_create", rule(2), rule(1)),
        ("table_create", json!({"table": "tag_members", "data": {"tag": 1, "member": "vms/1"}}), Value::Null),
        ("table_update", update("vms", 1, json!({"description": "x"})), update("vms", 3, json!({"description": "x"}))),
        (
            "table_update",
            update("machine_drives", 201, json!({"enabled": false})),
            update("machine_drives", 203, json!({"enabled": false})),
        ),
        ("table_delete", on("vms", 1), Value::Null),
        ("table_delete", on("machine_nics", 301), on("machine_nics", 303)),
        ("table_delete", on("tag_members", 1), Value::Null),
        ("table_action", act("vms", 1, "kill"), act("vms", 3, "kill")),
        ("table_action", act("vms", 2, "poweron"), Value::Null),
        ("table_action", act("vnets", 2, "reset"), act("vnets", 1, "reset")),
    ];
    each_is_protected("vergeos", &["web-?", "gold", "internal", "acme"], &cases).await;
}

/// `ins::4kq0v7m2xa` is production-web, `ins::abc123` my-server.
#[tokio::test]
async fn hostodo_protects_whatever_names_the_machine() {
    let on = |vm: &str, more: Value| {
        let mut arguments = json!({"vm_id": vm});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let both = |name: &'static str, more: Value| (name, on("ins::4kq0v7m2xa", more.clone()), on("ins::abc123", more));
    let said = |name: &'static str, more: Value, phrase: fn(&str) -> String| {
        let with = |vm: &str| on(vm, json!({"confirmation": phrase(vm)}));
        let mut pair = [with("ins::4kq0v7m2xa"), with("ins::abc123")];
        pair.iter_mut().for_each(|one| one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone()));
        let [touching, other] = pair;
        (name, touching, other)
    };
    let upload = json!({"filename": "f", "size_bytes": 1, "sha256": "0".repeat(64), "purpose": "file"});
    let cases = [
        said("hostodo_reinstall_vm", json!({"template_id": 7}), |vm| format!("REINSTALL {vm} TO TEMPLATE 7")),
        said("hostodo_rename_vm", json!({"hostname": "new"}), |vm| format!("RENAME {vm} TO new")),
        said("hostodo_set_vm_exec_enabled", json!({"enabled": true}), |vm| format!("ENABLE MCP EXEC {vm}")),
        both("hostodo_power_vm", json!({"action": "stop"})),
        both("hostodo_power_off_vm", json!({})),
        both("hostodo_exec_vm_command", json!({"command": "true"})),
        both("hostodo_start_vm_command", json!({"command": "true"})),
        both("hostodo_cancel_vm_command", json!({"command_id": "c"})),
        both("hostodo_create_artifact_upload", upload),
        both("hostodo_install_artifact", json!({"artifact_id": "a", "destination_path": "/a"})),
        ("hostodo_revoke_session", json!({"session_id": 1}), json!({"session_id": 2})),
        ("hostodo_remove_ssh_key", json!({"ssh_key_id": 1}), Value::Null),
        ("hostodo_pay_invoice", json!({"invoice_number": "INV-1002"}), json!({"invoice_number": "INV-1003"})),
    ];
    each_is_protected("hostodo", &["production-*", "laptop", "INV-1002"], &cases).await;
}

/// A preview shows the resource and what it is a part of, to whom may read such things.
#[tokio::test]
async fn a_preview_shows_what_may_be_read() {
    let (_folder, server) = server("vergeos", &[], Way::Operator);
    let preview = async |name: &str, arguments: Value, scopes: &[&str]| {
        let entry = server.catalogue.get("vergeos", name).unwrap();
        let id = format!("token:{}", scopes.join("-"));
        let scopes = Some(scopes.iter().map(ToString::to_string).collect());
        let principal = Arc::new(Principal::new(id, Grant { scopes, ..Grant::default() }));
        let caller = Caller { principal, ..Caller::local(None) };
        let Value::Object(arguments) = arguments else { panic!("{name} takes an object") };
        server.carry_out(entry, arguments.into(), caller).await.unwrap_err().to_string()
    };
    let vm = r#"Resource now: table "vms", key 1, name "web-1", created "#;
    for (name, arguments, scopes, shown, hidden) in [
        ("force_off_vm", json!({"id": 1}), &["vms:*"][..], &[vm, r#"power_state "running""#][..], &[][..]),
        ("force_off_vm", json!({"id": 1}), &["vms:power", "tables:read"], &[vm], &[]),
        ("force_off_vm", json!({"id": 1}), &["vms:power"], &["approve"], &["web-1", "Resource now"]),
        (
            "resize_drive",
            json!({"drive_id": 202, "new_size_gb": 99}),
            &["*"],
            &[
                r#"Resource now: table "machine_drives", key 202"#,
                r#"Part of: table "vms", key 2, tags ["gold"], name "web-2""#,
            ],
            &[],
        ),
        ("table_delete", json!({"table": "vms", "key": 1}), &["tables:write"], &["approve"], &["web-1"]),
    ] {
        let text = preview(name, arguments, scopes).await;
        assert!(shown.iter().all(|part| text.contains(part)), "{name} {scopes:?}: {text}");
        assert!(!hidden.iter().any(|part| text.contains(part)), "{name} {scopes:?}: {text}");
        assert!(!text.contains("not-to-be-seen"), "{text}");
    }
}

/// Shows a credential to whoever reads a resource by its id.
struct Revealing;

impl Simulator for Revealing {
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        assert_eq!(request.method(), http::Method::GET, "{}", request.uri());
        let shown = json!({"id": "x", "label": "production-1", "name": "production-1", "password": "canary",
                           "preferences": {"authTokens": "canary"}, "device_config": {"password": "canary"}});
        let mut answer = http::Response::new(Bytes::from(shown.to_string()));
        answer.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
        answer
    }
}

/// A read that hands out a credential tells whether a resource is protected, and is shown to nobody.
#[tokio::test]
async fn a_look_that_reveals_a_credential_is_for_judging_alone() {
    for (patterns, way, expected) in [
        (&["production-*"][..], Way::None, "protected_resource"),
        (&["other-*"], Way::Operator, "confirmation_required"),
        (&[], Way::Operator, "confirmation_required"),
    ] {
        let (_folder, server) = server("xen-orchestra", patterns, way);
        let server = Server { executor: Executor::simulated(Arc::new(Revealing)).into(), ..server };
        for name in ["DeleteServer", "UnplugPbd", "ForgetBackupRepository", "DeleteUser", "PostAuthenticationTokens"] {
            let entry = server.catalogue.get("xen-orchestra", name).unwrap();
            let id = json!("0b0e4ac5-7f3a-4f0e-9d6e-0d8a5a3b1c00");
            let arguments = Map::from_iter([("id".to_owned(), id)]);
            let error = server.carry_out(entry, arguments.into(), server.local_caller(None)).await.unwrap_err();
            assert_eq!(error.code(), expected, "{name}: {error}");
            let text = error.to_string();
            assert!(!text.contains("canary") && !text.contains("production-1"), "{name}: {text}");
        }
    }
}
