//! Static tables: one row a tool.

use super::expression::{Expression, literal};
use super::static_name;
use crate::load::ToolsetSettings;
use crate::lower::LoweredProvider;
use infra_mcp_model::{
    Alias, Authentication, Binding, BodyMember, Condition, DeviceLogin, EffectWhen, Environment, Header, Hint, List,
    Listing, LocalFile, Operation, OptIn, Parameter, PathTemplate, Phrase, PowerOff, Prompt, PromptArgument, Provider,
    Reference, RelayedStep, RemoteServer, RequestBody, RequestDefault, Resource, RestRoute, Review, Route, Segment,
    SessionLogin, SharedArgument, SourceFile, Tasks, Text, Tool, Toolset,
};
use std::fmt::{Debug, Write as _};

pub(super) fn emit(providers: &[LoweredProvider], enabled: &dyn Fn(&ToolsetSettings) -> bool, out: &mut String) {
    let models: Vec<Provider> =
        providers.iter().map(|lowered| lowered.model(enabled)).filter(|model| !model.toolsets.is_empty()).collect();
    let names: Vec<String> = models.iter().map(|model| format!("&{}", static_name(&model.name))).collect();
    out.push_str("use infra_mcp_model::*;\n");
    if !models.is_empty() {
        out.push_str("use std::borrow::Cow::Borrowed as B;\n");
    }
    out.push('\n');
    out.push_str("/// Every provider of this build, in name order.\n");
    _ = writeln!(out, "pub static PROVIDERS: &[&Provider] = &[{}];", names.join(", "));
    out.push_str("\n/// The names of all tools by provider, former ones included, with a space between two.\n");
    let rows = models
        .iter()
        .map(|model| Expression::Atom(format!("({}, {})", literal(&model.name), literal(&names_of(model)))));
    out.push_str("pub static NAMES: &[(&str, &str)] = ");
    Expression::List("&[", rows.collect()).print(0, out);
    out.push_str(";\n");
    for model in &models {
        _ = write!(out, "\n#[doc = {}]\npub static {}: Provider = ", literal(&model.title), static_name(&model.name));
        provider(model).print(0, out);
        out.push_str(";\n");
    }
}

fn names_of(provider: &Provider) -> String {
    let names = provider
        .tools()
        .flat_map(|tool| std::iter::once(&tool.name).chain(tool.aliases.iter().map(|alias| &alias.name)))
        .map(AsRef::as_ref);
    names.collect::<Vec<&str>>().join(" ")
}

fn text(text: &Text) -> Expression {
    Expression::call("B", Expression::Atom(literal(text)))
}

fn list<T: Clone>(items: &List<T>, row: impl Fn(&T) -> Expression) -> Expression {
    Expression::call("B", Expression::List("&[", items.iter().map(row).collect()))
}

fn plain(value: impl ToString) -> Expression {
    Expression::Atom(value.to_string())
}

/// A variant without data; its `Debug` is its name.
fn variant(kind: &str, value: impl Debug) -> Expression {
    Expression::Atom(format!("{kind}::{value:?}"))
}

fn provider(row: &Provider) -> Expression {
    let authentication = match &row.authentication {
        Authentication::Header(header) => Expression::call("Authentication::Header", text(header)),
        Authentication::Cookie(cookie) => Expression::call("Authentication::Cookie", text(cookie)),
        Authentication::Session(login) => Expression::call("Authentication::Session", session(login)),
        other => variant("Authentication", other),
    };
    Expression::row(
        "Provider",
        [
            ("name", text(&row.name)),
            ("title", text(&row.title)),
            ("binary", text(&row.binary)),
            ("base_url", text(&row.base_url)),
            ("base_path", text(&row.base_path)),
            ("environment", environment(&row.environment)),
            ("authentication", authentication),
            ("headers", list(&row.headers, header)),
            ("hints", list(&row.hints, hint)),
            ("credential_help", text(&row.credential_help)),
            ("timeout_seconds", plain(row.timeout_seconds)),
            ("default_access", variant("Access", row.default_access)),
            ("exclusive", list(&row.exclusive, text)),
            ("confirm_changes", plain(row.confirm_changes)),
            ("query_arrays", variant("QueryArrays", row.query_arrays)),
            ("instructions", text(&row.instructions)),
            ("expose", variant("Expose", row.expose)),
            ("relay", option(row.relay.as_ref(), remote_server)),
            ("references", list(&row.references, reference)),
            ("tasks", option(row.tasks.as_ref(), tasks)),
            ("opt_in", option(row.opt_in.as_ref(), opt_in)),
            ("login", option(row.login.as_ref(), login)),
            ("toolsets", list(&row.toolsets, toolset)),
            ("prompts", list(&row.prompts, prompt)),
            ("resources", list(&row.resources, resource_row)),
            ("rest", list(&row.rest, rest_route)),
            ("routes", list(&row.routes, route)),
            ("sources", list(&row.sources, source)),
        ],
    )
}

fn option<T>(row: Option<&T>, expression: impl Fn(&T) -> Expression) -> Expression {
    row.map_or_else(|| Expression::atom("None"), |row| Expression::call("Some", expression(row)))
}

fn remote_server(row: &RemoteServer) -> Expression {
    Expression::row(
        "RemoteServer",
        [
            ("url", text(&row.url)),
            ("url_variables", list(&row.url_variables, text)),
            ("token_variables", list(&row.token_variables, text)),
            ("credential_help", text(&row.credential_help)),
            ("hidden", list(&row.hidden, text)),
        ],
    )
}

fn reference(row: &Reference) -> Expression {
    Expression::row(
        "Reference",
        [
            ("toolsets", list(&row.toolsets, text)),
            ("arguments", list(&row.arguments, text)),
            ("ids", text(&row.ids)),
            ("numbers", plain(row.numbers)),
            ("tool", text(&row.tool)),
            ("query", text(&row.query)),
            ("list", text(&row.list)),
            ("id", text(&row.id)),
            ("name", text(&row.name)),
            ("kind", text(&row.kind)),
        ],
    )
}

fn prompt(row: &Prompt) -> Expression {
    Expression::row(
        "Prompt",
        [
            ("name", text(&row.name)),
            ("title", text(&row.title)),
            ("description", text(&row.description)),
            arguments_of_prompt(row),
            ("text", text(&row.text)),
            ("tools", list(&row.tools, text)),
        ],
    )
}

fn arguments_of_prompt(row: &Prompt) -> (&'static str, Expression) {
    let argument = |row: &PromptArgument| {
        let fields =
            [("name", text(&row.name)), ("description", text(&row.description)), ("otherwise", text(&row.otherwise))];
        Expression::row("PromptArgument", fields)
    };
    ("arguments", list(&row.arguments, argument))
}

fn tasks(row: &Tasks) -> Expression {
    Expression::row(
        "Tasks",
        [
            ("tool", text(&row.tool)),
            ("argument", text(&row.argument)),
            ("id", text(&row.id)),
            ("state", text(&row.state)),
            ("done", list(&row.done, text)),
            ("failed", list(&row.failed, text)),
            ("result", text(&row.result)),
            ("progress", text(&row.progress)),
        ],
    )
}

fn opt_in(row: &OptIn) -> Expression {
    Expression::row("OptIn", [("member", text(&row.member)), ("code", text(&row.code)), ("help", text(&row.help))])
}

fn login(row: &DeviceLogin) -> Expression {
    Expression::row("DeviceLogin", [("authorize", text(&row.authorize)), ("token", text(&row.token))])
}

fn phrase(row: &Phrase) -> Expression {
    let fields = [("argument", text(&row.argument)), ("equals", text(&row.equals)), ("text", text(&row.text))];
    Expression::row("Phrase", fields)
}

fn session(row: &SessionLogin) -> Expression {
    let fields = [("cookie", text(&row.cookie)), ("path", text(&row.path)), ("token", text(&row.token))];
    Expression::row("SessionLogin", fields)
}

fn environment(row: &Environment) -> Expression {
    Expression::row(
        "Environment",
        [
            ("token", list(&row.token, text)),
            ("base_url", list(&row.base_url, text)),
            ("headers", list(&row.headers, text)),
            ("username", list(&row.username, text)),
            ("password", list(&row.password, text)),
            ("enable_actions", list(&row.enable_actions, text)),
            ("deny", list(&row.deny, text)),
        ],
    )
}

fn request_default(row: &RequestDefault) -> Expression {
    Expression::row(
        "RequestDefault",
        [("argument", text(&row.argument)), ("value", text(&row.value)), ("bounds_rows", plain(row.bounds_rows))],
    )
}

fn header(row: &Header) -> Expression {
    Expression::row("Header", [("name", text(&row.name)), ("value", text(&row.value))])
}

fn hint(row: &Hint) -> Expression {
    Expression::row("Hint", [("about", text(&row.about)), ("text", text(&row.text))])
}

fn toolset(row: &Toolset) -> Expression {
    Expression::row(
        "Toolset",
        [
            ("name", text(&row.name)),
            ("title", text(&row.title)),
            ("binary", text(&row.binary)),
            (
                "expose",
                row.expose
                    .map_or(Expression::atom("None"), |expose| Expression::call("Some", variant("Expose", expose))),
            ),
            ("arguments", list(&row.arguments, shared_argument)),
            ("tools", list(&row.tools, tool)),
        ],
    )
}

fn shared_argument(row: &SharedArgument) -> Expression {
    Expression::row("SharedArgument", [("name", text(&row.name)), ("schema", text(&row.schema))])
}

fn alias(row: &Alias) -> Expression {
    let renamed =
        |(former, today): &(Text, Text)| Expression::Atom(format!("(B({}), B({}))", literal(former), literal(today)));
    Expression::row("Alias", [("name", text(&row.name)), ("arguments", list(&row.arguments, renamed))])
}

fn tool(row: &Tool) -> Expression {
    Expression::row(
        "Tool",
        [
            ("name", text(&row.name)),
            ("title", text(&row.title)),
            ("description", text(&row.description)),
            ("toolset", text(&row.toolset)),
            ("operation_name", text(&row.operation_name)),
            ("aliases", list(&row.aliases, alias)),
            ("review", review(&row.review)),
            ("binding", binding(&row.binding)),
            ("awaits", plain(row.awaits)),
            ("power_off", option(row.power_off.as_ref(), power_off)),
            ("reader", text(&row.reader)),
            ("input_schema", text(&row.input_schema)),
            ("listing", listing(&row.listing)),
        ],
    )
}

fn power_off(row: &PowerOff) -> Expression {
    let fields = [("member", text(&row.member)), ("off", text(&row.off)), ("force", text(&row.force))];
    Expression::row("PowerOff", fields)
}

fn binding(row: &Binding) -> Expression {
    match row {
        Binding::Operation(row) => Expression::call("Binding::Operation", operation(row)),
        Binding::Composite(row) => {
            let operations = ("operations", list(&row.operations, operation));
            let relayed = ("relayed", list(&row.relayed, relayed_step));
            let pages = ("pages", list(&row.pages, operation));
            let file = ("file", option(row.file.as_ref(), local_file));
            let fields = [operations, relayed, pages, arguments(&row.arguments), resource(&row.resource), file];
            Expression::call("Binding::Composite", Expression::row("Composite", fields))
        }
        Binding::Relay(row) => {
            let fields = [
                ("tool", text(&row.tool)),
                ("timeout_seconds", plain(row.timeout_seconds)),
                ("timeout_argument", text(&row.timeout_argument)),
                arguments(&row.arguments),
                resource(&row.resource),
            ];
            Expression::call("Binding::Relay", Expression::row("Relay", fields))
        }
    }
}

fn local_file(row: &LocalFile) -> Expression {
    Expression::row("LocalFile", [("argument", text(&row.argument)), ("max_bytes", plain(row.max_bytes))])
}

fn relayed_step(row: &RelayedStep) -> Expression {
    let fields = [
        ("id", text(&row.id)),
        ("tool", text(&row.tool)),
        arguments(&row.arguments),
        ("reads", plain(row.reads)),
        ("timeout_seconds", plain(row.timeout_seconds)),
    ];
    Expression::row("RelayedStep", fields)
}

fn arguments(row: &List<Text>) -> (&'static str, Expression) {
    ("arguments", list(row, text))
}

fn resource(row: &Text) -> (&'static str, Expression) {
    ("resource", text(row))
}

fn listing(row: &Listing) -> Expression {
    Expression::row(
        "Listing",
        [
            ("head", text(&row.head)),
            ("title", text(&row.title)),
            ("tail", text(&row.tail)),
            ("end", text(&row.end)),
            ("signature", text(&row.signature)),
            ("required", text(&row.required)),
        ],
    )
}

fn review(row: &Review) -> Expression {
    Expression::row(
        "Review",
        [
            ("effect", variant("Effect", row.effect)),
            ("effect_when", list(&row.effect_when, effect_when)),
            ("money", plain(row.money)),
            ("exec", plain(row.exec)),
            ("asynchronous", plain(row.asynchronous)),
            ("idempotent", plain(row.idempotent)),
            ("scope", text(&row.scope)),
            ("secret_arguments", list(&row.secret_arguments, text)),
            ("secret_results", list(&row.secret_results, text)),
            ("phrases", list(&row.phrases, phrase)),
            ("opt_in", plain(row.opt_in)),
            ("reviewed", plain(row.reviewed)),
        ],
    )
}

fn effect_when(row: &EffectWhen) -> Expression {
    let condition = match &row.condition {
        Condition::Present => variant("Condition", &row.condition),
        Condition::Equals(value) => Expression::call("Condition::Equals", text(value)),
    };
    let effect = variant("Effect", row.effect);
    Expression::row("EffectWhen", [("argument", text(&row.argument)), ("condition", condition), ("effect", effect)])
}

fn operation(row: &Operation) -> Expression {
    let body = option(row.body.as_ref(), body);
    Expression::row(
        "Operation",
        [
            ("id", text(&row.id)),
            ("method", variant("Method", row.method)),
            ("path", path(&row.path)),
            ("parameters", list(&row.parameters, parameter)),
            ("body", body),
            ("answer", variant("Answer", row.answer)),
            ("defaults", list(&row.defaults, request_default)),
            ("points", plain(row.points)),
            ("deprecated", plain(row.deprecated)),
        ],
    )
}

fn path(template: &PathTemplate) -> Expression {
    let segments = list(&template.0, |segment| match segment {
        Segment::Literal(literal) => Expression::call("Segment::Literal", text(literal)),
        Segment::Parameter(name) => Expression::call("Segment::Parameter", text(name)),
    });
    Expression::call("PathTemplate", segments)
}

fn parameter(row: &Parameter) -> Expression {
    Expression::row(
        "Parameter",
        [
            ("name", text(&row.name)),
            ("argument", text(&row.argument)),
            ("location", variant("Location", row.location)),
            ("style", variant("Style", row.style)),
            ("explode", plain(row.explode)),
        ],
    )
}

fn body(row: &RequestBody) -> Expression {
    match row {
        RequestBody::Whole { argument } => Expression::row("RequestBody::Whole", [("argument", text(argument))]),
        RequestBody::Members { required, members, as_query } => Expression::row(
            "RequestBody::Members",
            [("required", plain(required)), ("members", list(members, member)), ("as_query", plain(as_query))],
        ),
    }
}

fn member(row: &BodyMember) -> Expression {
    Expression::row("BodyMember", [("name", text(&row.name)), ("argument", text(&row.argument))])
}

fn resource_row(row: &Resource) -> Expression {
    Expression::row(
        "Resource",
        [
            ("uri", text(&row.uri)),
            ("name", text(&row.name)),
            ("title", text(&row.title)),
            ("description", text(&row.description)),
            ("mime_type", text(&row.mime_type)),
            ("tool", text(&row.tool)),
            ("arguments", text(&row.arguments)),
        ],
    )
}

fn rest_route(row: &RestRoute) -> Expression {
    Expression::row(
        "RestRoute",
        [
            ("method", variant("Method", row.method)),
            ("path", path(&row.path)),
            ("tool", text(&row.tool)),
            ("arguments", text(&row.arguments)),
        ],
    )
}

fn source(row: &SourceFile) -> Expression {
    Expression::row("SourceFile", [("name", text(&row.name)), ("text", text(&row.text))])
}

fn route(row: &Route) -> Expression {
    Expression::row(
        "Route",
        [
            ("method", variant("Method", row.method)),
            ("path", path(&row.path)),
            ("status", plain(row.status)),
            ("body", text(&row.body)),
        ],
    )
}
