use crate::{List, Operation, RequestBody, Review, Text};

/// The argument that has a call wait for the task that it begins.
pub const WAIT: &str = "wait";

/// The argument that says for how many seconds at most.
pub const WAIT_SECONDS: &str = "wait_seconds";

/// One tool: a row of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// The name clients call, `^[A-Za-z0-9_-]{1,64}$`.
    pub name: Text,
    /// A short human-readable name.
    pub title: Text,
    /// What the tool does, for whoever decides to call it.
    pub description: Text,
    /// The toolset it belongs to.
    pub toolset: Text,
    /// What it is called among the operations of its toolset, where these are listed as one tool.
    pub operation_name: Text,
    /// Names it had before. They are answered and never listed.
    pub aliases: List<Alias>,
    /// The reviewed facts.
    pub review: Review,
    /// What a call does.
    pub binding: Binding,
    /// A call may begin a task, and waits for it where [`WAIT`] says so.
    pub awaits: bool,
    /// How a call that powers a machine off waits for that, where it can.
    pub power_off: Option<PowerOff>,
    /// The tool that reads the resource a call acts on; empty where none does. It may hand out a credential: then a call
    /// is judged by what it shows, and nobody else sees it.
    pub reader: Text,
    /// The full input schema: JSON Schema 2020-12, an object, `$ref` only into its own `$defs`.
    pub input_schema: Text,
    /// The entry of `tools/list`, serialised.
    pub listing: Listing,
}

/// How a call that powers a machine off waits until it is, if it is asked to: by looking at it with the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerOff {
    /// The member of the machine that tells its state.
    pub member: Text,
    /// The state of a machine that is off.
    pub off: Text,
    /// The tool that cuts the power, with the same path arguments; empty where the provider has no harder way.
    pub force: Text,
}

impl PowerOff {
    /// The argument that says how long to wait, in seconds.
    pub const WAIT: &str = "wait_timeout";
    /// The argument that says whether the power is cut after that.
    pub const FORCE: &str = "force_after_timeout";
    /// The longest wait, in seconds.
    pub const LONGEST: u64 = 300;

    /// Whether it brings an argument of this name.
    #[must_use]
    pub fn takes(&self, argument: &str) -> bool {
        argument == Self::WAIT || (argument == Self::FORCE && !self.force.is_empty())
    }
}

/// A name that a tool had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub name: Text,
    /// Arguments that were called something else then: former name, name today.
    pub arguments: List<(Text, Text)>,
}

/// What calling a tool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// Sends one HTTP request.
    Operation(Operation),
    /// Runs a handler written for it in the module of its provider.
    Composite(Composite),
    /// Is passed on to the remote MCP server of its provider.
    Relay(Relay),
}

impl Binding {
    /// The request body, where a call is one HTTP request that has one.
    #[must_use]
    pub fn body(&self) -> Option<&RequestBody> {
        match self {
            Self::Operation(operation) => operation.body.as_ref(),
            Self::Composite(_) | Self::Relay(_) => None,
        }
    }
}

/// A tool with a logic of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    /// Every request that its handler may send, by operation id; it cannot send another.
    pub operations: List<Operation>,
    /// Every tool of the provider's MCP server that its handler may call, and no other.
    pub relayed: List<RelayedStep>,
    /// Every public page that its handler may read: the path is the whole address, and no credential goes along.
    pub pages: List<Operation>,
    /// The keys of its arguments.
    pub arguments: List<Text>,
    /// What it acts on, by kind and argument: `vms/{id}`; empty where that cannot be said.
    pub resource: Text,
    /// The file of this machine that it sends away, where it sends one.
    pub file: Option<LocalFile>,
}

/// A file of this machine that a composite tool sends away. What is in it stands in the arguments `sha256` and
/// `size_bytes` by the time the call is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// The argument that names it.
    pub argument: Text,
    /// The most bytes that it may have.
    pub max_bytes: u64,
}

/// A call of a tool of a remote MCP server, as part of a composite tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayedStep {
    /// What the handler calls it.
    pub id: Text,
    /// The name of the tool there.
    pub tool: Text,
    /// The arguments that it takes.
    pub arguments: List<Text>,
    /// Whether it changes nothing.
    pub reads: bool,
    /// How long it may take, in seconds; 0 where what holds for the provider is enough.
    pub timeout_seconds: u64,
}

/// A tool of a remote MCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Its name there.
    pub tool: Text,
    /// How long a call may take, in seconds; 0 where what holds for the provider is enough.
    pub timeout_seconds: u64,
    /// The argument whose value, in seconds, is added to that; empty where none is.
    pub timeout_argument: Text,
    /// The keys of its arguments.
    pub arguments: List<Text>,
    /// What it acts on, by kind and argument: `vms/{id}`; empty where that cannot be said.
    pub resource: Text,
}

/// The entry of a tool in `tools/list` as JSON text, in pieces because revisions of MCP before
/// 2025-06-18 know no `title`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// `{"name":"…"`
    pub head: Text,
    /// `,"title":"…"`
    pub title: Text,
    /// `,"description":…` up to where a further property of the input schema can go.
    pub tail: Text,
    /// The rest, up to the closing brace.
    pub end: Text,
    /// The arguments in one line: `id, sync?, {name, note?}`. `?` marks what may be left out, braces hold members of
    /// the request body.
    pub signature: Text,
    /// The same with only what has to be given, and `…` where that leaves something out.
    pub required: Text,
}

impl Listing {
    /// Whether the input schema has no properties, so that one that is put in has to bring `properties` along.
    #[must_use]
    pub fn takes_nothing(&self) -> bool {
        self.tail.ends_with("\"object\"")
    }
}

impl Tool {
    /// Whether the tool has this name, or had it before.
    #[must_use]
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias.name == name)
    }

    /// Whether calls of the tool take an argument of this name.
    #[must_use]
    pub fn takes(&self, argument: &str) -> bool {
        if self.awaits && matches!(argument, WAIT | WAIT_SECONDS) {
            return true;
        }
        match &self.binding {
            Binding::Operation(operation) => {
                operation.takes(argument) || self.power_off.as_ref().is_some_and(|power_off| power_off.takes(argument))
            }
            Binding::Composite(Composite { arguments, .. }) | Binding::Relay(Relay { arguments, .. }) => {
                arguments.iter().any(|known| known == argument)
            }
        }
    }

    /// The one HTTP operation behind the tool, where that is all there is.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        match &self.binding {
            Binding::Operation(operation) => Some(operation),
            Binding::Composite(_) | Binding::Relay(_) => None,
        }
    }

    /// The file of this machine that a call sends away, where it sends one.
    #[must_use]
    pub fn file(&self) -> Option<&LocalFile> {
        match &self.binding {
            Binding::Composite(composite) => composite.file.as_ref(),
            Binding::Operation(_) | Binding::Relay(_) => None,
        }
    }

    /// What a call of a composite or relayed tool acts on, step by step.
    pub fn resource(&self) -> impl Iterator<Item = Step<'_>> {
        let resource = match &self.binding {
            Binding::Operation(_) => "",
            Binding::Composite(Composite { resource, .. }) | Binding::Relay(Relay { resource, .. }) => resource,
        };
        steps(resource)
    }
}

/// A step of a resource such as `vms/{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'t> {
    /// The same in every call: `vms`
    Word(&'t str),
    /// The value of this argument.
    Argument(&'t str),
}

/// The steps of a resource such as `vms/{id}`.
pub fn steps(resource: &str) -> impl Iterator<Item = Step<'_>> {
    let steps = resource.split('/').filter(|step| !step.is_empty());
    steps.map(|step| match step.strip_prefix('{').and_then(|step| step.strip_suffix('}')) {
        Some(argument) => Step::Argument(argument),
        None => Step::Word(step),
    })
}
