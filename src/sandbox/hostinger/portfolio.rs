//! Domains of the account: reading, buying, registering and their settings.

use super::contacts::Contacts;
use super::domains::{Domain, Status, tld};
use super::estate::Estate;
use super::outcome::{Failure, Outcome, accepted, answer};
use super::request::{Fields, Request};
use super::zone::is_hostname;
use super::{Routes, availability, catalog};
use infra_mcp_model::Method::{Delete, Get, Post, Put};
use serde_json::json;

pub(super) const ROUTES: Routes = &[
    (Get, "/api/domains/v1/portfolio", list),
    (Post, "/api/domains/v1/portfolio", purchase),
    (Post, "/api/domains/v1/portfolio/claim", claim),
    (Get, "/api/domains/v1/portfolio/{domain}", details),
    (Post, "/api/domains/v1/portfolio/{domain}/setup", setup),
    (Get, "/api/domains/v1/portfolio/{domain}/renewal", renewal),
    (Get, "/api/domains/v1/portfolio/{domain}/auth-code", auth_code),
    (Put, "/api/domains/v1/portfolio/{domain}/domain-lock", lock),
    (Delete, "/api/domains/v1/portfolio/{domain}/domain-lock", unlock),
    (Put, "/api/domains/v1/portfolio/{domain}/privacy-protection", hide),
    (Delete, "/api/domains/v1/portfolio/{domain}/privacy-protection", disclose),
    (Put, "/api/domains/v1/portfolio/{domain}/nameservers", set_nameservers),
];

fn list(estate: &mut Estate, _: &Request) -> Outcome {
    answer(estate.domains.portfolio.iter().map(Domain::summary).collect::<Vec<_>>())
}

fn details(estate: &mut Estate, request: &Request) -> Outcome {
    Ok(registered(estate, request)?.details())
}

fn purchase(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let name = new_name(estate, &body)?;
    let item = catalog::chosen(&body, "item_id")?;
    if item.tld() != Some(tld(&name)) {
        return Err(body.failure("item_id", &format!("The selected item is not a domain under .{}.", tld(&name))));
    }
    let contacts = Contacts::chosen(&estate.domains, &body, &name)?;
    let (order, _) = estate.order(&body, &[item])?;
    let mut domain = Domain::unregistered(estate.fresh_id(), &name, estate.now);
    domain.register(contacts, estate.now);
    estate.domains.portfolio.push(domain);
    estate.zones.add(&name);
    answer(order)
}

fn claim(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let name = new_name(estate, &body)?;
    let contacts = Contacts::chosen(&estate.domains, &body, &name)?;
    let domain = estate.domains.unused("free_domain")?;
    domain.name = Some(name.clone());
    domain.register(contacts, estate.now);
    let shown = json!({ "domain": name, "status": domain.status, "created_at": domain.created_at });
    estate.zones.add(&name);
    Ok(shown)
}

fn setup(estate: &mut Estate, request: &Request) -> Outcome {
    let name = request.word(0);
    estate.domains.named(name, Status::PendingSetup)?;
    let contacts = Contacts::chosen(&estate.domains, &request.body(), name)?;
    let domain = estate.domains.named(name, Status::PendingSetup)?;
    domain.register(contacts, estate.now);
    let shown = domain.details();
    estate.zones.add(&name.to_ascii_lowercase());
    Ok(shown)
}

/// The `domain` of the body, if it can be registered.
fn new_name(estate: &Estate, body: &Fields<'_>) -> Result<String, Failure> {
    let name = body.text("domain")?.to_ascii_lowercase();
    if !is_hostname(&name) || tld(&name).is_empty() {
        return Err(body.failure("domain", "The domain must be a name with its TLD, such as garden.com."));
    }
    if !availability::is_available(&estate.domains, &name) {
        return Err(body.failure("domain", "The domain is already taken."));
    }
    Ok(name)
}

fn renewal(estate: &mut Estate, request: &Request) -> Outcome {
    let domain = registered(estate, request)?;
    Ok(json!({ "domain": domain.name, "status": "Active", "expires_at": domain.expires_at }))
}

/// A new code each time; the one before is no longer valid.
fn auth_code(estate: &mut Estate, request: &Request) -> Outcome {
    let domain = registered(estate, request)?;
    if domain.locked {
        return Err(Failure::invalid("domain", "The domain is locked; switch its transfer lock off first."));
    }
    domain.codes += 1;
    Ok(json!({ "auth_code": format!("SANDBOX-{}-{:04}", domain.id, domain.codes) }))
}

fn lock(estate: &mut Estate, request: &Request) -> Outcome {
    change(estate, request, |domain| domain.locked = true)
}

fn unlock(estate: &mut Estate, request: &Request) -> Outcome {
    change(estate, request, |domain| domain.locked = false)
}

fn hide(estate: &mut Estate, request: &Request) -> Outcome {
    change(estate, request, |domain| domain.private = true)
}

fn disclose(estate: &mut Estate, request: &Request) -> Outcome {
    change(estate, request, |domain| domain.private = false)
}

fn set_nameservers(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let mut nameservers = vec![body.text("ns1")?, body.text("ns2")?];
    nameservers.extend(body.optional_text("ns3")?);
    nameservers.extend(body.optional_text("ns4")?);
    if let Some(place) = nameservers.iter().position(|name| !is_hostname(name)) {
        let field = format!("ns{}", place + 1);
        return Err(body.failure(&field, &format!("The {field} must be a host name.")));
    }
    change(estate, request, |domain| domain.nameservers = nameservers.into_iter().map(str::to_owned).collect())
}

fn change(estate: &mut Estate, request: &Request, change: impl FnOnce(&mut Domain)) -> Outcome {
    let now = estate.now;
    let domain = registered(estate, request)?;
    change(domain);
    domain.updated_at = now;
    accepted()
}

fn registered<'a>(estate: &'a mut Estate, request: &Request) -> Result<&'a mut Domain, Failure> {
    estate.domains.registered(request.word(0))
}
