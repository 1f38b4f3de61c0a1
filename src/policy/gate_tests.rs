use std::path::PathBuf;
use std::sync::Arc;

use infra_mcp_model::{Effect, Location, Method, PathTemplate, Provider, Review, Segment, Style, Tool};
use serde_json::json;

use super::*;
use crate::account::{Account, AccountSettings, Secret};
use crate::executor::fixture;
use crate::policy::{Rule, Rules};
use crate::principal::{Grant, Principal};

fn provider() -> &'static Provider {
    let path = PathTemplate(vec![Segment::Literal("/vms/".into()), Segment::Parameter("id".into())].into());
    let id = fixture::parameter("id", Location::Path, Style::Simple, false);
    let drop_operation = || infra_mcp_model::Operation {
        path: path.clone(),
        ..fixture::operation(Method::Delete, "/vms", vec![id.clone()], None)
    };
    let tool = |name, title: &'static str, review| Tool {
        title: title.into(),
        review,
        ..fixture::tool(name, drop_operation())
    };
    let tools = vec![
        tool("drop", "Drop a machine", fixture::review(Effect::Destructive)),
        tool("erase", "Erase a machine", fixture::review(Effect::Destructive)),
        tool("stop", "Stop a machine", fixture::review(Effect::Write)),
        tool("look", "Look at a machine", fixture::review(Effect::Read)),
        tool("order", "Order a machine", Review { money: true, ..fixture::review(Effect::Write) }),
    ];
    fixture::provider(vec![("vms", tools)])
}

struct Bench {
    gate: Gate,
    provider: &'static Provider,
    directory: tempfile::TempDir,
}

impl Bench {
    fn new(way: Way) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { gate: gate(way, directory.path().to_owned()), provider: provider(), directory }
    }

    fn call(&self, tool: &str, arguments: &str) -> Call {
        let entry = fixture::call(self.provider, arguments, account());
        let tool = self.provider.tools().find(|known| known.name == tool).unwrap();
        Call { entry: crate::catalogue::Entry { tool, ..entry.entry }, ..entry }
    }

    fn admit(&self, call: Call, resource: Option<&Value>, evidence: &Evidence) -> Outcome {
        let seen = resource.map(std::slice::from_ref);
        match self.gate.admit(call, seen, evidence, |_| "what it does".to_owned(), |_| "{}".to_owned()) {
            Ok(Admission::Granted { authorized, .. }) => {
                Outcome::Granted(authorized.call().entry.tool.name.to_string())
            }
            Ok(Admission::Wanted(request)) => Outcome::Wanted(request.step),
            Err(GateError::Refused(refusal)) => Outcome::Refused(refusal.code().as_str()),
            Err(GateError::Store(error)) => panic!("{error}"),
        }
    }

    /// The evidence that answers a preview.
    fn answer(&self, call: Call, resource: Option<&Value>) -> Evidence {
        match self.admit(call, resource, &Evidence::default()) {
            Outcome::Wanted(Step::Repeat(token)) => Evidence { confirm_token: Some(token), confirmation: None },
            Outcome::Wanted(Step::Say(phrase)) => Evidence { confirm_token: None, confirmation: Some(phrase) },
            other => panic!("{other:?}"),
        }
    }
}

fn account() -> AccountSettings {
    fixture::settings("https://api.example.com")
}

fn gate(way: Way, directory: PathBuf) -> Gate {
    let provider = provider();
    let mut rules = Rules::default();
    let stop = provider.tools().find(|tool| tool.name == "stop").unwrap();
    rules.set(Entry { provider, tool: stop }, Rule::Confirm);
    Gate::new(Policy { rules, ..Policy::default() }, way, Arc::new(LazyStore::new(Some(directory))))
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Granted(String),
    Wanted(Step),
    Refused(&'static str),
}

const MISMATCH: Outcome = Outcome::Refused("confirmation_mismatch");

fn granted(tool: &str) -> Outcome {
    Outcome::Granted(tool.to_owned())
}

#[test]
fn what_is_not_grave_needs_no_approval() {
    for way in Way::ALL {
        let bench = Bench::new(way);
        assert_eq!(bench.admit(bench.call("look", r#"{"id":1}"#), None, &Evidence::default()), granted("look"));
        let without = bench.directory.path().join("state.db");
        assert!(!without.exists(), "nothing is written for a call that needs nothing");
    }
}

#[test]
fn every_way_asks_in_its_own_manner() {
    for (tool, way, expected) in [
        ("drop", Way::Token, "Repeat"),
        ("drop", Way::Phrase, "Say(\"DROP 1\")"),
        ("drop", Way::Operator, "Terminal(\"infra-mcp approve "),
        ("drop", Way::Ask, "Terminal"),
        ("order", Way::Ask, "Terminal"),
        ("stop", Way::Ask, "Repeat"),
        ("stop", Way::Operator, "Terminal"),
    ] {
        let bench = Bench::new(way);
        let outcome = bench.admit(bench.call(tool, r#"{"id":1}"#), None, &Evidence::default());
        let Outcome::Wanted(step) = &outcome else { panic!("{tool} {way:?}: {outcome:?}") };
        assert!(format!("{step:?}").starts_with(expected), "{tool} {way:?}: {step:?}");
    }
    let bench = Bench::new(Way::None);
    assert_eq!(bench.admit(bench.call("drop", r#"{"id":1}"#), None, &Evidence::default()), granted("drop"));
}

#[test]
fn an_approval_is_good_for_one_call_once() {
    for way in [Way::Token, Way::Phrase] {
        let resource = json!({"id": 1, "state": "running"});
        let changed = json!({"id": 1, "state": "stopped"});
        let bench = Bench::new(way);
        let drop_one = || bench.call("drop", r#"{"id":1}"#);
        let evidence = bench.answer(drop_one(), Some(&resource));

        let refused = |outcome: Outcome| outcome == MISMATCH;
        assert!(refused(bench.admit(bench.call("drop", r#"{"id":2}"#), Some(&resource), &evidence)), "other arguments");
        assert!(refused(bench.admit(bench.call("erase", r#"{"id":1}"#), Some(&resource), &evidence)), "another tool");
        assert!(refused(bench.admit(drop_one(), Some(&changed), &evidence)), "a resource that has changed");
        assert!(refused(bench.admit(drop_one(), None, &evidence)), "a resource that cannot be seen");
        let mut other = drop_one();
        other.caller.principal = Arc::new(Principal::new("token:mallory", Grant::default()));
        assert!(refused(bench.admit(other, Some(&resource), &evidence)), "another principal");
        let mut other = drop_one();
        other.caller.session = Some("another".to_owned());
        assert!(refused(bench.admit(other, Some(&resource), &evidence)), "another session");

        assert_eq!(bench.admit(drop_one(), Some(&resource), &evidence), granted("drop"), "{way:?}");
        assert!(refused(bench.admit(drop_one(), Some(&resource), &evidence)), "a second time");
    }
}

#[test]
fn an_approval_is_for_one_account() {
    let bench = Bench::new(Way::Token);
    let drop_one = || bench.call("drop", r#"{"id":1}"#);
    let evidence = bench.answer(drop_one(), None);
    for (what, settings) in [
        ("credential", AccountSettings { token: Some(Secret::new("of another account")), ..account() }),
        ("header", AccountSettings { headers: vec![("X-Tenant".into(), Secret::new("other"))], ..account() }),
        ("name", AccountSettings { name: Some("other".to_owned()), ..account() }),
        ("address", fixture::settings("https://api.example.org")),
    ] {
        let mut other = drop_one();
        other.account = Arc::new(Account::new(bench.provider, settings).unwrap());
        assert_eq!(bench.admit(other, None, &evidence), MISMATCH, "another {what}");
    }
    assert_eq!(bench.admit(drop_one(), None, &evidence), granted("drop"));
}

#[test]
fn evidence_of_another_kind_counts_for_nothing() {
    let bench = Bench::new(Way::Operator);
    let forged = Evidence { confirm_token: Some("x".to_owned()), confirmation: Some("DROP 1".to_owned()) };
    let outcome = bench.admit(bench.call("drop", r#"{"id":1}"#), None, &forged);
    assert!(matches!(outcome, Outcome::Wanted(Step::Terminal(_))), "{outcome:?}");

    let bench = Bench::new(Way::Token);
    assert_eq!(bench.admit(bench.call("drop", r#"{"id":1}"#), None, &forged), MISMATCH);
}

#[test]
fn a_person_in_a_terminal_lets_one_call_through() {
    let mut bench = Bench::new(Way::Operator);
    let drop_one = |bench: &Bench| bench.call("drop", r#"{"id":1}"#);
    let want = |bench: &Bench| match bench.admit(drop_one(bench), None, &Evidence::default()) {
        Outcome::Wanted(Step::Terminal(command)) => command.rsplit(' ').next().unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    let id = want(&bench);
    assert_eq!(want(&bench), id, "asking twice is one request");

    let elsewhere = Store::create(bench.directory.path()).unwrap();
    let waiting = elsewhere.waiting_approvals(store::now()).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].preview, "what it does");
    assert!(elsewhere.approve(&id, store::now()).unwrap());

    // The approval outlasts the process that asked for it.
    bench.gate = gate(Way::Operator, bench.directory.path().to_owned());
    assert!(matches!(bench.admit(bench.call("drop", r#"{"id":2}"#), None, &Evidence::default()), Outcome::Wanted(_)));
    assert_eq!(bench.admit(drop_one(&bench), None, &Evidence::default()), granted("drop"));
    assert!(matches!(bench.admit(drop_one(&bench), None, &Evidence::default()), Outcome::Wanted(_)));
}

#[test]
fn of_two_that_race_for_an_approval_one_wins() {
    for way in [Way::Token, Way::Phrase] {
        let bench = Bench::new(way);
        let evidence = bench.answer(bench.call("drop", r#"{"id":1}"#), None);
        let won = std::thread::scope(|scope| {
            let race = || {
                let gate = gate(way, bench.directory.path().to_owned());
                let call = bench.call("drop", r#"{"id":1}"#);
                let admission = gate.admit(call, None, &evidence, |_| String::new(), |_| "{}".to_owned());
                matches!(admission, Ok(Admission::Granted { .. }))
            };
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(won, 1, "{way:?}");
    }
}

#[test]
fn time_runs_out() {
    // After how many seconds it is used, and after how many it was tried before that.
    for (before, at, good) in [
        (None, 0, true),
        (None, LIFETIME - 1, true),
        (None, LIFETIME, false),
        (None, -1, false),
        // A clock that jumps back brings nothing to life that was once found to be out of its time.
        (Some(LIFETIME), LIFETIME - 1, false),
        (Some(i64::from(u32::MAX)), 0, false),
        (Some(-1), 0, false),
    ] {
        let bench = Bench::new(Way::Operator);
        let call = bench.call("drop", r#"{"id":1}"#);
        let binding = approval::binding(&call, None);
        let store = Store::create(bench.directory.path()).unwrap();
        assert!(matches!(bench.admit(call, None, &Evidence::default()), Outcome::Wanted(_)));
        let asked = store.waiting_approvals(store::now()).unwrap().remove(0);
        let used = |after| {
            let needed = (&binding, Proof::Approved, asked.created + after);
            store.permit(Some(needed), |_| "{}".to_owned()).unwrap()
        };
        assert_eq!(asked.expires - asked.created, LIFETIME);
        assert!(!store.approve(&asked.id, asked.expires).unwrap(), "too late to approve");
        assert!(store.approve(&asked.id, asked.expires - 1).unwrap());
        if let Some(before) = before {
            assert_eq!(used(before), Permission::Withheld, "{before}");
        }
        let expected = if good { Permission::Given(Some(asked.id.clone())) } else { Permission::Withheld };
        assert_eq!(used(at), expected, "{before:?} {at}");
        assert_eq!(used(at), Permission::Withheld, "once");
    }
}

#[test]
fn what_is_refused_anyway_is_not_looked_at() {
    let bench = Bench::new(Way::Operator);
    assert_eq!(bench.gate.needs_sight(&bench.call("drop", r#"{"id":1}"#)), Need::Show);
    let mut call = bench.call("drop", r#"{"id":1}"#);
    let scopes = Some(vec!["other:read".to_owned()]);
    call.caller.principal = Arc::new(Principal::new("token:a", Grant { scopes, ..Grant::default() }));
    assert_eq!(bench.gate.needs_sight(&call), Need::Nothing, "a scope is missing");
    Switches::throw(bench.directory.path(), crate::policy::Switch::Writes).unwrap();
    assert_eq!(bench.gate.needs_sight(&bench.call("drop", r#"{"id":1}"#)), Need::Nothing, "a switch is thrown");
}

#[test]
fn only_reads_pass_as_looks() {
    let bench = Bench::new(Way::None);
    assert!(bench.gate.admit_look(bench.call("look", r#"{"id":1}"#)).is_ok());
    assert_eq!(bench.gate.admit_look(bench.call("stop", r#"{"id":1}"#)).unwrap_err().code().as_str(), "read_only");
}

#[test]
fn an_argument_of_the_tool_is_no_approval() {
    let own = fixture::parameter("confirmation", Location::Query, Style::Form, true);
    let operation = fixture::operation(Method::Post, "/vms", vec![own], None);
    let tool = Tool { review: fixture::review(Effect::Destructive), ..fixture::tool("reinstall", operation) };
    let gate = Gate::new(Policy::default(), Way::Phrase, Arc::default());
    let mut arguments = json!({"confirmation": "REINSTALL", "a": 1}).as_object().unwrap().clone();
    let provider = fixture::provider(vec![("main", vec![tool])]);
    let entry = Entry { provider, tool: &provider.toolsets[0].tools[0] };
    assert_eq!(gate.take_evidence(entry, &mut arguments), Evidence::default());
    assert_eq!(arguments.len(), 2, "it goes to the provider");
    assert!(!gate.asks_for(entry, CONFIRMATION));
}

#[test]
fn a_resource_takes_one_change_at_a_time_where_its_toolset_says_so() {
    let bench = Bench::new(Way::None);
    let exclusive = Provider { exclusive: vec!["vms".into()].into(), ..bench.provider.clone() };
    let bench = Bench { provider: Box::leak(Box::new(exclusive)), ..bench };
    let admit = |call| bench.gate.admit(call, None, &Evidence::default(), |_| String::new(), |_| "{}".to_owned());
    let code = |admission: Result<Admission, GateError>| match admission {
        Ok(_) => "granted",
        Err(GateError::Refused(refusal)) => refusal.code().as_str(),
        Err(GateError::Store(error)) => panic!("{error}"),
    };
    let first = admit(bench.call("drop", r#"{"id": 1}"#));
    for (tool, arguments, expected) in [
        ("drop", r#"{"id": 1}"#, "operation_in_progress"),
        ("stop", r#"{"id": 1}"#, "operation_in_progress"),
        ("look", r#"{"id": 1}"#, "granted"),
        ("stop", r#"{"id": 2}"#, "granted"),
    ] {
        assert_eq!(code(admit(bench.call(tool, arguments))), expected, "{tool} {arguments}");
    }
    drop(first);
    assert_eq!(code(admit(bench.call("stop", r#"{"id": 1}"#))), "granted");
}
