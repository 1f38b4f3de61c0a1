//! Serves every tool of Xen Orchestra.

use infra_mcp::cli::{Only, run};
use infra_mcp::generated::XEN_ORCHESTRA;

fn main() -> std::process::ExitCode {
    run(Only::Provider(&XEN_ORCHESTRA))
}
