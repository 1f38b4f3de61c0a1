//! `fields`, `filter`, `sort`, `limit` and `offset` of a query.

use super::estate::{Estate, Rows};
use serde_json::{Map, Value};
use std::cmp::Ordering;
use url::form_urlencoded;

/// A query, read.
#[derive(Default)]
pub(super) struct Query {
    /// Column and the name it gets; empty for all of them.
    fields: Vec<(String, String)>,
    conditions: Vec<Condition>,
    sort: Option<(String, bool)>,
    limit: Option<usize>,
    offset: usize,
}

struct Condition {
    column: String,
    operator: String,
    value: Value,
}

impl Query {
    pub(super) fn read(query: &str) -> Result<Self, String> {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "fields" => read.fields = fields(&value),
                "filter" => read.conditions = conditions(&value)?,
                "sort" => {
                    let column = value.trim_start_matches(['+', '-', ' ']).to_owned();
                    read.sort = Some((column, value.starts_with('-')));
                }
                "limit" => read.limit = value.parse().ok().filter(|limit| *limit > 0),
                "offset" => read.offset = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        Ok(read)
    }

    /// The rows it asks for.
    pub(super) fn choose(&self, estate: &Estate, _table: &str, rows: &Rows) -> Value {
        let holds = |row: &&Value| self.conditions.iter().all(|condition| condition.holds(estate, row));
        let mut chosen: Vec<&Value> = rows.values().filter(holds).collect();
        if let Some((column, descending)) = &self.sort {
            chosen.sort_by(|one, other| {
                let order = compare(&estate.column(one, column), &estate.column(other, column));
                if *descending { order.reverse() } else { order }
            });
        }
        let limit = self.limit.unwrap_or(usize::MAX);
        chosen.into_iter().skip(self.offset).take(limit).map(|row| self.show(estate, row)).collect()
    }

    /// The columns it asks for.
    pub(super) fn show(&self, estate: &Estate, row: &Value) -> Value {
        if self.fields.is_empty() {
            return row.clone();
        }
        let shown = self.fields.iter().map(|(column, name)| (name.clone(), estate.column(row, column)));
        Value::Object(shown.collect::<Map<_, _>>())
    }
}

fn fields(text: &str) -> Vec<(String, String)> {
    if matches!(text, "most" | "all" | "summary") {
        return Vec::new();
    }
    let field = |field: &str| match field.split_once(" as ") {
        Some((column, name)) => (column.trim().to_owned(), name.trim().to_owned()),
        None => (field.trim().to_owned(), field.trim().to_owned()),
    };
    text.split(',').map(field).collect()
}

/// Reads conditions that all have to hold: `machine eq 3 and name ct 'web'`.
fn conditions(text: &str) -> Result<Vec<Condition>, String> {
    let mut rest = text.trim();
    let mut conditions = Vec::new();
    while !rest.is_empty() {
        let mut words = rest.splitn(3, ' ');
        let (Some(column), Some(operator), Some(after)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("The filter ends too soon: {rest}"));
        };
        let (value, after) = value(after.trim_start())?;
        conditions.push(Condition { column: column.to_owned(), operator: operator.to_owned(), value });
        rest = after.trim_start();
        if let Some(after) = rest.strip_prefix("and ") {
            rest = after;
        } else if !rest.is_empty() {
            return Err(format!("The simulated VergeOS joins conditions with `and` alone: {rest}"));
        }
    }
    Ok(conditions)
}

/// A quoted text, in which a doubled quote is one, or a bare word.
fn value(text: &str) -> Result<(Value, &str), String> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        return Ok((serde_json::from_str(word).unwrap_or_else(|_| word.into()), rest));
    };
    let mut read = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('\'').ok_or("A quote in the filter is not closed.")?;
        read.push_str(part);
        match after.strip_prefix('\'') {
            Some(after) => {
                read.push('\'');
                rest = after;
            }
            None => return Ok((read.into(), after)),
        }
    }
}

impl Condition {
    fn holds(&self, estate: &Estate, row: &Value) -> bool {
        let found = estate.column(row, &self.column);
        let words = || (plain(&found).to_lowercase(), plain(&self.value).to_lowercase());
        match self.operator.as_str() {
            "eq" => plain(&found) == plain(&self.value),
            "ne" => plain(&found) != plain(&self.value),
            "ct" | "cs" => words().0.contains(&words().1),
            "bw" => words().0.starts_with(&words().1),
            "ew" => words().0.ends_with(&words().1),
            "gt" => compare(&found, &self.value) == Ordering::Greater,
            "lt" => compare(&found, &self.value) == Ordering::Less,
            "ge" => compare(&found, &self.value) != Ordering::Less,
            "le" => compare(&found, &self.value) != Ordering::Greater,
            _ => false,
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => plain(one).cmp(&plain(other)),
    }
}
