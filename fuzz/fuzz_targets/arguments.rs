//! Arguments against the schema of every tool, and on through policy, request and simulated provider.
//!
//! The first two bytes choose the tool, the rest is its arguments as JSON.
#![no_main]

use std::sync::LazyLock;

use infra_mcp::call::Caller;
use infra_mcp::server::Server;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

static SERVER: LazyLock<Server> = LazyLock::new(|| infra_mcp::assembly::sandbox().expect("the sandbox needs nothing"));

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"));

fuzz_target!(|data: &[u8]| {
    let Some((choice, arguments)) = data.split_first_chunk::<2>() else { return };
    let Ok(arguments) = serde_json::from_slice::<Map<String, Value>>(arguments) else { return };
    let entries = SERVER.catalogue.entries();
    let tool = entries[usize::from(u16::from_le_bytes(*choice)) % entries.len()].tool;
    let call = SERVER.call(&tool.name, arguments, Caller::local(None));
    let result = RUNTIME.block_on(call).expect("the tool is served");
    assert!(result.is_error.is_some());
    assert!(!result.content.is_empty());
});
