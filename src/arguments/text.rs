//! Values out of text: the words of a command line, the pieces of an address.

use serde_json::Value;

/// The value that `text` stands for at this path of an input schema: text where nothing else is taken there, else JSON.
/// What is neither is passed on as text: validation then says what is wanted.
pub(crate) fn value(schema: &Value, path: &[String], text: &str) -> Value {
    match (takes_text(schema, place(schema, path)), serde_json::from_str(text)) {
        (false, Ok(value)) => value,
        _ => Value::from(text),
    }
}

/// The value of an argument that is given as often as it has elements: an array where one is taken. None where several
/// values are given for one.
pub(crate) fn value_of_all(schema: &Value, name: &str, texts: &[&str]) -> Option<Value> {
    let property = resolve(schema, &schema["properties"][name]);
    if property["type"] == "array" {
        if let [text] = texts
            && let Ok(value @ Value::Array(_)) = serde_json::from_str(text)
        {
            return Some(value);
        }
        let plain = takes_text(schema, &property["items"]);
        let element = |text: &&str| serde_json::from_str(text).ok().filter(|_| !plain).unwrap_or(Value::from(*text));
        return Some(texts.iter().map(element).collect());
    }
    match texts {
        [text] => Some(value(schema, &[name.to_owned()], text)),
        _ => None,
    }
}

fn place<'s>(schema: &'s Value, path: &[String]) -> &'s Value {
    path.iter().fold(schema, |place, name| &resolve(schema, place)["properties"][name.as_str()])
}

/// Whether the schema takes text at this place and nothing that looks different.
fn takes_text(schema: &Value, place: &Value) -> bool {
    match &resolve(schema, place)["type"] {
        Value::String(name) => name == "string",
        Value::Array(names) => names.iter().all(|name| name == "string" || name == "null"),
        _ => false,
    }
}

/// What a `$ref` to a definition of the same schema stands for.
pub(crate) fn resolve<'s>(schema: &'s Value, place: &'s Value) -> &'s Value {
    let name = place["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/"));
    name.map_or(place, |name| &schema["$defs"][name])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_given_often_is_an_array_where_one_is_taken() {
        let schema = json!({
            "properties": {
                "id": {"type": "integer"},
                "name": {"type": "string"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "ids": {"type": "array", "items": {"$ref": "#/$defs/Id"}},
            },
            "$defs": {"Id": {"type": "integer"}},
        });
        for (name, texts, expected) in [
            ("id", &["5"][..], Some(json!(5))),
            ("id", &["five"], Some(json!("five"))),
            ("id", &["5", "6"], None),
            ("name", &["5"], Some(json!("5"))),
            ("unknown", &["5"], Some(json!(5))),
            ("tags", &["5"], Some(json!(["5"]))),
            ("tags", &["5", "b"], Some(json!(["5", "b"]))),
            ("tags", &[r#"["a"]"#], Some(json!(["a"]))),
            ("ids", &["5", "x"], Some(json!([5, "x"]))),
        ] {
            assert_eq!(value_of_all(&schema, name, texts), expected, "{name} {texts:?}");
        }
    }
}
