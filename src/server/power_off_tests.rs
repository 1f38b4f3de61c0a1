//! Powering machines off and waiting for it, on the whole way of a call to each sandbox, in simulated time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::assembly;
use crate::call::{Listener, Progress};
use crate::config::{ApprovalWay, Config, Environment, Only, Options};
use crate::generated::PROVIDERS;

/// How the machines of a provider are powered off and looked at.
struct Case {
    provider: &'static str,
    tool: &'static str,
    reader: &'static str,
    /// The argument of both that names the machine.
    argument: &'static str,
    /// Where the reader shows the state, and what it is of a machine that is off.
    state: &'static str,
    off: &'static str,
    /// A machine that ends when it is asked to.
    obedient: &'static str,
    /// One that does not, where something else could be done about it.
    deaf: Option<&'static str>,
}

const CASES: [Case; 4] = [
    Case {
        provider: "vergeos",
        tool: "power_off_vm",
        reader: "get_vm_status",
        argument: "id",
        state: "/power_state",
        off: "stopped",
        obedient: "web-1",
        deaf: Some("legacy-db"),
    },
    Case {
        provider: "xen-orchestra",
        tool: "CleanShutdownVm",
        reader: "GetVm",
        argument: "id",
        state: "/power_state",
        off: "Halted",
        obedient: "web-1",
        deaf: Some("kiosk-1"),
    },
    Case {
        provider: "hostodo",
        tool: "hostodo_power_off_vm",
        reader: "hostodo_get_vm",
        argument: "vm_id",
        state: "/vm/power_state",
        off: "stopped",
        obedient: "my-server",
        deaf: Some("builder"),
    },
    Case {
        provider: "hostinger",
        tool: "VPS_stopVirtualMachineV1",
        reader: "VPS_getVirtualMachineDetailsV1",
        argument: "virtualMachineId",
        state: "/state",
        off: "stopped",
        obedient: "web-1",
        deaf: None,
    },
];

impl Case {
    async fn call(&self, server: &Server, tool: &str, machine: &str, more: Value, listener: Option<Listener>) -> Value {
        let entry = server.catalogue.get(self.provider, tool).unwrap();
        let (Value::Object(mut arguments), argument) = (more, self.argument.to_owned()) else { panic!("an object") };
        arguments.insert(argument, machine.into());
        let caller = Caller { listener, ..Caller::local(None) };
        let reply = server.carry_out(entry, Given::from(arguments), caller).await.unwrap();
        serde_json::from_str(&reply.body).unwrap()
    }

    /// What powering off answers, and what is heard meanwhile.
    async fn power_off(&self, server: &Server, machine: &str, more: Value) -> (Value, Vec<Progress>) {
        let (listener, mut heard) = Listener::new();
        let answer = self.call(server, self.tool, machine, more, Some(listener)).await;
        (answer, std::iter::from_fn(|| heard.try_recv().ok()).collect())
    }

    async fn is_off(&self, server: &Server, machine: &str) -> bool {
        let shown = self.call(server, self.reader, machine, json!({}), None).await;
        shown.pointer(self.state).unwrap_or_else(|| panic!("{}: {shown}", self.provider)) == self.off
    }
}

fn server() -> Server {
    let options = Options {
        sandbox: true,
        access: Some("full".to_owned()),
        approval: Some(ApprovalWay::None),
        ..Options::default()
    };
    let config = Config::new(options, &Environment::default(), Only::Everything(PROVIDERS)).unwrap();
    let catalogue = Arc::new(Catalogue::select(PROVIDERS, &config.selection).unwrap());
    assembly::server(config, catalogue, PROVIDERS)
}

fn seconds(answer: &Value) -> u64 {
    answer["elapsed_seconds"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn there_is_one_way_to_wait_and_it_has_the_same_words_everywhere() {
    let server = server();
    let listing = server.listing(Arc::new(Principal::local()));
    for case in CASES {
        let entry = server.catalogue.get(case.provider, case.tool).unwrap();
        let properties = listing.alone(&entry).unwrap()["inputSchema"]["properties"].take();
        let words = |argument: &str| properties[argument]["description"].as_str().unwrap_or_default().to_owned();
        let wait = words("wait_timeout");
        let known = "Seconds for which the answer waits until the machine is off; 0 answers at once.";
        assert!(wait.starts_with(known), "{}: {wait}", case.provider);
        let force = words("force_after_timeout");
        let known = "of a machine that is not off when wait_timeout is over; without a wait_timeout it does nothing.";
        assert_eq!(force.contains(known), case.deaf.is_some(), "{}: {force}", case.provider);
        assert!(properties.get("wait").is_none() && !entry.tool.awaits, "{}", case.provider);
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_ends_by_itself_is_waited_for() {
    for case in CASES {
        let server = server();
        assert!(!case.is_off(&server, case.obedient).await, "{}", case.provider);
        let force = json!({"wait_timeout": 60, "force_after_timeout": true});
        let more = if case.deaf.is_some() { force } else { json!({"wait_timeout": 60}) };
        let (answer, heard) = case.power_off(&server, case.obedient, more).await;
        let expected = json!({"success": true, "was_running": true, "forced": false, "final_state": case.off});
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&answer[name], value, "{} {name}: {answer}", case.provider);
        }
        assert!((2..=9).contains(&seconds(&answer)), "{}: {answer}", case.provider);
        assert!(case.is_off(&server, case.obedient).await, "{}", case.provider);
        assert!(!heard.is_empty(), "{}", case.provider);
        for pair in heard.windows(2) {
            assert!(pair[0].done < pair[1].done, "{}: {heard:?}", case.provider);
        }
        assert!(heard.iter().all(|told| told.total == Some(60.0) && !told.message.is_empty()), "{heard:?}");
        let (again, _) = case.power_off(&server, case.obedient, json!({"wait_timeout": 60})).await;
        assert_eq!((&again["success"], &again["was_running"]), (&json!(true), &json!(false)), "{again}");
    }
}

/// None of Hostinger's ignores it, so its time is too short for any.
#[tokio::test(start_paused = true)]
async fn a_machine_that_does_not_end_in_time_stays_on_unless_force_is_wanted() {
    for case in CASES {
        let server = server();
        let (machine, limit) = case.deaf.map_or((case.obedient, 1), |deaf| (deaf, 20));
        let (answer, _) = case.power_off(&server, machine, json!({"wait_timeout": limit})).await;
        assert_eq!((&answer["success"], &answer["forced"]), (&json!(false), &json!(false)), "{answer}");
        assert_eq!(seconds(&answer), limit, "{answer}");
        assert!(answer["current_state"].is_string() && answer["current_state"] != case.off, "{answer}");
        let hint = answer["hint"].as_str().unwrap_or_default();
        assert_eq!(hint.contains("cut"), case.deaf.is_some(), "{answer}");
        assert!(!case.is_off(&server, machine).await, "{}", case.provider);

        let Some(deaf) = case.deaf else { continue };
        let more = json!({"wait_timeout": 20, "force_after_timeout": true});
        let (answer, heard) = case.power_off(&server, deaf, more).await;
        assert_eq!((&answer["success"], &answer["forced"]), (&json!(true), &json!(true)), "{answer}");
        assert!((20..=50).contains(&seconds(&answer)), "{answer}");
        assert!(heard.len() >= 5, "{heard:?}");
        assert!(case.is_off(&server, deaf).await, "{}", case.provider);
    }
}

/// A task that has failed is not waited for.
#[tokio::test(start_paused = true)]
async fn a_shutdown_that_has_failed_is_told_at_once() {
    let [_, case, ..] = CASES;
    let server = server();
    let fail = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let entry = |tool: &str| server.catalogue.get(case.provider, tool).unwrap();
        let caller = || Caller::local(None);
        let Value::Object(query) = json!({"fields": "id", "markdown": false}) else { unreachable!() };
        let tasks = server.carry_out(entry("GetTasks"), Given::from(query), caller()).await.unwrap();
        let tasks: Value = serde_json::from_str(&tasks.body).unwrap();
        let Value::Object(abort) = json!({"id": tasks[0]["id"], "sync": true}) else { unreachable!() };
        server.carry_out(entry("AbortTask"), Given::from(abort), caller()).await.unwrap();
    };
    let waiting = case.power_off(&server, case.obedient, json!({"wait_timeout": 60}));
    let ((answer, _), ()) = tokio::join!(waiting, fail);
    assert_eq!((&answer["success"], &answer["current_state"]), (&json!(false), &json!("Running")), "{answer}");
    assert_eq!(answer["error"], "the shutdown has ended as interrupted.", "{answer}");
    assert!(seconds(&answer) < 10 && answer["hint"].as_str().unwrap().contains("HardShutdownVm"), "{answer}");
}

/// Who gives up the waiting keeps the power from being cut.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_cuts_nothing() {
    for case in CASES {
        let Some(deaf) = case.deaf else { continue };
        let server = server();
        let more = json!({"wait_timeout": 30, "force_after_timeout": true});
        let given_up = tokio::time::timeout(Duration::from_secs(10), case.power_off(&server, deaf, more)).await;
        assert!(given_up.is_err(), "{}: {given_up:?}", case.provider);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert!(!case.is_off(&server, deaf).await, "{}", case.provider);
    }
}
