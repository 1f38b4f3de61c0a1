//! Phrases that a provider wants with a call, word for word. They do not stand for an approval.

use infra_mcp_model::Phrase;
use serde_json::Value;

use super::CONFIRMATION;
use crate::call::Call;

/// The phrase that the call should have brought and did not.
pub(super) fn lacking(call: &Call) -> Option<String> {
    let arguments = call.arguments.as_map();
    let applies = |phrase: &&Phrase| {
        phrase.argument.is_empty()
            || arguments.get(phrase.argument.as_ref()).is_some_and(|value| value.to_string() == phrase.equals)
    };
    let phrase = filled(&call.entry.tool.review.phrases.iter().find(applies)?.text, call);
    let said = arguments.get(CONFIRMATION).and_then(Value::as_str);
    (said != Some(&phrase)).then_some(phrase)
}

/// The phrase with the arguments of the call in the place of their names.
fn filled(template: &str, call: &Call) -> String {
    let mut phrase = String::new();
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
    {
        phrase.push_str(before);
        // The schema of the tool requires what its phrase is made of.
        match call.arguments.as_map().get(name).unwrap_or(&Value::Null) {
            Value::String(text) => phrase.push_str(text),
            other => phrase.push_str(&other.to_string()),
        }
        rest = after;
    }
    phrase + rest
}
