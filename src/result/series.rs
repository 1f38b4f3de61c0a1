//! Thins out series: arrays of numbers that nobody reads one by one.

use infra_mcp_model::Tool;
use serde_json::Value;

use crate::executor::{Media, Reply};

/// The reply with at most so many values of each series as the tool passes on, and a note on what is missing.
pub(crate) fn thin(tool: &Tool, mut reply: Reply) -> Reply {
    let points = tool.operation().map_or(0, |operation| operation.points as usize);
    if points == 0 || reply.media != Media::Json {
        return reply;
    }
    let Ok(mut value) = serde_json::from_str::<Value>(&reply.body) else { return reply };
    let mut thinned = Thinned::default();
    walk(&mut value, points, &mut thinned);
    if thinned.series > 0 {
        reply.body = value.to_string();
        reply.notes.push(thinned.note());
    }
    reply
}

#[derive(Default)]
struct Thinned {
    series: usize,
    /// Length of the longest series, and which of its values was kept: every n-th.
    longest: usize,
    step: usize,
}

impl Thinned {
    fn note(&self) -> String {
        let Self { series, longest, step } = self;
        format!(
            "Thinned out: {series} series. Of {longest} values one in {step} is here, the last one included: {step} times \
             the stated interval lies between two of them."
        )
    }
}

fn walk(value: &mut Value, points: usize, thinned: &mut Thinned) {
    match value {
        Value::Array(elements) if elements.len() > points && elements.iter().all(is_sample) => {
            let (length, step) = (elements.len(), elements.len().div_ceil(points));
            let mut index = length;
            elements.retain(|_| {
                index -= 1;
                index % step == 0
            });
            thinned.series += 1;
            if length > thinned.longest {
                (thinned.longest, thinned.step) = (length, step);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| walk(element, points, thinned)),
        Value::Object(members) => members.values_mut().for_each(|member| walk(member, points, thinned)),
        _ => {}
    }
}

/// A gap in a series is null.
fn is_sample(value: &Value) -> bool {
    value.is_number() || value.is_null()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::fixture::{operation, tool};
    use infra_mcp_model::{Method, Operation};

    #[test]
    fn series_are_thinned_evenly_up_to_their_last_value() {
        for (points, body, expected, told) in [
            (3, "[1,2,3,4,5,6,7]", "[1,4,7]", Some("Of 7 values one in 3")),
            (3, "[1,2,3,4,5,6]", "[2,4,6]", Some("Of 6 values one in 2")),
            (3, "[1,2,3]", "[1,2,3]", None),
            (1, "[1.10,null,1E+2]", "[1E+2]", Some("one in 3")),
            (
                2,
                r#"{"a":{"0":[1,2,3]},"b":[{"c":[1,2,3,4,5]}],"n":1}"#,
                r#"{"a":{"0":[1,3]},"b":[{"c":[2,5]}],"n":1}"#,
                Some("2 series. Of 5 values one in 3"),
            ),
            (1, r#"["a","b"]"#, r#"["a","b"]"#, None),
            (0, "[1,2,3]", "[1,2,3]", None),
        ] {
            let stats = Operation { points, ..operation(Method::Get, "/stats", vec![], None) };
            let reply = Reply::new(200, body, Media::Json);
            let reply = thin(&tool("stats", stats), reply);
            assert_eq!(reply.body.replace("e+", "E+"), expected);
            assert_eq!(
                reply.notes.iter().any(|note| note.contains(told.unwrap_or_default())),
                told.is_some(),
                "{body}"
            );
        }
    }
}
