//! What answers where: stateful estate, sample bodies, and neither.

use super::{Estate, HOSTINGER, ManualClock, OTHER, Sandbox, send};
use crate::executor::Simulator;
use bytes::Bytes;
use std::sync::Arc;

#[test]
fn every_request_gets_an_answer() {
    let table = [
        ("GET", "/api/hosting/v1/websites/a.example", 200, r#"{"domain":"sample"}"#),
        ("DELETE", "/api/hosting/v1/websites/a.example", 204, ""),
        ("PUT", "/api/hosting/v1/websites/a.example", 405, "DELETE, GET"),
        ("GET", "/api/hosting/v1/log", 200, "plain words"),
        ("GET", "/api/hosting/v1/unheard-of", 404, "no route"),
        ("GET", "/", 404, "no route"),
        ("GET", "/api/vps/v1/virtual-machines", 200, "web-1.example.com"),
        ("PATCH", "/api/vps/v1/virtual-machines", 405, "supported: GET, POST."),
        ("GET", "/api/vps/v1/virtual-machines/100001/start", 405, "POST"),
        ("GET", "/api/vps/v1/virtual-machines/7", 404, "There is no virtual machine 7."),
        ("GET", "/api/vps/v1/virtual-machines/seven", 404, "seven"),
    ];
    let estate = Estate::new();
    for (method, path, status, part) in table {
        let (given, body) = send(&estate.sandbox, method, path, "");
        assert_eq!(given, status, "{method} {path}: {body}");
        assert!(body.contains(part), "{method} {path}: {body}");
        assert_eq!(given >= 400, body.contains("correlation_id"), "{method} {path}: {body}");
    }
}

#[test]
fn another_provider_has_samples_only() {
    let sandbox = Sandbox::new(&OTHER, Arc::new(ManualClock::default()));
    assert_eq!(send(&sandbox, "GET", "/api/vps/v1/virtual-machines", ""), (200, "[]".to_owned()));
    assert_eq!(send(&sandbox, "GET", "/api/vps/v1/templates", "").0, 404);
}

#[test]
fn headers_fit_the_body() {
    let sandbox = Sandbox::new(&HOSTINGER, Arc::new(ManualClock::default()));
    let table = [
        ("GET", "/api/vps/v1/templates", Some("application/json"), None),
        ("GET", "/api/hosting/v1/log", Some("text/plain; charset=utf-8"), None),
        ("DELETE", "/api/hosting/v1/websites/a.example", None, None),
        ("PUT", "/api/hosting/v1/websites/a.example", Some("application/json"), Some("DELETE, GET")),
    ];
    for (method, path, media, allow) in table {
        let request = http::Request::builder().method(method).uri(path).body(Bytes::new()).expect("a request");
        let response = sandbox.answer(request);
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().expect("text"));
        assert_eq!((header("content-type"), header("allow")), (media, allow), "{method} {path}");
    }
}
