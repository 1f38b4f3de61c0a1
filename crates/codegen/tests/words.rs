//! The mechanical part of good descriptions, over the real specs: what a test can hold fast of
//! purpose, behaviour, parameters and answer. Every rule is shown to fail on a small bad case.

use infra_mcp_codegen::lower::LoweredTool;
use infra_mcp_codegen::read;
use infra_mcp_model::{Effect, Review};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the rules look at.
#[derive(Clone)]
struct Subject {
    name: String,
    title: String,
    description: String,
    published: Value,
    review: Review,
    lacking: Vec<String>,
}

type Rule = fn(&Subject) -> Vec<String>;
type Spoil = fn(&mut Subject);

const RULES: [(&str, Rule); 8] = [
    ("length", length),
    ("one line", one_line),
    ("no orders", orders),
    ("what comes back", comes_back),
    ("whether it can be undone", undone),
    ("own words", own_words),
    ("parameters say more than name and type", parameters),
    ("scope", scope),
];

#[test]
fn the_words_keep_the_rules() {
    let subjects = subjects();
    let mut broken = Vec::new();
    for subject in &subjects {
        for (name, rule) in RULES {
            broken.extend(rule(subject).iter().map(|what| format!("{}: {name}: {what}", subject.name)));
        }
    }
    broken.extend(alike(&subjects));
    assert!(broken.is_empty(), "{} broken rules\n{}", broken.len(), broken.join("\n"));
}

fn subjects() -> Vec<Subject> {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    let (providers, report) = read(&specs, true);
    assert!(!report.has_errors(), "{:#?}", report.problems());
    let tools = providers.iter().flat_map(|provider| &provider.toolsets).flat_map(|toolset| &toolset.tools);
    let subjects: Vec<Subject> = tools.map(subject).collect();
    assert!(subjects.len() >= 392, "{} tools", subjects.len());
    subjects
}

fn subject(lowered: &LoweredTool) -> Subject {
    Subject {
        name: lowered.tool.name.to_string(),
        title: lowered.tool.title.to_string(),
        description: lowered.tool.description.to_string(),
        published: lowered.published.clone(),
        review: lowered.tool.review.clone(),
        lacking: lowered.lacking.clone(),
    }
}

fn unless(kept: bool, what: impl Into<String>) -> Vec<String> {
    if kept { Vec::new() } else { vec![what.into()] }
}

fn length(subject: &Subject) -> Vec<String> {
    let count = subject.description.chars().count();
    unless((120..=1024).contains(&count), format!("{count} characters"))
}

fn one_line(subject: &Subject) -> Vec<String> {
    let mut texts = vec![("the description".to_owned(), subject.description.clone())];
    texts.push(("the title".to_owned(), subject.title.clone()));
    texts.extend(parameter_texts(&subject.published));
    let broken = texts.into_iter().filter(|(_, text)| text.contains(char::is_control));
    broken.map(|(place, _)| format!("{place} has a line break")).collect()
}

/// A description tells what a tool does; what the model should do is not its business.
fn orders(subject: &Subject) -> Vec<String> {
    const ORDERS: [&str; 5] = ["MUST", "ALWAYS", "NEVER", "IMPORTANT", "WARNING"];
    let mut found = Vec::new();
    let mut texts = parameter_texts(&subject.published);
    texts.push(("the description".to_owned(), subject.description.clone()));
    for (place, text) in texts {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        let shouted = ORDERS.iter().filter(|order| words.contains(order));
        found.extend(shouted.map(|order| format!("{place} says {order}")));
        let phrase = ["your reply", "tell the user", "ask the user"].into_iter().find(|phrase| says(&text, &[phrase]));
        found.extend(phrase.map(|phrase| format!("{place} says {phrase}")));
    }
    found
}

fn plain_read(review: &Review) -> bool {
    review.effect == Effect::Read && review.effect_when.is_empty() && !review.money && !review.exec
}

/// Whether the text holds one of these beginnings of words; one that ends in a space is a whole word.
fn says(text: &str, beginnings: &[&str]) -> bool {
    let words: Vec<String> =
        text.to_lowercase().split(|c: char| !c.is_alphanumeric()).map(|word| format!(" {word}")).collect();
    let text = words.concat() + " ";
    beginnings.iter().any(|beginning| text.contains(&format!(" {beginning}")))
}

fn comes_back(subject: &Subject) -> Vec<String> {
    unless(says(&subject.description, &["returns ", "answers with ", "the answer "]), "it is not told")
}

fn undone(subject: &Subject) -> Vec<String> {
    const WORDS: [&str; 10] = [
        "undo",
        "revers",
        "revert",
        "permanent",
        "restor",
        "cannot be",
        "set back ",
        "put back ",
        "brought back ",
        "again ",
    ];
    unless(plain_read(&subject.review) || says(&subject.description, &WORDS), "it is not told")
}

fn own_words(subject: &Subject) -> Vec<String> {
    let mut lacking = subject.lacking.clone();
    let texts: BTreeMap<String, String> = parameter_texts(&subject.published).into_iter().collect();
    lacking.extend(texts.iter().filter(|(_, text)| text.is_empty()).map(|(path, _)| format!("{path} has no text")));
    lacking
}

/// Every parameter, nested ones too, with its published text.
fn parameter_texts(published: &Value) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let mut open = vec![(String::new(), published)];
    while let Some((path, schema)) = open.pop() {
        for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let text = inner.get("description").and_then(Value::as_str).unwrap_or_default();
            texts.push((path.clone(), text.to_owned()));
            open.push((path, inner));
        }
        if let Some(items) = schema.get("items") {
            open.push((format!("{path}[]"), items));
        }
    }
    texts
}

/// A text of nothing but the words of its name, type words and filling says nothing.
fn parameters(subject: &Subject) -> Vec<String> {
    const EMPTY: [&str; 34] = [
        "the",
        "a",
        "an",
        "of",
        "to",
        "for",
        "in",
        "on",
        "and",
        "or",
        "is",
        "be",
        "this",
        "that",
        "with",
        "string",
        "text",
        "integer",
        "number",
        "boolean",
        "flag",
        "array",
        "list",
        "object",
        "value",
        "parameter",
        "field",
        "argument",
        "optional",
        "required",
        "true",
        "false",
        "new",
        "given",
    ];
    let mut found = Vec::new();
    for (path, text) in parameter_texts(&subject.published) {
        let name = words(path.rsplit('.').next().unwrap_or(&path));
        let tells = words(&text).into_iter().any(|word| !name.contains(&word) && !EMPTY.contains(&word.as_str()));
        if !tells {
            found.push(format!("`{path}` says only \"{text}\""));
        }
    }
    found
}

fn scope(subject: &Subject) -> Vec<String> {
    const VERBS: [&str; 5] = ["read", "write", "power", "exec", "spend"];
    let scope = subject.review.scope.as_ref();
    let legal = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let formed = scope.split_once(':').is_some_and(|(area, verb)| legal(area) && VERBS.contains(&verb));
    let mut found = unless(formed, format!("`{scope}` is not of the form area:verb"));
    if subject.review.money && scope != "billing:spend" {
        found.push(format!("costs money under `{scope}`"));
    }
    found
}

/// Lower-case words, `camelCase` and `snake_case` taken apart, without a plural s.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in text.split(|c: char| !c.is_alphanumeric()) {
        let mut word = String::new();
        let mut lower = false;
        for c in run.chars() {
            if c.is_uppercase() && lower {
                words.push(singular(&word));
                word.clear();
            }
            lower = c.is_lowercase();
            word.extend(c.to_lowercase());
        }
        words.push(singular(&word));
    }
    words.retain(|word| !word.is_empty());
    words
}

fn singular(word: &str) -> String {
    word.strip_suffix('s').filter(|stem| stem.len() > 2).unwrap_or(word).to_owned()
}

/// Descriptions that are the same once the nouns of their own tool are taken out.
fn alike(subjects: &[Subject]) -> Vec<String> {
    let mut seen: BTreeMap<Vec<String>, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for subject in subjects {
        let own: BTreeSet<String> = words(&subject.name).into_iter().chain(words(&subject.title)).collect();
        let tells = |word: &String| !own.contains(word) && !["a", "an", "the"].contains(&word.as_str());
        let rest: Vec<String> = words(&subject.description).into_iter().filter(tells).collect();
        if let Some(other) = seen.insert(rest, &subject.name) {
            found.push(format!("{} is described like {other}", subject.name));
        }
    }
    found
}

fn good() -> Subject {
    Subject {
        name: "volumes_deleteVolumeV1".into(),
        title: "Delete a volume".into(),
        description: "Deletes one volume with all its snapshots and frees their space at once. This cannot be \
                      undone. Returns a confirmation message. To keep the data use volumes_detachVolumeV1."
            .into(),
        published: json!({"type": "object", "properties": {
            "volumeId": {"type": "integer", "description": "Number of the volume: `id` from volumes_listVolumesV1."},
            "rules": {"type": "array", "description": "Which snapshots go first.", "items": {"type": "object",
                "properties": {"age": {"type": "integer", "description": "Days since it was made."}}}},
        }}),
        review: Review {
            effect: Effect::Destructive,
            effect_when: Default::default(),
            money: false,
            exec: false,
            asynchronous: false,
            idempotent: true,
            scope: "volumes:write".into(),
            secret_arguments: Default::default(),
            secret_results: Default::default(),
            phrases: Default::default(),
            opt_in: false,
            reviewed: true,
        },
        lacking: Vec::new(),
    }
}

#[test]
fn every_rule_can_fail() {
    let spoil: [(&str, Spoil); 17] = [
        ("length", |s| s.description = "Deletes it; cannot be undone. Returns a message.".into()),
        ("length", |s| s.description = s.description.repeat(9)),
        ("one line", |s| s.description = s.description.replace(". ", ".\n")),
        ("one line", |s| s.published["properties"]["volumeId"]["description"] = "Number\nfrom the list.".into()),
        ("no orders", |s| s.description += " ALWAYS ask first."),
        ("no orders", |s| s.description += " Name the price in your reply."),
        ("no orders", |s| s.published["properties"]["volumeId"]["description"] = "MUST come from the list.".into()),
        ("what comes back", |s| s.description = s.description.replace("Returns a", "Leaves a")),
        ("whether it can be undone", |s| s.description = s.description.replace("cannot be undone", "is quick")),
        ("own words", |s| s.lacking.push("parameters.volumeId".into())),
        ("own words", |s| {
            s.published["properties"]["rules"]["items"]["properties"]["age"] = json!({"type": "integer"})
        }),
        ("parameters say more than name and type", |s| {
            s.published["properties"]["volumeId"]["description"] = "The volume ID.".into();
        }),
        ("parameters say more than name and type", |s| {
            s.published["properties"]["rules"]["items"]["properties"]["age"]["description"] = "Age (integer)".into();
        }),
        ("no orders", |s| s.description += " Ask the user first."),
        ("scope", |s| s.review.scope = "volumes".into()),
        ("scope", |s| s.review.scope = "volumes:harm".into()),
        ("scope", |s| s.review.money = true),
    ];
    for (name, rule) in RULES {
        assert_eq!(rule(&good()), Vec::<String>::new(), "{name}");
        assert!(spoil.iter().any(|(spoiled, _)| *spoiled == name), "{name} is never seen to fail");
    }
    for (name, spoil) in spoil {
        let mut subject = good();
        spoil(&mut subject);
        let (_, rule) = RULES.into_iter().find(|(rule, _)| *rule == name).unwrap();
        assert!(!rule(&subject).is_empty(), "{name} let this pass: {}", subject.description);
    }
}

#[test]
fn two_of_a_kind_are_noticed() {
    let mut other = good();
    other.name = "images_deleteImageV1".into();
    other.title = "Delete an image".into();
    other.description = other.description.replace("volumes_detachVolumeV1", "images_detachImageV1");
    other.description = other.description.replace("one volume", "one image");
    assert_eq!(alike(&[good(), other.clone()]), ["images_deleteImageV1 is described like volumes_deleteVolumeV1"]);
    other.description += " Copies elsewhere stay.";
    assert!(alike(&[good(), other]).is_empty());
}
