//! Writing indented source text.

use super::expression::{Expression, indent};

/// The longest line that is not broken.
const WIDTH: usize = 100;

/// Appends lines to the output at a depth of indentation.
pub(super) struct Source<'o> {
    out: &'o mut String,
    depth: usize,
}

impl<'o> Source<'o> {
    pub(super) const fn new(out: &'o mut String) -> Self {
        Self { out, depth: 0 }
    }

    pub(super) fn line(&mut self, text: &str) {
        self.start(text);
        self.out.push('\n');
    }

    /// The beginning of a line; [`Source::end`] finishes it.
    pub(super) fn start(&mut self, text: &str) {
        indent(self.depth, self.out);
        self.out.push_str(text);
    }

    pub(super) fn end(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    pub(super) fn value(&mut self, expression: &Expression) {
        expression.print(self.depth, self.out);
    }

    /// A doc comment. Characters that would end it or turn the direction of text become spaces.
    pub(super) fn doc(&mut self, text: &str) {
        let turning = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        for line in text.lines() {
            let line = line.replace(|c: char| c.is_control() || turning(c), " ");
            self.line(
                if line.trim().is_empty() { "///".to_owned() } else { format!("/// {}", line.trim_end()) }.as_str(),
            );
        }
    }

    pub(super) fn inner(&mut self, body: impl FnOnce(&mut Self)) {
        self.depth += 1;
        body(self);
        self.depth -= 1;
    }

    /// `head`, what `body` writes one level deeper, and a closing brace.
    pub(super) fn block(&mut self, head: &str, body: impl FnOnce(&mut Self)) {
        self.line(head);
        let start = self.out.len();
        self.inner(body);
        if self.out.len() == start {
            self.out.truncate(start - 1);
            return self.end("}");
        }
        self.line("}");
    }

    /// `open`, the items and `close`, on one line where they fit.
    pub(super) fn listed(&mut self, open: &str, items: &[String], close: &str) {
        let space = if open.ends_with('{') && !items.is_empty() { " " } else { "" };
        let flat = format!("{open}{space}{}{space}{close}", items.join(", "));
        if flat.len() + 4 * self.depth <= WIDTH {
            return self.line(&flat);
        }
        self.line(open);
        self.inner(|source| items.iter().for_each(|item| source.line(&format!("{item},"))));
        self.line(close);
    }
}

/// A legal identifier as near to `name` as can be: keywords get a trailing underscore.
pub(super) fn identifier(name: &str) -> String {
    const KEYWORDS: [&str; 53] = [
        "_", "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
        "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
        "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct",
        "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
        "yield",
    ];
    let mut legal: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    if legal.is_empty() || legal.starts_with(|c: char| c.is_ascii_digit()) {
        legal.insert(0, '_');
    }
    if KEYWORDS.contains(&legal.as_str()) {
        legal.push('_');
    }
    legal
}
