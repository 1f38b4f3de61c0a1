use crate::{Access, List, Method, PathTemplate, Prompt, Text, Tool};

/// A system that tools act on, with everything that is fixed about talking to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Short name, the folder in `specs/`.
    pub name: Text,
    /// Human-readable name.
    pub title: Text,
    /// The binary that serves all its tools and nothing else; empty if there is none.
    pub binary: Text,
    /// Where requests go unless the environment says otherwise. Empty where only the environment can tell.
    pub base_url: Text,
    /// Where below an address from the environment the API begins, as `/rest/v0`; added unless the address ends so.
    pub base_path: Text,
    /// Which environment variables are read.
    pub environment: Environment,
    /// How requests are authenticated.
    pub authentication: Authentication,
    /// What every request carries besides.
    pub headers: List<Header>,
    /// What to do about failures, where this provider knows better than a general sentence.
    pub hints: List<Hint>,
    /// Where a user gets a credential: a sentence for error messages.
    pub credential_help: Text,
    /// How long a call may take, in seconds.
    pub timeout_seconds: u64,
    /// How far calls may go unless the operator says otherwise.
    pub default_access: Access,
    /// Toolsets in which a resource takes one change at a time.
    pub exclusive: List<Text>,
    /// Every call that does more than read needs an approval, and not only what is grave.
    pub confirm_changes: bool,
    /// How array parameters are written in the query.
    pub query_arrays: QueryArrays,
    /// A short text for the model on how to work with these tools; part of the server's `instructions`.
    pub instructions: Text,
    /// How its tools are listed unless the operator says otherwise.
    pub expose: Expose,
    /// The MCP server of the provider, where tools are relayed to one.
    pub relay: Option<RemoteServer>,
    /// How names of resources are turned into ids before a call is looked at.
    pub references: List<Reference>,
    /// How work is followed that goes on after an answer.
    pub tasks: Option<Tasks>,
    /// What a resource has to say for tools that need to be let in.
    pub opt_in: Option<OptIn>,
    /// How a user gets a token by signing in elsewhere.
    pub login: Option<DeviceLogin>,
    /// Groups of tools, in listing order.
    pub toolsets: List<Toolset>,
    /// Messages for users to begin with.
    pub prompts: List<Prompt>,
    /// What clients can read by an address.
    pub resources: List<Resource>,
    /// Addresses of the REST door that stand for tools.
    pub rest: List<RestRoute>,
    /// For the simulated provider: what each operation answers when nothing more is known.
    pub routes: List<Route>,
    /// The files beside its document that it was made from, for a document that is read while the program runs. None
    /// where the build leaves that out, or there is no document.
    pub sources: List<SourceFile>,
}

/// A file that a provider was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path relative to the specs folder.
    pub name: Text,
    /// What it holds.
    pub text: Text,
}

impl Provider {
    /// Every tool, in listing order.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.toolsets.iter().flat_map(|toolset| toolset.tools.iter())
    }

    /// How far calls may go: what was chosen for all providers, else everything where this one was `opened` by its
    /// variable, else what its description says.
    #[must_use]
    pub fn access(&self, chosen: Option<Access>, opened: &[String]) -> Access {
        let own = if opened.iter().any(|name| *name == self.name) { Access::Full } else { self.default_access };
        chosen.unwrap_or(own)
    }

    /// What to do about a failure of this kind, see [`Hint::about`].
    #[must_use]
    pub fn hint(&self, about: &str) -> Option<&str> {
        self.hints.iter().find(|hint| hint.about == about).map(|hint| hint.text.as_ref())
    }
}

/// A header of fixed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: Text,
    /// Its value.
    pub value: Text,
}

/// What to do about one kind of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// A status (`503`), `unreachable`, `timeout`, or the error code that the body of an answer holds.
    pub about: Text,
    /// A sentence or two.
    pub text: Text,
}

/// A group of tools that is served by a binary of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolset {
    /// Short name, as in `--toolsets`.
    pub name: Text,
    /// Human-readable name.
    pub title: Text,
    /// The binary that serves only this toolset; empty if there is none.
    pub binary: Text,
    /// How its tools are listed, whatever the provider or the operator says.
    pub expose: Option<Expose>,
    /// The arguments of its tools outside the request body, for a listing of all tools as one; `body` stands for the
    /// request body.
    pub arguments: List<SharedArgument>,
    /// The tools in listing order.
    pub tools: List<Tool>,
}

impl Toolset {
    /// How the names of the tools begin that stand for all of it: the name with `_` in the place of `-`.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.name.replace('-', "_")
    }
}

/// How tools are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expose {
    /// Each by itself.
    Flat,
    /// Those of a toolset as two: one for what only reads, one for the rest.
    Domain,
}

impl Expose {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Flat, Self::Domain];

    /// The word of the command line and of `provider.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Domain => "domain",
        }
    }
}

/// An argument as all tools of a toolset together take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedArgument {
    /// The key in the arguments of a call.
    pub name: Text,
    /// Its published schema as JSON text.
    pub schema: Text,
}

/// The environment variables of a provider, first match wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Variables that hold the token.
    pub token: List<Text>,
    /// Variables that replace the base URL.
    pub base_url: List<Text>,
    /// Variables with additional request headers.
    pub headers: List<Text>,
    /// Variables that hold the user name, for where there is no token.
    pub username: List<Text>,
    /// Variables that hold the password of that user.
    pub password: List<Text>,
    /// Variables whose value `1` or `true` lets calls go all the way.
    pub enable_actions: List<Text>,
    /// Variables that name operations or tools that are not served, separated by commas.
    pub deny: List<Text>,
}

impl Environment {
    /// The variables that hold a credential, as part of a sentence: `A (or B), or USER and PASSWORD`.
    #[must_use]
    pub fn credential(&self) -> String {
        let token = one_of(&self.token);
        let user = self.username.first().zip(self.password.first()).map(|(name, word)| format!("{name} and {word}"));
        match (token, user) {
            (Some(token), Some(user)) => format!("{token}, or {user},"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "a credential".to_owned(),
        }
    }
}

/// A remote MCP server behind Streamable HTTP, which takes a bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteServer {
    /// Where it is unless the environment says otherwise.
    pub url: Text,
    /// Variables that replace the address, first match wins.
    pub url_variables: List<Text>,
    /// Variables that hold the token, first match wins.
    pub token_variables: List<Text>,
    /// Where a user gets a token: a sentence for error messages.
    pub credential_help: Text,
    /// Members that are taken out of every answer, wherever they stand.
    pub hidden: List<Text>,
}

impl RemoteServer {
    /// The variables that hold the credential, as part of a sentence.
    #[must_use]
    pub fn credential(&self) -> String {
        one_of(&self.token_variables).unwrap_or_else(|| "a credential".to_owned())
    }
}

/// How arguments may name resources otherwise than by id. An id counts first, then an exact name, then the beginning
/// of one name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The toolsets whose tools are meant; all of them where there is none.
    pub toolsets: List<Text>,
    /// The arguments that are meant, by dotted path, whatever tool takes them. In an array every element is.
    pub arguments: List<Text>,
    /// What ids look like, as a regular expression: what fits is taken for one and not looked up.
    pub ids: Text,
    /// Ids are whole numbers, whichever way a caller writes them.
    pub numbers: bool,
    /// The tool that lists the resources.
    pub tool: Text,
    /// What it is asked with: its arguments as a JSON object.
    pub query: Text,
    /// The member of its answer that holds the list; empty where the answer is the list.
    pub list: Text,
    /// The member of a resource that is its id.
    pub id: Text,
    /// The member of a resource that is its name.
    pub name: Text,
    /// What the resources are, for messages: `virtual machine`.
    pub kind: Text,
}

impl Reference {
    /// Whether tools of this toolset are meant.
    #[must_use]
    pub fn concerns(&self, toolset: &str) -> bool {
        self.toolsets.is_empty() || self.toolsets.iter().any(|name| name == toolset)
    }
}

/// Work that goes on after an answer: how it is known, read, and seen to be over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tasks {
    /// The tool that reads a task. What it needs besides the id it gets from the call that began the task.
    pub tool: Text,
    /// The argument of that tool that is the id.
    pub argument: Text,
    /// The member of an answer that is the id of the task.
    pub id: Text,
    /// The member of a task that is its state.
    pub state: Text,
    /// The states in which it is over, and all went well.
    pub done: List<Text>,
    /// The states in which it is over, and did not go well.
    pub failed: List<Text>,
    /// The member of a task that says what came of it, or why it failed; empty where none does.
    pub result: Text,
    /// The member of a task that is the share done, in percent; empty where none is.
    pub progress: Text,
}

/// A member of a resource that its owner sets to let certain tools in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptIn {
    /// The member, which has to be `true`.
    pub member: Text,
    /// The stable code of the refusal.
    pub code: Text,
    /// How it is set: a sentence for the refusal.
    pub help: Text,
}

/// Device authorization (RFC 8628), by paths below the base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceLogin {
    /// Device authorization endpoint.
    pub authorize: Text,
    /// Token endpoint.
    pub token: Text,
}

/// `A`, or `A (or B, C)`.
fn one_of(variables: &[Text]) -> Option<String> {
    match variables {
        [] => None,
        [first] => Some(first.to_string()),
        [first, rest @ ..] => Some(format!("{first} (or {})", rest.join(", "))),
    }
}

/// How requests are authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// `Authorization: Bearer TOKEN` (RFC 6750)
    Bearer,
    /// The token in the header of this name.
    Header(Text),
    /// The token in the cookie of this name (RFC 6265 section 4.2).
    Cookie(Text),
    /// The token in a cookie, too; without one, user name and password open a session whose token it is.
    Session(SessionLogin),
    /// None.
    None,
}

/// How user name and password open a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLogin {
    /// The cookie that carries the token.
    pub cookie: Text,
    /// The path, from the root of the server, that takes them: by basic authentication (RFC 7617) and as the members
    /// `login` and `password` of a JSON body.
    pub path: Text,
    /// The member of its answer that is the token.
    pub token: Text,
}

/// How an array is written in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryArrays {
    /// As each parameter declares.
    Declared,
    /// `name[]=a&name[]=b` for all of them.
    Brackets,
}

/// What clients can read by an address (MCP resources); a tool answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The URI, or a template of many (RFC 6570): `acme://machines/{id}`. A placeholder is an argument of the tool and
    /// all there is between two slashes.
    pub uri: Text,
    /// Its name for programs.
    pub name: Text,
    /// Human-readable name.
    pub title: Text,
    /// What it shows.
    pub description: Text,
    /// The media type of its contents.
    pub mime_type: Text,
    /// The tool that answers.
    pub tool: Text,
    /// Further arguments of it, as a JSON object.
    pub arguments: Text,
}

impl Resource {
    /// Whether it stands for many addresses.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.uri.contains('{')
    }
}

/// An address of the REST door that stands for a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestRoute {
    /// The HTTP method.
    pub method: Method,
    /// The path; its parameters are arguments of the tool, and each is all there is between two slashes.
    pub path: PathTemplate,
    /// The tool.
    pub tool: Text,
    /// Further arguments, which no request changes, as a JSON object.
    pub arguments: Text,
}

/// What the simulated provider answers to one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path of the operation.
    pub path: PathTemplate,
    /// Status of a success.
    pub status: u16,
    /// A body that the response schema accepts, as JSON text; empty where the answer has none.
    pub body: Text,
}
