//! What the README promises is what the program does.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

const README: &str = include_str!("../README.md");
const CI: &str = include_str!("../.ci/run");

/// Binaries that serve more than one toolset, with the provider that is all they serve.
const SEVERAL: [(&str, Option<&str>); 5] = [
    ("infra-mcp", None),
    ("hostinger-mcp", Some("hostinger")),
    ("vergeos-mcp", Some("vergeos")),
    ("hostodo-mcp", Some("hostodo")),
    ("xo-mcp", Some("xen-orchestra")),
];

/// The provider whose toolsets have binaries of their own.
const SPLIT: &str = "hostinger";

#[test]
fn binaries_table_equals_the_catalogue() {
    let listed = run("infra-mcp", &["--access", "full", "list", "--json"]);
    let mut tools: Vec<Value> = serde_json::from_slice(&listed.stdout).expect("list --json prints JSON");
    // What the server answers by itself belongs to no provider.
    tools.retain(|tool| tool["provider"].is_string());
    let mut expected = BTreeMap::new();
    for tool in tools.iter().filter(|tool| tool["provider"] == SPLIT) {
        let toolset = tool["toolset"].as_str().expect("every tool has a toolset");
        *expected.entry(format!("{toolset}-mcp")).or_insert(0) += 1;
    }
    expected.extend(SEVERAL.map(|(binary, provider)| {
        let served = tools.iter().filter(|tool| provider.is_none_or(|provider| tool["provider"] == provider));
        (binary.to_owned(), served.count())
    }));

    let rows = table("binaries");
    let documented: BTreeMap<String, usize> =
        rows.iter().map(|row| (row[0].clone(), row[2].parse().expect("the last column is a number"))).collect();
    assert_eq!(documented, expected);
    for row in rows.iter().filter(|row| SEVERAL.iter().all(|(binary, _)| *binary != row[0])) {
        assert_eq!(row[0], format!("{}-mcp", row[1]));
    }
}

#[test]
fn binaries_table_names_every_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let built: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("src/bin is there")
        .map(|entry| entry.expect("can be read").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        // Made for a test, and for nobody else.
        .filter(|name| name != "infra-mcp-conformance")
        .collect();
    let documented: BTreeSet<String> = table("binaries").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(documented, built);
}

#[test]
fn flags_table_equals_the_help() {
    let commands = ["", "list", "describe", "call", "token", "token create", "token list", "token revoke"];
    let help = |command: &str| -> Vec<String> {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        flags(&run("infra-mcp", &words))
    };
    let offered: BTreeSet<String> = commands.into_iter().flat_map(help).collect();
    let documented: BTreeSet<String> =
        table("flags").iter().map(|row| row[0].split(' ').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(documented, offered);
}

#[test]
fn quick_start_works() {
    let commands: Vec<Vec<&str>> = commands("Quick start", "cargo run --bin ").collect();
    assert!(!commands.is_empty());
    for words in commands {
        let [binary, "--", args @ ..] = &words[3..] else { panic!("unexpected form: {words:?}") };
        let output = run(binary, args);
        serde_json::from_slice::<Value>(&output.stdout).expect("a call prints JSON");
    }
}

#[test]
fn sharing_with_a_team_works() {
    let state = tempfile::TempDir::new().expect("a temporary folder");
    let state = state.path().to_str().expect("UTF-8");
    let mut made = BTreeSet::new();
    for words in commands("Share it with a team", "hostinger-mcp token ") {
        let output = run(words[0], &[&words[1..], &["--state-dir", state]].concat());
        if words[2] == "create" {
            assert!(output.stdout.starts_with(b"imcp_"), "{words:?}");
            made.insert(words[4]);
        }
    }
    assert_eq!(made, BTreeSet::from(["alice", "ci"]));
}

#[test]
fn test_command_is_what_continuous_integration_runs() {
    let commands: Vec<String> = commands("Quick start", "cargo test").map(|words| words.join(" ")).collect();
    assert_eq!(commands.len(), 1, "one command runs the tests");
    assert!(CI.lines().any(|line| line == commands[0]), ".ci/run lacks `{}`", commands[0]);
}

#[test]
fn client_configurations_are_json() {
    let blocks: Vec<&str> = README.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        serde_json::from_str::<Value>(block).unwrap_or_else(|error| panic!("{error} in\n{block}"));
    }
}

/// Runs a binary of this build away from the checkout, where no `.env` file takes part.
fn run(binary: &str, args: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_BIN_EXE_infra-mcp")).parent().expect("binaries stand in a folder");
    let output = Command::new(folder.join(binary))
        .args(args)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap_or_else(|error| panic!("{binary} does not start: {error}"));
    assert!(output.status.success(), "{binary} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The long flags of a help text: those at the beginning of a line.
fn flags(help: &Output) -> Vec<String> {
    String::from_utf8_lossy(&help.stdout)
        .lines()
        .filter(|line| line.trim_start().starts_with('-'))
        .filter_map(|line| line.split([' ', ',', '=', '[']).find(|word| word.starts_with("--")).map(str::to_owned))
        .collect()
}

/// The rows of the table between two markers, without code quotes.
fn table(name: &str) -> Vec<Vec<String>> {
    let (start, end) = (format!("<!-- {name}:start -->\n"), format!("<!-- {name}:end -->"));
    let (_, rest) = README.split_once(&start).expect("the table begins with its marker");
    let (rows, _) = rest.split_once(&end).expect("the table ends with its marker");
    rows.lines()
        .skip(2)
        .map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect())
        .collect()
}

/// The commands in a section that begin like this, as words.
fn commands<'a>(section: &str, beginning: &'a str) -> impl Iterator<Item = Vec<&'static str>> + use<'a> {
    let (_, rest) = README.split_once(&format!("\n## {section}\n")).expect("the section is there");
    let text = rest.split("\n## ").next().unwrap_or_default();
    text.lines().filter(move |line| line.starts_with(beginning)).map(|line| line.split(' ').collect())
}
