//! An HTTP server that plays a script: one act for each request, over any number of connections. Or one that judges
//! each request for itself.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub(super) enum Act {
    /// Sends these bytes and waits for the next request.
    Answer(String),
    /// Sends these bytes and closes the connection.
    AnswerAndClose(String),
    /// Waits until the client closes the connection.
    Hang,
}

/// An answer with a JSON body.
pub(super) fn json(status: &str, body: &str) -> Act {
    answer(status, "Content-Type: application/json\r\n", body)
}

/// An answer with more header lines.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> Act {
    Act::Answer(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
}

pub(super) struct Mock {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    closed: Receiver<()>,
}

impl Mock {
    pub(super) fn play(script: Vec<Act>) -> Self {
        let script = Mutex::new(VecDeque::from(script));
        Self::judge(move |_| script.lock().unwrap().pop_front().unwrap_or_else(|| json("500 Script Ended", "{}")))
    }

    /// Answers each request, head and body, as `judge` says.
    pub(super) fn judge(judge: impl Fn(&str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let judge: Arc<Judge> = Arc::new(judge);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (sender, closed) = channel();
        let log = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (judge, log, sender) = (judge.clone(), log.clone(), sender.clone());
                std::thread::spawn(move || serve(stream, &*judge, &log, &sender));
            }
        });
        Self { url, requests, closed }
    }

    /// Head and body of every request so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns when a client has closed the connection of an [`Act::Hang`].
    pub(super) fn wait_for_close(&self) {
        self.closed.recv().unwrap();
    }
}

type Judge = dyn Fn(&str) -> Act + Send + Sync;

fn serve(stream: TcpStream, judge: &Judge, log: &Mutex<Vec<String>>, closed: &Sender<()>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(request) = request(&mut reader) {
        let act = judge(&request);
        log.lock().unwrap().push(request);
        match act {
            Act::Answer(text) => drop(stream.write_all(text.as_bytes())),
            Act::AnswerAndClose(text) => return drop(stream.write_all(text.as_bytes())),
            Act::Hang => {
                let _ = reader.read(&mut [0]);
                let _ = closed.send(());
                return;
            }
        }
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request).ok()? == 0 {
            return None;
        }
    }
    let lower = request.to_ascii_lowercase();
    let length =
        lower.split_once("content-length: ").map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.push_str(std::str::from_utf8(&body).unwrap());
    Some(request)
}
