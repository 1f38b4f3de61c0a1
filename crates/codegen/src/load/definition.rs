use super::PowerOffSetting;
use crate::report::{Report, Severity};
use infra_mcp_model::{Alias, Condition, Effect, EffectWhen, Phrase};
use serde_json::{Map, Value};

/// One file of `tools/`: definitions, and parameter texts that several of them share.
#[derive(Debug)]
pub struct DefinitionFile {
    /// Path relative to the specs folder.
    pub file: String,
    /// The toolset of all definitions in the file.
    pub toolset: Option<String>,
    /// Parameter texts used where a definition has none of its own, by dotted path.
    pub parameters: Map<String, Value>,
    /// The definitions in file order.
    pub tools: Vec<Definition>,
}

/// One tool definition, bound to an operation of the document by its tool name, or standing alone
/// with an input schema and what a call does.
#[derive(Debug)]
pub struct Definition {
    /// JSON pointer of the definition in its file.
    pub pointer: String,
    /// The tool name.
    pub name: String,
    /// A short human-readable name.
    pub title: Option<String>,
    /// What the tool does.
    pub description: Option<String>,
    /// Parameter texts by dotted path.
    pub parameters: Map<String, Value>,
    /// The reviewed facts; absent in a definition that nobody has judged.
    pub facts: Option<Facts>,
    /// What the tool is called among the operations of its toolset, where that is not its operation id.
    pub operation_name: Option<String>,
    /// Names the tool had before.
    pub aliases: Vec<Alias>,
    /// What is sent for query parameters that a call leaves out, by parameter name; null sends nothing after all.
    pub defaults: Map<String, Value>,
    /// The most values of a series that are passed on; 0 is all.
    pub points: u32,
    /// How a call waits for a machine to be off.
    pub power_off: Option<PowerOffSetting>,
    /// Overrides the provider's `body_as_query` for this tool.
    pub body_as_query: Option<bool>,
    /// What a definition that stands alone brings itself.
    pub standalone: Option<Standalone>,
}

/// What a definition that belongs to no operation of a document brings itself.
#[derive(Debug)]
pub struct Standalone {
    /// What a call does.
    pub action: Action,
    /// Input schema; a property may name its location with `in`.
    pub input_schema: Value,
    /// The group it names itself.
    pub group: Option<String>,
    /// What a composite or relayed tool acts on: `vms/{id}`; empty where that cannot be said.
    pub resource: String,
    /// The tool that shows what the tool acts on; empty where none does.
    pub reader: String,
    /// The argument that names a file of this machine which a composite tool sends away; empty where none does.
    pub local_file: String,
}

/// What a call of a definition that stands alone does.
#[derive(Debug)]
pub enum Action {
    /// Sends one request with the arguments.
    Request {
        /// HTTP method.
        method: String,
        /// Path template.
        path: String,
        /// Query parameters that every request carries besides, with their values.
        query: Map<String, Value>,
    },
    /// Runs a handler that may send these requests, and call these tools of the remote MCP server.
    Composite(Steps),
    /// Is passed on to the provider's remote MCP server.
    Relay {
        /// The name of the tool there.
        tool: String,
        /// How long a call may take, in seconds; 0 where what holds for the provider is enough.
        timeout_seconds: u64,
        /// The argument that is added to that; empty where none is.
        timeout_argument: String,
    },
}

/// What the handler of a composite tool may do.
#[derive(Debug, Default)]
pub struct Steps {
    /// Requests to the provider.
    pub requests: Vec<Step>,
    /// Tools of its remote MCP server.
    pub relayed: Vec<RelayStep>,
    /// Public pages, whose path is the whole address.
    pub pages: Vec<Step>,
}

/// A request that the handler of a composite tool may send.
#[derive(Debug)]
pub struct Step {
    /// What the handler calls it.
    pub id: String,
    /// HTTP method.
    pub method: String,
    /// Path template.
    pub path: String,
    /// Names of the query parameters.
    pub query: Vec<String>,
    /// What the JSON body is made of.
    pub body: StepBody,
}

/// A tool of the provider's remote MCP server that the handler of a composite tool may call.
#[derive(Debug)]
pub struct RelayStep {
    /// What the handler calls it.
    pub id: String,
    /// Its name there.
    pub tool: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// It changes nothing.
    pub reads: bool,
    /// How long it may take, in seconds; 0 where what holds for the provider is enough.
    pub timeout_seconds: u64,
}

/// The JSON body of a [`Step`].
#[derive(Debug)]
pub enum StepBody {
    /// An object with these members; no body where there are none.
    Members(Vec<String>),
    /// The value of this one argument.
    Whole(String),
}

/// The reviewed facts of a definition.
#[derive(Debug, Clone)]
pub struct Facts {
    /// See [`infra_mcp_model::Review`], also for the other fields.
    pub effect: Effect,
    /// Argument values that change the effect.
    pub effect_when: Vec<EffectWhen>,
    /// Costs money.
    pub money: bool,
    /// Runs code.
    pub exec: bool,
    /// Goes on after the answer.
    pub asynchronous: bool,
    /// May be repeated.
    pub idempotent: bool,
    /// The scope a caller needs.
    pub scope: String,
    /// Dotted paths of secret arguments.
    pub secret_arguments: Vec<String>,
    /// Dotted paths of secrets in the answer.
    pub secret_results: Vec<String>,
    /// What the argument `confirmation` has to be.
    pub phrases: Vec<Phrase>,
    /// The resource has to be opted in.
    pub opt_in: bool,
}

const KEYS: [&str; 32] = [
    "tool",
    "name",
    "title",
    "description",
    "parameters",
    "effect",
    "effect_when",
    "money",
    "secrets",
    "exec",
    "async",
    "idempotent",
    "scope",
    "operation_name",
    "aliases",
    "defaults",
    "points",
    "power_off",
    "body_as_query",
    "method",
    "path",
    "query",
    "inputSchema",
    "composite",
    "relay",
    "timeout_seconds",
    "timeout_argument",
    "resource",
    "reader",
    "local_file",
    "phrase",
    "opt_in",
];
/// Keys that carry nothing we use: of other people's tool lists, and `decision`, which tells people why.
const IGNORED: [&str; 7] = ["id", "group", "security", "annotations", "custom", "templateFile", "decision"];
const FACTS: [&str; 7] = ["effect", "money", "secrets", "exec", "async", "idempotent", "scope"];

impl DefinitionFile {
    /// Reads `{toolset, parameters, tools}` or a bare array of definitions.
    pub(crate) fn parse(file: &str, value: &Value, strict: bool, report: &mut Report) -> Option<Self> {
        let (tools, base) = match value {
            Value::Array(tools) => (Some(tools), ""),
            _ => (value.get("tools").and_then(Value::as_array), "/tools"),
        };
        let Some(tools) = tools else {
            report.add(Severity::Error, file, "", "holds no tools", "expected an object with `tools`, or an array");
            return None;
        };
        let mut reader = Reader { file, strict, report };
        Some(Self {
            file: file.to_owned(),
            toolset: value.get("toolset").and_then(Value::as_str).map(str::to_owned),
            parameters: value.get("parameters").and_then(Value::as_object).cloned().unwrap_or_default(),
            tools: tools
                .iter()
                .enumerate()
                .filter_map(|(index, tool)| reader.definition(&format!("{base}/{index}"), tool))
                .collect(),
        })
    }
}

struct Reader<'a> {
    file: &'a str,
    strict: bool,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn problem(&mut self, pointer: &str, what: impl Into<String>, hint: &str) {
        let severity = if self.strict { Severity::Error } else { Severity::Warning };
        self.report.add(severity, self.file, pointer, what, hint);
    }

    fn definition(&mut self, pointer: &str, value: &Value) -> Option<Definition> {
        let Some(object) = value.as_object() else {
            self.report.add(Severity::Error, self.file, pointer, "a definition has to be an object", "");
            return None;
        };
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        let Some(name) = text("tool").or_else(|| text("name")) else {
            let hint = "`tool` names the operation it belongs to, `name` a tool that stands alone";
            self.report.add(Severity::Error, self.file, pointer, "a definition without a name", hint);
            return None;
        };
        for key in object.keys().filter(|key| !KEYS.contains(&key.as_str()) && !IGNORED.contains(&key.as_str())) {
            self.problem(&format!("{pointer}/{key}"), format!("`{name}` has an unknown key `{key}`"), "");
        }
        let action = match (object.get("composite"), text("relay"), text("method"), text("path")) {
            (Some(composite), ..) => Some(Action::Composite(self.steps(pointer, composite))),
            (None, Some(tool), ..) => Some(Action::Relay {
                tool,
                timeout_seconds: object.get("timeout_seconds").and_then(Value::as_u64).unwrap_or(0),
                timeout_argument: text("timeout_argument").unwrap_or_default(),
            }),
            (None, None, Some(method), Some(path)) if !path.is_empty() => {
                let query = object.get("query").and_then(Value::as_object).cloned().unwrap_or_default();
                Some(Action::Request { method, path, query })
            }
            _ => None,
        };
        let standalone = action.map(|action| Standalone {
            action,
            input_schema: object.get("inputSchema").cloned().unwrap_or_default(),
            group: text("group"),
            resource: text("resource").unwrap_or_default(),
            reader: text("reader").unwrap_or_default(),
            local_file: text("local_file").unwrap_or_default(),
        });
        Some(Definition {
            facts: self.facts(pointer, &name, object),
            pointer: pointer.to_owned(),
            title: text("title"),
            description: text("description"),
            parameters: object.get("parameters").and_then(Value::as_object).cloned().unwrap_or_default(),
            operation_name: text("operation_name"),
            aliases: self.aliases(pointer, &name, object.get("aliases")),
            defaults: object.get("defaults").and_then(Value::as_object).cloned().unwrap_or_default(),
            points: object.get("points").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            power_off: self.power_off(pointer, &name, object.get("power_off")),
            body_as_query: object.get("body_as_query").and_then(Value::as_bool),
            standalone,
            name,
        })
    }

    fn power_off(&mut self, pointer: &str, name: &str, value: Option<&Value>) -> Option<PowerOffSetting> {
        let read = serde_json::from_value(value?.clone());
        read.map_err(|error| {
            let hint = "it has `member` and `off`, and `force` where a tool cuts the power";
            self.problem(&format!("{pointer}/power_off"), format!("`power_off` of `{name}`: {error}"), hint);
        })
        .ok()
    }

    fn aliases(&mut self, pointer: &str, name: &str, value: Option<&Value>) -> Vec<Alias> {
        let Some(value) = value else { return Vec::new() };
        let aliases = value.as_array().and_then(|aliases| aliases.iter().map(alias).collect::<Option<_>>());
        aliases.unwrap_or_else(|| {
            let hint = "each is a name, or {\"name\": ..., \"arguments\": {former: today}}";
            self.problem(&format!("{pointer}/aliases"), format!("`{name}` has aliases of another form"), hint);
            Vec::new()
        })
    }

    /// The requests of a composite tool: `{"ID": {"method", "path", "query", "body"}}`.
    fn steps(&mut self, pointer: &str, composite: &Value) -> Steps {
        let mut steps = Steps::default();
        for (id, step) in composite.as_object().into_iter().flatten() {
            let text = |key: &str| step.get(key).and_then(Value::as_str).map(str::to_owned);
            if let Some(tool) = text("relay") {
                steps.relayed.push(RelayStep {
                    id: id.clone(),
                    tool,
                    arguments: strings(step.get("arguments")),
                    reads: step.get("reads").is_some_and(|reads| reads == true),
                    timeout_seconds: step.get("timeout_seconds").and_then(Value::as_u64).unwrap_or(0),
                });
                continue;
            }
            let known = |key: &String| ["method", "path", "page", "query", "body", "_note"].contains(&key.as_str());
            let strange = step.as_object().is_none_or(|step| !step.keys().all(known));
            let query = strings(step.get("query"));
            let body = match step.get("body") {
                Some(Value::String(argument)) => StepBody::Whole(argument.clone()),
                members => StepBody::Members(strings(members)),
            };
            match (text("method"), text("path"), text("page")) {
                (Some(method), Some(path), None) if !strange => {
                    steps.requests.push(Step { id: id.clone(), method, path, query, body });
                }
                (None, None, Some(path)) if !strange && step.get("body").is_none() => {
                    steps.pages.push(Step { id: id.clone(), method: "GET".to_owned(), path, query, body });
                }
                _ => {
                    let hint = "a request has `method`, `path` and, where it takes them, names in `query` and `body`; \
                                or `relay`, or the address of a public `page`";
                    let pointer = format!("{pointer}/composite/{id}");
                    self.report.add(Severity::Error, self.file, &pointer, "this is no request", hint);
                }
            }
        }
        steps
    }

    fn facts(&mut self, pointer: &str, name: &str, object: &Map<String, Value>) -> Option<Facts> {
        if !FACTS.iter().any(|key| object.contains_key(*key)) {
            return None;
        }
        let missing: Vec<&str> = FACTS.iter().copied().filter(|key| !object.contains_key(*key)).collect();
        if !missing.is_empty() {
            self.problem(pointer, format!("`{name}` lacks {}", missing.join(", ")), "every fact is judged or none is");
            return None;
        }
        let flag = |key: &str| object.get(key).and_then(Value::as_bool);
        let secrets = object.get("secrets");
        let facts = (|| {
            Some(Facts {
                effect: effect(object.get("effect")?)?,
                effect_when: object
                    .get("effect_when")
                    .and_then(Value::as_array)
                    .map_or(Some(Vec::new()), |entries| entries.iter().map(effect_when).collect())?,
                money: flag("money")?,
                exec: flag("exec")?,
                asynchronous: flag("async")?,
                idempotent: flag("idempotent")?,
                scope: object.get("scope")?.as_str()?.to_owned(),
                secret_arguments: strings(secrets.and_then(|secrets| secrets.get("arguments"))),
                secret_results: strings(secrets.and_then(|secrets| secrets.get("results"))),
                phrases: object.get("phrase").map_or(Some(Vec::new()), phrases)?,
                opt_in: object.get("opt_in").is_some_and(|opt_in| opt_in == true),
            })
        })();
        if facts.is_none() {
            self.problem(pointer, format!("`{name}` has a fact of the wrong type"), "see specs/README.md for each key");
        }
        facts
    }
}

fn alias(value: &Value) -> Option<Alias> {
    if let Some(name) = value.as_str() {
        return Some(Alias { name: name.to_owned().into(), arguments: [].as_slice().into() });
    }
    let renamed = value.get("arguments")?.as_object()?.iter();
    let arguments = renamed.map(|(former, today)| Some((former.clone().into(), today.as_str()?.to_owned().into())));
    Some(Alias { name: value.get("name")?.as_str()?.to_owned().into(), arguments: arguments.collect::<Option<_>>()? })
}

fn effect(value: &Value) -> Option<Effect> {
    [Effect::Read, Effect::Write, Effect::Destructive]
        .into_iter()
        .find(|effect| value.as_str() == Some(effect.as_str()))
}

fn effect_when(value: &Value) -> Option<EffectWhen> {
    let condition = match (value.get("equals"), value.get("present")) {
        (Some(equals), None) => Condition::Equals(equals.to_string().into()),
        (None, Some(Value::Bool(true))) => Condition::Present,
        _ => return None,
    };
    Some(EffectWhen {
        argument: value.get("argument")?.as_str()?.to_owned().into(),
        condition,
        effect: effect(value.get("effect")?)?,
    })
}

/// One phrase, or one for each value of an argument: `[{"argument", "equals", "phrase"}]`.
fn phrases(value: &Value) -> Option<Vec<Phrase>> {
    let text = |value: Option<&Value>| Some(value?.as_str()?.to_owned().into());
    match value {
        Value::String(phrase) => {
            Some(vec![Phrase { argument: "".into(), equals: "".into(), text: phrase.clone().into() }])
        }
        Value::Array(phrases) => phrases
            .iter()
            .map(|phrase| {
                Some(Phrase {
                    argument: text(phrase.get("argument"))?,
                    equals: phrase.get("equals")?.to_string().into(),
                    text: text(phrase.get("phrase"))?,
                })
            })
            .collect(),
        _ => None,
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .map(|items| items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
        .unwrap_or_default()
}
