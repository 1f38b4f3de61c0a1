//! Small specs folders and what becomes of them. The folder name is the rule.
//!
//! `tests/ok/NAME/specs` is read as a foreign folder and `expected.json` holds the tools;
//! `expected.rs`, where it exists, holds the generated source. `tests/bad/NAME/specs` is read as our
//! own and `expected.txt` holds the report. `tests/drift/NAME` holds an `upstream.json` beside our
//! specs and `expected.txt` what differs; `tests/live/NAME` likewise, and `expected.txt` says what is
//! served of it; `tests/facts/NAME` holds an `upstream.json` and what of it
//! is taken over. `UPDATE_GOLDEN=1 cargo test -p infra-mcp-codegen` writes
//! what is expected anew.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use infra_mcp_codegen::drift::drift;
use infra_mcp_codegen::facts::facts;
use infra_mcp_codegen::live::live;
use infra_mcp_codegen::load::{Upstream, load_provider, load_upstream, sources};
use infra_mcp_codegen::lower::{LoweredProvider, LoweredTool, LoweredToolset, lower};
use infra_mcp_codegen::{Options, Report, generate, read};
use infra_mcp_model::{Binding, Operation, Parameter, Provider, RequestBody, SharedArgument, Tool};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn ok() {
    golden("ok", |case| {
        let specs = case.join("specs");
        let (providers, report) = read(&specs, false);
        let text = serde_json::to_string_pretty(&summary(&providers, &report)).unwrap();
        let mut outcomes = vec![("expected.json", text + "\n")];
        if case.join("expected.rs").exists() {
            outcomes.push(("expected.rs", source(&specs)));
        }
        outcomes
    });
}

#[test]
fn bad() {
    golden("bad", |case| {
        let (_, report) = read(&case.join("specs"), true);
        assert!(report.has_errors(), "{} is no error", case.display());
        vec![("expected.txt", lines(&report).join("\n") + "\n")]
    });
}

#[test]
fn drifts() {
    golden("drift", |case| {
        let mut report = Report::default();
        let upstream = load_upstream(&case.join("upstream.json"), &mut report).unwrap();
        let sources = [load_provider(&case.join("specs/acme"), false, &mut report).unwrap()];
        let drift = drift(&upstream, &sources[0], &lower(&sources, false, &mut report)[0]);
        vec![("expected.txt", drift.to_string())]
    });
}

#[test]
fn lives() {
    golden("live", |case| {
        let specs = case.join("specs");
        let (providers, report) = read(&specs, true);
        assert!(!report.has_errors(), "{}", lines(&report).join("\n"));
        let built_in = Provider { sources: sources(&specs, "acme"), ..providers[0].model(&|_| true) };
        let upstream = fs::read_to_string(case.join("upstream.json")).unwrap();
        let told = match live(&built_in, "upstream.json", &upstream) {
            Ok(live) => {
                assert_eq!(live.provider.base_url, built_in.base_url);
                let left_out = live.left_out.iter().map(|(name, reason)| format!("left out: {name}: {reason}"));
                let tools = live.provider.tools().map(row);
                let warnings = live.warnings.iter().map(|problem| format!("warning: {problem}"));
                let told = warnings.chain(left_out).chain(tools);
                format!("{}{}\n", live.drift, told.collect::<Vec<_>>().join("\n"))
            }
            Err(report) => lines(&report).join("\n") + "\n",
        };
        vec![("expected.txt", told)]
    });
}

/// A tool in a line: where it is, what it does, and whose words it has.
fn row(tool: &Tool) -> String {
    let review = &tool.review;
    let judged = if review.reviewed { "reviewed" } else { "careful" };
    let asked = tool.operation().map(|operation| format!("{} {}", operation.method.as_str(), operation.path));
    format!(
        "{}/{}({}): {} {judged}, {}: {}",
        tool.toolset,
        tool.name,
        tool.listing.signature,
        review.effect.as_str(),
        asked.unwrap_or_default(),
        tool.description,
    )
}

#[test]
fn facts_without_words() {
    golden("facts", |case| {
        let upstream = load_upstream(&case.join("upstream.json"), &mut Report::default());
        let Some(Upstream::Document(document)) = upstream else { panic!("no document in {}", case.display()) };
        let text = serde_json::to_string_pretty(&facts(&document.root)).unwrap();
        assert!(!text.contains("WORDS"), "{} leaks words", case.display());
        vec![("expected.json", text + "\n")]
    });
}

#[test]
fn the_same_bytes_every_time() {
    for case in cases("ok") {
        let specs = case.join("specs");
        assert!(source(&specs) == source(&specs), "{} differs from run to run", case.display());
    }
}

fn source(specs: &Path) -> String {
    let options = Options { strict: false, feature: &|_| true, types: true, sources: false };
    generate(specs, &options).unwrap_or_else(|report| panic!("{}", lines(&report).join("\n"))).0
}

fn lines(report: &Report) -> Vec<String> {
    report.problems().iter().map(|problem| format!("{:?}: {problem}", problem.severity)).collect()
}

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(kind);
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn golden(kind: &str, outcomes: impl Fn(&Path) -> Vec<(&'static str, String)>) {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differences = String::new();
    for case in cases(kind) {
        for (name, actual) in outcomes(&case) {
            let file = case.join(name);
            if update {
                fs::write(&file, &actual).unwrap();
            }
            let expected = fs::read_to_string(&file).unwrap_or_default();
            if expected != actual {
                let diff = similar::TextDiff::from_lines(&expected, &actual);
                let header = file.display().to_string();
                differences += &diff.unified_diff().header(&header, "now").to_string();
            }
        }
    }
    assert!(differences.is_empty(), "{differences}\nUPDATE_GOLDEN=1 writes what is expected anew");
}

fn summary(providers: &[LoweredProvider], report: &Report) -> Value {
    let toolsets = providers.iter().flat_map(|provider| &provider.toolsets);
    let tools = toolsets.clone().flat_map(|toolset| &toolset.tools);
    let left_out = providers.iter().flat_map(|provider| &provider.left_out);
    json!({
        "report": lines(report),
        "left_out": left_out.map(|(name, reason)| (name.clone(), json!(reason))).collect::<Map<_, _>>(),
        "toolsets": toolsets.map(toolset).collect::<Map<_, _>>(),
        "tools": tools.map(tool).collect::<Vec<_>>(),
    })
}

/// What a toolset is as a whole.
fn toolset(lowered: &LoweredToolset) -> (String, Value) {
    let schema = |argument: &SharedArgument| serde_json::from_str::<Value>(&argument.schema).unwrap();
    let shared = lowered.arguments.iter().map(|argument| (argument.name.to_string(), schema(argument)));
    let operations = lowered.tools.iter().map(|lowered| {
        let (name, listing) = (&lowered.tool.operation_name, &lowered.tool.listing);
        format!("{name}({}), required: {}", listing.signature, listing.required)
    });
    let whole = json!({
        "expose": lowered.settings.expose.map(|expose| format!("{expose:?}")),
        "operations": operations.collect::<Vec<_>>(),
        "shared": shared.collect::<Map<_, _>>(),
    });
    (lowered.settings.name.clone(), whole)
}

fn tool(lowered: &LoweredTool) -> Value {
    let tool = &lowered.tool;
    let entry: Value = serde_json::from_str(
        &[&*tool.listing.head, &tool.listing.title, &tool.listing.tail, &tool.listing.end].concat(),
    )
    .unwrap();
    assert_eq!(entry["name"], tool.name.as_ref());
    assert_eq!(entry["inputSchema"], lowered.published);
    let mut summary = json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "toolset": tool.toolset,
    });
    match &tool.binding {
        Binding::Operation(row) => merge(&mut summary, operation(row)),
        Binding::Composite(row) => {
            let named = |row: &Operation| {
                let mut summary = json!({"id": row.id});
                merge(&mut summary, operation(row));
                summary
            };
            summary["operations"] = row.operations.iter().map(named).collect();
            summary["acts_on"] = row.resource.as_ref().into();
        }
        Binding::Relay(row) => {
            summary["relayed_to"] = row.tool.as_ref().into();
            summary["acts_on"] = row.resource.as_ref().into();
        }
    }
    let rest = json!({
        "published": lowered.published,
        "full": lowered.input_schema,
        "annotations": entry["annotations"],
        "sample_answer": lowered.route.as_ref().map(|route| format!("{} {}", route.status, route.body)),
    });
    merge(&mut summary, rest);
    summary
}

fn merge(summary: &mut Value, more: Value) {
    let Value::Object(more) = more else { unreachable!("made as an object") };
    summary.as_object_mut().unwrap().extend(more);
}

fn operation(row: &Operation) -> Value {
    json!({
        "request": format!("{} {}", row.method.as_str(), row.path),
        "parameters": row.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "body": row.body.as_ref().map(body),
        "answer": format!("{:?}", row.answer),
    })
}

fn parameter(row: &Parameter) -> String {
    let explode = if row.explode { " explode" } else { "" };
    let wire = if row.argument == row.name { String::new() } else { format!(" as {}", row.name) };
    format!("{}{wire}: {:?} {:?}{explode}", row.argument, row.location, row.style)
}

fn body(row: &RequestBody) -> String {
    match row {
        RequestBody::Whole { argument } => format!("whole: {argument}"),
        RequestBody::Members { required, members, as_query } => {
            let names = members.iter().map(|member| {
                if member.argument == member.name {
                    member.name.to_string()
                } else {
                    format!("{} as {}", member.argument, member.name)
                }
            });
            let names: Vec<String> = names.collect();
            let (required, place) =
                (if *required { "required" } else { "optional" }, if *as_query { "query" } else { "body" });
            format!("{required} members in the {place}: {}", names.join(", "))
        }
    }
}
