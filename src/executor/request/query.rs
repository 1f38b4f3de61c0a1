//! The query string, in the declared styles or with brackets.

use std::borrow::Cow;

use infra_mcp_model::{Location, Operation, Parameter, QueryArrays, RequestBody, Style};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde_json::{Map, Value};

use super::{RESERVED, push_encoded, text};

/// Declared names may hold brackets (`ids[]`), which stay readable.
const IN_NAME: &AsciiSet = &RESERVED.remove(b'[').remove(b']');

/// Appends name and value pairs to a URL. `null` is left out.
pub(super) struct Query<'t> {
    target: &'t mut String,
    separator: char,
}

impl<'t> Query<'t> {
    pub(super) fn new(target: &'t mut String) -> Self {
        // A path template can bring values that are always the same.
        let separator = if target.contains('?') { '&' } else { '?' };
        Self { target, separator }
    }

    /// The query parameters of the operation.
    pub(super) fn parameters(&mut self, operation: &Operation, arguments: &Map<String, Value>, arrays: QueryArrays) {
        let parameters = operation.parameters.iter().filter(|parameter| parameter.location == Location::Query);
        for parameter in parameters {
            match arguments.get(parameter.argument.as_ref()) {
                None | Some(Value::Null) => {}
                Some(value @ Value::Array(_)) if arrays == QueryArrays::Brackets => {
                    self.bracketed(&parameter.name, value)
                }
                Some(value) => self.styled(parameter, value),
            }
        }
    }

    /// The members of a body in the place of a body.
    pub(super) fn members(&mut self, body: &RequestBody, arguments: &Map<String, Value>) {
        match body {
            RequestBody::Members { members, .. } => {
                for member in members.iter() {
                    self.bracketed(&member.name, arguments.get(member.argument.as_ref()).unwrap_or(&Value::Null));
                }
            }
            RequestBody::Whole { argument } => match arguments.get(argument.as_ref()) {
                Some(Value::Object(members)) => members.iter().for_each(|(name, value)| self.bracketed(name, value)),
                value => self.bracketed(argument, value.unwrap_or(&Value::Null)),
            },
        }
    }

    fn styled(&mut self, parameter: &Parameter, value: &Value) {
        let joint = match (parameter.style, parameter.explode) {
            (Style::DeepObject, _) => return self.bracketed(&parameter.name, value),
            (_, true) => return self.exploded(&parameter.name, value),
            (Style::SpaceDelimited, false) => "%20",
            (Style::PipeDelimited, false) => "%7C",
            (_, false) => ",",
        };
        match value {
            Value::Array(elements) => {
                self.joined(&parameter.name, elements.iter().filter(|element| !element.is_null()).map(text), joint)
            }
            Value::Object(members) => {
                let members = members.iter().filter(|(_, value)| !value.is_null());
                self.joined(
                    &parameter.name,
                    members.flat_map(|(name, value)| [name.as_str().into(), text(value)]),
                    joint,
                );
            }
            scalar => self.pair(&parameter.name, scalar),
        }
    }

    /// `name=a&name=b`, for an object `key=value&key=value`
    fn exploded(&mut self, name: &str, value: &Value) {
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| self.pair(name, element)),
            Value::Object(members) => members.iter().for_each(|(name, value)| self.pair(name, value)),
            scalar => self.pair(name, scalar),
        }
    }

    /// `name=a,b`
    fn joined<'v>(&mut self, name: &str, values: impl Iterator<Item = Cow<'v, str>>, joint: &str) {
        for (index, value) in values.enumerate() {
            if index == 0 {
                self.name(name);
            } else {
                self.target.push_str(joint);
            }
            push_encoded(self.target, &value);
        }
    }

    fn pair(&mut self, name: &str, value: &Value) {
        if !value.is_null() {
            self.name(name);
            push_encoded(self.target, &text(value));
        }
    }

    fn name(&mut self, name: &str) {
        self.target.push(std::mem::replace(&mut self.separator, '&'));
        self.target.extend(utf8_percent_encode(name, IN_NAME));
        self.target.push('=');
    }

    /// As PHP reads it and axios writes it: `name[]=a` for a plain array, else `name[0][key]=a`.
    fn bracketed(&mut self, name: &str, value: &Value) {
        let name = name.strip_suffix("[]").filter(|_| value.is_array()).unwrap_or(name);
        let mut name = utf8_percent_encode(name, IN_NAME).to_string();
        match value {
            Value::Array(elements) if elements.iter().all(is_scalar) => {
                name.push_str("[]");
                elements.iter().for_each(|element| self.encoded_pair(&name, element));
            }
            value => self.nested(&mut name, value),
        }
    }

    /// `name` is already percent-encoded: brackets inside a key must not look like another key.
    fn nested(&mut self, name: &mut String, value: &Value) {
        let length = name.len();
        let mut descend = |key: &str, value| {
            name.push('[');
            push_encoded(name, key);
            name.push(']');
            self.nested(name, value);
            name.truncate(length);
        };
        match value {
            Value::Array(elements) => {
                elements.iter().enumerate().for_each(|(index, element)| descend(&index.to_string(), element))
            }
            Value::Object(members) => members.iter().for_each(|(key, value)| descend(key, value)),
            scalar => self.encoded_pair(name, scalar),
        }
    }

    fn encoded_pair(&mut self, name: &str, value: &Value) {
        if !value.is_null() {
            self.target.push(std::mem::replace(&mut self.separator, '&'));
            self.target.push_str(name);
            self.target.push('=');
            push_encoded(self.target, &text(value));
        }
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}
