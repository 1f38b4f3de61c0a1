//! A provider that misbehaves and clients that vanish, over HTTP and over standard input and output. Afterwards the
//! server is healthy.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Connection, LEGACY, MODERN, Request, Session, TOOL, message, stateless};
use crate::server::{Server, program};
use crate::upstream::{Behaviour, Moody, Upstream, answer, wait_for_the_end, well};

/// The binary over standard input and output.
struct Pipe {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _folder: TempDir,
}

impl Pipe {
    fn facing(base: &str, arguments: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut command = program(arguments, &folder);
        command.env("API_BASE_URL", base).env("HOSTINGER_API_TOKEN", "x").stderr(Stdio::null());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, output, _folder: folder }
    }

    fn say(&mut self, line: &[u8]) {
        self.input.write_all(&[line, b"\n"].concat()).expect("it reads");
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it writes");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    }

    fn call(&mut self, id: &str) -> Value {
        self.say(call(id).to_string().as_bytes());
        self.hear()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call(id: &str) -> Value {
    message(id, "tools/call", stateless(MODERN, json!({ "name": TOOL })))
}

fn text(answer: &Value) -> String {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}")).to_owned()
}

fn say(stream: &mut TcpStream, bytes: &[u8]) {
    // Who has had enough does not read on.
    let _ = stream.write_all(bytes);
}

/// Sends a hundred million bytes, or as many as are taken.
fn flood(stream: &mut TcpStream) {
    let block = vec![b'1'; 1 << 20];
    for _ in 0..100 {
        if stream.write_all(&block).is_err() {
            return;
        }
    }
}

/// Answers with an error status and a body in the provider's manner.
macro_rules! status {
    ($status:literal) => {
        |stream| answer(stream, $status, r#"{"message":"Told so.","correlation_id":"7f3a"}"#)
    };
}

/// What the provider does, and what the caller has to be told.
const FAULTS: &[(&str, Behaviour, &[&str])] = &[
    ("accepts and says nothing", wait_for_the_end, &["No answer", "within 3 s"]),
    (
        "stops after the head",
        |s| {
            say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
            wait_for_the_end(s)
        },
        &["No answer", "within 3 s"],
    ),
    ("closes at once", |_| (), &["closed or broke the connection"]),
    ("resets", reset, &["closed or broke the connection"]),
    ("breaks off in the head", |s| say(s, b"HTTP/1.1 200 OK\r\nContent-Le"), &["closed or broke the connection"]),
    (
        "breaks off in the body",
        |s| say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n[1,2"),
        &["closed or broke the connection"],
    ),
    (
        "breaks off in a chunk",
        |s| say(s, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[1,2"),
        &["closed or broke the connection"],
    ),
    (
        "lies about a length that is none",
        |s| say(s, b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n[]"),
        &["closed or broke the connection"],
    ),
    (
        "gives two lengths",
        |s| say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]x"),
        &["closed or broke the connection"],
    ),
    (
        "says less than the whole",
        |s| say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n[1,2]"),
        &["HTTP 200, but"],
    ),
    ("speaks no HTTP", |s| say(s, b"220 mail.example.com ESMTP\r\n"), &["closed or broke the connection"]),
    (
        "announces 100 MB",
        |s| {
            say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
            flood(s)
        },
        &["larger than 32 MiB"],
    ),
    (
        "sends 100 MB unannounced",
        |s| {
            say(s, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            flood(s)
        },
        &["larger than 32 MiB"],
    ),
    (
        "sends a head without end",
        |s| {
            say(s, b"HTTP/1.1 200 OK\r\nX: ");
            flood(s)
        },
        &["closed or broke the connection"],
    ),
    ("sends nothing", |s| answer(s, "200 OK", ""), &["HTTP 200, but"]),
    ("sends HTML", |s| answer(s, "200 OK", "<html><body>Please wait</body></html>"), &["HTTP 200, but"]),
    ("sends depth", |s| answer(s, "200 OK", &"[".repeat(100_000)), &["HTTP 200, but"]),
    (
        "sends no UTF-8",
        |s| say(s, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\"\xff\xfe\""),
        &["HTTP 200, but"],
    ),
    ("redirects away", |s| answer(s, "302 Found\r\nLocation: http://169.254.169.254/", ""), &["redirect"]),
    ("redirects in a circle", |s| answer(s, "302 Found\r\nLocation: /api/vps/v1/virtual-machines", ""), &["redirect"]),
    ("refuses the token", status!("401 Unauthorized"), &["HTTP 401", "Told so.", "7f3a", "credential"]),
    ("forbids", status!("403 Forbidden"), &["HTTP 403", "Told so.", "7f3a", "permissions"]),
    ("finds nothing", status!("404 Not Found"), &["HTTP 404", "Told so.", "7f3a"]),
    ("sees a clash", status!("409 Conflict"), &["HTTP 409", "Told so.", "7f3a"]),
    (
        "dislikes the arguments",
        status!("422 Unprocessable Content"),
        &["HTTP 422", "Told so.", "Correct the arguments"],
    ),
    ("is overrun", status!("429 Too Many Requests\r\nRetry-After: 77"), &["HTTP 429", "Told so.", "77 s"]),
    ("fails", status!("500 Internal Server Error"), &["HTTP 500", "Told so.", "7f3a"]),
    ("is behind a broken gateway", |s| answer(s, "502 Bad Gateway", "<html>nginx</html>"), &["HTTP 502"]),
    ("is away", status!("503 Service Unavailable\r\nRetry-After: 77"), &["HTTP 503", "77 s"]),
    ("is too slow for its gateway", status!("504 Gateway Timeout\r\nRetry-After: 77"), &["HTTP 504"]),
    ("has a status of its own", status!("599 Whatever"), &["HTTP 599"]),
];

/// Closes with a reset in place of a farewell, as the system does when nobody waits for what is unsent.
fn reset(stream: &mut TcpStream) {
    let socket = socket2::SockRef::from(&*stream);
    socket.set_linger(Some(std::time::Duration::ZERO)).expect("a socket");
}

#[test]
fn whatever_the_provider_does_is_told_and_survived() {
    let upstream = Moody::start();
    let arguments = ["--timeout", "3"];
    let server = Server::facing(&upstream.base, &arguments);
    let mut pipe = Pipe::facing(&upstream.base, &arguments);
    let mut session = Session::open(server.address, LEGACY);
    let legacy = session.post(&message("l", "tools/call", json!({ "name": TOOL })));
    for (what, behaviour, expected) in FAULTS {
        upstream.behave(*behaviour);
        // All three at once: each waits for what the provider does.
        let mut modern = server.connect();
        modern.send(&Request::call("m").bytes());
        session.connection.send(&legacy.bytes());
        let piped = pipe.call("p");
        for (answer, id) in [(modern.answer().json(), "m"), (session.connection.answer().json(), "l"), (piped, "p")] {
            assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(id), &json!(true)), "{what}: {answer}");
            let text = text(&answer);
            assert!(expected.iter().all(|part| text.contains(part)), "{what}: {text}");
        }
        upstream.behave(well);
        server.assert_healthy(what);
        assert_eq!(pipe.call("after")["result"]["isError"], false, "after {what}");
        assert_eq!(session.ask(&legacy).json()["result"]["isError"], false, "after {what}");
    }
}

#[test]
fn a_slow_provider_is_waited_for() {
    let upstream = Moody::start();
    upstream.behave(|stream| {
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]" {
            say(stream, &[*byte]);
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    });
    let server = Server::facing(&upstream.base, &[]);
    assert_eq!(text(&server.ask(&Request::call(1)).json()), "[1]");
    assert_eq!(text(&Pipe::facing(&upstream.base, &[]).call("1")), "[1]");
}

#[test]
fn nothing_but_an_empty_answer_is_a_success_where_it_may_be_empty() {
    let upstream = Moody::start();
    upstream.behave(|stream| say(stream, b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
    let server = Server::facing(&upstream.base, &[]);
    let got = server.ask(&Request::call(1)).json();
    assert!(got["result"]["isError"].is_boolean(), "{got}");
    upstream.behave(well);
    server.assert_healthy("nothing");
}

#[test]
fn a_client_that_vanishes_takes_its_call_along() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &[]);
    for after_a_part in [false, true] {
        let mut connection = server.connect();
        connection.send(&Request::call(1).bytes());
        let (_, mut stream) = upstream.take();
        if after_a_part {
            say(&mut stream, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[1,");
        }
        drop(connection);
        wait_for_the_end(&mut stream);
    }
    // A session can be resumed, so its call goes on.
    let session = Session::open(server.address, LEGACY);
    let mut connection = server.connect();
    connection.send(&session.post(&message(1, "tools/call", json!({ "name": TOOL }))).bytes());
    let (_, mut stream) = upstream.take();
    let head = connection.head();
    assert_eq!(head.status, 200);
    let first = String::from_utf8(connection.chunk().expect("where to resume")).expect("UTF-8");
    let id = first.lines().find_map(|line| line.strip_prefix("id: ")).expect("an event id").to_owned();
    drop(connection);
    let resume = session.owning(Request::new("GET", "/mcp").with("Accept", "text/event-stream"));
    let mut resumed = server.connect();
    resumed.send(&resume.with("Last-Event-ID", &id).bytes());
    assert_eq!(resumed.head().status, 200);
    answer(&mut stream, "200 OK", "[5]");
    let mut said = String::new();
    while !said.contains("[5]") {
        said += &String::from_utf8(resumed.chunk().expect("the answer")).expect("UTF-8");
    }
}

#[test]
fn a_client_that_vanishes_while_it_is_answered_is_forgotten() {
    let upstream = Moody::start();
    upstream.behave(|stream| answer(stream, "200 OK", &format!("[\"{}\"]", "x".repeat(8 << 20))));
    let server = Server::facing(&upstream.base, &["--max-result", "0"]);
    let before = server.memory("VmRSS");
    for _ in 0..20 {
        let mut connection = server.connect();
        connection.send(&Request::call(1).bytes());
        assert_eq!(connection.head().status, 200);
        // The rest does not fit into the buffers of the system.
        drop(connection);
    }
    upstream.behave(well);
    server.assert_healthy("20 who vanished");
    let grown = server.memory("VmRSS").saturating_sub(before);
    assert!(grown < 20 * 8 * 1024, "{grown} KiB are more than what each of them was sent");
}

#[test]
fn a_hundred_calls_at_once_are_each_answered() {
    let upstream = Upstream::start();
    let server = Server::facing(&upstream.base, &[]);
    let mut connections: Vec<Connection> = (0..100).map(|_| server.connect()).collect();
    for (id, connection) in connections.iter_mut().enumerate() {
        connection.send(&Request::call(id).bytes());
    }
    let mut streams: Vec<TcpStream> = (0..100).map(|_| upstream.take().1).collect();
    // Every third breaks off; it is tried again, and answered then.
    for stream in streams.iter_mut().step_by(3) {
        say(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n[");
    }
    for (n, mut stream) in streams.into_iter().enumerate() {
        if n % 3 != 0 {
            answer(&mut stream, "200 OK", "[1]");
        }
    }
    for _ in 0..34 {
        answer(&mut upstream.take().1, "200 OK", "[1]");
    }
    for (id, mut connection) in connections.into_iter().enumerate() {
        let got = connection.answer().json();
        assert_eq!((&got["id"], text(&got).as_str()), (&json!(id), "[1]"));
    }
}

#[test]
fn lines_that_are_too_long_are_refused_one_by_one() {
    let upstream = Moody::start();
    let mut pipe = Pipe::facing(&upstream.base, &[]);
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#, "y".repeat(20 << 20));
    for _ in 0..3 {
        pipe.say(long.as_bytes());
        let refused = pipe.hear();
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&Value::Null, &json!(-32600)), "{refused}");
        assert_eq!(pipe.call("after")["result"]["isError"], false);
    }
    for line in [&b"\xff\xfe"[..], "[".repeat(10_000).as_bytes(), b"{\"jsonrpc\":\"2.0\",\"id\":1,\"meth"] {
        pipe.say(line);
        assert_eq!(pipe.hear()["error"]["code"], -32700);
        assert_eq!(pipe.call("after")["result"]["isError"], false);
    }
}
