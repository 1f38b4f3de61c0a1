//! Serves every tool of VergeOS.

use infra_mcp::cli::{Only, run};
use infra_mcp::generated::VERGEOS;

fn main() -> std::process::ExitCode {
    run(Only::Provider(&VERGEOS))
}
