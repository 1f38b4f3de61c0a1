//! What a DNS zone is and which records it accepts.

use super::outcome::Failure;
use super::request::{Fields, Request};
use crate::sandbox::clock::Timestamp;
use serde::Serialize;
use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) const TYPES: &[&str] = &["A", "AAAA", "CNAME", "ALIAS", "MX", "TXT", "NS", "SOA", "SRV", "CAA"];

/// All records with one name and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RecordSet {
    pub(super) name: String,
    pub(super) records: Vec<Record>,
    pub(super) ttl: u64,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Record {
    pub(super) content: String,
    pub(super) is_disabled: bool,
}

/// The records before a change.
pub(super) struct Snapshot {
    pub(super) id: u64,
    pub(super) reason: &'static str,
    pub(super) created_at: Timestamp,
    pub(super) records: Vec<RecordSet>,
}

pub(super) struct Zone {
    pub(super) records: Vec<RecordSet>,
    pub(super) snapshots: Vec<Snapshot>,
}

const DEFAULT_TTL: u64 = 14_400;

impl RecordSet {
    pub(super) fn new(name: &str, kind: &'static str, contents: &[&str]) -> Self {
        let record = |content: &&str| Record { content: (*content).to_owned(), is_disabled: false };
        Self { name: name.to_owned(), records: contents.iter().map(record).collect(), ttl: DEFAULT_TTL, kind }
    }

    /// The sets in `zone` of the body, each checked for itself.
    pub(super) fn read_all(request: &Request) -> Result<Vec<Self>, Failure> {
        request.body().objects("zone")?.iter().map(Self::read).collect()
    }

    fn read(fields: &Fields<'_>) -> Result<Self, Failure> {
        let (name, kind) = (read_name(fields)?, fields.choice("type", TYPES)?);
        let ttl = fields.optional_number("ttl")?.unwrap_or(DEFAULT_TTL);
        if ttl == 0 {
            return Err(fields.failure("ttl", "The ttl must be at least 1 second."));
        }
        let record = |record: &Fields<'_>| {
            let content = record.text("content")?.to_owned();
            if !is_content(kind, &content) {
                return Err(
                    record.failure("content", &format!("The content is not valid for a record of type {kind}."))
                );
            }
            Ok(Record { content, is_disabled: false })
        };
        let records = fields.objects("records")?.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        if kind == "CNAME" && records.len() > 1 {
            return Err(fields.failure("records", "A name can have only one CNAME record."));
        }
        Ok(Self { name, records, ttl, kind })
    }

    pub(super) fn is(&self, name: &str, kind: &str) -> bool {
        self.kind == kind && self.name.eq_ignore_ascii_case(name)
    }
}

/// The `name` of a record set: `@`, or labels relative to the domain, with an optional leading `*`.
pub(super) fn read_name(fields: &Fields<'_>) -> Result<String, Failure> {
    let name = fields.text("name")?;
    let relative = name.strip_prefix("*.").unwrap_or(name);
    if name == "@" || name == "*" || is_hostname(relative) {
        Ok(name.to_owned())
    } else {
        Err(fields.failure("name", "The name must be @, * or labels of letters, digits, hyphens and underscores."))
    }
}

impl Zone {
    /// The records that a domain gets without any wishes.
    pub(super) fn default_records() -> Vec<RecordSet> {
        vec![
            RecordSet::new("@", "A", &["203.0.113.10"]),
            RecordSet::new("@", "AAAA", &["2001:db8::10"]),
            RecordSet::new("www", "CNAME", &["@"]),
            RecordSet::new("@", "MX", &["5 mx1.mail.example.", "10 mx2.mail.example."]),
            RecordSet::new("@", "TXT", &["\"v=spf1 include:_spf.mail.example ~all\""]),
        ]
    }

    pub(super) fn new() -> Self {
        Self { records: Self::default_records(), snapshots: Vec::new() }
    }

    /// The records after `sets` were written; checks what only the zone as a whole can tell.
    pub(super) fn with(&self, sets: &[RecordSet], overwrite: bool) -> Result<Vec<RecordSet>, Failure> {
        let mut records = self.records.clone();
        if overwrite {
            records.retain(|known| !sets.iter().any(|set| known.is(&set.name, set.kind)));
        }
        for set in sets {
            match records.iter_mut().find(|known| known.is(&set.name, set.kind)) {
                None => records.push(set.clone()),
                Some(known) => {
                    known.ttl = set.ttl;
                    let new = set.records.iter().filter(|record| !known.records.contains(record));
                    let new: Vec<_> = new.cloned().collect();
                    known.records.extend(new);
                }
            }
        }
        let alone = |set: &RecordSet| {
            set.kind != "CNAME"
                || set.records.len() == 1
                    && !records.iter().any(|other| other.is(&set.name, other.kind) && other != set)
        };
        match records.iter().find(|set| !alone(set)) {
            None => Ok(records),
            Some(set) => {
                let name = &set.name;
                Err(Failure::invalid(
                    "zone",
                    format!("The CNAME record of {name} must be the only record of that name."),
                ))
            }
        }
    }

    /// Puts `records` in force and keeps the former ones as a snapshot.
    pub(super) fn replace(&mut self, records: Vec<RecordSet>, id: u64, reason: &'static str, now: Timestamp) {
        let records = std::mem::replace(&mut self.records, records);
        self.snapshots.push(Snapshot { id, reason, created_at: now, records });
    }
}

/// Labels of letters, digits, hyphens and underscores, parted by dots, with an optional dot at the end.
pub(super) fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let text = text.strip_suffix('.').unwrap_or(text);
    text.len() <= 253 && text.split('.').all(label)
}

fn is_content(kind: &str, content: &str) -> bool {
    let words: Vec<&str> = content.split_whitespace().collect();
    let host = |text: &str| text == "@" || is_hostname(text);
    let number = |text: &str| text.parse::<u16>().is_ok();
    match (kind, words.as_slice()) {
        ("A", [address]) => address.parse::<Ipv4Addr>().is_ok(),
        ("AAAA", [address]) => address.parse::<Ipv6Addr>().is_ok(),
        ("CNAME" | "ALIAS" | "NS", [target]) => host(target),
        ("MX", [priority, target]) => number(priority) && host(target),
        ("SRV", [priority, weight, port, target]) => {
            [priority, weight, port].iter().all(|text| number(text)) && host(target)
        }
        ("CAA", [flags, tag, ..]) => {
            flags.parse::<u8>().is_ok() && ["issue", "issuewild", "iodef"].contains(tag) && words.len() > 2
        }
        ("TXT" | "SOA", [_, ..]) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_checked_by_type() {
        let table = [
            ("A", "192.0.2.1", true),
            ("A", "192.0.2.256", false),
            ("A", "2001:db8::1", false),
            ("AAAA", "2001:db8::1", true),
            ("CNAME", "web.example.com.", true),
            ("CNAME", "web example", false),
            ("MX", "10 mail.example.com", true),
            ("MX", "mail.example.com", false),
            ("SRV", "0 5 443 web.example.com", true),
            ("SRV", "0 5 web.example.com", false),
            ("CAA", "0 issue \"ca.example\"", true),
            ("CAA", "0 issue", false),
            ("TXT", "any text at all", true),
        ];
        for (kind, content, accepted) in table {
            assert_eq!(is_content(kind, content), accepted, "{kind} {content}");
        }
    }
}
