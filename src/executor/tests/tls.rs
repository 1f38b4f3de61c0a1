//! Private certificate authorities.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::*;
use crate::executor::{Authorities, Exception, Pin, Trust};

/// A server with the certificate of a private authority.
pub(super) fn serve() -> String {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    serve_with(certificate, PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap())
}

/// Answers every TLS connection with `{}`. Gives the base URL.
fn serve_with(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = Stream::new(&mut connection, &mut socket);
            // A client that refuses the certificate ends the handshake here.
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
            }
        }
    });
    url
}

#[tokio::test]
async fn a_private_authority_can_be_named() {
    let url = serve();
    let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/executor/tests/tls/authority.pem");
    let call = || fixture::authorized(fixture::call(writing(), "{}", fixture::settings(&url)));

    let error = Executor::network(NetworkOptions::default()).execute(call()).await.unwrap_err();
    assert!(matches!(error, CallError::Client { .. }), "{error:?}");
    assert_tells(&error, &["Nothing was sent", &url, "certificate", "--ca-file"]);

    let options = NetworkOptions { ca_file: Some(authority), ..NetworkOptions::default() };
    assert_eq!(options.check(), Ok(()));
    assert_eq!(Executor::network(options).execute(call()).await.unwrap().body, "{}");
}

/// A certificate that nobody vouches for, of another name and out of date.
#[tokio::test]
async fn a_certificate_that_stands_alone_is_trusted_by_its_fingerprint_or_not_checked() {
    let mut parameters = rcgen::CertificateParams::new(vec!["elsewhere.example".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&pair).unwrap();
    let right = Pin::of(certificate.der());
    let url = serve_with(certificate.der().clone(), PrivateKeyDer::try_from(pair.serialize_der()).unwrap());
    let other: Pin = "00".repeat(32).parse().unwrap();
    let pinned = |host: &str, pins: &[Pin]| Exception { host: host.to_owned(), trust: Trust::Pinned(pins.to_vec()) };
    let shown = right.to_string();
    for (exceptions, expected) in [
        (vec![], Err("--pin-sha256")),
        (vec![pinned("127.0.0.1", &[right])], Ok(())),
        (vec![pinned("127.0.0.1", &[other, right])], Ok(())),
        (vec![pinned("127.0.0.1", &[other])], Err(shown.as_str())),
        (vec![pinned("elsewhere.example", &[right])], Err("--ca-file")),
        (vec![Exception { host: "127.0.0.1".to_owned(), trust: Trust::Anything }], Ok(())),
        (vec![Exception { host: "127.0.0.2".to_owned(), trust: Trust::Anything }], Err("--ca-file")),
    ] {
        let options = NetworkOptions { exceptions: exceptions.clone(), ..NetworkOptions::default() };
        let call = fixture::authorized(fixture::call(writing(), "{}", fixture::settings(&url)));
        match (Executor::network(options).execute(call).await, expected) {
            (Ok(reply), Ok(())) => assert_eq!(reply.body, "{}"),
            (Err(error), Err(part)) => assert_tells(&error, &["Nothing was sent", &url, part]),
            (got, _) => panic!("{exceptions:?}: {got:?}"),
        }
    }
}

/// An authority that one account names vouches for its host alone, and a pin for the same host counts more.
#[tokio::test]
async fn an_authority_may_be_for_one_host() {
    let url = serve();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/executor/tests/tls/authority.pem");
    let named =
        |host: &str| Exception { host: host.to_owned(), trust: Trust::Authorities(Authorities::read(&file).unwrap()) };
    let pin = Trust::Pinned(vec!["00".repeat(32).parse().unwrap()]);
    let any = |trust: Trust| Exception { host: "127.0.0.1".to_owned(), trust };
    for (exceptions, trusted) in [
        (vec![named("127.0.0.1")], true),
        (vec![named("other.example")], false),
        (vec![named("other.example"), named("127.0.0.1")], true),
        (vec![any(Trust::Anything), named("127.0.0.1")], true),
        (vec![named("127.0.0.1"), any(pin)], false),
    ] {
        let options = NetworkOptions { exceptions: exceptions.clone(), ..NetworkOptions::default() };
        let call = fixture::authorized(fixture::call(writing(), "{}", fixture::settings(&url)));
        assert_eq!(Executor::network(options).execute(call).await.is_ok(), trusted, "{exceptions:?}");
    }
}

/// With exceptions for others, authorities are asked as before.
#[tokio::test]
async fn an_exception_is_for_its_host_alone() {
    let url = serve();
    let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/executor/tests/tls/authority.pem");
    let exceptions = vec![Exception { host: "other.example".to_owned(), trust: Trust::Anything }];
    for (ca_file, trusted) in [(Some(authority), true), (None, false)] {
        let options = NetworkOptions { ca_file, exceptions: exceptions.clone() };
        let call = fixture::authorized(fixture::call(writing(), "{}", fixture::settings(&url)));
        assert_eq!(Executor::network(options).execute(call).await.is_ok(), trusted);
    }
}

#[test]
fn a_fingerprint_is_read_as_it_is_printed() {
    let plain = "0123456789abcdef".repeat(4);
    let read: Pin = plain.parse().unwrap();
    assert_eq!(read.to_string().replace(':', "").to_lowercase(), plain);
    assert_eq!(read.to_string().parse(), Ok(read));
    for wrong in ["", "ab", &plain[1..], &format!("{plain}00"), &plain.replace('a', "g"), &"é".repeat(32)] {
        assert!(wrong.parse::<Pin>().is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn certificate_files_are_checked() {
    let folder = std::env::temp_dir().join(format!("infra-mcp-ca-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (empty, broken) = (folder.join("empty.pem"), folder.join("broken.pem"));
    std::fs::write(&empty, "nothing").unwrap();
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n").unwrap();
    for (file, expected) in [
        (folder.join("missing.pem"), "cannot be read"),
        (empty, "holds no PEM certificate"),
        (broken, "no PEM certificate"),
    ] {
        let options = NetworkOptions { ca_file: Some(file.clone()), ..NetworkOptions::default() };
        let error = options.check().unwrap_err();
        let name = file.display().to_string();
        assert!(
            error.to_string().starts_with("--ca-file: ")
                && error.to_string().contains(&name)
                && error.to_string().contains(expected),
            "{error}"
        );
        let call = fixture::call(reading(), "{}", fixture::settings("https://127.0.0.1:1"));
        let error = Executor::network(options).execute(fixture::authorized(call)).await.unwrap_err();
        assert_tells(&error, &["Nothing was sent", &name]);
    }
    assert_eq!(NetworkOptions::default().check(), Ok(()));
    std::fs::remove_dir_all(&folder).unwrap();
}
