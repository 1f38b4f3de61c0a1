//! What a transport needs of what it serves.

use std::sync::Arc;

use rmcp::ServerHandler;
use rmcp::model::{CallToolRequestParams, ClientRequest};

use super::listing::Listing;
use super::rest::Rest;
use crate::audit::Stranger;
use crate::call::Caller;
use crate::principal::Principal;

/// What a transport asks of a server besides the answers of its [`ServerHandler`]. Whoever lists its own tools, lets
/// everybody call them and is always ready has nothing to add.
pub trait Served: ServerHandler + Clone {
    /// The finished list that goes into an answer which [`listing::mark`](super::listing::mark) made for `principal`.
    fn listing(&self, _principal: &Arc<Principal>) -> Option<Listing> {
        None
    }

    /// Who calls over a transport that asks nobody for a name.
    fn local(&self) -> Arc<Principal> {
        Arc::new(Principal::local())
    }

    /// Whether its answer is all that is said to the client of this request of 2026-07-28 (where a question is an
    /// answer): no progress before it.
    fn only_answers(&self, _request: &ClientRequest) -> bool {
        false
    }

    /// The scope that keeps the caller from making a call of something which they may otherwise see. Such a call is
    /// over, and leaves its trace.
    fn lacking_scope(&self, _caller: Caller, _call: &CallToolRequestParams) -> Option<&'static str> {
        None
    }

    /// Notes that somebody was turned away before it was known what they call.
    fn turned_away(&self, _stranger: Stranger) {}

    /// What answers plain HTTP requests besides MCP, where that was asked for.
    fn rest(&self) -> Option<&Rest> {
        None
    }

    /// What is unsafe for as long as it runs, in sentences.
    fn unsafe_ways(&self) -> &[String] {
        &[]
    }

    /// What calls would fail for, in sentences.
    fn missing(&self) -> Vec<String> {
        Vec::new()
    }
}
