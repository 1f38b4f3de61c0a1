//! Serves every tool of Hostodo.

use infra_mcp::cli::{Only, run};
use infra_mcp::generated::HOSTODO;

fn main() -> std::process::ExitCode {
    run(Only::Provider(&HOSTODO))
}
