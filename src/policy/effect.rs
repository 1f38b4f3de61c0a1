use infra_mcp_model::{Condition, Effect, Tool};
use serde_json::{Map, Value};

use crate::arguments::Arguments;

/// The effect of this very call: the most severe one whose condition holds, else that of the tool.
#[must_use]
pub fn effect_of(tool: &Tool, arguments: &Arguments) -> Effect {
    let review = &tool.review;
    let conditions = review.effect_when.iter();
    conditions
        .filter(|when| holds(&when.condition, &when.argument, arguments.as_map()))
        .map(|when| when.effect)
        .max()
        .unwrap_or(review.effect)
}

fn holds(condition: &Condition, path: &str, arguments: &Map<String, Value>) -> bool {
    match condition {
        Condition::Present => any(path, arguments, &|_| true),
        Condition::Equals(text) => {
            let Ok(expected) = serde_json::from_str::<Value>(text) else { return false };
            any(path, arguments, &|value| equal(value, &expected))
        }
    }
}

/// Whether one of the values at the dotted path (`a.b`, `list[].c`) passes the test.
fn any(path: &str, object: &Map<String, Value>, test: &dyn Fn(&Value) -> bool) -> bool {
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let name = step.trim_end_matches("[]");
    let depth = (step.len() - name.len()) / 2;
    object.get(name).is_some_and(|value| {
        any_element(depth, value, &|value| match rest {
            None => test(value),
            Some(rest) => value.as_object().is_some_and(|object| any(rest, object, test)),
        })
    })
}

fn any_element(depth: usize, value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
    match (depth, value) {
        (0, value) => test(value),
        (_, Value::Array(elements)) => elements.iter().any(|element| any_element(depth - 1, element, test)),
        _ => false,
    }
}

/// Equality as JSON Schema has it: `1` and `1.0` are the same number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.as_f64().is_some() && a.as_f64() == b.as_f64()),
        _ => a == b,
    }
}
