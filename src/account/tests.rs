use super::*;
use crate::executor::fixture;
use infra_mcp_model::Header;

fn account(provider: Provider, settings: AccountSettings) -> Result<Account, String> {
    Account::new(Box::leak(Box::new(provider)), settings).map_err(|error| error.to_string())
}

fn extra(name: &str, value: &str) -> Vec<(String, Secret)> {
    vec![(name.to_owned(), Secret::new(value))]
}

#[test]
fn credentials_go_where_the_provider_wants_them() {
    let named = Authentication::Header("X-Api-Key".into());
    let cookie = Authentication::Cookie("session".into());
    for (authentication, headers, name, value) in [
        (Authentication::Bearer, vec![], "authorization", Some(format!("Bearer {}", fixture::TOKEN))),
        (
            Authentication::Bearer,
            extra("Authorization", "Basic dXNlcjpwYXNz"),
            "authorization",
            Some("Basic dXNlcjpwYXNz".to_owned()),
        ),
        (named, vec![], "x-api-key", Some(fixture::TOKEN.to_owned())),
        (cookie, vec![], "cookie", Some(format!("session={}", fixture::TOKEN))),
        (Authentication::None, vec![], "authorization", None),
    ] {
        let provider = Provider { authentication, ..fixture::blank_provider(vec![]) };
        let account =
            account(provider, AccountSettings { headers, ..fixture::settings("https://api.example.com") }).unwrap();
        assert!(account.has_credential());
        let header = account.headers().get(name);
        assert_eq!(header.map(|header| header.to_str().unwrap().to_owned()), value);
        assert!(header.is_none_or(HeaderValue::is_sensitive));
    }
}

/// RFC 7617 section 2.1 has the last example.
#[test]
fn user_and_password_stand_in_for_a_token() {
    for (token, user, password, expected) in [
        (Some("a-long-token"), "ann", "a-password", "Bearer a-long-token"),
        (None, "Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (None, "test", "123\u{a3}", "Basic dGVzdDoxMjPCow=="),
    ] {
        let user = Some((user.to_owned(), Secret::new(password)));
        let settings = AccountSettings { token: token.map(Secret::new), user, ..AccountSettings::default() };
        let account = account(fixture::blank_provider(vec![]), settings).unwrap();
        assert_eq!(account.headers()["authorization"], expected);
        assert!(account.has_credential() && account.headers()["authorization"].is_sensitive());
        let masked = account.mask("open sesame, QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(masked == "***, ***", password == "open sesame", "{masked}");
    }
}

#[test]
fn an_address_ends_where_the_api_begins() {
    for (given, expected) in [
        ("https://xo.example", "https://xo.example/rest/v0"),
        ("https://xo.example/", "https://xo.example/rest/v0"),
        ("https://xo.example/rest/v0/", "https://xo.example/rest/v0"),
        ("https://example.com/xo/", "https://example.com/xo/rest/v0"),
    ] {
        let provider = Provider { base_path: "/rest/v0".into(), ..fixture::blank_provider(vec![]) };
        assert_eq!(account(provider, fixture::settings(given)).unwrap().base(), expected);
    }
}

#[test]
fn every_request_carries_what_its_provider_asks_for() {
    let headers = vec![Header { name: "X-Client".into(), value: "mcp".into() }];
    for (extra, expected) in [(vec![], "mcp"), (extra("x-client", "other"), "other")] {
        let provider = Provider { headers: headers.clone().into(), ..fixture::blank_provider(vec![]) };
        let settings = AccountSettings { headers: extra, ..AccountSettings::default() };
        assert_eq!(account(provider, settings).unwrap().headers()["x-client"], expected);
    }
}

#[test]
fn an_account_without_token_is_no_error() {
    for (headers, expected) in
        [(vec![], false), (extra("authorization", "Bearer elsewhere"), true), (extra("x-other", "1"), false)]
    {
        let account =
            account(fixture::blank_provider(vec![]), AccountSettings { headers, ..AccountSettings::default() })
                .unwrap();
        assert_eq!(account.has_credential(), expected);
        assert_eq!(account.timeout(), Duration::from_secs(60));
    }
}

#[test]
fn what_cannot_be_sent_is_refused_at_start() {
    let base = |url: &str| AccountSettings { base_url: Some(Url::parse(url).unwrap()), ..AccountSettings::default() };
    let token = |token: &str| AccountSettings { token: Some(Secret::new(token)), ..AccountSettings::default() };
    let headers = |headers| AccountSettings { headers, ..AccountSettings::default() };
    for (settings, expected) in [
        (base("ftp://api.example.com"), "API_BASE_URL: the address must begin with https://"),
        (base("https://user:hidden-pass@api.example.com"), "API_BASE_URL: the address must not hold a user name"),
        (base("https://api.example.com/?x=1"), "API_BASE_URL: the address must end with its path"),
        (base("https://api.example.com/#x"), "API_BASE_URL: the address must end with its path"),
        (token("two\nhidden-lines"), "EXAMPLE_TOKEN: the token holds characters"),
        (headers(extra("bad name", "x")), "API_HEADERS: \"bad name\" is no header name"),
        (headers(extra("x-name", "hidden-\r\nvalue")), "API_HEADERS: the value of x-name holds characters"),
    ] {
        let error = account(fixture::blank_provider(vec![]), settings).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("hidden"), "{error}");
    }
    let nowhere = Provider { base_url: "".into(), ..fixture::blank_provider(vec![]) };
    assert!(
        account(nowhere, AccountSettings::default())
            .unwrap_err()
            .starts_with("API_BASE_URL: Example has no fixed address")
    );
}

#[test]
fn user_agents_are_one_line() {
    const OURS: &str = concat!("infra-mcp/", env!("CARGO_PKG_VERSION"));
    for (given, expected) in [
        (None, OURS.to_owned()),
        (Some(""), OURS.to_owned()),
        (Some("\r\n"), OURS.to_owned()),
        (Some("acme/1.0"), format!("{OURS} (acme/1.0)")),
        (Some("acme\r\nX-Evil: 1"), format!("{OURS} (acmeX-Evil: 1)")),
        (Some("ümlaut"), format!("{OURS} (ümlaut)")),
    ] {
        assert_eq!(user_agent(given).as_bytes(), expected.as_bytes(), "{given:?}");
    }
}

#[test]
fn secrets_do_not_show() {
    let headers = extra("Authorization", "Bearer another-secret");
    let account = account(
        fixture::blank_provider(vec![]),
        AccountSettings { headers, ..fixture::settings("https://api.example.com") },
    )
    .unwrap();
    assert_eq!(account.mask("a token-0123456789 b another-secret"), "a *** b ***");
    assert!(matches!(account.mask("nothing"), Cow::Borrowed("nothing")));
    let secret = Secret::new("very-secret");
    let shown = format!("{secret} {secret:?} {account:?} {:?}", account.headers());
    assert!(
        !shown.contains("very-secret") && !shown.contains("another-secret") && !shown.contains(fixture::TOKEN),
        "{shown}"
    );
}
