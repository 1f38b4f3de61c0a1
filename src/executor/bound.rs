//! Whether a list may be longer than what came of it.

use serde::de::IgnoredAny;

use super::{Exchange, Media};

/// A sentence for an answer with as many rows as this server asked for of its own accord; the caller who named a
/// limit knows of it.
pub(super) fn note(exchange: &Exchange<'_>, media: Media, body: &str) -> Option<String> {
    let mut defaults = exchange.operation.defaults.iter();
    let given = |argument: &str| exchange.values.contains_key(argument);
    let default = defaults.find(|default| default.bounds_rows && !given(&default.argument))?;
    let limit: usize = default.value.parse().ok()?;
    (rows(media, body) >= limit).then(|| {
        format!(
            "There may be more: only {limit} rows were asked for. Narrow the call, or give a larger `{}`.",
            default.argument
        )
    })
}

/// Elements of a JSON array, or lines of a Markdown table below its head.
fn rows(media: Media, body: &str) -> usize {
    match media {
        Media::Json | Media::Structured => serde_json::from_str::<Vec<IgnoredAny>>(body).map_or(0, |rows| rows.len()),
        Media::Text => body.lines().filter(|line| line.starts_with('|')).skip(2).count(),
        Media::Empty => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::fixture::{call, operation, parameter, provider, settings, tool};
    use infra_mcp_model::{Location, Method, Operation, RequestDefault, Style};

    #[test]
    fn a_list_of_as_many_rows_as_the_default_says_so() {
        let limit = parameter("limit", Location::Query, Style::Form, true);
        let default = RequestDefault { argument: "limit".into(), value: "2".into(), bounds_rows: true };
        let list = Operation { defaults: vec![default].into(), ..operation(Method::Get, "/list", vec![limit], None) };
        let provider = provider(vec![("things", vec![tool("list", list)])]);
        let table = "| id |\n| - |\n| a |\n| b |\n";
        for (arguments, media, body, expected) in [
            ("{}", Media::Json, "[1,[]]", true),
            ("{}", Media::Json, "[1]", false),
            ("{}", Media::Json, r#"{"a":[1,2]}"#, false),
            ("{}", Media::Text, table, true),
            ("{}", Media::Text, "| id |\n| - |\n| a |\n", false),
            ("{}", Media::Empty, "", false),
            (r#"{"limit":2}"#, Media::Json, "[1,2]", false),
        ] {
            let call = call(provider, arguments, settings("https://api.example.com"));
            let note = note(&Exchange::of(&call).unwrap(), media, body);
            assert_eq!(note.is_some_and(|note| note.contains("only 2 rows")), expected, "{arguments} {body}");
        }
    }
}
