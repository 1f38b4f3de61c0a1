//! The path: no value can add, remove or escape a segment.

use std::borrow::Cow;

use infra_mcp_model::{Location, Operation, Parameter, Segment, Style};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{BuildError, push_encoded, text};

/// Appends the path of the operation with its parameters filled in.
pub(super) fn write(
    target: &mut String,
    operation: &Operation,
    arguments: &Map<String, Value>,
) -> Result<(), BuildError> {
    for segment in operation.path.0.iter() {
        match segment {
            Segment::Literal(text) => target.push_str(text),
            Segment::Parameter(name) => parameter(target, name, operation, arguments)?,
        }
    }
    Ok(())
}

fn parameter(
    target: &mut String,
    name: &str,
    operation: &Operation,
    arguments: &Map<String, Value>,
) -> Result<(), BuildError> {
    let mut parameters = operation.parameters.iter();
    let parameter = parameters
        .find(|parameter| parameter.location == Location::Path && parameter.name == name)
        .ok_or_else(|| BuildError::new(name, "is part of the path and not described"))?;
    let value = arguments.get(parameter.argument.as_ref()).unwrap_or(&Value::Null);
    let mut writer = Writer { target, parameter };
    match value {
        Value::Null => Err(writer.refuse("is part of the path and must be given")),
        Value::Array(elements) => writer.array(elements),
        Value::Object(members) => writer.object(members),
        scalar => writer.scalar(scalar),
    }
}

struct Writer<'a> {
    target: &'a mut String,
    parameter: &'a Parameter,
}

impl Writer<'_> {
    fn scalar(&mut self, value: &Value) -> Result<(), BuildError> {
        self.opening();
        self.value(&text(value))
    }

    fn array(&mut self, elements: &[Value]) -> Result<(), BuildError> {
        for (index, element) in elements.iter().enumerate() {
            match self.parameter.style {
                Style::Matrix if self.parameter.explode => self.opening(),
                _ if index == 0 => self.opening(),
                _ => self.target.push(self.separator()),
            }
            self.value(&text(element))?;
        }
        if elements.is_empty() { Err(self.refuse("is part of the path and must not be empty")) } else { Ok(()) }
    }

    fn object(&mut self, members: &Map<String, Value>) -> Result<(), BuildError> {
        for (index, (name, value)) in members.iter().enumerate() {
            match self.parameter.style {
                Style::Matrix if self.parameter.explode => self.target.push(';'),
                _ if index == 0 => self.opening(),
                _ => self.target.push(self.separator()),
            }
            self.value(name)?;
            self.target.push(if self.parameter.explode { '=' } else { ',' });
            self.value(&text(value))?;
        }
        if members.is_empty() { Err(self.refuse("is part of the path and must not be empty")) } else { Ok(()) }
    }

    fn opening(&mut self) {
        match self.parameter.style {
            Style::Label => self.target.push('.'),
            Style::Matrix => {
                self.target.push(';');
                push_encoded(self.target, &self.parameter.name);
                self.target.push('=');
            }
            _ => {}
        }
    }

    fn separator(&self) -> char {
        if self.parameter.style == Style::Label && self.parameter.explode { '.' } else { ',' }
    }

    fn value(&mut self, text: &str) -> Result<(), BuildError> {
        match objection(text) {
            Some(problem) => Err(self.refuse(problem)),
            None => {
                push_encoded(self.target, text);
                Ok(())
            }
        }
    }

    fn refuse(&self, problem: &'static str) -> BuildError {
        BuildError::new(&self.parameter.argument, problem)
    }
}

/// Why a text must not be part of a path. Servers and proxies decode what they should not, some of
/// them twice, so that is how the text is looked at too.
fn objection(value: &str) -> Option<&'static str> {
    if value.is_empty() {
        return Some("is part of the path and must not be empty");
    }
    let mut decoded = Cow::Borrowed(value);
    for _ in 0..3 {
        if decoded.chars().any(char::is_control) {
            return Some("is part of the path and must not hold control characters");
        }
        if decoded.split(['/', '\\']).any(|piece| matches!(piece, "." | "..")) {
            return Some("is part of the path and must not be, or hold, a step to another path such as `..`");
        }
        if !decoded.contains('%') {
            return None;
        }
        decoded = Cow::Owned(percent_decode_str(&decoded).decode_utf8_lossy().into_owned());
    }
    None
}
