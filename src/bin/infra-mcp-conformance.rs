//! Serves the fixtures of the MCP conformance suite over HTTP: `infra-mcp-conformance [PORT]`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let Ok(port) = std::env::args().nth(1).unwrap_or_else(|| "0".to_owned()).parse() else {
        eprintln!("usage: infra-mcp-conformance [PORT]");
        return ExitCode::from(2);
    };
    let served = infra_mcp::conformance::serve(port, |address| eprintln!("Listening on http://{address}/mcp")).await;
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Port {port} cannot be listened on: {error}.");
            ExitCode::FAILURE
        }
    }
}
