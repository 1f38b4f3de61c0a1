use std::fs;

use super::*;
use crate::account::Account;
use crate::config::{Config, Only};
use crate::executor::fixture::blank_provider;
use infra_mcp_model::Provider;

const TOKEN: &str = "canary-token-1234567890";

fn everything() -> Only {
    let provider = |name: &'static str, base_url: &'static str| -> &'static Provider {
        let blank = blank_provider(vec![("things", vec![])]);
        Box::leak(Box::new(Provider { name: name.into(), base_url: base_url.into(), ..blank }))
    };
    Only::Everything(Box::leak(Box::new([provider("example", "https://api.example.com"), provider("homeless", "")])))
}

/// What comes of a configuration file with this text and mode, and these variables.
fn configured(text: &str, mode: u32, variables: &[(&str, &str)], sandbox: bool) -> Result<Config, StartupError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, text).unwrap();
    fs::write(folder.path().join("token.txt"), format!("{TOKEN}-of-a-file\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }
    let options = Options { config: Some(file), sandbox, ..Options::default() };
    Config::new(options, &Environment::of(variables), everything())
}

fn names(accounts: &[std::sync::Arc<Account>]) -> Vec<&str> {
    accounts.iter().map(|account| account.called()).collect()
}

const TWO: &str = r#"
[accounts.example.prod]
token_env = "PROD_TOKEN"

[accounts.example.lab]
url = "https://lab.example.com/api"
token_file = "token.txt"
timeout_seconds = 7
"#;

#[test]
fn accounts_come_from_the_file_and_from_the_environment() {
    let variables = &[("PROD_TOKEN", TOKEN)][..];
    let with_own = &[("PROD_TOKEN", TOKEN), ("EXAMPLE_TOKEN", TOKEN)][..];
    let config = configured(TWO, 0o644, variables, false).unwrap();
    assert_eq!(names(config.accounts.of("example")), ["lab", "prod"], "the environment has no credential");
    let [lab, prod] = config.accounts.of("example") else { panic!("two") };
    assert_eq!((lab.place(), lab.timeout().as_secs()), ("https://lab.example.com/api (lab)", 7));
    assert_eq!(prod.place(), "https://api.example.com/ (prod)");
    assert_eq!(
        names(configured(TWO, 0o644, with_own, false).unwrap().accounts.of("example")),
        ["default", "lab", "prod"]
    );
    assert!(!format!("{config:?}").contains(TOKEN));
    // One named account alone leaves nothing to choose.
    let one = "[accounts.homeless.only]\nurl = 'https://h.example.com'\ntoken_env = 'PROD_TOKEN'\n";
    let config = configured(one, 0o644, variables, false).unwrap();
    assert_eq!(names(config.accounts.of("homeless")), ["only"]);
    assert!(config.accounts.choice("homeless").is_none() && config.accounts.choice("example").is_none());
    // A simulation has the names and nothing else.
    let config = configured(TWO, 0o644, with_own, true).unwrap();
    let places: Vec<&str> = config.accounts.of("example").iter().map(|account| account.place()).collect();
    assert_eq!(places, ["http://example.lab.sandbox.invalid/ (lab)", "http://example.prod.sandbox.invalid/ (prod)"]);
    assert!(!config.accounts.of("example").iter().any(|account| account.has_credential()));
}

#[test]
fn a_mistake_in_the_file_is_told_without_what_is_secret() {
    let secret = format!("[accounts.example.a]\ntoken = '{TOKEN}'\n");
    for (text, mode, expected) in [
        (secret.as_str(), 0o600, None),
        (&secret, 0o640, Some("chmod 600")),
        (&format!("[accounts.example.a]\ntoken = '{TOKEN}'\ntoken_env = 'X'\n"), 0o600, Some("more than one way")),
        (&format!("[accounts.example.a]\ntoken = '{TOKEN}\n"), 0o600, Some("line 2")),
        ("[accounts.example.a]\n", 0o644, Some("accounts.example.a in ")),
        ("[accounts.example.a]\nusername = 'a'\n", 0o644, Some("has no credential")),
        ("[accounts.example.a]\npassword_env = 'NOT_SET'\n", 0o644, Some("has no credential")),
        ("[accounts.example.a]\ntoken_env = 'T'\nca_file = 'none.pem'\n", 0o644, Some("none.pem cannot be read")),
        ("[accounts.example.a]\ntoken_env = 'T'\nca_file = 'token.txt'\n", 0o644, Some("holds no PEM certificate")),
        ("[accounts.example.a]\ntoken_file = 'none.txt'\n", 0o644, Some("none.txt cannot be read")),
        ("[accounts.example.a]\ntoken_env = 'T'\nurl = 'nowhere'\n", 0o644, Some("is not the address")),
        ("[accounts.homeless.a]\ntoken_env = 'T'\n", 0o644, Some("accounts.homeless.a in ")),
        ("[accounts.example.default]\ntoken_env = 'T'\n", 0o644, Some("account of the environment")),
        ("[accounts.example.\"a b\"]\ntoken_env = 'T'\n", 0o644, Some("begins with a letter")),
        ("[accounts.example.true]\ntoken_env = 'T'\n", 0o644, Some("begins with a letter")),
        ("[accounts.acme.a]\ntoken_env = 'T'\n", 0o644, Some("Served here: example, homeless")),
        ("[accounts.example.a]\ntokens = 'T'\n", 0o644, Some("tokens")),
        ("[accounts.example.a]\ntoken_env = 'T'\npin_sha256 = ['12:34']\n", 0o644, Some("64 hexadecimal digits")),
    ] {
        match (configured(text, mode, &[("T", TOKEN)], false), expected) {
            (Ok(config), None) => assert!(config.accounts.of("example")[0].has_credential(), "{text}"),
            (Err(error), Some(part)) => {
                let error = error.to_string();
                assert!(error.contains(part) && !error.contains(TOKEN), "{text}: {error}");
            }
            (got, _) => panic!("{text}: {got:?}"),
        }
    }
    let options = Options { config: Some("/nonexistent/config.toml".into()), ..Options::default() };
    let error = Config::new(options, &Environment::of(&[]), everything()).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}

/// Nothing but the calls of the account fails for it.
#[test]
fn a_variable_that_is_not_set_is_named_by_what_wants_it() {
    for (text, expected) in [
        ("token_env = 'NOT_SET'", Some("Set NOT_SET in the environment of this server.")),
        ("username = 'ada'\npassword_env = 'NO_WORD'", Some("Set NO_WORD in the environment of this server.")),
        ("token_env = 'NOT_SET'\nusername = 'ada'\npassword_env = 'T'", None),
        ("relay_token_env = 'NOT_SET'", Some("Give the account `a` one in the configuration file.")),
    ] {
        let config = configured(&format!("[accounts.example.a]\n{text}\n"), 0o644, &[("T", TOKEN)], false).unwrap();
        let [account] = config.accounts.of("example") else { panic!("one: {text}") };
        let warned = config.warnings.iter().any(|warning| warning.contains(" is not set"));
        assert_eq!(warned, expected.is_some(), "{text}: {:?}", config.warnings);
        assert_eq!(account.has_credential(), expected.is_none(), "{text}");
        assert!(expected.is_none_or(|cure| account.cure() == cure), "{text}: {}", account.cure());
    }
    let config = configured("", 0o644, &[], false).unwrap();
    assert!(config.accounts.of("example")[0].cure().starts_with("Set EXAMPLE_TOKEN (or API_TOKEN)"));
}

#[test]
fn the_usual_place_is_looked_at_unless_all_is_simulated() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/infra-mcp");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), TWO).unwrap();
    fs::write(folder.join("token.txt"), TOKEN).unwrap();
    let variables = [("HOME", home.path().to_str().unwrap()), ("PROD_TOKEN", TOKEN)];
    for (sandbox, expected) in [(false, &["lab", "prod"][..]), (true, &["default"])] {
        let options = Options { sandbox, ..Options::default() };
        let config = Config::new(options, &Environment::of(&variables), everything()).unwrap();
        assert_eq!(names(config.accounts.of("example")), expected, "{sandbox}");
    }
}

#[test]
fn an_account_has_its_own_trust_in_certificates() {
    let pin = "ab".repeat(32);
    let text = format!(
        "[accounts.example.pinned]\ntoken_env = 'T'\nurl = 'https://a.example.com'\npin_sha256 = ['{pin}']\n\
         [accounts.example.unchecked]\ntoken_env = 'T'\nurl = 'https://b.example.com'\ninsecure = true\n\
         [accounts.example.usual]\ntoken_env = 'T'\nurl = 'https://c.example.com'\n"
    );
    let config = configured(&text, 0o644, &[("T", TOKEN)], false).unwrap();
    let hosts: Vec<(&str, bool)> = config
        .network
        .exceptions
        .iter()
        .map(|exception| (exception.host.as_str(), exception.trust == Trust::Anything))
        .collect();
    assert_eq!(hosts, [("a.example.com", false), ("b.example.com", true)]);
    let [warning] = config.unsafe_ways.as_slice() else { panic!("{:?}", config.unsafe_ways) };
    assert!(warning.starts_with("`insecure`: ") && warning.contains("b.example.com"), "{warning}");
}
