//! Where in the arguments a value stands.

use super::value::{quoted, shortened};

/// Longer member names are cut in messages.
const LONGEST_NAME: usize = 60;

/// The place of a value, as a list on the stack: a check that finds nothing allocates nothing.
pub(super) struct Path<'a> {
    parent: Option<(&'a Path<'a>, Step<'a>)>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

impl<'a> Path<'a> {
    /// The arguments as a whole.
    pub(super) const ROOT: Path<'static> = Path { parent: None, depth: 0 };

    pub(super) fn member(&'a self, name: &'a str) -> Self {
        Self { parent: Some((self, Step::Member(name))), depth: self.depth + 1 }
    }

    pub(super) fn element(&'a self, index: usize) -> Self {
        Self { parent: Some((self, Step::Element(index))), depth: self.depth + 1 }
    }

    pub(super) fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// How many values this one is inside of.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// As it is shown: `rules[2].port`, `labels["a b"]`.
    pub(super) fn readable(&self) -> String {
        if self.is_root() {
            return "arguments".to_owned();
        }
        let mut text = String::new();
        for step in self.steps() {
            match step {
                Step::Element(index) => text.push_str(&format!("[{index}]")),
                Step::Member(name) if is_plain(name) => {
                    text.push_str(if text.is_empty() { "" } else { "." });
                    text.push_str(name);
                }
                Step::Member(name) => text.push_str(&format!("[{}]", quoted(&shortened(name, LONGEST_NAME)))),
            }
        }
        text
    }

    /// As reviewed facts name it: `rules[].port`.
    pub(super) fn dotted(&self) -> String {
        let mut text = String::new();
        for step in self.steps() {
            match step {
                Step::Element(_) => text.push_str("[]"),
                Step::Member(name) => {
                    text.push_str(if text.is_empty() { "" } else { "." });
                    text.push_str(name);
                }
            }
        }
        text
    }

    /// The names on the way, outermost first.
    pub(super) fn names(&self) -> impl DoubleEndedIterator<Item = &'a str> {
        self.steps().into_iter().filter_map(|step| match step {
            Step::Member(name) => Some(name),
            Step::Element(_) => None,
        })
    }

    fn steps(&self) -> Vec<Step<'a>> {
        let mut steps = Vec::with_capacity(self.depth);
        let mut next = self.parent;
        while let Some((parent, step)) = next {
            steps.push(step);
            next = parent.parent;
        }
        steps.reverse();
        steps
    }
}

/// Whether a name needs no quotes.
fn is_plain(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn paths_read_well() {
        let root = Path::ROOT;
        let rules = root.member("rules");
        let rule = rules.element(2);
        let port = rule.member("port");
        let odd = rule.member("a b\n");
        assert_eq!((root.readable(), root.dotted()), ("arguments".into(), String::new()));
        assert_eq!((port.readable(), port.dotted()), ("rules[2].port".into(), "rules[].port".into()));
        assert_eq!(odd.readable(), r#"rules[2]["a b\n"]"#);
        assert_eq!(port.names().collect::<Vec<_>>(), ["rules", "port"]);
        assert_eq!(root.member(&"x".repeat(500)).readable().chars().count(), 64);
    }
}
