//! Work that goes on after the answer, driven by the clock.

use super::{Estate, at};

const RUNNING: &str = "/api/vps/v1/virtual-machines/100001";
const STOPPED: &str = "/api/vps/v1/virtual-machines/100002";

#[test]
fn the_state_of_a_machine_follows_its_action() {
    let recreate = r#"{"template_id":1013}"#;
    let recovery = r#"{"root_password":"correct horse"}"#;
    let table: &[(&str, &str, &str, [&str; 3])] = &[
        (STOPPED, "start", "", ["starting", "starting", "running"]),
        (RUNNING, "start", "", ["running", "running", "running"]),
        (RUNNING, "stop", "", ["stopping", "stopping", "stopped"]),
        (STOPPED, "stop", "", ["stopped", "stopped", "stopped"]),
        (RUNNING, "restart", "", ["stopping", "starting", "running"]),
        (STOPPED, "restart", "", ["starting", "starting", "running"]),
        (RUNNING, "recreate", recreate, ["recreating", "recreating", "running"]),
        (RUNNING, "backups/801/restore", "", ["restoring", "restoring", "running"]),
        (RUNNING, "recovery", recovery, ["stopping", "starting", "recovery"]),
        (STOPPED, "recovery", recovery, ["starting", "starting", "recovery"]),
        (RUNNING, "snapshot", "", ["running", "running", "running"]),
    ];
    for (machine, operation, body, states) in table {
        let estate = Estate::new();
        let (status, action) = estate.send("POST", &format!("{machine}/{operation}"), body);
        assert_eq!((status, at(&action, "/state").as_str()), (200, Some("sent")), "{operation}: {action}");
        for (state, progress, lock) in
            [(states[0], "sent", "locked"), (states[1], "sent", "locked"), (states[2], "success", "unlocked")]
        {
            let shown = estate.get(machine);
            assert_eq!(at(&shown, "/state"), state, "{operation}");
            assert_eq!(at(&shown, "/actions_lock"), lock, "{operation}");
            let action = estate.get(&format!("{machine}/actions/{}", at(&action, "/id")));
            assert_eq!(at(&action, "/state"), progress, "{operation}");
            estate.wait(1000);
        }
    }
}

#[test]
fn actions_of_one_machine_wait_for_each_other() {
    let estate = Estate::new();
    for operation in ["stop", "start"] {
        estate.send("POST", &format!("{RUNNING}/{operation}"), "");
    }
    let table = [
        (0, "stopping", ["delayed", "sent"]),
        (2000, "starting", ["sent", "success"]),
        (2000, "running", ["success", "success"]),
    ];
    for (wait, state, newest_first) in table {
        estate.wait(wait);
        assert_eq!(at(&estate.get(RUNNING), "/state"), state);
        let actions = estate.get(&format!("{RUNNING}/actions"));
        for (place, progress) in newest_first.iter().enumerate() {
            assert_eq!(at(&actions, &format!("/data/{place}/state")), *progress, "{state}");
        }
    }
    let last = estate.get(&format!("{RUNNING}/actions"));
    assert_ne!(at(&last, "/data/0/created_at"), at(&last, "/data/0/updated_at"));
}

#[test]
fn a_long_pause_finishes_everything_that_was_waiting() {
    let estate = Estate::new();
    for operation in ["stop", "start", "restart", "stop"] {
        estate.send("POST", &format!("{RUNNING}/{operation}"), "");
    }
    estate.wait(3_600_000);
    assert_eq!(at(&estate.get(RUNNING), "/state"), "stopped");
}

#[test]
fn snapshots_keep_the_disk_and_recreation_wipes_it() {
    let estate = Estate::new();
    let snapshot = format!("{RUNNING}/snapshot");
    assert_eq!(estate.send("GET", &snapshot, "").0, 404);
    estate.complete("POST", &snapshot, "");
    let first = estate.get(&snapshot);
    estate.complete("POST", &snapshot, "");
    assert_ne!(at(&first, "/id"), at(&estate.get(&snapshot), "/id"), "the one snapshot is overwritten");

    estate.complete("DELETE", &format!("{RUNNING}/docker/storefront/down"), "");
    assert_eq!(estate.get(&format!("{RUNNING}/docker")).as_array().map(Vec::len), Some(0));
    estate.complete("POST", &format!("{snapshot}/restore"), "");
    assert_eq!(at(&estate.get(&format!("{RUNNING}/docker")), "/0/name"), "storefront");

    estate.complete("POST", &format!("{RUNNING}/recreate"), r#"{"template_id":1140}"#);
    assert_eq!(at(&estate.get(RUNNING), "/template/id"), 1140);
    assert_eq!(at(&estate.get(RUNNING), "/hostname"), "web-1.example.com");
    assert_eq!(estate.get(&format!("{RUNNING}/docker")).as_array().map(Vec::len), Some(0));
    assert_eq!(estate.send("GET", &snapshot, "").0, 404, "the snapshot goes with the disk");
}
