//! The cheapest possible MCP server on stdio, without any upstream: the ceiling of the harness itself.

use std::io::{self, BufRead, Write};

use serde::Deserialize;

#[derive(Deserialize)]
struct Request<'a> {
    id: Option<u64>,
    method: &'a str,
}

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let Ok(Request { id: Some(id), method }) = serde_json::from_str(&line) else { continue };
        let result = match method {
            "initialize" => {
                r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"null","version":"0"}}"#
            }
            "tools/list" => r#"{"tools":[{"name":"null","inputSchema":{"type":"object"}}]}"#,
            _ => r#"{"content":[{"type":"text","text":"{\"data\":[{\"id\":1,\"state\":\"running\"}]}"}]}"#,
        };
        writeln!(output, r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)?;
    }
    Ok(())
}
