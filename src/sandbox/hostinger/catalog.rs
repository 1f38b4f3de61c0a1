//! What can be bought, and what it costs.

use super::machine::{LARGE, MEDIUM, Plan, SMALL};
use super::outcome::Failure;
use super::request::Fields;
use serde_json::{Value, json};

/// A product.
pub(super) struct Product {
    id: &'static str,
    name: &'static str,
    category: &'static str,
    grants: Grant,
    prices: &'static [Price],
}

/// What a purchase adds to the account besides the subscription.
enum Grant {
    Machine(Plan),
    /// A domain under this TLD.
    Domain(&'static str),
    Nothing,
}

/// The price of one billing term, in cents. This is what is ordered.
struct Price {
    id: &'static str,
    cents: u64,
    first_cents: u64,
    period: u64,
    unit: &'static str,
}

/// One price of a product.
#[derive(Clone, Copy)]
pub(super) struct Item {
    product: &'static Product,
    price: &'static Price,
}

pub(super) const CURRENCY: &str = "USD";

const fn monthly(id: &'static str, first_cents: u64, cents: u64) -> Price {
    Price { id, cents, first_cents, period: 1, unit: "month" }
}

const fn yearly(id: &'static str, first_cents: u64, cents: u64) -> Price {
    Price { id, cents, first_cents, period: 1, unit: "year" }
}

const PRODUCTS: &[Product] = &[
    Product {
        id: "sandbox-vps-1",
        name: "KVM 1",
        category: "VPS",
        grants: Grant::Machine(SMALL),
        prices: &[monthly("sandbox-vps-1-usd-1m", 799, 999), yearly("sandbox-vps-1-usd-1y", 5988, 9588)],
    },
    Product {
        id: "sandbox-vps-2",
        name: "KVM 2",
        category: "VPS",
        grants: Grant::Machine(MEDIUM),
        prices: &[monthly("sandbox-vps-2-usd-1m", 999, 1399), yearly("sandbox-vps-2-usd-1y", 8388, 13_188)],
    },
    Product {
        id: "sandbox-vps-4",
        name: "KVM 4",
        category: "VPS",
        grants: Grant::Machine(LARGE),
        prices: &[monthly("sandbox-vps-4-usd-1m", 1599, 2499), yearly("sandbox-vps-4-usd-1y", 14_388, 23_988)],
    },
    Product {
        id: "sandbox-domain-com",
        name: ".COM Domain",
        category: "DOMAIN",
        grants: Grant::Domain("com"),
        prices: &[yearly("sandbox-domain-com-usd-1y", 999, 1599)],
    },
    Product {
        id: "sandbox-domain-net",
        name: ".NET Domain",
        category: "DOMAIN",
        grants: Grant::Domain("net"),
        prices: &[yearly("sandbox-domain-net-usd-1y", 1199, 1799)],
    },
    Product {
        id: "sandbox-domain-org",
        name: ".ORG Domain",
        category: "DOMAIN",
        grants: Grant::Domain("org"),
        prices: &[yearly("sandbox-domain-org-usd-1y", 899, 1499)],
    },
    Product {
        id: "sandbox-email-starter",
        name: "Starter Business Email",
        category: "EMAIL",
        grants: Grant::Nothing,
        prices: &[monthly("sandbox-email-starter-usd-1m", 99, 159)],
    },
];

impl Item {
    pub(super) fn name(&self) -> &'static str {
        self.product.name
    }

    /// Length of a billing term, and its unit: `month` or `year`.
    pub(super) fn period(&self) -> (u64, &'static str) {
        (self.price.period, self.price.unit)
    }

    pub(super) fn first_cents(&self) -> u64 {
        self.price.first_cents
    }

    pub(super) fn cents(&self) -> u64 {
        self.price.cents
    }

    pub(super) fn plan(&self) -> Option<Plan> {
        match self.product.grants {
            Grant::Machine(plan) => Some(plan),
            _ => None,
        }
    }

    pub(super) fn tld(&self) -> Option<&'static str> {
        match self.product.grants {
            Grant::Domain(tld) => Some(tld),
            _ => None,
        }
    }
}

impl Product {
    fn resource(&self) -> Value {
        let price = |price: &Price| {
            json!({
                "id": price.id, "name": format!("{} (every {})", self.name, price.unit), "currency": CURRENCY,
                "price": price.cents, "first_period_price": price.first_cents,
                "period": price.period, "period_unit": price.unit,
            })
        };
        let metadata = match &self.grants {
            Grant::Machine(plan) => json!({
                "cpus": plan.cpus, "memory": plan.memory, "disk_space": plan.disk, "bandwidth": plan.bandwidth,
            }),
            _ => Value::Null,
        };
        json!({
            "id": self.id, "name": self.name, "category": self.category, "metadata": metadata,
            "prices": self.prices.iter().map(price).collect::<Vec<_>>(),
        })
    }
}

/// The products of a category whose name fits a pattern, where `*` stands for any text.
pub(super) fn search(category: Option<&str>, name: Option<&str>) -> Vec<Value> {
    let fits = |product: &&Product| {
        category.is_none_or(|category| category.eq_ignore_ascii_case(product.category))
            && name.is_none_or(|name| fits(&name.to_lowercase(), &product.name.to_lowercase()))
    };
    PRODUCTS.iter().filter(fits).map(Product::resource).collect()
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).filter(|&cut| text.is_char_boundary(cut)).any(|cut| fits(rest, &text[cut..]))
        }),
    }
}

/// The price that `fields` name in `field`.
pub(super) fn chosen(fields: &Fields<'_>, field: &str) -> Result<Item, Failure> {
    let id = fields.text(field)?;
    let mut items = PRODUCTS.iter().flat_map(|product| product.prices.iter().map(move |price| Item { product, price }));
    let unknown = || fields.failure(field, &format!("The {field} must be the id of a price in the catalog."));
    items.find(|item| item.price.id == id).ok_or_else(unknown)
}
