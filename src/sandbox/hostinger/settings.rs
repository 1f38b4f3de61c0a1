//! Settings of a machine: hostname, passwords, resolvers and reverse DNS.

use super::Routes;
use super::actions::Task;
use super::estate::Estate;
use super::machine::{Address, Machine, default_hostname};
use super::outcome::{Failure, Outcome};
use super::request::Request;
use super::zone::is_hostname;
use infra_mcp_model::Method::{Delete, Post, Put};
use std::net::IpAddr;

pub(super) const ROUTES: Routes = &[
    (Put, "/api/vps/v1/virtual-machines/{virtualMachineId}/hostname", set_hostname),
    (Delete, "/api/vps/v1/virtual-machines/{virtualMachineId}/hostname", reset_hostname),
    (Put, "/api/vps/v1/virtual-machines/{virtualMachineId}/root-password", set_root_password),
    (Put, "/api/vps/v1/virtual-machines/{virtualMachineId}/panel-password", set_panel_password),
    (Put, "/api/vps/v1/virtual-machines/{virtualMachineId}/nameservers", set_resolvers),
    (Post, "/api/vps/v1/virtual-machines/{virtualMachineId}/ptr/{ipAddressId}", create_ptr),
    (Delete, "/api/vps/v1/virtual-machines/{virtualMachineId}/ptr/{ipAddressId}", delete_ptr),
];

fn set_hostname(estate: &mut Estate, request: &Request) -> Outcome {
    let hostname = request.body().text("hostname")?.to_owned();
    if !is_hostname(&hostname) {
        return Err(Failure::invalid("hostname", "The hostname may hold letters, digits, hyphens and dots only."));
    }
    estate.act(request.number(0)?, Task::change("set_hostname", move |machine, _| machine.hostname = hostname))
}

fn reset_hostname(estate: &mut Estate, request: &Request) -> Outcome {
    let task = Task::change("reset_hostname", |machine, _| {
        let hostname = default_hostname(machine.id);
        for address in machine.addresses() {
            address.ptr = Some(hostname.clone());
        }
        machine.hostname = hostname;
    });
    estate.act(request.number(0)?, task)
}

// Passwords are checked and then forgotten: nothing in the sandbox could use them.
fn set_root_password(estate: &mut Estate, request: &Request) -> Outcome {
    request.body().password("password", 12)?;
    estate.act(request.number(0)?, Task::change("set_root_password", |_, _| {}))
}

fn set_panel_password(estate: &mut Estate, request: &Request) -> Outcome {
    request.body().password("password", 8)?;
    estate.act(request.number(0)?, Task::change("set_panel_password", |_, _| {}))
}

/// A third resolver is accepted, but the provider shows only two.
fn set_resolvers(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let address = |field: &str| match body.optional_text(field)? {
        Some(text) if text.parse::<IpAddr>().is_err() => {
            Err(body.failure(field, &format!("The {field} must be an IP address.")))
        }
        given => Ok(given.map(str::to_owned)),
    };
    body.text("ns1")?;
    let resolvers = [address("ns1")?, address("ns2")?];
    address("ns3")?;
    estate.act(request.number(0)?, Task::change("set_nameservers", move |machine, _| machine.resolvers = resolvers))
}

fn create_ptr(estate: &mut Estate, request: &Request) -> Outcome {
    let name = request.body().text("domain")?.to_owned();
    if !is_hostname(&name) {
        return Err(Failure::invalid("domain", "The domain must be a host name."));
    }
    set_ptr(estate, request, "create_ptr", Some(name))
}

fn delete_ptr(estate: &mut Estate, request: &Request) -> Outcome {
    set_ptr(estate, request, "delete_ptr", None)
}

fn set_ptr(estate: &mut Estate, request: &Request, name: &'static str, ptr: Option<String>) -> Outcome {
    let (id, address) = (request.number(0)?, request.number(1)?);
    if address_of(estate.machine(id)?, address).is_none() {
        return Err(Failure::missing("IP address", address));
    }
    let task = Task::change(name, move |machine, _| {
        if let Some(address) = address_of(machine, address) {
            address.ptr = ptr;
        }
    });
    estate.act(id, task)
}

fn address_of(machine: &mut Machine, id: u64) -> Option<&mut Address> {
    machine.addresses().find(|address| address.id == id)
}
