use std::sync::Arc;

use infra_mcp_model::Access;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::assembly;
use crate::catalogue::Catalogue;
use crate::config::{ApprovalWay, Config, Environment, Only, Options};
use crate::generated::PROVIDERS;
use crate::policy::{Request, Step};
use crate::principal::{Grant, Principal};

/// Every provider in the sandbox, with approval by token.
fn served(state: &TempDir) -> Server {
    let options = Options {
        sandbox: true,
        access: Some(Access::Full.as_str().to_owned()),
        approval: Some(ApprovalWay::Token),
        state_dir: Some(state.path().to_owned()),
        ..Options::default()
    };
    let config = Config::new(options, &Environment::of(&[]), Only::Everything(PROVIDERS)).unwrap();
    let catalogue = Arc::new(Catalogue::select(PROVIDERS, &config.selection).unwrap());
    assembly::server(config, catalogue, PROVIDERS)
}

async fn call(server: &Server, tool: &str, arguments: &Value, caller: Caller) -> Result<Value, CallError> {
    let arguments = arguments.as_object().unwrap().clone();
    let reply = server.attempt(tool, arguments, caller).await.unwrap()?;
    Ok(serde_json::from_str(&reply.body).unwrap_or(Value::Null))
}

/// The tools that were called so far with what they acted on, from the audit log.
fn audited(server: &Server, state: &TempDir) -> Vec<(String, String)> {
    server.recorder.flush();
    let mut events = Vec::new();
    let store = crate::store::Store::existing(&state.path().join("sandbox")).unwrap().unwrap();
    let read = |segment: crate::store::Segment| {
        events.extend(segment.events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    };
    store.read_audit(read).unwrap();
    let calls = events.iter().filter(|event| event["event"] == "call");
    let resource = |event: &Value| event["resource"].as_str().unwrap_or_default().to_owned();
    calls.map(|event| (event["tool"].as_str().unwrap().to_owned(), resource(event))).collect()
}

fn token(request: &Request) -> &str {
    match &request.step {
        Step::Repeat(token) => token,
        other => panic!("{other:?}"),
    }
}

/// A tool that has to be approved, called by a name; then the same call by the id with the approval of the first.
#[tokio::test]
async fn a_name_is_its_id_in_preview_approval_and_audit() {
    let third = "00000003-0000-4000-8000-000000000003";
    for (tool, by, lists, id, more) in [
        (
            "VPS_recreateVirtualMachineV1",
            "virtualMachineId=web-1",
            "VPS_getVirtualMachinesV1",
            json!(100_001),
            "template_id=1013",
        ),
        ("force_off_vm", "id=web-2", "list_vms", json!(2), ""),
        ("vms_action", "id=db-1", "GetVms", json!(third), "operation=HardShutdownVm"),
        ("hostodo_power_vm", "vm_id=staging", "hostodo_list_vms", json!("ins::2mb6w3y0pd"), "action=stop"),
    ] {
        let state = TempDir::new().unwrap();
        let server = served(&state);
        let local = || server.local_caller(None);
        let (argument, name) = by.split_once('=').unwrap();
        let mut arguments = json!({});
        if let Some((name, value)) = more.split_once('=') {
            arguments[name] = value.parse::<i64>().map_or_else(|_| value.into(), Value::from);
        }
        arguments[argument] = name.into();
        let request = match call(&server, tool, &arguments, local()).await {
            Err(CallError::Unapproved(request)) => request,
            other => panic!("{tool}: {other:?}"),
        };
        let written = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let sent = |line: &&str| line.starts_with("Request: ") || line.starts_with("Arguments: ");
        let sent: Vec<&str> = request.preview.lines().filter(sent).collect();
        let says = |text: &str| sent.iter().any(|line| line.contains(text));
        assert!(says(&written) && !says(name), "{tool}: {}", request.preview);

        arguments["confirm_token"] = token(&request).into();
        arguments[argument] = id;
        call(&server, tool, &arguments, local()).await.unwrap_or_else(|error| panic!("{tool}: {error}"));
        let audited = audited(&server, &state);
        let [looked, asked, done] = &audited[..] else { panic!("{tool}: {audited:?}") };
        assert_eq!(looked.0, lists);
        assert_eq!(asked, done);
        assert!(done.1.ends_with(&written), "{tool}: {audited:?}");
    }
}

#[tokio::test]
async fn what_is_named_must_be_one_and_the_list_be_open_to_who_calls() {
    let state = TempDir::new().unwrap();
    let server = served(&state);
    let local = || server.local_caller(None);
    for (tool, arguments, expected) in [
        ("VPS_startVirtualMachineV1", json!({"virtualMachineId": "db"}), Ok(())),
        ("VPS_startVirtualMachineV1", json!({"virtualMachineId": "100002"}), Ok(())),
        ("VPS_getVirtualMachineDetailsV1", json!({"virtualMachineId": "mail"}), Err("fits no virtual machine")),
        ("VPS_getVirtualMachineDetailsV1", json!({"virtualMachineId": ""}), Err("must be")),
        ("get_vm", json!({"id": "web"}), Err("fits 2 of them: web-1 (1), web-2 (2). Give")),
        ("get_vm", json!({"id": "legacy"}), Ok(())),
        ("list_vm_snapshots", json!({"vm_id": "web-1"}), Ok(())),
        ("add_drive", json!({"machine_id": "build", "name": "data", "size_gb": 1}), Ok(())),
        ("vms_query", json!({"operation": "GetVm", "id": "old"}), Ok(())),
        ("GetVm", json!({"id": "web"}), Err("unknown")),
        ("get_vm_details", json!({"vm_id": "web"}), Err("fits 2 of them: web-1 (00000003-")),
        ("hostodo_get_vm", json!({"vm_id": "production"}), Err("production-web (ins::4kq0v7m2xa)")),
    ] {
        let given = arguments.as_object().unwrap().clone();
        match (server.attempt(tool, given, local()).await, expected) {
            (Ok(Ok(_)), Ok(())) | (Err(_), Err("unknown")) => {}
            (Ok(Err(error)), Err(part)) if error.to_string().contains(part) => {}
            (got, _) => panic!("{tool} {arguments}: {got:?}"),
        }
    }
    // Several in one argument, below another.
    let evacuate = json!({"operation": "Disable", "id": "00000002-0000-4000-8000-000000000001",
        "body": {"evacuate": true, "vmIdsToForceMigrate": ["web-1", "db-1"]}});
    let Err(CallError::Unapproved(request)) = call(&server, "hosts_action", &evacuate, local()).await else {
        panic!("it is to be approved");
    };
    for id in ["00000003-0000-4000-8000-000000000001", "00000003-0000-4000-8000-000000000003"] {
        assert!(request.preview.contains(id), "{}", request.preview);
    }

    let scopes = Some(vec!["vms:power".to_owned()]);
    let starter = || Caller {
        principal: Arc::new(Principal::new("starter", Grant { scopes: scopes.clone(), ..Grant::default() })),
        ..local()
    };
    let before = audited(&server, &state).len();
    for (name, expected) in [(json!("db-1"), false), (json!(100_002), true), (json!("100002"), true)] {
        let outcome = call(&server, "VPS_startVirtualMachineV1", &json!({"virtualMachineId": name}), starter()).await;
        assert_eq!(outcome.is_ok(), expected, "{name}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("VPS_getVirtualMachinesV1, which this caller may not use"), "{error}");
        }
    }
    // A read that is refused, and nothing is looked up for it.
    let denied = call(&server, "VPS_getSnapshotV1", &json!({"virtualMachineId": "db-1"}), starter()).await;
    assert!(matches!(denied, Err(CallError::Refused(_) | CallError::Arguments(_))), "{denied:?}");
    assert_eq!(audited(&server, &state).len(), before + 4, "no list was read");
}

/// What clients see takes text wherever a name does.
#[test]
fn the_published_schema_takes_names() {
    let mut seen = 0;
    for provider in PROVIDERS {
        for reference in provider.references.iter() {
            for tool in provider.tools().filter(|tool| reference.concerns(&tool.toolset)) {
                let listing = format!("{{\"a\":1{}{}", tool.listing.tail, tool.listing.end);
                let listing: Value = serde_json::from_str(&listing).unwrap();
                for argument in reference.arguments.iter() {
                    let schema = &listing["inputSchema"]["properties"][argument.as_ref()];
                    if schema.is_object() {
                        seen += 1;
                        assert_eq!(schema["type"], "string", "{} {argument}", tool.name);
                        let told = schema["description"].as_str().unwrap();
                        assert!(told.contains("fits one alone"), "{} {argument}: {told}", tool.name);
                    }
                }
            }
        }
    }
    assert!(seen >= 90, "{seen}");
}

#[test]
fn an_id_a_name_or_the_beginning_of_one_name() {
    let reference = Reference {
        toolsets: vec![].into(),
        arguments: vec!["vm".into()].into(),
        ids: "^ins::|^[0-9]+$".into(),
        numbers: true,
        tool: "list_vms".into(),
        query: "{}".into(),
        list: "vms".into(),
        id: "id".into(),
        name: "hostname".into(),
        kind: "virtual machine".into(),
    };
    let vm = |id: Value, hostname: &str| json!({"id": id, "hostname": hostname});
    let list = json!({"vms": [
        vm(json!("ins::a"), "production-web"),
        vm(json!("ins::b"), "production-db"),
        vm(json!("ins::c"), "prod"),
        vm(json!("ins::d"), "twin"),
        vm(json!("ins::e"), "twin"),
        vm(json!(34), "test-vm"),
    ]});
    for (given, expected) in [
        ("ins::b", Ok(json!("ins::b"))),
        ("production-web", Ok(json!("ins::a"))),
        ("production-w", Ok(json!("ins::a"))),
        ("prod", Ok(json!("ins::c"))),
        ("34", Ok(json!(34))),
        ("test", Ok(json!(34))),
        ("produ", Err("fits 2 of them: production-web (ins::a), production-db (ins::b).")),
        ("twin", Err("fits 2 of them: twin (ins::d), twin (ins::e).")),
        ("Prod", Err("fits no virtual machine. list_vms shows them")),
        ("ins::", Err("fits no virtual machine")),
    ] {
        match (found(&reference, "vm", given, &list), expected) {
            (Ok(id), Ok(expected)) => assert_eq!(id, expected, "{given}"),
            (Err(error), Err(part)) => {
                let text = error.to_string();
                assert!(text.contains(part) && text.contains(&format!("`vm`: {given:?}")), "{text}");
            }
            (got, expected) => panic!("{given}: {got:?}, not {expected:?}"),
        }
    }
    for (given, expected) in [
        ("ins::x", Some(json!("ins::x"))),
        ("34", Some(json!(34))),
        ("034", Some(json!(34))),
        ("99999999999999999999", Some(json!("99999999999999999999"))),
        ("web-34", None),
        ("34a", None),
        ("-34", None),
    ] {
        assert_eq!(as_id(&reference, given), expected, "{given}");
    }
}
