//! One OpenAPI operation: where each argument goes, and the full input schema.

use super::answer::{answer, is_json};
use super::components::{Carried, Components};
use super::document::{Found, component};
use super::names;
use super::schema::{merged_object, names_type};
use infra_mcp_model::{BodyMember, Location, Method, Operation, Parameter, PathTemplate, RequestBody, Segment, Style};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Why an operation cannot be served.
pub(crate) type Unservable = String;

/// A lowered operation with its full input schema, before any words.
pub(crate) struct LoweredOperation {
    pub(crate) operation: Operation,
    pub(crate) input_schema: Value,
    /// The document says that it may answer before its work is done (RFC 9110 section 15.3.3).
    pub(crate) accepts: bool,
    /// Optional things left out, to be told.
    pub(crate) notes: Vec<String>,
    /// Status and schema of the success answer that carries JSON, for the simulated provider.
    pub(crate) success: (u16, Option<Value>),
}

/// Parses a method that can be served.
pub(crate) fn method(word: &str) -> Option<Method> {
    match word.to_ascii_lowercase().as_str() {
        "get" => Some(Method::Get),
        "post" => Some(Method::Post),
        "put" => Some(Method::Put),
        "delete" => Some(Method::Delete),
        "patch" => Some(Method::Patch),
        _ => None,
    }
}

/// Takes a path such as `/a/{b}/c` apart. It stays below the address that requests go to.
pub(crate) fn path_template(path: &str) -> Result<PathTemplate, Unservable> {
    if !path.starts_with('/') {
        return Err(format!("the path template {path} does not begin with a slash, so it would change the address"));
    }
    let leaves = |step: &str| matches!(step.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split(['/', '\\']).any(leaves) {
        return Err(format!("the path template {path} holds a step to another path"));
    }
    template(path)
}

/// Takes a path or an address apart.
pub(crate) fn template(path: &str) -> Result<PathTemplate, Unservable> {
    if path.contains(['?', '#']) {
        return Err(format!("the path template {path} holds a query or a fragment"));
    }
    let mut segments = Vec::new();
    let mut rest = path;
    while let Some(open) = rest.find('{') {
        let close = rest[open..].find('}').ok_or_else(|| format!("the path template {path} has an unclosed brace"))?;
        if close == 1 {
            return Err(format!("the path template {path} has a parameter without a name"));
        }
        if open > 0 {
            segments.push(Segment::Literal(rest[..open].to_owned().into()));
        }
        segments.push(Segment::Parameter(rest[open + 1..open + close].to_owned().into()));
        rest = &rest[open + close + 1..];
    }
    if !rest.is_empty() {
        segments.push(Segment::Literal(rest.to_owned().into()));
    }
    Ok(PathTemplate(segments.into()))
}

/// What the settings of a provider say about reading operations.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'s> {
    /// Bodies of GET and DELETE operations go into the query.
    pub(crate) body_as_query: bool,
    /// Optional query parameters that are no arguments, with the reason.
    pub(crate) omit: &'s BTreeMap<String, String>,
}

/// Lowers one operation of an OpenAPI document.
pub(crate) fn lower(
    found: &Found<'_>,
    components: &mut Components<'_>,
    reading: Reading<'_>,
) -> Result<LoweredOperation, Unservable> {
    let method = method(found.method).ok_or_else(|| format!("{} is not served", found.method.to_uppercase()))?;
    let path = path_template(found.path)?;
    let mut inputs = Inputs {
        components,
        notes: Vec::new(),
        properties: Map::new(),
        required: Vec::new(),
        declared: BTreeSet::new(),
        omit: reading.omit,
    };
    let parameters = inputs.parameters(&path, found.item, found.operation)?;
    let body = match found.operation.get("requestBody") {
        Some(body) => inputs.body(body, reading.body_as_query && matches!(method, Method::Get | Method::Delete))?,
        None => None,
    };
    let Inputs { mut notes, properties, required, .. } = inputs;
    let (answer, success) = answer(components.root(), found.operation)?;
    let input_schema = input_schema(components, properties, required, &mut notes);
    Ok(LoweredOperation {
        operation: Operation {
            id: found.id.clone().into(),
            method,
            path,
            parameters: parameters.into(),
            body,
            answer,
            defaults: Default::default(),
            points: 0,
            deprecated: found.operation.get("deprecated") == Some(&Value::Bool(true)),
        },
        input_schema,
        accepts: found.operation.pointer("/responses/202").is_some(),
        notes,
        success,
    })
}

fn input_schema(
    components: &Components<'_>,
    properties: Map<String, Value>,
    required: Vec<Value>,
    notes: &mut Vec<String>,
) -> Value {
    let mut schema = json!({"type": "object"});
    if !properties.is_empty() {
        schema["properties"] = Value::Object(properties);
    }
    if !required.is_empty() {
        schema["required"] = Value::Array(required);
    }
    schema["additionalProperties"] = Value::Bool(false);
    let Carried { defs, dangling, beyond } = components.carried(&schema);
    if !dangling.is_empty() {
        notes.push(format!("its input leads to {}, which does not exist; any value is taken", dangling.join(", ")));
    }
    if beyond > 0 {
        notes.push(format!("its input reaches too many schemas; {beyond} of them and what lies behind take any value"));
    }
    if !defs.is_empty() {
        schema["$defs"] = Value::Object(defs);
    }
    schema
}

struct Inputs<'a, 'd> {
    components: &'a mut Components<'d>,
    notes: Vec<String>,
    properties: Map<String, Value>,
    required: Vec<Value>,
    /// Names on the wire, which win over names made of others.
    declared: BTreeSet<String>,
    omit: &'a BTreeMap<String, String>,
}

impl Inputs<'_, '_> {
    /// A key for the arguments of a call: the name itself unless it is taken, or holds or is more
    /// than model APIs accept as the name of an argument, `^[a-zA-Z0-9_.-]{1,64}$`.
    fn claim(&mut self, name: &str, location: &str, schema: Value, required: bool) -> String {
        let mut argument = names::argument(name);
        let others = argument != name && self.declared.contains(&argument);
        if others || self.properties.contains_key(&argument) {
            argument = format!("{argument}_{location}");
        }
        while self.properties.contains_key(&argument) {
            argument.push('_');
        }
        self.properties.insert(argument.clone(), schema);
        if required {
            self.required.push(argument.clone().into());
        }
        argument
    }

    fn parameters(
        &mut self,
        path: &PathTemplate,
        item: &Value,
        operation: &Value,
    ) -> Result<Vec<Parameter>, Unservable> {
        let mut lowered = Vec::new();
        let parameters = merged_parameters(self.components.root(), item, operation)?;
        let names = parameters.iter().filter_map(|parameter| parameter.get("name")?.as_str());
        self.declared.extend(names.map(str::to_owned));
        for parameter in parameters {
            lowered.extend(self.parameter(parameter)?);
        }
        for segment in path.0.iter() {
            let Segment::Parameter(name) = segment else { continue };
            let declared =
                lowered.iter().any(|parameter| parameter.location == Location::Path && parameter.name == *name);
            if !declared {
                self.notes.push(format!("the path parameter `{name}` is not declared; taken as a required string"));
                let argument = self.claim(name, "path", json!({"type": "string"}), true);
                lowered.push(simple_path(name, argument));
            }
        }
        let unplaced = lowered.iter().find(|parameter| {
            parameter.location == Location::Path
                && !path.0.iter().any(|segment| *segment == Segment::Parameter(parameter.name.clone()))
        });
        match unplaced {
            Some(parameter) => {
                Err(format!("the path parameter `{}` does not stand in the path template", parameter.name))
            }
            None => Ok(lowered),
        }
    }

    fn parameter(&mut self, parameter: &Value) -> Result<Option<Parameter>, Unservable> {
        let text = |key: &str| parameter.get(key).and_then(Value::as_str);
        let name = text("name").ok_or("a parameter without a name")?;
        let required = parameter.get("required") == Some(&Value::Bool(true));
        let (location, word) = match text("in") {
            Some("path") => (Location::Path, "path"),
            Some("query") => (Location::Query, "query"),
            Some("header") => (Location::Header, "header"),
            other => return self.leave_out(name, other.unwrap_or("nowhere"), required),
        };
        // OpenAPI 3.1, Parameter Object: these three are ignored as header parameters.
        let reserved = ["accept", "content-type", "authorization"];
        if location == Location::Header && reserved.contains(&name.to_ascii_lowercase().as_str()) {
            return Ok(None);
        }
        if let Some(reason) = self.omit.get(name).filter(|_| location == Location::Query && !required) {
            self.notes.push(format!("the optional parameter `{name}` is left out: {reason}"));
            return Ok(None);
        }
        let Some(schema) = parameter.get("schema") else {
            return self.leave_out(name, "an encoded media type", required);
        };
        let Some(style) = style(text("style"), location) else {
            return self.leave_out(name, "an unknown style", required);
        };
        let explode = parameter.get("explode").and_then(Value::as_bool).unwrap_or(style == Style::Form);
        let mut schema = self.components.convert(schema);
        if let (Some(description), Some(object)) = (text("description"), schema.as_object_mut()) {
            object.insert("description".into(), description.into());
        }
        let argument = self.claim(name, word, schema, required || location == Location::Path);
        Ok(Some(Parameter { name: name.to_owned().into(), argument: argument.into(), location, style, explode }))
    }

    fn leave_out(&mut self, name: &str, place: &str, required: bool) -> Result<Option<Parameter>, Unservable> {
        if required {
            return Err(format!("its required parameter `{name}` goes to {place}, which is not served"));
        }
        self.notes.push(format!("the optional parameter `{name}` is left out: it goes to {place}"));
        Ok(None)
    }

    fn body(&mut self, body: &Value, as_query: bool) -> Result<Option<RequestBody>, Unservable> {
        let body = component(self.components.root(), body).ok_or("its request body is a dangling $ref")?;
        let required = body.get("required") == Some(&Value::Bool(true));
        let Some(content) = body.get("content").and_then(Value::as_object).filter(|content| !content.is_empty()) else {
            return Ok(None);
        };
        let json = content.iter().find(|(media, _)| is_json(media));
        let Some((_, media)) = json else {
            let kinds: Vec<&str> = content.keys().map(String::as_str).collect();
            return Err(format!("its request body is {}, and only JSON bodies are served", kinds.join(", ")));
        };
        let schema = media.get("schema").map_or_else(|| json!({}), |schema| self.components.convert(schema));
        Ok(Some(match self.members(&schema, required) {
            Some(members) => RequestBody::Members { required, members: members.into(), as_query },
            None => RequestBody::Whole { argument: self.claim("body", "request", schema, required).into() },
        }))
    }

    /// The members of an object body as arguments of their own. `None` where the body is better
    /// given whole: not plainly an object, open-ended, colliding with a parameter, with required
    /// members that it does not describe, or optional as a whole while some members are required.
    fn members(&mut self, schema: &Value, required: bool) -> Option<Vec<BodyMember>> {
        let object = merged_object(schema, self.components.defs(), 0)?;
        let composed = ["oneOf", "anyOf", "not"].iter().any(|key| object.contains_key(*key));
        let open = object.get("additionalProperties").is_some_and(|extra| *extra != Value::Bool(false));
        let nullable = object.get("type").is_some_and(|kind| names_type(kind, "null"));
        let properties = object.get("properties").and_then(Value::as_object)?;
        let collides = properties.keys().any(|name| self.properties.contains_key(&names::argument(name)));
        let needed: Vec<&Value> = object.get("required").and_then(Value::as_array).into_iter().flatten().collect();
        let unnamed = needed.iter().any(|name| !name.as_str().is_some_and(|name| properties.contains_key(name)));
        let optional_whole = !required && !needed.is_empty();
        if composed || open || nullable || collides || unnamed || optional_whole || properties.is_empty() {
            return None;
        }
        self.declared.extend(properties.keys().cloned());
        Some(
            properties
                .iter()
                .map(|(name, schema)| {
                    let needed = needed.iter().any(|needed| *needed == name);
                    let argument = self.claim(name, "body", schema.clone(), needed);
                    BodyMember { name: name.clone().into(), argument: argument.into() }
                })
                .collect(),
        )
    }
}

fn simple_path(name: &str, argument: String) -> Parameter {
    Parameter {
        name: name.to_owned().into(),
        argument: argument.into(),
        location: Location::Path,
        style: Style::Simple,
        explode: false,
    }
}

/// Parameters of the path item, overridden by those of the operation with the same name and place.
fn merged_parameters<'a>(
    document: &'a Value,
    item: &'a Value,
    operation: &'a Value,
) -> Result<Vec<&'a Value>, Unservable> {
    let mut merged: Vec<&Value> = Vec::new();
    let key = |value: &Value| (value.get("name").cloned(), value.get("in").cloned());
    for owner in [item, operation] {
        for parameter in owner.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            let parameter = component(document, parameter).ok_or("one of its parameters is a dangling $ref")?;
            match merged.iter_mut().find(|have| key(have) == key(parameter)) {
                Some(have) => *have = parameter,
                None => merged.push(parameter),
            }
        }
    }
    Ok(merged)
}

fn style(word: Option<&str>, location: Location) -> Option<Style> {
    match (word, location) {
        (None | Some("simple"), Location::Path | Location::Header) => Some(Style::Simple),
        (Some("label"), Location::Path) => Some(Style::Label),
        (Some("matrix"), Location::Path) => Some(Style::Matrix),
        (None | Some("form"), Location::Query) => Some(Style::Form),
        (Some("spaceDelimited"), Location::Query) => Some(Style::SpaceDelimited),
        (Some("pipeDelimited"), Location::Query) => Some(Style::PipeDelimited),
        (Some("deepObject"), Location::Query) => Some(Style::DeepObject),
        _ => None,
    }
}
