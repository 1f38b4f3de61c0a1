//! Serves the toolset `ecommerce` of Hostinger.

use infra_mcp::cli::{Only, run};

fn main() -> std::process::ExitCode {
    run(Only::Toolset("hostinger", "ecommerce"))
}
