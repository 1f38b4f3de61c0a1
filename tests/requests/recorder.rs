//! A recording upstream: HTTP/1.1 with keep-alive over std threads. It keeps every request as it
//! came in and answers `{}`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    /// The method of the request line.
    pub(crate) method: String,
    /// The request target, still encoded.
    pub(crate) target: String,
    /// Lower-case names and values in order of arrival.
    pub(crate) headers: Vec<(String, String)>,
    /// The body without transfer encoding.
    pub(crate) body: Vec<u8>,
}

/// The upstream: it lives until the process ends.
pub(crate) struct Recorder {
    address: SocketAddr,
    received: Receiver<Result<Received, String>>,
}

impl Recorder {
    /// Starts to listen on a free port of the loopback interface.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port is bound");
        let (sender, received) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || serve(stream, &sender));
            }
        });
        Self { address, received }
    }

    /// The base URL of the upstream.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes what came in since the last time. A request is here before its answer is sent.
    pub(crate) fn take(&self) -> Vec<Result<Received, String>> {
        self.received.try_iter().collect()
    }
}

fn serve(stream: TcpStream, sender: &Sender<Result<Received, String>>) {
    match exchange(stream, sender) {
        Err(problem) if problem.kind() != io::ErrorKind::ConnectionReset => {
            // Nobody listens any more once the test is over.
            let _ = sender.send(Err(format!("the request cannot be read: {problem}")));
        }
        _ => {}
    }
}

fn exchange(stream: TcpStream, sender: &Sender<Result<Received, String>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answers = stream.try_clone()?;
    let mut requests = BufReader::new(stream);
    while let Some(request) = read(&mut requests)? {
        let status = if request.method == "POST" { "201 Created" } else { "200 OK" };
        let _ = sender.send(Ok(request));
        let answer = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}");
        if answers.write_all(answer.as_bytes()).is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads one request, or `None` at the end of the connection.
pub(crate) fn read(input: &mut impl BufRead) -> io::Result<Option<Received>> {
    let Some(first) = line(input)? else {
        return Ok(None);
    };
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1"), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(io::Error::other(format!("bad request line {first:?}")));
    };
    let (method, target) = (method.to_owned(), target.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line(input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| io::Error::other(format!("bad header {line:?}")))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let body = body(input, &headers)?;
    Ok(Some(Received { method, target, headers, body }))
}

fn body(input: &mut impl BufRead, headers: &[(String, String)]) -> io::Result<Vec<u8>> {
    let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    match (header("transfer-encoding"), header("content-length")) {
        (Some("chunked"), None) => loop {
            let size = line(input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
            append(input, size, &mut body)?;
            line(input)?;
            if size == 0 {
                break;
            }
        },
        (None, Some(length)) => append(input, length.parse().map_err(io::Error::other)?, &mut body)?,
        (None, None) => {}
        (coding, length) => {
            return Err(io::Error::other(format!("transfer encoding {coding:?} with length {length:?}")));
        }
    }
    Ok(body)
}

fn append(input: &mut impl Read, size: usize, body: &mut Vec<u8>) -> io::Result<()> {
    let start = body.len();
    body.resize(start + size, 0);
    input.read_exact(&mut body[start..])
}

/// A line without its end, or `None` at the end of the input. Bytes beyond ASCII become the
/// characters of the same number.
fn line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if input.read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    match bytes.strip_suffix(b"\r\n") {
        Some(line) => Ok(Some(line.iter().map(|&byte| char::from(byte)).collect())),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
