//! Orders, subscriptions and payment methods. No money exists here.

use super::catalog::{self, CURRENCY, Item};
use super::estate::{Estate, find, take};
use super::outcome::{Failure, Outcome, accepted, answer};
use super::request::{Fields, Request};
use super::{Routes, orders};
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Patch, Post};
use serde::Serialize;
use serde_json::{Value, json};

pub(super) const ROUTES: Routes = &[
    (Get, "/api/billing/v1/catalog", catalog),
    (Post, "/api/billing/v1/orders", create_order),
    (Get, "/api/billing/v1/payment-methods", payment_methods),
    (Post, "/api/billing/v1/payment-methods/{paymentMethodId}", set_default_payment_method),
    (Delete, "/api/billing/v1/payment-methods/{paymentMethodId}", delete_payment_method),
    (Get, "/api/billing/v1/subscriptions", subscriptions),
    (Patch, "/api/billing/v1/subscriptions/{subscriptionId}/auto-renewal/enable", enable_renewal),
    (Delete, "/api/billing/v1/subscriptions/{subscriptionId}/auto-renewal/disable", disable_renewal),
    (Post, "/api/billing/v1/subscriptions/{subscriptionId}/renew", renew),
];

pub(super) struct Billing {
    payment_methods: Vec<PaymentMethod>,
    subscriptions: Vec<Subscription>,
}

#[derive(Serialize)]
struct PaymentMethod {
    id: u64,
    name: &'static str,
    identifier: &'static str,
    payment_method: &'static str,
    is_default: bool,
    is_expired: bool,
    is_suspended: bool,
    created_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Serialize)]
pub(super) struct Subscription {
    id: String,
    name: String,
    status: &'static str,
    billing_period: u64,
    billing_period_unit: &'static str,
    currency_code: &'static str,
    total_price: u64,
    renewal_price: u64,
    is_auto_renewed: bool,
    created_at: Timestamp,
    expires_at: Timestamp,
    next_billing_at: Option<Timestamp>,
}

impl Subscription {
    /// An active one that was bought `days_ago` and runs for a year.
    fn seed(id: &str, name: &str, cents: u64, now: Timestamp, days_ago: i64) -> Self {
        let expires_at = now.days_later(365 - days_ago);
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            status: "active",
            billing_period: 1,
            billing_period_unit: "year",
            currency_code: CURRENCY,
            total_price: cents,
            renewal_price: cents,
            is_auto_renewed: true,
            created_at: now.days_ago(days_ago),
            expires_at,
            next_billing_at: Some(expires_at),
        }
    }

    fn set_renewal(&mut self, on: bool) {
        self.is_auto_renewed = on;
        self.status = if on { "active" } else { "not_renewing" };
        self.next_billing_at = on.then_some(self.expires_at);
    }

    fn extend(&mut self) {
        self.expires_at = self.expires_at.days_later(days(self.billing_period, self.billing_period_unit));
        self.next_billing_at = self.is_auto_renewed.then_some(self.expires_at);
    }
}

fn days(period: u64, unit: &str) -> i64 {
    i64::try_from(period).unwrap_or(1) * if unit == "year" { 365 } else { 30 }
}

/// An order that was paid on the spot.
#[derive(Serialize)]
pub(super) struct Order {
    id: u64,
    subscription_id: String,
    status: &'static str,
    currency: &'static str,
    subtotal: u64,
    total: u64,
    billing_address: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Order {
    fn new(estate: &mut Estate, subscription_id: String, cents: u64) -> Self {
        Self {
            id: estate.fresh_id(),
            subscription_id,
            status: "completed",
            currency: CURRENCY,
            subtotal: cents,
            total: cents,
            billing_address: json!({
                "first_name": "Alex", "last_name": "Example", "company": null, "address_1": "1 Sample Street",
                "address_2": null, "city": "Sampletown", "state": null, "zip": "00000", "country": "US",
                "phone": null, "email": "alex@example.com",
            }),
            created_at: estate.now,
            updated_at: estate.now,
        }
    }
}

impl Billing {
    pub(super) fn seed(now: Timestamp) -> Self {
        let card = |id, name, identifier, is_default| PaymentMethod {
            id,
            name,
            identifier,
            payment_method: "card",
            is_default,
            is_expired: false,
            is_suspended: false,
            created_at: now.days_ago(300),
            expires_at: now.days_later(700),
        };
        let subscription = |id: &str, name: &str, cents, days| Subscription::seed(id, name, cents, now, days);
        Self {
            payment_methods: vec![
                card(301, "Credit card", "0000********0001", true),
                card(302, "Company card", "0000********0002", false),
            ],
            subscriptions: vec![
                subscription("sub-vps-100001", "KVM 2", 13_188, 200),
                subscription("sub-vps-100002", "KVM 4", 23_988, 90),
                subscription("sub-vps-100003", "KVM 1", 9588, 1),
                subscription("sub-domain-com", ".COM Domain", 1599, 320),
                subscription("sub-domain-net", ".NET Domain", 1799, 150),
                subscription("sub-domain-org", ".ORG Domain", 1499, 2),
            ],
        }
    }

    /// The method that `fields` name, or the default one, has to be able to pay.
    fn check_payment(&self, fields: &Fields<'_>) -> Result<(), Failure> {
        let id = fields.optional_number("payment_method_id")?;
        let payer = match id {
            Some(id) => self.payment_methods.iter().find(|method| method.id == id),
            None => self.payment_methods.iter().find(|method| method.is_default),
        };
        let rule = match id {
            Some(_) => "The selected payment method does not exist.",
            None => "There is no default payment method; name one.",
        };
        payer.map(|_| ()).ok_or_else(|| fields.failure("payment_method_id", rule))
    }
}

impl Estate {
    /// Pays for items and adds a subscription for each; returns their ids too, in the same order. Coupons
    /// give no discount here.
    pub(super) fn order(&mut self, fields: &Fields<'_>, items: &[Item]) -> Result<(Order, Vec<String>), Failure> {
        self.billing.check_payment(fields)?;
        let subscriptions: Vec<String> = items.iter().map(|item| self.subscribe(item)).collect();
        let cents = items.iter().map(Item::first_cents).sum();
        Ok((Order::new(self, subscriptions.first().cloned().unwrap_or_default(), cents), subscriptions))
    }

    fn subscribe(&mut self, item: &Item) -> String {
        let (period, unit) = item.period();
        let id = format!("sub-{}", self.fresh_id());
        let expires_at = self.now.days_later(days(period, unit));
        self.billing.subscriptions.push(Subscription {
            id: id.clone(),
            billing_period: period,
            billing_period_unit: unit,
            total_price: item.first_cents(),
            created_at: self.now,
            expires_at,
            next_billing_at: Some(expires_at),
            ..Subscription::seed("", item.name(), item.cents(), self.now, 0)
        });
        id
    }
}

fn catalog(_: &mut Estate, request: &Request) -> Outcome {
    answer(catalog::search(request.query("category"), request.query("name")))
}

/// A virtual machine ordered here still waits for its setup.
fn create_order(estate: &mut Estate, request: &Request) -> Outcome {
    const MOST: u64 = 10;
    let body = request.body();
    let item = |entry: &Fields<'_>| {
        let quantity = entry.optional_number("quantity")?.unwrap_or(1);
        if !(1..=MOST).contains(&quantity) {
            return Err(entry.failure("quantity", &format!("The quantity must be between 1 and {MOST}.")));
        }
        let item = catalog::chosen(entry, "item_id")?;
        Ok((0..quantity).map(move |_| item))
    };
    let items = body.objects("items")?.iter().map(item).collect::<Result<Vec<_>, Failure>>()?;
    let items: Vec<Item> = items.into_iter().flatten().collect();
    let (order, subscriptions) = estate.order(&body, &items)?;
    for (item, subscription) in items.iter().zip(subscriptions) {
        if let Some(plan) = item.plan() {
            orders::add_machine(estate, plan, subscription);
        }
    }
    answer(order)
}

fn payment_methods(estate: &mut Estate, _: &Request) -> Outcome {
    answer(&estate.billing.payment_methods)
}

fn set_default_payment_method(estate: &mut Estate, request: &Request) -> Outcome {
    let (id, methods) = (request.number(0)?, &mut estate.billing.payment_methods);
    find(methods, "payment method", id, |method| method.id)?;
    for method in methods {
        method.is_default = method.id == id;
    }
    accepted()
}

fn delete_payment_method(estate: &mut Estate, request: &Request) -> Outcome {
    take(&mut estate.billing.payment_methods, "payment method", request.number(0)?, |method| method.id)?;
    accepted()
}

fn subscriptions(estate: &mut Estate, _: &Request) -> Outcome {
    answer(&estate.billing.subscriptions)
}

fn enable_renewal(estate: &mut Estate, request: &Request) -> Outcome {
    let subscription = subscription(estate, request)?;
    subscription.set_renewal(true);
    answer(&*subscription)
}

fn disable_renewal(estate: &mut Estate, request: &Request) -> Outcome {
    let subscription = subscription(estate, request)?;
    subscription.set_renewal(false);
    answer(&*subscription)
}

fn renew(estate: &mut Estate, request: &Request) -> Outcome {
    subscription(estate, request)?;
    estate.billing.check_payment(&request.body())?;
    let subscription = subscription(estate, request)?;
    subscription.extend();
    let (id, cents) = (subscription.id.clone(), subscription.renewal_price);
    answer(Order::new(estate, id, cents))
}

fn subscription<'a>(estate: &'a mut Estate, request: &Request) -> Result<&'a mut Subscription, Failure> {
    let id = request.word(0);
    let mut subscriptions = estate.billing.subscriptions.iter_mut();
    subscriptions.find(|subscription| subscription.id == id).ok_or_else(|| Failure::missing("subscription", id))
}
