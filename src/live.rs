//! Providers whose tools come from the document that their server publishes, in the place of the one they were built
//! from.
//!
//! The document takes the generator's own way through load, lower and check, once at the start; what comes of it lives
//! as long as the process, as the built-in tables do. A document that cannot be had, or not be used, leaves the
//! built-in one in its place.

use std::fs::File;
use std::io::Read as _;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use infra_mcp_codegen::drift::Drift;
use infra_mcp_codegen::live::{Live, live};
use infra_mcp_codegen::{Problem, Severity};
use infra_mcp_model::Provider;

use crate::config::{Given, Only, Place};
use crate::error::StartupError;
use crate::executor::{Documents, NetworkOptions};

/// The longest document, in bytes. Those of today have 1.4 million.
const LONGEST: usize = 16 * 1024 * 1024;

/// How long it may take to make tools of a document that is there. Those of today take a fifth of a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stack for documents that are nested deeply, in bytes.
const STACK: usize = 64 * 1024 * 1024;

/// What became of a document.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The provider it was named for.
    pub(crate) provider: &'static Provider,
    /// Where it is.
    pub(crate) place: String,
    /// What it gives, or why the built-in one is served.
    pub(crate) result: Result<Served, String>,
}

/// What is served of a document.
#[derive(Debug)]
pub(crate) struct Served {
    /// The provider in the place of the built-in one.
    pub(crate) provider: &'static Provider,
    /// How they differ.
    pub(crate) drift: Drift,
    /// Operations that are not served, with the reason.
    pub(crate) left_out: Vec<(String, String)>,
    /// What the document does that it should not.
    pub(crate) warnings: Vec<Problem>,
}

impl From<Live> for Served {
    fn from(Live { provider, drift, left_out, warnings }: Live) -> Self {
        Self { provider: Box::leak(Box::new(provider)), drift, left_out, warnings }
    }
}

/// What a binary serves, with providers that are made from these documents in the place of built-in ones.
///
/// # Errors
/// If a provider is described by no OpenAPI document, so that there is no place for one.
pub(crate) fn serve(
    documents: &[Given],
    network: &NetworkOptions,
    only: Only,
) -> Result<(Only, Vec<Outcome>), StartupError> {
    let mut providers = only.providers();
    let mut outcomes = Vec::with_capacity(documents.len());
    for Given { provider, place } in documents {
        if provider.sources.is_empty() {
            let problem = format!("{} is described by no OpenAPI document.", provider.title);
            return Err(StartupError::new("--spec", problem, "Leave it out for this provider."));
        }
        let text = read(place, network);
        let result = text.and_then(|text| lowered(provider, place.to_string(), text)).map(Served::from);
        if let Ok(served) = &result {
            let places = providers.iter_mut().filter(|other| std::ptr::eq(**other, *provider));
            places.for_each(|place| *place = served.provider);
        }
        outcomes.push(Outcome { provider, place: place.to_string(), result });
    }
    let only = match (only, providers.first()) {
        (Only::Provider(_), Some(provider)) => Only::Provider(provider),
        (Only::Toolset(_, name), Some(provider)) => Only::Toolset(provider, name),
        (Only::Everything(_), _) if !documents.is_empty() => Only::Everything(providers.leak()),
        _ => only,
    };
    Ok((only, outcomes))
}

/// The text of a document, or why there is none.
fn read(place: &Place, network: &NetworkOptions) -> Result<String, String> {
    let bytes = match place {
        Place::File(path) => {
            let file = File::open(path).map_err(|error| format!("it cannot be opened: {error}"))?;
            if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
                return Err("it is no file".to_owned());
            }
            let mut bytes = Vec::new();
            let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
            file.take(limit).read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
            if bytes.len() > LONGEST {
                return Err(format!("it has more than {LONGEST} bytes"));
            }
            bytes
        }
        Place::Web { address, headers } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| format!("nothing can be sent: {error}"))?;
            let documents = Documents::new(network.clone()).up_to(LONGEST);
            let read = runtime.block_on(documents.read_with(address, headers.clone()));
            read.map_err(|error| error.to_string())?.to_vec()
        }
    };
    String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned())
}

/// Somebody else wrote the document, so it is read by a thread that may fail.
fn lowered(built_in: &'static Provider, place: String, document: String) -> Result<Live, String> {
    let (sender, receiver) = mpsc::channel();
    // Whoever waits no longer needs no answer.
    let work = move || drop(sender.send(live(built_in, &place, &document)));
    let thread = std::thread::Builder::new().name("document".to_owned()).stack_size(STACK);
    thread.spawn(work).map_err(|error| format!("it cannot be read: {error}"))?;
    match receiver.recv_timeout(PATIENCE) {
        Ok(Ok(live)) => Ok(live),
        Ok(Err(report)) => {
            let errors = report.problems().into_iter().filter(|problem| problem.severity == Severity::Error);
            Err(errors.take(3).map(ToString::to_string).collect::<Vec<_>>().join("; "))
        }
        Err(RecvTimeoutError::Timeout) => Err(format!("no tools came of it within {} s", PATIENCE.as_secs())),
        Err(RecvTimeoutError::Disconnected) => Err("the generator gave up on it; please report it".to_owned()),
    }
}
