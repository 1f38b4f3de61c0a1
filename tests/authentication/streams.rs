//! Streams of events on which somebody listens while their token loses its worth.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

use infra_mcp::authentication::tokens;
use infra_mcp::store::{Store, TokenRecord, now};

use crate::server::{Place, Server};

/// Opens the stream of a session.
fn listen(server: &Server, token: &str) -> BufReader<TcpStream> {
    let session = server.initialize(Some(token));
    let headers = [
        ("Authorization", format!("Bearer {token}")),
        ("Mcp-Session-Id", session.header("mcp-session-id").to_owned()),
        ("MCP-Protocol-Version", "2025-06-18".to_owned()),
    ];
    let mut stream = BufReader::new(server.open("GET", "/mcp", &headers, ""));
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
    stream
}

/// Makes a token that expires at this time.
fn expiring(place: &Place, expires: i64) -> String {
    let (token, hash) = tokens::make().unwrap();
    let record = TokenRecord {
        name: "expires".to_owned(),
        hash,
        toolsets: None,
        scopes: None,
        accounts: None,
        read_only: false,
        created: now(),
        expires: Some(expires),
        used: None,
        revoked: None,
    };
    assert!(Store::create(&place.state()).unwrap().add_token(&record).unwrap());
    token.expose().to_owned()
}

#[test]
fn a_stream_ends_with_the_token_it_was_opened_with() {
    let place = Place::new();
    let (stays, revoked) = (place.token("stays", &[]), place.token("revoked", &[]));
    let expires = expiring(&place, now() + 5);
    let server = place.serve(&[]);
    let mut goes_on = listen(&server, &stays);
    let ending = [&revoked, &expires].map(|token| listen(&server, token));
    assert!(place.run(&["token", "revoke", "revoked"]).status.success());
    for mut stream in ending {
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("\r\n0\r\n\r\n"), "it ends as a whole: {rest}");
        assert!(!rest.contains("jsonrpc"), "{rest}");
    }
    // The comment that the others did not get any more.
    let mut line = String::new();
    while !line.starts_with(':') {
        line.clear();
        assert!(goes_on.read_line(&mut line).unwrap() > 0, "it ended");
    }
    assert_eq!((server.list(Some(&stays)).status, server.list(Some(&revoked)).status), (200, 401));
}
