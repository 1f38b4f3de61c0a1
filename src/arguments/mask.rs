//! Arguments as they may be shown.

use serde_json::{Map, Value};

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Puts a mask in the place of what the dotted paths (`a.b`, `list[].c`) lead to.
pub(super) fn mask<'p>(arguments: &mut Map<String, Value>, paths: impl IntoIterator<Item = &'p str>) {
    for path in paths {
        cover(arguments, path);
    }
}

fn cover(object: &mut Map<String, Value>, path: &str) {
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let name = step.trim_end_matches("[]");
    if let Some(value) = object.get_mut(name) {
        elements((step.len() - name.len()) / 2, value, rest);
    }
}

fn elements(depth: usize, value: &mut Value, rest: Option<&str>) {
    match (depth, value, rest) {
        (0, value, None) => *value = MASK.into(),
        (0, Value::Object(object), Some(rest)) => cover(object, rest),
        (0, _, Some(_)) => {}
        (_, Value::Array(list), rest) => list.iter_mut().for_each(|element| elements(depth - 1, element, rest)),
        // Not what the description promised: nothing of it is shown.
        (_, value, _) => *value = MASK.into(),
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
}
