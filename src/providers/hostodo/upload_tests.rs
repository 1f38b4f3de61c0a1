//! Files of this machine on their way into simulated ones.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::tests::{called, server_with};
use crate::call::{Caller, Listener};
use crate::config::Options;
use crate::policy::Way;
use crate::principal::{Grant, Principal};
use crate::server::Server;
use crate::server::listing::Form;

const CONF: &str = "server { listen 80; }\n";

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("nginx.conf"), CONF).unwrap();
    std::fs::write(place.path().join("empty"), "").unwrap();
    for (name, size) in [("config", (1 << 20) + 1), ("script", (5 << 20) + 1), ("largest", 5 << 20)] {
        std::fs::write(place.path().join(name), vec![b'#'; size]).unwrap();
    }
    std::fs::File::create(place.path().join("file")).unwrap().set_len((256 << 20) + 1).unwrap();
    place
}

fn server(place: &Path, way: Way) -> Server {
    server_with(Options { upload_dir: vec![place.to_owned()], ..Options::default() }, way)
}

fn upload(change: Value) -> Value {
    let mut arguments = json!({
        "vm_id": "my-server", "path": "nginx.conf", "purpose": "config",
        "destination_path": "/etc/nginx/conf.d/site.conf",
    });
    arguments.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    arguments
}

async fn send(server: &Server, change: Value) -> (Value, bool) {
    called(server, "hostodo_upload_file", upload(change), Caller::local(None)).await
}

async fn run(server: &Server, vm: &str, command: &str) -> Value {
    let arguments = json!({"vm_id": vm, "command": command});
    called(server, "hostodo_exec_vm_command", arguments, Caller::local(None)).await.0["stdout"].clone()
}

#[tokio::test]
async fn one_call_brings_a_file_to_its_place() {
    let place = place();
    let server = server(place.path(), Way::None);
    let (listener, mut heard) = Listener::new();
    let caller = Caller { listener: Some(listener), ..Caller::local(None) };
    let (answer, is_error) = called(&server, "hostodo_upload_file", upload(json!({})), caller).await;
    assert!(!is_error, "{answer}");
    let told = heard.try_recv().unwrap();
    assert_eq!((told.done, told.total), (CONF.len() as f64, Some(CONF.len() as f64)));
    assert_eq!(
        (&answer["vm_id"], &answer["mode"], &answer["owner"]),
        (&json!("ins::abc123"), &json!("0640"), &json!("root"))
    );
    let there = run(&server, "my-server", "cat /etc/nginx/conf.d/site.conf; stat /etc/nginx/conf.d/site.conf").await;
    assert_eq!(there, format!("{CONF}/etc/nginx/conf.d/site.conf 0640 root {}\n", CONF.len()));
    for (change, mode) in [
        (json!({"purpose": "script"}), "0750"),
        (json!({"purpose": "file"}), "0644"),
        (json!({"purpose": "file", "mode": "600"}), "600"),
        (json!({"purpose": "script", "path": "largest"}), "0750"),
        (
            json!({"path": place.path().join("nginx.conf"), "sha256": answer["sha256"].as_str().unwrap().to_uppercase()}),
            "0640",
        ),
    ] {
        let (answer, is_error) = send(&server, change.clone()).await;
        assert!(!is_error && answer["mode"] == mode, "{change}: {answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_sent() {
    let place = place();
    let server = server(place.path(), Way::None);
    for (change, expected) in [
        (json!({"path": "none"}), "is no file below"),
        (json!({"path": "../nginx.conf"}), "is no file below"),
        (json!({"path": "/etc/passwd"}), "is no file below"),
        (json!({"path": "config"}), "size_bytes"),
        (json!({"path": "script", "purpose": "script"}), "size_bytes"),
        (json!({"path": "file", "purpose": "file"}), "size_bytes"),
        (json!({"path": "empty"}), "size_bytes"),
        (json!({"size_bytes": 5}), "`size_bytes`: \"5\" is not that of \"nginx.conf\""),
        (json!({"sha256": "0".repeat(64)}), "`sha256`"),
        (json!({"destination_path": "etc/nginx.conf"}), "destination_path"),
        (json!({"vm_id": "production-db"}), "mcp_exec_disabled: "),
        (json!({"vm_id": "production"}), "fits 2 of them"),
    ] {
        let (answer, is_error) = send(&server, change.clone()).await;
        let text = answer.as_str().unwrap_or_default();
        assert!(is_error && text.contains(expected), "{change}: {answer}");
    }
    let closed = server_with(Options::default(), Way::None);
    let (answer, _) = send(&closed, json!({})).await;
    assert!(answer.as_str().unwrap().contains("--upload-dir"), "{answer}");
}

/// What was uploaded and could not be installed is not sent again; what never arrived is.
#[tokio::test]
async fn a_failed_installation_is_taken_up_where_it_ended() {
    let place = place();
    let server = server(place.path(), Way::None);
    let (answer, is_error) = send(&server, json!({"vm_id": "builder"})).await;
    let text = answer.as_str().unwrap();
    assert!(is_error && text.starts_with("guest_missing_dependency: "), "{text}");
    let artifact = text.split("uploaded as ").nth(1).unwrap().split(' ').next().unwrap();
    run(&server, "builder", "apt-get install curl").await;
    let (listener, mut heard) = Listener::new();
    let caller = Caller { listener: Some(listener), ..Caller::local(None) };
    let again = upload(json!({"vm_id": "builder", "artifact_id": artifact}));
    let (answer, is_error) = called(&server, "hostodo_upload_file", again, caller).await;
    assert!(!is_error && answer["artifact_id"] == artifact, "{answer}");
    assert!(heard.try_recv().is_err(), "nothing was sent");
    assert_eq!(run(&server, "builder", "cat /etc/nginx/conf.d/site.conf").await, CONF);

    let slot = json!({
        "vm_id": "my-server", "filename": "nginx.conf", "size_bytes": CONF.len(), "purpose": "config",
        "sha256": answer["sha256"],
    });
    let (slot, _) = called(&server, "hostodo_create_artifact_upload", slot, Caller::local(None)).await;
    let (answer, is_error) = send(&server, json!({"artifact_id": slot["artifact_id"]})).await;
    assert!(!is_error && answer["artifact_id"] != slot["artifact_id"], "{answer}");
}

#[tokio::test]
async fn who_is_elsewhere_needs_a_scope_that_no_wildcard_grants() {
    let place = place();
    let server = server(place.path(), Way::None);
    for (scopes, path, expected) in [
        (Some(vec!["*"]), "nginx.conf", Some("forbidden_scope: ")),
        (Some(vec!["*", "files:*"]), "none", Some("forbidden_scope: ")),
        (None, "nginx.conf", Some("forbidden_scope: ")),
        (Some(vec!["files:read", "vms:read"]), "nginx.conf", Some("forbidden_scope: ")),
        (Some(vec!["*", "files:read"]), "nginx.conf", None),
    ] {
        let scopes = scopes.map(|scopes| scopes.into_iter().map(str::to_owned).collect());
        let grant = Grant { scopes, ..Grant::default() };
        let principal = Arc::new(Principal::new("token:ci", grant.clone()));
        let listed = server.listing(Arc::clone(&principal)).to_value(Form::Titled).unwrap();
        let listed = listed.as_array().unwrap().iter().any(|tool| tool["name"] == "hostodo_upload_file");
        assert_eq!(listed, expected.is_none(), "{grant:?}: listed as it can be called");
        let caller = Caller { principal, address: Some([192, 0, 2, 1].into()), ..Caller::local(None) };
        let (answer, is_error) = called(&server, "hostodo_upload_file", upload(json!({"path": path})), caller).await;
        match expected {
            Some(expected) => {
                assert!(is_error && answer.as_str().unwrap().starts_with(expected), "{grant:?}: {answer}")
            }
            None => assert!(!is_error, "{grant:?}: {answer}"),
        }
    }
}

/// The approval names the content, and is good for no other.
#[tokio::test]
async fn what_was_approved_is_what_is_sent() {
    let place = place();
    let server = server(place.path(), Way::Token);
    let (preview, is_error) = send(&server, json!({})).await;
    let preview = preview.as_str().unwrap();
    assert!(is_error && preview.starts_with("confirmation_required: "), "{preview}");
    assert!(preview.contains("size_bytes") && preview.contains("my-server"), "{preview}");
    let token = preview.split("`confirm_token`: \"").nth(1).unwrap().split('"').next().unwrap();
    std::fs::write(place.path().join("nginx.conf"), "server { listen 81; }\n").unwrap();
    let (answer, is_error) = send(&server, json!({"confirm_token": token})).await;
    assert!(is_error && answer.as_str().unwrap().starts_with("confirmation_mismatch: "), "{answer}");
    std::fs::write(place.path().join("nginx.conf"), CONF).unwrap();
    let (answer, is_error) = send(&server, json!({"confirm_token": token})).await;
    assert!(!is_error, "{answer}");
}
