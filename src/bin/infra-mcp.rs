//! Serves the tools of every provider that was built in.

use infra_mcp::cli::{Only, run};
use infra_mcp::generated::PROVIDERS;

fn main() -> std::process::ExitCode {
    run(Only::Everything(PROVIDERS))
}
