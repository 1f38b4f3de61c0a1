//! Handlers of composite tools, one folder a provider: only what cannot be said in `specs/`.
//!
//! The generator makes a trait of every provider's composite tools, with a method each. A definition without a handler
//! does not compile, nor does a handler without a definition, nor one that sends a request which its definition does
//! not name. A provider that is not in the build leaves no trace of its handlers; with specs of one's own
//! (`INFRA_MCP_SPECS`) there are none at all.

#[macro_use]
mod handler;
#[cfg(infra_mcp_provider = "hostodo")]
mod hostodo;
#[cfg(infra_mcp_provider = "vergeos")]
mod vergeos;
#[cfg(infra_mcp_provider = "xen-orchestra")]
mod xen_orchestra;

use std::future::ready;

use futures_util::future::BoxFuture;
use infra_mcp_model::Binding;

use crate::call::Call;
use crate::error::CallError;
use crate::executor::{Executor, Reply};
#[cfg(any(infra_mcp_provider = "hostodo", infra_mcp_provider = "vergeos", infra_mcp_provider = "xen-orchestra"))]
use crate::generated::composites;
use crate::policy::Authorized;

/// Carries the call out, by the handler of its tool where it has one.
///
/// # Errors
/// If nothing safe can be sent, if no usable answer arrives or if it is an error.
pub async fn carry_out(executor: &Executor, call: Authorized<Call>) -> Result<Reply, CallError> {
    match call.call().entry.tool.binding {
        Binding::Composite(_) => compose(executor, call).await,
        Binding::Operation(_) | Binding::Relay(_) => executor.execute(call).await,
    }
}

/// Carries out a composite tool. Boxed, so that no other call carries the state of all handlers along.
fn compose(executor: &Executor, call: Authorized<Call>) -> BoxFuture<'_, Result<Reply, CallError>> {
    let provider = call.call().entry.provider.name.as_ref();
    let run = executor.begin(call);
    match provider {
        #[cfg(infra_mcp_provider = "hostodo")]
        "hostodo" => Box::pin(composites::hostodo::carry_out(&hostodo::Hostodo, run)),
        #[cfg(infra_mcp_provider = "vergeos")]
        "vergeos" => Box::pin(composites::vergeos::carry_out(&vergeos::VergeOs, run)),
        #[cfg(infra_mcp_provider = "xen-orchestra")]
        "xen-orchestra" => Box::pin(composites::xen_orchestra::carry_out(&xen_orchestra::XenOrchestra, run)),
        _ => Box::pin(ready(Err(run.unknown()))),
    }
}
