//! Tools that the provider itself serves over MCP: an authorised call goes there as `tools/call`.
//!
//! One session serves all calls of an account. It is opened by the first call and again when the connection is lost or
//! the server has forgotten it; a server without sessions is asked plainly.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use infra_mcp_model::{Relay, RemoteServer, Text};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ClientRequest,
    ContentBlock, ErrorData, Implementation, ServerResult,
};
use rmcp::service::{
    ClientInitializeError, Peer, PeerRequestOptions, RequestHandle, RoleClient, RunningService, ServiceError,
};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde_json::{Map, Value};

use super::remote::line;
use super::response::{EXCERPT, refusal, shorten};
use super::send::{BODY_LIMIT, origin, timed_out, unreached};
use super::wire::{End, Wire, WireError};
use super::{Destination, Media, Reply, changes};
use crate::account::Remote;
use crate::call::Call;
use crate::error::{CallError, RemoteError};

/// Characters of an error message that are passed on.
const MESSAGE: usize = 1_200;

/// Characters of what an error tells besides.
const DETAILS: usize = 2_000;

type Session = RunningService<RoleClient, ClientConfig>;

/// The sessions with the MCP servers of providers, by account.
#[derive(Default)]
pub(super) struct Relays(Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Session>>>>>);

/// A call of a remote tool.
pub(super) struct Passed<'c> {
    /// On whose behalf.
    pub(super) call: &'c Call,
    /// Its name there.
    pub(super) tool: &'c str,
    pub(super) arguments: &'c Map<String, Value>,
    /// How long it may take.
    pub(super) patience: Duration,
    /// Whether something may have changed once it was sent.
    pub(super) changes: bool,
}

impl<'c> Passed<'c> {
    /// The call of a tool that is nothing but passed on.
    pub(super) fn of(call: &'c Call, relay: &'c Relay) -> Self {
        let (arguments, changes) = (call.arguments.as_map(), changes(call));
        Self { call, tool: &relay.tool, arguments, patience: patience(call, relay), changes }
    }
}

impl Relays {
    /// Passes a call on. Dropping the future tells the server that nobody waits any more.
    pub(super) async fn call(&self, to: &Destination, passed: &Passed<'_>) -> Result<Reply, CallError> {
        let remote = remote(passed.call)?;
        if matches!(to, Destination::Network(_)) && !remote.has_credential() {
            return Err(no_credential(passed.call));
        }
        let (after, unsettled) = (passed.patience, passed.changes);
        tokio::time::timeout(after, self.exchange(to, passed, remote))
            .await
            .unwrap_or_else(|_| Err(timed_out(passed.call, remote.url(), after, unsettled)))
    }

    async fn exchange(&self, to: &Destination, passed: &Passed<'_>, remote: &Remote) -> Result<Reply, CallError> {
        let call = passed.call;
        let peer = self.session(to, call, remote).await?;
        let parameters = CallToolRequestParams::new(passed.tool.to_owned()).with_arguments(passed.arguments.clone());
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(parameters));
        let failed = |error| failed(passed, remote, error);
        let handle = peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await;
        let mut pending = Pending(Some(handle.map_err(failed)?));
        match pending.answer().await.map_err(failed)? {
            ServerResult::CallToolResult(result) => read(call, result),
            _ => {
                let problem = "it is no result of a tool, or asks back, which is not served here.";
                Err(undecodable(call, problem, "", passed.changes))
            }
        }
    }

    /// The session of the account, opened if there is none.
    async fn session(&self, to: &Destination, call: &Call, remote: &Remote) -> Result<Peer<RoleClient>, CallError> {
        let place = {
            let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let name = format!("{} {}", call.account_name(), remote.url());
            Arc::clone(sessions.entry(name).or_default())
        };
        let mut place = place.lock().await;
        if let Some(session) = place.as_ref().filter(|session| !session.is_closed()) {
            return Ok(session.peer().clone());
        }
        // Boxed: it is by far the biggest step of any call, and the rarest.
        let session = Box::pin(open(to, call, remote)).await?;
        Ok(place.insert(session).peer().clone())
    }
}

async fn open(to: &Destination, call: &Call, remote: &Remote) -> Result<Session, CallError> {
    let end = match to {
        Destination::Network(network) => End::Network(network.client()?.clone()),
        Destination::Simulated(simulator) => End::Simulated(Arc::clone(simulator)),
    };
    let mut headers = http::HeaderMap::new();
    if let Some(agent) = call.account.headers().get(http::header::USER_AGENT) {
        headers.insert(http::header::USER_AGENT, agent.clone());
    }
    if let Some(authorization) = remote.authorization() {
        headers.insert(http::header::AUTHORIZATION, authorization.clone());
    }
    let transport = line(Wire { end, headers }, remote.url());
    let ours = Implementation::new("infra-mcp", env!("CARGO_PKG_VERSION"));
    let client = ClientConfig::new(ClientCapabilities::default(), ours);
    rmcp::serve_client(client, transport).await.map_err(|error| match error {
        ClientInitializeError::TransportError { error, .. } => undelivered(call, remote, error, false),
        ClientInitializeError::JsonRpcError(error) => refused(call, error),
        other => undecodable(call, "it is no answer to `initialize`.", &other.to_string(), false),
    })
}

/// A request under way. Dropped before its answer is there, it is cancelled at the server.
struct Pending(Option<RequestHandle<RoleClient>>);

impl Pending {
    async fn answer(&mut self) -> Result<ServerResult, ServiceError> {
        let Some(handle) = self.0.as_mut() else { return Err(ServiceError::TransportClosed) };
        let answer = (&mut handle.rx).await.unwrap_or(Err(ServiceError::TransportClosed));
        self.0 = None;
        answer
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let (Some(handle), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(handle.cancel(Some("nobody waits for the answer any more".to_owned())));
        }
    }
}

fn remote(call: &Call) -> Result<&Remote, CallError> {
    call.account.remote().ok_or_else(|| {
        let problem =
            format!("{} has no MCP server that {} could go to.", call.entry.provider.title, call.entry.tool.name);
        CallError::Client { problem }
    })
}

fn no_credential(call: &Call) -> CallError {
    let help = call.entry.provider.relay.as_ref().map(|server| server.credential_help.clone());
    CallError::NoCredential {
        whom: format!("the MCP server of {}", call.account.title()),
        cure: call.account.relay_cure(),
        help: help.unwrap_or_default(),
    }
}

/// How long the call may take: what holds for the account or the tool, whichever is longer, and what its own argument
/// asks the server for.
fn patience(call: &Call, relay: &Relay) -> Duration {
    let asked = call.arguments.as_map().get(relay.timeout_argument.as_ref()).and_then(Value::as_u64).unwrap_or(0);
    call.account.timeout().max(Duration::from_secs(relay.timeout_seconds)) + Duration::from_secs(asked)
}

fn failed(passed: &Passed<'_>, remote: &Remote, error: ServiceError) -> CallError {
    match error {
        ServiceError::McpError(error) => refused(passed.call, error),
        ServiceError::TransportSend(error) => undelivered(passed.call, remote, error, passed.changes),
        _ => broken(remote, passed.changes),
    }
}

fn broken(remote: &Remote, unsettled: bool) -> CallError {
    let problem = "closed or broke the connection before its answer was complete.".to_owned();
    CallError::Unreachable { origin: origin(remote.url()), problem, unsettled }
}

/// What kept a message from being delivered, or its answer from being read. `unsettled` says whether what it asks for may
/// have happened all the same.
fn undelivered(call: &Call, remote: &Remote, error: DynamicTransportError, unsettled: bool) -> CallError {
    let error = error.error.downcast::<StreamableHttpError<WireError>>().map(|error| *error);
    match error {
        Ok(StreamableHttpError::Client(WireError::Connection(error))) => {
            unreached(call, remote.url(), &error, unsettled)
        }
        Ok(StreamableHttpError::Client(WireError::Status(status, headers, body))) => {
            let json = serde_json::from_slice::<Value>(&body).ok();
            match json.as_ref().and_then(|json| Some((code_in(json)?, json))) {
                Some((code, json)) => remote_error(call, Some(code), &message_in(json), Some(json)),
                None => {
                    let credential = call.entry.provider.relay.as_ref().map(RemoteServer::credential);
                    let credential = credential.unwrap_or_default();
                    let refusal = refusal(call, status, &headers, &body, credential, unsettled);
                    CallError::Upstream(Box::new(refusal))
                }
            }
        }
        Ok(StreamableHttpError::Client(WireError::TooLarge)) => CallError::TooLarge { limit: BODY_LIMIT, unsettled },
        Ok(StreamableHttpError::Client(WireError::Unreadable(begins))) => {
            undecodable(call, "what came is no message of MCP: check the address.", &begins, unsettled)
        }
        _ => broken(remote, unsettled),
    }
}

fn undecodable(call: &Call, problem: &str, excerpt: &str, unsettled: bool) -> CallError {
    CallError::Undecodable {
        status: 200,
        problem: problem.to_owned(),
        excerpt: shorten(&call.mask(excerpt), EXCERPT),
        unsettled,
    }
}

/// A result of the remote tool.
fn read(call: &Call, result: CallToolResult) -> Result<Reply, CallError> {
    let texts: Vec<&str> = result.content.iter().filter_map(ContentBlock::as_text).map(|text| &*text.text).collect();
    let text = texts.join("\n");
    if result.is_error == Some(true) {
        let json = result.structured_content.or_else(|| serde_json::from_str(&text).ok());
        let code = json.as_ref().and_then(code_in);
        let message = json.as_ref().map(message_in).filter(|message| !message.is_empty());
        return Err(remote_error(call, code, message.as_deref().unwrap_or(&text), json.as_ref()));
    }
    let text = without_hidden(call, text);
    let (body, media) = match result.structured_content {
        Some(mut structured) => {
            hide(hidden(call), &mut structured);
            (structured.to_string(), Media::Structured)
        }
        None if texts.len() < result.content.len() => {
            (serde_json::to_string(&result.content).unwrap_or_default(), Media::Json)
        }
        None if text.is_empty() => (text, Media::Empty),
        None if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => (text, Media::Json),
        None => (text, Media::Text),
    };
    Ok(Reply::new(200, call.account.mask(&body), media))
}

fn hidden(call: &Call) -> &'static [Text] {
    call.entry.provider.relay.as_ref().map_or(&[], |server| &server.hidden)
}

/// Text that holds none of the members that are to be hidden stays as it came.
fn without_hidden(call: &Call, text: String) -> String {
    let names = hidden(call);
    if !names.iter().any(|name| text.contains(&**name)) {
        return text;
    }
    match serde_json::from_str::<Value>(&text) {
        Ok(mut json) => {
            hide(names, &mut json);
            json.to_string()
        }
        Err(_) => format!("What came tells of {} and is not shown.", names.join(", ")),
    }
}

fn hide(names: &[Text], value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !names.iter().any(|hidden| hidden == name));
            members.values_mut().for_each(|member| hide(names, member));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| hide(names, element)),
        _ => {}
    }
}

/// An error of JSON-RPC.
fn refused(call: &Call, error: ErrorData) -> CallError {
    let code = error.data.as_ref().and_then(code_in);
    remote_error(call, code, &error.message, error.data.as_ref())
}

fn remote_error(call: &Call, code: Option<String>, message: &str, told: Option<&Value>) -> CallError {
    let shown = |text: &str, length| shorten(&call.mask(text), length);
    CallError::Remote(Box::new(RemoteError {
        provider: call.entry.provider.title.clone(),
        hint: code.as_deref().and_then(|code| call.entry.provider.hint(code)),
        code: code.map(|code| shown(&code, 100)),
        message: shown(message, MESSAGE),
        details: told.map(|told| shown(&further(told), DETAILS)).unwrap_or_default(),
    }))
}

/// The object that describes an error.
fn described(json: &Value) -> &Value {
    json.get("error").filter(|error| error.is_object()).unwrap_or(json)
}

fn code_in(json: &Value) -> Option<String> {
    described(json).get("code")?.as_str().map(str::to_owned)
}

fn message_in(json: &Value) -> String {
    let place = described(json);
    ["message", "detail"].iter().find_map(|name| place.get(*name)?.as_str()).unwrap_or_default().to_owned()
}

/// The members that are neither code nor message.
fn further(json: &Value) -> String {
    let Some(members) = described(json).as_object() else { return String::new() };
    let said = ["code", "message", "detail"];
    let rest: serde_json::Map<String, Value> = members
        .iter()
        .filter(|(name, _)| !said.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    if rest.is_empty() { String::new() } else { Value::Object(rest).to_string() }
}
