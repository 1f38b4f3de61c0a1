//! What a call would do, in words for the person who has to approve it.

use std::fmt::Write as _;

use infra_mcp_model::{Binding, Composite, PowerOff, Relay};
use serde_json::Value;

use crate::call::Call;
use crate::executor::request;
use crate::policy::danger_of;

/// What of a resource helps to recognise it.
const TELLING: [&str; 18] = [
    "table",
    "key",
    "id",
    "uuid",
    "name",
    "name_label",
    "hostname",
    "domain",
    "label",
    "tags",
    "plan",
    "state",
    "status",
    "power_state",
    "created",
    "created_at",
    "updated_at",
    "expires_at",
];

/// How much of a request body is shown, in characters.
const LONGEST_BODY: usize = 2_000;

/// What the call would do: the request to the last byte but for its secrets, the account, the resource as it is and
/// what that is a part of, and what becomes of a credential in the answer.
pub(super) fn preview(call: &Call, seen: Option<&[Value]>, outlook: Option<&str>) -> String {
    let tool = call.entry.tool;
    let mut text = format!("{} ({}). This call {}.", tool.title, tool.name, danger_of(call).in_words());
    let mut line = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = write!(text, "\n{name}: {value}");
    };
    line("Account", &format!("{} at {}", call.entry.provider.title, call.account.place()));
    let masked = call.masked();
    match (&tool.binding, request::build(&masked)) {
        (Binding::Operation(_), Ok(request)) => {
            line("Request", &format!("{} {}", request.method(), request.uri()));
            let body = String::from_utf8_lossy(request.body());
            if !body.is_empty() {
                line("Body", &shortened(&body));
            }
            if let Some(then) = tool.power_off.as_ref().and_then(|power_off| waiting(&masked, power_off)) {
                line("Then", &then);
            }
        }
        (Binding::Operation(_), Err(error)) => line("Request", &error.to_string()),
        (Binding::Composite(Composite { operations, relayed, pages, file, .. }), _) => {
            line("Arguments", &arguments(&masked));
            let requests = operations.iter().chain(pages.iter());
            let requests = requests.map(|request| format!("{} {}", request.method.as_str(), request.path));
            let relayed = relayed.iter().map(|step| format!("tools/call {}", step.tool));
            let file = file.iter().map(|_| "PUT of the file, where the provider says".to_owned());
            line("Requests it may send", &requests.chain(relayed).chain(file).collect::<Vec<_>>().join(", "));
        }
        (Binding::Relay(Relay { tool, .. }), _) => {
            let place = call.account.remote().map_or_else(String::new, |remote| format!(" at {}", remote.url()));
            line("Request", &format!("tools/call {tool}{place}"));
            line("Arguments", &arguments(&masked));
        }
    }
    for (index, resource) in seen.unwrap_or_default().iter().filter_map(told).enumerate() {
        line(if index == 0 { "Resource now" } else { "Part of" }, &resource);
    }
    if let Some(outlook) = outlook {
        line("Credential", outlook);
    }
    line("What it does", &tool.description);
    text
}

/// What a call does after its request, where it waits for a machine to be off.
fn waiting(call: &Call, power_off: &PowerOff) -> Option<String> {
    let arguments = call.arguments.as_map();
    let seconds = arguments.get(PowerOff::WAIT).and_then(Value::as_f64).filter(|seconds| *seconds > 0.0)?;
    let forced = arguments.get(PowerOff::FORCE) == Some(&Value::Bool(true));
    let force = if forced { format!(", then cut its power as {} does", power_off.force) } else { String::new() };
    Some(format!("look for {seconds} s whether {} is {}{force}", power_off.member, power_off.off))
}

fn arguments(call: &Call) -> String {
    shortened(&Value::Object(call.arguments.as_map().clone()).to_string())
}

/// The members of a resource that help to recognise it.
fn told(resource: &Value) -> Option<String> {
    let object = resource.get("data").unwrap_or(resource).as_object()?;
    let known = object.iter().filter(|(name, value)| {
        let says_nothing = value.is_object() || value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        TELLING.iter().any(|telling| name.eq_ignore_ascii_case(telling)) && !says_nothing
    });
    let told: Vec<String> = known.map(|(name, value)| format!("{name} {value}")).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_BODY) {
        Some((end, _)) => format!("{}… ({} bytes in all)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
