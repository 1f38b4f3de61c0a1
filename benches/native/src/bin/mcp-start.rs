//! Time from spawning a server to the answer of `tools/list`, alternating between several.
//!
//! Reads a JSON array of [`Subject`]s from stdin; prints a [`Figures`] for each as a line of JSON.

use std::io;
use std::time::{Duration, Instant};

use bench_native::{Launch, Server, parse, quantile};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const LIST: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

#[derive(Deserialize)]
struct Subject {
    name: String,
    #[serde(flatten)]
    launch: Launch,
    /// How often it is spawned; the spawns are spread evenly over the whole run.
    spawns: usize,
    /// False for a program that only starts and ends.
    serves: bool,
}

#[derive(Default)]
struct Start {
    time: Duration,
    bytes: usize,
    tools: usize,
    peak_kib: u64,
}

#[derive(Serialize)]
struct Figures<'a> {
    name: &'a str,
    spawns: usize,
    min_ms: f64,
    median_ms: f64,
    /// Size of the answer to `tools/list`, and the number of tools in it.
    list_bytes: usize,
    tools: usize,
    /// Largest resident size after `tools/list`, of the largest of all spawns.
    peak_kib: u64,
}

#[derive(Deserialize)]
struct Listing<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
}

fn main() -> io::Result<()> {
    let subjects: Vec<Subject> = serde_json::from_reader(io::stdin())?;
    let mut buffer = Vec::with_capacity(4 << 20);
    for subject in &subjects {
        measure(subject, &mut buffer)?; // fills the page cache
    }
    let mut starts: Vec<Vec<Start>> = subjects.iter().map(|_| Vec::new()).collect();
    let rounds = subjects.iter().map(|subject| subject.spawns).max().unwrap_or(0);
    for round in 1..=rounds {
        for (subject, starts) in subjects.iter().zip(&mut starts) {
            if starts.len() < subject.spawns * round / rounds {
                starts.push(measure(subject, &mut buffer)?);
            }
        }
    }
    for (subject, starts) in subjects.iter().zip(&starts) {
        println!("{}", serde_json::to_string(&figures(&subject.name, starts))?);
    }
    Ok(())
}

fn measure(subject: &Subject, buffer: &mut Vec<u8>) -> io::Result<Start> {
    let start = if subject.serves { list(&subject.launch, buffer) } else { run(&subject.launch) };
    start.map_err(|error| io::Error::other(format!("{}: {error}", subject.name)))
}

/// Spawn to the end of the process.
fn run(launch: &Launch) -> io::Result<Start> {
    let mut command = launch.to_command();
    let begin = Instant::now();
    command.spawn()?.wait()?;
    Ok(Start { time: begin.elapsed(), ..Start::default() })
}

/// Spawn to the last byte of the answer to `tools/list`.
fn list(launch: &Launch, buffer: &mut Vec<u8>) -> io::Result<Start> {
    let mut command = launch.to_command();
    let begin = Instant::now();
    let mut server = Server::spawn(&mut command, std::mem::take(buffer))?;
    server.initialize()?;
    server.send(LIST)?;
    let mut start = loop {
        let line = server.receive()?;
        let time = begin.elapsed();
        if let Some(tools) = count_tools(line)? {
            break Start { time, bytes: line.len(), tools, peak_kib: 0 };
        }
    };
    start.peak_kib = server.peak_kib()?;
    *buffer = server.end();
    Ok(start)
}

/// The number of tools, if the line is the answer to `tools/list`.
fn count_tools(line: &[u8]) -> io::Result<Option<usize>> {
    let Some(answer) = parse(line).filter(|answer| answer.id == Some(1)) else { return Ok(None) };
    let result = answer.result.ok_or_else(|| io::Error::other("tools/list was refused"))?;
    Ok(Some(serde_json::from_str::<Listing<'_>>(result.get())?.tools.len()))
}

fn figures<'a>(name: &'a str, starts: &[Start]) -> Figures<'a> {
    let mut times: Vec<f64> = starts.iter().map(|start| start.time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let last = starts.last();
    Figures {
        name,
        spawns: starts.len(),
        min_ms: quantile(&times, 0.0),
        median_ms: quantile(&times, 0.5),
        list_bytes: last.map_or(0, |start| start.bytes),
        tools: last.map_or(0, |start| start.tools),
        peak_kib: starts.iter().map(|start| start.peak_kib).max().unwrap_or(0),
    }
}
