//! Static tables: one row a tool.

use crate::load::ToolsetSettings;
use crate::lower::LoweredProvider;
use infra_mcp_model::{
    Answer, Authentication, Binding, BodyMember, Condition, Effect, EffectWhen, List, Location, Method, Operation,
    Parameter, PathTemplate, Provider, QueryArrays, RequestBody, Review, Route, Segment, Style, Text, Tool, Toolset,
};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

pub(super) fn emit(providers: &[LoweredProvider], enabled: &dyn Fn(&ToolsetSettings) -> bool) -> TokenStream {
    let models: Vec<Provider> =
        providers.iter().map(|lowered| lowered.model(enabled)).filter(|model| !model.toolsets.is_empty()).collect();
    let names: Vec<_> =
        models.iter().map(|model| format_ident!("{}", model.name.to_uppercase().replace('-', "_"))).collect();
    let rows = models.iter().zip(&names).map(|(model, name)| {
        let row = provider(model);
        let doc = format!("{}.", model.title);
        quote! { #[doc = #doc] pub static #name: Provider = #row; }
    });
    quote! {
        use infra_mcp_model::*;
        use std::borrow::Cow::Borrowed as B;

        /// Every provider of this build, in name order.
        pub static PROVIDERS: &[&Provider] = &[#(&#names),*];
        #(#rows)*
    }
}

fn text(text: &Text) -> TokenStream {
    let text = text.as_ref();
    quote!(B(#text))
}

fn list<T: Clone>(items: &List<T>, row: impl Fn(&T) -> TokenStream) -> TokenStream {
    let rows = items.iter().map(row);
    quote!(B(&[#(#rows),*]))
}

fn provider(row: &Provider) -> TokenStream {
    let Provider { timeout_seconds, environment, .. } = row;
    let (name, title, base_url) = (text(&row.name), text(&row.title), text(&row.base_url));
    let (help, instructions) = (text(&row.credential_help), text(&row.instructions));
    let token = list(&environment.token, text);
    let base_urls = list(&environment.base_url, text);
    let headers = list(&environment.headers, text);
    let authentication = match &row.authentication {
        Authentication::Bearer => quote!(Authentication::Bearer),
        Authentication::None => quote!(Authentication::None),
        Authentication::Header(header) => {
            let header = text(header);
            quote!(Authentication::Header(#header))
        }
    };
    let arrays = match row.query_arrays {
        QueryArrays::Declared => quote!(QueryArrays::Declared),
        QueryArrays::Brackets => quote!(QueryArrays::Brackets),
    };
    let toolsets = list(&row.toolsets, toolset);
    let routes = list(&row.routes, route);
    quote! {
        Provider {
            name: #name,
            title: #title,
            base_url: #base_url,
            environment: Environment { token: #token, base_url: #base_urls, headers: #headers },
            authentication: #authentication,
            credential_help: #help,
            timeout_seconds: #timeout_seconds,
            query_arrays: #arrays,
            instructions: #instructions,
            toolsets: #toolsets,
            routes: #routes,
        }
    }
}

fn toolset(row: &Toolset) -> TokenStream {
    let (name, title, binary) = (text(&row.name), text(&row.title), text(&row.binary));
    let tools = list(&row.tools, tool);
    quote!(Toolset { name: #name, title: #title, binary: #binary, tools: #tools })
}

fn tool(row: &Tool) -> TokenStream {
    let (name, title, toolset) = (text(&row.name), text(&row.title), text(&row.toolset));
    let (description, input_schema) = (text(&row.description), text(&row.input_schema));
    let aliases = list(&row.aliases, text);
    let review = review(&row.review);
    let Binding::Operation(bound) = &row.binding;
    let operation = operation(bound);
    let (head, listing_title, tail) = (text(&row.listing.head), text(&row.listing.title), text(&row.listing.tail));
    quote! {
        Tool {
            name: #name,
            title: #title,
            description: #description,
            toolset: #toolset,
            aliases: #aliases,
            review: #review,
            binding: Binding::Operation(#operation),
            input_schema: #input_schema,
            listing: Listing { head: #head, title: #listing_title, tail: #tail },
        }
    }
}

fn review(row: &Review) -> TokenStream {
    let Review { money, exec, asynchronous, idempotent, reviewed, .. } = row;
    let (effect, scope) = (effect(row.effect), text(&row.scope));
    let effect_when = list(&row.effect_when, effect_when);
    let arguments = list(&row.secret_arguments, text);
    let results = list(&row.secret_results, text);
    quote! {
        Review {
            effect: #effect,
            effect_when: #effect_when,
            money: #money,
            exec: #exec,
            asynchronous: #asynchronous,
            idempotent: #idempotent,
            scope: #scope,
            secret_arguments: #arguments,
            secret_results: #results,
            reviewed: #reviewed,
        }
    }
}

fn effect(effect: Effect) -> TokenStream {
    match effect {
        Effect::Read => quote!(Effect::Read),
        Effect::Write => quote!(Effect::Write),
        Effect::Destructive => quote!(Effect::Destructive),
    }
}

fn effect_when(row: &EffectWhen) -> TokenStream {
    let (argument, effect) = (text(&row.argument), effect(row.effect));
    let condition = match &row.condition {
        Condition::Present => quote!(Condition::Present),
        Condition::Equals(value) => {
            let value = text(value);
            quote!(Condition::Equals(#value))
        }
    };
    quote!(EffectWhen { argument: #argument, condition: #condition, effect: #effect })
}

fn operation(row: &Operation) -> TokenStream {
    let (id, method, path) = (text(&row.id), method(row.method), path(&row.path));
    let parameters = list(&row.parameters, parameter);
    let body = match &row.body {
        None => quote!(None),
        Some(row) => {
            let body = body(row);
            quote!(Some(#body))
        }
    };
    let answer = match row.answer {
        Answer::Json => quote!(Answer::Json),
        Answer::Text => quote!(Answer::Text),
        Answer::Empty => quote!(Answer::Empty),
        Answer::JsonOrEmpty => quote!(Answer::JsonOrEmpty),
    };
    let deprecated = row.deprecated;
    quote! {
        Operation {
            id: #id,
            method: #method,
            path: #path,
            parameters: #parameters,
            body: #body,
            answer: #answer,
            deprecated: #deprecated,
        }
    }
}

fn method(method: Method) -> TokenStream {
    match method {
        Method::Get => quote!(Method::Get),
        Method::Head => quote!(Method::Head),
        Method::Post => quote!(Method::Post),
        Method::Put => quote!(Method::Put),
        Method::Delete => quote!(Method::Delete),
        Method::Patch => quote!(Method::Patch),
        Method::Options => quote!(Method::Options),
    }
}

fn path(template: &PathTemplate) -> TokenStream {
    let segments = list(&template.0, |segment| match segment {
        Segment::Literal(literal) => {
            let literal = text(literal);
            quote!(Segment::Literal(#literal))
        }
        Segment::Parameter(name) => {
            let name = text(name);
            quote!(Segment::Parameter(#name))
        }
    });
    quote!(PathTemplate(#segments))
}

fn parameter(row: &Parameter) -> TokenStream {
    let (name, argument, explode) = (text(&row.name), text(&row.argument), row.explode);
    let location = match row.location {
        Location::Path => quote!(Location::Path),
        Location::Query => quote!(Location::Query),
        Location::Header => quote!(Location::Header),
    };
    let style = match row.style {
        Style::Simple => quote!(Style::Simple),
        Style::Form => quote!(Style::Form),
        Style::SpaceDelimited => quote!(Style::SpaceDelimited),
        Style::PipeDelimited => quote!(Style::PipeDelimited),
        Style::DeepObject => quote!(Style::DeepObject),
        Style::Matrix => quote!(Style::Matrix),
        Style::Label => quote!(Style::Label),
    };
    quote! {
        Parameter { name: #name, argument: #argument, location: #location, style: #style, explode: #explode }
    }
}

fn body(row: &RequestBody) -> TokenStream {
    match row {
        RequestBody::Whole { argument } => {
            let argument = text(argument);
            quote!(RequestBody::Whole { argument: #argument })
        }
        RequestBody::Members { required, members, as_query } => {
            let members = list(members, |BodyMember { name, argument }| {
                let (name, argument) = (text(name), text(argument));
                quote!(BodyMember { name: #name, argument: #argument })
            });
            quote!(RequestBody::Members { required: #required, members: #members, as_query: #as_query })
        }
    }
}

fn route(row: &Route) -> TokenStream {
    let (method, path, status, body) = (method(row.method), path(&row.path), row.status, text(&row.body));
    quote!(Route { method: #method, path: #path, status: #status, body: #body })
}
