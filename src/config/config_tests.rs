use infra_mcp_model::Environment as Variables;

use super::*;
use crate::executor::fixture::blank_provider;

const TOKEN: &str = "canary-token-1234567890";

fn provider(name: &'static str, base_url: &'static str) -> &'static Provider {
    let text = |text: &'static str| vec![text.into()].into();
    Box::leak(Box::new(Provider {
        name: name.into(),
        base_url: base_url.into(),
        environment: Variables {
            token: vec!["EXAMPLE_TOKEN".into(), "TOKEN".into()].into(),
            base_url: text("BASE_URL"),
            headers: text("HEADERS"),
        },
        ..blank_provider(vec![("things", vec![])])
    }))
}

fn providers() -> Providers {
    Box::leak(Box::new([provider("example", "https://api.example.com"), provider("homeless", "")]))
}

fn config(options: Options, variables: &[(&str, &str)], only: Only) -> Result<Config, StartupError> {
    Config::new(options, &Environment::of(variables), only, providers())
}

#[test]
fn the_first_variable_that_is_set_holds_the_token() {
    for (variables, expected) in [
        (&[][..], false),
        (&[("EXAMPLE_TOKEN", ""), ("TOKEN", "")], false),
        (&[("EXAMPLE_TOKEN", ""), ("TOKEN", TOKEN)], true),
        (&[("EXAMPLE_TOKEN", TOKEN)], true),
    ] {
        let config = config(Options::default(), variables, Only::Provider("example")).unwrap();
        assert_eq!(config.accounts["example"].has_credential(), expected, "{variables:?}");
        assert!(!format!("{config:?}").contains(TOKEN));
    }
}

#[test]
fn a_provider_without_an_address_has_no_account_until_it_gets_one() {
    let bare = config(Options::default(), &[], Only::Everything).unwrap();
    assert!(bare.accounts.contains_key("example") && !bare.accounts.contains_key("homeless"));
    let given = config(Options::default(), &[("BASE_URL", "https://h.example/api")], Only::Everything).unwrap();
    assert_eq!(given.accounts["homeless"].base_url().as_str(), "https://h.example/api");
}

#[test]
fn a_wrong_value_names_its_variable_or_flag_and_not_the_value() {
    let with = |change: fn(&mut Options)| {
        let mut options = Options::default();
        change(&mut options);
        options
    };
    for (options, variables, expected) in [
        (Options::default(), &[("BASE_URL", "secret")][..], "BASE_URL"),
        (Options::default(), &[("BASE_URL", "ftp://secret/")], "BASE_URL"),
        (Options::default(), &[("BASE_URL", "https://")], "BASE_URL"),
        (Options::default(), &[("HEADERS", "secret")], "HEADERS"),
        (Options::default(), &[("HEADERS", "a:\"secret")], "HEADERS"),
        (with(|o| o.body_as_query = vec!["nothing".into()]), &[], "--body-as-query"),
        (with(|o| o.toolsets = vec!["others".into()]), &[], "--toolsets"),
        (with(|o| o.ca_file = Some("/nonexistent.pem".into())), &[], "--ca-file"),
    ] {
        let error = config(options, variables, Only::Toolset("example", "things")).unwrap_err().to_string();
        assert!(error.starts_with(expected) && !error.contains("secret"), "{expected}: {error}");
    }
}

#[test]
fn unencrypted_addresses_are_warned_of_unless_they_stay_on_this_machine() {
    for (address, warned) in [
        ("http://api.example.com", true),
        ("http://10.0.0.1:8006", true),
        ("https://api.example.com", false),
        ("http://localhost:8100/x", false),
        ("http://api.localhost", false),
        ("http://127.0.0.2", false),
        ("http://[::1]:80", false),
    ] {
        let config = config(Options::default(), &[("BASE_URL", address)], Only::Provider("example")).unwrap();
        assert_eq!(!config.warnings.is_empty(), warned, "{address}");
    }
}

#[test]
fn the_sandbox_uses_neither_address_nor_token() {
    let variables = [("BASE_URL", "https://real.example"), ("TOKEN", TOKEN), ("HEADERS", "malformed")];
    let config = config(Options { sandbox: true, ..Options::default() }, &variables, Only::Everything).unwrap();
    assert_eq!(config.accounts["example"].base_url().as_str(), "http://example.sandbox.invalid/");
    assert!(!config.accounts["example"].has_credential());
}

#[test]
fn a_binary_selects_what_it_is_for() {
    let of = |only| config(Options::default(), &[], only).unwrap().selection;
    assert_eq!(of(Only::Everything), Selection::default());
    let one = of(Only::Toolset("example", "things"));
    assert_eq!(one.providers.as_deref(), Some(&["example".to_owned()][..]));
    assert_eq!(one.toolsets.as_deref(), Some(&["things".to_owned()][..]));
}

#[test]
fn a_binary_for_something_that_was_not_built_in_says_so() {
    for only in [Only::Provider("other"), Only::Toolset("other", "things"), Only::Toolset("example", "others")] {
        let error = config(Options::default(), &[], only).unwrap_err().to_string();
        assert!(error.starts_with(&only.binary(providers())) && error.contains("infra-mcp"), "{error}");
    }
}

#[test]
fn the_log_level_comes_from_the_flag_or_debug() {
    for (flag, debug, expected) in [
        (None, "", None),
        (None, "false", None),
        (None, "true", Some(LogLevel::Debug)),
        (Some(LogLevel::Warn), "true", Some(LogLevel::Warn)),
    ] {
        let options = Options { log: flag, ..Options::default() };
        assert_eq!(config(options, &[("DEBUG", debug)], Only::Everything).unwrap().log, expected, "{debug}");
    }
}
