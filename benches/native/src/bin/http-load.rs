//! Sends the same HTTP request over and over on a number of connections and counts the answers.
//!
//! Reads a [`Plan`] from stdin; prints a [`Line`] of JSON for each number of connections. One thread, so
//! that it takes one processor at most.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bench_native::load::{Figures, Meter, Tally};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// What the number of the request stands for in a body.
const NUMBER: &str = "$NUMBER";

/// How much of the beginning of an answer is looked at.
const LOOK: usize = 4096;

#[derive(Deserialize)]
struct Plan {
    /// Host and port.
    address: String,
    /// The process at that address.
    process: u32,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    /// `$NUMBER` in it is replaced by another number in each request.
    body: String,
    /// What a good answer has in its beginning.
    expect: String,
    /// Numbers of connections, measured one after the other.
    connections: Vec<usize>,
    seconds: f64,
    /// Load before the measured one, at each number of connections.
    warm_up_seconds: f64,
}

#[derive(Serialize)]
struct Line {
    connections: usize,
    #[serde(flatten)]
    figures: Figures,
}

fn main() -> io::Result<()> {
    let plan: Rc<Plan> = Rc::new(serde_json::from_reader(io::stdin())?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, async {
        let numbers = Rc::new(Cell::new(0));
        for &connections in &plan.connections {
            let mut senders = Vec::new();
            for _ in 0..connections {
                senders.push(connect(&plan.address).await?);
            }
            load(&plan, &numbers, &mut senders, plan.warm_up_seconds).await;
            let meter = Meter::start(plan.process)?;
            let tally = load(&plan, &numbers, &mut senders, plan.seconds).await;
            let figures = Line { connections, figures: meter.stop(tally)? };
            println!("{}", serde_json::to_string(&figures)?);
        }
        Ok(())
    })
}

type Sender = SendRequest<Full<Bytes>>;

async fn connect(address: &str) -> io::Result<Sender> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // What goes wrong with it shows where its answers are missing.
    tokio::task::spawn_local(async move { drop(connection.await) });
    Ok(sender)
}

/// Sends on every connection, and the next request for every answer, until the time is over.
async fn load(plan: &Rc<Plan>, numbers: &Rc<Cell<u64>>, senders: &mut Vec<Sender>, seconds: f64) -> Tally {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> = senders
        .drain(..)
        .map(|mut sender| {
            let (plan, numbers) = (Rc::clone(plan), Rc::clone(numbers));
            tokio::task::spawn_local(async move {
                let mut tally = Tally::default();
                while Instant::now() < end {
                    if sender.ready().await.is_err() {
                        // The server may close a connection once it has answered.
                        match connect(&plan.address).await {
                            Ok(another) => sender = another,
                            Err(error) => tally.fail(&error),
                        }
                        continue;
                    }
                    numbers.set(numbers.get() + 1);
                    let sent = Instant::now();
                    let failure = ask(&mut sender, &plan, numbers.get()).await.err();
                    tally.answered(sent.elapsed());
                    if let Some(failure) = failure {
                        tally.fail(&failure);
                    }
                }
                (sender, tally)
            })
        })
        .collect();
    let mut all = Tally::default();
    for task in tasks {
        let (sender, tally) = task.await.expect("a task that does not panic");
        senders.push(sender);
        all.merge(tally);
    }
    all
}

/// Sends one request and reads its answer to the end.
async fn ask(sender: &mut Sender, plan: &Plan, number: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut request = Request::builder().method(plan.method.as_str()).uri(&plan.path).header("host", &plan.address);
    for (name, value) in &plan.headers {
        request = request.header(name, value);
    }
    let body = plan.body.replace(NUMBER, &number.to_string());
    let response = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let beginning = String::from_utf8_lossy(&body[..body.len().min(LOOK)]);
    if !status.is_success() || !beginning.contains(&plan.expect) || beginning.contains("\"isError\":true") {
        return Err(format!("{status}: {beginning}").into());
    }
    Ok(())
}
