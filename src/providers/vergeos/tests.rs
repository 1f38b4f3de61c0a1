use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use infra_mcp_model::{Condition, Effect, Provider, Tool};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::tables::Tables;
use crate::account::Account;
use crate::arguments::Arguments;
use crate::call::{Call, Caller, Listener};
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::executor::{Executor, Simulator, fixture};
use crate::generated::PROVIDERS;
use crate::{providers, sandbox};

fn provider() -> &'static Provider {
    PROVIDERS.iter().find(|provider| provider.name == "vergeos").unwrap()
}

fn tool(name: &str) -> &'static Tool {
    provider().tools().find(|tool| tool.name == name).unwrap()
}

/// Passes requests on, and remembers them.
struct Recorder<S>(S, Mutex<Vec<String>>);

impl<S: Simulator> Simulator for Recorder<S> {
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let body = String::from_utf8_lossy(request.body());
        let path = request.uri().path_and_query().unwrap().as_str().trim_start_matches("/api/v4");
        self.1.lock().unwrap().push(format!("{} {path} {body}", request.method()).trim().to_owned());
        self.0.answer(request)
    }
}

impl Simulator for Arc<dyn Simulator> {
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        self.as_ref().answer(request)
    }
}

async fn call(
    executor: &Executor,
    name: &str,
    arguments: Value,
    listener: Option<Listener>,
) -> Result<Value, CallError> {
    let (tool, Value::Object(arguments)) = (tool(name), arguments) else { panic!("{name} takes an object") };
    let call = Call {
        entry: Entry { provider: provider(), tool },
        arguments: Arguments::validate(tool, arguments).map_err(CallError::Arguments)?,
        account: Arc::new(Account::new(provider(), fixture::settings("https://vergeos.example.com")).unwrap()),
        caller: Caller { listener, ..Caller::local(None) },
    };
    let reply = providers::carry_out(executor, fixture::authorized(call)).await?;
    assert!(!reply.body.contains("not-to-be-seen"), "{name} shows a secret: {}", reply.body);
    Ok(serde_json::from_str(&reply.body).unwrap_or(Value::Null))
}

/// Every tool: what it sends last, and a piece of what it answers.
fn cases() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    let alarm = json!({"table": "alarms", "key": 1, "action": "resolve"});
    vec![
        ("list_vms", json!({"running": false}), "GET /vms?", r#""id":3"#),
        ("list_vms", json!({"name": "O'x' or 1 eq 1"}), "%27O%27%27x%27%27%20or%201%20eq%201%27", "[]"),
        ("get_vm", json!({"id": "1"}), "GET /machine_status?", r#""power_state":"running""#),
        ("get_vm_status", json!({"id": 3}), "GET /vms/3?", r#""power_state":"stopped""#),
        ("power_on_vm", json!({"id": 1}), "GET /vms/1?", "already running"),
        ("power_on_vm", json!({"id": 3}), r#"POST /vm_actions {"vm":3,"action":"poweron"}"#, r#""success":true"#),
        ("reset_vm", json!({"id": 3}), r#"{"vm":3,"action":"reset"}"#, r#""success":true"#),
        ("force_off_vm", json!({"id": 3}), r#"{"vm":3,"action":"kill"}"#, r#""success":true"#),
        ("force_off_vm", json!({"id": 3}), "GET /vms/3?", r#""was_running":false"#),
        ("reset_vm", json!({"id": 3}), "GET /vms/3?", "not running - cannot reset"),
        ("power_off_vm", json!({"id": 2}), r#"{"vm":2,"action":"poweroff"}"#, "get_vm_status tells"),
        (
            "modify_vm",
            json!({"id": 3, "ram_mb": 1024}),
            r#"PUT /vms/3 {"ram":1024}"#,
            r#""previous":{"cpu_cores":8,"ram_mb":16384}"#,
        ),
        ("modify_vm", json!({"id": 1, "ram_mb": 1024}), "GET /vms/1?", "shutdown_if_running true"),
        ("get_vm_nics", json!({"id": 1}), "GET /machine_nics?", r#""network_id":2"#),
        ("get_vm_drives", json!({"id": 1}), "GET /machine_drives?", r#""size_gb":40.0"#),
        (
            "resize_drive",
            json!({"drive_id": 201, "new_size_gb": 40}),
            "GET /machine_drives/201?",
            "New size (40 GB) must be larger than current size (40 GB). Shrinking disks is not supported.",
        ),
        (
            "resize_drive",
            json!({"drive_id": 201, "new_size_gb": 50}),
            r#"PUT /machine_drives/201 {"disksize":53687091200}"#,
            r#""success":true"#,
        ),
        (
            "add_drive",
            json!({"machine_id": 101, "name": "data", "size_gb": 1}),
            r#"POST /machine_drives {"machine":101,"name":"data","disksize":1073741824,"interface":"virtio-scsi","media":"disk","enabled":true}"#,
            r#""drive_id":205"#,
        ),
        (
            "table_owners",
            json!({"table": "machine_drives", "key": 202}),
            "GET /tag_members?",
            r#"{"table":"vms","key":2,"tags":["gold"]"#,
        ),
        ("list_vm_snapshots", json!({"vm_id": 1}), "GET /machine_snapshots?", r#""id":401"#),
        (
            "create_vm_snapshot",
            json!({"vm_id": 2, "name": "now", "expires_days": 0}),
            r#"{"machine":102,"name":"now","expires_type":"never","quiesce":false,"created_manually":true}"#,
            r#""expires":"never""#,
        ),
        (
            "restore_vm_snapshot",
            json!({"vm_id": 1, "snapshot_id": 401}),
            r#"{"vm":1,"action":"restore","params":{"snapshot":401}}"#,
            r#""success":true"#,
        ),
        ("delete_vm_snapshot", json!({"snapshot_id": 402}), "DELETE /machine_snapshots/402", r#""success":true"#),
        (
            "list_networks",
            json!({"type": "internal", "enabled": true}),
            "type%20eq%20%27internal%27%20and%20enabled%20eq%20true",
            r#""name":"Internal""#,
        ),
        ("get_network", json!({"id": 2}), "GET /vnets/2?fields=most", r#""mtu":1500"#),
        ("network_action", json!({"id": 2, "action": "apply"}), r#"{"vnet":2,"action":"refresh"}"#, "task"),
        ("network_action", json!({"id": 2, "action": "applydns"}), "PUT /vnets/2/applydns", r#""success":true"#),
        ("list_tenants", json!({}), "GET /tenants?fields=%24key%2Cname", r#""status":"online""#),
        ("get_tenant", json!({"id": 1}), "GET /tenants/1?fields=", r#""name":"acme""#),
        ("tenant_action", json!({"id": 1, "action": "isolateon"}), r#"{"tenant":1,"action":"isolateon"}"#, "task"),
        ("list_nodes", json!({}), "GET /nodes?fields=most", "node2"),
        ("get_node_stats", json!({"id": 2}), "machine%20eq%20122", r#""machine":122"#),
        ("get_cluster_status", json!({}), "GET /cluster_status?fields=most", "online"),
        ("get_cluster_stats", json!({}), "GET /cluster_tier_stats?fields=most", "rops"),
        ("list_volumes", json!({}), "GET /volumes?fields=most", "share"),
        ("get_logs", json!({"level": "error"}), "sort=-%24key&limit=50", "node2"),
        ("get_alarms", json!({}), "GET /alarms?fields=most", "warning"),
        (
            "table_list",
            json!({"table": "vms", "fields": "name", "limit": 1}),
            "GET /vms?fields=name&limit=1&offset=0",
            "web-1",
        ),
        ("table_get", json!({"table": "tenants", "key": 1}), "GET /tenants/1?fields=most", "acme"),
        ("table_describe", json!({"table": "tenants"}), "GET /tenants/$table", r#""delete":{"effect":"destructive"}"#),
        ("table_create", json!({"table": "tags", "data": {"name": "x", "category": 1}}), "POST /tags {", r#""$key":2"#),
        (
            "table_update",
            json!({"table": "tags", "key": 2, "data": {"name": "y"}}),
            r#"PUT /tags/2 {"name":"y"}"#,
            r#""previous":{"name":"x"}"#,
        ),
        ("table_delete", json!({"table": "tags", "key": "2"}), "DELETE /tags/2", r#""success":true"#),
        ("table_action", alarm, "POST /alarms/1/resolve", r#""success":true"#),
        (
            "table_action",
            json!({"table": "vms", "key": 3, "action": "clone", "params": {"name": "c"}}),
            r#"{"vm":3,"action":"clone","params":{"name":"c"}}"#,
            "task",
        ),
    ]
}

#[tokio::test]
async fn every_tool_works_on_the_simulated_system() {
    let cases = cases();
    let recorder = Arc::new(Recorder(sandbox::simulator(provider()), Mutex::default()));
    let executor = Executor::simulated(Arc::clone(&recorder) as _);
    for tool in provider().tools() {
        assert!(cases.iter().any(|(name, ..)| *name == tool.name), "{} has no case", tool.name);
    }
    for (name, arguments, sent, told) in cases {
        let answer = call(&executor, name, arguments.clone(), None).await;
        let answer = answer.unwrap_or_else(|error| panic!("{name} {arguments}: {error}")).to_string();
        let last = recorder.1.lock().unwrap().last().unwrap().clone();
        assert!(last.contains(sent), "{name} {arguments} sent {last}");
        assert!(answer.contains(told), "{name} {arguments} answered {answer}");
    }
}

/// A system that answers everything with an error.
struct Refusing(u16);

impl Simulator for Refusing {
    fn answer(&self, _: http::Request<Bytes>) -> http::Response<Bytes> {
        http::Response::builder().status(self.0).body(Bytes::from_static(b"{\"err\":\"So it is.\"}")).unwrap()
    }
}

#[tokio::test]
async fn an_error_of_the_system_is_passed_on_whatever_the_tool() {
    for (status, expected) in [
        (400, "Correct the arguments"),
        (401, "VERGEOS_TOKEN"),
        (403, "permissions"),
        (404, "There is no such thing"),
        (405, "Check the arguments"),
        (409, "current state"),
        (422, "Correct the arguments"),
        (408, "Try again"),
        (429, "Too many requests"),
        (500, "provider's side"),
        (507, "provider's side"),
    ] {
        let executor = Executor::simulated(Arc::new(Refusing(status)));
        for (name, arguments, ..) in cases() {
            let outcome = call(&executor, name, arguments.clone(), None).await;
            // What a table is like is known here, too.
            if name == "table_describe" && (403..=405).contains(&status) {
                assert!(outcome.is_ok(), "{outcome:?}");
                continue;
            }
            let error = outcome.unwrap_err().to_string();
            assert!(error.starts_with(&format!("VergeOS answered HTTP {status}")), "{name} {arguments}: {error}");
            assert!(error.contains(expected), "{name} {status}: {error}");
        }
    }
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let recorder = Arc::new(Recorder(sandbox::simulator(provider()), Mutex::default()));
    let executor = Executor::simulated(Arc::clone(&recorder) as _);
    for (name, arguments, told) in [
        ("get_vm", json!({"id": "1/../../../sys/tokens"}), "no id of a VM"),
        ("get_vm", json!({"id": "web-1?fields=all"}), "no id of a VM"),
        ("get_vm", json!({"id": 99}), "There is no row 99 in vms"),
        ("modify_vm", json!({"id": 3}), "Must specify cpu_cores and/or ram_mb to modify"),
        ("restore_vm_snapshot", json!({"vm_id": 2, "snapshot_id": 401}), "does not belong to VM 'web-2'"),
        ("table_list", json!({"table": "vms", "filter": "console_pass bw 'a'"}), "console_pass, which holds secrets"),
        ("table_list", json!({"table": "tenants", "fields": "name,tenant#password as p"}), "password, which holds"),
        ("table_list", json!({"table": "users"}), "users"),
        ("table_get", json!({"table": "vms", "key": "1/../2"}), "key"),
        ("table_create", json!({"table": "vms", "data": {"name": "a", "meta": 1}}), "vms does not take meta here"),
        ("table_create", json!({"table": "vms", "data": {"ram": 1}}), "also needs name"),
        ("table_update", json!({"table": "vms", "key": 1, "data": {"console_pass": "x"}}), "console_pass"),
        ("table_action", json!({"table": "vms", "key": 1, "action": "resolve"}), "knows no action resolve, but"),
    ] {
        let error = call(&executor, name, arguments.clone(), None).await.unwrap_err().to_string();
        assert!(error.contains(told), "{name} {arguments}: {error}");
    }
    let sent = recorder.1.lock().unwrap().clone();
    assert!(sent.iter().all(|request| request.starts_with("GET ")), "{sent:?}");
}

/// The words, enums and effects of the definitions follow from the tables.
#[test]
fn definitions_and_tables_agree() {
    let enumerated = |name: &str| {
        let schema: Value = serde_json::from_str(&tool(name).input_schema).unwrap();
        let words = schema["properties"]["table"]["enum"].as_array().unwrap().clone();
        words.iter().map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let tables = Tables::get().all();
    let effect = |name: &str, table: &str| {
        let review = &tool(name).review;
        let table = Value::from(table).to_string();
        let when =
            review.effect_when.iter().find(|when| matches!(&when.condition, Condition::Equals(it) if *it == table));
        when.map_or(review.effect, |when| when.effect).as_str()
    };
    let by = |has: fn(&super::tables::Table) -> Option<&str>| {
        tables.iter().filter_map(|table| Some((table.table.as_str(), has(table)?))).collect::<Vec<_>>()
    };
    for (name, known) in [
        ("table_create", by(|table| table.create.as_ref().map(|create| create.effect.as_str()))),
        ("table_update", by(|table| table.update.as_ref().map(|update| update.effect.as_str()))),
        ("table_delete", by(|table| table.delete.as_ref().map(|delete| delete.effect.as_str()))),
    ] {
        assert_eq!(enumerated(name), known.iter().map(|(table, _)| *table).collect::<Vec<_>>(), "{name}");
        for (table, expected) in known {
            assert_eq!(effect(name, table), expected, "{name} {table}");
        }
    }
    let action = &tool("table_action").review;
    for (word, listed) in tables.iter().flat_map(|table| &table.actions) {
        let word = Value::from(word.as_str()).to_string();
        let when =
            action.effect_when.iter().find(|when| matches!(&when.condition, Condition::Equals(it) if *it == word));
        let judged = when.map_or(action.effect, |when| when.effect);
        assert!(judged == Effect::Destructive || listed.effect == judged.as_str(), "{word}: {judged:?}");
    }
}

/// A VM whose guest takes this long to shut down, if it ever does.
struct Guest {
    needs: Option<Duration>,
    asked: Mutex<Option<Instant>>,
    killed: Mutex<bool>,
}

impl Guest {
    fn runs(&self) -> bool {
        let asked = *self.asked.lock().unwrap();
        let gone = asked.zip(self.needs).is_some_and(|(asked, needs)| asked.elapsed() >= needs);
        !gone && !*self.killed.lock().unwrap()
    }
}

impl Simulator for Guest {
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let (running, power) = if self.runs() { (true, "running") } else { (false, "stopped") };
        let answer = match (request.uri().path(), body["action"].as_str()) {
            (_, Some("poweroff")) => {
                *self.asked.lock().unwrap() = Some(Instant::now());
                json!({"task": 1})
            }
            (_, Some("kill")) => {
                *self.killed.lock().unwrap() = true;
                json!({"task": 2})
            }
            ("/api/v4/machine_status", _) => {
                // Rows of others come along when a filter is not understood.
                json!([{"machine": 8, "running": true, "status": "running"},
                       {"machine": 7, "running": running, "status": power}])
            }
            _ => json!({"$key": 1, "name": "a", "machine": 7, "running": running, "power_state": power}),
        };
        http::Response::new(Bytes::from(answer.to_string()))
    }
}

fn guest(needs: Option<u64>) -> Arc<Recorder<Guest>> {
    let needs = needs.map(Duration::from_secs);
    Arc::new(Recorder(Guest { needs, asked: Mutex::default(), killed: Mutex::default() }, Mutex::default()))
}

#[tokio::test(start_paused = true)]
async fn powering_off() {
    let in_time =
        json!({"success": true, "was_running": true, "forced": false, "final_state": "stopped", "elapsed_seconds": 40});
    // How long the guest needs, the arguments, the answer, and how many requests it takes.
    for (needs, arguments, expected, requests) in [
        (Some(9), json!({}), json!({"success": true, "was_running": true}), 2),
        (Some(35), json!({"wait_timeout": 100}), in_time.clone(), 2 + 11),
        (Some(40), json!({"wait_timeout": 40, "force_after_timeout": true}), in_time, 2 + 11),
        (
            None,
            json!({"wait_timeout": 10}),
            json!({"success": false, "current_state": "running", "elapsed_seconds": 10}),
            2 + 4,
        ),
        (
            None,
            json!({"wait_timeout": 10, "force_after_timeout": true}),
            json!({"success": true, "forced": true, "final_state": "stopped", "elapsed_seconds": 12}),
            2 + 4 + 2,
        ),
        // A longer wait than there is counts as the longest.
        (None, json!({"wait_timeout": 10_000}), json!({"success": false, "elapsed_seconds": 300}), 2 + 37),
    ] {
        let guest = guest(needs);
        let executor = Executor::simulated(Arc::clone(&guest) as _);
        let (listener, mut heard) = Listener::new();
        let mut arguments = arguments;
        arguments["id"] = 1.into();
        let answer = call(&executor, "power_off_vm", arguments.clone(), Some(listener)).await.unwrap();
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&answer[name], value, "{arguments}: {answer}");
        }
        assert_eq!(guest.1.lock().unwrap().len(), requests, "{arguments}");
        let waited = arguments["wait_timeout"].as_f64().is_some();
        assert_eq!(heard.try_recv().is_ok(), waited, "{arguments}");
        let again = call(&executor, "power_off_vm", json!({"id": 1}), None).await.unwrap();
        assert_eq!(again["was_running"], json!(guest.0.runs()), "{arguments}");
    }
}

/// Who gives up waiting leaves the shutdown to go on, and nothing more is sent.
#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_sends_nothing_more() {
    let guest = guest(None);
    let executor = Executor::simulated(Arc::clone(&guest) as _);
    let arguments = json!({"id": 1, "wait_timeout": 300, "force_after_timeout": true});
    let waiting = call(&executor, "power_off_vm", arguments, None);
    assert!(tokio::time::timeout(Duration::from_secs(7), waiting).await.is_err());
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(guest.1.lock().unwrap().len(), 4, "read, poweroff and two looks");
    assert!(guest.0.runs());
}

#[tokio::test(start_paused = true)]
async fn modifying_a_vm_that_runs() {
    for (needs, arguments, changed, told) in [
        (Some(5), json!({"cpu_cores": 2}), false, "shutdown_if_running"),
        (Some(5), json!({"cpu_cores": 2, "shutdown_if_running": true}), true, "\"was_running\":true"),
        (None, json!({"cpu_cores": 2, "shutdown_if_running": true}), true, "\"was_running\":true"),
        (
            None,
            json!({"ram_mb": 512, "shutdown_if_running": true, "force_after_timeout": false}),
            false,
            "nothing was changed",
        ),
        (None, json!({"ram_mb": 512, "shutdown_if_running": true, "wait_timeout": 0}), true, "\"was_running\":true"),
    ] {
        let guest = guest(needs);
        let executor = Executor::simulated(Arc::clone(&guest) as _);
        let mut arguments = arguments;
        arguments["id"] = "1".into();
        let answer = call(&executor, "modify_vm", arguments.clone(), None).await.unwrap().to_string();
        assert!(answer.contains(told), "{arguments}: {answer}");
        let sent = guest.1.lock().unwrap().iter().any(|request| request.starts_with("PUT /vms/1"));
        assert_eq!(sent, changed, "{arguments}");
    }
}
