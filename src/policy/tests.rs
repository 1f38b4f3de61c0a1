use std::sync::Arc;

use super::*;
use crate::executor::fixture;
use crate::principal::{Grant, Principal};
use infra_mcp_model::{Condition, Effect, EffectWhen, Method, Review, Tool};

fn call(review: Review, arguments: &str) -> Call {
    let tool = fixture::tool("tool", fixture::operation(Method::Post, "/v1", vec![], None));
    let provider = fixture::provider(vec![("main", vec![Tool { review, ..tool }])]);
    fixture::call(provider, arguments, fixture::settings("https://api.example.com"))
}

fn when(argument: &'static str, equals: Option<&'static str>, effect: Effect) -> EffectWhen {
    let condition = equals.map_or(Condition::Present, |text| Condition::Equals(text.into()));
    EffectWhen { argument: argument.into(), condition, effect }
}

#[test]
fn the_effect_follows_the_arguments() {
    let review = Review {
        effect_when: vec![
            when("overwrite", Some("true"), Effect::Destructive),
            when("dry_run", Some("true"), Effect::Read),
            when("rules[].force", Some("true"), Effect::Destructive),
            when("setup.password", None, Effect::Destructive),
            when("count", Some("1"), Effect::Destructive),
            when("grid[][]", Some("\"x\""), Effect::Destructive),
        ]
        .into(),
        ..fixture::review(Effect::Write)
    };
    for (arguments, expected) in [
        ("{}", Effect::Write),
        (r#"{"overwrite":false}"#, Effect::Write),
        (r#"{"overwrite":"true"}"#, Effect::Write),
        (r#"{"overwrite":true}"#, Effect::Destructive),
        (r#"{"dry_run":true}"#, Effect::Read),
        (r#"{"dry_run":true,"overwrite":true}"#, Effect::Destructive),
        (r#"{"rules":[{"force":false},{"force":true}]}"#, Effect::Destructive),
        (r#"{"rules":[{"force":false},7]}"#, Effect::Write),
        (r#"{"rules":{"force":true}}"#, Effect::Write),
        (r#"{"setup":{"password":null}}"#, Effect::Destructive),
        (r#"{"setup":{}}"#, Effect::Write),
        (r#"{"setup":[]}"#, Effect::Write),
        (r#"{"count":1.0}"#, Effect::Destructive),
        (r#"{"count":2}"#, Effect::Write),
        (r#"{"grid":[["a"],["b","x"]]}"#, Effect::Destructive),
        (r#"{"grid":["x"]}"#, Effect::Write),
    ] {
        let call = call(review.clone(), arguments);
        assert_eq!(effect_of(call.entry.tool, &call.arguments), expected, "{arguments}");
    }
}

fn judge(policy: &Policy, call: Call, resource: Option<&Value>) -> Result<Judged, Refusal> {
    let seen = resource.map(std::slice::from_ref);
    policy.judge(call, Snapshot { switch: None, seen }, &Usage::default(), Instant::now())
}

#[test]
fn access_refuses_what_goes_further() {
    let read = || fixture::review(Effect::Read);
    let eased = |effect| vec![when("dry_run", Some("true"), effect)].into();
    for (review, arguments, for_read, for_write) in [
        (read(), "{}", None, None),
        (fixture::review(Effect::Write), "{}", Some("changes something"), None),
        (fixture::review(Effect::Destructive), "{}", Some("is destructive"), Some("is destructive")),
        (Review { money: true, ..read() }, "{}", Some("spends money"), Some("spends money")),
        (Review { exec: true, ..read() }, "{}", Some("makes code run"), Some("makes code run")),
        (
            Review { secret_results: vec!["token".into()].into(), ..read() },
            "{}",
            Some("hands out a credential"),
            Some("hands out a credential"),
        ),
        (
            Review { effect_when: vec![when("reset", None, Effect::Destructive)].into(), ..read() },
            r#"{"reset":1}"#,
            Some("is destructive"),
            Some("is destructive"),
        ),
        (
            Review { effect_when: eased(Effect::Read), ..fixture::review(Effect::Write) },
            r#"{"dry_run":true}"#,
            None,
            None,
        ),
    ] {
        assert!(judge(&Policy::default(), call(review.clone(), arguments), None).is_ok());
        for (access, code, objection) in
            [(Access::Read, Code::ReadOnly, for_read), (Access::Write, Code::BlockedByPolicy, for_write)]
        {
            let policy = Policy { access: Some(access), ..Policy::default() };
            match (judge(&policy, call(review.clone(), arguments), None), objection) {
                (Ok(judged), None) => assert_eq!(judged.call().entry.tool.name, "tool"),
                (Err(refusal), Some(part)) => {
                    assert_eq!(refusal.code(), code);
                    assert!(refusal.to_string().contains(part), "{refusal}");
                }
                (got, expected) => panic!("{got:?}, not {expected:?}"),
            }
        }
    }
}

#[test]
fn what_a_principal_lacks_is_refused() {
    let scoped = |scopes: &[&str], read_only| {
        let scopes = Some(scopes.iter().map(ToString::to_string).collect());
        let mut call = call(Review { scope: "vms:power".into(), ..fixture::review(Effect::Write) }, "{}");
        call.caller.principal = Arc::new(Principal::new("token:a", Grant { scopes, read_only, ..Grant::default() }));
        judge(&Policy::default(), call, None).map_err(|refusal| refusal.code())
    };
    assert!(scoped(&["vms:power"], false).is_ok());
    assert_eq!(scoped(&["vms:read"], false).unwrap_err(), Code::ForbiddenScope);
    assert_eq!(scoped(&["vms:power"], true).unwrap_err(), Code::ReadOnly);
}

#[test]
fn the_operator_has_the_last_word_on_a_tool() {
    let (mut rules, call) = (Rules::default(), call(fixture::review(Effect::Read), "{}"));
    let elsewhere = infra_mcp_model::Provider { name: "elsewhere".into(), ..call.entry.provider.clone() };
    rules.set(Entry { provider: Box::leak(Box::new(elsewhere)), ..call.entry }, Rule::Allow);
    assert_eq!(rules.of(call.entry), None, "a tool of the same name of another provider");
    rules.set(call.entry, Rule::Block);
    let policy = Policy { rules, ..Policy::default() };
    let refusal = judge(&policy, call, None).unwrap_err();
    assert_eq!(refusal.code(), Code::BlockedByPolicy);
}

#[test]
fn what_is_of_one_account_is_not_of_another() {
    let by = |name: Option<&str>| {
        let mut call = call(fixture::review(Effect::Write), r#"{"vm":"web-1"}"#);
        let settings = crate::account::AccountSettings {
            name: name.map(str::to_owned),
            ..fixture::settings("https://api.example.com")
        };
        call.account = Arc::new(crate::account::Account::new(call.entry.provider, settings).unwrap());
        call
    };
    for (owner, expected) in [
        ("example", [true, true, true]),
        ("example/lab", [false, true, false]),
        ("example/default", [true, false, false]),
        ("other/lab", [false, false, false]),
    ] {
        let mut protection = Protection::default();
        protection.protect(owner, ["web-*".to_owned()]);
        let policy = Policy { protection, ..Policy::default() };
        let refused = [None, Some("lab"), Some("production")].map(|name| judge(&policy, by(name), None).is_err());
        assert_eq!(refused, expected, "{owner}");
    }
    let names = [None, Some("lab"), Some("production")].map(|name| by(name).account_name());
    assert_eq!(names[1], "example https://api.example.com/ (lab)");
    assert!(names[0] != names[1] && names[1] != names[2], "{names:?}");
}

#[test]
fn protected_resources_are_not_touched_and_may_be_read() {
    let mut protection = Protection::default();
    let provider = call(fixture::review(Effect::Write), "{}").entry.provider.name.to_string();
    protection.protect(&provider, ["production-*".to_owned()]);
    let policy = Policy { protection, ..Policy::default() };
    let named = r#"{"vm":"Production-1"}"#;
    let production = serde_json::json!({"name": "production-1"});
    let other = serde_json::json!({"name": "test-1"});
    for (effect, arguments, resource, refused) in [
        (Effect::Write, named, None, true),
        (Effect::Read, named, None, false),
        (Effect::Write, "{}", None, false),
        (Effect::Write, "{}", Some(&other), false),
        (Effect::Write, "{}", Some(&production), true),
        (Effect::Destructive, "{}", Some(&production), true),
    ] {
        let judged = judge(&policy, call(fixture::review(effect), arguments), resource);
        assert_eq!(judged.is_err(), refused, "{effect:?} {arguments} {resource:?}");
    }
}

#[test]
fn a_resource_that_cannot_be_seen_is_not_touched() {
    let mut protection = Protection::default();
    let tool = fixture::tool("tool", fixture::operation(Method::Post, "/v1", vec![], None));
    let tool = Tool { reader: "show".into(), review: fixture::review(Effect::Write), ..tool };
    let provider = fixture::provider(vec![("main", vec![tool])]);
    protection.protect(&provider.name, ["production-*".to_owned()]);
    let policy = Policy { protection, ..Policy::default() };
    let call = fixture::call(provider, "{}", fixture::settings("https://api.example.com"));
    assert_eq!(judge(&policy, call, None).unwrap_err().objection, Objection::Unseen);
}

#[test]
fn a_phrase_of_the_provider_is_wanted_word_for_word() {
    let phrase = |argument: &'static str, equals: &'static str, text: &'static str| infra_mcp_model::Phrase {
        argument: argument.into(),
        equals: equals.into(),
        text: text.into(),
    };
    let one = vec![phrase("", "", "REINSTALL {vm} TO {n}")];
    let two = vec![phrase("on", "true", "OPEN {vm}"), phrase("on", "false", "SHUT {vm}")];
    for (phrases, arguments, expected) in [
        (&one, r#"{"vm":"a","n":7,"confirmation":"REINSTALL a TO 7"}"#, None),
        (&one, r#"{"vm":"a","n":7}"#, Some("REINSTALL a TO 7")),
        (&one, r#"{"vm":"a","n":8,"confirmation":"REINSTALL a TO 7"}"#, Some("REINSTALL a TO 8")),
        (&one, r#"{"vm":"a","n":7,"confirmation":"reinstall a to 7"}"#, Some("REINSTALL a TO 7")),
        (&one, r#"{"vm":"a","n":7,"confirmation":"REINSTALL a TO 7 "}"#, Some("REINSTALL a TO 7")),
        (&one, r#"{"vm":"{n}","n":7,"confirmation":"REINSTALL 7 TO 7"}"#, Some("REINSTALL {n} TO 7")),
        (&two, r#"{"vm":"a","on":true,"confirmation":"OPEN a"}"#, None),
        (&two, r#"{"vm":"a","on":false,"confirmation":"OPEN a"}"#, Some("SHUT a")),
        (&two, r#"{"vm":"a"}"#, None),
    ] {
        let review = Review { phrases: phrases.clone().into(), ..fixture::review(Effect::Write) };
        match (judge(&Policy::default(), call(review, arguments), None), expected) {
            (Ok(_), None) => {}
            (Err(refusal), Some(phrase)) => {
                assert_eq!(refusal.code(), Code::ConfirmationRequired);
                assert!(refusal.to_string().contains(&format!("{phrase:?}")), "{refusal}");
            }
            (got, expected) => panic!("{arguments}: {got:?}, not {expected:?}"),
        }
    }
}

#[test]
fn who_was_not_let_in_stays_out() {
    let opt_in = infra_mcp_model::OptIn { member: "open".into(), code: "shut_here".into(), help: "Open it.".into() };
    let tool = fixture::tool("tool", fixture::operation(Method::Post, "/v1", vec![], None));
    let tool = Tool { review: Review { opt_in: true, ..fixture::review(Effect::Write) }, ..tool };
    let provider =
        infra_mcp_model::Provider { opt_in: Some(opt_in), ..fixture::blank_provider(vec![("main", vec![tool])]) };
    let provider = Box::leak(Box::new(provider));
    for (resource, expected) in [
        (Some(r#"{"open": true}"#), None),
        (Some(r#"{"open": false}"#), Some("shut_here")),
        (Some(r#"{"open": "true"}"#), Some("shut_here")),
        (Some("{}"), Some("shut_here")),
        (None, None),
    ] {
        let resource: Option<Value> = resource.map(|text| serde_json::from_str(text).unwrap());
        let call = fixture::call(provider, "{}", fixture::settings("https://api.example.com"));
        assert!(Policy::default().must_see_resource(&call));
        let code = judge(&Policy::default(), call, resource.as_ref()).err().map(|refusal| refusal.code().as_str());
        assert_eq!(code, expected, "{resource:?}");
    }
}
