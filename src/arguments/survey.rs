//! What is found out about a schema as a whole: which arguments there are and which hold secrets.

use std::collections::HashSet;

use super::schema::{Additional, Argument, Root, Schema};

/// Every argument that the root describes, directly or through `$ref`, `allOf`, `anyOf` and `oneOf`.
pub(super) fn arguments(root: &Root) -> Vec<Argument> {
    let mut found: Vec<Argument> = Vec::new();
    let mut add = |name: &str, required| match found.iter_mut().find(|argument| argument.name == name) {
        Some(known) => known.required |= required,
        None => found.push(Argument { name: name.to_owned(), required }),
    };
    Walk::new(root).same_value(&root.nodes[0], true, &mut |schema, certain| {
        for property in &schema.properties {
            add(&property.name, certain && property.required);
        }
        for name in &schema.also_required {
            add(name, certain);
        }
    });
    found
}

/// The names of members that are passwords, and of those that have one somewhere inside.
pub(super) fn passwords(root: &Root) -> (HashSet<String>, HashSet<String>) {
    let (mut passwords, mut holders) = (HashSet::new(), HashSet::new());
    for node in &root.nodes {
        every_member(node, &mut |name, schema| {
            if Walk::new(root).any(schema, false) {
                passwords.insert(name.to_owned());
            } else if Walk::new(root).any(schema, true) {
                holders.insert(name.to_owned());
            }
        });
    }
    (passwords, holders)
}

/// Calls `visit` for every described member below `schema`, not following references.
fn every_member(schema: &Schema, visit: &mut impl FnMut(&str, &Schema)) {
    for property in &schema.properties {
        visit(&property.name, &property.schema);
    }
    for part in in_place(schema).chain(elements(schema)).chain(schema.properties.iter().map(|p| &p.schema)) {
        every_member(part, visit);
    }
}

/// Schemas that judge the same value.
fn in_place(schema: &Schema) -> impl Iterator<Item = &Schema> {
    schema.all_of.iter().chain(&schema.any_of).chain(&schema.one_of)
}

/// Schemas of elements and of members without a name of their own.
fn elements(schema: &Schema) -> impl Iterator<Item = &Schema> {
    let additional = match &schema.additional {
        Additional::Described(described) => Some(&**described),
        Additional::Accepted | Additional::Refused => None,
    };
    schema.items.as_deref().into_iter().chain(additional)
}

/// A walk that enters every definition once, so that cycles end.
struct Walk<'a> {
    root: &'a Root,
    entered: HashSet<usize>,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Root) -> Self {
        Self { root, entered: HashSet::new() }
    }

    fn target(&mut self, schema: &Schema) -> Option<&'a Schema> {
        let index = schema.reference.filter(|index| self.entered.insert(*index))?;
        self.root.nodes.get(index)
    }

    /// Visits all schemas of one value; `certain` is false below alternatives.
    fn same_value(&mut self, schema: &Schema, certain: bool, visit: &mut impl FnMut(&Schema, bool)) {
        visit(schema, certain);
        if let Some(target) = self.target(schema) {
            self.same_value(target, certain, visit);
        }
        for part in &schema.all_of {
            self.same_value(part, certain, visit);
        }
        for part in schema.any_of.iter().chain(&schema.one_of) {
            self.same_value(part, false, visit);
        }
    }

    /// Whether the value is a password or has passwords as elements, and with `members` also
    /// whether a member at any depth is one.
    fn any(&mut self, schema: &Schema, members: bool) -> bool {
        schema.password
            || self.target(schema).is_some_and(|target| self.any(target, members))
            || in_place(schema).chain(elements(schema)).any(|part| self.any(part, members))
            || members && schema.properties.iter().any(|property| self.any(&property.schema, members))
    }
}
