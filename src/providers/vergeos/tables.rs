//! The generic tools over the uniform table API, within what `specs/vergeos/tables.json` says of each table.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Answer;
use super::rows::without_secrets;
use crate::error::CallError;
use crate::executor::Steps;
use crate::generated::composites::vergeos::requests::{
    CreateRow, DeleteRow, ReadRow, ReadRows, ReadSchema, RowAction, RowActionPost, RowActionPut, RowActionPutPath,
    UpdateRow,
};
use crate::generated::composites::vergeos::{
    TableAction, TableCreate, TableDelete, TableDescribe, TableGet, TableList, TableUpdate,
};

/// What the server knows of the tables.
#[derive(Debug, Deserialize)]
pub(super) struct Tables {
    /// Columns that are neither asked for, nor written, nor shown.
    pub(super) secret_fields: Vec<String>,
    /// Columns that say what a row is a part of, with the table of that.
    owners: BTreeMap<String, String>,
    /// Those of them, `table.column`, that say what a row only makes use of.
    users: Vec<String>,
    tables: Vec<Table>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Table {
    pub(super) table: String,
    #[serde(default)]
    fields: Vec<String>,
    pub(super) create: Option<Create>,
    pub(super) update: Option<Update>,
    pub(super) delete: Option<Delete>,
    #[serde(default)]
    pub(super) actions: BTreeMap<String, Action>,
    #[serde(default)]
    action_path: String,
    #[serde(default)]
    action_target: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Create {
    pub(super) effect: String,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Update {
    pub(super) effect: String,
    fields: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Delete {
    pub(super) effect: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Action {
    pub(super) effect: String,
    #[serde(default)]
    params: Value,
    /// Another form than a row of the table of actions.
    #[serde(default)]
    via: String,
}

impl Tables {
    /// The description, read when it is needed first.
    pub(super) fn get() -> &'static Self {
        static TABLES: OnceLock<Tables> = OnceLock::new();
        TABLES.get_or_init(|| {
            let text = include_str!("../../../specs/vergeos/tables.json");
            serde_json::from_str(text).expect("a test reads the description, which is part of the program")
        })
    }

    /// Every table.
    #[cfg(test)]
    pub(super) fn all(&self) -> &[Table] {
        &self.tables
    }

    /// The columns of a table that say what its rows are a part of, with the table of that.
    pub(super) fn owners_in<'t>(&'t self, table: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
        let uses = move |column: &str| {
            self.users
                .iter()
                .any(|user| user.split_once('.').is_some_and(|(other, used)| other == table && used == column))
        };
        let owners = self.owners.iter().filter(move |(column, _)| !uses(column));
        owners.map(|(column, owner)| (column.as_str(), owner.as_str()))
    }

    /// Whether the rows of this table are shown.
    pub(super) fn serve(&self, name: &str) -> bool {
        self.tables.iter().any(|table| table.table == name)
    }

    fn find<T>(&self, name: &str, steps: &Steps<'_, T>) -> Result<&Table, CallError> {
        let found = self.tables.iter().find(|table| table.table == name);
        found.ok_or_else(|| steps.unmet(format!("There is no table {name} here.")))
    }

    /// Refuses a text that names a column which holds secrets, also as a part of a joined name.
    fn keep_secrets<T>(&self, what: &str, text: &str, steps: &Steps<'_, T>) -> Result<(), CallError> {
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        match words.find(|word| self.secret_fields.iter().any(|secret| secret.eq_ignore_ascii_case(word))) {
            Some(word) => Err(steps.unmet(format!("`{what}` names {word}, which holds secrets. Nothing was sent."))),
            None => Ok(()),
        }
    }

    /// Refuses members that hold secrets, at any depth.
    fn keep_secrets_in<T>(&self, data: &Value, steps: &Steps<'_, T>) -> Result<(), CallError> {
        match data {
            Value::Array(items) => items.iter().try_for_each(|item| self.keep_secrets_in(item, steps)),
            Value::Object(members) => members.iter().try_for_each(|(name, value)| {
                self.keep_secrets("data", name, steps)?;
                self.keep_secrets_in(value, steps)
            }),
            _ => Ok(()),
        }
    }
}

/// Refuses columns that the table does not take, by name.
fn only_known<T>(
    table: &Table,
    data: &Map<String, Value>,
    known: &[&String],
    steps: &Steps<'_, T>,
) -> Result<(), CallError> {
    let strange: Vec<&str> = data.keys().filter(|name| !known.contains(name)).map(String::as_str).collect();
    if strange.is_empty() {
        return Ok(());
    }
    let known = known.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    let problem =
        format!("{} does not take {} here. It takes: {known}. Nothing was sent.", table.table, strange.join(", "));
    Err(steps.unmet(problem))
}

pub(super) async fn table_list(arguments: TableList, steps: Steps<'_, TableList>) -> Answer {
    let tables = Tables::get();
    tables.find(&arguments.table, &steps)?;
    let given =
        [("fields", Some(&arguments.fields)), ("filter", arguments.filter.as_ref()), ("sort", arguments.sort.as_ref())];
    for (what, text) in given {
        tables.keep_secrets(what, text.map_or("", String::as_str), &steps)?;
    }
    let request = ReadRows {
        table: arguments.table.into(),
        fields: arguments.fields.into(),
        filter: arguments.filter.into(),
        sort: arguments.sort.into(),
        limit: arguments.limit.into(),
        offset: arguments.offset.into(),
    };
    Ok(without_secrets(steps.ask(request).await?))
}

pub(super) async fn table_get(arguments: TableGet, steps: Steps<'_, TableGet>) -> Answer {
    let tables = Tables::get();
    tables.find(&arguments.table, &steps)?;
    tables.keep_secrets("fields", &arguments.fields, &steps)?;
    let request = ReadRow { table: arguments.table.into(), key: arguments.key, fields: arguments.fields.into() };
    Ok(without_secrets(steps.ask(request).await?))
}

pub(super) async fn table_describe(arguments: TableDescribe, steps: Steps<'_, TableDescribe>) -> Answer {
    let tables = Tables::get();
    let table = tables.find(&arguments.table, &steps)?;
    let columns = match steps.ask(ReadSchema { table: table.table.as_str().into() }).await {
        Ok(schema) => columns(&schema, &tables.secret_fields),
        // Not everybody may read the schema.
        Err(CallError::Upstream(error)) if matches!(error.status, 403..=405) => json!(table.fields),
        Err(error) => return Err(error),
    };
    let actions = table
        .actions
        .iter()
        .map(|(name, action)| (name.clone(), json!({ "effect": action.effect, "params": action.params })));
    Ok(json!({
        "table": table.table,
        "columns": columns,
        "create": table.create.as_ref().map(|create| {
            json!({ "effect": create.effect, "required": create.required, "optional": create.optional })
        }),
        "update": table.update.as_ref().map(|update| json!({ "effect": update.effect, "columns": update.fields })),
        "delete": table.delete.as_ref().map(|delete| json!({ "effect": delete.effect })),
        "actions": actions.collect::<Map<_, _>>(),
    }))
}

/// The columns of a live schema.
fn columns(schema: &Value, secrets: &[String]) -> Value {
    let fields = schema.get("fields").and_then(Value::as_object).into_iter().flatten();
    let shown = fields.filter(|(name, _)| !secrets.contains(name)).map(|(name, field)| {
        let told =
            ["type", "required", "list"].iter().filter_map(|key| Some(((*key).to_owned(), field.get(*key)?.clone())));
        (name.clone(), Value::Object(told.collect()))
    });
    Value::Object(shown.collect())
}

pub(super) async fn table_create(arguments: TableCreate, steps: Steps<'_, TableCreate>) -> Answer {
    let tables = Tables::get();
    let table = tables.find(&arguments.table, &steps)?;
    let Some(create) = &table.create else {
        return Err(steps.unmet(format!("{} takes no new rows. Nothing was sent.", table.table)));
    };
    let data = Value::Object(arguments.data);
    tables.keep_secrets_in(&data, &steps)?;
    let members = data.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
    only_known(table, &members, &create.required.iter().chain(&create.optional).collect::<Vec<_>>(), &steps)?;
    let missing: Vec<&str> =
        create.required.iter().filter(|name| !members.contains_key(*name)).map(String::as_str).collect();
    if !missing.is_empty() {
        return Err(steps.unmet(format!("{} also needs {}. Nothing was sent.", table.table, missing.join(", "))));
    }
    let answer = steps.ask(CreateRow { table: table.table.as_str().into(), data }).await?;
    Ok(without_secrets(answer))
}

pub(super) async fn table_update(arguments: TableUpdate, steps: Steps<'_, TableUpdate>) -> Answer {
    let tables = Tables::get();
    let table = tables.find(&arguments.table, &steps)?;
    let Some(update) = &table.update else {
        return Err(steps.unmet(format!("Rows of {} cannot be changed. Nothing was sent.", table.table)));
    };
    only_known(table, &arguments.data, &update.fields.iter().collect::<Vec<_>>(), &steps)?;
    let columns = arguments.data.keys().map(String::as_str).collect::<Vec<_>>().join(",");
    let data = Value::Object(arguments.data);
    tables.keep_secrets_in(&data, &steps)?;
    let (name, key) = (Value::from(table.table.as_str()), arguments.key);
    let read = ReadRow { table: name.clone(), key: key.clone(), fields: columns.into() };
    let previous = without_secrets(steps.ask(read).await?);
    steps.send(UpdateRow { table: name.clone(), key: key.clone(), data: data.clone() }).await?;
    Ok(json!({ "success": true, "table": name, "key": key, "previous": previous, "new": data }))
}

pub(super) async fn table_delete(arguments: TableDelete, steps: Steps<'_, TableDelete>) -> Answer {
    let table = Tables::get().find(&arguments.table, &steps)?;
    if table.delete.is_none() {
        return Err(steps.unmet(format!("Rows of {} cannot be deleted. Nothing was sent.", table.table)));
    }
    let (name, key) = (Value::from(table.table.as_str()), arguments.key);
    steps.send(DeleteRow { table: name.clone(), key: key.clone() }).await?;
    Ok(json!({ "success": true, "table": name, "key": key }))
}

pub(super) async fn table_action(arguments: TableAction, steps: Steps<'_, TableAction>) -> Answer {
    let tables = Tables::get();
    let table = tables.find(&arguments.table, &steps)?;
    let Some(action) = table.actions.get(&arguments.action) else {
        let known = table.actions.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let problem = format!("{} knows no action {}, but {known}. Nothing was sent.", table.table, arguments.action);
        return Err(steps.unmet(problem));
    };
    let params = arguments.params.map(Value::Object);
    if let Some(params) = &params {
        tables.keep_secrets_in(params, &steps)?;
    }
    let (name, key) = (Value::from(table.table.as_str()), arguments.key);
    let word = Value::from(arguments.action);
    let answer = match action.via.split_once(' ') {
        Some(("post", _)) => steps.ask(RowActionPost { table: name, key, action: word }).await?,
        Some(("put", path)) if path.contains('?') => steps.ask(RowActionPut { table: name, key, action: word }).await?,
        Some(_) => steps.ask(RowActionPutPath { table: name, key, action: word }).await?,
        None => {
            let request = action_row(&table.action_target, key, word, params);
            let action_path = table.action_path.trim_start_matches('/').into();
            steps.ask(RowAction { action_path, request }).await?
        }
    };
    Ok(match answer {
        Value::Null => json!({ "success": true }),
        answer => without_secrets(answer),
    })
}

/// The row of the table of actions. Where no column names the target, it is one of the rows in the params.
fn action_row(target: &str, key: Value, action: Value, params: Option<Value>) -> Value {
    let mut row = Map::new();
    let mut params = params;
    if target.is_empty() {
        let params = params.get_or_insert_with(|| json!({}));
        params["rows"] = json!([key]);
    } else {
        row.insert(target.to_owned(), key);
    }
    row.insert("action".to_owned(), action);
    if let Some(params) = params {
        row.insert("params".to_owned(), params);
    }
    Value::Object(row)
}
