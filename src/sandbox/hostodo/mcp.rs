//! The MCP endpoint: JSON-RPC over one HTTP request, without sessions.

use super::access::{Counted, Token, token};
use super::commands::{self, Command};
use super::refusal::{Outcome, Refusal, invalid, refuse};
use super::uploads::Slot;
use super::{State, machines, text_of};
use crate::arguments::Arguments;
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::{Binding, Provider, Text, Tool};
use serde_json::{Map, Value, json};

/// Revisions that `initialize` agrees to; the last one is offered where another is asked for.
const REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// What a tool needs before it is carried out, beyond a token.
struct Needs {
    scope: &'static str,
    /// The machine is opted in, and the staff hold nothing off.
    opt_in: bool,
    /// The owner's machine is in order.
    active: bool,
}

const fn needs(scope: &'static str, opt_in: bool, active: bool) -> Needs {
    Needs { scope, opt_in, active }
}

fn needs_of(tool: &str) -> Option<Needs> {
    Some(match tool {
        "hostodo_list_vms" | "hostodo_get_vm" | "hostodo_list_templates" => needs("vms:read", false, false),
        "hostodo_power_vm" | "hostodo_reinstall_vm" => needs("vms:power", false, true),
        "hostodo_rename_vm" => needs("vms:power", false, false),
        "hostodo_set_vm_exec_enabled" => needs("vms:exec", false, false),
        "hostodo_exec_vm_command" | "hostodo_start_vm_command" => needs("vms:exec", true, true),
        "hostodo_create_artifact_upload" | "hostodo_install_artifact" => needs("vms:exec", true, true),
        "hostodo_get_vm_command_output" | "hostodo_read_vm_command_logs" | "hostodo_cancel_vm_command" => {
            needs("vms:exec", false, false)
        }
        _ => return None,
    })
}

/// What came with a message.
pub(super) struct Message<'m> {
    pub(super) token: &'static Token,
    /// The address of this server, for presigned ones.
    pub(super) base: &'m str,
    pub(super) now: Timestamp,
}

/// Answers one message; none for a notification.
pub(super) fn answer(state: &mut State, tools: &[Tool], body: &[u8], with: &Message<'_>) -> Option<Value> {
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return Some(error(&Value::Null, -32700, "This is no JSON."));
    };
    let id = message.get("id").filter(|id| !id.is_null())?;
    let parameters = message.get("params").cloned().unwrap_or_default();
    let result = match text_of(&message, "method") {
        "initialize" => {
            let asked = text_of(&parameters, "protocolVersion");
            let agreed = REVISIONS.iter().find(|known| **known == asked).unwrap_or(&REVISIONS[3]);
            let info = json!({ "name": "hostodo-sandbox", "version": env!("CARGO_PKG_VERSION") });
            json!({ "protocolVersion": agreed, "capabilities": { "tools": {} }, "serverInfo": info })
        }
        "ping" => json!({}),
        "tools/list" => json!({ "tools": tools.iter().map(listed).collect::<Vec<_>>() }),
        "tools/call" => {
            let name = text_of(&parameters, "name");
            let (Some(needs), Some(tool)) = (needs_of(name), tools.iter().find(|tool| tool.name == name)) else {
                return Some(error(id, -32602, &format!("There is no tool {name}.")));
            };
            let given = parameters.get("arguments").and_then(Value::as_object).cloned().unwrap_or_default();
            let mut vm_id = None;
            let outcome = call(state, tool, &needs, given, with, &mut vm_id);
            let result = outcome.as_ref().map_or_else(|refusal| refusal.code, |_| "ok");
            state.audit.keep(with.token, name, vm_id.as_deref(), result, with.now);
            result_of(outcome)
        }
        method => return Some(error(id, -32601, &format!("There is no method {method}."))),
    };
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

fn error(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

fn result_of(outcome: Outcome) -> Value {
    let is_error = outcome.is_err();
    let structured = outcome.unwrap_or_else(|refusal| refusal.to_json());
    let text = json!([{ "type": "text", "text": structured.to_string() }]);
    json!({ "content": text, "structuredContent": structured, "isError": is_error })
}

/// The tools of this endpoint, which ours pass calls on to: by their names and with their arguments alone.
pub(super) fn tools(provider: &'static Provider) -> Vec<Tool> {
    let of = |tool: &'static Tool| match &tool.binding {
        Binding::Relay(relay) => Some(Tool { name: relay.tool.clone(), ..tool.clone() }),
        Binding::Composite(composite) => {
            let step = composite.relayed.iter().find(|step| step.tool == tool.name)?;
            Some(Tool { input_schema: narrowed(&tool.input_schema, &step.arguments).into(), ..tool.clone() })
        }
        Binding::Operation(_) => None,
    };
    provider.tools().filter_map(of).collect()
}

/// A schema with only these properties.
fn narrowed(schema: &str, kept: &[Text]) -> String {
    let mut schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let keeps = |name: &str| kept.iter().any(|known| known == name);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|name, _| keeps(name));
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name.as_str().is_some_and(keeps));
    }
    schema.to_string()
}

fn listed(tool: &Tool) -> Value {
    let schema: Value = serde_json::from_str(&tool.input_schema).unwrap_or_default();
    json!({ "name": tool.name, "description": tool.description, "inputSchema": schema })
}

/// The checks in their order, then the action.
fn call(
    state: &mut State,
    tool: &Tool,
    needs: &Needs,
    given: Map<String, Value>,
    with: &Message<'_>,
    vm_id: &mut Option<String>,
) -> Outcome {
    if !with.token.scopes.contains(&needs.scope) {
        let refused = refuse("forbidden_scope", format!("The token lacks {}.", needs.scope));
        return Err(refused.with("required_scope", json!(needs.scope)));
    }
    let given = Arguments::validate(tool, given).map_err(|violations| invalid(violations.to_string()))?;
    let given = given.as_map();
    state.rates.take(Counted::Customer(with.token.customer), with.now)?;
    let name = tool.name.as_ref();
    let Some(at) = state.machine_of(given, with.token.customer, name)? else {
        return Ok(match name {
            "hostodo_list_vms" => {
                let own = state.machines.iter().filter(|machine| machine.customer == with.token.customer);
                machines::list(own, with.now)
            }
            _ => machines::templates(),
        });
    };
    let machine = &state.machines[at];
    let id = vm_id.insert(machine.id.clone()).clone();
    if needs.active && machine.status != "active" {
        let refused = refuse("vm_state_blocked", "The machine is suspended.");
        return Err(refused.with("status", json!(machine.status)));
    }
    if needs.opt_in {
        let held = [(state.switches.exec, "kill_switch"), (machine.held_off, "staff"), (!machine.opted_in, "opt_in")];
        if let Some((_, by)) = held.iter().find(|(holds, _)| *holds) {
            let refused = refuse("mcp_exec_disabled", "Commands and files are not let in.");
            return Err(refused.with("disabled_by", json!(by)));
        }
    }
    state.rates.take(Counted::Machine(id.clone()), with.now)?;
    if matches!(name, "hostodo_exec_vm_command" | "hostodo_start_vm_command" | "hostodo_install_artifact") {
        state.rates.take(Counted::Work(id.clone()), with.now)?;
    }
    act(state, at, name, given, with)
}

/// Compares what was said with the phrase that is due.
fn phrase(given: &Map<String, Value>, expected: &str) -> Result<(), Refusal> {
    match given.get("confirmation").and_then(Value::as_str) {
        Some(said) if said == expected => Ok(()),
        _ => Err(refuse("confirmation_required", "The exact phrase is needed.").with("expected", json!(expected))),
    }
}

fn act(state: &mut State, at: usize, name: &str, given: &Map<String, Value>, with: &Message<'_>) -> Outcome {
    let now = with.now;
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    let id = state.machines[at].id.clone();
    match name {
        "hostodo_get_vm" => Ok(state.machines[at].details(now)),
        "hostodo_power_vm" => {
            if !state.machines[at].controls {
                return Err(refuse("vm_state_blocked", "Power control is not supported on this machine."));
            }
            let outcome = state.machines[at].switch(text("action"), now)?;
            match text("action") {
                "stop" | "reset" => state.end_commands(&id, "unknown", now),
                "shutdown" | "reboot" if !state.machines[at].deaf => state.end_commands(&id, "failed", now),
                _ => {}
            }
            Ok(outcome)
        }
        "hostodo_rename_vm" => {
            let hostname = text("hostname");
            phrase(given, &format!("RENAME {id} TO {hostname}"))?;
            let customer = state.machines[at].customer;
            if state.machines.iter().any(|other| other.customer == customer && other.hostname == hostname) {
                return Err(invalid("Another machine has this hostname."));
            }
            hostname.clone_into(&mut state.machines[at].hostname);
            Ok(json!({ "vm_id": id, "hostname": hostname }))
        }
        "hostodo_reinstall_vm" => {
            let template_id = given.get("template_id").and_then(Value::as_u64).unwrap_or_default();
            phrase(given, &format!("REINSTALL {id} TO TEMPLATE {template_id}"))?;
            if machines::template(template_id).is_none() {
                return Err(invalid(format!("There is no template {template_id}.")));
            }
            state.end_commands(&id, "unknown", now);
            let password = state.next("root-");
            Ok(state.machines[at].reinstall(template_id, &password))
        }
        "hostodo_set_vm_exec_enabled" => {
            let enabled = given.get("enabled") == Some(&Value::Bool(true));
            phrase(given, &format!("{} MCP EXEC {id}", if enabled { "ENABLE" } else { "DISABLE" }))?;
            if state.machines[at].held_off && enabled {
                return Err(
                    refuse("mcp_exec_disabled", "The staff hold this machine off.").with("disabled_by", json!("staff"))
                );
            }
            state.machines[at].opted_in = enabled;
            Ok(json!({ "vm_id": id, "mcp_exec_enabled": enabled }))
        }
        "hostodo_exec_vm_command" | "hostodo_start_vm_command" => {
            if !state.machines[at].is_running(now) {
                return Err(refuse("vm_state_blocked", "The machine is not running."));
            }
            commands::alone(&state.commands, &id, now)?;
            let directory = given.get("working_directory").and_then(Value::as_str).unwrap_or("/root");
            let run = state.machines[at].guest.run(text("command"), directory);
            if name == "hostodo_exec_vm_command" {
                return Ok(commands::short(&run, given));
            }
            let command = Command::start(state.next("cmd-"), &id, given, run, now);
            let started = command.started();
            state.commands.push(command);
            Ok(started)
        }
        "hostodo_get_vm_command_output" => {
            Ok(commands::find(&mut state.commands, &id, text("command_id"))?.output(given, now))
        }
        "hostodo_read_vm_command_logs" => {
            Ok(commands::find(&mut state.commands, &id, text("command_id"))?.logs(given, now))
        }
        "hostodo_cancel_vm_command" => {
            commands::cancel(commands::find(&mut state.commands, &id, text("command_id"))?, now)
        }
        "hostodo_create_artifact_upload" => {
            let slot = Slot::reserve(state.next("art-"), &id, given, now)?;
            let described = slot.described(with.base, &state.key);
            state.slots.push(slot);
            Ok(described)
        }
        "hostodo_install_artifact" => {
            let State { slots, machines, .. } = state;
            let slot = slots.iter().find(|slot| slot.id == text("artifact_id"));
            let slot = slot.ok_or_else(|| invalid("There is no such artifact."))?;
            slot.install(given, &mut machines[at].guest, now)
        }
        other => Err(invalid(format!("{other} is not simulated."))),
    }
}

/// The token of a request, or the body of the refusal.
pub(super) fn admitted(authorization: Option<&str>) -> Result<&'static Token, Value> {
    token(authorization)
        .ok_or_else(|| refuse("unauthenticated", "The token is missing, unknown, expired or revoked.").to_json())
}
