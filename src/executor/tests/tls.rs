//! Private certificate authorities.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::*;

/// Answers every TLS connection with `{}`. Gives the base URL.
pub(super) fn serve() -> String {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
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

    let options = NetworkOptions { ca_file: Some(authority) };
    assert_eq!(options.check(), Ok(()));
    assert_eq!(Executor::network(options).execute(call()).await.unwrap().body, "{}");
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
        let options = NetworkOptions { ca_file: Some(file.clone()) };
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
