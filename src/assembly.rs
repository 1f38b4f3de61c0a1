//! Puts a [`Server`] together out of a configuration: for the command line, and for users of the library.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use infra_mcp_model::{Binding, Provider, Segment};
use url::Url;

use crate::audit::Recorder;
use crate::catalogue::Catalogue;
use crate::config::{Config, Environment, Only, Options, Providers};
use crate::error::StartupError;
use crate::executor::{Executor, Simulator};
use crate::exposure::Exposure;
use crate::generated::PROVIDERS;
use crate::policy::Gate;
use crate::sandbox;
use crate::server::Server;
use crate::store::LazyStore;

/// A server of every tool of this build in front of simulated providers: no account, no network, and nothing of it
/// outlasts the process.
///
/// # Errors
/// If a provider of this build cannot be simulated.
///
/// ```
/// # #[cfg(all(feature = "vps", feature = "types"))]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use infra_mcp::generated::types::hostinger::vps::VpsGetVirtualMachinesV1;
///
/// let server = infra_mcp::assembly::sandbox()?;
/// let reply = server.run(&VpsGetVirtualMachinesV1::new()).await?;
/// assert!(reply.body.contains("web-1.example.com"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub fn sandbox() -> Result<Server, StartupError> {
    let options = Options { sandbox: true, ..Options::default() };
    open(options, &Environment::of(&[]))
}

/// A server of every tool of this build, with the credentials and addresses that the environment and a
/// `.env` file in the working directory hold.
///
/// # Errors
/// If one of the variables is malformed. A missing token is no error: a call will say so.
pub fn from_environment() -> Result<Server, StartupError> {
    open(Options::default(), &Environment::of_process())
}

fn open(options: Options, environment: &Environment) -> Result<Server, StartupError> {
    let config = Config::new(options, environment, Only::Everything(PROVIDERS))?;
    let catalogue = Arc::new(Catalogue::select(PROVIDERS, &config.selection)?);
    Ok(server(config, catalogue, PROVIDERS))
}

/// What carries calls out: the network, or simulated providers in its place.
pub(crate) fn executor(config: &Config, catalogue: &Catalogue) -> Executor {
    let executor = if config.sandbox {
        Executor::simulated(Arc::new(Sandboxes::new(catalogue)))
    } else {
        Executor::network(config.network.clone())
    };
    executor.with_files(config.files.clone())
}

/// Puts the server together. Nothing here touches the network.
pub(crate) fn server(config: Config, catalogue: Arc<Catalogue>, providers: Providers) -> Server {
    let directory = config.gate_directory().ok();
    let executor = executor(&config, &catalogue);
    let store = match directory {
        // A simulation that nobody gave a place leaves nothing behind.
        None if config.sandbox => LazyStore::in_memory(),
        directory => LazyStore::new(directory),
    };
    let store = Arc::new(store);
    let gate = Gate::new(config.policy, config.approval, Arc::clone(&store)).with_command(config.approve_command);
    Server {
        providers: providers.to_vec(),
        selection: config.selection,
        exposure: Arc::new(Exposure::new(Arc::clone(&catalogue), config.expose)),
        catalogue,
        accounts: config.accounts,
        gate: Arc::new(gate),
        recorder: Recorder::new(store),
        executor: Arc::new(executor),
        local: config.local,
        secrets: config.secrets,
        result_limit: config.result_limit.unwrap_or(0),
        unsafe_ways: config.unsafe_ways,
    }
}

/// The simulated providers, told apart by the first label of the host a request goes to, or by the public pages that
/// their tools read. Each account has an estate of its own.
struct Sandboxes {
    providers: Vec<&'static Provider>,
    /// By host, made by the first request to it.
    estates: Mutex<HashMap<String, Arc<dyn Simulator>>>,
}

impl Sandboxes {
    fn new(catalogue: &Catalogue) -> Self {
        let mut providers: Vec<&'static Provider> = catalogue.entries().iter().map(|entry| entry.provider).collect();
        providers.dedup_by_key(|provider| &provider.name);
        Self { providers, estates: Mutex::default() }
    }

    fn at(&self, host: &str) -> Option<Arc<dyn Simulator>> {
        let name = host.split('.').next().unwrap_or_default();
        let named = self.providers.iter().find(|provider| provider.name.eq_ignore_ascii_case(name));
        let provider = named.or_else(|| self.providers.iter().find(|provider| reads_pages_of(provider, host)))?;
        let mut estates = self.estates.lock().unwrap_or_else(PoisonError::into_inner);
        let estate = estates.entry(host.to_ascii_lowercase()).or_insert_with(|| sandbox::simulator(provider));
        Some(Arc::clone(estate))
    }
}

impl Simulator for Sandboxes {
    fn answer(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        match self.at(request.uri().host().unwrap_or_default()) {
            Some(estate) => estate.answer(request),
            None => {
                let mut answer = http::Response::new(Bytes::new());
                *answer.status_mut() = http::StatusCode::BAD_GATEWAY;
                answer
            }
        }
    }
}

/// Whether a tool of the provider reads public pages of this host.
fn reads_pages_of(provider: &Provider, host: &str) -> bool {
    let mut pages = provider.tools().flat_map(|tool| match &tool.binding {
        Binding::Composite(composite) => composite.pages.as_ref(),
        Binding::Operation(_) | Binding::Relay(_) => &[],
    });
    let of_host = |address: &str| Url::parse(address).is_ok_and(|url| url.host_str() == Some(host));
    pages.any(|page| matches!(page.path.0.first(), Some(Segment::Literal(address)) if of_host(address)))
}

#[cfg(all(test, feature = "vps", feature = "types"))]
mod tests {
    use crate::error::CallError;
    use crate::generated::types::hostinger::vps::{VpsRecreateVirtualMachineV1, VpsStartVirtualMachineV1};

    /// A user of the library needs no state directory to try it out, and meets the same gate as everybody.
    #[tokio::test]
    async fn a_simulation_changes_what_it_may_and_asks_about_the_rest() {
        let server = super::sandbox().unwrap();
        let reply = server.run(&VpsStartVirtualMachineV1::new(100002)).await.unwrap();
        assert!(reply.body.contains("\"start\""), "{}", reply.body);
        let refused = server.run(&VpsRecreateVirtualMachineV1::new(100001, 1003)).await.unwrap_err();
        assert!(matches!(refused, CallError::Unapproved(_)), "{refused}");
    }
}
