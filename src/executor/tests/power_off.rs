//! Waiting for a machine to be off.

use infra_mcp_model::{Location, PowerOff, Style, Tool};
use serde_json::{Value, json};

use super::*;

/// A machine that is off after so many looks at it, or once its power is cut.
struct Machine {
    looks: Mutex<u32>,
    /// How many looks find it running after it was asked to shut down.
    stubborn: u32,
    asked: Mutex<Vec<String>>,
}

impl Simulator for Machine {
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let (method, path) = (request.method().as_str(), request.uri().path());
        let mut asked = self.asked.lock().unwrap();
        let sent = |word: &str| asked.iter().any(|line| line.ends_with(word));
        let mut looks = self.looks.lock().unwrap();
        *looks += u32::from(method == "GET" && sent("/stop"));
        let off = sent("/kill") || (sent("/stop") && *looks > self.stubborn) || path.starts_with("/v1/idle");
        let state = if off { "stopped" } else { "running" };
        asked.push(format!("{method} {path}"));
        let mut answer = http::Response::new(Bytes::from(json!({"data": {"state": state}}).to_string()));
        answer.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
        answer
    }
}

fn provider(force: &'static str) -> &'static Provider {
    let operation = |method, path: &str| {
        fixture::operation(method, path, vec![fixture::parameter("id", Location::Path, Style::Simple, false)], None)
    };
    let tool = |name, method, path: &str| fixture::tool(name, operation(method, path));
    let power_off = PowerOff { member: "state".into(), off: "stopped".into(), force: force.into() };
    let stop = Tool {
        power_off: Some(power_off),
        reader: "show".into(),
        review: fixture::review(Effect::Write),
        ..tool("stop", Method::Post, "/v1/{id}/stop")
    };
    fixture::provider(vec![(
        "main",
        vec![stop, tool("show", Method::Get, "/v1/{id}"), tool("kill", Method::Post, "/v1/{id}/kill")],
    )])
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_the_machine_and_has_its_power_cut_if_it_wants() {
    for (force, arguments, stubborn, sent, expected) in [
        ("kill", json!({"id": "a"}), 0, vec!["POST /v1/a/stop"], json!({"data": {"state": "running"}})),
        (
            "kill",
            json!({"id": "a", "wait_timeout": 0}),
            0,
            vec!["POST /v1/a/stop"],
            json!({"data": {"state": "running"}}),
        ),
        (
            "kill",
            json!({"id": "idle", "wait_timeout": 9}),
            0,
            vec!["GET /v1/idle"],
            json!({"success": true, "was_running": false, "final_state": "stopped"}),
        ),
        (
            "kill",
            json!({"id": "a", "wait_timeout": 9, "force_after_timeout": true}),
            1,
            vec!["GET /v1/a", "POST /v1/a/stop", "GET /v1/a", "GET /v1/a"],
            json!({"success": true, "was_running": true, "forced": false, "final_state": "stopped", "elapsed_seconds": 6}),
        ),
        (
            "kill",
            json!({"id": "a", "wait_timeout": 4, "force_after_timeout": true}),
            99,
            vec!["GET /v1/a", "POST /v1/a/stop", "GET /v1/a", "GET /v1/a", "POST /v1/a/kill", "GET /v1/a"],
            json!({"success": true, "was_running": true, "forced": true, "final_state": "stopped", "elapsed_seconds": 7}),
        ),
        (
            "",
            json!({"id": "a", "wait_timeout": 4}),
            99,
            vec!["GET /v1/a", "POST /v1/a/stop", "GET /v1/a", "GET /v1/a"],
            json!({
                "success": false, "was_running": true, "forced": false, "current_state": "running",
                "elapsed_seconds": 4, "error": "the machine is not stopped after 4 s",
                "hint": "There is no harder way to power it off: give it more time, and look with show.",
                "answer": {"data": {"state": "running"}},
            }),
        ),
    ] {
        let machine = Arc::new(Machine { looks: Mutex::default(), stubborn, asked: Mutex::default() });
        let call = fixture::call(provider(force), &arguments.to_string(), fixture::settings("https://api.example.com"));
        let executor = Executor::simulated(Arc::clone(&machine) as Arc<dyn Simulator>);
        let reply = executor.execute(fixture::authorized(call)).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&reply.body).unwrap(), expected, "{arguments}");
        assert_eq!(*machine.asked.lock().unwrap(), sent, "{arguments}");
    }
}
