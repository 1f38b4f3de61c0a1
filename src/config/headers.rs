//! Reads `name:value,name:value`, the form of `API_HEADERS`.

use crate::account::Secret;

/// Why a list of headers cannot be read. Values are never part of it: they may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadersError {
    /// An entry without `:`.
    #[error("entry {0} has no `:` between name and value.")]
    NoColon(usize),
    /// An entry whose name is empty.
    #[error("entry {0} has no name before the `:`.")]
    NoName(usize),
    /// A quoted value without an end.
    #[error("the value of `{0}` starts with a quote that is never closed.")]
    Unclosed(String),
    /// Something stands between a closing quote and the next comma.
    #[error("the value of `{0}` goes on after its closing quote.")]
    AfterQuote(String),
}

/// Reads entries separated by commas. A value ends at the next comma and may hold further colons; one
/// in double quotes may hold commas too, and `\"` and `\\` stand for themselves. Spaces around names
/// and values do not count, and neither does a comma at the end.
///
/// # Errors
/// If an entry has no colon or no name, or a quote is not closed or followed by more.
pub(super) fn parse(text: &str) -> Result<Vec<(String, Secret)>, HeadersError> {
    let mut headers = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let number = headers.len() + 1;
        let entry_end = rest.find(',').unwrap_or(rest.len());
        let (name, after) =
            rest.split_once(':').filter(|(name, _)| name.len() < entry_end).ok_or(HeadersError::NoColon(number))?;
        let name = name.trim();
        if name.is_empty() {
            return Err(HeadersError::NoName(number));
        }
        let (value, tail) = value(name, after.trim_start())?;
        headers.push((name.to_owned(), Secret::new(value)));
        rest = tail.trim_start();
    }
    Ok(headers)
}

/// The value at the start of `text` and what follows the comma behind it.
fn value<'t>(name: &str, text: &'t str) -> Result<(String, &'t str), HeadersError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(',').unwrap_or((text, ""));
        return Ok((value.trim_end().to_owned(), rest));
    };
    let (value, rest) = unquote(quoted).ok_or_else(|| HeadersError::Unclosed(name.to_owned()))?;
    match rest.trim_start() {
        "" => Ok((value, "")),
        rest => match rest.strip_prefix(',') {
            Some(rest) => Ok((value, rest)),
            None => Err(HeadersError::AfterQuote(name.to_owned())),
        },
    }
}

/// The text up to the closing quote and what follows that.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[index + 1..])),
            '\\' if text[index + 1..].starts_with(['"', '\\']) => {
                value.extend(characters.next().map(|(_, escaped)| escaped))
            }
            character => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("  ", &[]),
            ("a:b", &[("a", "b")]),
            (" a : b , c:d ,", &[("a", "b"), ("c", "d")]),
            ("X-Url:http://a.example:81/b,x:y", &[("X-Url", "http://a.example:81/b"), ("x", "y")]),
            (r#"a:"x,y:z", b: "say \"hi\" \\ C:\dir" "#, &[("a", "x,y:z"), ("b", r#"say "hi" \ C:\dir"#)]),
            ("a:", &[("a", "")]),
            ("a:,b:\"\"", &[("a", ""), ("b", "")]),
            ("a:b\"c", &[("a", "b\"c")]),
        ];
        for (text, expected) in cases {
            let headers = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
            assert_eq!(&headers, expected, "{text}");
        }
    }

    #[test]
    fn malformed_headers_are_told_without_their_values() {
        for (text, expected) in [
            ("secret", HeadersError::NoColon(1)),
            ("a:b,secret,c:d", HeadersError::NoColon(2)),
            ("a:b,,c:d", HeadersError::NoColon(2)),
            (":secret", HeadersError::NoName(1)),
            ("a:\"secret", HeadersError::Unclosed("a".into())),
            ("a:\"secret\\\"", HeadersError::Unclosed("a".into())),
            ("a:\"b\"secret,c:d", HeadersError::AfterQuote("a".into())),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
