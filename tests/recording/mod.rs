//! Upstreams that record what reaches them.

#![allow(dead_code, reason = "not every test file needs all of it")]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// An upstream on a port of its own. It records the heads of requests, in lower case.
pub(crate) struct Upstream {
    /// Scheme, host and port.
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    /// Answers all requests alike.
    pub(crate) fn answering(status: &'static str, body: &'static str) -> Self {
        Self::serving("http", move |stream, log| answer(stream, log, status, body))
    }

    /// Takes connections and says nothing.
    pub(crate) fn silent() -> Self {
        let held = Mutex::new(Vec::new());
        Self::serving("http", move |stream, log| {
            log.lock().unwrap().push(String::new());
            held.lock().unwrap().push(stream);
        })
    }

    /// Answers all requests alike behind a certificate that nobody vouches for, which comes along in PEM form.
    pub(crate) fn uncertified(status: &'static str, body: &'static str) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let config = Arc::new(config);
        let upstream = Self::serving("https", move |stream, log| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            answer(StreamOwned::new(connection, stream), log, status, body);
        });
        (upstream, made.cert.pem())
    }

    fn serving(scheme: &str, serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("{scheme}://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &log)));
        Self { address, requests }
    }

    /// The requests since the last time.
    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

/// Answers one request and closes the connection.
fn answer(stream: impl Read + Write, log: &Mutex<Vec<String>>, status: &str, body: &str) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        head += &std::mem::take(&mut line).to_lowercase();
    }
    let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
    let mut sent = vec![0; length.unwrap_or(0)];
    if head.is_empty() || reader.read_exact(&mut sent).is_err() {
        return;
    }
    log.lock().unwrap().push(head);
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
    let _ = write!(reader.get_mut(), "{head}\r\nConnection: close\r\n\r\n{body}");
    let _ = reader.get_mut().flush();
}
