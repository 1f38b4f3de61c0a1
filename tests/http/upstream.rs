//! A provider that does what a test tells it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

/// What is done with a connection once a request has come.
pub(crate) type Behaviour = fn(&mut TcpStream);

/// A provider that takes requests and hands them to the test.
pub(crate) struct Upstream {
    requests: Receiver<(String, TcpStream)>,
    pub(crate) base: String,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let (listener, base) = listen();
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    if let Some(head) = head(&mut reader) {
                        let _ = sender.send((head, reader.into_inner()));
                    }
                });
            }
        });
        Self { requests, base }
    }

    /// The next request: its head, and the connection to answer on.
    pub(crate) fn take(&self) -> (String, TcpStream) {
        self.requests.recv().expect("a request")
    }
}

/// A provider that behaves in one way at a time.
pub(crate) struct Moody {
    behaviour: Arc<Mutex<Behaviour>>,
    pub(crate) base: String,
}

impl Moody {
    pub(crate) fn start() -> Self {
        let (listener, base) = listen();
        let behaviour = Arc::new(Mutex::new(well as Behaviour));
        let current = Arc::clone(&behaviour);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let current = Arc::clone(&current);
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    if head(&mut reader).is_some() {
                        let behave = *current.lock().expect("no panic");
                        behave(reader.get_mut());
                    }
                });
            }
        });
        Self { behaviour, base }
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("no panic") = behaviour;
    }
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    (listener, base)
}

fn head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while reader.read_line(&mut head).ok()? > 2 {}
    (!head.is_empty()).then_some(head)
}

/// The answer that is right.
pub(crate) fn well(stream: &mut TcpStream) {
    answer(stream, "200 OK", "[]");
}

/// Answers and closes the connection.
pub(crate) fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let head = "Content-Type: application/json\r\nConnection: close";
    let length = body.len();
    // Who has gone away reads no answer.
    let _ = write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}");
}

/// Waits until the other side closes the connection.
pub(crate) fn wait_for_the_end(stream: &mut TcpStream) {
    while stream.read(&mut [0; 1024]).is_ok_and(|read| read > 0) {}
}
