//! From the outcome of a call to the result of a tool.

mod cut;
mod secrets;
mod series;
mod untrusted;

use rmcp::model::{CallToolResult, ContentBlock};

use crate::error::CallError;
use crate::executor::{Media, Reply};

pub use secrets::Secrets;
pub(crate) use series::thin;

/// What a result that is an error carries its stable code by in `_meta`.
const CODE: &str = "infra-mcp/code";

/// Makes the tool result. A reply of more than `limit_chars` characters is cut and a second text
/// says what is missing; 0 is no limit. JSON stays valid and keeps every digit. A reply with text that somebody else
/// wrote is followed by a sentence that says so, and marked in `_meta`.
#[must_use]
pub fn to_result(outcome: Result<Reply, CallError>, limit_chars: usize) -> CallToolResult {
    match outcome {
        Ok(reply) => {
            let marked = untrusted::holds_prose(&reply);
            let structured = (reply.media == Media::Structured).then(|| reply.body.clone());
            let mut result = CallToolResult::success(content(reply, limit_chars));
            // Half of a structure is none.
            let whole = structured.filter(|body| result.content.first().is_some_and(|first| said(first) == body));
            result.structured_content = whole.and_then(|body| serde_json::from_str(&body).ok());
            if marked {
                result.content.push(ContentBlock::text(untrusted::NOTE));
                result.meta.get_or_insert_default().insert(untrusted::MARK.to_owned(), true.into());
            }
            result
        }
        Err(error) => {
            let mut result = CallToolResult::error(vec![ContentBlock::text(error.to_string())]);
            result.meta.get_or_insert_default().insert(CODE.to_owned(), error.code().into());
            result
        }
    }
}

fn said(block: &ContentBlock) -> &str {
    block.as_text().map_or("", |text| &text.text)
}

fn content(mut reply: Reply, limit: usize) -> Vec<ContentBlock> {
    let notes = std::mem::take(&mut reply.notes);
    let mut blocks = body(reply, limit);
    blocks.extend(notes.into_iter().map(ContentBlock::text));
    blocks
}

fn body(reply: Reply, limit: usize) -> Vec<ContentBlock> {
    if reply.media == Media::Empty {
        return vec![ContentBlock::text(format!("Done: HTTP {}, no content.", reply.status))];
    }
    // No text has more characters than bytes, so most replies need no counting.
    if limit == 0 || reply.body.len() <= limit || reply.body.chars().count() <= limit {
        return vec![ContentBlock::text(reply.body)];
    }
    let cut = cut::cut(&reply.body, limit, reply.media);
    let texts = std::iter::once(cut.text).chain(cut.note);
    texts.map(ContentBlock::text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn texts(outcome: Result<Reply, CallError>, limit: usize) -> (bool, Vec<String>) {
        let result = to_result(outcome, limit);
        let texts = result.content.iter().map(|block| block.as_text().unwrap().text.clone());
        (result.is_error.unwrap(), texts.collect())
    }

    fn reply(body: &str, media: Media) -> Result<Reply, CallError> {
        Ok(Reply::new(204, body, media))
    }

    #[test]
    fn replies_within_the_limit_are_forwarded_as_they_came() {
        let exact = r#"{ "n": 9007199254740993, "d": 1.10, "e": 1E+2, "s": "\u00e9" }"#;
        for (body, media, limit, expected) in [
            (exact, Media::Json, 1000, exact),
            (exact, Media::Json, exact.len(), exact),
            (exact, Media::Json, 0, exact),
            ("ééé", Media::Text, 3, "ééé"),
            ("", Media::Empty, 1, "Done: HTTP 204, no content."),
        ] {
            assert_eq!(texts(reply(body, media), limit), (false, vec![expected.to_owned()]), "{body} {limit}");
        }
    }

    #[test]
    fn errors_are_results_in_words() {
        let result = to_result(Err(CallError::Cancelled), 10);
        assert_eq!(result.meta.unwrap().get(CODE), Some(&"cancelled".into()));
        let (is_error, texts) = texts(Err(CallError::Cancelled), 10);
        assert!(is_error);
        assert!(texts[0].starts_with("The call was cancelled."));
    }

    #[test]
    fn too_long_replies_are_cut_and_say_so() {
        let body = format!("[{}]", vec!["9007199254740993"; 100].join(","));
        let (is_error, texts) = texts(reply(&body, Media::Json), 100);
        assert!(!is_error);
        assert!(texts[0].chars().count() <= 100);
        let kept: Vec<Value> = serde_json::from_str(&texts[0]).unwrap();
        assert_eq!(serde_json::to_string(&kept[0]).unwrap(), "9007199254740993");
        assert_eq!(texts[1], "Left out: 95 of 100 items. Ask for a later page or a narrower filter.");
    }
}
