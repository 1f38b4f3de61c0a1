use super::*;
use crate::executor::fixture;
use infra_mcp_model::{Condition, EffectWhen, Method, Review, Tool};

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

#[test]
fn read_only_refuses_what_is_not_harmless() {
    let read = || fixture::review(Effect::Read);
    for (review, arguments, objection) in [
        (read(), "{}", None),
        (fixture::review(Effect::Write), "{}", Some("changes something")),
        (fixture::review(Effect::Destructive), "{}", Some("destructive")),
        (Review { money: true, ..read() }, "{}", Some("spends money")),
        (Review { exec: true, ..read() }, "{}", Some("makes code run")),
        (Review { secret_results: vec!["token".into()].into(), ..read() }, "{}", Some("hands out a credential")),
        (
            Review { effect_when: vec![when("reset", None, Effect::Destructive)].into(), ..read() },
            r#"{"reset":1}"#,
            Some("destructive"),
        ),
        (
            Review {
                effect_when: vec![when("dry_run", Some("true"), Effect::Read)].into(),
                ..fixture::review(Effect::Write)
            },
            r#"{"dry_run":true}"#,
            None,
        ),
    ] {
        assert!(Policy::default().judge(call(review.clone(), arguments)).is_ok());
        match (Policy { read_only: true }.judge(call(review, arguments)), objection) {
            (Ok(authorized), None) => assert_eq!(authorized.call().entry.tool.name, "tool"),
            (Err(refusal), Some(part)) => {
                assert_eq!(refusal.code(), "read_only");
                assert!(refusal.to_string().contains(part) && refusal.to_string().contains("--read-only"), "{refusal}");
            }
            (got, expected) => panic!("{got:?}, not {expected:?}"),
        }
    }
}
