//! Walks arguments and schema together.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use infra_mcp_model::Text;
use serde_json::{Map, Value};

use super::finding::{Finding, Findings};
use super::number::Decimal;
use super::path::Path;
use super::schema::{Additional, Root, Schema};
use super::value::{canonical, same};

/// Arguments may be nested this deep. A schema may refer to itself, and the stack ends somewhere.
const DEEPEST: usize = 64;
/// Schemas that may be open at once: several can judge the same value.
const MOST_OPEN: u32 = 256;
/// Schemas that may be applied in one check. Recursive alternatives can multiply with every level.
const MOST_APPLIED: u32 = 500_000;

/// One check of one call.
pub(super) struct Check<'a> {
    pub(super) root: &'a Root,
    secret_arguments: &'a [Text],
    applied: Cell<u32>,
    open: Cell<u32>,
    /// The reason why the check could not be finished.
    stopped: RefCell<Option<Finding>>,
}

impl<'a> Check<'a> {
    pub(super) fn new(root: &'a Root, secret_arguments: &'a [Text]) -> Self {
        Self { root, secret_arguments, applied: Cell::new(0), open: Cell::new(0), stopped: RefCell::new(None) }
    }

    /// Everything that is wrong with the arguments.
    pub(super) fn run(self, arguments: &Value) -> Findings {
        let mut out = Findings::all();
        self.apply(&self.root.nodes[0], arguments, &Path::ROOT, &mut out);
        self.unknown_arguments(arguments, &mut out);
        let Some(reason) = self.stopped.into_inner() else {
            return out;
        };
        // What else was found may follow from the check having been cut short.
        let mut out = Findings::all();
        out.add(|| reason);
        out
    }

    /// Adds what is wrong with a value.
    pub(super) fn apply(&self, schema: &Schema, value: &Value, path: &Path<'_>, out: &mut Findings) {
        if out.is_settled() || !self.may_go_on(path) {
            return;
        }
        self.open.set(self.open.get() + 1);
        self.judge(schema, value, path, out);
        self.open.set(self.open.get() - 1);
    }

    /// Whether nothing is wrong with a value.
    pub(super) fn accepts(&self, schema: &Schema, value: &Value, path: &Path<'_>) -> bool {
        let mut out = Findings::any();
        self.apply(schema, value, path, &mut out);
        out.is_empty()
    }

    fn may_go_on(&self, path: &Path<'_>) -> bool {
        self.applied.set(self.applied.get() + 1);
        let reason = if path.depth() > DEEPEST {
            format!("is nested more than {DEEPEST} levels deep")
        } else if self.open.get() >= MOST_OPEN {
            "cannot be checked: the schema of this tool refers to itself without end here".to_owned()
        } else if self.applied.get() > MOST_APPLIED {
            "is too large or intricate to be checked; send less in one call".to_owned()
        } else {
            return self.stopped.borrow().is_none();
        };
        self.stopped.borrow_mut().get_or_insert_with(|| Finding::plain(path, reason));
        false
    }

    fn judge(&self, schema: &Schema, value: &Value, path: &Path<'_>, out: &mut Findings) {
        if schema.never {
            return out.add(|| Finding::plain(path, "is not accepted here".to_owned()));
        }
        if let Some(target) = schema.reference.and_then(|index| self.root.nodes.get(index)) {
            self.apply(target, value, path, out);
        }
        if let Some(choices) = &schema.choices
            && !choices.iter().any(|choice| same(choice, value))
        {
            return out.add(|| self.no_choice(choices, value, path));
        }
        if !schema.types.is_empty() && !schema.types.iter().any(|t| t.admits(value)) {
            return out.add(|| self.wrong_type(&schema.types, Some(schema), value, path));
        }
        match value {
            Value::Number(number) => self.number(schema, value, &Decimal::parse(number.as_str()), path, out),
            Value::String(text) => self.string(schema, value, text, path, out),
            Value::Array(elements) => self.array(schema, elements, path, out),
            Value::Object(members) => self.object(schema, members, path, out),
            Value::Null | Value::Bool(_) => {}
        }
        self.combined(schema, value, path, out);
    }

    fn number(&self, schema: &Schema, value: &Value, number: &Decimal<'_>, path: &Path<'_>, out: &mut Findings) {
        for bound in schema.bounds.iter().filter(|bound| !(bound.accepts)(number.cmp(&bound.limit.value))) {
            out.add(|| self.with_value(path, format!("must be {} {}", bound.words, bound.limit.text), value));
        }
        if let Some(step) = schema.multiple_of.as_ref().filter(|step| !number.is_multiple_of(&step.value)) {
            out.add(|| self.with_value(path, format!("must be a multiple of {}", step.text), value));
        }
    }

    fn string(&self, schema: &Schema, value: &Value, text: &str, path: &Path<'_>, out: &mut Findings) {
        let length = if schema.min_length.is_some() || schema.max_length.is_some() { text.chars().count() } else { 0 };
        if let Some(least) = schema.min_length.filter(|least| length < *least) {
            out.add(|| self.too_short(least, length, path));
        }
        if let Some(most) = schema.max_length.filter(|most| length > *most) {
            // Matching takes time that grows with the text, and this one is wrong anyway.
            return out.add(|| self.with_count(path, "be at most", most, "character", ("long", length)));
        }
        if let Some(pattern) = schema.pattern.as_ref().filter(|pattern| pattern.regex.find(text).is_none()) {
            out.add(|| self.with_value(path, format!("must match the pattern {}", pattern.text), value));
        }
        if let Some(format) = schema.format.filter(|format| !format.accepts(text)) {
            out.add(|| self.with_value(path, format!("must be {}", format.words()), value));
        }
    }

    fn array(&self, schema: &Schema, elements: &[Value], path: &Path<'_>, out: &mut Findings) {
        let length = elements.len();
        if let Some(least) = schema.min_items.filter(|least| length < *least) {
            out.add(|| self.with_count(path, "have at least", least, "element", ("", length)));
        }
        if let Some(most) = schema.max_items.filter(|most| length > *most) {
            out.add(|| self.with_count(path, "have at most", most, "element", ("", length)));
        }
        if let Some((first, second)) = schema.unique_items.then(|| repetition(elements)).flatten() {
            out.add(|| Finding::plain(path, format!("must not repeat elements: [{second}] equals [{first}]")));
        }
        if let Some(items) = &schema.items {
            for (index, element) in elements.iter().enumerate() {
                self.apply(items, element, &path.element(index), out);
            }
        }
    }

    fn object(&self, schema: &Schema, members: &Map<String, Value>, path: &Path<'_>, out: &mut Findings) {
        let count = members.len();
        if let Some(least) = schema.min_properties.filter(|least| count < *least) {
            out.add(|| self.with_count(path, "have at least", least, "member", ("", count)));
        }
        if let Some(most) = schema.max_properties.filter(|most| count > *most) {
            out.add(|| self.with_count(path, "have at most", most, "member", ("", count)));
        }
        let mut described = 0;
        for property in &schema.properties {
            let path = path.member(&property.name);
            match members.get(&property.name) {
                Some(member) => {
                    described += 1;
                    let before = out.kept().len();
                    self.apply(&property.schema, member, &path, out);
                    if member.is_null() && !property.required && out.kept().len() > before {
                        Finding::advise(out, "leave it out instead");
                    }
                }
                None if property.required => out.add(|| Finding::plain(&path, "is required".to_owned())),
                None => {}
            }
        }
        for name in schema.also_required.iter().filter(|name| !members.contains_key(*name)) {
            out.add(|| Finding::plain(&path.member(name), "is required".to_owned()));
        }
        if described < count {
            self.other_members(schema, members, path, out);
        }
    }

    /// Members that the schema does not describe by name.
    fn other_members(&self, schema: &Schema, members: &Map<String, Value>, path: &Path<'_>, out: &mut Findings) {
        if matches!(schema.additional, Additional::Accepted) {
            return;
        }
        let described: HashSet<&str> = schema.properties.iter().map(|property| property.name.as_str()).collect();
        for (name, member) in members.iter().filter(|(name, _)| !described.contains(name.as_str())) {
            if path.is_root() && !self.is_argument(name) {
                continue; // `unknown_arguments` tells, whatever the schema says.
            }
            match &schema.additional {
                Additional::Described(additional) => self.apply(additional, member, &path.member(name), out),
                _ => out.add(|| self.unknown_member(schema, members, name, path)),
            }
        }
    }

    fn unknown_arguments(&self, arguments: &Value, out: &mut Findings) {
        let Some(given) = arguments.as_object() else {
            return;
        };
        for name in given.keys().filter(|name| !self.is_argument(name)) {
            out.add(|| self.unknown_argument(given, name));
        }
    }

    fn is_argument(&self, name: &str) -> bool {
        self.root.arguments.iter().any(|argument| argument.name == name)
    }

    /// Whether a value must not appear in messages: it is, is part of or contains a secret.
    pub(super) fn hides(&self, path: &Path<'_>) -> bool {
        let (passwords, holders) = (&self.root.passwords, &self.root.password_holders);
        let dotted = path.dotted();
        path.names().any(|name| passwords.contains(name))
            || path.names().next_back().is_some_and(|name| holders.contains(name))
            || self.secret_arguments.iter().any(|secret| on_one_way(&dotted, secret))
    }
}

/// Whether one dotted path is the other or leads to it.
fn on_one_way(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The first two equal elements.
fn repetition(elements: &[Value]) -> Option<(usize, usize)> {
    let mut seen = std::collections::HashMap::with_capacity(elements.len());
    elements.iter().enumerate().find_map(|(index, element)| Some((seen.insert(canonical(element), index)?, index)))
}
