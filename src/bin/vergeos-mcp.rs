//! Serves every tool of VergeOS.

use infra_mcp::cli::{Only, run};

fn main() -> std::process::ExitCode {
    run(Only::Provider("vergeos"))
}
