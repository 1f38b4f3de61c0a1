//! Input schemas taken apart once, so that a check only walks them.

use std::collections::{HashMap, HashSet};

use regress::Regex;
use serde_json::{Map, Value};

use super::format::Format;
use super::number::Decimal;
use super::value::same;

/// A whole input schema.
pub(super) struct Root {
    /// The schema of the arguments, then those below `$defs`.
    pub(super) nodes: Vec<Schema>,
    /// What the tool takes, in the order of the schema.
    pub(super) arguments: Vec<Argument>,
    /// Names of members, at any depth, that a password schema describes.
    pub(super) passwords: HashSet<String>,
    /// Names of members somewhere in whose value there is a password.
    pub(super) password_holders: HashSet<String>,
}

/// An argument of the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) required: bool,
}

/// A schema. Keywords it does not have are empty or `None`.
#[derive(Default)]
pub(super) struct Schema {
    /// The schema `false`.
    pub(super) never: bool,
    /// Index into [`Root::nodes`].
    pub(super) reference: Option<usize>,
    pub(super) types: Vec<Type>,
    /// The values of `enum` and `const`.
    pub(super) choices: Option<Vec<Value>>,
    pub(super) bounds: Vec<Bound>,
    pub(super) multiple_of: Option<Number>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) pattern: Option<Pattern>,
    pub(super) format: Option<Format>,
    pub(super) password: bool,
    pub(super) min_items: Option<usize>,
    pub(super) max_items: Option<usize>,
    pub(super) unique_items: bool,
    pub(super) items: Option<Box<Schema>>,
    pub(super) properties: Vec<Property>,
    /// Required members that `properties` does not describe.
    pub(super) also_required: Vec<String>,
    pub(super) additional: Additional,
    pub(super) min_properties: Option<usize>,
    pub(super) max_properties: Option<usize>,
    pub(super) all_of: Vec<Schema>,
    pub(super) any_of: Vec<Schema>,
    pub(super) one_of: Vec<Schema>,
    pub(super) not: Option<Box<Schema>>,
}

/// A member of an object that the schema describes.
pub(super) struct Property {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) schema: Schema,
}

/// What becomes of members that `properties` does not describe.
#[derive(Default)]
pub(super) enum Additional {
    #[default]
    Accepted,
    Refused,
    Described(Box<Schema>),
}

/// A number of the schema with the text it is written as.
pub(super) struct Number {
    pub(super) text: String,
    pub(super) value: Decimal<'static>,
}

/// One of the four limits of a number.
pub(super) struct Bound {
    pub(super) words: &'static str,
    pub(super) limit: Number,
    pub(super) accepts: fn(std::cmp::Ordering) -> bool,
}

/// A regular expression with the text it is written as.
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) regex: Regex,
}

/// A type of JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    /// Whether a value is of this type; `5.0` is an integer.
    pub(super) fn admits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Integer, Value::Number(number)) => Decimal::parse(number.as_str()).is_whole(),
            (Self::Null, Value::Null)
            | (Self::Boolean, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::String, Value::String(_))
            | (Self::Array, Value::Array(_))
            | (Self::Object, Value::Object(_)) => true,
            _ => false,
        }
    }

    /// What a value of this type is, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }

    /// The narrowest type of a value.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) if Self::Integer.admits(value) => Self::Integer,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }
}

impl Root {
    /// Reads a schema.
    ///
    /// # Errors
    /// A sentence that says why the text is no usable schema: no JSON, or a reference into nothing.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let source: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let definitions = source.get("$defs").and_then(Value::as_object);
        let named = || definitions.into_iter().flatten();
        let reader = Reader { definitions: named().map(|(name, _)| name.as_str()).zip(1..).collect() };
        let nodes = std::iter::once(&source)
            .chain(named().map(|(_, definition)| definition))
            .map(|definition| reader.schema(definition))
            .collect::<Result<Vec<_>, _>>()?;
        let mut root =
            Self { nodes, arguments: Vec::new(), passwords: HashSet::new(), password_holders: HashSet::new() };
        root.arguments = super::survey::arguments(&root);
        // The survey costs the square of the schema's size, and few schemas know passwords.
        if text.contains(r#""password""#) {
            (root.passwords, root.password_holders) = super::survey::passwords(&root);
        }
        Ok(root)
    }
}

struct Reader<'a> {
    definitions: HashMap<&'a str, usize>,
}

impl Reader<'_> {
    fn schema(&self, source: &Value) -> Result<Schema, String> {
        let Some(keywords) = source.as_object() else {
            return Ok(Schema { never: source == &Value::Bool(false), ..Schema::default() });
        };
        let string = |keyword| keywords.get(keyword).and_then(Value::as_str);
        let count = |keyword| keywords.get(keyword).and_then(count);
        let (properties, also_required) = self.properties(keywords)?;
        Ok(Schema {
            never: false,
            reference: string("$ref").map(|reference| self.reference(reference)).transpose()?,
            types: types(keywords.get("type")),
            choices: choices(keywords),
            bounds: bounds(keywords),
            multiple_of: keywords.get("multipleOf").and_then(number),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            pattern: string("pattern").and_then(pattern),
            format: string("format").and_then(Format::named),
            password: string("format") == Some("password"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: keywords.get("uniqueItems") == Some(&Value::Bool(true)),
            items: self.one(keywords, "items")?,
            properties,
            also_required,
            additional: match keywords.get("additionalProperties") {
                None | Some(Value::Bool(true)) => Additional::Accepted,
                Some(Value::Bool(false)) => Additional::Refused,
                Some(described) => Additional::Described(Box::new(self.schema(described)?)),
            },
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            all_of: self.many(keywords, "allOf")?,
            any_of: self.many(keywords, "anyOf")?,
            one_of: self.many(keywords, "oneOf")?,
            not: self.one(keywords, "not")?,
        })
    }

    fn one(&self, keywords: &Map<String, Value>, keyword: &str) -> Result<Option<Box<Schema>>, String> {
        keywords.get(keyword).map(|source| self.schema(source).map(Box::new)).transpose()
    }

    fn many(&self, keywords: &Map<String, Value>, keyword: &str) -> Result<Vec<Schema>, String> {
        let sources = keywords.get(keyword).and_then(Value::as_array);
        sources.into_iter().flatten().map(|source| self.schema(source)).collect()
    }

    /// The described members, and the names of required ones that are not among them.
    fn properties(&self, keywords: &Map<String, Value>) -> Result<(Vec<Property>, Vec<String>), String> {
        let required = keywords.get("required").and_then(Value::as_array);
        let mut required: Vec<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
        let mut properties = Vec::new();
        for (name, source) in keywords.get("properties").and_then(Value::as_object).into_iter().flatten() {
            properties.push(Property {
                name: name.clone(),
                required: required.contains(&name.as_str()),
                schema: self.schema(source)?,
            });
        }
        required.retain(|name| !properties.iter().any(|property| property.name == *name));
        Ok((properties, required.into_iter().map(str::to_owned).collect()))
    }

    fn reference(&self, reference: &str) -> Result<usize, String> {
        if reference == "#" {
            return Ok(0);
        }
        let name = reference.strip_prefix("#/$defs/").map(|name| name.replace("~1", "/").replace("~0", "~"));
        name.and_then(|name| self.definitions.get(name.as_str()).copied())
            .ok_or_else(|| format!("the reference {reference} leads nowhere"))
    }
}

fn types(keyword: Option<&Value>) -> Vec<Type> {
    match keyword {
        Some(Value::String(name)) => Type::named(name).into_iter().collect(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).filter_map(Type::named).collect(),
        _ => Vec::new(),
    }
}

fn choices(keywords: &Map<String, Value>) -> Option<Vec<Value>> {
    let listed = keywords.get("enum").and_then(Value::as_array);
    match keywords.get("const") {
        Some(only) if listed.is_some_and(|listed| !listed.iter().any(|choice| same(choice, only))) => Some(Vec::new()),
        Some(only) => Some(vec![only.clone()]),
        None => listed.cloned(),
    }
}

fn bounds(keywords: &Map<String, Value>) -> Vec<Bound> {
    type Accepts = fn(std::cmp::Ordering) -> bool;
    let table: [(&str, &'static str, Accepts); 4] = [
        ("minimum", "at least", std::cmp::Ordering::is_ge),
        ("exclusiveMinimum", "greater than", std::cmp::Ordering::is_gt),
        ("maximum", "at most", std::cmp::Ordering::is_le),
        ("exclusiveMaximum", "less than", std::cmp::Ordering::is_lt),
    ];
    let bound =
        |(keyword, words, accepts)| keywords.get(keyword).and_then(number).map(|limit| Bound { words, limit, accepts });
    table.into_iter().filter_map(bound).collect()
}

fn number(source: &Value) -> Option<Number> {
    let text = source.as_number()?.to_string();
    let value = Decimal::parse(&text).into_owned();
    Some(Number { text, value })
}

/// A length or count, which may be written as `5.0`.
fn count(source: &Value) -> Option<usize> {
    let number = source.as_number()?;
    let whole = number.as_str().strip_suffix(".0").unwrap_or(number.as_str());
    whole.parse().ok()
}

/// Patterns mean Unicode characters, but many are written in the laxer syntax without that flag.
/// One that is no ECMA-262 pattern at all is left to the provider to judge.
fn pattern(text: &str) -> Option<Pattern> {
    let regex = Regex::with_flags(text, "u").or_else(|_| Regex::new(text)).ok()?;
    Some(Pattern { text: text.to_owned(), regex })
}
