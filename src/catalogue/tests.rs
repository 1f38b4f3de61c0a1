use super::*;
use crate::executor::fixture;
use infra_mcp_model::{Access, Alias, Effect, Method, Review};

fn providers() -> &'static [&'static Provider] {
    let tool = |name: &'static str, review: Review| Tool {
        review,
        ..fixture::tool(name, fixture::operation(Method::Get, "/v1", vec![], None))
    };
    let read = || fixture::review(Effect::Read);
    let provider = fixture::provider(vec![
        (
            "vps",
            vec![
                tool("VPS_list", read()),
                tool("VPS_start", fixture::review(Effect::Write)),
                tool("VPS_keys", Review { secret_results: vec!["key".into()].into(), ..read() }),
            ],
        ),
        (
            "dns",
            vec![
                Tool {
                    aliases: vec![Alias { name: "DNS_old".into(), arguments: vec![].into() }].into(),
                    ..tool("DNS_list", read())
                },
                tool("DNS_delete", fixture::review(Effect::Destructive)),
            ],
        ),
    ]);
    Box::leak(vec![provider].into_boxed_slice())
}

fn names(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(ToString::to_string).collect())
}

#[test]
fn selections_narrow() {
    let all = ["VPS_list", "VPS_start", "VPS_keys", "DNS_list", "DNS_delete"];
    let everything = Selection::default;
    for (selection, expected) in [
        (everything(), &all[..]),
        (Selection { toolsets: names(&["dns"]), ..everything() }, &["DNS_list", "DNS_delete"]),
        (Selection { toolsets: names(&["dns", "vps"]), ..everything() }, &all[..]),
        (Selection { tools: names(&["DNS_delete", "VPS_list"]), ..everything() }, &["VPS_list", "DNS_delete"]),
        (Selection { tools: names(&["DNS_old"]), ..everything() }, &["DNS_list"]),
        (
            Selection { exclude: vec!["DNS_old".into(), "VPS_start".into()], ..everything() },
            &["VPS_list", "VPS_keys", "DNS_delete"],
        ),
        (
            Selection { toolsets: names(&["vps"]), exclude: vec!["DNS_list".into()], ..everything() },
            &["VPS_list", "VPS_start", "VPS_keys"],
        ),
        (Selection { access: Some(Access::Read), ..everything() }, &["VPS_list", "DNS_list"]),
    ] {
        let catalogue = Catalogue::select(providers(), &selection).unwrap();
        let got: Vec<&str> = catalogue.entries().iter().map(|entry| entry.tool.name.as_ref()).collect();
        assert_eq!(got, expected, "{selection:?}");
    }
}

#[test]
fn wrong_names_say_what_is_accepted() {
    let everything = Selection::default;
    for (selection, expected) in [
        (
            Selection { toolsets: names(&["vsp"]), ..everything() },
            "--toolsets: there is no toolset `vsp`; did you mean `vps`? Accepted: vps, dns.",
        ),
        (
            Selection { toolsets: names(&["quite-other"]), ..everything() },
            "--toolsets: there is no toolset `quite-other`. Accepted: vps, dns.",
        ),
        (
            Selection { tools: names(&["vps-list"]), ..everything() },
            "--tools: there is no tool `vps-list`; did you mean `VPS_list`?",
        ),
        (
            Selection { exclude: vec!["VPS_lst".into()], ..everything() },
            "--exclude-tools: there is no tool `VPS_lst`; did you mean `VPS_list`?",
        ),
        (
            Selection { toolsets: names(&["vps"]), tools: names(&["DNS_list"]), ..everything() },
            "--tools: `DNS_list` belongs to the toolset `dns`, which is not selected.",
        ),
        (Selection { tools: names(&["VPS_start"]), access: Some(Access::Read), ..everything() }, "No tool is left"),
    ] {
        let error = Catalogue::select(providers(), &selection).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn only_selected_tools_are_found() {
    let selection = Selection { toolsets: names(&["dns"]), ..Selection::default() };
    let catalogue = Catalogue::select(providers(), &selection).unwrap();
    for (name, found) in [
        ("DNS_list", Some("DNS_list")),
        ("DNS_old", Some("DNS_list")),
        ("VPS_list", None),
        ("dns_list", None),
        ("", None),
    ] {
        let named: Vec<&str> = catalogue.named(name).map(|entry| entry.tool.name.as_ref()).collect();
        assert_eq!(named, found.into_iter().collect::<Vec<_>>(), "{name}");
    }
    assert!(catalogue.get("example", "DNS_list").is_some());
    for (provider, name) in [("other", "DNS_list"), ("example", "DNS_old"), ("example", "VPS_list")] {
        assert!(catalogue.get(provider, name).is_none(), "{provider} {name}");
    }
}

#[test]
fn a_build_without_tools_is_an_empty_catalogue() {
    assert!(Catalogue::select(&[], &Selection::default()).unwrap().entries().is_empty());
}

#[test]
fn a_name_of_several_providers_is_given_with_its_provider() {
    let tool = |name: &'static str| fixture::tool(name, fixture::operation(Method::Get, "/v1", vec![], None));
    let old = Tool { aliases: vec![Alias { name: "list".into(), arguments: vec![].into() }].into(), ..tool("GetAll") };
    let provider = |name: &'static str, tools| {
        let provider = Provider { name: name.into(), ..fixture::blank_provider(vec![("things", tools)]) };
        &*Box::leak(Box::new(provider))
    };
    let providers = [provider("one-more", vec![old, tool("other")]), provider("two", vec![tool("list"), tool("only")])];
    let everything = Selection::default;
    for (selection, expected) in [
        (Selection { exclude: vec!["two_list".into()], ..everything() }, Ok(&["GetAll", "other", "only"][..])),
        (Selection { exclude: vec!["one_more_list".into()], ..everything() }, Ok(&["other", "list", "only"])),
        (Selection { tools: names(&["one_more_GetAll", "only"]), ..everything() }, Ok(&["GetAll", "only"])),
        (Selection { tools: names(&["list"]), ..everything() }, Err("give one_more_list or two_list.")),
        (Selection { exclude: vec!["list".into()], ..everything() }, Err("give one_more_list or two_list.")),
        (Selection { exclude: vec!["two_other".into()], ..everything() }, Err("there is no tool `two_other`")),
    ] {
        let got = Catalogue::select(&providers, &selection).map_err(|error| error.to_string());
        match (got, expected) {
            (Ok(catalogue), Ok(expected)) => {
                let got: Vec<&str> = catalogue.entries().iter().map(|entry| entry.tool.name.as_ref()).collect();
                assert_eq!(got, expected, "{selection:?}");
            }
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (got, expected) => panic!("{selection:?}: {got:?}, not {expected:?}"),
        }
    }
}
