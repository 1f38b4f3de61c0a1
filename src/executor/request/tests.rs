use super::*;
use crate::account::BodyAsQuery;
use crate::executor::fixture;
use infra_mcp_model::{Operation, Parameter, Provider, QueryArrays, RequestDefault, Style};

fn target(provider: &'static Provider, arguments: &str) -> Result<String, String> {
    let call = fixture::call(provider, arguments, fixture::settings("https://api.example.com/"));
    build(&call).map(|request| request.uri().path_and_query().unwrap().to_string()).map_err(|error| error.to_string())
}

fn provider(operation: Operation) -> &'static Provider {
    fixture::provider(vec![("main", vec![fixture::tool("tool", operation)])])
}

fn with_parameter(parameter: Parameter, path: &str) -> &'static Provider {
    provider(fixture::operation(Method::Get, path, vec![parameter], None))
}

#[test]
fn path_values_stay_inside_their_segment() {
    let provider =
        with_parameter(fixture::parameter("id", Location::Path, Style::Simple, false), "/v1/things/{id}/start");
    for (value, expected) in [
        (r#""plain-id_1.~""#, "plain-id_1.~"),
        ("9007199254740993", "9007199254740993"),
        ("-1.50", "-1.50"),
        ("true", "true"),
        (r#""a/b""#, "a%2Fb"),
        (r#""a\\b""#, "a%5Cb"),
        (r#""a?b#c&d=e""#, "a%3Fb%23c%26d%3De"),
        (r#""100%""#, "100%25"),
        (r#""%41""#, "%2541"),
        (r#""a b+c""#, "a%20b%2Bc"),
        (r#""müller.de""#, "m%C3%BCller.de"),
        (r#""...""#, "..."),
        (r#""..a""#, "..a"),
        (r#""@:;,!$'()*""#, "%40%3A%3B%2C%21%24%27%28%29%2A"),
        (r#"["a","b/c"]"#, "a,b%2Fc"),
        (r#"{"k":"v","n":1}"#, "k,v,n,1"),
    ] {
        assert_eq!(
            target(provider, &format!(r#"{{"id":{value}}}"#)),
            Ok(format!("/v1/things/{expected}/start")),
            "{value}"
        );
    }
}

#[test]
fn path_values_that_could_leave_their_segment_are_refused() {
    let provider =
        with_parameter(fixture::parameter("id", Location::Path, Style::Simple, false), "/v1/things/{id}/start");
    for value in [
        r#""""#,
        r#"".""#,
        r#""..""#,
        r#""%2e""#,
        r#""%2E%2e""#,
        r#"".%2e""#,
        r#""%252e%252e""#,
        r#""../x""#,
        r#""x/..""#,
        r#""a/./b""#,
        r#""..\\x""#,
        r#""..%2fx""#,
        r#""%2e%2e%5cx""#,
        r#""%252e%252e%252f""#,
        r#""a\nb""#,
        r#""a\u0000b""#,
        r#""a%0d%0ab""#,
        r#""a\u007f""#,
        r#""a\u0085""#,
        "null",
        "[]",
        "{}",
        r#"["a",".."]"#,
        r#"["a",""]"#,
        r#"{"..":1}"#,
    ] {
        let error = target(provider, &format!(r#"{{"id":{value}}}"#)).unwrap_err();
        assert!(error.starts_with("`id` is part of the path and must"), "{value}: {error}");
        assert!(error.ends_with("Nothing was sent."), "{value}: {error}");
    }
    assert!(target(provider, "{}").is_err());
}

#[test]
fn path_styles() {
    let (scalar, array, object) = ("5", r#"[3,"a b"]"#, r#"{"r":1,"g":2}"#);
    for (style, explode, value, expected) in [
        (Style::Simple, false, scalar, "5"),
        (Style::Simple, true, array, "3,a%20b"),
        (Style::Simple, true, object, "r=1,g=2"),
        (Style::Label, false, scalar, ".5"),
        (Style::Label, false, array, ".3,a%20b"),
        (Style::Label, true, array, ".3.a%20b"),
        (Style::Label, true, object, ".r=1.g=2"),
        (Style::Matrix, false, scalar, ";id=5"),
        (Style::Matrix, false, array, ";id=3,a%20b"),
        (Style::Matrix, true, array, ";id=3;id=a%20b"),
        (Style::Matrix, false, object, ";id=r,1,g,2"),
        (Style::Matrix, true, object, ";r=1;g=2"),
    ] {
        let provider = with_parameter(fixture::parameter("id", Location::Path, style, explode), "/v1/{id}");
        assert_eq!(
            target(provider, &format!(r#"{{"id":{value}}}"#)),
            Ok(format!("/v1/{expected}")),
            "{style:?} {explode} {value}"
        );
    }
}

#[test]
fn query_styles() {
    let (array, object) = (r#"["a","b c",null,"d,e"]"#, r#"{"k":"v","n":[1,2],"z":null}"#);
    let nasty = r#""a b&c=d?e#f+g/ü%'[]""#;
    for (style, explode, value, expected) in [
        (Style::Form, true, nasty, "?q=a%20b%26c%3Dd%3Fe%23f%2Bg%2F%C3%BC%25%27%5B%5D"),
        (Style::Form, true, r#""""#, "?q="),
        (Style::Form, true, "null", ""),
        (Style::Form, true, "9007199254740993", "?q=9007199254740993"),
        (Style::Form, false, "1.10", "?q=1.10"),
        (Style::Form, true, "false", "?q=false"),
        (Style::Form, true, array, "?q=a&q=b%20c&q=d%2Ce"),
        (Style::Form, false, array, "?q=a,b%20c,d%2Ce"),
        (Style::Form, true, "[]", ""),
        (Style::Form, false, "[]", ""),
        (Style::Form, true, r#"{"k":"v","n":1}"#, "?k=v&n=1"),
        (Style::Form, false, r#"{"k":"v","n":1}"#, "?q=k,v,n,1"),
        (Style::SpaceDelimited, false, array, "?q=a%20b%20c%20d%2Ce"),
        (Style::SpaceDelimited, true, array, "?q=a&q=b%20c&q=d%2Ce"),
        (Style::PipeDelimited, false, array, "?q=a%7Cb%20c%7Cd%2Ce"),
        (Style::DeepObject, true, object, "?q[k]=v&q[n][0]=1&q[n][1]=2"),
        (Style::DeepObject, true, r#"{"a][b":{"c":1}}"#, "?q[a%5D%5Bb][c]=1"),
    ] {
        let provider = with_parameter(fixture::parameter("q", Location::Query, style, explode), "/v1");
        assert_eq!(
            target(provider, &format!(r#"{{"q":{value}}}"#)),
            Ok(format!("/v1{expected}")),
            "{style:?} {explode} {value}"
        );
    }
}

#[test]
fn arrays_with_brackets_where_the_provider_wants_them() {
    for (name, value, expected) in [
        ("q", r#"["a","b c"]"#, "?q[]=a&q[]=b%20c"),
        ("q[]", r#"["a"]"#, "?q[]=a"),
        ("q", r#"[{"k":1},{"k":2}]"#, "?q[0][k]=1&q[1][k]=2"),
        ("q", r#""a""#, "?q=a"),
        ("q", "[]", ""),
    ] {
        let operation = fixture::operation(
            Method::Get,
            "/v1",
            vec![fixture::parameter(name, Location::Query, Style::Form, false)],
            None,
        );
        let blank = fixture::blank_provider(vec![("main", vec![fixture::tool("tool", operation)])]);
        let provider = Box::leak(Box::new(Provider { query_arrays: QueryArrays::Brackets, ..blank }));
        assert_eq!(
            target(provider, &format!(r#"{{"{name}":{value}}}"#)),
            Ok(format!("/v1{expected}")),
            "{name} {value}"
        );
    }
}

#[test]
fn base_urls_keep_their_path() {
    let provider = provider(fixture::operation(
        Method::Get,
        "/v1/{id}",
        vec![fixture::parameter("id", Location::Path, Style::Simple, false)],
        None,
    ));
    for (base, expected) in [
        ("https://api.example.com", "https://api.example.com/v1/5"),
        ("https://api.example.com/", "https://api.example.com/v1/5"),
        ("http://127.0.0.1:8080/prefix/deep/", "http://127.0.0.1:8080/prefix/deep/v1/5"),
        ("http://[::1]:80/p", "http://[::1]/p/v1/5"),
    ] {
        let request = build(&fixture::call(provider, r#"{"id":5}"#, fixture::settings(base))).unwrap();
        assert_eq!(request.uri().to_string(), expected);
    }
}

#[test]
fn bodies() {
    let members = |required, as_query| fixture::members(&["b", "a", "list"], required, as_query);
    let whole = || Some(RequestBody::Whole { argument: "body".into() });
    for (method, body, arguments, path, json) in [
        (
            Method::Post,
            members(true, false),
            r#"{"a":9007199254740993,"b":[1.10,{"x":null}]}"#,
            "/v1",
            r#"{"b":[1.10,{"x":null}],"a":9007199254740993}"#,
        ),
        (Method::Post, members(true, false), r#"{"a":null,"b":"\"ü\u0001"}"#, "/v1", r#"{"b":"\"ü\u0001","a":null}"#),
        (Method::Post, members(true, false), "{}", "/v1", "{}"),
        (Method::Post, members(false, false), "{}", "/v1", ""),
        (Method::Get, members(true, false), r#"{"a":1}"#, "/v1", r#"{"a":1}"#),
        (Method::Delete, members(false, false), r#"{"a":1}"#, "/v1", r#"{"a":1}"#),
        (Method::Put, whole(), r#"{"body":[{"k":1e+2}]}"#, "/v1", r#"[{"k":1e+2}]"#),
        (Method::Put, whole(), "{}", "/v1", ""),
        (
            Method::Delete,
            members(true, true),
            r#"{"list":[{"name":"www","type":"A"},{"name":"@"}],"a":null,"b":true}"#,
            "/v1?b=true&list[0][name]=www&list[0][type]=A&list[1][name]=%40",
            "",
        ),
        (Method::Delete, members(true, true), r#"{"list":["a","b"]}"#, "/v1?list[]=a&list[]=b", ""),
        (Method::Get, members(true, true), r#"{"a":{"deep":["x","y"]}}"#, "/v1?a[deep][0]=x&a[deep][1]=y", ""),
        (Method::Post, None, "{}", "/v1", ""),
    ] {
        let provider = provider(fixture::operation(method, "/v1", vec![], body));
        let request = build(&fixture::call(provider, arguments, fixture::settings("https://api.example.com"))).unwrap();
        assert_eq!(request.method().as_str(), method.as_str());
        assert_eq!(request.uri().path_and_query().unwrap().as_str(), path, "{arguments}");
        assert_eq!(std::str::from_utf8(request.body()).unwrap(), json, "{arguments}");
        assert_eq!(request.headers().contains_key(CONTENT_TYPE), !json.is_empty(), "{arguments}");
    }
}

#[test]
fn an_account_can_send_bodies_in_the_query() {
    let some = |name: &str| BodyAsQuery::Tools(vec![name.to_owned()]);
    for (method, switch, in_query) in [
        (Method::Delete, BodyAsQuery::Declared, false),
        (Method::Delete, BodyAsQuery::All, true),
        (Method::Get, BodyAsQuery::All, true),
        (Method::Post, BodyAsQuery::All, false),
        (Method::Delete, some("tool"), true),
        (Method::Delete, some("other"), false),
        (Method::Post, some("tool"), false),
    ] {
        let provider = provider(fixture::operation(method, "/v1", vec![], fixture::members(&["a"], true, false)));
        let settings = crate::account::AccountSettings {
            body_as_query: switch.clone(),
            ..fixture::settings("https://api.example.com")
        };
        let request = build(&fixture::call(provider, r#"{"a":1}"#, settings)).unwrap();
        assert_eq!(request.uri().query().is_some(), in_query, "{method:?} {switch:?}");
        assert_eq!(request.body().is_empty(), in_query, "{method:?} {switch:?}");
    }
}

#[test]
fn header_parameters() {
    let of = |name: &'static str, explode| {
        with_parameter(fixture::parameter(name, Location::Header, Style::Simple, explode), "/v1")
    };
    for (name, explode, value, expected) in [
        ("X-Kind", false, r#""a b, c""#, Ok(Some("a b, c"))),
        ("X-Kind", false, "[1,2]", Ok(Some("1,2"))),
        ("X-Kind", true, r#"{"a":1,"b":2}"#, Ok(Some("a=1,b=2"))),
        ("X-Kind", false, "null", Ok(None)),
        ("X-Kind", false, r#""a\r\nInjected: 1""#, Err("one line")),
        ("X-Kind", false, r#""a\nb""#, Err("one line")),
        ("X-Kind", false, r#""a\u0000""#, Err("one line")),
        ("Authorization", false, r#""Basic x""#, Err("only this server sets")),
        ("Host", false, r#""evil.example""#, Err("only this server sets")),
        ("User-Agent", false, r#""mine""#, Ok(Some(concat!("infra-mcp/", env!("CARGO_PKG_VERSION"))))),
    ] {
        let call = fixture::call(
            of(name, explode),
            &format!(r#"{{"{name}":{value}}}"#),
            fixture::settings("https://api.example.com"),
        );
        match (build(&call), expected) {
            (Ok(request), Ok(expected)) => {
                assert_eq!(request.headers().get(name).map(|value| value.to_str().unwrap()), expected, "{name} {value}")
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{name} {value}: {error}"),
            (got, _) => panic!("{name} {value}: {got:?}"),
        }
    }
}

#[test]
fn what_a_call_leaves_out_is_sent_by_default() {
    let parameters = ["fields", "limit"].map(|name| fixture::parameter(name, Location::Query, Style::Form, true));
    let default = |argument: &'static str, value: &'static str| RequestDefault {
        argument: argument.into(),
        value: value.into(),
        bounds_rows: false,
    };
    let defaults = vec![default("fields", "\"id,$pool\""), default("limit", "100")].into();
    let operation = fixture::operation(Method::Get, "/v1", parameters.to_vec(), None);
    let provider = provider(Operation { defaults, ..operation });
    for (arguments, expected) in [
        ("{}", "/v1?fields=id%2C%24pool&limit=100"),
        (r#"{"limit":5}"#, "/v1?fields=id%2C%24pool&limit=5"),
        (r#"{"limit":null,"fields":"*"}"#, "/v1?fields=%2A"),
    ] {
        assert_eq!(target(provider, arguments).as_deref(), Ok(expected), "{arguments}");
    }
}

#[test]
fn clients_are_named_without_control_characters() {
    let provider = provider(fixture::operation(Method::Get, "/v1", vec![], None));
    for (name, expected) in [
        (Some("Claude Desktop"), Some("Claude Desktop")),
        (Some("a\r\nAuthorization: x\u{7f}"), Some("aAuthorization: x")),
        (Some("  "), None),
        (Some("\r\n"), None),
        (None, None),
    ] {
        let mut call = fixture::call(provider, "{}", fixture::settings("https://api.example.com"));
        call.caller.client_name = name.map(str::to_owned);
        let request = build(&call).unwrap();
        assert_eq!(request.headers().get("X-MCP-Client").map(|value| value.to_str().unwrap()), expected, "{name:?}");
    }
}

#[test]
fn a_request_shows_no_token() {
    let provider = provider(fixture::operation(Method::Get, "/v1", vec![], None));
    let call = fixture::call(provider, "{}", fixture::settings("https://api.example.com"));
    let request = build(&call).unwrap();
    assert_eq!(request.headers()["authorization"], format!("Bearer {}", fixture::TOKEN).as_str());
    assert_eq!(request.headers()["accept"], "application/json");
    for shown in [format!("{request:?}"), format!("{call:?}"), format!("{:?}", fixture::settings("https://x.example"))]
    {
        assert!(!shown.contains(fixture::TOKEN), "{shown}");
    }
}
