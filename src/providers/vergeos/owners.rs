//! What rows are a part of: the VM behind a drive, the network of a rule. The server looks by this before it lets a
//! change through, so that a protected VM, network or tenant is protected with all its parts.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::rows::{key, key_in, quoted, rows, without_secrets};
use super::tables::Tables;
use super::{Answer, text};
use crate::error::CallError;
use crate::executor::Steps;
use crate::generated::composites::vergeos::TableOwners;
use crate::generated::composites::vergeos::requests::{ReadRow, ReadRows};

/// The tables whose rows have a machine of their own; all other machines are somebody else's.
const WITH_MACHINE: [&str; 4] = ["vms", "vnets", "nodes", "tenant_nodes"];

/// Columns that name a row of any table, as `vms/34` or by a key beside the name of the table.
const OF_ANY_TABLE: [&str; 2] = ["owner", "member"];

/// Columns that name the table of such a key.
const TABLE_OF_OWNER: [&str; 2] = ["owner_type", "table"];

/// How many rows are followed: no row has so many owners.
const MOST: usize = 12;

/// What shows of a VM how it is.
const VM: &str = "$key,name,description,created,modified,is_snapshot,machine,machine#status#status as power_state";

/// A row that is shown, or a place where one is.
type Place = (String, Value);

pub(super) async fn table_owners(arguments: TableOwners, steps: Steps<'_, TableOwners>) -> Answer {
    let mut open = VecDeque::new();
    let mut shown: Vec<Value> = Vec::new();
    match (arguments.key, arguments.data) {
        (Some(key), None) => open.push_back((arguments.table, key)),
        (None, Some(columns)) => {
            let row = Value::Object(columns);
            open.extend(owners(&arguments.table, &row));
            shown.push(labelled(&arguments.table, None, row, &[]));
        }
        _ => return Err(steps.unmet("Give either `key` or `data`.")),
    }
    let mut followed: Vec<Place> = Vec::new();
    while let Some(place) = open.pop_front() {
        if followed.iter().any(|(table, key)| *table == place.0 && plain(key) == plain(&place.1)) {
            continue;
        }
        if followed.len() == MOST {
            return Err(steps.unmet(format!("The row belongs to more than {MOST} others.")));
        }
        followed.push(place.clone());
        let (table, key) = place;
        if table == "machines" {
            open.push_back(owner_of_machine(&key, &steps).await?);
            continue;
        }
        let row = read(&table, &key, &steps).await?;
        open.extend(owners(&table, &row));
        let tags = tags(&table, &key, &steps).await?;
        shown.push(labelled(&table, Some(&key), row, &tags));
    }
    Ok(Value::Array(shown))
}

/// The row with what tells which one it is, and without its secrets.
fn labelled(table: &str, key: Option<&Value>, row: Value, tags: &[Value]) -> Value {
    let mut labelled = Map::from_iter([("table".to_owned(), Value::from(table))]);
    labelled.extend(key.map(|key| ("key".to_owned(), key.clone())));
    let mut columns = match without_secrets(row) {
        Value::Object(columns) => columns,
        _ => Map::new(),
    };
    // A column of that name says as much.
    let own = match columns.shift_remove("tags") {
        Some(Value::Array(own)) => own,
        own => own.into_iter().filter(|own| !own.is_null()).collect(),
    };
    let tags: Vec<Value> = tags.iter().cloned().chain(own).collect();
    if !tags.is_empty() {
        labelled.insert("tags".to_owned(), tags.into());
    }
    for (name, value) in columns {
        labelled.entry(name).or_insert(value);
    }
    Value::Object(labelled)
}

/// The rows that a row of this table names as its owners.
fn owners(table: &str, row: &Value) -> Vec<Place> {
    let tables = Tables::get();
    let has_machine = WITH_MACHINE.contains(&table);
    let columns = tables.owners_in(table).filter(|(column, _)| *column != "machine" || !has_machine);
    let named = columns.filter_map(|(column, owner)| {
        let key = row.get(column).filter(|key| names(key))?;
        Some((owner.to_owned(), key.clone()))
    });
    let any = OF_ANY_TABLE.iter().filter_map(|column| {
        let value = row.get(column).filter(|value| names(value))?;
        let (owner, key) = match value.as_str().and_then(|text| text.split_once('/')) {
            Some((owner, key)) => (owner, Value::from(key)),
            None => {
                (TABLE_OF_OWNER.iter().map(|column| text(row, column)).find(|name| !name.is_empty())?, value.clone())
            }
        };
        tables.serve(owner).then(|| (owner.to_owned(), key))
    });
    named.chain(any).collect()
}

/// Whether a column names a row at all.
fn names(value: &Value) -> bool {
    value.as_i64().map_or_else(|| value.as_str().is_some_and(|text| !text.is_empty()), |key| key > 0)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn read(table: &str, key: &Value, steps: &Steps<'_, TableOwners>) -> Result<Value, CallError> {
    if !Tables::get().serve(table) {
        return Err(steps.unmet(format!("What it belongs to is in {table}, which is not read here.")));
    }
    let fields = if table == "vms" { VM } else { "most" };
    steps.ask(ReadRow { table: table.into(), key: key.clone(), fields: fields.into() }).await
}

/// Whose machine it is.
async fn owner_of_machine(machine: &Value, steps: &Steps<'_, TableOwners>) -> Result<Place, CallError> {
    let Some(machine) = key(machine) else {
        return Err(steps.unmet(format!("{machine} is no key of a machine.")));
    };
    for table in WITH_MACHINE {
        let found = find(table, "$key,machine", &format!("machine eq {machine}"), steps).await?;
        // A filter that the system did not understand must not bring others in.
        let owner = found.iter().find(|row| key_in(row, "machine") == Some(machine));
        if let Some(key) = owner.and_then(|row| row.get("$key")) {
            return Ok((table.to_owned(), key.clone()));
        }
    }
    Err(steps.unmet(format!("No VM, network or node has machine {machine}.")))
}

/// The names of the tags of a row.
async fn tags(table: &str, key: &Value, steps: &Steps<'_, TableOwners>) -> Result<Vec<Value>, CallError> {
    let member = format!("{table}/{}", plain(key));
    let filter = format!("member eq {}", quoted(&member));
    let found = match find("tag_members", "$key,member,tag#name as name", &filter, steps).await {
        Ok(found) => found,
        // A system that is too old for tags.
        Err(CallError::Upstream(error)) if error.status == 404 => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let own = found.into_iter().filter(|row| text(row, "member") == member);
    Ok(own.filter_map(|mut row| row.get_mut("name").map(Value::take)).collect())
}

async fn find(
    table: &str,
    fields: &str,
    filter: &str,
    steps: &Steps<'_, TableOwners>,
) -> Result<Vec<Value>, CallError> {
    let request = ReadRows {
        table: table.into(),
        fields: fields.into(),
        filter: filter.into(),
        sort: Value::Null,
        limit: 1000.into(),
        offset: Value::Null,
    };
    Ok(rows(steps.ask(request).await?))
}
