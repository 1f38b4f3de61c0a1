//! What the account has of domains.

use super::contacts::{Contacts, Profile, Verification};
use super::forwarding::Forwarding;
use super::moves::{Move, Transfer};
use super::outcome::Failure;
use crate::sandbox::clock::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

pub(super) struct Domains {
    pub(super) portfolio: Vec<Domain>,
    pub(super) forwardings: Vec<Forwarding>,
    pub(super) profiles: Vec<Profile>,
    pub(super) verifications: Vec<Verification>,
    pub(super) incoming: Vec<Move>,
    pub(super) outgoing: Vec<Move>,
    pub(super) transfers: Vec<Transfer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Active,
    /// Paid for or granted, but not registered.
    PendingSetup,
    Requested,
}

/// A domain, or the right to one that has not been used yet.
pub(super) struct Domain {
    pub(super) id: u64,
    /// None for a right that is not used.
    pub(super) name: Option<String>,
    pub(super) kind: &'static str,
    pub(super) status: Status,
    pub(super) private: bool,
    pub(super) locked: bool,
    pub(super) nameservers: Vec<String>,
    pub(super) contacts: Contacts,
    /// How many authorization codes were handed out; the last one is valid.
    pub(super) codes: u64,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) registered_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
}

impl Domain {
    /// A domain that is paid for but not registered.
    pub(super) fn unregistered(id: u64, name: &str, now: Timestamp) -> Self {
        Self {
            id,
            name: Some(name.to_owned()),
            kind: "domain",
            status: Status::PendingSetup,
            private: false,
            locked: false,
            nameservers: vec!["ns1.dns.example".to_owned(), "ns2.dns.example".to_owned()],
            contacts: Contacts::default(),
            codes: 0,
            created_at: now,
            updated_at: now,
            registered_at: None,
            expires_at: None,
        }
    }

    /// Registers the domain for a year, locked and with private WHOIS data.
    pub(super) fn register(&mut self, contacts: Contacts, now: Timestamp) {
        self.status = Status::Active;
        (self.private, self.locked) = (true, true);
        self.contacts = contacts;
        self.updated_at = now;
        self.registered_at = Some(now);
        self.expires_at = Some(now.days_later(365));
    }

    /// The entry in the list of domains.
    pub(super) fn summary(&self) -> Value {
        json!({
            "id": self.id, "domain": self.name, "type": self.kind, "status": self.status,
            "created_at": self.created_at, "expires_at": self.expires_at,
        })
    }

    pub(super) fn details(&self) -> Value {
        let nameserver = |place: usize| self.nameservers.get(place).map_or("", String::as_str);
        json!({
            "domain": self.name,
            "status": self.status,
            "message": null,
            "is_privacy_protection_allowed": true,
            "is_privacy_protected": self.private,
            "is_lockable": true,
            "is_locked": self.locked,
            "name_servers": { "ns1": nameserver(0), "ns2": nameserver(1) },
            "child_name_servers": [],
            "domain_contacts": self.contacts,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "60_days_lock_expires_at": null,
            "registered_at": self.registered_at,
            "expires_at": self.expires_at,
        })
    }
}

impl Domains {
    /// One locked domain, one unlocked, one that awaits its setup, a free domain and a free transfer.
    pub(super) fn seed(now: Timestamp) -> Self {
        let registered = |id, name, days, profile| {
            let mut domain = Domain::unregistered(id, name, now.days_ago(days));
            domain.register(Contacts::all(profile), now.days_ago(days));
            domain
        };
        let right = |id, kind| Domain { kind, name: None, ..Domain::unregistered(id, "", now.days_ago(30)) };
        let net = Domain { private: false, locked: false, ..registered(402, "example.net", 150, 452) };
        Self {
            portfolio: vec![
                registered(401, "example.com", 320, 451),
                net,
                Domain::unregistered(403, "example.org", now.days_ago(2)),
                right(404, "free_domain"),
                right(405, "free_domain_transfer"),
            ],
            forwardings: vec![Forwarding::seed(now)],
            profiles: Profile::seed(now),
            verifications: Vec::new(),
            incoming: vec![Move::new("gift.example", now.days_ago(1))],
            outgoing: Vec::new(),
            transfers: vec![Transfer::completed("example.net", now.days_ago(155), now.days_ago(150))],
        }
    }

    /// The registered domain with this name.
    pub(super) fn registered(&mut self, name: &str) -> Result<&mut Domain, Failure> {
        self.named(name, Status::Active)
    }

    /// The domain with this name in this status.
    pub(super) fn named(&mut self, name: &str, status: Status) -> Result<&mut Domain, Failure> {
        let fits = |domain: &&mut Domain| domain.status == status && is_named(domain, name);
        self.portfolio.iter_mut().find(fits).ok_or_else(|| Failure::missing("domain", name))
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        self.portfolio.iter().any(|domain| is_named(domain, name))
    }

    /// Takes up a right of this kind that is not used yet.
    pub(super) fn unused(&mut self, kind: &str) -> Result<&mut Domain, Failure> {
        let fits = |domain: &&mut Domain| domain.kind == kind && domain.name.is_none();
        let rule = || Failure::invalid("domain", "The account has no free domain of this kind left.");
        self.portfolio.iter_mut().find(fits).ok_or_else(rule)
    }
}

fn is_named(domain: &Domain, name: &str) -> bool {
    domain.name.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(name))
}

/// Everything after the first dot.
pub(super) fn tld(name: &str) -> &str {
    name.split_once('.').map_or("", |(_, tld)| tld)
}
