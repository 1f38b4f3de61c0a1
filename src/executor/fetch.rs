//! Public documents of a trusted service, such as the keys of an OAuth issuer.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{ACCEPT, HeaderValue};
use reqwest::Client;
use url::Url;

use super::send::{NetworkOptions, client, deepest};

/// The longest document, in bytes, unless more is asked for.
const LONGEST: usize = 1024 * 1024;

/// How long a document may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads documents from addresses that the operator named, or that stand in such a document.
///
/// It follows no redirect, and reads no more than a megabyte unless told otherwise.
pub struct Documents {
    options: NetworkOptions,
    longest: usize,
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
        Self { options, longest: LONGEST, client: OnceLock::new() }
    }

    /// The same for documents of up to so many bytes.
    #[must_use]
    pub fn up_to(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// The document at `address`, asked for with nothing but that.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn read(&self, address: &Url) -> Result<Bytes, DocumentError> {
        self.read_with(address, HeaderMap::new()).await
    }

    /// The document at `address`, asked for with these headers.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn read_with(&self, address: &Url, headers: HeaderMap) -> Result<Bytes, DocumentError> {
        let longest = self.longest;
        let shown = || address[..url::Position::AfterPath].to_owned();
        let unavailable = |problem| DocumentError::Unavailable { address: shown(), problem };
        let client = self.client.get_or_init(|| client(&self.options)).as_ref();
        let client = client.map_err(|problem| unavailable(problem.clone()))?;
        let read = async {
            let accept = HeaderValue::from_static("application/json");
            let request = client.get(address.clone()).headers(headers).header(ACCEPT, accept);
            let mut answer = request.send().await.map_err(|error| unavailable(deepest(&error)))?;
            let status = answer.status();
            if status.is_server_error() || status.as_u16() == 429 {
                return Err(unavailable(format!("HTTP {}", status.as_u16())));
            }
            if status.as_u16() != 200 {
                return Err(DocumentError::Refused { address: shown(), status: status.as_u16() });
            }
            let mut document = BytesMut::new();
            while let Some(chunk) = answer.chunk().await.map_err(|error| unavailable(deepest(&error)))? {
                if document.len() + chunk.len() > longest {
                    return Err(unavailable(format!("more than {longest} bytes")));
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn only_a_whole_document_at_the_very_address_counts() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while stream.read_line(&mut head).unwrap() > 2 {}
                let (status, more, body) = match head.split(' ').nth(1).unwrap() {
                    "/fits" => ("200 OK", "Content-Length: 1048576\r\n", "x".repeat(LONGEST)),
                    "/long" => ("200 OK", "", "x".repeat(LONGEST + 1)),
                    "/short" => ("200 OK", "Content-Length: 9\r\n", "x".to_owned()),
                    "/moved" => ("302 Found", "Location: /fits\r\nContent-Length: 0\r\n", String::new()),
                    "/down" => ("503 Unavailable", "Content-Length: 0\r\n", String::new()),
                    "/busy" => ("429 Too Many Requests", "Content-Length: 0\r\n", String::new()),
                    _ => ("404 Not Found", "Content-Length: 0\r\n", String::new()),
                };
                // Whoever has read enough closes the connection.
                let _ = write!(stream.get_mut(), "HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n{body}");
            }
        });
        let documents = Documents::new(NetworkOptions::default());
        for (path, expected) in [
            ("fits", Ok(LONGEST)),
            ("long", Err(None)),
            ("short", Err(None)),
            ("moved", Err(Some(302))),
            ("down", Err(None)),
            ("busy", Err(None)),
            ("none", Err(Some(404))),
        ] {
            let read = documents.read(&base.join(path).unwrap()).await;
            let got = read.map(|document| document.len()).map_err(|error| match error {
                DocumentError::Refused { status, .. } => Some(status),
                DocumentError::Unavailable { .. } => None,
            });
            assert_eq!(got, expected, "{path}");
        }
    }
}
