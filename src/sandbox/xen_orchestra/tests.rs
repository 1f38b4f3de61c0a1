use std::sync::atomic::Ordering;

use super::super::tests::ManualClock;
use super::inventory::id;
use super::*;

fn send(estate: &XenOrchestra, line: &str, body: &str) -> (u16, String) {
    let (method, target) = line.split_once(' ').expect("method and target");
    let uri: http::Uri = format!("http://xo.invalid{target}").parse().expect("a URI");
    let path = uri.path().to_owned();
    let request = http::Request::builder().method(method).uri(uri).body(Bytes::copy_from_slice(body.as_bytes()));
    let answer = estate.answer(&request.expect("a request"), &path).expect("a path of the estate");
    (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).expect("text"))
}

fn read(estate: &XenOrchestra, target: &str) -> Value {
    let (status, body) = send(estate, &format!("GET {target}"), "");
    assert_eq!(status, 200, "{target}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

#[test]
fn lists_are_filtered_cut_and_shown_as_asked() {
    let estate = XenOrchestra::new(Arc::new(ManualClock::default()));
    for (target, status, expected) in [
        ("/vms?limit=1", 200, format!("[\"/rest/v0/vms/{}\"]", id(3, 1))),
        (
            "/vms?fields=name_label&filter=power_state:halted%20name_label:mail",
            200,
            "[{\"name_label\":\"old-mail\",\"href\"".into(),
        ),
        (
            "/vms?fields=name_label,tags&filter=tags:production&limit=1&markdown=true",
            200,
            "| name_label | tags |\n| - | - |\n| web-1 | [\"production\"] |\n".into(),
        ),
        ("/vms?filter=power_state:Paused&fields=*", 200, "[]".into()),
        ("/vms?filter=%7C(a:b)", 400, "{\"error\":\"the simulation does not understand".into()),
        ("/pools?fields=HA_enabled&filter=HA_enabled:false", 200, "[{\"HA_enabled\":false".into()),
        ("/vms/nobody", 404, "{\"error\":\"no such object".into()),
    ] {
        let (given, body) = send(&estate, &format!("GET {target}"), "");
        assert_eq!(given, status, "{target}: {body}");
        assert!(body.starts_with(&expected), "{target}: {body}");
    }
    let disks = read(&estate, &format!("/vms/{}/vdis?fields=name_label", id(3, 3)));
    assert_eq!(disks[0]["name_label"], "db-1 system");
}

#[test]
fn reads_show_what_was_done() {
    let (web, build, paused) = (id(3, 1), id(3, 4), id(3, 2));
    let vm = |id: &str, rest: &str| format!("/vms/{id}{rest}");
    for (requests, target, pointer, expected) in [
        (vec![("POST", vm(&build, "/actions/start"), "")], vm(&build, ""), "/power_state", json!("Running")),
        (vec![("POST", vm(&web, "/actions/suspend"), "")], vm(&web, ""), "/power_state", json!("Suspended")),
        (vec![("POST", vm(&paused, "/actions/pause"), "")], vm(&paused, ""), "/power_state", json!("Paused")),
        (
            vec![("POST", vm(&web, "/actions/migrate"), r#"{"hostId":"00000002-0000-4000-8000-000000000002"}"#)],
            vm(&web, ""),
            "/$container",
            json!(id(2, 2)),
        ),
        (vec![("PUT", vm(&web, "/tags/a%20b"), "")], vm(&web, ""), "/tags/1", json!("a b")),
        (vec![("DELETE", vm(&web, "/tags/production"), "")], vm(&web, ""), "/tags", json!([])),
        (vec![("PATCH", vm(&web, ""), r#"{"nameLabel":"www"}"#)], vm(&web, ""), "/name_label", json!("www")),
        (
            vec![("POST", vm(&web, "/actions/snapshot"), r#"{"name_label":"before"}"#)],
            "/vm-snapshots?fields=*".into(),
            "/0/name_label",
            json!("before"),
        ),
        (vec![("DELETE", vm(&web, ""), "")], "/vms?fields=id".into(), "/0/id", json!(id(3, 2))),
        (
            vec![("POST", format!("/schedules/{}/actions/run", id(13, 1)), "")],
            "/backup-logs?fields=id".into(),
            "/3/id",
            json!(id(14, 4)),
        ),
    ] {
        let estate = XenOrchestra::new(Arc::new(ManualClock::default()));
        for (method, path, body) in requests {
            let (status, answer) = send(&estate, &format!("{method} {path}"), body);
            assert!(matches!(status, 202 | 204), "{method} {path}: {status} {answer}");
        }
        assert_eq!(read(&estate, &target).pointer(pointer), Some(&expected), "{target}");
    }
}

#[test]
fn an_action_answers_with_a_task_or_at_its_end() {
    let clock = Arc::new(ManualClock::default());
    let estate = XenOrchestra::new(clock.clone());
    let snapshot = format!("POST /vms/{}/actions/snapshot", id(3, 1));
    let (status, body) = send(&estate, &snapshot, "");
    let task = serde_json::from_str::<Value>(&body).expect("JSON")["taskId"].as_str().expect("an id").to_owned();
    assert_eq!((status, read(&estate, &format!("/tasks/{task}"))["status"].clone()), (202, json!("pending")));
    clock.0.fetch_add(3_000, Ordering::Relaxed);
    let done = read(&estate, &format!("/tasks/{task}"));
    assert_eq!((&done["status"], &done["progress"]), (&json!("success"), &json!(100)));
    let made = read(&estate, &format!("/vm-snapshots/{}", done["result"]["id"].as_str().expect("an id")));
    assert_eq!(made["$snapshot_of"], id(3, 1));
    assert_eq!(send(&estate, &format!("{snapshot}?sync=true"), "").0, 201);
    assert_eq!(send(&estate, &format!("POST /vms/{}/actions/start?sync=true", id(3, 4)), ""), (204, String::new()));
}

#[test]
fn a_guest_takes_its_time_to_shut_down_unless_its_power_is_cut() {
    let clock = Arc::new(ManualClock::default());
    let estate = XenOrchestra::new(clock.clone());
    let (web, deaf) = (id(3, 1), id(3, inventory::DEAF));
    let state = |vm: &str| read(&estate, &format!("/vms/{vm}"))["power_state"].clone();
    let tasks = |status: &str| {
        let tasks = read(&estate, &format!("/tasks?fields=status&filter=status:{status}"));
        tasks.as_array().map_or(0, Vec::len)
    };
    for vm in [&web, &deaf] {
        assert_eq!(send(&estate, &format!("POST /vms/{vm}/actions/clean_shutdown"), "").0, 202);
        assert_eq!(state(vm), "Running");
    }
    clock.0.fetch_add(3_000, Ordering::Relaxed);
    assert_eq!((state(&web), state(&deaf), tasks("pending")), (json!("Halted"), json!("Running"), 1));
    assert_eq!(send(&estate, &format!("POST /vms/{deaf}/actions/clean_shutdown?sync=true"), "").0, 400);
    assert_eq!(send(&estate, &format!("POST /vms/{deaf}/actions/hard_shutdown?sync=true"), "").0, 204);
    assert_eq!((state(&deaf), tasks("pending")), (json!("Halted"), 0));
    assert_eq!(send(&estate, &format!("POST /vms/{}/actions/clean_shutdown?sync=true", id(3, 2)), "").0, 204);
    assert_eq!(state(&id(3, 2)), "Halted");
}

#[test]
fn what_the_state_forbids_is_refused() {
    let estate = XenOrchestra::new(Arc::new(ManualClock::default()));
    for (request, body, part) in [
        (format!("POST /vms/{}/actions/start", id(3, 1)), "", "this one is Running"),
        (format!("POST /vms/{}/actions/migrate", id(3, 1)), r#"{"hostId":"x"}"#, "no host"),
        (format!("POST /vms/{}/actions/revert_snapshot", id(3, 1)), r#"{"snapshotId":"x"}"#, "no snapshot"),
        (format!("POST /vdis/{}/actions/migrate", id(6, 1)), r#"{"srId":"x"}"#, "no storage"),
    ] {
        let (status, answer) = send(&estate, &request, body);
        assert_eq!(status, 400, "{request}: {answer}");
        assert!(answer.contains(part), "{request}: {answer}");
    }
    let vm = id(3, 6);
    send(&estate, &format!("PATCH /vms/{vm}"), r#"{"blockedOperations":{"destroy":"keep"}}"#);
    assert_eq!(send(&estate, &format!("DELETE /vms/{vm}"), "").0, 403);
}
