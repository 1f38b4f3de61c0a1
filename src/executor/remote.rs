//! A way to any remote MCP server, for those who carry its messages on.

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig, StreamableHttpError,
};
use url::Url;

use super::send::{NetworkOptions, client, deepest, origin};
use super::wire::{End, Wire, WireError};

/// A line to a remote server, as rmcp has it.
pub(crate) type RemoteLine = StreamableHttpClientTransport<Wire>;

/// A remote MCP server behind Streamable HTTP.
#[derive(Debug)]
pub struct RemoteServer {
    /// How the network is reached.
    pub network: NetworkOptions,
    /// Where the server is.
    pub address: Url,
    /// The value of the header `Authorization`.
    pub authorization: Option<HeaderValue>,
}

impl RemoteServer {
    /// Opens a line. Nothing is sent yet.
    pub(crate) fn open(&self) -> Result<RemoteLine, String> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("infra-mcp/", env!("CARGO_PKG_VERSION"))));
        headers.extend(self.authorization.clone().map(|authorization| (AUTHORIZATION, authorization)));
        let wire = Wire { end: End::Network(client(&self.network)?), headers };
        Ok(line(wire, &self.address))
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        origin(&self.address)
    }

    /// Why a message was not delivered, in words, without what it holds.
    pub(crate) fn problem(error: &StreamableHttpError<WireError>) -> String {
        match error {
            StreamableHttpError::Client(WireError::Connection(error)) => {
                format!("{}. Check the address and the network.", deepest(error))
            }
            StreamableHttpError::Client(WireError::Status(status, ..)) if status.as_u16() == 401 => {
                "HTTP 401, it does not accept the token. Name a variable with a valid one by --token-env.".to_owned()
            }
            StreamableHttpError::Client(WireError::Status(status, ..)) => format!("HTTP {}.", status.as_u16()),
            StreamableHttpError::Client(WireError::TooLarge) => "its answer is too large.".to_owned(),
            StreamableHttpError::Client(WireError::Unreadable(_)) => {
                "what it answers is no MCP. Check the path of the address, which is usually /mcp.".to_owned()
            }
            _ => "the connection broke.".to_owned(),
        }
    }
}

/// rmcp's transport over this wire.
pub(super) fn line(wire: Wire, address: &Url) -> RemoteLine {
    StreamableHttpClientTransport::with_client(wire, StreamableHttpClientTransportConfig::with_uri(address.as_str()))
}
