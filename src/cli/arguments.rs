//! Makes the arguments of a call out of words of the command line.

use std::io;

use infra_mcp_model::{Alias, BodyMember, RequestBody, Tool};
use serde_json::{Map, Value, json};

use crate::arguments::text;
use crate::error::StartupError;
use crate::exposure::OPERATION;

const FORMS: &str =
    "Give name=value, name:=JSON, one JSON object with all arguments, or - to read that from standard input.";

/// Reads the words in order; a later one wins. `stdin` is read for `-` only.
///
/// # Errors
/// If a word has none of the forms, or holds JSON that is malformed.
pub(super) fn read(
    schema: &Value,
    words: &[String],
    stdin: impl Fn() -> io::Result<String>,
) -> Result<Map<String, Value>, StartupError> {
    let mut arguments = Map::new();
    for word in words {
        if word == "-" {
            let text = stdin().map_err(|error| wrong("-", format!("standard input cannot be read: {error}.")))?;
            arguments.extend(object("-", &text)?);
        } else if word.trim_start().starts_with('{') {
            arguments.extend(object("the JSON argument", word)?);
        } else {
            let (name, value) = pair(schema, word)?;
            put(&mut arguments, &name, value);
        }
    }
    Ok(arguments)
}

/// The input schema of a tool. Our generator made it; should it not parse, every value is tried as JSON.
pub(super) fn schema(tool: &Tool) -> Value {
    serde_json::from_str(&tool.input_schema).unwrap_or_default()
}

/// The input schema of a tool under a former name, with the names that its arguments had then.
pub(super) fn schema_of_former(tool: &Tool, alias: &Alias) -> Value {
    let mut schema = schema(tool);
    for (former, today) in alias.arguments.iter() {
        schema["properties"][former.as_ref()] = schema["properties"][today.as_ref()].clone();
    }
    schema
}

/// The input schema of an operation that is one of several of a tool: members of the request body are together.
pub(super) fn schema_of_operation(tool: &Tool) -> Value {
    let mut schema = schema(tool);
    schema["properties"][OPERATION] = json!({"type": "string"});
    if let Some(RequestBody::Members { members, .. }) = tool.binding.body() {
        let property = |member: &BodyMember| schema["properties"][member.argument.as_ref()].clone();
        let body: Map<String, Value> =
            members.iter().map(|member| (member.name.to_string(), property(member))).collect();
        schema["properties"]["body"] = json!({"type": "object", "properties": body});
    }
    schema
}

fn wrong(subject: &str, problem: impl Into<String>) -> StartupError {
    StartupError::new(subject, problem, FORMS)
}

fn object(subject: &str, text: &str) -> Result<Map<String, Value>, StartupError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(wrong(subject, "it must be a JSON object.")),
        Err(error) => Err(wrong(subject, format!("it is not valid JSON: {error}."))),
    }
}

/// The path of an argument and its value.
fn pair(schema: &Value, word: &str) -> Result<(Vec<String>, Value), StartupError> {
    let Some((name, value)) = word.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err(wrong(word, "this is no argument."));
    };
    if let Some(name) = name.strip_suffix(':') {
        let value = serde_json::from_str(value)
            .map_err(|error| wrong(name, format!("its value is not valid JSON: {error}.")))?;
        return Ok((path(schema, name), value));
    }
    let path = path(schema, name);
    let value = text::value(schema, &path, value);
    Ok((path, value))
}

/// `a.b` is the member `b` of `a`, unless the tool has an argument with that very name.
fn path(schema: &Value, name: &str) -> Vec<String> {
    if schema["properties"].get(name).is_some() {
        return vec![name.to_owned()];
    }
    name.split('.').map(str::to_owned).collect()
}

fn put(arguments: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            arguments.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let member = arguments.entry(name.as_str()).or_insert_with(|| Value::Object(Map::new()));
            if !member.is_object() {
                *member = Value::Object(Map::new());
            }
            if let Value::Object(object) = member {
                put(object, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r##"{
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": "string"},
            "note": {"type": ["string", "null"]},
            "either": {"type": ["string", "integer"]},
            "dotted.name": {"type": "string"},
            "setup": {"$ref": "#/$defs/Setup"}
        },
        "$defs": {"Setup": {"type": "object", "properties": {"hostname": {"type": "string"}, "size": {"type": "integer"}}}}
    }"##;

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).unwrap()
    }

    #[test]
    fn words_become_arguments() {
        for (words, expected) in [
            (&[][..], "{}"),
            (&["id=5", "name=5", "note=null", "either=5"], r#"{"id":5,"name":"5","note":"null","either":5}"#),
            (&["id=five", "name:=5", "note:=null"], r#"{"id":"five","name":5,"note":null}"#),
            (&["setup.hostname=1.2", "setup.size=2"], r#"{"setup":{"hostname":"1.2","size":2}}"#),
            (&["dotted.name=a=b"], r#"{"dotted.name":"a=b"}"#),
            (&[r#"{"id": 1, "name": "x"}"#, "id=2"], r#"{"id":2,"name":"x"}"#),
            (&["-", "unknown=[1]"], r#"{"id":123456789012345678901234567890,"unknown":[1]}"#),
            (&["setup=1", "setup.size=2"], r#"{"setup":{"size":2}}"#),
        ] {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let stdin = || Ok(r#"{"id":123456789012345678901234567890}"#.to_owned());
            let arguments = read(&schema(), &words, stdin).unwrap();
            assert_eq!(serde_json::to_string(&arguments).unwrap(), expected, "{words:?}");
        }
    }

    #[test]
    fn other_words_are_errors_that_name_the_forms() {
        for word in ["id", "=5", "[1]", "{", "name:={", "-"] {
            let error = read(&schema(), &[word.to_owned()], || Ok("[]".to_owned())).unwrap_err().to_string();
            assert!(error.contains("name=value"), "{word}: {error}");
        }
    }
}
