use crate::{Access, List, Method, PathTemplate, Text, Tool};

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
    /// Which environment variables are read.
    pub environment: Environment,
    /// How requests are authenticated.
    pub authentication: Authentication,
    /// Where a user gets a credential: a sentence for error messages.
    pub credential_help: Text,
    /// How long a call may take, in seconds.
    pub timeout_seconds: u64,
    /// How far calls may go unless the operator says otherwise.
    pub default_access: Access,
    /// How array parameters are written in the query.
    pub query_arrays: QueryArrays,
    /// A short text for the model on how to work with these tools; part of the server's `instructions`.
    pub instructions: Text,
    /// How its tools are listed unless the operator says otherwise.
    pub expose: Expose,
    /// Groups of tools, in listing order.
    pub toolsets: List<Toolset>,
    /// For the simulated provider: what each operation answers when nothing more is known.
    pub routes: List<Route>,
}

impl Provider {
    /// Every tool, in listing order.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.toolsets.iter().flat_map(|toolset| toolset.tools.iter())
    }
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
}

/// How requests are authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// `Authorization: Bearer TOKEN` (RFC 6750)
    Bearer,
    /// The token in the header of this name.
    Header(Text),
    /// None.
    None,
}

/// How an array is written in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryArrays {
    /// As each parameter declares.
    Declared,
    /// `name[]=a&name[]=b` for all of them.
    Brackets,
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
