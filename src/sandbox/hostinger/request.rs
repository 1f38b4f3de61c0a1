use super::{Failure, Outcome};
use bytes::Bytes;
use infra_mcp_model::Method;
use serde_json::{Map, Value, json};
use std::str::FromStr;
use url::form_urlencoded;

/// A request taken apart: path values, query and JSON body.
pub(in crate::sandbox) struct Request {
    values: Vec<String>,
    query: Vec<(String, String)>,
    body: Map<String, Value>,
}

impl Request {
    /// Reads the body as a JSON object. GET and DELETE without a body may carry its members in the query
    /// instead, as `filters[0][name]=www`.
    pub(super) fn read(values: Vec<String>, request: &http::Request<Bytes>) -> Result<Self, Failure> {
        let query = request.uri().query().unwrap_or_default();
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let in_query = [Method::Get, Method::Delete].iter().any(|method| method.as_str() == request.method());
        let body = match request.body() {
            empty if empty.is_empty() && in_query => members_of(&query),
            empty if empty.is_empty() => Map::new(),
            text => {
                serde_json::from_slice(text).map_err(|_| Failure::invalid("body", "The body must be a JSON object."))?
            }
        };
        Ok(Self { values, query, body })
    }

    /// The number at this place of the path. Text that is no number cannot name anything.
    pub(super) fn number(&self, place: usize) -> Result<u64, Failure> {
        let text = self.word(place);
        text.parse().map_err(|_| Failure::missing("resource", text))
    }

    /// The text at this place of the path; empty only if the template has fewer parameters.
    pub(super) fn word(&self, place: usize) -> &str {
        self.values.get(place).map_or("", String::as_str)
    }

    /// The query parameter with this name.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn body(&self) -> Fields<'_> {
        Fields { members: &self.body, prefix: String::new() }
    }

    /// One page of `items` with `data` and `meta`.
    pub(super) fn page(&self, items: &[Value]) -> Outcome {
        const PER_PAGE: usize = 50;
        let page = match self.query("page").map(usize::from_str) {
            None => 1,
            Some(Ok(page)) if page > 0 => page,
            Some(_) => return Err(Failure::invalid("page", "The page must be a number from 1 upwards.")),
        };
        let data: Vec<_> = items.iter().skip((page - 1).saturating_mul(PER_PAGE)).take(PER_PAGE).collect();
        Ok(json!({ "data": data, "meta": { "current_page": page, "per_page": PER_PAGE, "total": items.len() } }))
    }
}

/// The members of an object in the body. The first broken rule ends the request.
pub(super) struct Fields<'a> {
    members: &'a Map<String, Value>,
    prefix: String,
}

impl<'a> Fields<'a> {
    /// `prefix` stands before the names of the members in failures.
    pub(super) fn of(members: &'a Map<String, Value>, prefix: &str) -> Self {
        Self { members, prefix: prefix.to_owned() }
    }

    pub(super) fn failure(&self, field: &str, rule: &str) -> Failure {
        Failure::invalid(self.name(field), rule)
    }

    pub(super) fn optional_text(&self, field: &str) -> Result<Option<&'a str>, Failure> {
        self.optional(field, "text", Value::as_str)
    }

    /// Text that is not empty.
    pub(super) fn text(&self, field: &str) -> Result<&'a str, Failure> {
        self.optional_text(field)?.filter(|text| !text.trim().is_empty()).ok_or_else(|| self.required(field))
    }

    /// Text of at least `minimum` characters, where given.
    pub(super) fn optional_password(&self, field: &str, minimum: usize) -> Result<Option<&'a str>, Failure> {
        match self.optional_text(field)? {
            Some(text) if text.chars().count() < minimum => {
                Err(self.failure(field, &format!("The {field} must have at least {minimum} characters.")))
            }
            given => Ok(given),
        }
    }

    pub(super) fn password(&self, field: &str, minimum: usize) -> Result<&'a str, Failure> {
        self.optional_password(field, minimum)?.ok_or_else(|| self.required(field))
    }

    /// One of `words`.
    pub(super) fn choice(&self, field: &str, words: &[&'static str]) -> Result<&'static str, Failure> {
        let given = self.text(field)?;
        let accepted = || self.failure(field, &format!("The {field} must be one of: {}.", words.join(", ")));
        words.iter().copied().find(|word| *word == given).ok_or_else(accepted)
    }

    pub(super) fn optional_number(&self, field: &str) -> Result<Option<u64>, Failure> {
        self.optional(field, "a whole number", Value::as_u64)
    }

    pub(super) fn number(&self, field: &str) -> Result<u64, Failure> {
        self.optional_number(field)?.ok_or_else(|| self.required(field))
    }

    pub(super) fn flag(&self, field: &str, default: bool) -> Result<bool, Failure> {
        Ok(self.optional(field, "true or false", Value::as_bool)?.unwrap_or(default))
    }

    pub(super) fn optional_list(&self, field: &str) -> Result<&'a [Value], Failure> {
        Ok(self.optional(field, "a list", Value::as_array)?.map_or(&[], Vec::as_slice))
    }

    /// A list that is not empty.
    pub(super) fn list(&self, field: &str) -> Result<&'a [Value], Failure> {
        Some(self.optional_list(field)?).filter(|list| !list.is_empty()).ok_or_else(|| self.required(field))
    }

    /// The texts of a list that is not empty.
    pub(super) fn texts(&self, field: &str) -> Result<Vec<&'a str>, Failure> {
        let texts = self.list(field)?.iter().map(Value::as_str).collect::<Option<_>>();
        texts.ok_or_else(|| self.failure(field, &format!("Every entry of {field} must be text.")))
    }

    /// The objects of a list that is not empty.
    pub(super) fn objects(&self, field: &str) -> Result<Vec<Fields<'a>>, Failure> {
        let object = |(index, value): (usize, &'a Value)| {
            let members = value.as_object()?;
            Some(Fields { members, prefix: format!("{}.{index}.", self.name(field)) })
        };
        let objects = self.list(field)?.iter().enumerate().map(object).collect::<Option<_>>();
        objects.ok_or_else(|| self.failure(field, &format!("Every entry of {field} must be an object.")))
    }

    pub(super) fn optional_object(&self, field: &str) -> Result<Option<Fields<'a>>, Failure> {
        let members = self.optional(field, "an object", Value::as_object)?;
        Ok(members.map(|members| Fields { members, prefix: format!("{}.", self.name(field)) }))
    }

    pub(super) fn object(&self, field: &str) -> Result<Fields<'a>, Failure> {
        self.optional_object(field)?.ok_or_else(|| self.required(field))
    }

    /// All members as they were sent.
    pub(super) fn members(&self) -> &'a Map<String, Value> {
        self.members
    }

    fn optional<T>(
        &self,
        field: &str,
        kind: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        match self.members.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                read(value).map(Some).ok_or_else(|| self.failure(field, &format!("The {field} must be {kind}.")))
            }
        }
    }

    fn required(&self, field: &str) -> Failure {
        self.failure(field, &format!("The {field} is required."))
    }

    fn name(&self, field: &str) -> String {
        format!("{}{field}", self.prefix)
    }
}

/// Nested members out of `name[0][key]=value` pairs; a run of `0`, `1`, … becomes a list.
fn members_of(query: &[(String, String)]) -> Map<String, Value> {
    let mut root = Map::new();
    for (key, value) in query {
        let mut steps = key.split('[').map(|step| step.trim_end_matches(']'));
        let first = steps.next().unwrap_or_default();
        let place = steps.fold(root.entry(first).or_insert(Value::Null), |place, step| {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            &mut place[step]
        });
        *place = Value::String(value.clone());
    }
    root.into_iter().map(|(key, value)| (key, with_lists(value))).collect()
}

fn with_lists(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let is_list = members.keys().enumerate().all(|(index, key)| key.parse() == Ok(index));
    let members = members.into_iter().map(|(key, value)| (key, with_lists(value)));
    if is_list { members.map(|(_, value)| value).collect() } else { Value::Object(members.collect()) }
}
