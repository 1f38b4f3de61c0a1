//! Serves every tool of Hostinger.

use infra_mcp::cli::{Only, run};

fn main() -> std::process::ExitCode {
    run(Only::Provider("hostinger"))
}
