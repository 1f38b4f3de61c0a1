//! Serves every tool of Hostodo.

use infra_mcp::cli::{Only, run};

fn main() -> std::process::ExitCode {
    run(Only::Provider("hostodo"))
}
