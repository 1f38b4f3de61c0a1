//! Keeps a number of tool calls in flight to a server on stdio and counts the answers.
//!
//! Reads a [`Plan`] from stdin; prints a [`Line`] of JSON for each number in flight.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use bench_native::load::{Figures, Meter, Tally};
use bench_native::{Answer, Launch, Server, parse};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Plan {
    #[serde(flatten)]
    launch: Launch,
    tool: String,
    arguments: Value,
    /// Numbers of calls in flight, measured one after the other. All of them have to fit into a pipe
    /// (64 KiB): while a message is being written, no answer is read.
    in_flight: Vec<usize>,
    seconds: f64,
    /// Load before the measured one, at each number in flight.
    warm_up_seconds: f64,
}

#[derive(Serialize)]
struct Line {
    in_flight: usize,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Deserialize)]
struct CallResult {
    #[serde(rename = "isError", default)]
    is_error: bool,
}

fn main() -> io::Result<()> {
    let plan: Plan = serde_json::from_reader(io::stdin())?;
    let mut load = Load { server: Server::spawn(&mut plan.launch.to_command(), Vec::new())?, plan: &plan, last_id: 0 };
    load.server.initialize()?;
    for &in_flight in &plan.in_flight {
        load.run(in_flight, Duration::from_secs_f64(plan.warm_up_seconds))?;
        let line = load.measure(in_flight, Duration::from_secs_f64(plan.seconds))?;
        println!("{}", serde_json::to_string(&line)?);
    }
    Ok(())
}

struct Load<'a> {
    server: Server,
    plan: &'a Plan,
    last_id: u64,
}

impl Load<'_> {
    fn measure(&mut self, in_flight: usize, time: Duration) -> io::Result<Line> {
        let meter = Meter::start(self.server.id())?;
        let tally = self.run(in_flight, time)?;
        Ok(Line { in_flight, figures: meter.stop(tally)? })
    }

    /// Sends a new call for every answer until the time is over, then waits for what is left.
    fn run(&mut self, in_flight: usize, time: Duration) -> io::Result<Tally> {
        let end = Instant::now() + time;
        let mut tally = Tally::default();
        let mut open = HashMap::with_capacity(in_flight);
        for _ in 0..in_flight {
            self.call(&mut open)?;
        }
        while !open.is_empty() {
            let line = self.server.receive()?;
            let now = Instant::now();
            let Some(answer) = parse(line) else { continue };
            let Some(sent) = answer.id.and_then(|id| open.remove(&id)) else { continue };
            tally.answered(now - sent);
            if let Some(error) = failure(&answer) {
                tally.fail(&error);
            }
            if now < end {
                self.call(&mut open)?;
            }
        }
        Ok(tally)
    }

    fn call(&mut self, open: &mut HashMap<u64, Instant>) -> io::Result<()> {
        self.last_id += 1;
        let Plan { tool, arguments, .. } = self.plan;
        let mut message = Vec::with_capacity(256);
        write!(
            message,
            r#"{{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#,
            self.last_id
        )?;
        open.insert(self.last_id, Instant::now());
        self.server.send(&message)
    }
}

/// What went wrong, if something did: a JSON-RPC error, or a result with `isError`.
fn failure<'a>(answer: &Answer<'a>) -> Option<&'a str> {
    let Some(result) = answer.result.map(RawValue::get) else { return answer.error.map(RawValue::get) };
    // Most results do not have the member, and need no parsing.
    let failed = result.contains("\"isError\"")
        && serde_json::from_str::<CallResult>(result).map_or(true, |result| result.is_error);
    failed.then_some(result)
}
