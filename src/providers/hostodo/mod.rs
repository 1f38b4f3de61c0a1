//! Hostodo: composite tools over its REST API and its MCP endpoint.
//!
//! A machine comes as its id: names were resolved before. Nothing here was tried against the live service.

mod commands;
mod files;
mod machines;
mod orders;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upload_tests;
#[cfg(test)]
mod upstream_tests;

use serde_json::Value;

use crate::error::CallError;
use crate::executor::Steps;
use crate::generated::composites::hostodo::*;

/// What a handler answers.
type Answer = Result<Value, CallError>;

/// The handlers of Hostodo.
pub(super) struct Hostodo;

/// A method for each tool, which its topic carries out.
macro_rules! handlers {
    ($($name:ident($kind:ident) by $topic:ident;)*) => {
        impl Composites for Hostodo {
            $(async fn $name(&self, arguments: $kind, steps: Steps<'_, $kind>) -> Answer {
                $topic::$name(arguments, steps).await
            })*
        }
    };
}

handlers! {
    hostodo_power_off_vm(HostodoPowerOffVm) by machines;
    hostodo_check_vm_health(HostodoCheckVmHealth) by machines;
    hostodo_get_bandwidth_usage(HostodoGetBandwidthUsage) by machines;
    hostodo_get_deployment(HostodoGetDeployment) by machines;
    hostodo_get_invoice(HostodoGetInvoice) by orders;
    hostodo_deploy_instance(HostodoDeployInstance) by orders;
    hostodo_wait_vm_command(HostodoWaitVmCommand) by commands;
    hostodo_start_vm_command(HostodoStartVmCommand) by commands;
    hostodo_install_artifact(HostodoInstallArtifact) by files;
    hostodo_upload_file(HostodoUploadFile) by files;
}

/// What a step answered that is passed on: as JSON, or in the words that came instead.
fn passed_on(reply: crate::executor::Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap_or(Value::String(reply.body))
}

/// A member as text; empty where it is none.
fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
