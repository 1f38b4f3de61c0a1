//! Cuts a text to size. JSON stays valid: arrays lose elements from the end, strings are shortened,
//! numbers keep their digits.

use serde_json::{Map, Value};

use crate::executor::Media;

/// Places that the note names one by one.
const PLACES: usize = 5;

/// An object with more members than this is a dictionary: better some entries whole than all in shreds.
const DICTIONARY: usize = 50;

/// Ends a shortened string.
const ELLIPSIS: char = '…';

/// What is left of a text, and what is not.
pub(super) struct Cut {
    pub(super) text: String,
    /// What was left out; `None` if only white space was.
    pub(super) note: Option<String>,
}

/// Cuts the text to at most `limit` characters.
pub(super) fn cut(text: &str, limit: usize, media: Media) -> Cut {
    let json = (media != Media::Text).then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    json.and_then(|value| cut_json(value, limit)).unwrap_or_else(|| cut_text(text, limit))
}

fn cut_text(text: &str, limit: usize) -> Cut {
    let total = text.chars().count();
    let note = format!(
        "Left out: {} of {total} characters from the end. Ask for a narrower filter or a shorter period.",
        total.saturating_sub(limit)
    );
    Cut { text: text.chars().take(limit).collect(), note: Some(note) }
}

fn cut_json(mut value: Value, limit: usize) -> Option<Cut> {
    let mut shears = Shears::default();
    if !shears.fit(&mut value, limit) {
        return None;
    }
    Some(Cut { text: value.to_string(), note: shears.note() })
}

#[derive(Default)]
struct Shears {
    /// Where we are, as `data[3].name`.
    path: String,
    left_out: Vec<String>,
}

impl Shears {
    /// Makes the value at most `budget` characters long. `false` if that cannot be done; the value
    /// is then to be left out altogether.
    fn fit(&mut self, value: &mut Value, budget: usize) -> bool {
        if within(value, budget) {
            return true;
        }
        match value {
            Value::String(text) => self.fit_string(text, budget),
            Value::Array(elements) => self.fit_array(elements, budget),
            Value::Object(members) if members.len() > DICTIONARY => self.fit_dictionary(members, budget),
            Value::Object(members) => self.fit_object(members, budget),
            _ => false,
        }
    }

    fn fit_string(&mut self, text: &mut String, budget: usize) -> bool {
        let Some(mut room) = budget.checked_sub("\"…\"".chars().count()) else { return false };
        let total = text.chars().count();
        let mut kept = String::new();
        for c in text.chars() {
            let Some(rest) = room.checked_sub(escaped(c)) else { break };
            room = rest;
            kept.push(c);
        }
        let lost = total - kept.chars().count();
        kept.push(ELLIPSIS);
        *text = kept;
        self.report(lost, total, "characters");
        true
    }

    /// Keeps elements from the start. A big one among small ones is shortened rather than ending the list.
    fn fit_array(&mut self, elements: &mut Vec<Value>, budget: usize) -> bool {
        let Some(inner) = budget.checked_sub("[]".len()) else { return false };
        let (total, place) = (elements.len(), self.path.len());
        let mut room = inner;
        let mut kept = 0;
        for (index, element) in elements.iter_mut().enumerate() {
            let comma = usize::from(index > 0);
            let share = if index == 0 && total > 1 || room > inner / 2 { room / 2 } else { 0 };
            let share = if total == 1 { room } else { share };
            let whole = room.checked_sub(comma).filter(|room| within(element, *room));
            self.path.push_str(&format!("[{index}]"));
            let fits = whole.is_some() || (share > comma && self.fit(element, share - comma));
            self.path.truncate(place);
            if !fits {
                break;
            }
            room -= comma + size(element);
            kept += 1;
        }
        elements.truncate(kept);
        if kept < total {
            self.report(total - kept, total, "items");
        }
        true
    }

    /// Small members stay whole; the big ones share what is left. Members that cannot be shortened
    /// enough are left out.
    fn fit_object(&mut self, members: &mut Map<String, Value>, budget: usize) -> bool {
        let Some(mut room) = budget.checked_sub("{}".len()) else { return false };
        let (total, place) = (members.len(), self.path.len());
        let mut by_size: Vec<(usize, String)> =
            members.iter().map(|(name, value)| (size(value), name.clone())).collect();
        by_size.sort();
        for (done, (_, name)) in by_size.iter().enumerate() {
            // The colon, and a comma for all but one: counting it always errs on the safe side.
            let frame = text_size(name) + 2;
            let share = room / (total - done);
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(name);
            let fits = members.get_mut(name).is_some_and(|value| share > frame && self.fit(value, share - frame));
            self.path.truncate(place);
            match members.get(name).filter(|_| fits) {
                Some(value) => room -= frame + size(value),
                None => drop(members.shift_remove(name)),
            }
        }
        if members.len() < total {
            self.report(total - members.len(), total, "members");
        }
        true
    }

    /// Keeps members from the start.
    fn fit_dictionary(&mut self, members: &mut Map<String, Value>, budget: usize) -> bool {
        let Some(mut room) = budget.checked_sub("{}".len()) else { return false };
        let total = members.len();
        let sizes = members.iter().map(|(name, value)| text_size(name) + 2 + size(value));
        let fitting = sizes.map_while(|size| room.checked_sub(size).inspect(|rest| room = *rest)).count();
        *members = std::mem::take(members).into_iter().take(fitting).collect();
        self.report(total - fitting, total, "members");
        true
    }

    fn report(&mut self, lost: usize, total: usize, what: &str) {
        let of = if self.path.is_empty() { String::new() } else { format!(" of {}", self.path) };
        self.left_out.push(format!("{lost} of {total} {what}{of}"));
    }

    fn note(self) -> Option<String> {
        let more = self.left_out.len().saturating_sub(PLACES);
        let named = self.left_out.get(..PLACES).unwrap_or(&self.left_out).join(", ");
        match (self.left_out.len(), more) {
            (0, _) => None,
            (_, 0) => Some(format!("Left out: {named}. Ask for a later page or a narrower filter.")),
            _ => Some(format!(
                "Left out: {named}, and parts of {more} other places. Ask for a later page or a narrower filter."
            )),
        }
    }
}

/// Whether the value, serialised without white space, has at most so many characters.
fn within(value: &Value, budget: usize) -> bool {
    size(value) <= budget
}

/// Characters of the value, serialised without white space.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number.as_str().len(),
        Value::String(text) => text_size(text),
        Value::Array(elements) => 2 + elements.len().saturating_sub(1) + elements.iter().map(size).sum::<usize>(),
        Value::Object(members) => {
            let inner: usize = members.iter().map(|(name, value)| text_size(name) + 1 + size(value)).sum();
            2 + members.len().saturating_sub(1) + inner
        }
    }
}

fn text_size(text: &str) -> usize {
    2 + text.chars().map(escaped).sum::<usize>()
}

/// Characters that serde_json writes for one.
fn escaped(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(letter: &str) -> String {
        letter.repeat(500)
    }

    #[test]
    fn json_stays_valid_and_within_the_limit() {
        let items = |count: usize| {
            (0..count).map(|id| format!(r#"{{"id":{id},"name":"item {id}"}}"#)).collect::<Vec<_>>().join(",")
        };
        let dictionary = (0..200).map(|id| format!(r#""k{id}":[1.10,"{id}"]"#)).collect::<Vec<_>>().join(",");
        for (json, expected) in [
            (format!(r#"{{"data":[{}],"meta":{{"total":200,"big":9007199254740993}}}}"#, items(200)), "items of data"),
            (format!("[{}]", items(200)), "items."),
            (format!(r#"{{"content":"{}","lines":2}}"#, long("ü")), "of 500 characters of content"),
            (format!(r#""{}""#, long(r"\n")), "of 500 characters."),
            (format!(r#"[{{"log":"{}"}}]"#, long("x")), "characters of [0].log"),
            (format!(r#"[{{"log":"{}"}},{{"log":"short"}}]"#, long("x")), "characters of [0].log"),
            (format!(r#"{{"a":[{}],"b":[{}]}}"#, items(50), items(50)), "items of a, "),
            (format!("{{{dictionary}}}"), "of 200 members."),
            (format!(r#"{{"{}":1,"b":2}}"#, long("k")), "1 of 2 members."),
            ("[".repeat(100) + &long("1") + &"]".repeat(100), "of"),
            (format!(r#"{{"a":{{"b":{{"c":["{}"]}}}}}}"#, long(r"\u0007")), "characters of a.b.c[0]"),
        ] {
            for limit in [2, 3, 10, 50, 120, 400] {
                let cut = cut(&json, limit, Media::Json);
                assert!(cut.text.chars().count() <= limit, "{limit}: {}", cut.text);
                assert!(
                    serde_json::from_str::<Value>(&cut.text).is_ok() || limit == 2 && json.starts_with('"'),
                    "{limit}: {}",
                    cut.text
                );
                assert!(cut.note.is_some(), "{limit}: {}", cut.text);
                if limit == 400 {
                    assert!(cut.note.as_ref().unwrap().contains(expected), "{expected}: {:?} {}", cut.note, cut.text);
                }
            }
        }
    }

    #[test]
    fn what_is_small_stays_whole() {
        let json = format!(r#"{{"id":9007199254740993,"price":1.10,"text":"{}","ok":true}}"#, long("x"));
        let value: Value = serde_json::from_str(&cut(&json, 120, Media::Json).text).unwrap();
        assert_eq!(value["id"].to_string(), "9007199254740993");
        assert_eq!(value["price"].to_string(), "1.10");
        assert_eq!(value["ok"], Value::Bool(true));
        assert!(value["text"].as_str().unwrap().ends_with("x…"));
    }

    #[test]
    fn white_space_goes_first() {
        let cut = cut("[ 1,\n   2,\n   3 ]", 7, Media::Json);
        assert_eq!((cut.text.as_str(), cut.note), ("[1,2,3]", None));
    }

    #[test]
    fn text_is_cut_between_characters() {
        for (text, media) in [("üüüüü", Media::Text), ("{\"üüüü", Media::Json)] {
            let cut = cut(text, 3, media);
            assert_eq!(cut.text, text.chars().take(3).collect::<String>());
            assert!(cut.note.unwrap().starts_with("Left out: "));
        }
    }
}
