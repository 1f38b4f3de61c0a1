use infra_mcp_model::{Effect, Environment as Variables, Method, Operation, Tool};

use super::*;
use crate::executor::fixture::{self, blank_provider};

const TOKEN: &str = "canary-token-1234567890";

fn provider(name: &'static str, base_url: &'static str) -> &'static Provider {
    let text = |text: &'static str| vec![text.into()].into();
    let blank = blank_provider(vec![("things", vec![])]);
    Box::leak(Box::new(Provider {
        name: name.into(),
        base_url: base_url.into(),
        environment: Variables {
            token: vec!["EXAMPLE_TOKEN".into(), "TOKEN".into()].into(),
            base_url: text("BASE_URL"),
            headers: text("HEADERS"),
            ..blank.environment
        },
        ..blank
    }))
}

fn example() -> &'static Provider {
    provider("example", "https://api.example.com")
}

fn everything() -> Only {
    Only::Everything(Box::leak(Box::new([example(), provider("homeless", "")])))
}

fn config(options: Options, variables: &[(&str, &str)], only: Only) -> Result<Config, StartupError> {
    Config::new(options, &Environment::of(variables), only)
}

#[test]
fn the_first_variable_that_is_set_holds_the_token() {
    for (variables, expected) in [
        (&[][..], false),
        (&[("EXAMPLE_TOKEN", ""), ("TOKEN", "")], false),
        (&[("EXAMPLE_TOKEN", ""), ("TOKEN", TOKEN)], true),
        (&[("EXAMPLE_TOKEN", TOKEN)], true),
    ] {
        let config = config(Options::default(), variables, Only::Provider(example())).unwrap();
        assert_eq!(config.accounts.of("example")[0].has_credential(), expected, "{variables:?}");
        assert!(!format!("{config:?}").contains(TOKEN));
    }
}

#[test]
fn a_provider_without_an_address_has_no_account_until_it_gets_one() {
    let bare = config(Options::default(), &[], everything()).unwrap();
    assert!(bare.accounts.of("example").len() == 1 && bare.accounts.of("homeless").is_empty());
    let given = config(Options::default(), &[("BASE_URL", "https://h.example/api")], everything()).unwrap();
    assert_eq!(given.accounts.of("homeless")[0].base_url().as_str(), "https://h.example/api");
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
        (with(|o| o.pin_sha256 = vec!["secret".into()]), &[], "--pin-sha256"),
        (with(|o| o.pin_sha256 = vec![format!("nobody={}", "00".repeat(32))]), &[], "--pin-sha256"),
        (with(|o| o.insecure = vec!["nobody".into()]), &[], "--insecure"),
    ] {
        let error = config(options, variables, Only::Toolset(example(), "things")).unwrap_err().to_string();
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
        let config = config(Options::default(), &[("BASE_URL", address)], Only::Provider(example())).unwrap();
        assert_eq!(!config.warnings.is_empty(), warned, "{address}");
    }
}

#[test]
fn the_sandbox_uses_neither_address_nor_token() {
    let variables = [("BASE_URL", "https://real.example"), ("TOKEN", TOKEN), ("HEADERS", "malformed")];
    let config = config(Options { sandbox: true, ..Options::default() }, &variables, everything()).unwrap();
    assert_eq!(config.accounts.of("example")[0].base_url().as_str(), "http://example.sandbox.invalid/");
    assert!(!config.accounts.of("example")[0].has_credential());
}

#[test]
fn a_binary_selects_what_it_is_for() {
    let of = |only| config(Options::default(), &[], only).unwrap().selection;
    assert_eq!(of(everything()), Selection::default());
    let one = of(Only::Toolset(example(), "things"));
    assert_eq!(one.toolsets.as_deref(), Some(&["things".to_owned()][..]));
}

#[test]
fn a_binary_for_something_that_was_not_built_in_says_so() {
    let error = config(Options::default(), &[], Only::Toolset(example(), "others")).unwrap_err().to_string();
    assert!(error.starts_with("others-mcp") && error.contains("infra-mcp"), "{error}");
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
        assert_eq!(config(options, &[("DEBUG", debug)], everything()).unwrap().log, expected, "{debug}");
    }
}

#[test]
fn a_user_with_a_password_is_a_credential() {
    for (variables, expected) in
        [(&[("EXAMPLE_USER", "ann")][..], false), (&[("EXAMPLE_USER", "ann"), ("EXAMPLE_PASSWORD", TOKEN)], true)]
    {
        let config = config(Options::default(), variables, Only::Provider(example())).unwrap();
        assert_eq!(config.accounts.of("example")[0].has_credential(), expected, "{variables:?}");
    }
}

#[test]
fn the_environment_opens_a_provider_and_a_flag_has_the_last_word() {
    let careful = Provider { default_access: Access::Read, ..blank_provider(vec![]) };
    for (value, flag, expected) in [
        ("", None, Access::Read),
        ("0", None, Access::Read),
        ("1", None, Access::Full),
        ("TRUE", None, Access::Full),
        ("1", Some("read"), Access::Read),
        ("1", Some("write"), Access::Write),
        ("0", Some("full"), Access::Full),
    ] {
        let options = Options { access: flag.map(str::to_owned), ..Options::default() };
        let config = config(options, &[("EXAMPLE_ENABLE_ACTIONS", value)], Only::Provider(example())).unwrap();
        assert_eq!(careful.access(config.selection.access, &config.selection.opened), expected, "{value} {flag:?}");
        assert_eq!(config.policy.opened, config.selection.opened);
    }
    let wrong = config(Options::default(), &[("EXAMPLE_ENABLE_ACTIONS", "perhaps")], everything()).unwrap_err();
    assert!(wrong.to_string().starts_with("EXAMPLE_ENABLE_ACTIONS: "), "{wrong}");
}

#[test]
fn denied_operations_are_left_out_by_id_or_name() {
    let operation = |id| Operation { id, ..fixture::operation(Method::Get, "/", vec![], None) };
    let tools = vec![
        fixture::tool("hosts_Get", operation("Get".into())),
        fixture::tool("pools_Get", operation("Get".into())),
        fixture::tool("Put", operation("put".into())),
    ];
    let provider = blank_provider(vec![("things", tools)]);
    let environment = Environment::of(&[("EXAMPLE_DENY", "Get, Put ,Nothing,")]);
    let mut warnings = Vec::new();
    let denied = super::provider::denied(&provider, &environment, &mut warnings).unwrap();
    assert_eq!(denied, ["example_hosts_Get", "example_pools_Get", "example_Put"], "nobody else's");
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains("`Nothing`"), "{warning}");
}

#[test]
fn where_the_provider_wants_it_every_change_is_approved_unless_the_file_says_otherwise() {
    let tool = |name, effect| {
        let review = fixture::review(effect);
        Tool { review, ..fixture::tool(name, fixture::operation(Method::Post, "/", vec![], None)) }
    };
    let tools = || vec![tool("look", Effect::Read), tool("start", Effect::Write), tool("drop", Effect::Destructive)];
    let careful = Provider { confirm_changes: true, ..blank_provider(vec![("things", tools())]) };
    let other = Provider { name: "the-other".into(), ..blank_provider(vec![("things", tools())]) };
    let [careful, other] = [careful, other].map(|provider| &*Box::leak(Box::new(provider)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let rules = |text: &str, providers: &[&'static Provider]| {
        std::fs::write(&file, text).unwrap();
        let options = Options { policy: Some(file.clone()), ..Options::default() };
        let policy = super::policy(&options, providers, &Default::default()).map_err(|error| error.to_string())?;
        let entries = providers.iter().flat_map(|provider| provider.tools().map(|tool| Entry { provider, tool }));
        let rule = |entry| match (policy.blocks(entry), policy.may_need_approval(entry)) {
            (true, _) => "block",
            (false, true) => "confirm",
            (false, false) => "allow",
        };
        Ok::<_, String>(entries.map(rule).collect::<Vec<_>>())
    };
    for (text, providers, expected) in [
        ("", &[careful, other][..], &["allow", "confirm", "confirm", "allow", "allow", "confirm"][..]),
        ("[tools]\nstart = \"allow\"", &[careful], &["allow", "allow", "confirm"]),
        (
            "[tools]\nexample_start = \"allow\"",
            &[careful, other],
            &["allow", "allow", "confirm", "allow", "allow", "confirm"],
        ),
        (
            "[tools]\nthe_other_drop = \"block\"",
            &[careful, other],
            &["allow", "confirm", "confirm", "allow", "allow", "block"],
        ),
    ] {
        assert_eq!(rules(text, providers).unwrap(), expected, "{text}");
    }
    for (text, part) in [
        ("[tools]\nstart = \"allow\"", "give example_start or the_other_start"),
        ("[tools]\nstrat = \"allow\"", "did you mean `start`"),
    ] {
        let error = rules(text, &[careful, other]).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn certificates_are_excepted_for_the_hosts_of_those_who_were_named() {
    let pin = "0a".repeat(32);
    let homes = [("BASE_URL", "https://home.example:8443/api")];
    for (pins, insecure, variables, expected, warned) in [
        (vec![], vec![], &homes[..0], vec![], 0),
        (vec![pin.clone()], vec![], &homes[..], vec!["home.example", "home.example"], 0),
        (vec![format!("homeless={pin}")], vec![], &homes[..], vec!["home.example"], 0),
        (vec![], vec!["all"], &homes[..0], vec!["api.example.com"], 1),
        (vec![], vec!["homeless"], &homes[..], vec!["home.example"], 1),
        (vec![format!("homeless={pin}")], vec!["all"], &homes[..], vec!["home.example", "home.example"], 1),
    ] {
        let insecure: Vec<String> = insecure.into_iter().map(str::to_owned).collect();
        let options = Options { pin_sha256: pins, insecure, ..Options::default() };
        let config = config(options, variables, everything()).unwrap();
        let hosts: Vec<&str> = config.network.exceptions.iter().map(|exception| exception.host.as_str()).collect();
        assert_eq!(hosts, expected, "{variables:?}");
        let loud = config.warnings.iter().filter(|warning| warning.starts_with("--insecure"));
        assert_eq!((loud.count(), config.unsafe_ways.len()), (warned, warned));
    }
}

#[test]
fn a_host_needs_no_scheme_where_its_variable_is_called_one() {
    let named = |name: &'static str| -> &'static Provider {
        let mut provider = example().clone();
        provider.environment.base_url = vec![name.into()].into();
        Box::leak(Box::new(provider))
    };
    for (variable, value, expected) in [
        ("ACME_HOST", "acme.example", Some("https://acme.example/")),
        ("ACME_HOST", " acme:8443 ", Some("https://acme:8443/")),
        ("ACME_HOST", "http://acme.example/x", Some("http://acme.example/x")),
        ("ACME_HOST", "ftp://acme.example", None),
        ("ACME_HOST", "a b", None),
        ("ACME_URL", "acme.example", None),
    ] {
        let config = config(Options::default(), &[(variable, value)], Only::Provider(named(variable)));
        let address = config.ok().map(|config| config.accounts.of("example")[0].base_url().to_string());
        assert_eq!(address.as_deref(), expected, "{variable} {value}");
    }
}
