//! Plans, prices, invoices, cards and keys of the first customer.

use crate::sandbox::clock::Timestamp;
use serde_json::{Value, json};

/// Cycle, months, and the factor on the monthly price in percent.
const CYCLES: [(&str, u64); 5] =
    [("monthly", 100), ("semiannually", 570), ("annually", 1000), ("biennially", 1900), ("triennially", 2700)];

/// Id, name, memory in MiB, price of a month in cents.
const PLANS: [(u64, &str, u64, u64); 3] =
    [(1, "KVM-1G", 1024, 399), (2, "KVM-2G", 2048, 699), (3, "KVM-4G", 4096, 1299)];

pub(super) struct Accounts {
    pub(super) invoices: Vec<Value>,
    pub(super) keys: Vec<Value>,
    pub(super) sessions: Vec<Value>,
}

impl Accounts {
    pub(super) fn new(now: Timestamp) -> Self {
        let key = json!({
            "id": 1, "name": "laptop", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample laptop",
            "fingerprint": "SHA256:example", "created_at": now.days_ago(200),
        });
        let session = |id: u64, name: &str, login_ip: &str| {
            json!({
                "id": id, "device_name": name, "created_at": now.days_ago(30), "last_used_at": now.days_ago(1),
                "login_ip": login_ip, "user_agent": "example/1.0", "revoked_at": null,
            })
        };
        Self {
            invoices: vec![
                invoice("INV-1001", "paid", "6.99", now.days_ago(40), "production-web"),
                invoice("INV-1002", "unpaid", "12.99", now.days_later(5), "production-db"),
                invoice("INV-1003", "unpaid", "3.99", now.days_ago(20), "archive"),
            ],
            keys: vec![key],
            sessions: vec![session(1, "laptop", "192.0.2.50"), session(2, "old-desktop", "198.51.100.9")],
        }
    }
}

pub(super) fn invoice(number: &str, status: &str, subtotal: &str, due: Timestamp, hostname: &str) -> Value {
    json!({
        "invoice_number": number, "status": status, "due_date": due.to_string()[..10], "subtotal": subtotal,
        "created_at": due.days_ago(14), "instances": [{ "hostname": hostname, "main_ip": "192.0.2.10" }],
    })
}

pub(super) fn plans() -> Vec<Value> {
    let plan = |(id, name, ram, cents): &(u64, &str, u64, u64)| {
        let mut plan = json!({
            "id": id, "name": name, "ram": ram, "vcpu": 2, "disk": 40, "bandwidth": 4000, "plan_category_id": 1,
            "show_on_frontend": true, "out_of_stock": *id == 3,
        });
        for (cycle, percent) in CYCLES {
            let offered = cycle != "triennially";
            let price = if offered { dollars(cents * percent / 100) } else { "0.00".to_owned() };
            plan[format!("price_{cycle}")] = price.into();
        }
        plan
    };
    PLANS.iter().map(plan).collect()
}

pub(super) fn regions() -> Vec<Value> {
    let region = |id: u64, name: &str, out_of_stock: bool| {
        let categories = json!([{ "id": 1, "name": "KVM" }]);
        json!({ "id": id, "name": name, "description": name, "out_of_stock": out_of_stock, "plan_categories": categories })
    };
    vec![region(1, "Las Vegas", false), region(2, "Tampa", true)]
}

pub(super) fn cards() -> Vec<Value> {
    let card = |id: &str, kind: &str, last: &str, default: bool| {
        json!({
            "payment_method_id": id, "card_type": kind, "last_four": last, "customer_default": default,
            "expiry_month": 4, "expiry_year": 2031,
        })
    };
    vec![card("pm_1", "visa", "4242", true), card("pm_2", "mastercard", "4444", false)]
}

/// The price of a plan for one period in cents, where it is offered.
pub(super) fn price(plan: impl Fn(u64, &str) -> bool, cycle: &str, promocode: Option<&str>) -> Option<u64> {
    let (_, _, _, cents) = PLANS.iter().find(|(id, name, ..)| plan(*id, name))?;
    let (_, percent) = CYCLES.iter().find(|(known, _)| *known == cycle && *known != "triennially")?;
    let whole = cents * percent / 100;
    Some(if promocode == Some("TENOFF") { whole * 9 / 10 } else { whole })
}

pub(super) fn dollars(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
