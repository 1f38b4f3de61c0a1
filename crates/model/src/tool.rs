use crate::{Operation, RequestBody, Review, Text};

/// One tool: a row of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// The name clients call, `^[A-Za-z0-9_-]{1,64}$`.
    pub name: Text,
    /// A short human-readable name.
    pub title: Text,
    /// What the tool does, for whoever decides to call it.
    pub description: Text,
    /// The toolset it belongs to.
    pub toolset: Text,
    /// Names it had before. They are answered and never listed.
    pub aliases: crate::List<Text>,
    /// The reviewed facts.
    pub review: Review,
    /// What a call does.
    pub binding: Binding,
    /// The tool that reads the resource a call acts on, with the same path arguments; empty where none does.
    pub reader: Text,
    /// The full input schema: JSON Schema 2020-12, an object, `$ref` only into its own `$defs`.
    pub input_schema: Text,
    /// The entry of `tools/list`, serialised.
    pub listing: Listing,
}

/// What calling a tool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// Sends one HTTP request.
    Operation(Operation),
}

/// The entry of a tool in `tools/list` as JSON text, in pieces because revisions of MCP before
/// 2025-06-18 know no `title`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// `{"name":"…"`
    pub head: Text,
    /// `,"title":"…"`
    pub title: Text,
    /// `,"description":…` up to where a further property of the input schema can go.
    pub tail: Text,
    /// The rest, up to the closing brace.
    pub end: Text,
}

impl Listing {
    /// Whether the input schema has no properties, so that one that is put in has to bring `properties` along.
    #[must_use]
    pub fn takes_nothing(&self) -> bool {
        self.tail.ends_with("\"object\"")
    }
}

impl Tool {
    /// Whether calls of the tool take an argument of this name.
    #[must_use]
    pub fn takes(&self, argument: &str) -> bool {
        let operation = self.operation();
        let members = match &operation.body {
            Some(RequestBody::Whole { argument: body }) => return body == argument || self.has_parameter(argument),
            Some(RequestBody::Members { members, .. }) => members.as_ref(),
            None => &[],
        };
        members.iter().any(|member| member.argument == argument) || self.has_parameter(argument)
    }

    fn has_parameter(&self, argument: &str) -> bool {
        self.operation().parameters.iter().any(|parameter| parameter.argument == argument)
    }

    /// The HTTP operation behind the tool.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        match &self.binding {
            Binding::Operation(operation) => operation,
        }
    }
}
