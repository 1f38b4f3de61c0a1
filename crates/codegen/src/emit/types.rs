//! A typed, `Serialize`-only struct for every tool.

use super::expression::{Expression, literal};
use super::source::{Source, identifier};
use crate::load::ToolsetSettings;
use crate::lower::sample::sample;
use crate::lower::schema::{definition_name, merged_object, names_type, resolve};
use crate::lower::{LoweredProvider, LoweredTool, LoweredToolset};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Type names that the generated modules use themselves.
const RESERVED: [&str; 9] = ["Nullable", "ToolCall", "Option", "Some", "None", "Vec", "String", "Self", "Map"];
/// The head of the functions that hand out filled structs.
const SAMPLES: &str =
    "pub(crate) fn samples() -> Vec<(&'static str, &'static str, ::serde_json::Value, &'static str)> {";

pub(super) fn emit(providers: &[LoweredProvider], enabled: &dyn Fn(&ToolsetSettings) -> bool, out: &mut String) {
    let mut source = Source::new(out);
    source.doc("A typed struct for every tool, by provider and toolset.");
    source.line("#[allow(");
    for lint in ["unused_imports", "clippy::all", "rustdoc::bare_urls", "rustdoc::broken_intra_doc_links"] {
        source.line(&format!("    {lint},"));
    }
    source.line("    rustdoc::invalid_html_tags");
    source.line(")]");
    source.block("pub mod types {", |source| {
        for provider in providers {
            let toolsets: Vec<_> = provider.toolsets.iter().filter(|toolset| enabled(&toolset.settings)).collect();
            source.doc(&format!("Typed tool calls of {}.", provider.provider.title));
            source.block(&format!("pub mod {} {{", module_name(&provider.provider.name)), |source| {
                toolsets.iter().for_each(|toolset| emit_toolset(&provider.provider.name, toolset, source));
                all_samples(toolsets.iter().map(|toolset| toolset.settings.name.as_str()), source);
            });
        }
        all_samples(providers.iter().map(|provider| provider.provider.name.as_ref()), source);
    });
}

fn all_samples<'a>(modules: impl Iterator<Item = &'a str>, source: &mut Source<'_>) {
    source.line("#[cfg(test)]");
    source.block(SAMPLES, |source| {
        source.line("let mut samples = Vec::new();");
        for module in modules {
            source.line(&format!("samples.extend({}::samples());", module_name(module)));
        }
        source.line("samples");
    });
}

fn emit_toolset(provider: &str, toolset: &LoweredToolset, source: &mut Source<'_>) {
    source.doc(&format!("{}.", toolset.settings.title));
    source.block(&format!("pub mod {} {{", module_name(&toolset.settings.name)), |source| {
        source.line("use crate::typed::{Nullable, ToolCall};");
        let mut taken: BTreeSet<String> = RESERVED.map(str::to_owned).into();
        let samples: Vec<_> = toolset.tools.iter().map(|tool| emit_tool(provider, tool, &mut taken, source)).collect();
        source.doc("Every struct of this module filled, with the JSON arguments it stands for.");
        source.line("#[cfg(test)]");
        source.block(SAMPLES, |source| {
            source.line("let mut samples = Vec::new();");
            for (tool, filled, json) in samples {
                source.start("let filled = ::serde_json::to_value(");
                source.value(&filled);
                source.end(").expect(\"plain data\");");
                let names = format!("{}, {}", literal(provider), literal(tool));
                source.line(&format!("samples.push(({names}, filled, {}));", literal(&json)));
            }
            source.line("samples");
        });
    });
}

pub(super) fn module_name(name: &str) -> String {
    identifier(&name.to_snake_case())
}

/// Emits the struct of a tool with all that it needs; gives tool name, sample and the sample's JSON.
fn emit_tool<'a>(
    provider: &str,
    lowered: &'a LoweredTool,
    taken: &mut BTreeSet<String>,
    source: &mut Source<'_>,
) -> (&'a str, Expression, String) {
    let empty = Map::new();
    let defs = lowered.input_schema.get("$defs").and_then(Value::as_object).unwrap_or(&empty);
    let schema = lowered.input_schema.as_object().unwrap_or(&empty);
    let value = sample(&lowered.input_schema, defs);
    let wanted = lowered.tool.name.to_upper_camel_case();
    let doc = format!("{}\n\n{}", lowered.tool.title, lowered.tool.description);
    let mut typer = Typer { defs, taken, source, open: Vec::new() };
    let typed = typer.structure(&wanted, schema, &lowered.published, &doc, &value);
    let name = lowered.tool.name.as_ref();
    source.block(&format!("impl ToolCall for {} {{", typed.kind), |source| {
        source.line(&format!("const PROVIDER: &'static str = {};", literal(provider)));
        source.line(&format!("const NAME: &'static str = {};", literal(name)));
    });
    (name, typed.literal, value.to_string())
}

/// A Rust type, and an expression of that type for a sample value.
struct Typed {
    kind: String,
    literal: Expression,
}

/// A field of a struct.
struct Field<'a> {
    name: String,
    wire: &'a str,
    doc: &'a str,
    kind: String,
    required: bool,
}

struct Typer<'a, 's, 'o> {
    defs: &'a Map<String, Value>,
    taken: &'a mut BTreeSet<String>,
    source: &'s mut Source<'o>,
    open: Vec<String>,
}

impl Typer<'_, '_, '_> {
    fn claim(&mut self, wanted: &str) -> String {
        let mut name = identifier(wanted);
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    fn structure(
        &mut self,
        wanted: &str,
        schema: &Map<String, Value>,
        published: &Value,
        doc: &str,
        value: &Value,
    ) -> Typed {
        let name = self.claim(wanted);
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        let mut names = BTreeSet::new();
        for (wire, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mut field = identifier(&wire.to_snake_case());
            while !names.insert(field.clone()) {
                field.push('_');
            }
            let told = published.get("properties").and_then(|properties| properties.get(wire)).unwrap_or(&Value::Null);
            let nested = format!("{wanted}{}", wire.to_upper_camel_case());
            let given = value.get(wire);
            let Typed { kind, literal } = self.schema(&nested, inner, told, given.unwrap_or(&Value::Null));
            let required = required.contains(&wire.as_str());
            let literal = match given {
                _ if required => literal,
                Some(_) => Expression::call("Some", literal),
                None => Expression::atom("None"),
            };
            values.push((field.clone().into(), literal));
            let doc = told.get("description").and_then(Value::as_str).unwrap_or(wire);
            fields.push(Field { name: field, wire, doc, kind, required });
        }
        self.emit_structure(&name, doc, &fields);
        Typed { kind: name.clone(), literal: Expression::Row(name.into(), values) }
    }

    fn emit_structure(&mut self, name: &str, doc: &str, fields: &[Field<'_>]) {
        self.source.doc(doc);
        self.source.line("#[derive(Debug, Clone, PartialEq, ::serde::Serialize)]");
        self.source.block(&format!("pub struct {name} {{"), |source| {
            for Field { name, wire, doc, kind, required } in fields {
                source.doc(doc);
                if name != wire {
                    source.line(&format!("#[serde(rename = {})]", literal(wire)));
                }
                if *required {
                    source.line(&format!("pub {name}: {kind},"));
                } else {
                    source.line("#[serde(skip_serializing_if = \"Option::is_none\")]");
                    source.line(&format!("pub {name}: Option<{kind}>,"));
                }
            }
        });
        let needed = fields.iter().filter(|field| field.required);
        let parameters: Vec<String> = needed.map(|field| format!("{}: {}", field.name, field.kind)).collect();
        let given = fields.iter().map(
            |Field { name, required, .. }| {
                if *required { name.clone() } else { format!("{name}: None") }
            },
        );
        let given: Vec<String> = given.collect();
        self.source.block(&format!("impl {name} {{"), |source| {
            source.doc("With the required arguments; the optional ones are left out.");
            source.line("#[must_use]");
            source.listed("pub fn new(", &parameters, ") -> Self {");
            source.inner(|source| source.listed("Self {", &given, "}"));
            source.line("}");
        });
    }

    fn schema(&mut self, wanted: &str, schema: &Value, published: &Value, value: &Value) -> Typed {
        let reference = schema.get("$ref").and_then(Value::as_str).and_then(definition_name);
        if let Some(name) = reference {
            if self.open.contains(&name) {
                return any(value);
            }
            let Some(target) = self.defs.get(&name).and_then(|target| resolve(target, self.defs)) else {
                return any(value);
            };
            self.open.push(name);
            let typed = self.schema(wanted, target, published, value);
            self.open.pop();
            return typed;
        }
        if let Some(inner) = nullable_part(schema) {
            let Typed { kind, literal } = self.schema(wanted, &inner, published, value);
            let literal = if value.is_null() {
                Expression::atom("Nullable::Null")
            } else {
                Expression::call("Nullable::Value", literal)
            };
            return Typed { kind: format!("Nullable<{kind}>"), literal };
        }
        self.plain(wanted, schema, published, value)
    }

    fn plain(&mut self, wanted: &str, schema: &Value, published: &Value, value: &Value) -> Typed {
        let composed = ["oneOf", "anyOf", "not"].iter().any(|key| schema.get(key).is_some());
        let kind = schema.get("type").and_then(Value::as_str);
        match (kind, value) {
            _ if composed => any(value),
            (Some("string"), Value::String(text)) => match schema.get("enum").and_then(Value::as_array) {
                Some(values) if values.iter().all(Value::is_string) => self.enumeration(wanted, values, text),
                _ => {
                    Typed { kind: "String".into(), literal: Expression::Atom(format!("{}.to_owned()", literal(text))) }
                }
            },
            (Some("integer"), Value::Number(number)) if number.is_i64() => {
                Typed { kind: "i64".into(), literal: Expression::Atom(number.to_string()) }
            }
            // A JSON number keeps its digits, which an `f64` would not.
            (Some("number"), Value::Number(_)) => parsed("::serde_json::Number", value),
            (Some("boolean"), Value::Bool(given)) => {
                Typed { kind: "bool".into(), literal: Expression::Atom(given.to_string()) }
            }
            (Some("array"), Value::Array(elements)) => self.array(wanted, schema, published, elements),
            _ => self.object(wanted, schema, published, value),
        }
    }

    fn object(&mut self, wanted: &str, schema: &Value, published: &Value, value: &Value) -> Typed {
        let Some(merged) = merged_object(schema, self.defs, 0).filter(|_| value.is_object()) else { return any(value) };
        if ["oneOf", "anyOf", "not"].iter().any(|key| merged.contains_key(*key)) {
            return any(value);
        }
        let open = merged.get("additionalProperties").is_some_and(|extra| *extra != Value::Bool(false));
        let named = merged.get("properties").and_then(Value::as_object).is_some_and(|named| !named.is_empty());
        if open || !named {
            return parsed("::serde_json::Map<String, ::serde_json::Value>", value);
        }
        let doc = published.get("description").and_then(Value::as_str).unwrap_or("Nested argument.").to_owned();
        self.structure(wanted, &merged, published, &doc, value)
    }

    fn array(&mut self, wanted: &str, schema: &Value, published: &Value, elements: &[Value]) -> Typed {
        let told = published.get("items").unwrap_or(&Value::Null);
        let (Some(items), Some(first)) = (schema.get("items"), elements.first()) else {
            return any(&Value::Array(elements.to_vec()));
        };
        let Typed { kind, literal } = self.schema(&format!("{wanted}Item"), items, told, first);
        Typed { kind: format!("Vec<{kind}>"), literal: Expression::List("vec![", vec![literal; elements.len()]) }
    }

    fn enumeration(&mut self, wanted: &str, values: &[Value], given: &str) -> Typed {
        let name = self.claim(wanted);
        self.source.doc(&format!("The values of `{wanted}`."));
        self.source.line("#[derive(Debug, Clone, Copy, PartialEq, Eq, ::serde::Serialize)]");
        let mut used = BTreeSet::new();
        let mut chosen = String::new();
        self.source.block(&format!("pub enum {name} {{"), |source| {
            for value in values.iter().filter_map(Value::as_str) {
                let mut variant = variant_name(value);
                while !used.insert(variant.clone()) {
                    variant.push('_');
                }
                source.doc(&format!("`{value}`"));
                source.line(&format!("#[serde(rename = {})]", literal(value)));
                source.line(&format!("{variant},"));
                if value == given {
                    chosen = variant;
                }
            }
        });
        Typed { literal: Expression::Atom(format!("{name}::{chosen}")), kind: name }
    }
}

fn variant_name(value: &str) -> String {
    let name = value.to_upper_camel_case();
    identifier(if name.is_empty() { "Empty" } else { &name })
}

/// A value whose type the schema leaves open.
fn any(value: &Value) -> Typed {
    parsed("::serde_json::Value", value)
}

fn parsed(kind: &str, value: &Value) -> Typed {
    let json = literal(&value.to_string());
    let literal = Expression::Atom(format!("::serde_json::from_str({json}).expect(\"JSON\")"));
    Typed { kind: kind.to_owned(), literal }
}

/// The schema without its null, where null is one of the values.
fn nullable_part(schema: &Value) -> Option<Value> {
    let kind = schema.get("type").filter(|kind| kind.is_array() && names_type(kind, "null"));
    if let Some(Value::Array(kinds)) = kind {
        let rest: Vec<Value> = kinds.iter().filter(|kind| *kind != "null").cloned().collect();
        let [only] = rest.as_slice() else { return None };
        let mut inner = schema.clone();
        inner["type"] = only.clone();
        if let Some(Value::Array(values)) = inner.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
        return Some(inner);
    }
    for key in ["oneOf", "anyOf"] {
        let choices = schema.get(key).and_then(Value::as_array);
        if let Some([inner, null]) = choices.map(Vec::as_slice)
            && null.get("type").is_some_and(|kind| kind == "null")
        {
            return Some(inner.clone());
        }
    }
    None
}
