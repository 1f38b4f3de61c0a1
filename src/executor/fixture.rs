//! Tools, providers and calls for unit tests.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use infra_mcp_model::{
    Access, Answer, Authentication, Binding, BodyMember, Effect, Environment, Expose, Listing, Location, Method,
    Operation, Parameter, PathTemplate, Provider, QueryArrays, RequestBody, Review, Segment, Style, Tool, Toolset,
};
use serde_json::{Map, Value};

use crate::account::{Account, AccountSettings, Secret};
use crate::arguments::Arguments;
use crate::call::{Call, Caller};
use crate::catalogue::Entry;
use crate::error::UpstreamError;
use crate::policy::{Admission, Authorized, Evidence, Gate, Policy, Way};
use crate::store::LazyStore;

pub(crate) const TOKEN: &str = "token-0123456789";

pub(crate) fn provider(toolsets: Vec<(&'static str, Vec<Tool>)>) -> &'static Provider {
    Box::leak(Box::new(blank_provider(toolsets)))
}

pub(crate) fn blank_provider(toolsets: Vec<(&'static str, Vec<Tool>)>) -> Provider {
    let toolsets = toolsets.into_iter().map(|(name, tools)| Toolset {
        name: name.into(),
        title: name.into(),
        binary: "".into(),
        expose: None,
        arguments: Cow::Borrowed(&[]),
        tools: tools.into_iter().map(|tool| Tool { toolset: name.into(), ..tool }).collect(),
    });
    Provider {
        name: "example".into(),
        title: "Example".into(),
        binary: "".into(),
        base_url: "https://api.example.com".into(),
        base_path: "".into(),
        environment: Environment {
            token: vec!["EXAMPLE_TOKEN".into(), "API_TOKEN".into()].into(),
            base_url: vec!["API_BASE_URL".into()].into(),
            headers: vec!["API_HEADERS".into()].into(),
            username: vec!["EXAMPLE_USER".into()].into(),
            password: vec!["EXAMPLE_PASSWORD".into()].into(),
            enable_actions: vec!["EXAMPLE_ENABLE_ACTIONS".into()].into(),
            deny: vec!["EXAMPLE_DENY".into()].into(),
        },
        authentication: Authentication::Bearer,
        headers: Cow::Borrowed(&[]),
        hints: Cow::Borrowed(&[]),
        credential_help: "Make one at https://example.com/tokens.".into(),
        timeout_seconds: 60,
        default_access: Access::Full,
        exclusive: Default::default(),
        confirm_changes: false,
        query_arrays: QueryArrays::Declared,
        instructions: "".into(),
        expose: Expose::Flat,
        relay: None,
        references: Cow::Borrowed(&[]),
        tasks: None,
        opt_in: None,
        login: None,
        toolsets: toolsets.collect(),
        prompts: Cow::Borrowed(&[]),
        resources: Cow::Borrowed(&[]),
        rest: Cow::Borrowed(&[]),
        sources: Cow::Borrowed(&[]),
        routes: Cow::Borrowed(&[]),
    }
}

pub(crate) fn tool(name: &'static str, operation: Operation) -> Tool {
    Tool {
        name: name.into(),
        title: "".into(),
        description: "".into(),
        toolset: "".into(),
        operation_name: name.into(),
        aliases: Cow::Borrowed(&[]),
        review: review(Effect::Read),
        binding: Binding::Operation(operation),
        awaits: false,
        power_off: None,
        reader: "".into(),
        input_schema: r#"{"type":"object"}"#.into(),
        listing: Listing::default(),
    }
}

pub(crate) fn review(effect: Effect) -> Review {
    Review {
        effect,
        effect_when: Cow::Borrowed(&[]),
        money: false,
        exec: false,
        asynchronous: false,
        idempotent: false,
        scope: "".into(),
        secret_arguments: Cow::Borrowed(&[]),
        secret_results: Cow::Borrowed(&[]),
        phrases: Cow::Borrowed(&[]),
        opt_in: false,
        reviewed: true,
    }
}

/// An operation whose path template is taken apart at braces.
pub(crate) fn operation(
    method: Method,
    path: &str,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
) -> Operation {
    let segments = path.split_inclusive('}').flat_map(|part| match part.split_once('{') {
        Some((literal, name)) => vec![
            Segment::Literal(literal.to_owned().into()),
            Segment::Parameter(name.trim_end_matches('}').to_owned().into()),
        ],
        None => vec![Segment::Literal(part.to_owned().into())],
    });
    Operation {
        id: "operation".into(),
        method,
        path: PathTemplate(segments.collect()),
        parameters: parameters.into(),
        body,
        answer: Answer::Json,
        defaults: Default::default(),
        points: 0,
        deprecated: false,
    }
}

pub(crate) fn parameter(name: &'static str, location: Location, style: Style, explode: bool) -> Parameter {
    Parameter { name: name.into(), argument: name.into(), location, style, explode }
}

pub(crate) fn members(names: &[&'static str], required: bool, as_query: bool) -> Option<RequestBody> {
    let members = names.iter().map(|name| BodyMember { name: (*name).into(), argument: (*name).into() });
    Some(RequestBody::Members { required, members: members.collect(), as_query })
}

pub(crate) fn settings(base_url: &str) -> AccountSettings {
    AccountSettings {
        base_url: Some(base_url.parse().unwrap()),
        token: Some(Secret::new(TOKEN)),
        timeout: Some(Duration::from_secs(30)),
        ..AccountSettings::default()
    }
}

/// A call of the first tool of the provider, whose arguments may be anything.
pub(crate) fn call(provider: &'static Provider, arguments: &str, settings: AccountSettings) -> Call {
    let tool = &provider.toolsets[0].tools[0];
    let arguments: Map<String, Value> = serde_json::from_str(arguments).unwrap();
    let properties: Map<String, Value> = arguments.keys().map(|name| (name.clone(), Value::Bool(true))).collect();
    let schema = serde_json::json!({"type": "object", "properties": properties});
    let liberal = Tool { input_schema: schema.to_string().into(), ..tool.clone() };
    Call {
        entry: Entry { provider, tool },
        arguments: Arguments::validate(&liberal, arguments).unwrap(),
        account: Arc::new(Account::new(provider, settings).unwrap()),
        caller: Caller::local(None),
    }
}

/// A store for all tests of the process that do not look into it.
/// An answer with this status that says nothing but to come back in 7 s.
pub(crate) fn upstream_error(status: u16) -> UpstreamError {
    UpstreamError {
        provider: provider(vec![]),
        code: None,
        credential: "A_TOKEN (or B_TOKEN)".to_owned(),
        status,
        reason: "",
        message: String::new(),
        fields: vec![],
        correlation_id: None,
        retry_after: Some(Duration::from_secs(7)),
        changes: false,
    }
}

pub(crate) fn store() -> Arc<LazyStore> {
    static DIRECTORY: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    Arc::new(LazyStore::new(Some(DIRECTORY.path().to_owned())))
}

pub(crate) fn authorized(call: Call) -> Authorized<Call> {
    let gate = Gate::new(Policy::default(), Way::None, store());
    match gate.admit(call, None, &Evidence::default(), |_| String::new(), |_| "{}".to_owned()).unwrap() {
        Admission::Granted { authorized, .. } => authorized,
        wanted @ Admission::Wanted(_) => panic!("{wanted:?}"),
    }
}
