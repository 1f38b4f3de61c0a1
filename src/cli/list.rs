//! `list`: the tools that are served, as a table or as JSON.

use infra_mcp_model::{Effect, Review, Tool};
use serde_json::{Value, json};

use crate::catalogue::Entry;
use crate::exposure::{Builtin, Exposure, OPERATION, Presented};

/// What is listed, in order; of several operations that are listed as one tool, each of them.
pub(super) fn list(exposure: &Exposure, as_json: bool) -> String {
    if as_json {
        let tools: Vec<Value> = lines(exposure).map(|line| line.facts()).collect();
        return format!("{:#}\n", Value::Array(tools));
    }
    let heading = ["NAME", "TOOLSET", "EFFECT", "ALSO", "TITLE"].map(str::to_owned);
    let rows = lines(exposure).map(|line| line.row());
    let mut table = table(std::iter::once(heading).chain(rows).collect());
    let tools = exposure.presented().len();
    let operations: usize = exposure.domains().map(|domain| domain.operations.len()).sum();
    let whole = exposure.domains().count();
    let as_one = match whole {
        0 => String::new(),
        _ => format!(" {whole} of them stand for {operations} operations: `call TOOL operation=NAME`."),
    };
    table.push_str(&format!("\n{tools} tools.{as_one} `describe NAME` tells more about one.\n"));
    table
}

/// A line of the list.
enum Line<'e> {
    Tool(&'e str, &'e Entry),
    Operation(&'e str, &'e Entry),
    Builtin(Builtin),
}

fn lines(exposure: &Exposure) -> impl Iterator<Item = Line<'_>> {
    exposure.presented().iter().flat_map(|presented| match presented {
        Presented::Tool { name, entry } => vec![Line::Tool(name, entry)],
        Presented::Domain(domain) => {
            domain.operations.iter().map(|entry| Line::Operation(&domain.name, entry)).collect()
        }
        Presented::Builtin(builtin) => vec![Line::Builtin(*builtin)],
    })
}

impl Line<'_> {
    fn facts(&self) -> Value {
        match self {
            Self::Tool(name, entry) => facts(entry, name, None),
            Self::Operation(name, entry) => facts(entry, name, Some(&entry.tool.operation_name)),
            Self::Builtin(builtin) => json!({
                "name": builtin.name(),
                "title": builtin.title(),
                "provider": null,
                "toolset": null,
                "effect": Effect::Read.as_str(),
                "call": {"tool": builtin.name()},
            }),
        }
    }

    fn row(&self) -> [String; 5] {
        match self {
            Self::Tool(name, entry) => row((*name).to_owned(), entry.tool),
            Self::Operation(name, entry) => {
                row(format!("{name} {OPERATION}={}", entry.tool.operation_name), entry.tool)
            }
            Self::Builtin(builtin) => {
                let read = Effect::Read.as_str().to_owned();
                [builtin.name().to_owned(), "-".to_owned(), read, String::new(), builtin.title().to_owned()]
            }
        }
    }
}

/// The reviewed facts of a tool and where they lead.
pub(super) fn facts(entry: &Entry, called: &str, as_operation: Option<&str>) -> Value {
    let Entry { provider, tool } = entry;
    let operation = tool.operation();
    let review = &tool.review;
    json!({
        "name": tool.name,
        "title": tool.title,
        "call": {"tool": called, "operation": as_operation},
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

fn row(name: String, tool: &Tool) -> [String; 5] {
    [
        name,
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
    use std::sync::Arc;

    use infra_mcp_model::Expose;

    use super::*;
    use crate::catalogue::{Catalogue, Selection};
    use crate::generated::PROVIDERS;

    #[test]
    fn both_forms_show_every_tool_in_order() {
        for expose in Expose::ALL {
            let catalogue = Arc::new(Catalogue::select(PROVIDERS, &Selection::default()).unwrap());
            let names: Vec<&str> = catalogue.entries().iter().map(|entry| entry.tool.name.as_ref()).collect();
            let exposure = Exposure::new(Arc::clone(&catalogue), Some(expose));
            let table = list(&exposure, false);
            let shown = table.lines().skip(1).take_while(|line| !line.is_empty());
            let json: Vec<Value> = serde_json::from_str(&list(&exposure, true)).unwrap();
            assert_eq!(shown.count(), json.len());
            let told = json.iter().filter(|tool| tool["toolset"].is_string());
            let mut told: Vec<&str> = told.map(|tool| tool["name"].as_str().unwrap()).collect();
            for (tool, line) in json.iter().zip(table.lines().skip(1)) {
                let call =
                    [&tool["call"]["tool"], &tool["call"]["operation"]].map(|word| word.as_str().unwrap_or_default());
                assert!(line.starts_with(call[0]) && line.contains(call[1]), "{line}");
            }
            if expose == Expose::Domain {
                // Within a toolset, what reads comes first.
                told.sort_by_key(|name| names.iter().position(|other| other == name));
            }
            assert_eq!(told, names);
        }
    }

    #[test]
    fn columns_are_aligned() {
        let row = |cells: [&str; 5]| cells.map(str::to_owned);
        let text = table(vec![row(["N", "T", "E", "A", "Title"]), row(["long", "x", "read", "", "It"])]);
        assert_eq!(text, "N     T  E     A  Title\nlong  x  read     It\n");
    }
}
