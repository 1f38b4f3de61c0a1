//! Expressions as source text. What is generated is large and regular: to parse and print it as Rust
//! syntax takes more time than everything else together.

use std::borrow::Cow;
use std::fmt::Write as _;

const WIDTH: usize = 100;

/// An expression that says a value.
#[derive(Clone)]
pub(super) enum Expression {
    /// Written as it is.
    Atom(String),
    /// `Name { field: value, … }`
    Row(Cow<'static, str>, Vec<(Cow<'static, str>, Self)>),
    /// `name(value)`
    Call(&'static str, Box<Self>),
    /// `&[value, …]`, or with another opening
    List(&'static str, Vec<Self>),
}

/// A string literal; raw where that spares escapes and hides nothing.
pub(super) fn literal(text: &str) -> String {
    let visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !visible || !text.contains(['"', '\\']) {
        return format!("{text:?}");
    }
    let mut fence = String::from("#");
    while text.contains(&format!("\"{fence}")) {
        fence.push('#');
    }
    format!("r{fence}\"{text}\"{fence}")
}

impl Expression {
    pub(super) fn atom(text: impl Into<String>) -> Self {
        Self::Atom(text.into())
    }

    pub(super) fn row<const N: usize>(name: &'static str, fields: [(&'static str, Self); N]) -> Self {
        Self::Row(name.into(), fields.into_iter().map(|(field, value)| (field.into(), value)).collect())
    }

    pub(super) fn call(name: &'static str, value: Self) -> Self {
        Self::Call(name, Box::new(value))
    }

    /// Prints the expression on what is left of the line, or over several lines.
    pub(super) fn print(&self, depth: usize, out: &mut String) {
        let start = out.len();
        if self.flat(out, start + WIDTH.saturating_sub(4 * depth)) {
            return;
        }
        out.truncate(start);
        match self {
            Self::Atom(text) => out.push_str(text),
            Self::Row(name, fields) => {
                _ = writeln!(out, "{name} {{");
                for (field, value) in fields {
                    indent(depth + 1, out);
                    _ = write!(out, "{field}: ");
                    value.print(depth + 1, out);
                    out.push_str(",\n");
                }
                indent(depth, out);
                out.push('}');
            }
            Self::Call(name, value) => {
                _ = write!(out, "{name}(");
                value.print(depth, out);
                out.push(')');
            }
            Self::List(open, values) => {
                _ = writeln!(out, "{open}");
                for value in values {
                    indent(depth + 1, out);
                    value.print(depth + 1, out);
                    out.push_str(",\n");
                }
                indent(depth, out);
                out.push(']');
            }
        }
    }

    /// Writes on one line; false as soon as that grows beyond `end` bytes of output.
    fn flat(&self, out: &mut String, end: usize) -> bool {
        match self {
            Self::Atom(text) => {
                if out.len() + text.len() > end {
                    return false;
                }
                out.push_str(text);
            }
            Self::Row(name, fields) => {
                out.push_str(name);
                for (index, (field, value)) in fields.iter().enumerate() {
                    _ = write!(out, "{}{field}: ", if index == 0 { " { " } else { ", " });
                    if !value.flat(out, end) {
                        return false;
                    }
                }
                out.push_str(if fields.is_empty() { " {}" } else { " }" });
            }
            Self::Call(name, value) => {
                _ = write!(out, "{name}(");
                if !value.flat(out, end) {
                    return false;
                }
                out.push(')');
            }
            Self::List(open, values) => {
                out.push_str(open);
                for (index, value) in values.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    if !value.flat(out, end) {
                        return false;
                    }
                }
                out.push(']');
            }
        }
        out.len() <= end
    }
}

pub(super) fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("    ", depth));
}
