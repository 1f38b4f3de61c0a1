//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use infra_mcp_model::Expose;

use super::Only;
use super::state::VARIABLE as STATE_VARIABLE;
use crate::policy::Way;

/// What the command line says.
#[derive(Debug, Clone, Parser)]
#[command(version, disable_help_subcommand = true, max_term_width = 100)]
pub struct Flags {
    /// Flags that hold for the server and for every sub-command.
    #[command(flatten)]
    pub options: Options,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags that may stand before and after a sub-command.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// Serve MCP over standard input and output; this is what happens without a sub-command
    #[arg(long, global = true)]
    pub stdio: bool,
    /// Serve MCP over HTTP instead, at http://HOST:PORT/mcp
    #[arg(long, global = true, conflicts_with = "stdio")]
    pub http: bool,
    /// With --http: the address to listen on [default: 127.0.0.1]
    #[arg(long, global = true, value_name = "HOST", requires = "http")]
    pub host: Option<String>,
    /// With --http: the port; 0 picks a free one and says which [default: 8100]
    #[arg(long, global = true, value_name = "PORT", requires = "http")]
    pub port: Option<u16>,
    /// With --http: the address that users reach the server at, such as `https://mcp.example.com/mcp`
    #[arg(long, global = true, value_name = "URL", requires = "http")]
    pub public_url: Option<String>,
    /// With --http: web pages of these origins may call, separated by commas
    #[arg(long, global = true, value_name = "ORIGINS", value_delimiter = ',', requires = "http")]
    pub allow_origin: Vec<String>,
    /// With --http: proxies (addresses or networks) whose X-Forwarded-For is believed, separated by commas
    #[arg(long, global = true, value_name = "NETWORKS", value_delimiter = ',', requires = "http")]
    pub trust_proxy: Vec<String>,
    /// With --http: serve TLS with the certificate chain in this PEM file, read again when it changes
    #[arg(long, global = true, value_name = "FILE", requires = "http", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// With --http: the private key of --tls-cert
    #[arg(long, global = true, value_name = "FILE", requires = "http", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// With --http: take access tokens of these OAuth issuers, separated by commas; they must be made for --public-url
    #[arg(long, global = true, value_name = "URLS", value_delimiter = ',', requires = "http", requires = "public_url")]
    pub oauth_issuer: Vec<String>,
    /// With --http: answer scripts that speak no MCP, too: GET /tools, POST /tools/NAME, described by GET /openapi.json
    #[arg(long, global = true, requires = "http")]
    pub rest: bool,
    /// A file with named accounts [default: infra-mcp/config.toml in $XDG_CONFIG_HOME or ~/.config, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where tokens and approvals are kept [default: $INFRA_MCP_STATE_DIR, or infra-mcp in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Files below these directories, separated by commas, may be uploaded by tools that send files away
    /// [default: $INFRA_MCP_UPLOAD_DIR, or none]
    #[arg(long, global = true, value_name = "DIRS", value_delimiter = ',')]
    pub upload_dir: Vec<PathBuf>,
    /// With --http: how long a session of the revisions before 2026-07-28 may be silent [default: 1800]
    #[arg(long, global = true, value_name = "SECONDS", requires = "http", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub session_idle: Option<u64>,
    /// Serve only these toolsets, separated by commas
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',')]
    pub toolsets: Vec<String>,
    /// Serve only these tools, separated by commas
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',')]
    pub tools: Vec<String>,
    /// Do not serve these tools, separated by commas
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',')]
    pub exclude_tools: Vec<String>,
    /// How tools are listed: `flat`, or by `domain`, those of a toolset as two [default: set by provider]
    #[arg(long, global = true, value_name = "WAY")]
    pub expose: Option<ExposeWay>,
    /// How far calls may go: `read`, `write` (what a later call can set back, too) or `full` [default: set by provider]
    #[arg(long, global = true, value_name = "LEVEL", value_parser = ["read", "write", "full"])]
    pub access: Option<String>,
    /// The same as --access read, and wins over it: nothing is changed, spent, run, and no credential handed out
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Only tools with these scopes, separated by commas: `vms:read`, `vms:*` for all of an area, `*` for all.
    /// `secrets:read` shows credentials in answers and counts only by its own name: '*,secrets:read'
    #[arg(long, global = true, value_name = "SCOPES", value_delimiter = ',')]
    pub scopes: Vec<String>,
    /// Where credentials in answers go that the caller may not see [default: withhold]
    #[arg(long, global = true, value_name = "WHERE")]
    pub secrets: Option<SecretsWay>,
    /// How a person approves what destroys, costs money, runs code or hands out a secret [default: ask]
    #[arg(long, global = true, value_name = "WAY")]
    pub approval: Option<ApprovalWay>,
    /// A file with rules for single tools, protected resources and rate limits
    #[arg(long, global = true, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// How long a call may take, retries included [default: 60]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: Option<u64>,
    /// How long calls in flight may go on after the end of input or SIGTERM [default: 10]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub grace: Option<u64>,
    /// The longest result; a longer one is cut and says so. 0 means no limit [default: 100000 when serving]
    #[arg(long, global = true, value_name = "CHARACTERS")]
    pub max_result: Option<usize>,
    /// Serve what this OpenAPI document describes in the place of the built-in description: URL or FILE, with the name
    /// of its provider in front where there are several; the built-in one is served where it cannot be had
    #[cfg(feature = "live")]
    #[arg(long, global = true, value_name = "[PROVIDER=]PLACE")]
    pub spec: Vec<String>,
    /// Trust the certificate authorities in this PEM file too
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Trust the certificate with this SHA-256 fingerprint and no other, whoever issued it: of all providers, or of one
    #[arg(long, global = true, value_name = "[PROVIDER=]FINGERPRINT", value_delimiter = ',')]
    pub pin_sha256: Vec<String>,
    /// Check no certificate, so that whoever is on the way can read the credential and change every answer: of all
    /// providers, or of those named with `=`
    #[arg(
        long,
        global = true,
        value_name = "PROVIDERS",
        value_delimiter = ',',
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub insecure: Vec<String>,
    /// Send the JSON bodies of GET and DELETE requests as query parameters, for these tools or `all`
    #[arg(long, global = true, value_name = "TOOLS", value_delimiter = ',')]
    pub body_as_query: Vec<String>,
    /// Write a log of this level to standard error; arguments, results and tokens are never part of it
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<LogLevel>,
    /// Use a simulated provider instead of the real one: no account, no network, nothing real is touched
    #[arg(long, global = true)]
    pub sandbox: bool,
}

/// How tools are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExposeWay {
    /// Each by itself.
    Flat,
    /// Those of a toolset as two: NAME_query for what only reads, NAME_action for the rest.
    Domain,
}

impl From<ExposeWay> for Expose {
    fn from(way: ExposeWay) -> Self {
        match way {
            ExposeWay::Flat => Self::Flat,
            ExposeWay::Domain => Self::Domain,
        }
    }
}

/// How a person approves a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ApprovalWay {
    /// The client asks; where it cannot, `operator` for what is dangerous and `token` for the rest.
    Ask,
    /// The call is repeated with the token of its preview. A model can do that alone.
    Token,
    /// The call is repeated with an exact phrase. A model can do that alone.
    Phrase,
    /// A person runs `infra-mcp approve ID` in a terminal.
    Operator,
    /// Nobody is asked.
    None,
}

impl From<ApprovalWay> for Way {
    fn from(way: ApprovalWay) -> Self {
        match way {
            ApprovalWay::Ask => Self::Ask,
            ApprovalWay::Token => Self::Token,
            ApprovalWay::Phrase => Self::Phrase,
            ApprovalWay::Operator => Self::Operator,
            ApprovalWay::None => Self::None,
        }
    }
}

/// What becomes of credentials in answers to callers without the scope `secrets:read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecretsWay {
    /// They are taken out.
    Withhold,
    /// They are written to a file of the state directory; the answer names it.
    File,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What went wrong in the server itself.
    Error,
    /// What may be a mistake.
    Warn,
    /// One line a call.
    Info,
    /// One line a message.
    Debug,
    /// Everything.
    Trace,
}

/// What to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// List the selected tools
    List {
        /// Print a JSON array with the facts of every tool
        #[arg(long)]
        json: bool,
    },
    /// Describe one tool, or one operation of a tool: what it does, its arguments, its reviewed facts
    Describe {
        /// Name of the tool or operation; without it, with --json, every tool in one list
        #[arg(value_name = "NAME", required_unless_present = "json")]
        tool: Option<String>,
        /// Print the facts and the full input schema as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what happened, or check that the log of it is whole
    Audit {
        /// What to do
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Stop calls in every running process that shares the state directory, or let them go on
    KillSwitch {
        /// What to do
        #[command(subcommand)]
        action: KillSwitch,
    },
    /// Approve a call that waits for a person: shows it and asks, in a terminal alone
    Approve {
        /// The id from the preview of the call; without it, all that wait are listed
        id: Option<String>,
    },
    /// Call one tool and print its result as JSON; the exit code is 0 if it succeeded, 1 if not
    #[command(after_help = CALL_HELP)]
    Call {
        /// Name of the tool
        tool: String,
        /// `name=value`, `name:=JSON`, a JSON object with all arguments, or `-` to read that from standard input
        #[arg(value_name = "ARGUMENT", allow_hyphen_values = false)]
        arguments: Vec<String>,
    },
    /// Serve over standard input and output what a remote MCP server serves over HTTP, for clients that speak no HTTP
    Bridge {
        /// Its endpoint, such as `https://mcp.example.com/mcp` [default: $INFRA_MCP_URL or $VERGEOS_MCP_URL]
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// The environment variable that holds the bearer token for it [default: none is sent]
        #[arg(long, value_name = "NAME")]
        token_env: Option<String>,
    },
    /// Serve a simulated provider over HTTP, for any client; tokens such as `sandbox-all` are accepted there
    Sandbox {
        /// Which provider
        provider: String,
        /// Where to listen
        #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:8200")]
        address: SocketAddr,
    },
    /// Sign in to a provider in a browser and keep the token in the state directory
    Login {
        /// Which provider, where there are several
        provider: Option<String>,
    },
    /// Tell how the document that --spec names differs from the built-in description
    #[cfg(feature = "live")]
    Spec {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Make, list and revoke the tokens that callers of --http show
    Token {
        /// What to do with them.
        #[command(subcommand)]
        command: TokenCommand,
    },
}

/// What to do with tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it; it is shown this once
    #[command(after_help = TOKEN_HELP)]
    Create {
        /// Whose token it is; it stands in logs
        #[arg(long)]
        name: String,
        /// Refuse it from then on: after 12h or 30d, or after the day 2026-12-31 (UTC) [default: never]
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        /// Only these accounts, as `provider/name`, separated by commas [default: all of them]
        #[arg(long, value_name = "ACCOUNTS", value_delimiter = ',')]
        accounts: Vec<String>,
    },
    /// List the tokens and what they reach; the tokens themselves are kept nowhere
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token: the next request with it is refused
    Revoke {
        /// The name of the token
        name: String,
    },
}

const TOKEN_HELP: &str = "\
What it reaches is narrowed with --scopes, --toolsets, --accounts and --read-only; without them it is all that is served.
As soon as there is a token, every caller over HTTP has to show one. A server that was started before the first
token was made notices after a restart; later tokens and revocations hold at once. A token that nobody uses for
90 days expires.";

/// What to do with the audit log.
#[derive(Debug, Clone, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one in the life of a process")]
pub enum AuditCommand {
    /// Check that nothing was changed, removed or put in another order; the exit code is 1 if something was
    Verify,
    /// List events, oldest first
    List {
        /// Which events
        #[command(flatten)]
        filter: AuditFilter,
        /// Print a line of JSON for each event
        #[arg(long)]
        json: bool,
    },
    /// Print all events, a line of JSON each
    Export,
}

/// Which events are listed.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditFilter {
    /// Only those of this principal, such as `local` or `token:NAME`
    #[arg(long)]
    pub principal: Option<String>,
    /// Only those whose account contains this
    #[arg(long)]
    pub account: Option<String>,
    /// Only those of this session
    #[arg(long)]
    pub session: Option<String>,
    /// Only those from this client address
    #[arg(long)]
    pub address: Option<IpAddr>,
    /// Only those of this tool
    #[arg(long)]
    pub tool: Option<String>,
    /// Only those whose resource contains this
    #[arg(long)]
    pub resource: Option<String>,
    /// Only those decided so: `allowed`, `confirmation_required`, `read_only`, ...
    #[arg(long)]
    pub decision: Option<String>,
    /// Only those with this result: `done` or `failed`
    #[arg(long)]
    pub result: Option<String>,
    /// Only those at or after this time, in UTC: 2026-11-21 or 2026-11-21T10:00:00
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only those before this time, in UTC
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// What to do with a kill switch.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum KillSwitch {
    /// Stop calls from now on
    Throw {
        /// Which calls
        which: Which,
    },
    /// Let calls go on
    Release {
        /// Which calls
        which: Which,
    },
    /// Show how the switches stand
    Status,
}

/// Which calls a kill switch stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// All of them.
    Everything,
    /// Those that do more than read.
    Writes,
}

const CALL_HELP: &str = "\
Arguments:
  name=value      the value is text where the tool takes text there, JSON otherwise
  name:=JSON      the value is JSON in any case
  a.b=value       a member of the object `a`
  operation=NAME  which operation, of a tool that stands for several (`call vms_query operation=GetVm id=...`)
  {\"name\": ...}   all arguments as one JSON object
  -               the same, read from standard input";

impl Flags {
    /// Reads a command line, program name first, for the binary that serves `only`.
    ///
    /// # Errors
    /// If the command line is wrong, or asks for help or the version.
    pub fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>, only: Only) -> Result<Self, clap::Error> {
        let mut arguments = arguments.into_iter();
        let program = arguments.next();
        let Some(first) = arguments.next() else {
            // How every client starts a server: not worth setting up a parser.
            return Ok(Self { options: Options::default(), command: None });
        };
        // The parser borrows names for the life of the program; this one is made once.
        let name: &'static str = only.binary().leak();
        let command = Self::command().name(name).bin_name(name).about(only.about()).after_help(after_help(only));
        let matches = command.try_get_matches_from(program.into_iter().chain([first]).chain(arguments))?;
        Self::from_arg_matches(&matches)
    }
}

fn after_help(only: Only) -> String {
    let name = only.binary();
    let tool = only.first_tool().unwrap_or("TOOL");
    let mut help = format!(
        "Examples:
  {name}                               serve MCP, as an AI client starts it
  {name} --read-only                   the same with tools that only read
  {name} list                          show the tools
  {name} describe {tool}
  {name} --sandbox call {tool}

Environment variables, also read from the file .env in the working directory:
"
    );
    let mut variables: Vec<(String, &str)> = Vec::new();
    for provider in only.providers() {
        let environment = &provider.environment;
        let address =
            if provider.base_url.is_empty() { "the address of the server" } else { "another address for the API" };
        variables.extend([
            (environment.token.join(", "), "the token, first one that is set"),
            (environment.username.join(", "), "the user name, where there is no token"),
            (environment.password.join(", "), "the password of that user"),
            (environment.base_url.join(", "), address),
            (environment.headers.join(", "), "further request headers: name:value,name:\"value, quoted\""),
            (environment.enable_actions.join(", "), "1 serves tools that change something, too"),
            (environment.deny.join(", "), "operations or tools that are not served, separated by commas"),
        ]);
    }
    for relay in only.providers().into_iter().filter_map(|provider| provider.relay.as_ref()) {
        variables.push((relay.token_variables.join(", "), "the token for the MCP server of the provider"));
        variables.push((relay.url_variables.join(", "), "another address of that server"));
    }
    variables.push((STATE_VARIABLE.to_owned(), "where tokens and approvals are kept, unless --state-dir says"));
    variables.push(("USER_AGENT".to_owned(), "appended to the User-Agent of requests"));
    variables.push(("DEBUG=true".to_owned(), "the same as --log debug"));
    variables.push(("HTTP_PROXY, HTTPS_PROXY, NO_PROXY".to_owned(), "proxies (not from .env)"));
    variables.dedup();
    let names = variables.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (variable, meaning) in variables.iter().filter(|(name, _)| !name.is_empty()) {
        help.push_str(&format!("  {variable:names$}  {meaning}\n"));
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Flags, clap::Error> {
        let arguments = std::iter::once("vps-mcp").chain(arguments.split_whitespace());
        Flags::parse(arguments.map(Into::into), Only::Everything(&[]))
    }

    #[test]
    fn the_parser_is_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn flags_stand_before_and_after_the_sub_command() {
        for line in [
            "--toolsets a,b --read-only --grace 0 list --json",
            "list --json --toolsets a --toolsets b --grace=0 --read-only",
        ] {
            let flags = parse(line).unwrap();
            assert_eq!(flags.options.toolsets, ["a", "b"], "{line}");
            assert!(flags.options.read_only, "{line}");
            assert_eq!(flags.options.grace, Some(0), "{line}");
            assert!(matches!(flags.command, Some(Command::List { json: true })), "{line}");
        }
    }

    #[test]
    fn a_wrong_flag_or_value_says_what_is_accepted() {
        for (line, expected) in [
            ("--toolset a", "--toolsets"),
            ("--log loud", "error, warn, info, debug, trace"),
            ("--timeout 0", "1..=86400"),
            ("--timeout soon", "invalid digit"),
            ("lst", "list"),
            ("describe", "<NAME>"),
        ] {
            let message = parse(line).unwrap_err().to_string();
            assert!(message.contains(expected), "{line}: {message}");
        }
    }

    #[test]
    fn help_and_version_are_no_failures() {
        for line in ["--help", "-h", "call --help", "--version"] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 0, "{line}");
        }
        let help = parse("--help").unwrap_err().to_string();
        for expected in ["Examples:", "Environment variables", "--sandbox", "--grace <SECONDS>"] {
            assert!(help.contains(expected), "{help}");
        }
    }

    #[test]
    fn arguments_of_a_call_are_taken_as_they_are() {
        let flags = parse("call T a=-1 b:=[1,2] - --sandbox").unwrap();
        let Some(Command::Call { tool, arguments }) = flags.command else { panic!("a call") };
        assert_eq!((tool.as_str(), arguments), ("T", ["a=-1", "b:=[1,2]", "-"].map(String::from).to_vec()));
        assert!(flags.options.sandbox);
    }
}
