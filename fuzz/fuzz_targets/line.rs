//! One JSON-RPC line: it is a message or is refused with a message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|line: &[u8]| {
    let Some(refusal) = infra_mcp::fuzzing::refusal(line) else { return };
    let refusal: Value = serde_json::from_slice(&refusal).expect("a refusal is JSON");
    assert_eq!(refusal["jsonrpc"], "2.0");
    assert!(refusal["error"]["code"].is_i64() && refusal["error"]["message"].is_string());
    assert!(matches!(refusal["id"], Value::Null | Value::String(_) | Value::Number(_)));
});
