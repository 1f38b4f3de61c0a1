//! `list`: the selected tools, as a table or as JSON.

use infra_mcp_model::{Review, Tool};
use serde_json::{Value, json};

use crate::catalogue::{Catalogue, Entry};

/// The tools of the catalogue in listing order.
pub(super) fn list(catalogue: &Catalogue, as_json: bool) -> String {
    if as_json {
        let tools: Vec<Value> = catalogue.entries().iter().map(facts).collect();
        return format!("{:#}\n", Value::Array(tools));
    }
    let heading = ["NAME", "TOOLSET", "EFFECT", "ALSO", "TITLE"].map(str::to_owned);
    let rows = catalogue.entries().iter().map(|entry| row(entry.tool));
    let mut table = table(std::iter::once(heading).chain(rows).collect());
    table.push_str(&format!("\n{} tools. `describe NAME` tells more about one.\n", catalogue.entries().len()));
    table
}

/// The reviewed facts of a tool and where they lead.
pub(super) fn facts(entry: &Entry) -> Value {
    let Entry { provider, tool } = entry;
    let operation = tool.operation();
    let review = &tool.review;
    json!({
        "name": tool.name,
        "title": tool.title,
        "provider": provider.name,
        "toolset": tool.toolset,
        "effect": review.effect.as_str(),
        "money": review.money,
        "secret": review.secret(),
        "exec": review.exec,
        "async": review.asynchronous,
        "idempotent": review.idempotent,
        "scope": review.scope,
        "reviewed": review.reviewed,
        "deprecated": operation.is_some_and(|operation| operation.deprecated),
        "method": operation.map(|operation| operation.method.as_str()),
        "path": operation.map(|operation| operation.path.to_string()),
        "aliases": tool.aliases.iter().map(|alias| &alias.name).collect::<Vec<_>>(),
    })
}

/// What besides its effect one should know before a call.
pub(super) fn remarks(tool: &Tool) -> Vec<&'static str> {
    let Review { money, exec, asynchronous, .. } = tool.review;
    let all = [
        (money, "money"),
        (tool.review.secret(), "secret"),
        (exec, "exec"),
        (asynchronous, "async"),
        (tool.operation().is_some_and(|operation| operation.deprecated), "deprecated"),
        (!tool.review.reviewed, "unreviewed"),
    ];
    all.into_iter().filter_map(|(holds, word)| holds.then_some(word)).collect()
}

fn row(tool: &Tool) -> [String; 5] {
    [
        tool.name.to_string(),
        tool.toolset.to_string(),
        tool.review.effect.as_str().to_owned(),
        remarks(tool).join(" "),
        tool.title.to_string(),
    ]
}

/// Columns as wide as their widest cell, the last one ragged.
fn table(rows: Vec<[String; 5]>) -> String {
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Selection;
    use crate::generated::PROVIDERS;

    #[test]
    fn both_forms_show_every_tool_in_order() {
        let catalogue = Catalogue::select(PROVIDERS, &Selection::default()).unwrap();
        let names: Vec<&str> = catalogue.entries().iter().map(|entry| entry.tool.name.as_ref()).collect();
        let table = list(&catalogue, false);
        let shown: Vec<&str> = table.lines().skip(1).map_while(|line| line.split_whitespace().next()).collect();
        assert_eq!(shown, names);
        let json: Vec<Value> = serde_json::from_str(&list(&catalogue, true)).unwrap();
        assert_eq!(json.iter().map(|tool| tool["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    }

    #[test]
    fn columns_are_aligned() {
        let row = |cells: [&str; 5]| cells.map(str::to_owned);
        let text = table(vec![row(["N", "T", "E", "A", "Title"]), row(["long", "x", "read", "", "It"])]);
        assert_eq!(text, "N     T  E     A  Title\nlong  x  read     It\n");
    }
}
