use infra_mcp_model::{Effect, Listing, Location, Method, Operation, RequestBody, Review, Style, Tool};
use serde_json::{Map, Value, json};

use super::*;
use crate::catalogue::Selection;
use crate::executor::fixture::{blank_provider, members, operation, parameter, review, tool};

fn read(name: &'static str) -> Tool {
    tool(name, operation(Method::Get, "/v1", vec![], None))
}

fn change(name: &'static str) -> Tool {
    Tool { review: review(Effect::Write), ..tool(name, operation(Method::Post, "/v1", vec![], None)) }
}

fn formerly(tool: Tool, name: &'static str) -> Tool {
    Tool { aliases: vec![Alias { name: name.into(), arguments: vec![].into() }].into(), ..tool }
}

fn called(tool: Tool, operation_name: &'static str) -> Tool {
    Tool { operation_name: operation_name.into(), ..tool }
}

fn provider(name: &'static str, expose: Expose, toolsets: Vec<(&'static str, Vec<Tool>)>) -> &'static Provider {
    Box::leak(Box::new(Provider { name: name.into(), expose, ..blank_provider(toolsets) }))
}

fn exposure(providers: Vec<&'static Provider>, expose: Option<Expose>, selection: &Selection) -> Exposure {
    Exposure::new(Arc::new(Catalogue::select(providers.leak(), selection).unwrap()), expose)
}

fn listed(exposure: &Exposure) -> Vec<String> {
    let operations = |domain: &Domain| -> Vec<String> {
        domain.operations.iter().map(|entry| entry.tool.operation_name.to_string()).collect()
    };
    let shown = exposure.presented().iter().map(|presented| match presented {
        Presented::Domain(domain) => format!("{}: {}", domain.name, operations(domain).join(" ")),
        other => other.name().to_owned(),
    });
    shown.collect()
}

/// What a name stands for, in a word or two.
fn meaning(exposure: &Exposure, name: &str) -> String {
    match exposure.find(name) {
        None => "nothing".to_owned(),
        Some(Found::Tool(entry, alias)) => {
            format!("{}{:?}", if alias.is_some() { "formerly " } else { "" }, entry)
        }
        Some(Found::Domain(domain)) => format!("{} of {:?}", domain.name, domain.operations[0].provider.name),
        Some(Found::Builtin(builtin)) => format!("{builtin:?}"),
        Some(Found::Contested(candidates)) => format!("one of {}", candidates.join(" ")),
    }
}

#[test]
fn operations_are_parted_by_what_they_do() {
    let secret =
        |tool: Tool| Tool { review: Review { secret_results: vec!["key".into()].into(), ..tool.review }, ..tool };
    let money = |tool: Tool| Tool { review: Review { money: true, ..tool.review }, ..tool };
    let looks = Tool { review: review(Effect::Read), ..change("searchByPost") };
    let toolsets = || {
        vec![
            (
                "my-things",
                vec![change("make"), read("list"), secret(read("keys")), money(read("paidReport")), looks.clone()],
            ),
            ("rest", vec![change("reset")]),
        ]
    };
    let domain = provider("acme", Expose::Domain, toolsets());
    let flat = provider("acme", Expose::Flat, toolsets());
    let as_domains = [
        "my_things_query: list keys searchByPost",
        "my_things_action: make paidReport",
        "rest_action: reset",
        "describe_operation",
    ];
    let one_by_one = ["make", "list", "keys", "paidReport", "searchByPost", "reset"];
    for (provider, expose, expected) in [
        (domain, None, &as_domains[..]),
        (domain, Some(Expose::Flat), &one_by_one),
        (flat, None, &one_by_one),
        (flat, Some(Expose::Domain), &as_domains),
    ] {
        assert_eq!(listed(&exposure(vec![provider], expose, &Selection::default())), expected, "{expose:?}");
    }
    let narrow = Selection { exclude: ["make", "list", "reset"].map(str::to_owned).to_vec(), ..Selection::default() };
    let fewer = ["my_things_query: keys searchByPost", "my_things_action: paidReport", "describe_operation"];
    assert_eq!(listed(&exposure(vec![domain], None, &narrow)), fewer);
}

#[test]
fn a_toolset_may_insist_on_being_listed_one_by_one() {
    let provider = blank_provider(vec![("things", vec![read("list")]), ("utilities", vec![read("check")])]);
    let pinned = |toolset: &Toolset| match toolset.name.as_ref() {
        "utilities" => Toolset { expose: Some(Expose::Flat), ..toolset.clone() },
        _ => toolset.clone(),
    };
    let provider = Provider { toolsets: provider.toolsets.iter().map(pinned).collect(), ..provider };
    let exposure = exposure(vec![Box::leak(Box::new(provider))], Some(Expose::Domain), &Selection::default());
    assert_eq!(listed(&exposure), ["things_query: list", "check", "describe_operation"]);
}

#[test]
fn a_name_that_two_providers_have_needs_the_provider_in_front() {
    let acme = || {
        let things = vec![read("list_vms"), formerly(read("GetHosts"), "list_hosts"), read("only")];
        provider("acme-cloud", Expose::Flat, vec![("vms", things)])
    };
    let other = || {
        let things = vec![formerly(read("GetVms"), "list_vms"), read("only_other"), read("list_hosts")];
        provider("other", Expose::Flat, vec![("vms", things)])
    };
    let both = exposure(vec![acme(), other()], None, &Selection::default());
    assert_eq!(listed(&both), ["acme_cloud_list_vms", "GetHosts", "only", "GetVms", "only_other", "other_list_hosts"]);
    for (name, expected) in [
        ("list_vms", "one of acme_cloud_list_vms other_list_vms"),
        ("list_hosts", "one of acme_cloud_list_hosts other_list_hosts"),
        ("acme_cloud_list_vms", "acme-cloud/list_vms"),
        ("other_list_vms", "formerly other/GetVms"),
        ("acme_cloud_list_hosts", "formerly acme-cloud/GetHosts"),
        ("other_list_hosts", "other/list_hosts"),
        ("only", "acme-cloud/only"),
        ("acme_cloud_only", "nothing"),
        ("acme-cloud_list_vms", "nothing"),
        ("LIST_VMS", "nothing"),
        ("", "nothing"),
    ] {
        assert_eq!(meaning(&both, name), expected, "{name}");
    }
    let domains = exposure(vec![acme(), other()], Some(Expose::Domain), &Selection::default());
    for (name, expected) in [
        ("vms_query", "one of acme_cloud_vms_query other_vms_query"),
        ("acme_cloud_vms_query", "acme_cloud_vms_query of \"acme-cloud\""),
        // The tool of this name is an operation now, so the former name is the only one.
        ("list_vms", "formerly other/GetVms"),
        ("describe_operation", "DescribeOperation"),
    ] {
        assert_eq!(meaning(&domains, name), expected, "{name}");
    }
    // A binary of one provider keeps the bare names; a narrower selection changes none.
    let alone = exposure(vec![other()], None, &Selection::default());
    assert_eq!(meaning(&alone, "list_vms"), "formerly other/GetVms");
    let narrow = Selection { exclude: vec!["GetVms".to_owned()], ..Selection::default() };
    let narrow = exposure(vec![acme(), other()], None, &narrow);
    assert_eq!(meaning(&narrow, "list_vms"), "one of acme_cloud_list_vms");
}

#[test]
fn our_own_names_are_not_given_away() {
    let acme = provider("acme", Expose::Domain, vec![("things", vec![formerly(read("list"), "describe_operation")])]);
    let exposure = exposure(vec![acme], None, &Selection::default());
    assert_eq!(meaning(&exposure, "describe_operation"), "DescribeOperation");
    assert_eq!(meaning(&exposure, "acme_describe_operation"), "formerly acme/list");
}

#[test]
fn an_operation_has_up_to_three_names_and_its_own_comes_first() {
    let with_id = |tool: Tool, id: &'static str| {
        let binding = tool.operation().unwrap().clone();
        Tool { binding: infra_mcp_model::Binding::Operation(Operation { id: id.into(), ..binding }), ..tool }
    };
    let things = vec![
        with_id(called(read("GetSms"), "GetSrs"), "get.sms"),
        // Its tool is called what the other one is called as an operation.
        with_id(called(read("GetSrs"), "GetAll"), "get.srs"),
    ];
    let exposure =
        exposure(vec![provider("acme", Expose::Domain, vec![("things", things)])], None, &Selection::default());
    let domain = exposure.domains().next().unwrap();
    for (name, expected) in [
        ("GetSrs", Some("GetSms")),
        ("GetSms", Some("GetSms")),
        ("get.sms", Some("GetSms")),
        ("GetAll", Some("GetSrs")),
        ("get.srs", Some("GetSrs")),
        ("getsrs", None),
        ("", None),
    ] {
        assert_eq!(domain.operation(name).map(|entry| entry.tool.name.as_ref()), expected, "{name}");
    }
    let places = exposure.catalogue().entries().iter().map(|entry| exposure.place(*entry));
    assert_eq!(
        places.collect::<Vec<_>>(),
        [Some(("things_query", Some("GetSrs"))), Some(("things_query", Some("GetAll")))]
    );
}

fn given(body: Option<RequestBody>, arguments: &Value) -> Result<Value, Vec<String>> {
    let path = vec![parameter("id", Location::Path, Style::Simple, false)];
    let names = ["id", "tag-s", "tag_s", "name", "body", "payload"];
    let known: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!(true))).collect();
    let schema = json!({"type": "object", "properties": known, "required": ["id"]});
    let tool = Tool {
        input_schema: schema.to_string().into(),
        ..tool("act", operation(Method::Post, "/v1/{id}", path, body))
    };
    let arguments = arguments.as_object().unwrap().clone();
    match Given::for_operation(&tool, arguments).validate(&tool) {
        Ok(valid) => Ok(Value::Object(valid.as_map().clone())),
        Err(violations) => Err(violations.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn what_body_holds_goes_where_the_tool_has_it() {
    let renamed = || {
        let member = |name: &'static str, argument: &'static str| infra_mcp_model::BodyMember {
            name: name.into(),
            argument: argument.into(),
        };
        let members = vec![member("tag s", "tag_s"), member("name", "name")];
        Some(RequestBody::Members { required: true, members: members.into(), as_query: false })
    };
    let whole = |argument: &'static str| Some(RequestBody::Whole { argument: argument.into() });
    let own = || members(&["body", "name"], true, false);
    for (body, arguments, expected) in [
        (renamed(), json!({"operation": "act", "id": 1}), json!({"id": 1})),
        (renamed(), json!({"id": 1, "body": {"tag s": [2], "name": "n"}}), json!({"id": 1, "tag_s": [2], "name": "n"})),
        (renamed(), json!({"id": 1, "body": {"tag_s": [2]}}), json!({"id": 1, "tag_s": [2]})),
        (renamed(), json!({"id": 1, "name": "n", "body": {"name": "n"}}), json!({"id": 1, "name": "n"})),
        (renamed(), json!({"id": 1, "name": "n", "body": null}), json!({"id": 1, "name": "n"})),
        (whole("body"), json!({"id": 1, "body": [1, {"name": 2}]}), json!({"id": 1, "body": [1, {"name": 2}]})),
        (whole("payload"), json!({"id": 1, "body": "text"}), json!({"id": 1, "payload": "text"})),
        (own(), json!({"id": 1, "body": "text"}), json!({"id": 1, "body": "text"})),
        (own(), json!({"id": 1, "body": {"body": "text", "name": "n"}}), json!({"id": 1, "body": "text", "name": "n"})),
        (None, json!({"id": 1, "body": {}}), json!({"id": 1})),
        (None, json!({"id": 1, "body": null}), json!({"id": 1})),
    ] {
        assert_eq!(given(body, &arguments), Ok(expected), "{arguments}");
    }
    for (body, arguments, expected) in [
        // A parameter is never set from inside the body.
        (
            renamed(),
            json!({"body": {"id": 2}}),
            &["body.id: is not a member of the request body", "id: is required"][..],
        ),
        (
            renamed(),
            json!({"id": 1, "body": {"nam": 2}}),
            &["body.nam: is not a member of the request body; did you mean `name`?"],
        ),
        (renamed(), json!({"id": 1, "body": {"confirm_token": "x"}}), &["body.confirm_token: is not a member"]),
        (renamed(), json!({"id": 1, "name": "a", "body": {"name": "b"}}), &["body.name: is given twice"]),
        (renamed(), json!({"id": 1, "body": "{\"name\":1}"}), &["body: must be an object"]),
        (renamed(), json!({"id": 1, "body": [{"name": 1}]}), &["body: must be an object"]),
        (None, json!({"id": 1, "body": {"name": 1}}), &["body: is not taken"]),
        (None, json!({"id": 1, "operation2": 1}), &["operation2: is not an argument"]),
    ] {
        let told = given(body, &arguments).unwrap_err();
        assert_eq!(told.len(), expected.len(), "{arguments}: {told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "{arguments}: {told}");
        }
    }
}

#[test]
fn what_is_wrong_inside_the_body_is_told_there() {
    let schema = json!({
        "type": "object",
        "properties": {"id": {"type": "integer"}, "tag_s": {"type": "array", "items": {"type": "string"}}},
        "required": ["id", "tag_s"],
    });
    let member = infra_mcp_model::BodyMember { name: "tag s".into(), argument: "tag_s".into() };
    let body = RequestBody::Members { required: true, members: vec![member].into(), as_query: false };
    let tool = Tool {
        input_schema: schema.to_string().into(),
        ..tool("act", operation(Method::Post, "/v1", vec![], Some(body)))
    };
    for (arguments, expected) in [
        (json!({"id": "x", "body": {"tag s": ["a", 2]}}), ["id", "body.tag s[1]"]),
        (json!({"id": "x"}), ["id", "body.tag s"]),
    ] {
        let violations =
            Given::for_operation(&tool, arguments.as_object().unwrap().clone()).validate(&tool).unwrap_err();
        assert_eq!(violations.iter().map(|one| one.pointer.as_str()).collect::<Vec<_>>(), expected, "{arguments}");
    }
}

#[test]
fn a_former_name_brings_its_arguments_along() {
    let renamed = vec![("vm_id".into(), "id".into())];
    let alias = Alias { name: "get_vm".into(), arguments: renamed.into() };
    for (arguments, expected) in [
        (json!({"vm_id": 1, "more": 2}), json!({"more": 2, "id": 1})),
        (json!({"id": 1}), json!({"id": 1})),
        // Whoever gives both means something that we cannot know: the former one is refused as unknown.
        (json!({"vm_id": 1, "id": 2}), json!({"vm_id": 1, "id": 2})),
    ] {
        let given = Given::renamed(&alias, arguments.as_object().unwrap().clone());
        assert_eq!(Value::Object(given.arguments), expected);
    }
}

#[test]
fn a_description_says_as_much_as_clients_show() {
    let signed = |count: usize, length: usize| {
        let names: Vec<&'static str> = (0..count).map(|i| &*format!("op{i:03}{}", "x".repeat(length)).leak()).collect();
        let listing =
            Listing { signature: "id, name?, note?".into(), required: "id, …".into(), ..Listing::default() };
        let tools =
            names.into_iter().map(|name| Tool { title: "Words on it".into(), listing: listing.clone(), ..read(name) });
        provider("acme", Expose::Domain, vec![("things", tools.collect())])
    };
    for (count, length, expected, not) in [
        (3, 10, "(id, name?, note?): Words on it", "describe_operation"),
        (55, 10, "(id, name?, note?)\n", "Words"),
        (70, 10, "(id, …)\n", "name?"),
        (70, 30, "`describe_operation` tells", "op000"),
    ] {
        let exposure = exposure(vec![signed(count, length)], None, &Selection::default());
        let domain = exposure.domains().next().unwrap();
        let text = domain.description(&domain.operations);
        assert!(text.contains(expected) && !text.contains(not) && text.len() <= 2_048, "{count} {length}: {text}");
    }
}
