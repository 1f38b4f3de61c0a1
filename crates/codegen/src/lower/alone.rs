//! Definitions that stand alone: they bring their input schema and what a call does.

use super::components::Components;
use super::names;
use super::operation::{LoweredOperation, method, path_template, template};
use super::schema::Direction;
use crate::load::{Action, Definition, RelayStep, Standalone, Step as RequestStep, StepBody, Steps};
use infra_mcp_model::{
    Answer, Binding, BodyMember, Composite, LocalFile, Location, Method, Operation, Parameter, PathTemplate, Relay,
    RelayedStep, RequestBody, Segment, Step, Style, Text, steps,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

/// All but the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a call of a definition that stands alone does, and its full input schema.
pub(super) fn binding(definition: &Definition, alone: &Standalone) -> Result<(Binding, Value), String> {
    let (resource, properties) = (&alone.resource, alone.input_schema.get("properties").and_then(Value::as_object));
    for step in steps(resource) {
        if let Step::Argument(name) = step
            && properties.is_none_or(|properties| !properties.contains_key(name))
        {
            return Err(format!("it acts on `{resource}`, and `{name}` is none of its arguments"));
        }
    }
    let nothing = Steps::default();
    let (steps, relayed) = match &alone.action {
        Action::Request { method, path, query } => {
            let mut lowered = request(definition, alone, method, path)?;
            append_query(&mut lowered.operation.path, query)?;
            return Ok((Binding::Operation(lowered.operation), lowered.input_schema));
        }
        Action::Composite(steps) => (steps, None),
        Action::Relay { tool, timeout_seconds, timeout_argument } => {
            (&nothing, Some((tool, *timeout_seconds, timeout_argument)))
        }
    };
    let input_schema = input_schema(alone, |_| {});
    let keys =
        |schema: &Value| schema.get("properties").and_then(Value::as_object).map(|keys| keys.keys().cloned().collect());
    let arguments: Vec<String> = keys(&input_schema).unwrap_or_default();
    if let Some(argument) = arguments.iter().find(|argument| names::argument(argument) != **argument) {
        return Err(format!("its argument `{argument}` is not a name that every model API accepts"));
    }
    let arguments = arguments.into_iter().map(Text::from).collect();
    let resource = Text::from(resource.clone());
    let file = local_file(&alone.local_file, &input_schema)?;
    let binding = match relayed {
        Some((tool, timeout_seconds, timeout_argument)) => Binding::Relay(Relay {
            tool: tool.clone().into(),
            timeout_seconds,
            timeout_argument: timeout_argument.clone().into(),
            arguments,
            resource,
        }),
        None => {
            let operations = steps.requests.iter().map(step).collect::<Result<_, _>>()?;
            let relayed = steps.relayed.iter().map(relayed_step).collect();
            let pages = steps.pages.iter().map(page).collect::<Result<_, _>>()?;
            Binding::Composite(Composite { operations, relayed, pages, arguments, resource, file })
        }
    };
    Ok((binding, input_schema))
}

/// The file that a composite tool sends away. What it is gets into two more arguments before a call is judged.
fn local_file(argument: &str, schema: &Value) -> Result<Option<LocalFile>, String> {
    if argument.is_empty() {
        return Ok(None);
    }
    let property = |name: &str| schema.get("properties")?.get(name);
    let max_bytes = property("size_bytes").and_then(|size| size.get("maximum")?.as_u64());
    match (property(argument), property("sha256"), max_bytes) {
        (Some(_), Some(_), Some(max_bytes)) => Ok(Some(LocalFile { argument: argument.to_owned().into(), max_bytes })),
        _ => Err(format!(
            "it sends the file `{argument}` and lacks that argument, `sha256`, or `size_bytes` with a maximum"
        )),
    }
}

fn relayed_step(step: &RelayStep) -> RelayedStep {
    RelayedStep {
        id: step.id.clone().into(),
        tool: step.tool.clone().into(),
        arguments: step.arguments.iter().cloned().map(Text::from).collect(),
        reads: step.reads,
        timeout_seconds: step.timeout_seconds,
    }
}

/// A request of a composite tool. Its handler gives every value by its name on the wire.
fn step(step: &RequestStep) -> Result<Operation, String> {
    request_of(step, path_template(&step.path)?)
}

fn request_of(step: &RequestStep, path: PathTemplate) -> Result<Operation, String> {
    let method = method(&step.method).ok_or_else(|| format!("the method {} is not served", step.method))?;
    let parameter = |name: &Text, location| Parameter {
        name: name.clone(),
        argument: name.clone(),
        location,
        style: if location == Location::Query { Style::Form } else { Style::Simple },
        explode: location == Location::Query,
    };
    let in_path = path.0.iter().filter_map(|segment| match segment {
        Segment::Parameter(name) => Some(parameter(name, Location::Path)),
        Segment::Literal(_) => None,
    });
    let in_query = step.query.iter().map(|name| parameter(&name.clone().into(), Location::Query));
    let parameters: Vec<Parameter> = in_path.chain(in_query).collect();
    let member = |name: &String| BodyMember { name: name.clone().into(), argument: name.clone().into() };
    let body = match &step.body {
        StepBody::Whole(argument) => Some(RequestBody::Whole { argument: argument.clone().into() }),
        StepBody::Members(names) if names.is_empty() => None,
        StepBody::Members(names) => {
            let members = names.iter().map(member).collect();
            Some(RequestBody::Members { required: true, members, as_query: false })
        }
    };
    Ok(Operation {
        id: step.id.clone().into(),
        method,
        path,
        parameters: parameters.into(),
        body,
        answer: Answer::JsonOrEmpty,
        defaults: Default::default(),
        points: 0,
        deprecated: false,
    })
}

/// A public page that a handler may read. Whatever is filled in stands behind the host.
fn page(page: &RequestStep) -> Result<Operation, String> {
    let operation = Operation { answer: Answer::Text, ..request_of(page, template(&page.path)?)? };
    let host = match operation.path.0.first() {
        Some(Segment::Literal(address)) => address.strip_prefix("https://").and_then(|rest| rest.split_once('/')),
        _ => None,
    };
    match host {
        Some((host, _)) if !host.is_empty() && !host.contains('@') => Ok(operation),
        _ => Err(format!("{} is not the address of a public page: https://docs.example.com/{{topic}}", page.path)),
    }
}

/// Makes query values that are always the same part of the address.
fn append_query(path: &mut PathTemplate, query: &Map<String, Value>) -> Result<(), String> {
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut text = String::new();
    for (name, value) in query {
        let value = match value {
            Value::String(value) => value.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => return Err(format!("the value of `{name}` in `query` is no plain value")),
        };
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(&format!("{}={}", encoded(name), encoded(&value)));
    }
    if !text.is_empty() {
        path.0.to_mut().push(Segment::Literal(text.into()));
    }
    Ok(())
}

/// The full input schema; `change` has the last word before what it refers to is brought along.
fn input_schema(alone: &Standalone, change: impl FnOnce(&mut Value)) -> Value {
    let mut components = Components::new(&alone.input_schema, Direction::Input);
    let mut schema = components.convert(&alone.input_schema);
    if !schema.is_object() {
        schema = json!({});
    }
    change(&mut schema);
    schema["type"] = "object".into();
    schema["additionalProperties"] = Value::Bool(false);
    let defs = components.carried(&schema).defs;
    if !defs.is_empty() {
        schema["$defs"] = Value::Object(defs);
    }
    schema
}

/// One request with the arguments: a placeholder goes to the path, `in` decides where it is given, else GET and
/// DELETE arguments go to the query and the rest to the JSON body.
pub(crate) fn request(
    definition: &Definition,
    alone: &Standalone,
    word: &str,
    path: &str,
) -> Result<LoweredOperation, String> {
    let method = method(word).ok_or_else(|| format!("the method {word} is not served"))?;
    let path = path_template(path)?;
    let properties = alone.input_schema.get("properties").and_then(Value::as_object);
    let (mut parameters, mut members) = (Vec::new(), Vec::new());
    let mut renamed = Vec::new();
    for (wire, schema) in properties.into_iter().flatten() {
        let placed = path.0.iter().any(|segment| matches!(segment, Segment::Parameter(place) if place == wire));
        let location = match schema.get("in").and_then(Value::as_str) {
            _ if placed => Some(Location::Path),
            Some("query") => Some(Location::Query),
            Some("header") => Some(Location::Header),
            Some("body") => None,
            Some(other) => return Err(format!("`{wire}` goes to {other}, which is no location")),
            None => matches!(method, Method::Get | Method::Delete).then_some(Location::Query),
        };
        renamed.push((wire, location));
    }
    let input_schema = input_schema(alone, |schema| {
        for (wire, location) in renamed {
            let argument = Text::from(rename(schema, wire));
            let name = Text::from(wire.clone());
            match location {
                Some(location) => parameters.push(Parameter {
                    name,
                    argument,
                    location,
                    style: if location == Location::Query { Style::Form } else { Style::Simple },
                    explode: location == Location::Query,
                }),
                None => members.push(BodyMember { name, argument }),
            }
        }
        require_path_arguments(schema, &parameters);
    });
    for segment in path.0.iter() {
        if let Segment::Parameter(place) = segment
            && !parameters.iter().any(|parameter| parameter.name == *place)
        {
            return Err(format!("the input schema lacks `{place}`, which the path needs"));
        }
    }
    let body = (!members.is_empty()).then(|| RequestBody::Members {
        required: matches!(method, Method::Post | Method::Put | Method::Patch),
        members: members.into(),
        as_query: definition.body_as_query.unwrap_or(false),
    });
    Ok(LoweredOperation {
        operation: Operation {
            id: definition.name.clone().into(),
            method,
            path,
            parameters: parameters.into(),
            body,
            answer: Answer::JsonOrEmpty,
            defaults: Default::default(),
            points: 0,
            deprecated: false,
        },
        input_schema,
        accepts: false,
        notes: Vec::new(),
        success: (200, None),
    })
}

/// Gives an argument a name that every model API accepts, and says which.
fn rename(schema: &mut Value, wire: &str) -> String {
    let mut argument = names::argument(wire);
    if argument == wire {
        return argument;
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        while properties.contains_key(&argument) {
            argument.push('_');
        }
        let inner = properties.shift_remove(wire).unwrap_or(Value::Bool(true));
        properties.insert(argument.clone(), inner);
    }
    for name in schema.get_mut("required").and_then(Value::as_array_mut).into_iter().flatten() {
        if name == wire {
            *name = argument.clone().into();
        }
    }
    argument
}

fn require_path_arguments(schema: &mut Value, parameters: &[Parameter]) {
    let mut required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for parameter in parameters.iter().filter(|parameter| parameter.location == Location::Path) {
        let argument = Value::from(parameter.argument.as_ref());
        if !required.contains(&argument) {
            required.push(argument);
        }
    }
    if !required.is_empty() {
        schema["required"] = required.into();
    }
}
