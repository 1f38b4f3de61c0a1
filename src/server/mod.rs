//! The only place that tells the way of a call: exposure → arguments → policy → executor → result. [`Handler`] shows it
//! to clients of MCP, [`rest`] to everybody else.

mod builtin;
mod files;
mod handler;
mod instructions;
pub mod listing;
mod look;
mod meant;
#[cfg(test)]
#[cfg(all(feature = "vergeos", feature = "hostodo", feature = "xen-orchestra", feature = "vps"))]
mod power_off_tests;
mod preview;
mod prompts;
mod question;
mod reference;
mod resources;
pub mod rest;
mod served;
mod sight;
mod task;
mod unknown;
mod unreadable;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use infra_mcp_model::Provider;
use rmcp::model::CallToolResult;
use serde_json::{Map, Value};

pub use handler::Handler;
use listing::Listing;
use meant::{Meant, Unresolved};
pub use served::Served;
pub use unknown::UnknownTool;

use crate::account::{Account, Accounts, Unchosen};
use crate::arguments::{Arguments, Violation, Violations};
use crate::audit::{Recorder, Trail};
use crate::call::{Call, Caller};
use crate::catalogue::{Catalogue, Entry, Selection};
use crate::error::CallError;
use crate::executor::{Executor, Reply};
use crate::exposure::{Exposure, Given};
use crate::policy::{Admission, Gate};
use crate::principal::Principal;
use crate::providers;
use crate::result::{self, Secrets};

/// Everything a call needs. Listing and calling use the same exposure, so nothing hidden can be called.
pub struct Server {
    /// Everything that was built in; only to explain why a tool is not served.
    pub providers: Vec<&'static Provider>,
    /// What narrowed the catalogue down; only to explain why a tool is not served.
    pub selection: Selection,
    /// The tools that are served.
    pub catalogue: Arc<Catalogue>,
    /// What they are called by.
    pub exposure: Arc<Exposure>,
    /// The accounts. A provider without an address has none, and of several a call chooses one.
    pub accounts: Arc<Accounts>,
    /// What every call has to pass.
    pub gate: Arc<Gate>,
    /// Where every call leaves its trace.
    pub recorder: Recorder,
    /// What carries calls out.
    pub executor: Arc<Executor>,
    /// Who calls where nobody is asked for a name.
    pub local: Arc<Principal>,
    /// What becomes of credentials in answers.
    pub secrets: Secrets,
    /// The longest result, in characters; 0 means no limit.
    pub result_limit: usize,
    /// What is unsafe for as long as it runs, in sentences.
    pub unsafe_ways: Vec<String>,
}

/// What comes of a call, in the end.
type Outcome<'s> = BoxFuture<'s, Result<Reply, CallError>>;

impl Server {
    /// The tools that `principal` may see.
    #[must_use]
    pub fn listing(&self, principal: Arc<Principal>) -> Listing {
        let listing = Listing::new(Arc::clone(&self.exposure), Arc::clone(&self.gate), principal);
        listing.with_accounts(Arc::clone(&self.accounts))
    }

    /// The user of this process, by a client of this name.
    #[must_use]
    pub fn local_caller(&self, client_name: Option<String>) -> Caller {
        Caller { principal: Arc::clone(&self.local), ..Caller::local(client_name) }
    }

    /// Calls a tool. Whatever goes wrong after the tool is known is part of the result, in words that
    /// let the caller correct itself.
    ///
    /// # Errors
    /// If no such tool is served.
    pub async fn call(
        &self,
        name: &str,
        arguments: Map<String, Value>,
        caller: Caller,
    ) -> Result<CallToolResult, UnknownTool> {
        let outcome = self.attempt(name, arguments, caller).await?;
        Ok(result::to_result(outcome, self.result_limit))
    }

    /// Calls a tool, and leaves it to the caller to make a result of what came of it.
    ///
    /// # Errors
    /// If no such tool is served.
    pub(crate) async fn attempt(
        &self,
        name: &str,
        arguments: Map<String, Value>,
        caller: Caller,
    ) -> Result<Result<Reply, CallError>, UnknownTool> {
        let meant = self.meant(name, &arguments, &caller.principal);
        let meant = meant.inspect_err(|_| self.recorder.keep(Trail::new(name, &arguments, &caller).unknown()));
        let (entry, given) = match meant {
            Ok(Meant::Tool(entry, None)) => (entry, Given::from(arguments)),
            Ok(Meant::Tool(entry, Some(alias))) => (entry, Given::renamed(alias, arguments)),
            Ok(Meant::Operation(entry)) => (entry, Given::for_operation(entry.tool, arguments)),
            Ok(Meant::Builtin(builtin)) => return Ok(self.answer(builtin, &arguments, &caller)),
            Err(Unresolved::Tool(unknown)) => return Err(unknown),
            Err(Unresolved::Operation(text)) => return Ok(Err(CallError::Operation { text })),
        };
        Ok(self.timed(entry, given, caller).await)
    }

    /// Calls a tool that is known, whatever it is called by.
    async fn attempt_tool(
        &self,
        entry: Entry,
        arguments: Map<String, Value>,
        caller: Caller,
    ) -> Result<Result<Reply, CallError>, UnknownTool> {
        if !caller.principal.grant().reaches(&entry) {
            self.recorder.keep(Trail::new(&entry.tool.name, &arguments, &caller).unknown());
            return Err(UnknownTool::beyond_grant(&entry.tool.name));
        }
        Ok(self.timed(entry, arguments.into(), caller).await)
    }

    async fn timed(&self, entry: Entry, given: Given, caller: Caller) -> Result<Reply, CallError> {
        let begun = Instant::now();
        let principal = Arc::clone(&caller.principal);
        let address = caller.address.map(tracing::field::display);
        let outcome = self.carry_out(entry, given, caller).await;
        tracing::info!(
            target: "infra_mcp",
            tool = %entry.tool.name,
            %principal,
            address,
            succeeded = outcome.is_ok(),
            milliseconds = begun.elapsed().as_millis(),
            "call"
        );
        outcome
    }

    /// Carries out one call of a tool that is served, and leaves its trace.
    ///
    /// Boxed: the way of a call is the biggest future there is, and each of the layers around it would move it, and
    /// be compiled with it.
    pub(crate) fn carry_out(&self, entry: Entry, given: Given, caller: Caller) -> Outcome<'_> {
        let mut trail = Trail::new(&entry.tool.name, &given.arguments, &caller);
        trail.found(entry);
        let mut recording = Recording { recorder: &self.recorder, trail: Some(trail) };
        Box::pin(async move {
            let outcome = self.pass(entry, given, caller, &mut recording).await;
            recording.end(&outcome);
            outcome
        })
    }

    async fn pass(
        &self,
        entry: Entry,
        mut given: Given,
        caller: Caller,
        recording: &mut Recording<'_>,
    ) -> Result<Reply, CallError> {
        let evidence = self.gate.take_evidence(entry, &mut given.arguments);
        let provider = entry.provider.name.as_ref();
        let granted = |account: &str| caller.principal.grant().uses(provider, account);
        let chosen = self.accounts.take(provider, entry.tool, &mut given.arguments, granted);
        if let Ok(Some(account)) = &chosen {
            self.resolve(entry, account, &mut given.arguments, &caller).await?;
        }
        self.identify_file(entry, &mut given.arguments, &caller).await?;
        let (account, arguments) =
            self.checked(entry, given, chosen, &caller.principal).map_err(CallError::Arguments)?;
        let account = account.ok_or_else(|| homeless(entry.provider))?;
        let call = Call { entry, arguments, account, caller };
        let seen = self.see_resource(&call).await?;
        let principal = Arc::clone(&call.caller.principal);
        let outlook = self.secrets.outlook(entry.tool, &principal);
        // Whoever may not read the resource sees no more of it for wanting to change it.
        let readable = |_: &&[Value]| self.may_read_resource(entry, &principal);
        let shown = |call: &Call| preview::preview(call, seen.as_deref().filter(readable), outlook);
        recording.on(|trail| trail.made(&call));
        let task = task::Wait::of(&call);
        let intent = |approval: Option<&str>| recording.intent(approval);
        match self.gate.admit(call, seen.as_deref(), &evidence, shown, intent)? {
            Admission::Granted { authorized, approval } => {
                recording.on(|trail| trail.approved(approval));
                let reply = providers::carry_out(&self.executor, authorized).await?;
                let reply = match task {
                    Some(task) => Box::pin(self.follow(task, reply)).await?,
                    None => reply,
                };
                Ok(result::thin(entry.tool, self.secrets.settle(entry.tool, &principal, reply)))
            }
            Admission::Wanted(request) => {
                recording.on(|trail| trail.approved(Some(request.id.clone())));
                Err(CallError::Unapproved(Box::new(request)))
            }
        }
    }

    /// The account and the arguments of a call, or everything that is wrong with them.
    fn checked(
        &self,
        entry: Entry,
        given: Given,
        chosen: Result<Option<Arc<Account>>, Unchosen>,
        principal: &Principal,
    ) -> Result<(Option<Arc<Account>>, Arguments), Violations> {
        let told = given.of_operation;
        let unchosen = |wrong: Unchosen| Violation { pointer: wrong.argument, rule: wrong.rule };
        let wrong = match (chosen, given.validate(entry.tool)) {
            (Ok(account), Ok(arguments)) => return Ok((account, arguments)),
            (Ok(_), Err(violations)) => violations,
            (Err(wrong), Ok(_)) => Violations::of(&entry.tool.name, vec![unchosen(wrong)]),
            (Err(wrong), Err(violations)) => violations.after(vec![unchosen(wrong)]),
        };
        Err(if told { wrong.explained(self.describe(entry, principal)) } else { wrong })
    }

    /// What calls would fail for although they are right, in sentences: a provider without address or credential, or
    /// a disk that takes nothing more.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut providers: Vec<&'static Provider> =
            self.catalogue.entries().iter().map(|entry| entry.provider).collect();
        providers.dedup_by_key(|provider| &provider.name);
        let mut missing: Vec<String> = providers.into_iter().filter_map(|provider| self.lack(provider)).collect();
        if self.recorder.is_failing() {
            let problem = "The audit log cannot be written, so nothing is changed: see the log of this server for the \
                           reason, and make room.";
            missing.push(problem.to_owned());
        }
        missing
    }

    fn lack(&self, provider: &'static Provider) -> Option<String> {
        let accounts = self.accounts.of(&provider.name);
        let Some(first) = accounts.first() else {
            let variables = provider.environment.base_url.join(" or ");
            return Some(format!("{} has no address: {variables} is not set.", provider.title));
        };
        // One account that works is enough to serve: calls of the others say what they lack.
        let mute = !self.executor.is_simulated() && accounts.iter().all(|account| !account.has_any_credential());
        mute.then(|| format!("{} has no credential. {}", first.title(), first.cure()))
    }
}

/// The error of a call whose provider has no account.
fn homeless(provider: &Provider) -> CallError {
    let variables = provider.environment.base_url.join(" or ");
    let problem = format!("{} has no fixed address. Set {variables} and restart this server.", provider.title);
    CallError::Client { problem }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("tools", &self.catalogue.entries().len())
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

/// The trace of one call. A call that is given up half-way, because its client is gone, leaves one too.
struct Recording<'s> {
    recorder: &'s Recorder,
    trail: Option<Trail>,
}

impl Recording<'_> {
    fn on(&mut self, change: impl FnOnce(&mut Trail)) {
        if let Some(trail) = self.trail.as_mut() {
            change(trail);
        }
    }

    fn intent(&self, approval: Option<&str>) -> String {
        self.trail.as_ref().map(|trail| trail.intent(approval)).unwrap_or_default()
    }

    fn end(mut self, outcome: &Result<Reply, CallError>) {
        if let Some(trail) = self.trail.take() {
            self.recorder.keep(trail.outcome(outcome));
        }
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        if let Some(trail) = self.trail.take() {
            self.recorder.keep(trail.outcome(&Err(CallError::Cancelled)));
        }
    }
}
