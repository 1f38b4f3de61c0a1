//! Words from elsewhere, fit to be shown.

/// One line without characters that hide or turn text.
pub(crate) fn one_line(text: &str) -> String {
    let hides = |c: char| {
        matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
            || (c.is_control() && !c.is_whitespace())
            || matches!(c, '\u{E0000}'..='\u{E007F}')
    };
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| if word.contains(hides) { word.replace(hides, "") } else { word.to_owned() })
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// At most `limit` characters, cut at a word.
pub(crate) fn bounded(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let head: String = text.chars().take(limit - 2).collect();
    let cut = head.rfind(' ').unwrap_or(head.len());
    format!("{} …", &head[..cut])
}
