//! DNS zones: records and the snapshots that every change leaves behind.

use super::Routes;
use super::estate::{Estate, find};
use super::outcome::{Failure, Outcome, accepted, answer};
use super::request::Request;
use super::zone::{RecordSet, Snapshot, TYPES, Zone, read_name};
use infra_mcp_model::Method::{Delete, Get, Post, Put};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const ROUTES: Routes = &[
    (Get, "/api/dns/v1/zones/{domain}", records),
    (Put, "/api/dns/v1/zones/{domain}", update),
    (Delete, "/api/dns/v1/zones/{domain}", delete),
    (Post, "/api/dns/v1/zones/{domain}/reset", reset),
    (Post, "/api/dns/v1/zones/{domain}/validate", validate),
    (Get, "/api/dns/v1/snapshots/{domain}", snapshots),
    (Get, "/api/dns/v1/snapshots/{domain}/{snapshotId}", snapshot),
    (Post, "/api/dns/v1/snapshots/{domain}/{snapshotId}/restore", restore),
];

/// Zones by the name of their domain.
pub(super) struct Zones(BTreeMap<String, Zone>);

impl Zones {
    pub(super) fn seed() -> Self {
        let mut com = Zone::new();
        com.records.extend([
            RecordSet::new("web-1", "A", &["203.0.113.11"]),
            RecordSet::new("db-1", "A", &["203.0.113.12"]),
            RecordSet::new("@", "CAA", &["0 issue \"ca.example\""]),
        ]);
        Self([("example.com".to_owned(), com), ("example.net".to_owned(), Zone::new())].into())
    }

    /// Gives `domain` a zone of default records unless it has one.
    pub(super) fn add(&mut self, domain: &str) {
        self.0.entry(domain.to_owned()).or_insert_with(Zone::new);
    }

    fn get(&mut self, domain: &str) -> Result<&mut Zone, Failure> {
        let missing = || Failure::missing("DNS zone of", domain);
        self.0.get_mut(&domain.to_ascii_lowercase()).ok_or_else(missing)
    }
}

fn records(estate: &mut Estate, request: &Request) -> Outcome {
    answer(&zone(estate, request)?.records)
}

fn update(estate: &mut Estate, request: &Request) -> Outcome {
    let records = written(estate, request)?;
    change(estate, request, records, "Records were written")
}

fn validate(estate: &mut Estate, request: &Request) -> Outcome {
    written(estate, request)?;
    accepted()
}

/// The records as an update would leave them.
fn written(estate: &mut Estate, request: &Request) -> Result<Vec<RecordSet>, Failure> {
    let zone = zone(estate, request)?;
    zone.with(&RecordSet::read_all(request)?, request.body().flag("overwrite", true)?)
}

/// Filters that match nothing are no failure.
fn delete(estate: &mut Estate, request: &Request) -> Outcome {
    let mut records = zone(estate, request)?.records.clone();
    for filter in request.body().objects("filters")? {
        let (name, kind) = (read_name(&filter)?, filter.choice("type", TYPES)?);
        records.retain(|set| !set.is(&name, kind));
    }
    change(estate, request, records, "Records were deleted")
}

fn reset(estate: &mut Estate, request: &Request) -> Outcome {
    let body = request.body();
    body.flag("sync", true)?;
    let reset_mail = body.flag("reset_email_records", true)?;
    let kept_types = match body.optional_list("whitelisted_record_types")? {
        [] => Vec::new(),
        _ => body.texts("whitelisted_record_types")?,
    };
    let kept = |set: &RecordSet| kept_types.contains(&set.kind) || !reset_mail && is_mail(set);
    let zone = zone(estate, request)?;
    let mut records: Vec<_> = zone.records.iter().filter(|set| kept(set)).cloned().collect();
    records.extend(Zone::default_records().into_iter().filter(|set| !kept(set)));
    change(estate, request, records, "Records were reset to the defaults")
}

/// MX records, and TXT records of the kinds that mail servers look up.
fn is_mail(set: &RecordSet) -> bool {
    let about_mail = |content: &str| ["v=spf1", "v=DKIM1", "v=DMARC1"].iter().any(|mark| content.contains(mark));
    set.kind == "MX" || set.kind == "TXT" && set.records.iter().any(|record| about_mail(&record.content))
}

fn snapshots(estate: &mut Estate, request: &Request) -> Outcome {
    let snapshots = zone(estate, request)?.snapshots.iter();
    answer(snapshots.map(head).collect::<Vec<_>>())
}

fn snapshot(estate: &mut Estate, request: &Request) -> Outcome {
    let snapshot = existing_snapshot(estate, request)?;
    let mut shown = head(snapshot);
    shown["snapshot"] = answer(&snapshot.records)?;
    Ok(shown)
}

fn head(snapshot: &Snapshot) -> Value {
    json!({ "id": snapshot.id, "reason": snapshot.reason, "created_at": snapshot.created_at })
}

fn restore(estate: &mut Estate, request: &Request) -> Outcome {
    let records = existing_snapshot(estate, request)?.records.clone();
    change(estate, request, records, "A snapshot was restored")
}

fn existing_snapshot<'a>(estate: &'a mut Estate, request: &Request) -> Result<&'a Snapshot, Failure> {
    let zone = zone(estate, request)?;
    find(&mut zone.snapshots, "DNS snapshot", request.number(1)?, |snapshot| snapshot.id).map(|snapshot| &*snapshot)
}

fn change(estate: &mut Estate, request: &Request, records: Vec<RecordSet>, reason: &'static str) -> Outcome {
    let (id, now) = (estate.fresh_id(), estate.now);
    zone(estate, request)?.replace(records, id, reason, now);
    accepted()
}

fn zone<'a>(estate: &'a mut Estate, request: &Request) -> Result<&'a mut Zone, Failure> {
    estate.zones.get(request.word(0))
}
