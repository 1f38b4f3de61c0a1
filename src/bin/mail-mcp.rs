//! Serves the toolset `mail` of Hostinger.

use infra_mcp::cli::{Only, run};
use infra_mcp::generated::HOSTINGER;

fn main() -> std::process::ExitCode {
    run(Only::Toolset(&HOSTINGER, "mail"))
}
