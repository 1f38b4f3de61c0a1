//! Public documents of a trusted service, such as the keys of an OAuth issuer.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, HeaderValue};
use reqwest::Client;
use url::Url;

use super::send::{NetworkOptions, client, deepest};

/// The longest document, in bytes.
const LONGEST: usize = 1024 * 1024;

/// How long a document may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads documents from addresses that the operator named, or that stand in such a document.
///
/// It sends nothing but the address, follows no redirect and reads no more than a megabyte.
pub struct Documents {
    options: NetworkOptions,
    client: OnceLock<Result<Client, String>>,
}

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// No answer, or one that is not to be taken for one.
    #[error("{address} gave no answer: {problem}")]
    Unavailable {
        /// The address that was asked.
        address: String,
        /// What happened.
        problem: String,
    },
    /// There is no such document.
    #[error("{address} answered HTTP {status}")]
    Refused {
        /// The address that was asked.
        address: String,
        /// The status, neither 200 nor 5xx.
        status: u16,
    },
}

impl Documents {
    /// Costs nothing before the first document.
    #[must_use]
    pub fn new(options: NetworkOptions) -> Self {
        Self { options, client: OnceLock::new() }
    }

    /// The document at `address`.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn read(&self, address: &Url) -> Result<Bytes, DocumentError> {
        let unavailable = |problem| DocumentError::Unavailable { address: address.to_string(), problem };
        let client = self.client.get_or_init(|| client(&self.options)).as_ref();
        let client = client.map_err(|problem| unavailable(problem.clone()))?;
        let read = async {
            let request = client.get(address.clone()).header(ACCEPT, HeaderValue::from_static("application/json"));
            let mut answer = request.send().await.map_err(|error| unavailable(deepest(&error)))?;
            let status = answer.status();
            if status.is_server_error() || status.as_u16() == 429 {
                return Err(unavailable(format!("HTTP {}", status.as_u16())));
            }
            if status.as_u16() != 200 {
                return Err(DocumentError::Refused { address: address.to_string(), status: status.as_u16() });
            }
            let mut document = BytesMut::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| unavailable(deepest(&error)))? {
                if document.len() + chunk.len() > LONGEST {
                    return Err(unavailable(format!("more than {LONGEST} bytes")));
                }
                document.extend_from_slice(&chunk);
            }
            Ok(document.freeze())
        };
        let late = |_| unavailable(format!("not complete within {} s", PATIENCE.as_secs()));
        tokio::time::timeout(PATIENCE, read).await.map_err(late)?
    }
}

impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").field("options", &self.options).finish_non_exhaustive()
    }
}
