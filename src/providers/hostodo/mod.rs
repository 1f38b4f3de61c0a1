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

use super::handler::{Answer, text};
use crate::executor::Reply;
use crate::generated::composites::hostodo::*;

/// The handlers of Hostodo.
pub(super) struct Hostodo;

handlers! {
    Hostodo:
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
fn passed_on(reply: Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap_or(Value::String(reply.body))
}
