//! A client that sends what it is told, right or wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

/// The stateless revision.
pub(crate) const MODERN: &str = "2026-07-28";

/// The newest revision with sessions.
pub(crate) const LEGACY: &str = "2025-11-25";

/// Reads and changes nothing, and takes no arguments.
pub(crate) const TOOL: &str = "VPS_getVirtualMachinesV1";

/// A request in the making.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let headers = vec![("Host".to_owned(), "localhost".to_owned())];
        Self { method: method.to_owned(), path: path.to_owned(), headers, body: Vec::new() }
    }

    /// A `POST` as every MCP client makes it, whatever the body is.
    pub(crate) fn post(body: impl Into<Vec<u8>>) -> Self {
        let request = Self::new("POST", "/mcp").with("Content-Type", "application/json");
        let mut request = request.with("Accept", "application/json, text/event-stream");
        request.body = body.into();
        request
    }

    /// A stateless request with everything that belongs to it.
    pub(crate) fn modern(id: impl Into<Value>, method: &str, params: Value) -> Self {
        let body = message(id, method, stateless(MODERN, params));
        let name = body["params"]["name"].as_str().map(str::to_owned);
        let request = Self::post(body.to_string()).with("MCP-Protocol-Version", MODERN).with("Mcp-Method", method);
        match name {
            Some(name) => request.with("Mcp-Name", &name),
            None => request,
        }
    }

    /// A stateless call of [`TOOL`].
    pub(crate) fn call(id: impl Into<Value>) -> Self {
        Self::modern(id, "tools/call", json!({ "name": TOOL }))
    }

    /// Sets a header, in place of those of the same name.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).adding(name, value)
    }

    pub(crate) fn adding(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn to(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(crate) fn by(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub(crate) fn saying(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Everything before the body, with its length.
    pub(crate) fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let chunked = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
        if !chunked && (self.method == "POST" || !self.body.is_empty()) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head + "\r\n"
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head().as_bytes(), &self.body].concat()
    }
}

/// A JSON-RPC request.
pub(crate) fn message(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// The parameters of a stateless request of this revision.
pub(crate) fn stateless(version: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "raw bytes", "version": "1" },
    });
    params
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The one JSON document in it, be it the body or the last event that holds any.
    pub(crate) fn json(&self) -> Value {
        let text = self.text();
        let found = match self.header("content-type") {
            Some("text/event-stream") => {
                text.lines().filter_map(|line| line.strip_prefix("data:")).rfind(|data| !data.trim().is_empty())
            }
            _ => Some(text.as_str()),
        };
        let found = found.unwrap_or_else(|| panic!("no event with data in {text:?}"));
        serde_json::from_str(found).unwrap_or_else(|error| panic!("{error} in {text:?}"))
    }

    /// The JSON documents of a stream of events.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data:")).filter(|data| !data.trim().is_empty());
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error} in {data:?}"))).collect()
    }
}

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// One connection.
pub(crate) struct Connection(BufReader<Box<dyn Stream>>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("the server listens"))
    }

    pub(crate) fn over(stream: impl Read + Write + Send + 'static) -> Self {
        Self(BufReader::new(Box::new(stream)))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("the server reads");
    }

    /// Sends what the server may refuse to read to its end.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.0.get_mut().write_all(bytes);
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Response {
        self.send(&request.bytes());
        self.answer()
    }

    /// The head of the next answer.
    pub(crate) fn head(&mut self) -> Response {
        let mut lines = Vec::new();
        loop {
            let line = self.line().expect("an answer");
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let status = lines[0].split(' ').nth(1).and_then(|status| status.parse().ok());
        let pair = |line: &String| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_owned(), value.trim().to_owned())
        };
        let headers = lines[1..].iter().map(pair).collect();
        Response { status: status.expect("a status"), headers, body: Vec::new() }
    }

    /// The next answer, read to its end.
    pub(crate) fn answer(&mut self) -> Response {
        let mut response = self.head();
        if response.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk() {
                response.body.extend(chunk);
            }
        } else if let Some(length) = response.header("content-length") {
            response.body = vec![0; length.parse().expect("a length")];
            self.0.read_exact(&mut response.body).expect("the whole body");
        }
        response
    }

    /// The next chunk of a chunked body; none at its end.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.line()?;
        let size = usize::from_str_radix(&size, 16).expect("the size of a chunk");
        let mut chunk = vec![0; size];
        self.0.read_exact(&mut chunk).expect("the whole chunk");
        assert_eq!(self.line().as_deref(), Some(""));
        (size > 0).then_some(chunk)
    }

    /// A line without its end; none if the server has closed the connection.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap_or(0);
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next answer, unless the server has closed the connection.
    pub(crate) fn rest_or_next(mut self) -> Option<Value> {
        let open = self.0.fill_buf().is_ok_and(|bytes| !bytes.is_empty());
        open.then(|| self.answer().json())
    }

    /// Waits until the server closes the connection, and says what came before that.
    pub(crate) fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A connection that is reset is closed too.
        let _ = self.0.read_to_end(&mut rest);
        rest
    }
}

/// A session of one of the older revisions.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) id: String,
    pub(crate) version: String,
}

impl Session {
    pub(crate) fn open(address: SocketAddr, version: &str) -> Self {
        let mut connection = Connection::open(address);
        let opened = connection.ask(&Request::post(initialize(version).to_string()));
        assert_eq!(opened.status, 200, "{}", opened.text());
        let id = opened.header("mcp-session-id").expect("a session").to_owned();
        let version = opened.json()["result"]["protocolVersion"].as_str().expect("a revision").to_owned();
        let mut session = Self { connection, id, version };
        let noted = session.ask(&session.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })));
        assert_eq!((noted.status, noted.body.len()), (202, 0));
        session
    }

    /// A request that belongs to the session.
    pub(crate) fn post(&self, message: &Value) -> Request {
        self.owning(Request::post(message.to_string()))
    }

    /// Makes a request belong to the session.
    pub(crate) fn owning(&self, request: Request) -> Request {
        request.with("Mcp-Session-Id", &self.id).with("MCP-Protocol-Version", &self.version)
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Response {
        self.connection.ask(request)
    }
}

pub(crate) fn initialize(version: &str) -> Value {
    let client = json!({ "name": "raw bytes", "version": "1" });
    message(0, "initialize", json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client }))
}
