//! Puts broken rules into words.

use serde_json::{Map, Value};

use super::check::Check;
use super::finding::{Finding, Findings};
use super::path::Path;
use super::schema::{Schema, Type};
use super::value::{alternatives, counted, kind, quoted, same, shortened, shown};
use crate::near::nearest;

/// The listed values of an enumeration take up to this many characters.
const LONGEST_CHOICES: usize = 400;
/// Longer names and listed values are cut in messages.
const LONGEST_NAME: usize = 60;

impl Finding {
    /// A finding that shows no value.
    pub(super) fn plain(path: &Path<'_>, rule: String) -> Self {
        Self { pointer: path.readable(), rule, got: None, hint: None, choice: false, inner: None }
    }

    /// Gives the latest finding a hint, where it has none.
    pub(super) fn advise(findings: &mut Findings, hint: &str) {
        if let Some(finding) = findings.last_kept_mut() {
            finding.hint.get_or_insert_with(|| hint.to_owned());
        }
    }
}

impl Check<'_> {
    /// A finding that shows the value, unless that is a secret.
    pub(super) fn with_value(&self, path: &Path<'_>, rule: String, value: &Value) -> Finding {
        let got = (!self.hides(path)).then(|| shown(value));
        Finding { got, ..Finding::plain(path, rule) }
    }

    /// `must have at least 2 elements, got 1`
    pub(super) fn with_count(
        &self,
        path: &Path<'_>,
        verb: &str,
        limit: usize,
        noun: &str,
        (adjective, got): (&str, usize),
    ) -> Finding {
        let rule = format!("must {verb} {} {adjective}", counted(limit, noun));
        let got = (!self.hides(path)).then(|| got.to_string());
        Finding { got, ..Finding::plain(path, rule.trim_end().to_owned()) }
    }

    pub(super) fn too_short(&self, least: usize, length: usize, path: &Path<'_>) -> Finding {
        match length {
            0 => Finding::plain(path, "must not be empty".to_owned()),
            _ => self.with_count(path, "be at least", least, "character", ("long", length)),
        }
    }

    pub(super) fn no_choice(&self, choices: &[Value], value: &Value, path: &Path<'_>) -> Finding {
        let rule = match choices {
            [] => "cannot be given: no value is accepted here".to_owned(),
            [only] => format!("must be {}", written(only)),
            several => format!("must be one of {}", listed(several)),
        };
        let hint = (!self.hides(path)).then(|| likely_choice(choices, value)).flatten();
        let hint =
            hint.or_else(|| self.spelling(|value| choices.iter().any(|choice| same(choice, value)), value, path));
        Finding { hint, choice: true, ..self.with_value(path, rule, value) }
    }

    /// The value has none of these types. The schema, where there is one, tells what else would do.
    pub(super) fn wrong_type(
        &self,
        types: &[Type],
        schema: Option<&Schema>,
        value: &Value,
        path: &Path<'_>,
    ) -> Finding {
        let rule = format!("must be {}", type_words(types));
        let got = match value {
            Value::Number(_) if types.contains(&Type::Integer) => (!self.hides(path)).then(|| shown(value)),
            other => Some(kind(other).to_owned()),
        };
        let admitted = |value: &Value| types.iter().any(|t| t.admits(value));
        let hint = self.spelling(admitted, value, path).or_else(|| {
            let items = schema.filter(|_| types.contains(&Type::Array))?.items.as_deref()?;
            self.accepts(items, value, &path.element(0)).then(|| "put it into an array: [ ]".to_owned())
        });
        Finding { got, hint, ..Finding::plain(path, rule) }
    }

    /// What to do about a value that would do if only it were written as what it spells.
    fn spelling(&self, would_do: impl Fn(&Value) -> bool, value: &Value, path: &Path<'_>) -> Option<String> {
        match value {
            Value::String(text) => spelled(text).filter(would_do).map(|spelled| match spelled {
                Value::Array(_) => "it is JSON text in a string: pass the array itself".to_owned(),
                Value::Object(_) => "it is JSON text in a string: pass the object itself".to_owned(),
                _ if self.hides(path) => "pass it without quotes".to_owned(),
                scalar => format!("pass {} without quotes", shown(&scalar)),
            }),
            Value::Number(_) | Value::Bool(_) => {
                would_do(&Value::String(value.to_string())).then(|| "pass it in quotes".to_owned())
            }
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub(super) fn unknown_argument(&self, given: &Map<String, Value>, name: &str) -> Finding {
        let names = self.root.arguments.iter().map(|argument| argument.name.as_str());
        unknown(given, name, names, &Path::ROOT, "is not an argument of this tool")
    }

    pub(super) fn unknown_member(
        &self,
        schema: &Schema,
        given: &Map<String, Value>,
        name: &str,
        path: &Path<'_>,
    ) -> Finding {
        let names = schema.properties.iter().map(|property| property.name.as_str());
        unknown(given, name, names, path, &format!("is not a member of {}", path.readable()))
    }
}

fn unknown<'a>(
    given: &Map<String, Value>,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    path: &Path<'_>,
    rule: &str,
) -> Finding {
    // A name that is given too cannot be what was meant.
    let likely = nearest(name, known.filter(|known| !given.contains_key(*known)));
    let hint = likely.map(|likely| format!("did you mean `{}`?", shortened(likely, LONGEST_NAME)));
    Finding { hint, ..Finding::plain(&path.member(name), rule.to_owned()) }
}

/// `a string, a whole number or null`
pub(super) fn type_words(types: &[Type]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for t in types.iter().filter(|t| !(**t == Type::Integer && types.contains(&Type::Number))) {
        if !words.contains(&t.words()) {
            words.push(t.words());
        }
    }
    alternatives(&words)
}

fn likely_choice(choices: &[Value], value: &Value) -> Option<String> {
    let likely = nearest(value.as_str()?, choices.iter().filter_map(Value::as_str))?;
    Some(format!("did you mean {}?", quoted(&shortened(likely, LONGEST_NAME))))
}

/// The values of an enumeration, cut where there are many.
fn listed(choices: &[Value]) -> String {
    let mut length = 0;
    let fitting = choices.iter().map(written).take_while(|choice| {
        length += choice.len() + 2;
        length <= LONGEST_CHOICES
    });
    let fitting: Vec<String> = fitting.collect();
    match choices.len() - fitting.len() {
        0 => fitting.join(", "),
        more => format!("{} and {more} more", fitting.join(", ")),
    }
}

/// A value of the schema, which unlike one of a call may be shown with what is inside.
fn written(choice: &Value) -> String {
    shortened(&choice.to_string(), LONGEST_NAME)
}

/// The value that a string spells as JSON, or as Python writes its booleans and nothing.
fn spelled(text: &str) -> Option<Value> {
    match text {
        "True" => Some(Value::Bool(true)),
        "False" => Some(Value::Bool(false)),
        "None" => Some(Value::Null),
        json => serde_json::from_str(json).ok(),
    }
}
