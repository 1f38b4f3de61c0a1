//! Serves every tool of Xen Orchestra.

use infra_mcp::cli::{Only, run};

fn main() -> std::process::ExitCode {
    run(Only::Provider("xen-orchestra"))
}
