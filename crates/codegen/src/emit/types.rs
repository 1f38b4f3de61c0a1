//! A typed, `Serialize`-only struct for every tool.

use crate::load::ToolsetSettings;
use crate::lower::sample::{Extent, sample};
use crate::lower::schema::{definition_name, merged_object, names_type, resolve};
use crate::lower::{LoweredProvider, LoweredTool};
use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

pub(super) fn emit(providers: &[LoweredProvider], enabled: &dyn Fn(&ToolsetSettings) -> bool) -> TokenStream {
    let modules = providers.iter().map(|provider| {
        let toolsets: Vec<_> = provider.toolsets.iter().filter(|toolset| enabled(&toolset.settings)).collect();
        let name = module_name(&provider.provider.name);
        let doc = format!("Typed tool calls of {}.", provider.provider.title);
        let toolsets = toolsets.iter().map(|toolset| {
            let module = module_name(&toolset.settings.name);
            let doc = format!("{}.", toolset.settings.title);
            let mut taken = BTreeSet::new();
            let (items, samples): (Vec<_>, Vec<_>) =
                toolset.tools.iter().map(|tool| emit_tool(tool, &mut taken)).unzip();
            quote! {
                #[doc = #doc]
                pub mod #module {
                    use crate::typed::{Nullable, ToolCall};
                    #(#items)*

                    /// Every struct of this module filled, with the JSON arguments it stands for.
                    #[cfg(test)]
                    pub(crate) fn samples() -> Vec<(&'static str, ::serde_json::Value, &'static str)> {
                        let mut samples = Vec::new();
                        #(samples.push(#samples);)*
                        samples
                    }
                }
            }
        });
        let modules: Vec<_> = provider
            .toolsets
            .iter()
            .filter(|toolset| enabled(&toolset.settings))
            .map(|toolset| module_name(&toolset.settings.name))
            .collect();
        quote! {
            #[doc = #doc]
            pub mod #name {
                #(#toolsets)*

                #[cfg(test)]
                pub(crate) fn samples() -> Vec<(&'static str, ::serde_json::Value, &'static str)> {
                    let mut samples = Vec::new();
                    #(samples.extend(#modules::samples());)*
                    samples
                }
            }
        }
    });
    let names: Vec<_> = providers.iter().map(|provider| module_name(&provider.provider.name)).collect();
    quote! {
        /// A typed struct for every tool, by provider and toolset.
        #[allow(
            unused_imports,
            clippy::all,
            rustdoc::bare_urls,
            rustdoc::broken_intra_doc_links,
            rustdoc::invalid_html_tags
        )]
        pub mod types {
            #(#modules)*

            #[cfg(test)]
            pub(crate) fn samples() -> Vec<(&'static str, ::serde_json::Value, &'static str)> {
                let mut samples = Vec::new();
                #(samples.extend(#names::samples());)*
                samples
            }
        }
    }
}

fn module_name(name: &str) -> Ident {
    identifier(&name.to_snake_case())
}

/// A field or module name; keywords get a trailing underscore.
fn identifier(name: &str) -> Ident {
    let name = if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name.to_owned()
    };
    match syn::parse_str::<Ident>(&name) {
        Ok(ident) => ident,
        Err(_) => format_ident!("{name}_"),
    }
}

fn emit_tool(lowered: &LoweredTool, taken: &mut BTreeSet<String>) -> (TokenStream, TokenStream) {
    let empty = Map::new();
    let defs = lowered.input_schema.get("$defs").and_then(Value::as_object).unwrap_or(&empty);
    let value = sample(&lowered.input_schema, defs, Extent::Full);
    let mut typer = Typer { defs, taken, items: Vec::new(), open: Vec::new() };
    let wanted = lowered.tool.name.to_upper_camel_case();
    let doc = format!("{}\n\n{}", lowered.tool.title, lowered.tool.description);
    let empty_object = Map::new();
    let schema = lowered.input_schema.as_object().unwrap_or(&empty_object);
    let typed = typer.structure(&wanted, schema, &lowered.published, &doc, &value);
    let (name, tool, items) = (&typed.kind, lowered.tool.name.as_ref(), &typer.items);
    let json = value.to_string();
    let literal = &typed.literal;
    let items = quote! {
        #(#items)*
        impl ToolCall for #name {
            const NAME: &'static str = #tool;
        }
    };
    let sample = quote! {
        (#tool, ::serde_json::to_value(#literal).expect("plain data"), #json)
    };
    (items, sample)
}

/// A Rust type, and an expression of that type for a sample value.
struct Typed {
    kind: TokenStream,
    literal: TokenStream,
}

struct Typer<'a> {
    defs: &'a Map<String, Value>,
    taken: &'a mut BTreeSet<String>,
    items: Vec<TokenStream>,
    open: Vec<String>,
}

impl Typer<'_> {
    fn claim(&mut self, wanted: &str) -> Ident {
        let mut name = wanted.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        identifier(&name)
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
        let (mut fields, mut values, mut new_parameters, mut new_fields) = (vec![], vec![], vec![], vec![]);
        let mut field_names = BTreeSet::new();
        for (key, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mut field = identifier(&key.to_snake_case());
            while !field_names.insert(field.to_string()) {
                field = format_ident!("{field}_");
            }
            let told = published.get("properties").and_then(|properties| properties.get(key)).unwrap_or(&Value::Null);
            let nested = format!("{wanted}{}", key.to_upper_camel_case());
            let given = value.get(key);
            let Typed { kind, literal } = self.schema(&nested, inner, told, given.unwrap_or(&Value::Null));
            let doc = told.get("description").and_then(Value::as_str).unwrap_or(key);
            let rename = (field != *key).then(|| quote!(#[serde(rename = #key)]));
            if required.contains(&key.as_str()) {
                fields.push(quote! { #[doc = #doc] #rename pub #field: #kind });
                values.push(quote!(#field: #literal));
                new_parameters.push(quote!(#field: #kind));
                new_fields.push(quote!(#field));
            } else {
                fields.push(quote! {
                    #[doc = #doc] #rename #[serde(skip_serializing_if = "Option::is_none")] pub #field: Option<#kind>
                });
                let literal = if given.is_some() { quote!(Some(#literal)) } else { quote!(None) };
                values.push(quote!(#field: #literal));
                new_fields.push(quote!(#field: None));
            }
        }
        self.items.push(quote! {
            #[doc = #doc]
            #[derive(Debug, Clone, PartialEq, ::serde::Serialize)]
            pub struct #name { #(#fields),* }
            impl #name {
                /// With the required arguments; the optional ones are left out.
                #[must_use]
                pub fn new(#(#new_parameters),*) -> Self {
                    Self { #(#new_fields),* }
                }
            }
        });
        Typed { kind: quote!(#name), literal: quote!(#name { #(#values),* }) }
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
            let literal = if value.is_null() { quote!(Nullable::Null) } else { quote!(Nullable::Value(#literal)) };
            return Typed { kind: quote!(Nullable<#kind>), literal };
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
                _ => Typed { kind: quote!(String), literal: quote!(#text.to_owned()) },
            },
            (Some("integer"), Value::Number(number)) if number.is_i64() => {
                let number = proc_macro2::Literal::i64_unsuffixed(number.as_i64().unwrap_or_default());
                Typed { kind: quote!(i64), literal: quote!(#number) }
            }
            (Some("number"), Value::Number(_)) => any_number(value),
            (Some("boolean"), Value::Bool(given)) => Typed { kind: quote!(bool), literal: quote!(#given) },
            (Some("array"), Value::Array(elements)) => self.array(wanted, schema, published, elements),
            _ => self.object(wanted, schema, published, value),
        }
    }

    fn object(&mut self, wanted: &str, schema: &Value, published: &Value, value: &Value) -> Typed {
        let Some(merged) = merged_object(schema, self.defs, 0).filter(|_| value.is_object()) else { return any(value) };
        let open = merged.get("additionalProperties").is_some_and(|extra| *extra != Value::Bool(false));
        let named = merged.get("properties").and_then(Value::as_object).is_some_and(|named| !named.is_empty());
        if open || !named {
            let json = value.to_string();
            return Typed {
                kind: quote!(::serde_json::Map<String, ::serde_json::Value>),
                literal: quote!(::serde_json::from_str(#json).expect("a JSON object")),
            };
        }
        let doc = published.get("description").and_then(Value::as_str).unwrap_or("Nested argument.").to_owned();
        self.structure(wanted, &merged, published, &doc, value)
    }

    fn array(&mut self, wanted: &str, schema: &Value, published: &Value, elements: &[Value]) -> Typed {
        let told = published.get("items").unwrap_or(&Value::Null);
        let first = elements.first();
        let Some(items) = schema.get("items").filter(|_| first.is_some()) else {
            return any(&Value::Array(elements.to_vec()));
        };
        let element = self.schema(&format!("{wanted}Item"), items, told, first.unwrap_or(&Value::Null));
        let (kind, literal) = (element.kind, element.literal);
        let literals = elements.iter().map(|_| literal.clone());
        Typed { kind: quote!(Vec<#kind>), literal: quote!(vec![#(#literals),*]) }
    }

    fn enumeration(&mut self, wanted: &str, values: &[Value], given: &str) -> Typed {
        let name = self.claim(wanted);
        let mut used = BTreeSet::new();
        let mut chosen = None;
        let variants: Vec<TokenStream> = values
            .iter()
            .filter_map(Value::as_str)
            .map(|value| {
                let mut variant = variant_name(value);
                while !used.insert(variant.to_string()) {
                    variant = format_ident!("{variant}_");
                }
                if value == given {
                    chosen = Some(variant.clone());
                }
                let doc = format!("`{value}`");
                quote!(#[doc = #doc] #[serde(rename = #value)] #variant)
            })
            .collect();
        let doc = format!("The values of `{wanted}`.");
        self.items.push(quote! {
            #[doc = #doc]
            #[derive(Debug, Clone, Copy, PartialEq, Eq, ::serde::Serialize)]
            pub enum #name { #(#variants),* }
        });
        let chosen = chosen.unwrap_or_else(|| variant_name(given));
        Typed { kind: quote!(#name), literal: quote!(#name::#chosen) }
    }
}

fn variant_name(value: &str) -> Ident {
    let name = value.to_upper_camel_case();
    identifier(if name.is_empty() { "Empty" } else { &name })
}

/// A value whose type the schema leaves open.
fn any(value: &Value) -> Typed {
    let json = value.to_string();
    Typed { kind: quote!(::serde_json::Value), literal: quote!(::serde_json::from_str(#json).expect("JSON")) }
}

/// A JSON number keeps its digits, which an `f64` would not.
fn any_number(value: &Value) -> Typed {
    let json = value.to_string();
    Typed { kind: quote!(::serde_json::Number), literal: quote!(::serde_json::from_str(#json).expect("a JSON number")) }
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
