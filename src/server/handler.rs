//! What MCP asks of the server. Tools are served, and prompts and resources where a provider has some; everything else
//! is refused.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;

use http::request::Parts;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, ClientRequest, CompleteRequestMethod, CompleteRequestParams,
    CompleteResult, ConstString, CustomRequest, CustomResult, DiscoverResult, GetMeta as _, GetPromptRequestMethod,
    GetPromptRequestParams, GetPromptResponse, Implementation, InitializeRequestParams, InitializeResult,
    ListPromptsRequestMethod, ListPromptsResult, ListResourceTemplatesRequestMethod, ListResourceTemplatesResult,
    ListResourcesRequestMethod, ListResourcesResult, ListToolsResult, MetaObject, PaginatedRequestParams,
    ProgressNotificationParam, ProgressToken, PromptsCapability, ProtocolVersion, ReadResourceRequestMethod,
    ReadResourceRequestParams, ReadResourceResponse, ResourcesCapability, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::Server;
use super::listing::{self, Form, Listing};
use super::resources::Resources;
use super::rest::Rest;
use super::served::Served;
use super::{UnknownTool, instructions, prompts, question, unreadable};
use crate::audit::{Stranger, Trail};
use crate::call::{Asking, Caller, ClientAddress, Listener, Progress};
use crate::error::CallError;
use crate::policy::{Objection, Refusal};
use crate::principal::Principal;
use crate::result;

/// How long a client may keep the list of tools, which cannot change while the process runs, in
/// milliseconds. Not longer: after an update the same command may list other tools.
const LIST_TTL_MS: u64 = 3_600_000;

/// Where a result says which server it comes from.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// Serves a [`Server`] to MCP clients.
#[derive(Debug, Clone)]
pub struct Handler(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: Arc<Server>,
    config: ServerConfig,
    /// The name and version of the server, as results carry them.
    identity: Value,
    /// Who calls where the transport names nobody. Over HTTP that is no one.
    principal: Option<Arc<Principal>>,
    /// The list for those who see everything.
    whole: Listing,
    /// What can be read by an address.
    resources: Resources,
    /// What answers scripts.
    rest: Option<Rest>,
}

impl Handler {
    /// Presents `server` under the name of its binary and a title for people, to the local user.
    #[must_use]
    pub fn local(server: Arc<Server>, name: &str, title: &str) -> Self {
        let local = Arc::clone(&server.local);
        Self::new(server, name, title, Some(local), None)
    }

    /// Presents `server` to whomever the transport names. It refuses a request that names nobody.
    #[must_use]
    pub fn remote(server: Arc<Server>, name: &str, title: &str, rest: Option<Rest>) -> Self {
        Self::new(server, name, title, None, rest)
    }

    fn new(
        server: Arc<Server>,
        name: &str,
        title: &str,
        principal: Option<Arc<Principal>>,
        rest: Option<Rest>,
    ) -> Self {
        let implementation = Implementation::new(name, env!("CARGO_PKG_VERSION")).with_title(title);
        let identity = serde_json::json!({ "name": name, "version": env!("CARGO_PKG_VERSION") });
        let resources = Resources::new(&server.catalogue);
        let mut capabilities = ServerCapabilities::builder().enable_tools().build();
        capabilities.prompts = server.has_prompts().then(PromptsCapability::default);
        capabilities.resources = (!resources.is_empty()).then(ResourcesCapability::default);
        let config = ServerConfig::new(capabilities)
            .with_server_info(implementation)
            .with_instructions(instructions::of(&server));
        // Who has no principal from the start serves others over the network.
        let everybody = Principal::local();
        let everybody = if principal.is_some() { everybody } else { everybody.over_network() };
        let whole = server.listing(Arc::new(everybody));
        Self(Arc::new(Inner { server, config, identity, principal, whole, resources, rest }))
    }

    /// Who makes this request.
    fn caller(&self, context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
        let parts = context.extensions.get::<Parts>().map(|parts| &parts.extensions);
        let named = parts.and_then(|extensions| extensions.get::<Arc<Principal>>());
        let Some(principal) = named.or(self.0.principal.as_ref()) else {
            return Err(ErrorData::internal_error("Nobody is known to make this request, so it is refused.", None));
        };
        Ok(Caller {
            principal: Arc::clone(principal),
            client_name: context.client_info().map(|client| client.name),
            session: context
                .extensions
                .get::<Parts>()
                // A stateless request belongs to no session, whichever it names.
                .filter(|_| !is_stateless(context))
                .and_then(|parts| parts.headers.get("mcp-session-id"))
                .and_then(|id| id.to_str().ok())
                .map(str::to_owned),
            asking: Asking::Impossible,
            address: parts.and_then(|extensions| extensions.get::<ClientAddress>()).map(|address| address.0),
            listener: None,
        })
    }

    /// Carries out a call, and asks the person in front of the client where that is needed and possible.
    async fn respond(
        &self,
        request: CallToolRequestParams,
        caller: Caller,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let server = &self.0.server;
        let unknown = |unknown: UnknownTool| ErrorData::invalid_params(unknown.to_string(), None);
        let arguments = request.arguments.unwrap_or_default();
        // Only a call that waits for its answer is made again from here.
        let again = (caller.asking == Asking::Possible && !is_stateless(context)).then(|| arguments.clone());
        let mut outcome = server.attempt(&request.name, arguments, caller.clone()).await.map_err(unknown)?;
        if let Err(error) = &outcome
            && let Some((wanted, token)) = question::of(error)
        {
            match again {
                Some(arguments) => {
                    let asking = Box::pin(question::ask(wanted, token, context)).await;
                    let caller = Caller { asking, ..caller };
                    outcome = server.attempt(&request.name, arguments, caller).await.map_err(unknown)?;
                }
                None => {
                    if let Some(mut question) = question::as_result(wanted, token) {
                        self.sign(&mut question.meta);
                        return Ok(CallToolResponse::InputRequired(question));
                    }
                }
            }
        }
        let mut result = result::to_result(outcome, server.result_limit);
        if is_stateless(context) {
            self.sign(&mut result.meta);
        }
        Ok(CallToolResponse::from(result))
    }

    /// How a list is to be and for whom, where there are any of its kind.
    fn asked<M: ConstString>(
        &self,
        served: bool,
        request: Option<PaginatedRequestParams>,
        context: &RequestContext<RoleServer>,
    ) -> Result<(Form, Arc<Principal>), ErrorData> {
        if !served {
            return not_served::<M, _>();
        }
        on_one_page(request)?;
        Ok((form(context), self.caller(context)?.principal))
    }

    /// Says of a list how long and by whom it may be kept, and who gave it, as 2026-07-28 asks for.
    fn seal(
        &self,
        context: &RequestContext<RoleServer>,
        (ttl, scope, meta): (&mut Option<u64>, &mut Option<CacheScope>, &mut Option<MetaObject>),
    ) {
        if is_stateless(context) {
            *ttl = Some(LIST_TTL_MS);
            // What a token reaches is nobody else's to be shown.
            let shared = self.0.principal.is_some();
            *scope = Some(if shared { CacheScope::Public } else { CacheScope::Private });
            self.sign(meta);
        }
    }

    /// Says in the `_meta` of a result who gave it, as 2026-07-28 asks for.
    fn sign(&self, meta: &mut Option<MetaObject>) {
        meta.get_or_insert_default().insert(SERVER_INFO.to_owned(), self.0.identity.clone());
    }
}

impl Served for Handler {
    fn listing(&self, principal: &Arc<Principal>) -> Option<Listing> {
        if principal.grant().is_everything() {
            return Some(self.0.whole.clone());
        }
        Some(self.0.server.listing(Arc::clone(principal)))
    }

    fn local(&self) -> Arc<Principal> {
        Arc::clone(&self.0.server.local)
    }

    fn only_answers(&self, request: &ClientRequest) -> bool {
        matches!(request, ClientRequest::CallToolRequest(_) | ClientRequest::ListToolsRequest(_))
            && request.get_meta().get_progress_token().is_none()
    }

    fn lacking_scope(&self, caller: Caller, call: &CallToolRequestParams) -> Option<&'static str> {
        let server = &self.0.server;
        let arguments = call.arguments.as_ref().map_or_else(Cow::default, Cow::Borrowed);
        let entry = server.called(&call.name, &arguments, &caller.principal)?;
        let scope = caller.principal.lacking(&entry)?;
        let mut trail = Trail::new(&call.name, &arguments, &caller);
        trail.found(entry);
        let refusal = Refusal { tool: entry.tool.name.clone(), objection: Objection::Scope(scope) };
        server.recorder.keep(trail.outcome(&Err(CallError::Refused(refusal))));
        Some(scope)
    }

    fn turned_away(&self, stranger: Stranger) {
        self.0.server.recorder.turned_away(stranger);
    }

    fn rest(&self) -> Option<&Rest> {
        self.0.rest.as_ref()
    }

    fn unsafe_ways(&self) -> &[String] {
        &self.0.server.unsafe_ways
    }

    fn missing(&self) -> Vec<String> {
        self.0.server.missing()
    }
}

/// Whether the request is of 2026-07-28 or later. Versions are dates, so their order is that of text.
fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// Tells the client how far its call is, for as long as it lasts.
async fn pass_on(
    mut heard: UnboundedReceiver<Progress>,
    token: Option<ProgressToken>,
    context: &RequestContext<RoleServer>,
) -> Infallible {
    while let (Some(token), Some(progress)) = (&token, heard.recv().await) {
        let mut told = ProgressNotificationParam::new(token.clone(), progress.done).with_message(progress.message);
        told.total = progress.total;
        // A client that cannot be told is told by the end of its call.
        let _ = context.peer.notify_progress(told).await;
    }
    std::future::pending().await
}

/// Which members the entries of lists have for this client.
fn form(context: &RequestContext<RoleServer>) -> Form {
    Form::of(context.protocol_version().as_ref())
}

/// Every list has one page and no cursors.
fn on_one_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    if request.is_some_and(|request| request.cursor.is_some()) {
        let message = "This cursor is not from this server: its lists have one page and no cursors.";
        return Err(ErrorData::invalid_params(message, None));
    }
    Ok(())
}

fn not_served<M: ConstString, T>() -> Result<T, ErrorData> {
    Err(ErrorData::method_not_found::<M>())
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        self.0.config.clone()
    }

    async fn initialize(
        &self,
        mut request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let result = self.negotiate_initialize(&request)?;
        // Later requests go by what was agreed on, not by what was asked for.
        request.protocol_version = result.protocol_version.clone();
        context.peer.set_peer_info(request);
        Ok(result)
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, self.get_info())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        on_one_page(request)?;
        let mut list = listing::mark(form(&context));
        self.seal(&context, (&mut list.ttl_ms, &mut list.cache_scope, &mut list.meta));
        Ok(list)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (listener, heard) = Listener::new();
        let token = context.meta.get_progress_token();
        let listener = token.is_some().then_some(listener);
        let caller = Caller { asking: question::asking(&context, &request), listener, ..self.caller(&context)? };
        tokio::select! {
            biased;
            // Dropping the call aborts its request. Nobody waits for this answer, and rmcp drops it.
            () = context.ct.cancelled() => Err(ErrorData::internal_error("The call was cancelled.", None)),
            // What was said before the answer comes before it.
            never = pass_on(heard, token, &context) => match never {},
            // Boxed, so that rmcp moves the tasks of requests cheaply: each has room for the biggest answer there is.
            response = Box::pin(self.respond(request, caller, &context)) => response,
        }
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        not_served::<CompleteRequestMethod, _>()
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let served = self.0.config.capabilities.prompts.is_some();
        let (form, principal) = self.asked::<ListPromptsRequestMethod>(served, request, &context)?;
        let rows = self.0.server.prompts(&principal);
        let mut list = ListPromptsResult::with_all_items(rows.map(|row| prompts::listed(row, form)).collect());
        self.seal(&context, (&mut list.ttl_ms, &mut list.cache_scope, &mut list.meta));
        Ok(list)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if self.0.config.capabilities.prompts.is_none() {
            return not_served::<GetPromptRequestMethod, _>();
        }
        let mut result = self.0.server.prompt(&request, &self.caller(&context)?.principal)?;
        if is_stateless(&context) {
            self.sign(&mut result.meta);
        }
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let served = !self.0.resources.is_empty();
        let (form, principal) = self.asked::<ListResourcesRequestMethod>(served, request, &context)?;
        let resources = self.0.resources.list(&self.0.server, &principal, form);
        let mut list = ListResourcesResult::with_all_items(resources);
        self.seal(&context, (&mut list.ttl_ms, &mut list.cache_scope, &mut list.meta));
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let served = !self.0.resources.is_empty();
        let (form, principal) = self.asked::<ListResourceTemplatesRequestMethod>(served, request, &context)?;
        let templates = self.0.resources.templates(&self.0.server, &principal, form);
        let mut list = ListResourceTemplatesResult::with_all_items(templates);
        self.seal(&context, (&mut list.ttl_ms, &mut list.cache_scope, &mut list.meta));
        Ok(list)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if self.0.resources.is_empty() {
            return not_served::<ReadResourceRequestMethod, _>();
        }
        let caller = self.caller(&context)?;
        let mut result = tokio::select! {
            biased;
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("The read was cancelled.", None)),
            read = self.0.resources.read(&self.0.server, &request.uri, caller) => read?,
        };
        if is_stateless(&context) {
            // It is as of now, and for whoever may see it.
            (result.ttl_ms, result.cache_scope) = (Some(0), Some(CacheScope::Private));
            self.sign(&mut result.meta);
        }
        Ok(result.into())
    }

    /// rmcp brings everything here that it cannot read: unknown methods, and those we serve when
    /// their parameters are malformed.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let capabilities = &self.0.config.capabilities;
        Err(unreadable::refusal(&request.method, !is_stateless(&context), capabilities))
    }
}
