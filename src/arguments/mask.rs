//! Arguments as they may be shown.

use serde_json::{Map, Value};

use crate::account::Secret;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Puts a mask in the place of what the dotted paths (`a.b`, `list[].c`) lead to, and gives what was there.
pub(super) fn mask<'p>(arguments: &mut Map<String, Value>, paths: impl IntoIterator<Item = &'p str>) -> Vec<Value> {
    let mut taken = Vec::new();
    for path in paths {
        cover(arguments, path, &mut taken);
    }
    taken
}

fn cover(object: &mut Map<String, Value>, path: &str, taken: &mut Vec<Value>) {
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let name = step.trim_end_matches("[]");
    if let Some(value) = object.get_mut(name) {
        elements((step.len() - name.len()) / 2, value, rest, taken);
    }
}

fn elements(depth: usize, value: &mut Value, rest: Option<&str>, taken: &mut Vec<Value>) {
    match (depth, value, rest) {
        (0, value, None) => taken.push(std::mem::replace(value, MASK.into())),
        (0, Value::Object(object), Some(rest)) => cover(object, rest, taken),
        (0, _, Some(_)) => {}
        (_, Value::Array(list), rest) => list.iter_mut().for_each(|element| elements(depth - 1, element, rest, taken)),
        // Not what the description promised: nothing of it is shown.
        (_, value, _) => taken.push(std::mem::replace(value, MASK.into())),
    }
}

/// Adds every text inside the value, and how it is written in JSON where that is another one.
pub(super) fn texts(value: &Value, found: &mut Vec<Secret>) {
    match value {
        Value::String(text) => {
            let written = value.to_string();
            // Without the quotes around it.
            let written = &written[1..written.len() - 1];
            if written != text {
                found.push(Secret::new(written));
            }
            found.push(Secret::new(text));
        }
        Value::Array(elements) => elements.iter().for_each(|element| texts(element, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_path_leads_to_is_covered() {
        for (arguments, path, expected) in [
            (json!({"password": "x", "name": "n"}), "password", json!({"password": "***", "name": "n"})),
            (json!({"a": {"b": 1, "c": 2}}), "a.b", json!({"a": {"b": "***", "c": 2}})),
            (json!({"e": [{"v": "x"}, {"k": 1}]}), "e[].v", json!({"e": [{"v": "***"}, {"k": 1}]})),
            (json!({"e": ["x", "y"]}), "e[]", json!({"e": ["***", "***"]})),
            (json!({"e": ["x", "y"]}), "e", json!({"e": "***"})),
            (json!({"e": "x"}), "e[]", json!({"e": "***"})),
            (json!({"a": 1}), "b", json!({"a": 1})),
        ] {
            let Value::Object(mut object) = arguments else { panic!("an object") };
            mask(&mut object, [path]);
            assert_eq!(Value::Object(object), expected, "{path}");
        }
    }

    #[test]
    fn what_was_covered_is_known_as_it_may_be_repeated() {
        let Value::Object(mut object) = json!({"e": [{"v": "x\"y"}, {"v": 1}], "p": {"q": ["z"]}}) else { panic!() };
        let mut found = Vec::new();
        mask(&mut object, ["e[].v", "p"]).iter().for_each(|value| texts(value, &mut found));
        assert_eq!(found.iter().map(Secret::expose).collect::<Vec<_>>(), ["x\\\"y", "x\"y", "z"]);
    }
}
