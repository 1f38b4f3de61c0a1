//! Serves the tools of every provider that was built in.

use infra_mcp::cli::{Only, run};

fn main() -> std::process::ExitCode {
    run(Only::Everything)
}
