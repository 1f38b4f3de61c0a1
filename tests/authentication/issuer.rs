//! An OAuth issuer in this process, and whatever else answers HTTP requests here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

/// Answers every request with what `answer` makes of its path, one after the other, and keeps their bytes.
pub(crate) struct Web {
    pub(crate) address: String,
    pub(crate) received: Arc<Mutex<String>>,
}

impl Web {
    pub(crate) fn start(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(String::new()));
        let web = Self { address, received: Arc::clone(&received) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while stream.read_line(&mut head).unwrap() > 2 {}
                let Some(path) = head.split(' ').nth(1) else { continue };
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                stream.read_exact(&mut body).unwrap();
                let (status, text) = answer(path);
                received.lock().unwrap().push_str(&(head.clone() + &String::from_utf8(body).unwrap() + "\n"));
                let head = format!("HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nConnection: close");
                let _ = write!(stream.get_mut(), "{head}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
            }
        });
        web
    }
}

/// A key that signs, made for this run.
pub(crate) struct Key {
    pair: Ed25519KeyPair,
    id: &'static str,
}

impl Key {
    pub(crate) fn new(id: &'static str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { pair: Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap(), id }
    }

    pub(crate) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.id, "alg": "EdDSA", "x": encode(self.public()) })
    }

    /// A signed JWT.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": self.id }), claims)
    }

    /// A signed JWT with any header.
    pub(crate) fn sign_as(&self, header: &Value, claims: &Value) -> String {
        compose(header, claims, |message| self.pair.sign(message).as_ref().to_vec())
    }
}

/// A JWT with any signature.
pub(crate) fn compose(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// An issuer that publishes these keys.
pub(crate) struct Issuer {
    pub(crate) web: Web,
    pub(crate) keys: Arc<Mutex<Vec<Value>>>,
}

impl Issuer {
    pub(crate) fn start(keys: Vec<Value>) -> Self {
        let keys = Arc::new(Mutex::new(keys));
        let published = Arc::clone(&keys);
        let own = Arc::new(Mutex::new(String::new()));
        let name = Arc::clone(&own);
        let web = Web::start(move |path| match path {
            "/.well-known/openid-configuration" => {
                let issuer = name.lock().unwrap().clone();
                (200, json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }).to_string())
            }
            "/keys" => (200, json!({ "keys": *published.lock().unwrap() }).to_string()),
            _ => (404, "{}".to_owned()),
        });
        own.lock().unwrap().clone_from(&web.address);
        Self { web, keys }
    }

    pub(crate) fn name(&self) -> &str {
        &self.web.address
    }

    /// How often the keys were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.web.received.lock().unwrap().matches("GET /keys ").count()
    }
}
