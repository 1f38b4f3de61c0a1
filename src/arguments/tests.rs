use infra_mcp_model::{Answer, Binding, Effect, Listing, Method, Operation, PathTemplate, Review, Text, Tool};
use serde_json::{Map, Value, json};

use super::{Arguments, Violations};

fn tool(schema: impl Into<Text>, secret_arguments: &[&'static str]) -> Tool {
    Tool {
        name: "VPS_createFirewallRuleV1".into(),
        title: Text::default(),
        description: Text::default(),
        toolset: "vps".into(),
        operation_name: "".into(),
        aliases: [].as_slice().into(),
        review: Review {
            effect: Effect::Write,
            effect_when: [].as_slice().into(),
            money: false,
            exec: false,
            asynchronous: false,
            idempotent: false,
            scope: "vms:write".into(),
            secret_arguments: secret_arguments.iter().map(|path| Text::from(*path)).collect(),
            secret_results: [].as_slice().into(),
            phrases: [].as_slice().into(),
            opt_in: false,
            reviewed: true,
        },
        binding: Binding::Operation(Operation {
            id: Text::default(),
            method: Method::Post,
            path: PathTemplate([].as_slice().into()),
            parameters: [].as_slice().into(),
            body: None,
            answer: Answer::Json,
            defaults: Default::default(),
            points: 0,
            deprecated: false,
        }),
        awaits: false,
        power_off: None,
        reader: "".into(),
        input_schema: schema.into(),
        listing: Listing::default(),
    }
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check(tool: &Tool, arguments: &str) -> Result<Arguments, Violations> {
    Arguments::validate(tool, object(arguments))
}

fn lines(outcome: Result<Arguments, Violations>) -> Vec<String> {
    outcome.err().iter().flatten().map(ToString::to_string).collect()
}

/// A tool with the one argument `v`, which this schema describes.
fn tool_of_one(schema: &str) -> Tool {
    tool(format!(r#"{{"type":"object","properties":{{"v":{schema}}},"additionalProperties":false}}"#), &[])
}

/// Schema of the argument `v`, its value, what is wrong with it (nothing: accepted).
#[rustfmt::skip]
const KEYWORDS: &[(&str, &str, &[&str])] = &[
    // type
    (r#"{"type":"string"}"#, r#""""#, &[]),
    (r#"{"type":"string"}"#, "443", &["v: must be a string, got a number; pass it in quotes"]),
    (r#"{"type":"string"}"#, "null", &["v: must be a string, got null; leave it out instead"]),
    (r#"{"type":["string","null"]}"#, "null", &[]),
    (r#"{"type":["string","null"]}"#, "{}", &["v: must be a string or null, got an object"]),
    (r#"{"type":"integer"}"#, "5", &[]),
    (r#"{"type":"integer"}"#, "5.0", &[]),
    (r#"{"type":"integer"}"#, "18446744073709551617", &[]),
    (r#"{"type":"integer"}"#, "5.5", &["v: must be a whole number, got 5.5"]),
    (r#"{"type":"integer"}"#, r#""5""#, &["v: must be a whole number, got a string; pass 5 without quotes"]),
    (r#"{"type":"integer"}"#, r#""five""#, &["v: must be a whole number, got a string"]),
    (r#"{"type":"integer"}"#, "true", &["v: must be a whole number, got a boolean"]),
    (r#"{"type":"number"}"#, "1e400", &[]),
    (r#"{"type":"number"}"#, r#""1.50""#, &["v: must be a number, got a string; pass 1.50 without quotes"]),
    (r#"{"type":["integer","number","null"]}"#, "[]", &["v: must be a number or null, got an array"]),
    (r#"{"type":"boolean"}"#, r#""true""#, &["v: must be true or false, got a string; pass true without quotes"]),
    (r#"{"type":"boolean"}"#, r#""False""#, &["v: must be true or false, got a string; pass false without quotes"]),
    (r#"{"type":"boolean"}"#, "0", &["v: must be true or false, got a number"]),
    (r#"{"type":"array"}"#, r#""[1,2]""#, &["v: must be an array, got a string; it is JSON text in a string: pass the array itself"]),
    (r#"{"type":"object"}"#, r#""{\"a\":1}""#, &["v: must be an object, got a string; it is JSON text in a string: pass the object itself"]),
    (r#"{"type":"array","items":{"type":"string"}}"#, r#""a""#, &["v: must be an array, got a string; put it into an array: [ ]"]),
    (r#"{"type":"array","items":{"type":"string"}}"#, "1", &["v: must be an array, got a number"]),
    // boolean schemas, unknown keywords and types
    ("true", r#"[{"x":null}]"#, &[]),
    ("false", "1", &["v: is not accepted here"]),
    ("{}", "null", &[]),
    (r#"{"x-new":1,"default":3,"nullable":true,"format":"new","type":"new"}"#, r#""x""#, &[]),
    // enum and const
    (r#"{"enum":["TCP","UDP",1,null]}"#, "null", &[]),
    (r#"{"enum":["TCP","UDP",1,null]}"#, "1.0", &[]),
    (r#"{"type":"string","enum":["TCP","UDP"]}"#, r#""tcp""#, &[r#"v: must be one of "TCP", "UDP", got "tcp"; did you mean "TCP"?"#]),
    (r#"{"type":"string","enum":["TCP","UDP"]}"#, "6", &[r#"v: must be one of "TCP", "UDP", got 6"#]),
    (r#"{"enum":[1,12]}"#, r#""12""#, &[r#"v: must be one of 1, 12, got "12"; pass 12 without quotes"#]),
    (r#"{"const":{"a":[1]}}"#, r#"{"a":[1.0]}"#, &[]),
    (r#"{"type":"string","enum":["6"]}"#, "6", &[r#"v: must be "6", got 6; pass it in quotes"#]),
    (r#"{"enum":[{"a":1},[]]}"#, "1", &[r#"v: must be one of {"a":1}, [], got 1"#]),
    (r#"{"const":1,"enum":[1,2]}"#, "1", &[]),
    (r#"{"const":1,"enum":[2,3]}"#, "1", &["v: cannot be given: no value is accepted here, got 1"]),
    (r#"{"const":false}"#, "0", &["v: must be false, got 0"]),
    // numbers
    (r#"{"minimum":1,"maximum":10}"#, "1", &[]),
    (r#"{"minimum":1,"maximum":10}"#, "10.0", &[]),
    (r#"{"minimum":1,"maximum":10}"#, "0", &["v: must be at least 1, got 0"]),
    (r#"{"minimum":1,"maximum":10}"#, "10.000000000000000000001", &["v: must be at most 10, got 10.000000000000000000001"]),
    (r#"{"maximum":18446744073709551616}"#, "18446744073709551617", &["v: must be at most 18446744073709551616, got 18446744073709551617"]),
    (r#"{"exclusiveMinimum":0,"exclusiveMaximum":1}"#, "0.5", &[]),
    (r#"{"exclusiveMinimum":0,"exclusiveMaximum":1}"#, "0.0", &["v: must be greater than 0, got 0.0"]),
    (r#"{"exclusiveMinimum":0,"exclusiveMaximum":1}"#, "1", &["v: must be less than 1, got 1"]),
    (r#"{"multipleOf":0.01}"#, "19.99", &[]),
    (r#"{"multipleOf":0.01}"#, "19.995", &["v: must be a multiple of 0.01, got 19.995"]),
    (r#"{"minimum":5}"#, r#""1""#, &[]),
    // strings
    (r#"{"minLength":2,"maxLength":3}"#, r#""äöü""#, &[]),
    (r#"{"minLength":2,"maxLength":3}"#, r#""😀😀😀😀""#, &["v: must be at most 3 characters long, got 4"]),
    (r#"{"minLength":2,"maxLength":3}"#, r#""a""#, &["v: must be at least 2 characters long, got 1"]),
    (r#"{"minLength":1}"#, r#""""#, &["v: must not be empty"]),
    (r#"{"pattern":"^[0-9]+$"}"#, r#""12""#, &[]),
    (r#"{"pattern":"^[0-9]+$"}"#, r#""12a""#, &[r#"v: must match the pattern ^[0-9]+$, got "12a""#]),
    (r#"{"pattern":"b"}"#, r#""abc""#, &[]),
    (r#"{"pattern":"^(?=.*[a-z])\\p{L}+$"}"#, r#""Äa""#, &[]),
    (r#"{"pattern":"^[a-z\\-\\_]+$"}"#, r#""a-b""#, &[]),
    (r#"{"pattern":"(((("}"#, r#""left to the provider""#, &[]),
    (r#"{"format":"uuid"}"#, r#""x""#, &[r#"v: must be a UUID as in 123e4567-e89b-12d3-a456-426614174000, got "x""#]),
    (r#"{"format":"date-time"}"#, r#""2026-03-01T09:30:00Z""#, &[]),
    (r#"{"format":"float"}"#, r#""x""#, &[]),
    // arrays
    (r#"{"minItems":1,"maxItems":2}"#, "[]", &["v: must have at least 1 element, got 0"]),
    (r#"{"minItems":1,"maxItems":2}"#, "[1,2,3]", &["v: must have at most 2 elements, got 3"]),
    (r#"{"uniqueItems":true}"#, r#"[1,"1",true,null,[1],{"a":1}]"#, &[]),
    (r#"{"uniqueItems":true}"#, r#"[{"a":1,"b":2},0,{"b":2.0,"a":1}]"#, &["v: must not repeat elements: [2] equals [0]"]),
    (r#"{"items":{"type":"integer"}}"#, r#"[1,"x",2.5]"#, &["v[1]: must be a whole number, got a string", "v[2]: must be a whole number, got 2.5"]),
    // objects
    (r#"{"properties":{"b":{"type":"string"},"a":{"minimum":1}},"required":["c","a","b"]}"#, r#"{"a":0,"z":1}"#,
        &["v.b: is required", "v.a: must be at least 1, got 0", "v.c: is required"]),
    (r#"{"properties":{"source_detail":{}},"additionalProperties":false}"#, r#"{"sourceDetail":1}"#,
        &["v.sourceDetail: is not a member of v; did you mean `source_detail`?"]),
    (r#"{"properties":{"a":{}}}"#, r#"{"b":1}"#, &[]),
    (r#"{"properties":{"a":{}},"additionalProperties":{"type":"string"}}"#, r#"{"a":1,"b":"x","c d":2}"#,
        &[r#"v["c d"]: must be a string, got a number; pass it in quotes"#]),
    (r#"{"minProperties":1,"maxProperties":2}"#, "{}", &["v: must have at least 1 member, got 0"]),
    (r#"{"minProperties":1,"maxProperties":2}"#, r#"{"a":1,"b":1,"c":1}"#, &["v: must have at most 2 members, got 3"]),
    // combinations
    (r#"{"oneOf":[{"properties":{"a":{"oneOf":[{"required":["x"]},{"required":["y","z"]}]}}},false]}"#, r#"{"a":{}}"#,
        &["v: must take one of its 2 accepted forms; what the closest one lacks: v.a.x: is required"]),
    (r#"{"oneOf":[{"type":"string"},{"type":"integer"}]}"#, "5", &[]),
    (r#"{"oneOf":[{"type":"string"},{"type":"integer"}]}"#, "true", &["v: must be a string or a whole number, got a boolean; pass it in quotes"]),
    (r#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#, "5", &["v: must fit exactly one of its 2 accepted forms, and fits more than one"]),
    (r#"{"anyOf":[{"type":"integer"},{"type":"number"}]}"#, "5", &[]),
    (r#"{"anyOf":[{"type":"integer","minimum":1},{"type":"null"}]}"#, "0", &["v: must be at least 1, got 0"]),
    (r#"{"anyOf":[{"enum":["any"]},{"type":"string","format":"ipv4"}]}"#, r#""x""#, &[r#"v: must be "any" or an IPv4 address, got "x""#]),
    (r#"{"oneOf":[{"properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind","x"]},{"properties":{"kind":{"const":"b"}},"required":["kind"]}]}"#,
        r#"{"kind":"a"}"#, &["v: must take one of its 2 accepted forms; what the closest one lacks: v.x: is required"]),
    (r#"{"allOf":[{"minimum":1},{"minimum":1},{"maximum":-1}]}"#, "0", &["v: must be at least 1, got 0", "v: must be at most -1, got 0"]),
    (r#"{"not":{"type":"string"}}"#, r#""x""#, &["v: must not be a string"]),
    (r#"{"not":{"enum":["x"]}}"#, r#""x""#, &[r#"v: must not be "x""#]),
    (r#"{"not":{"required":["a"]}}"#, r#"{"a":1}"#, &["v: must not have this form"]),
    (r#"{"not":{"type":"string"}}"#, "1", &[]),
];

#[test]
fn keywords() {
    for (schema, value, expected) in KEYWORDS {
        let outcome = check(&tool_of_one(schema), &format!(r#"{{"v":{value}}}"#));
        assert_eq!(lines(outcome), *expected, "{schema} {value}");
    }
}

#[test]
fn values_stay_as_given() {
    let tool = tool_of_one(r#"{"type":["integer","number"]}"#);
    for number in ["5.0", "5", "18446744073709551617", "0.10", "-0"] {
        let given = format!(r#"{{"v":{number}}}"#);
        let arguments = check(&tool, &given).expect("a number is accepted");
        assert_eq!(serde_json::to_string(arguments.as_map()).expect("a map is JSON"), given);
    }
}

const FIREWALL_RULE: &str = r##"{
    "type": "object",
    "properties": {
        "virtualMachineId": {"type": "integer", "minimum": 1},
        "protocol": {"type": "string", "enum": ["TCP", "UDP"]},
        "port": {"type": "string"},
        "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}}
    },
    "required": ["virtualMachineId", "protocol"],
    "additionalProperties": false,
    "$defs": {"rule": {
        "type": "object",
        "properties": {"port": {"type": "integer"}, "then": {"$ref": "#/$defs/rule"}},
        "required": ["port"]
    }}
}"##;

#[test]
fn the_message_names_everything() {
    let tool = tool(FIREWALL_RULE, &[]);
    let given = r#"{"virtual_machine_id": 5, "port": 443, "rules": [{"port": 1}, {"then": {"port": "x"}}]}"#;
    let violations = check(&tool, given).expect_err("most of it is wrong");
    assert_eq!(
        violations.to_string(),
        "\
6 problems with the arguments of VPS_createFirewallRuleV1:
- virtualMachineId: is required
- protocol: is required
- port: must be a string, got a number; pass it in quotes
- rules[1].port: is required
- rules[1].then.port: must be a whole number, got a string
- virtual_machine_id: is not an argument of this tool; did you mean `virtualMachineId`?
Accepted arguments (* required): virtualMachineId*, protocol*, port, rules"
    );
}

#[test]
fn unknown_arguments_are_refused_whatever_the_root_says() {
    for root in [
        r#"{"type":"object","properties":{"port":{}}}"#,
        r#"{"type":"object","properties":{"port":{}},"additionalProperties":false}"#,
        r#"{"type":"object","properties":{"port":{}},"additionalProperties":true}"#,
        r#"{"type":"object","properties":{"port":{}},"additionalProperties":{"type":"string"}}"#,
        r##"{"$ref":"#/$defs/all","$defs":{"all":{"type":"object","properties":{"port":{}}}}}"##,
        r#"{"allOf":[{"type":"object"},{"properties":{"port":{}}}]}"#,
    ] {
        let tool = tool(root, &[]);
        assert!(check(&tool, r#"{"port":1}"#).is_ok(), "{root}");
        let expected = ["ports: is not an argument of this tool; did you mean `port`?"];
        assert_eq!(lines(check(&tool, r#"{"ports":1}"#)), expected, "{root}");
        let expected = ["ports: is not an argument of this tool"];
        assert_eq!(lines(check(&tool, r#"{"port":1,"ports":1}"#)), expected, "{root}");
    }
    let none = check(&tool(r#"{"type":"object"}"#, &[]), r#"{"x":1}"#).expect_err("it takes nothing");
    assert!(none.to_string().ends_with("\nThis tool takes no arguments."), "{none}");
}

#[test]
fn secrets_never_show() {
    let schema = r##"{"type":"object","properties":{
        "token": {"type":"string","pattern":"^[0-9]+$","minLength":50},
        "pin": {"type":"integer","maximum":10},
        "level": {"enum":["one-two-three"]},
        "env": {"type":"array","items":{"properties":{"name":{"maxLength":3},"value":{"format":"uuid"}}}},
        "setup": {"properties":{"deep":{"$ref":"#/$defs/login"}}},
        "login": {"anyOf":[{"enum":["none"]},{"type":"string","format":"uri"},{"$ref":"#/$defs/login"}]},
        "keys": {"items":{"allOf":[{"format":"password"},{"pattern":"^a"}]}},
        "labels": {"additionalProperties":{"not":{"const":"hunter2"}}}
    },"$defs":{"login":{"type":"object","properties":{
        "password":{"type":"string","format":"password","enum":["x1-longer"]},
        "next":{"$ref":"#/$defs/login"}}}}}"##;
    let tool = tool(schema, &["token", "pin", "level", "env[].value", "labels"]);
    for given in [
        r#"{"token":"hunter2"}"#,
        r#"{"token":{"hunter2":"hunter2"}}"#,
        r#"{"pin":7777777}"#,
        r#"{"pin":7777777.5}"#,
        r#"{"pin":"7777777"}"#,
        r#"{"level":"one-two-threehunter2"}"#,
        r#"{"level":7777777}"#,
        r#"{"env":[{"value":"hunter2"}]}"#,
        r#"{"env":"[{\"value\":\"hunter2\"}]"}"#,
        r#"{"env":{"value":"hunter2"}}"#,
        r#"{"setup":{"deep":{"password":"hunter2"}}}"#,
        r#"{"setup":{"deep":{"next":{"next":{"password":"hunter2"}}}}}"#,
        r#"{"login":"{\"password\":\"hunter2\"}"}"#,
        r#"{"login":{"password":"hunter2"}}"#,
        r#"{"keys":["hunter2"]}"#,
        r#"{"labels":{"a":"hunter2"}}"#,
        r#"{"Token":"hunter2"}"#,
    ] {
        let violations = check(&tool, given).expect_err(given);
        let told = format!("{violations}\n{violations:?}").replace(r#"token["hunter2"]"#, "");
        assert!(!told.contains("hunter2") && !told.contains("7777777"), "{given}\n{told}");
    }
    let shown = check(&tool, r#"{"env":[{"name":"LONG"}]}"#).expect_err("the name is too long").to_string();
    assert!(shown.contains("env[0].name: must be at most 3 characters long, got 4"), "{shown}");
    let arguments = check(&tool, r#"{"pin":7}"#).expect("valid");
    assert_eq!(format!("{arguments:?}"), r#"Arguments {"pin"}"#);
}

#[test]
fn messages_are_bounded() {
    let names: Vec<String> = (0..200).map(|i| format!("argument_{i}")).collect();
    let properties: Map<String, Value> = names.iter().map(|name| (name.clone(), json!({"enum": names}))).collect();
    let tool = tool(json!({"type": "object", "properties": properties}).to_string(), &[]);
    let given = names.iter().map(|name| (name.clone(), json!("x".repeat(100_000)))).collect();
    let violations = Arguments::validate(&tool, given).expect_err("every value is wrong");
    assert_eq!(violations.iter().count(), 100);
    let message = violations.to_string();
    assert!(message.starts_with("200 problems "), "{message}");
    assert!(message.contains("\n- and 100 more\n"), "{message}");
    assert!(message.lines().all(|line| line.chars().count() < 700), "{message}");
    assert!(message.contains(" more, got \"xxx"), "{message}");
}

#[test]
fn recursion_ends() {
    let nested = |levels: usize| format!(r#"{}{{"leaf":1}}{}"#, r#"{"child":"#.repeat(levels), "}".repeat(levels));
    let tree = tool(
        r##"{"type":"object","properties":{"tree":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"object",
            "properties":{"child":{"$ref":"#/$defs/n"},"leaf":{"type":"integer"}},"additionalProperties":false}}}"##,
        &[],
    );
    assert!(check(&tree, &format!(r#"{{"tree":{}}}"#, nested(60))).is_ok());
    let told = lines(check(&tree, &format!(r#"{{"tree":{}}}"#, nested(90))));
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with(": is nested more than 64 levels deep"), "{told:?}");

    let endless = tool(
        r##"{"type":"object","properties":{"v":{"$ref":"#/$defs/a"}},
            "$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}}}"##,
        &[],
    );
    let expected = ["v: cannot be checked: the schema of this tool refers to itself without end here"];
    assert_eq!(lines(check(&endless, r#"{"v":1}"#)), expected);

    let doubling = tool(
        r##"{"type":"object","properties":{"v":{"$ref":"#/$defs/n"}},"$defs":{"n":{"anyOf":[
            {"properties":{"child":{"$ref":"#/$defs/n"},"leaf":false}},
            {"properties":{"child":{"$ref":"#/$defs/n"},"leaf":{"type":"string"}}}]}}}"##,
        &[],
    );
    let told = lines(check(&doubling, &format!(r#"{{"v":{}}}"#, nested(40))));
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("is too large or intricate to be checked; send less in one call"), "{told:?}");
}

#[test]
fn unusable_schemas_refuse() {
    for (schema, expected) in [
        (r#"{"type":"#, "it is no JSON"),
        (r##"{"properties":{"a":{"$ref":"#/$defs/gone"}}}"##, "the reference #/$defs/gone leads nowhere"),
    ] {
        let told = lines(check(&tool(schema, &[]), "{}"));
        assert_eq!(told.len(), 1);
        assert!(
            told[0].contains("the input schema of this tool is unusable") && told[0].contains(expected),
            "{told:?}"
        );
    }
}

#[test]
fn schemas_are_told_apart_by_their_text() {
    // Owned texts may follow one another at the same address.
    for least in 0..200 {
        let tool = tool_of_one(&format!(r#"{{"minimum":{least}}}"#));
        assert!(check(&tool, &format!(r#"{{"v":{least}}}"#)).is_ok());
        assert!(check(&tool, &format!(r#"{{"v":{}}}"#, least - 1)).is_err());
    }
    // The same text may belong to tools with different secrets.
    let text = r#"{"type":"object","properties":{"v":{"maximum":1}}}"#;
    assert!(lines(check(&tool(text, &[]), r#"{"v":77}"#))[0].contains("77"));
    assert!(!lines(check(&tool(text, &["v"]), r#"{"v":77}"#))[0].contains("77"));
}
