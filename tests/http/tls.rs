//! TLS: the certificate of the files, the new one when they change, and files that are none.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::client::{Connection, Request};
use crate::server::{Server, program};

/// Two PEM files in a folder of their own.
struct Files {
    folder: TempDir,
}

impl Files {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a certificate of its own authority, and says which it is.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        // The key first: whoever looks in between sees two that do not belong together.
        std::fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).expect("it can be written");
        std::fs::write(self.path("chain.pem"), made.cert.pem()).expect("it can be written");
        made.cert.der().clone()
    }

    fn arguments(&self) -> Vec<String> {
        let name = |name: &str| self.path(name).to_str().expect("UTF-8").to_owned();
        vec!["--log".into(), "warn".into(), "--tls-cert".into(), name("chain.pem"), "--tls-key".into(), name("key.pem")]
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A connection of a client that trusts this certificate alone; none if the server shows another.
fn connect(server: &Server, trusted: &CertificateDer<'static>) -> Option<Connection> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut socket = TcpStream::connect(server.address).expect("the server listens");
    while client.is_handshaking() {
        client.complete_io(&mut socket).ok()?;
    }
    Some(Connection::over(StreamOwned::new(client, socket)))
}

#[test]
fn a_new_certificate_is_served_without_a_restart() {
    let files = Files { folder: TempDir::new().expect("a folder") };
    let old = files.renew();
    let arguments = files.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = Server::sandbox(&arguments);
    let mut connection = connect(&server, &old).expect("it shows its certificate");
    assert_eq!(connection.ask(&Request::call(1)).json()["id"], 1);

    // A client that speaks no TLS, one that goes in the middle of it, and one that says nothing.
    let mut plain = server.connect();
    plain.send(&Request::call(1).bytes());
    assert!(!plain.rest().starts_with(b"HTTP/1.1 2"));
    let mut half = server.connect();
    half.send(b"\x16\x03\x01\x02");
    drop(half);
    let _silent = server.connect();
    assert!(connect(&server, &old).is_some());

    let new = files.renew();
    let mut renewed = loop {
        // The files are looked at once a second.
        if let Some(connection) = connect(&server, &new) {
            break connection;
        }
    };
    assert_eq!(renewed.ask(&Request::call(2)).json()["id"], 2);
    assert!(connect(&server, &old).is_none(), "the old one is gone");
    assert_eq!(connection.ask(&Request::call(3)).json()["id"], 3, "who is connected stays connected");

    std::fs::write(files.path("chain.pem"), "no certificate").expect("it can be written");
    while !server.said().contains("the old certificate stays") {
        assert!(connect(&server, &new).is_some(), "files that cannot be used change nothing");
    }
    assert!(connect(&server, &new).is_some());
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn files_that_cannot_be_used_are_named_at_start() {
    let files = Files { folder: TempDir::new().expect("a folder") };
    files.renew();
    let other = Files { folder: TempDir::new().expect("a folder") };
    other.renew();
    std::fs::write(files.path("empty.pem"), "").expect("it can be written");
    std::fs::write(files.path("broken.pem"), "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
        .expect("it can be written");
    let (chain, key) = (files.path("chain.pem"), files.path("key.pem"));
    let run = |arguments: &[&Path]| {
        let flags = ["--http", "--port", "0", "--sandbox", "--tls-cert"];
        let mut command = program(&flags, &files.folder);
        command.arg(arguments[0]);
        if let Some(key) = arguments.get(1) {
            command.arg("--tls-key").arg(key);
        }
        let output = command.stdin(Stdio::null()).output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (arguments, expected) in [
        (&[files.path("missing.pem"), key.clone()][..], "missing.pem"),
        (&[files.path("empty.pem"), key.clone()], "empty.pem"),
        (&[files.path("broken.pem"), key.clone()], "broken.pem"),
        (&[key.clone(), key.clone()], "key.pem"),
        (&[chain.clone(), chain.clone()], "chain.pem"),
        (&[chain.clone(), files.path("missing.pem")], "missing.pem"),
        (&[chain.clone(), other.path("key.pem")], "--tls-key"),
        (&[chain], "--tls-key"),
    ] {
        let paths: Vec<&Path> = arguments.iter().map(PathBuf::as_path).collect();
        let (code, said) = run(&paths);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(expected), "{expected} in {said}");
        assert!(!said.contains("Listening") && !said.contains("PRIVATE KEY"), "{said}");
    }
}
