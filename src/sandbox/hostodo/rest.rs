//! The REST API of the first customer.

use super::machines::{self, Machine, template};
use super::money::{self, dollars, price};
use super::{State, text_of};
use crate::sandbox::clock::Timestamp;
use crate::sandbox::routes::{Found, RouteTable};
use bytes::Bytes;
use http::{Request, StatusCode};
use infra_mcp_model::Method;
use serde_json::{Value, json};
use std::sync::LazyLock;

type Answer = (StatusCode, Value);

/// What a handler sees.
struct Asked {
    /// The value in the path.
    path: String,
    query: Vec<(String, String)>,
    body: Value,
    now: Timestamp,
}

type Handler = fn(&mut State, &Asked) -> Answer;

static ROUTES: LazyLock<RouteTable<Handler>> = LazyLock::new(|| {
    let routes: [(Method, &str, Handler); 17] = [
        (Method::Get, "/v1/auth/", |_, _| {
            ok(json!({ "id": 1, "email": "owner@example.com", "first_name": "Ada", "last_name": "Example" }))
        }),
        (Method::Get, "/v1/cli-sessions/", |state, asked| page(&state.accounts.sessions, asked)),
        (Method::Delete, "/v1/cli-sessions/{id}/", end_session),
        (Method::Get, "/client/instances/", |state, asked| {
            let all: Vec<Value> = own(state).map(|machine| record(machine, asked.now)).collect();
            page(&all, asked)
        }),
        (Method::Get, "/client/instances/{id}/", |state, asked| {
            of_machine(state, asked, |machine| {
                let record = record(machine, asked.now);
                if machine.number % 2 == 0 { json!({ "instance": record }) } else { record }
            })
        }),
        (Method::Get, "/client/instances/{id}/power_status/", |state, asked| {
            of_machine(state, asked, |machine| json!({ "instance": { "power_status": machine.power.word(asked.now) } }))
        }),
        (Method::Get, "/client/instances/{id}/events/", |state, asked| {
            of_machine(state, asked, |machine| json!({ "events": events(machine) }))
        }),
        (Method::Get, "/client/plans/", |_, asked| page(&money::plans(), asked)),
        (Method::Get, "/client/regions/", |_, asked| page(&money::regions(), asked)),
        (Method::Get, "/client/templates/", |_, asked| {
            let templates = machines::templates();
            page(templates["templates"].as_array().map(Vec::as_slice).unwrap_or_default(), asked)
        }),
        (Method::Post, "/client/orders/price/", quote),
        (Method::Post, "/client/orders/deploy_instance/", order),
        (Method::Get, "/v1/billing/payment-methods/", |_, asked| page(&money::cards(), asked)),
        (Method::Get, "/v1/billing/invoices/", |state, asked| {
            let wanted = asked.query("status");
            let fits = |invoice: &&Value| wanted.is_none_or(|status| text_of(invoice, "status") == status);
            let invoices: Vec<Value> = state.accounts.invoices.iter().filter(fits).cloned().collect();
            page(&invoices, asked)
        }),
        (Method::Post, "/v1/billing/invoices/{id}/pay/", pay),
        (Method::Get, "/client/ssh-keys/", |state, _| ok(Value::Array(state.accounts.keys.clone()))),
        (Method::Post, "/client/ssh-keys/", add_key),
    ];
    let remove: (Method, &str, Handler) = (Method::Delete, "/client/ssh-keys/{id}/", remove_key);
    RouteTable::new(routes.into_iter().chain([remove]))
});

impl Asked {
    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Answers a request whose credential is in order. `Null` is an empty body.
pub(super) fn answer(state: &mut State, request: &Request<Bytes>, now: Timestamp) -> Answer {
    match ROUTES.find(request.method().as_str(), request.uri().path()) {
        Found::Route(handler, values) => {
            let query = request.uri().query().unwrap_or_default();
            let asked = Asked {
                path: values.into_iter().next().unwrap_or_default(),
                query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
                body: serde_json::from_slice(request.body()).unwrap_or_default(),
                now,
            };
            handler(state, &asked)
        }
        Found::OtherMethods(_) => failure(405, "Method not allowed."),
        Found::Nothing => failure(404, "Not found."),
    }
}

pub(super) fn failure(status: u16, detail: &str) -> Answer {
    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), json!({ "detail": detail }))
}

fn ok(body: Value) -> Answer {
    (StatusCode::OK, body)
}

fn numbered(entry: &Value, id: &str) -> bool {
    id.parse().is_ok_and(|id: u64| entry["id"] == id)
}

fn page(all: &[Value], asked: &Asked) -> Answer {
    let number = |name, otherwise| asked.query(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (offset, limit): (usize, usize) = (number("offset", 0), number("limit", 25));
    let results: Vec<&Value> = all.iter().skip(offset).take(limit).collect();
    ok(json!({ "count": all.len(), "next": null, "previous": null, "results": results }))
}

fn own(state: &State) -> impl Iterator<Item = &Machine> {
    state.machines.iter().filter(|machine| machine.customer == 1)
}

fn of_machine(state: &State, asked: &Asked, told: impl Fn(&Machine) -> Value) -> Answer {
    own(state)
        .find(|machine| machine.id == asked.path)
        .map_or_else(|| failure(404, "Not found."), |machine| ok(told(machine)))
}

fn record(machine: &Machine, now: Timestamp) -> Value {
    let suspended = machine.status == "suspended";
    let usage: Value = if machine.hostname == "production-db" { json!(3800.5) } else { json!(120.25) };
    json!({
        "instance_id": machine.id, "hostname": machine.hostname, "main_ip": machine.ipv4(), "status": machine.status,
        "power_status": machine.power.word(now), "ips": [machine.ipv4()], "ram": 2048, "vcpu": 2, "disk": 40,
        "bandwidth": 4000, "bandwidth_usage": usage, "is_suspended": suspended,
        "suspension_reason": if suspended { "unpaid invoice" } else { "" }, "mac": "02:00:00:00:00:01",
        "billing_cycle": "monthly", "billing_amount": "6.99", "autorenewal_enabled": true,
        "auto_renewal_payment_method": "pm_1",
        "next_due_date": if suspended { now.days_ago(20) } else { now.days_later(12) },
        "created_at": machine.created, "updated_at": machine.created, "default_password": "never-to-be-shown",
        "prox_id": 100 + machine.number, "plan": { "name": "KVM-2G" },
        "template": { "name": template(machine.template) },
        "node": { "id": 1, "name": "node1", "region": "Las Vegas" },
    })
}

fn events(machine: &Machine) -> Vec<Value> {
    let event = |(id, words): (usize, &str)| {
        json!({
            "id": id + 1, "instance_id": 100 + machine.number, "client_event_message": words, "status": "completed",
            "created_at": machine.created,
        })
    };
    ["Order accepted", "Disk written", "Machine started"].into_iter().enumerate().map(event).rev().collect()
}

fn end_session(state: &mut State, asked: &Asked) -> Answer {
    let now = json!(asked.now);
    match state.accounts.sessions.iter_mut().find(|session| numbered(session, &asked.path)) {
        None => failure(404, "Not found."),
        Some(session) => {
            session["revoked_at"] = now;
            (StatusCode::NO_CONTENT, Value::Null)
        }
    }
}

fn quote(_: &mut State, asked: &Asked) -> Answer {
    let wanted = asked.body["plan_id"].as_u64();
    let code = asked.body["promocode"].as_str();
    let Some(cents) = price(|id, _| Some(id) == wanted, text_of(&asked.body, "billing_cycle"), code) else {
        return failure(400, "This plan is not offered for this period.");
    };
    let quantity = asked.body["quantity"].as_u64().unwrap_or(1);
    ok(json!({ "amount_due": dollars(cents * quantity), "unit_price": dollars(cents), "quantity": quantity }))
}

/// The machine is there at once, and paid for by the card.
fn order(state: &mut State, asked: &Asked) -> Answer {
    let text = |name: &str| text_of(&asked.body, name).to_owned();
    let known = |list: Vec<Value>, name: &str| {
        list.iter().any(|entry| text_of(entry, "name") == text(name) && entry["out_of_stock"] != true)
    };
    let cents = price(|_, name| name == text("plan"), &text("billing_cycle"), asked.body["promocode"].as_str());
    let installable = machines::TEMPLATES.iter().find(|(_, name)| *name == text("template"));
    let (Some(cents), Some((template, _))) = (cents, installable) else {
        return failure(400, "This plan or template is not offered.");
    };
    if !known(money::plans(), "plan") || !known(money::regions(), "region") {
        return failure(400, "This plan or region takes no orders.");
    }
    let (hostname, amount) = (text("hostname"), dollars(cents));
    let (order, invoice) = (state.next("ORD-"), state.next("INV-"));
    let entry = money::invoice(&invoice, "paid", &amount, asked.now, &hostname);
    state.accounts.invoices.push(entry);
    let number = state.machines.len();
    if let Some(mut made) = machines::estate(asked.now).into_iter().nth(2) {
        made.id = format!("ins::new{number:07}");
        made.hostname.clone_from(&hostname);
        made.guest.hostname.clone_from(&hostname);
        made.template = *template;
        made.created = asked.now;
        made.number = number;
        state.machines.push(made);
    }
    ok(json!({
        "order": { "order_number": order, "status": "active", "billing_amount": amount, "hostname": hostname },
        "invoice": { "invoice_number": invoice, "status": "paid", "subtotal": amount }, "checkout_url": "",
    }))
}

fn pay(state: &mut State, asked: &Asked) -> Answer {
    let transaction = state.next("txn-");
    match state.accounts.invoices.iter_mut().find(|invoice| text_of(invoice, "invoice_number") == asked.path) {
        None => failure(404, "Not found."),
        Some(invoice) if text_of(invoice, "status") == "paid" => failure(400, "This invoice is paid."),
        Some(invoice) => {
            invoice["status"] = "paid".into();
            ok(json!({
                "transaction_id": transaction, "amount": invoice["subtotal"], "billing_integration": "card",
                "status": "paid",
            }))
        }
    }
}

fn add_key(state: &mut State, asked: &Asked) -> Answer {
    let id = state.accounts.keys.iter().filter_map(|key| key["id"].as_u64()).max().unwrap_or(0) + 1;
    let key = json!({
        "id": id, "name": asked.body["name"], "public_key": asked.body["public_key"],
        "fingerprint": format!("SHA256:key{id}"), "created_at": asked.now,
    });
    state.accounts.keys.push(key.clone());
    (StatusCode::CREATED, key)
}

fn remove_key(state: &mut State, asked: &Asked) -> Answer {
    let before = state.accounts.keys.len();
    state.accounts.keys.retain(|key| !numbered(key, &asked.path));
    if state.accounts.keys.len() == before { failure(404, "Not found.") } else { (StatusCode::NO_CONTENT, Value::Null) }
}
