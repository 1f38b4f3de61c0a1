//! The only place that opens outbound connections.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderValue, Method, Response, StatusCode};
use reqwest::{Certificate, Client, redirect};
use rustls::pki_types::CertificateDer;
use url::Url;

use super::trust::{self, Authorities, Exception, NotPinned};
use super::{Exchange, retry};
use crate::account::Ticket;
use crate::call::Call;
use crate::error::{CallError, StartupError};

/// What is read of an answer, in bytes: far more than a model can take in, and few enough for
/// several at a time in a small container.
pub(super) const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// How many redirects of one request are followed.
const HOPS: usize = 5;

/// After this time without a connection another attempt is better than more patience.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How connections are made. Proxies come from `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkOptions {
    /// PEM file with certificates to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// Hosts of which something else is accepted than a certificate that an authority vouches for.
    pub exceptions: Vec<Exception>,
}

impl NetworkOptions {
    /// Reads what the options name, so that a mistake shows at start and not in the first call.
    ///
    /// # Errors
    /// If the certificates cannot be read.
    pub fn check(&self) -> Result<(), StartupError> {
        let fix = "Name a readable file with certificates in PEM form (-----BEGIN CERTIFICATE-----).";
        self.certificates().map(drop).map_err(|problem| StartupError::new("--ca-file", problem, fix))
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let Some(file) = &self.ca_file else { return Ok(Vec::new()) };
        Ok(Authorities::read(file)?.0)
    }
}

/// The way to real providers. Costs nothing before the first call.
pub(super) struct Network {
    options: NetworkOptions,
    client: OnceLock<Result<Client, String>>,
}

impl Network {
    pub(super) fn new(options: NetworkOptions) -> Self {
        Self { options, client: OnceLock::new() }
    }

    /// Sends the request, again where that is harmless, for as long as the exchange may take.
    pub(super) async fn send(&self, exchange: &Exchange<'_>) -> Result<Response<Bytes>, CallError> {
        let account = &exchange.call.account;
        if !account.has_credential() {
            let help = account.provider().credential_help.clone();
            return Err(CallError::NoCredential { whom: account.title(), cure: account.cure(), help });
        }
        let answer = self.persist(exchange, Instant::now());
        tokio::time::timeout(exchange.patience, answer)
            .await
            .unwrap_or_else(|_| Err(timed_out(exchange.call, account.base_url(), exchange.patience, exchange.changes)))
    }

    async fn persist(&self, exchange: &Exchange<'_>, started: Instant) -> Result<Response<Bytes>, CallError> {
        let most = if exchange.repeatable { retry::ATTEMPTS } else { 1 };
        let mut attempt = 1;
        loop {
            let outcome = self.in_session(exchange).await;
            let asked = match &outcome {
                Ok(answer) if retry::passing(answer.status()) => retry::retry_after(answer.headers()),
                Err(CallError::Unreachable { .. }) => None,
                _ => return outcome,
            };
            let pause = retry::pause(attempt, asked);
            let too_late = started.elapsed().checked_add(pause).is_none_or(|then| then >= exchange.patience);
            if attempt == most || too_late {
                return outcome;
            }
            tracing::debug!(tool = %exchange.call.entry.tool.name, attempt, ?pause, "trying again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One attempt: a request and, for GET, the redirects it meets.
    pub(super) async fn attempt(
        &self,
        exchange: &Exchange<'_>,
        ticket: Option<&Ticket>,
    ) -> Result<Response<Bytes>, CallError> {
        let mut target = None;
        let mut hop = 0;
        loop {
            // Built anew for every hop and attempt: cheaper than a copy for the one that is usually enough.
            let mut request = outgoing(exchange.request()?)?;
            if let Some(ticket) = ticket {
                request.headers_mut().insert(&ticket.name, ticket.value.clone());
            }
            if let Some(target) = target.take() {
                *request.url_mut() = target;
            }
            let repeatable = request.method() == Method::GET;
            let answer = self.client()?.execute(request).await.map_err(|error| failure(exchange, &error))?;
            tracing::debug!(tool = %exchange.call.entry.tool.name, status = answer.status().as_u16(), "answered");
            if !redirects(answer.status()) {
                return collect(exchange, answer).await;
            }
            target = Some(next_hop(exchange, &answer, hop, repeatable)?);
            hop += 1;
        }
    }

    pub(super) fn client(&self) -> Result<&Client, CallError> {
        let client = self.client.get_or_init(|| client(&self.options));
        client.as_ref().map_err(|problem| CallError::Client { problem: problem.clone() })
    }
}

/// The one factory of HTTP clients: whatever this program asks for goes out by a client of its making.
pub(super) fn client(options: &NetworkOptions) -> Result<Client, String> {
    // An error only says that somebody else installed one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let failed = |error: reqwest::Error| format!("the HTTP client cannot be set up: {}.", deepest(&error));
    let builder = Client::builder()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none())
        .referer(false);
    let certificates = options.certificates()?;
    let builder = if options.exceptions.is_empty() {
        let certificates = certificates.iter().map(|certificate| Certificate::from_der(certificate));
        builder.tls_certs_merge(certificates.collect::<Result<Vec<_>, _>>().map_err(failed)?)
    } else {
        builder.tls_backend_preconfigured(trust::config(certificates, options.exceptions.clone())?)
    };
    builder.build().map_err(failed)
}

pub(super) fn outgoing(request: http::Request<Bytes>) -> Result<reqwest::Request, CallError> {
    let empty = request.body().is_empty();
    let mut request = reqwest::Request::try_from(request)
        .map_err(|_| CallError::Client { problem: "the request has no valid URL. Check the base URL.".to_owned() })?;
    if empty {
        *request.body_mut() = None;
        // Some servers refuse these methods without a length (RFC 9110 section 8.6).
        if matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
    }
    Ok(request)
}

pub(super) fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads, if it may be followed.
fn next_hop(
    exchange: &Exchange<'_>,
    answer: &reqwest::Response,
    hop: usize,
    repeatable: bool,
) -> Result<Url, CallError> {
    let here = answer.url();
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let target = location.and_then(|location| here.join(location).ok());
    let reason = match &target {
        None => "it does not say where to",
        Some(target) if target.origin() != here.origin() => "requests and the token only go to the configured base URL",
        Some(_) if hop == HOPS => "there were too many in a row",
        Some(_) if !repeatable => "only reading with GET is safe to repeat elsewhere",
        Some(_) => "",
    };
    match target {
        Some(mut target) if reason.is_empty() => {
            // A URL with a user name would make the client send that as a credential.
            let _ = (target.set_username(""), target.set_password(None));
            Ok(target)
        }
        target => Err(CallError::Redirected {
            status: answer.status().as_u16(),
            target: target.as_ref().map_or_else(|| "nowhere".to_owned(), origin),
            reason,
            unsettled: exchange.changes,
        }),
    }
}

/// Reads the body up to the limit. A body in one piece is not copied.
pub(super) async fn collect(
    exchange: &Exchange<'_>,
    mut answer: reqwest::Response,
) -> Result<Response<Bytes>, CallError> {
    let too_large = || CallError::TooLarge { limit: BODY_LIMIT, unsettled: exchange.changes };
    if answer.content_length().is_some_and(|length| length > BODY_LIMIT as u64) {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(exchange, &error))? {
        if first.len() + rest.len() + chunk.len() > BODY_LIMIT {
            return Err(too_large());
        }
        if first.is_empty() {
            first = chunk;
        } else {
            rest.extend_from_slice(&chunk);
        }
    }
    let body = if rest.is_empty() { first } else { [first, rest.freeze()].concat().into() };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// No answer in time from what is at this address.
pub(super) fn timed_out(call: &Call, url: &Url, after: Duration, unsettled: bool) -> CallError {
    let hint = call.entry.provider.hint("timeout").unwrap_or("If it is merely slow, raise the limit with --timeout.");
    CallError::Timeout { origin: origin(url), after, hint, unsettled }
}

/// A failed connection in our words. The address is left to its origin: the rest holds arguments.
pub(super) fn failure(exchange: &Exchange<'_>, error: &reqwest::Error) -> CallError {
    unreached(exchange.call, exchange.call.account.base_url(), error, exchange.changes)
}

/// The same for another address of the account. `changes` says whether a request that got there changes something.
pub(super) fn unreached(call: &Call, address: &Url, error: &reqwest::Error, changes: bool) -> CallError {
    let origin = origin(address);
    if let Some(tls) = find::<rustls::Error>(error) {
        let problem = match NotPinned::among(tls) {
            Some(other) => format!(
                "no trusted connection to {origin}: {other}. If it was replaced on purpose, pin the new one with \
                 --pin-sha256; otherwise somebody else may be answering."
            ),
            None => format!(
                "no trusted connection to {origin}: {tls}. If its certificate comes from a private authority, name \
                 that with --ca-file; one that stands alone can be trusted by its fingerprint with --pin-sha256."
            ),
        };
        return CallError::Client { problem };
    }
    let advice = |general| call.entry.provider.hint("unreachable").unwrap_or(general);
    let refused = find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    let problem = if error.is_dns() {
        let advice = advice("Check the base URL and the network.");
        format!("cannot be found: its name does not resolve. {advice}")
    } else if error.is_connect() && error.is_timeout() {
        let (limit, advice) = (CONNECT_TIMEOUT.as_secs(), advice("Check network and proxy."));
        format!("cannot be reached: no connection within {limit} s. {advice}")
    } else if refused {
        format!("cannot be reached: the connection was refused. {}", advice("Check base URL and proxy."))
    } else if error.is_connect() {
        let (cause, advice) = (deepest(error), advice("Check network and proxy."));
        format!("cannot be reached: {}. {advice}", call.account.mask(&cause))
    } else {
        "closed or broke the connection before its answer was complete.".to_owned()
    };
    CallError::Unreachable { origin, problem, unsettled: !error.is_connect() && changes }
}

pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The errors behind an error, the ones inside [`io::Error`] included.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    })
}

pub(super) fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost cause, which says most.
pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
