//! WHOIS profiles, the contacts of domains, and the verification of a new owner.

use super::Routes;
use super::domains::{Domains, tld};
use super::estate::{Estate, find, take};
use super::outcome::{Failure, Outcome, accepted, answer};
use super::request::{Fields, Request};
use crate::sandbox::clock::Timestamp;
use infra_mcp_model::Method::{Delete, Get, Post, Put};
use serde::Serialize;
use serde_json::{Map, Value};

pub(super) const ROUTES: Routes = &[
    (Get, "/api/domains/v1/whois", list),
    (Post, "/api/domains/v1/whois", create),
    (Put, "/api/domains/v1/whois/change", change),
    (Put, "/api/domains/v1/whois/default/{whoisId}", set_default),
    (Delete, "/api/domains/v1/whois/default/{whoisId}", unset_default),
    (Get, "/api/domains/v1/whois/{whoisId}", details),
    (Delete, "/api/domains/v1/whois/{whoisId}", delete),
    (Get, "/api/domains/v1/whois/{whoisId}/usage", usage),
    (Get, "/api/domains/v1/irtp/{domain}", verification),
    (Delete, "/api/domains/v1/irtp/{domain}", cancel_verification),
];

const ROLES: &[&str] = &["owner", "admin", "billing", "tech"];

/// The data of a domain holder for one TLD.
#[derive(Serialize)]
pub(super) struct Profile {
    id: u64,
    tld: String,
    country: String,
    entity_type: &'static str,
    whois_details: Map<String, Value>,
    tld_details: Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip)]
    is_default: bool,
}

/// A change of owner that waits for both sides to confirm. Nobody reads mail here, so it waits until cancelled.
#[derive(Serialize)]
pub(super) struct Verification {
    domain: String,
    status: &'static str,
    old_confirmed_at: Option<Timestamp>,
    new_confirmed_at: Option<Timestamp>,
    old_whois_profile_email: String,
    new_whois_profile_email: String,
    expires_at: Timestamp,
}

/// Numbers of the profiles in the four roles; 0 while a domain is not registered.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Contacts {
    admin_id: u64,
    owner_id: u64,
    billing_id: u64,
    tech_id: u64,
}

impl Contacts {
    /// One profile in every role.
    pub(super) fn all(profile: u64) -> Self {
        Self { admin_id: profile, owner_id: profile, billing_id: profile, tech_id: profile }
    }

    /// What `domain_contacts` of `body` say; roles left out take the default profile of the TLD, which then has
    /// to exist.
    pub(super) fn chosen(domains: &Domains, body: &Fields<'_>, domain: &str) -> Result<Self, Failure> {
        let ending = tld(domain).to_ascii_lowercase();
        let default = domains.profiles.iter().find(|profile| profile.is_default && profile.tld == ending);
        let given = body.optional_object("domain_contacts")?;
        let profile =
            |field: &str| match given.as_ref().map(|given| given.optional_number(field)).transpose()?.flatten() {
                Some(id) if domains.profiles.iter().any(|profile| profile.id == id && profile.tld == ending) => Ok(id),
                Some(_) => Err(body.failure(
                    &format!("domain_contacts.{field}"),
                    &format!("The {field} must be that of a WHOIS profile for .{ending}."),
                )),
                None => default.map(|profile| profile.id).ok_or_else(|| {
                    body.failure(
                        "domain_contacts",
                        &format!("There is no default WHOIS profile for .{ending}; name contacts."),
                    )
                }),
            };
        Ok(Self {
            owner_id: profile("owner_id")?,
            admin_id: profile("admin_id")?,
            billing_id: profile("billing_id")?,
            tech_id: profile("tech_id")?,
        })
    }

    fn of(&mut self, role: &str) -> &mut u64 {
        match role {
            "owner" => &mut self.owner_id,
            "admin" => &mut self.admin_id,
            "billing" => &mut self.billing_id,
            _ => &mut self.tech_id,
        }
    }

    fn uses(mut self, profile: u64) -> bool {
        ROLES.iter().any(|role| *self.of(role) == profile)
    }
}

impl Profile {
    pub(super) fn seed(now: Timestamp) -> Vec<Self> {
        let profile = |id, tld: &str, entity_type, name: &str| Self {
            id,
            tld: tld.to_owned(),
            country: "US".to_owned(),
            entity_type,
            whois_details: [("name", name), ("email", "alex@example.com"), ("city", "Sampletown")]
                .map(|(key, value)| (key.to_owned(), Value::from(value)))
                .into_iter()
                .collect(),
            tld_details: Map::new(),
            created_at: now.days_ago(330),
            updated_at: now.days_ago(330),
            is_default: true,
        };
        let spare = Self { is_default: false, ..profile(454, "com", "organization", "Example Ltd") };
        vec![
            profile(451, "com", "individual", "Alex Example"),
            profile(452, "net", "individual", "Alex Example"),
            profile(453, "org", "individual", "Alex Example"),
            profile(455, "example", "individual", "Alex Example"),
            Self { whois_details: email_of(spare.whois_details, "office@example.com"), ..spare },
        ]
    }

    fn email(&self) -> &str {
        self.whois_details.get("email").and_then(Value::as_str).unwrap_or_default()
    }
}

fn email_of(mut details: Map<String, Value>, email: &str) -> Map<String, Value> {
    details.insert("email".to_owned(), email.into());
    details
}

fn profile(estate: &mut Estate, id: u64) -> Result<&mut Profile, Failure> {
    find(&mut estate.domains.profiles, "WHOIS profile", id, |profile| profile.id)
}

fn list(estate: &mut Estate, request: &Request) -> Outcome {
    let ending = request.query("tld").map(|tld| tld.trim_start_matches('.'));
    let fits = |profile: &&Profile| ending.is_none_or(|ending| profile.tld.eq_ignore_ascii_case(ending));
    answer(estate.domains.profiles.iter().filter(fits).collect::<Vec<_>>())
}

fn details(estate: &mut Estate, request: &Request) -> Outcome {
    answer(&*profile(estate, request.number(0)?)?)
}

fn create(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let created = Profile {
        id: estate.fresh_id(),
        tld: body.text("tld")?.trim_start_matches('.').to_ascii_lowercase(),
        country: body.text("country")?.to_owned(),
        entity_type: body.choice("entity_type", &["individual", "organization"])?,
        whois_details: body.object("whois_details")?.members().clone(),
        tld_details: body.optional_object("tld_details")?.map(|details| details.members().clone()).unwrap_or_default(),
        created_at: estate.now,
        updated_at: estate.now,
        is_default: false,
    };
    estate.domains.profiles.push(created);
    answer(estate.domains.profiles.last())
}

fn delete(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    profile(estate, id)?;
    if let Some(domain) = used_by(estate, id).first() {
        return Err(Failure::invalid("whoisId", format!("The WHOIS profile is in use by {domain}.")));
    }
    take(&mut estate.domains.profiles, "WHOIS profile", id, |profile| profile.id)?;
    accepted()
}

fn usage(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    profile(estate, id)?;
    answer(used_by(estate, id))
}

fn used_by(estate: &Estate, profile: u64) -> Vec<String> {
    let users = estate.domains.portfolio.iter().filter(|domain| domain.contacts.uses(profile));
    users.filter_map(|domain| domain.name.clone()).collect()
}

fn set_default(estate: &mut Estate, request: &Request) -> Outcome {
    let id = request.number(0)?;
    let ending = profile(estate, id)?.tld.clone();
    for profile in estate.domains.profiles.iter_mut().filter(|profile| profile.tld == ending) {
        profile.is_default = profile.id == id;
    }
    accepted()
}

fn unset_default(estate: &mut Estate, request: &Request) -> Outcome {
    profile(estate, request.number(0)?)?.is_default = false;
    accepted()
}

/// An owner with another e-mail address has to be verified first; all other changes apply at once.
fn change(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    let (name, new) = (body.text("domain")?.to_ascii_lowercase(), body.number("new_whois_id")?);
    let mut roles = body.texts("change_for")?;
    if let Some(role) = roles.iter().find(|role| !ROLES.contains(role)) {
        return Err(body.failure("change_for", &format!("There is no contact role {role}.")));
    }
    let unknown = || body.failure("domain", "The account has no such domain.");
    let mut contacts = estate.domains.registered(&name).map_err(|_| unknown())?.contacts;
    let old = *contacts.of(roles[0]);
    if roles.iter().any(|role| *contacts.of(role) != old) {
        return Err(
            body.failure("change_for", "The chosen roles have different profiles today; change them one by one.")
        );
    }
    let old_email = profile(estate, old).map(|profile| profile.email().to_owned()).unwrap_or_default();
    let fits = profile(estate, new).ok().filter(|profile| profile.tld == tld(&name));
    let wrong =
        || body.failure("new_whois_id", "The new_whois_id must be that of a WHOIS profile for the TLD of the domain.");
    let new_email = fits.ok_or_else(wrong)?.email().to_owned();
    if roles.contains(&"owner") && old_email != new_email {
        roles.retain(|role| *role != "owner");
        verify(estate, &name, old_email, new_email);
    }
    let (domain, now) = (estate.domains.registered(&name)?, estate.now);
    for role in roles {
        *domain.contacts.of(role) = new;
    }
    domain.updated_at = now;
    accepted()
}

fn verify(estate: &mut Estate, domain: &str, old: String, new: String) {
    estate.domains.verifications.retain(|known| known.domain != domain);
    estate.domains.verifications.push(Verification {
        domain: domain.to_owned(),
        status: "pending",
        old_confirmed_at: None,
        new_confirmed_at: None,
        old_whois_profile_email: old,
        new_whois_profile_email: new,
        expires_at: estate.now.days_later(5),
    });
}

fn verification(estate: &mut Estate, request: &Request) -> Outcome {
    let place = pending(estate, request.word(0))?;
    answer(&estate.domains.verifications[place])
}

fn cancel_verification(estate: &mut Estate, request: &Request) -> Outcome {
    let place = pending(estate, request.word(0))?;
    estate.domains.verifications.remove(place);
    accepted()
}

fn pending(estate: &Estate, domain: &str) -> Result<usize, Failure> {
    let named = |known: &Verification| known.domain.eq_ignore_ascii_case(domain);
    estate
        .domains
        .verifications
        .iter()
        .position(named)
        .ok_or_else(|| Failure::missing("pending verification of", domain))
}
