//! The bytes of one connection: whatever comes, the answers are HTTP, and the server goes on.
#![no_main]

use std::cell::OnceCell;
use std::sync::Arc;

use infra_mcp::fuzzing::Http;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static SERVER: OnceCell<Http> = const { OnceCell::new() };
}

fuzz_target!(|sent: &[u8]| {
    SERVER.with(|server| {
        let server = server.get_or_init(|| {
            let sandbox = infra_mcp::assembly::sandbox().expect("the sandbox needs nothing");
            Http::new(Arc::new(sandbox)).expect("a runtime")
        });
        let answers = server.answers(sent);
        assert!(answers.is_empty() || answers.starts_with(b"HTTP/1."));
        let health = server.answers(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(health.starts_with(b"HTTP/1.1 200 OK\r\n"));
    });
});
