use infra_mcp_model::Expose;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// `provider.toml`: what is fixed about a provider. The format is described in `specs/README.md`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Human-readable name.
    pub title: String,
    /// The binary that serves all its tools and nothing else.
    #[serde(default)]
    pub binary: String,
    /// The cargo feature that compiles in the toolsets without one of their own; always compiled without one.
    #[serde(default)]
    pub feature: Option<String>,
    /// Where requests go; without it the first `servers` entry of the document counts.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Where below an address from the environment the API begins.
    #[serde(default)]
    pub base_path: String,
    /// Where a user gets a credential.
    #[serde(default)]
    pub credential_help: String,
    /// How long a call may take, in seconds.
    #[serde(default = "sixty")]
    pub timeout_seconds: u64,
    /// `read`, `write` or `full`: how far calls may go unless the operator says otherwise.
    #[serde(default)]
    pub default_access: AccessSetting,
    /// Every call that does more than read needs an approval.
    #[serde(default)]
    pub confirm_changes: bool,
    /// `declared` or `brackets`.
    #[serde(default)]
    pub query_arrays: QueryArraysSetting,
    /// Send declared bodies of GET and DELETE operations in the query instead.
    #[serde(default)]
    pub body_as_query: bool,
    /// What the model should know about all tools of the provider.
    #[serde(default)]
    pub instructions: String,
    /// `flat` or `domain`: how the tools are listed unless the operator says otherwise.
    #[serde(default)]
    pub expose: ExposeSetting,
    /// Environment variables.
    #[serde(default)]
    pub environment: EnvironmentSetting,
    /// How requests are authenticated.
    #[serde(default)]
    pub authentication: AuthenticationSetting,
    /// What is sent for query parameters that a call leaves out, by parameter name.
    #[serde(default)]
    pub defaults: BTreeMap<String, Value>,
    /// The query parameter that says how many rows a list may have.
    #[serde(default)]
    pub row_limit: String,
    /// What every request carries besides, by header name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What to do about a failure, by status, `unreachable`, `timeout` or error code.
    #[serde(default)]
    pub hints: BTreeMap<String, String>,
    /// The MCP server that definitions with `relay` are passed on to.
    #[serde(default)]
    pub relay: Option<RelaySetting>,
    /// How arguments may name resources otherwise than by id.
    #[serde(default)]
    pub references: Vec<ReferenceSetting>,
    /// How work is followed that goes on after an answer.
    #[serde(default)]
    pub tasks: Option<TasksSetting>,
    /// What a resource has to say for definitions with `opt_in`.
    #[serde(default)]
    pub opt_in: Option<OptInSetting>,
    /// How a user gets a token by signing in elsewhere.
    #[serde(default)]
    pub login: Option<LoginSetting>,
    /// What clients can read by an address.
    #[serde(default)]
    pub resources: Vec<ResourceSetting>,
    /// Addresses of the REST door that stand for tools.
    #[serde(default)]
    pub rest: Vec<RestSetting>,
    /// Groups of tools.
    #[serde(default)]
    pub toolsets: Vec<ToolsetSettings>,
    /// Optional query parameters that no tool takes, with the reason.
    #[serde(default)]
    pub omit: BTreeMap<String, String>,
    /// Operations left out on purpose, with the reason.
    #[serde(default)]
    pub exclude: BTreeMap<String, String>,
}

const fn sixty() -> u64 {
    60
}

/// `default_access`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessSetting {
    /// Only what is harmless.
    Read,
    /// That, and what a later call can set back.
    Write,
    /// Everything.
    #[default]
    Full,
}

/// `expose`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExposeSetting {
    /// Each tool by itself.
    #[default]
    Flat,
    /// Those of a toolset as two.
    Domain,
}

impl From<ExposeSetting> for Expose {
    fn from(setting: ExposeSetting) -> Self {
        match setting {
            ExposeSetting::Flat => Self::Flat,
            ExposeSetting::Domain => Self::Domain,
        }
    }
}

/// `query_arrays`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueryArraysSetting {
    /// As each parameter declares.
    #[default]
    Declared,
    /// `name[]=a&name[]=b`
    Brackets,
}

/// `[environment]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSetting {
    /// Variables that hold the token, first match wins.
    #[serde(default)]
    pub token: Vec<String>,
    /// Variables that replace the base URL.
    #[serde(default)]
    pub base_url: Vec<String>,
    /// Variables with additional headers.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Variables that hold the user name, first match wins.
    #[serde(default)]
    pub username: Vec<String>,
    /// Variables that hold the password, first match wins.
    #[serde(default)]
    pub password: Vec<String>,
    /// Variables whose value `1` or `true` lets calls go all the way.
    #[serde(default)]
    pub enable_actions: Vec<String>,
    /// Variables that name operations or tools that are not served.
    #[serde(default)]
    pub deny: Vec<String>,
}

/// `[relay]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaySetting {
    /// Where the server is.
    pub url: String,
    /// Where a user gets a token.
    #[serde(default)]
    pub credential_help: String,
    /// Members that are taken out of every answer.
    #[serde(default)]
    pub hidden: Vec<String>,
    /// Environment variables.
    #[serde(default)]
    pub environment: RelayEnvironmentSetting,
}

/// `[relay.environment]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayEnvironmentSetting {
    /// Variables that hold the token, first match wins.
    #[serde(default)]
    pub token: Vec<String>,
    /// Variables that replace the address.
    #[serde(default)]
    pub url: Vec<String>,
}

/// `[[references]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceSetting {
    /// The toolsets whose tools are meant; all of them without.
    #[serde(default)]
    pub toolsets: Vec<String>,
    /// Dotted paths of the arguments that are meant.
    pub arguments: Vec<String>,
    /// Regular expression of an id.
    pub ids: String,
    /// Ids are whole numbers.
    #[serde(default)]
    pub numbers: bool,
    /// The tool that lists the resources.
    pub tool: String,
    /// Its arguments.
    #[serde(default)]
    pub query: serde_json::Map<String, Value>,
    /// The member of its answer that holds the list.
    #[serde(default)]
    pub list: String,
    /// The member that is the id.
    pub id: String,
    /// The member that is the name.
    pub name: String,
    /// What the resources are.
    pub kind: String,
}

/// `[tasks]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TasksSetting {
    /// The tool that reads a task.
    pub tool: String,
    /// Its argument that is the id.
    pub argument: String,
    /// The member of an answer that is the id of a task.
    pub id: String,
    /// The member of a task that is its state.
    pub state: String,
    /// The states in which all went well.
    pub done: Vec<String>,
    /// The states in which it did not.
    #[serde(default)]
    pub failed: Vec<String>,
    /// The member of a task that says what came of it.
    #[serde(default)]
    pub result: String,
    /// The member of a task that is the share done, in percent.
    #[serde(default)]
    pub progress: String,
}

/// `[opt_in]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptInSetting {
    /// The member of the resource that has to be true.
    pub member: String,
    /// The code of the refusal.
    pub code: String,
    /// How it is set.
    pub help: String,
}

/// `[login]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginSetting {
    /// Path of the device authorization endpoint.
    pub authorize: String,
    /// Path of the token endpoint.
    pub token: String,
}

/// `[[resources]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceSetting {
    /// The URI, or a template of many.
    pub uri: String,
    /// Its name for programs.
    pub name: String,
    /// Human-readable name.
    pub title: String,
    /// What it shows.
    pub description: String,
    /// The media type of its contents.
    #[serde(default = "json")]
    pub mime_type: String,
    /// The tool that answers.
    pub tool: String,
    /// Arguments that it always gets.
    #[serde(default)]
    pub arguments: serde_json::Map<String, Value>,
}

fn json() -> String {
    "application/json".to_owned()
}

/// `[[rest]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestSetting {
    /// The HTTP method.
    pub method: String,
    /// The path template.
    pub path: String,
    /// The tool that answers.
    pub tool: String,
    /// Arguments that it always gets.
    #[serde(default)]
    pub arguments: serde_json::Map<String, serde_json::Value>,
}

/// `[authentication]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthenticationSetting {
    /// The scheme.
    #[serde(default)]
    pub scheme: AuthenticationScheme,
    /// The header that carries the token, for the scheme `header`.
    #[serde(default)]
    pub header: Option<String>,
    /// The cookie that carries the token, for the schemes `cookie` and `session`.
    #[serde(default)]
    pub cookie: Option<String>,
    /// Where user name and password open a session, from the root of the server, for the scheme `session`.
    #[serde(default)]
    pub path: String,
    /// The member of the answer that is the token, for the scheme `session`.
    #[serde(default)]
    pub token: String,
}

/// `authentication.scheme`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthenticationScheme {
    /// `Authorization: Bearer`
    #[default]
    Bearer,
    /// A header of its own.
    Header,
    /// A cookie.
    Cookie,
    /// A cookie whose token user name and password get.
    Session,
    /// None.
    None,
}

/// `[[toolsets]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolsetSettings {
    /// Short name.
    pub name: String,
    /// Human-readable name.
    pub title: String,
    /// The binary that serves only this toolset.
    #[serde(default)]
    pub binary: String,
    /// The cargo feature that compiles it in; always compiled without one.
    #[serde(default)]
    pub feature: Option<String>,
    /// How its tools are listed, whatever the provider or the operator says.
    #[serde(default)]
    pub expose: Option<ExposeSetting>,
    /// A resource of it takes one change at a time.
    #[serde(default)]
    pub exclusive: bool,
    /// Tags of the document that belong to it.
    #[serde(default)]
    pub tags: Vec<String>,
}
