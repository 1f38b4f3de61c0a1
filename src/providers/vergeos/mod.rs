//! VergeOS: composite tools over its uniform tables.
//!
//! What is sent and why is said by `decision` in `specs/vergeos/tools`. Nothing here was tried against a live system.

mod hardware;
mod machine;
mod networks;
mod owners;
mod power;
mod rows;
mod snapshots;
mod tables;
#[cfg(test)]
mod tests;

use super::handler::{Answer, text};
use crate::generated::composites::vergeos::*;

/// The handlers of VergeOS.
pub(super) struct VergeOs;

handlers! {
    VergeOs:
    list_vms(ListVms) by machine;
    get_vm(GetVm) by machine;
    get_vm_status(GetVmStatus) by machine;
    power_on_vm(PowerOnVm) by power;
    power_off_vm(PowerOffVm) by power;
    force_off_vm(ForceOffVm) by power;
    reset_vm(ResetVm) by power;
    modify_vm(ModifyVm) by power;
    get_vm_nics(GetVmNics) by hardware;
    get_vm_drives(GetVmDrives) by hardware;
    resize_drive(ResizeDrive) by hardware;
    add_drive(AddDrive) by hardware;
    list_vm_snapshots(ListVmSnapshots) by snapshots;
    create_vm_snapshot(CreateVmSnapshot) by snapshots;
    delete_vm_snapshot(DeleteVmSnapshot) by snapshots;
    restore_vm_snapshot(RestoreVmSnapshot) by snapshots;
    list_networks(ListNetworks) by networks;
    get_network(GetNetwork) by networks;
    network_action(NetworkAction) by networks;
    tenant_action(TenantAction) by networks;
    list_nodes(ListNodes) by networks;
    get_node_stats(GetNodeStats) by networks;
    list_volumes(ListVolumes) by networks;
    get_cluster_status(GetClusterStatus) by networks;
    get_cluster_stats(GetClusterStats) by networks;
    get_logs(GetLogs) by networks;
    get_alarms(GetAlarms) by networks;
    table_list(TableList) by tables;
    table_get(TableGet) by tables;
    table_describe(TableDescribe) by tables;
    table_owners(TableOwners) by owners;
    table_create(TableCreate) by tables;
    table_update(TableUpdate) by tables;
    table_delete(TableDelete) by tables;
    table_action(TableAction) by tables;
}
