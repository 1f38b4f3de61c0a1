//! Tools that this server answers by itself.

use infra_mcp_model::{Condition, RequestBody, Tool};
use serde_json::{Map, Value, json};

use super::Server;
use crate::account::Choice;
use crate::arguments::{Violation, Violations};
use crate::audit::Trail;
use crate::call::Caller;
use crate::catalogue::Entry;
use crate::error::CallError;
use crate::executor::{Media, Reply};
use crate::exposure::{Builtin, OPERATION};
use crate::near::nearest;
use crate::principal::Principal;

/// The argument that says among which operations one is looked for.
const DOMAIN: &str = "domain";

impl Builtin {
    /// What it does, for whoever decides to call it.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::DescribeOperation => {
                "Tells everything about one operation of the `_query` and `_action` tools: what it does, its \
                 parameters and request body with their meaning, its effect, and whether a person has to approve it."
            }
        }
    }

    /// The name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::DescribeOperation => "Describe an operation",
        }
    }

    /// The schema of its arguments.
    #[must_use]
    pub fn input_schema(self) -> Value {
        match self {
            Self::DescribeOperation => json!({
                "type": "object",
                "properties": {
                    OPERATION: {"type": "string", "description": "The name, as in the `operation` of a tool."},
                    DOMAIN: {
                        "type": "string",
                        "description": "The tool that has it, where several have an operation of this name.",
                    },
                },
                "required": [OPERATION],
            }),
        }
    }

    /// The entry in `tools/list`.
    #[must_use]
    pub fn listing(self, titled: bool) -> Value {
        let mut entry = json!({
            "name": self.name(),
            "title": self.title(),
            "description": self.description(),
            "inputSchema": self.input_schema(),
            "annotations":
                {"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false},
        });
        if let (false, Some(members)) = (titled, entry.as_object_mut()) {
            members.shift_remove("title");
        }
        entry
    }
}

impl Server {
    /// Answers a call of one of our own tools, and leaves its trace.
    pub(super) fn answer(
        &self,
        builtin: Builtin,
        arguments: &Map<String, Value>,
        caller: &Caller,
    ) -> Result<Reply, CallError> {
        let mut trail = Trail::new(builtin.name(), arguments, caller);
        trail.answered_here();
        let outcome = match self.gate.stopped(builtin.name()) {
            Some(refusal) => Err(CallError::Refused(refusal)),
            None => match builtin {
                Builtin::DescribeOperation => self.described(arguments, &caller.principal),
            },
        };
        let outcome = outcome.map(|body| Reply::new(200, body, Media::Json));
        self.recorder.keep(trail.outcome(&outcome));
        outcome
    }

    fn described(&self, arguments: &Map<String, Value>, principal: &Principal) -> Result<String, CallError> {
        let (operation, domain) = asked_for(arguments).map_err(CallError::Arguments)?;
        let unknown = |text: String| CallError::Operation { text };
        let domains = self.exposure.domains().filter(|listed| {
            let toolset = listed.toolset;
            domain.is_none_or(|name| name == listed.name || toolset.name == name || toolset.prefix() == name)
        });
        let shown = |entry: &Entry| self.shows(principal, entry);
        let mut found: Vec<(&str, Entry)> = domains
            .clone()
            .filter_map(|listed| Some((listed.name.as_str(), listed.operation(operation).filter(shown)?)))
            .collect();
        if found.is_empty() && domain.is_none() {
            let flat = self.catalogue.named(operation).filter(shown);
            found.extend(flat.filter_map(|entry| Some((self.exposure.place(entry)?.0, entry))));
        }
        match found.as_slice() {
            [(_, entry)] => Ok(self.describe(*entry, principal)),
            [] => {
                let names = domains.flat_map(|listed| listed.operations.iter()).filter(|entry| shown(entry));
                let likely = nearest(operation, names.map(|entry| entry.tool.operation_name.as_ref()));
                let hint = likely.map(|likely| format!("Did you mean {likely:?}?"));
                let hint = hint.unwrap_or_else(|| "tools/list shows all of them.".to_owned());
                Err(unknown(format!("There is no operation {:?}. {hint}", short(operation))))
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
                let names = names.join(" and ");
                Err(unknown(format!("{names} have an operation {operation:?}: say which one with `{DOMAIN}`.")))
            }
        }
    }

    /// Everything about one operation that the principal may know, as compact JSON.
    pub(super) fn describe(&self, entry: Entry, principal: &Principal) -> String {
        let (tool, review) = (entry.tool, &entry.tool.review);
        let (name, operation) = self.exposure.place(entry).unwrap_or((&tool.name, None));
        let mut told = Map::new();
        told.insert("tool".to_owned(), name.into());
        told.extend(operation.map(|operation| (OPERATION.to_owned(), operation.into())));
        told.insert("title".to_owned(), tool.title.as_ref().into());
        told.insert("description".to_owned(), tool.description.as_ref().into());
        told.insert("effect".to_owned(), review.effect.as_str().into());
        let when = review.effect_when.iter().map(|when| {
            let condition = match &when.condition {
                Condition::Equals(value) => format!("is {value}"),
                Condition::Present => "is given".to_owned(),
            };
            format!("{} if {} {condition}", when.effect.as_str(), when.argument)
        });
        let when: Vec<Value> = when.map(Value::from).collect();
        if !when.is_empty() {
            told.insert("effect_when".to_owned(), when.into());
        }
        let facts = [
            ("money", review.money),
            ("secret", review.secret()),
            ("exec", review.exec),
            ("async", review.asynchronous),
            ("idempotent", review.idempotent),
        ];
        let facts: Vec<&str> = facts.into_iter().filter_map(|(fact, holds)| holds.then_some(fact)).collect();
        told.insert("facts".to_owned(), facts.into());
        told.insert("scope".to_owned(), review.scope.as_ref().into());
        told.insert("approval".to_owned(), self.approval_of(entry).into());
        let choice = principal.grant().choice(&self.accounts, &entry.provider.name);
        told.extend(arguments_of(tool, choice.as_ref()));
        Value::Object(told).to_string()
    }

    /// Whether a person has to approve calls of the tool.
    fn approval_of(&self, entry: Entry) -> &'static str {
        if !self.gate.may_ask(entry) {
            "none"
        } else if self.gate.policy().must_confirm(entry)
            || (entry.is_grave() && entry.tool.review.effect_when.is_empty())
        {
            "every call"
        } else {
            "depends on the arguments"
        }
    }
}

fn asked_for(arguments: &Map<String, Value>) -> Result<(&str, Option<&str>), Violations> {
    let mut wrong = Vec::new();
    let mut text = |name: &str| match arguments.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.as_str()),
        Some(_) => {
            wrong.push(Violation { pointer: name.to_owned(), rule: "must be a string".to_owned() });
            None
        }
    };
    let (operation, domain) = (text(OPERATION), text(DOMAIN));
    if operation.is_none() && wrong.is_empty() {
        wrong.push(Violation {
            pointer: OPERATION.to_owned(),
            rule: "is required: the name of an operation".to_owned(),
        });
    }
    let strangers = arguments.keys().filter(|name| ![OPERATION, DOMAIN].contains(&name.as_str()));
    wrong.extend(
        strangers.map(|name| Violation { pointer: short(name), rule: "is not an argument of this tool".to_owned() }),
    );
    match operation {
        Some(operation) if wrong.is_empty() => Ok((operation, domain)),
        _ => {
            let accepted = format!("Accepted arguments (* required): {OPERATION}*, {DOMAIN}");
            Err(Violations::of(Builtin::DescribeOperation.name(), wrong).explained(accepted))
        }
    }
}

/// The published schemas of parameters and request body, apart. Where there are several accounts, a call chooses one.
fn arguments_of(tool: &Tool, choice: Option<&Choice>) -> Map<String, Value> {
    // Made by our generator; should it not parse, nothing can be said about arguments.
    let listing = &tool.listing;
    let entry = [listing.head.as_ref(), &listing.tail, &listing.end].concat();
    let mut schema: Value = serde_json::from_str::<Value>(&entry).unwrap_or_default()["inputSchema"].take();
    if let Some(choice) = choice {
        choice.put_into(tool, &mut schema);
    }
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|other| other == name));
    let (mut parameters, mut members) = (Map::new(), Map::new());
    let (mut needed, mut needed_members) = (Vec::new(), Vec::new());
    let mut whole = None;
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let member = match tool.binding.body() {
            Some(RequestBody::Members { members, .. }) => members.iter().find(|member| member.argument == *name),
            Some(RequestBody::Whole { argument }) if argument == name => {
                whole = Some((property.clone(), required(name)));
                continue;
            }
            _ => None,
        };
        let (properties, needed, name) = match member {
            Some(member) => (&mut members, &mut needed_members, member.name.as_ref()),
            None => (&mut parameters, &mut needed, name.as_str()),
        };
        if required(member.map_or(name, |member| member.argument.as_ref())) {
            needed.push(Value::from(name));
        }
        properties.insert(name.to_owned(), property.clone());
    }
    let body = whole.or_else(|| {
        let needs = !needed_members.is_empty();
        let body = json!({"type": "object", "properties": members, "required": needed_members});
        (!members.is_empty()).then_some((body, needs))
    });
    if body.as_ref().is_some_and(|(_, needed)| *needed) {
        needed.push("body".into());
    }
    let mut told = Map::new();
    told.insert("parameters".to_owned(), parameters.into());
    told.extend(body.map(|(body, _)| ("body".to_owned(), body)));
    told.insert("required".to_owned(), needed.into());
    told
}

fn short(name: &str) -> String {
    name.chars().take(100).collect()
}
