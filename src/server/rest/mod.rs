//! Tools for scripts that speak no MCP: JSON over plain HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `GET /tools` | the tools that the caller sees, as MCP lists them |
//! | `POST /tools/NAME` | calls one, with a JSON object of arguments |
//! | `GET /openapi.json` | a description of all this, for this caller |
//!
//! and the addresses that providers give their tools (`[[rest]]` in `provider.toml`). A call takes the way of every
//! other one: the same arguments, policy, approval, limits and audit.

mod arguments;
mod document;
mod outcome;
mod routes;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::listing::Form;
use super::{Server, UnknownTool};
use crate::call::Caller;
use crate::error::CallError;
use crate::executor::Reply;
use crate::principal::Principal;
use routes::{Found, Routes};

/// Where the tools are.
const TOOLS: &str = "/tools";

/// Marks an answer to a caller whose token lacks this scope.
#[derive(Debug, Clone, Copy)]
pub struct Lacking(pub &'static str);

/// The scripts' way to the tools of a [`Server`].
#[derive(Debug)]
pub struct Rest {
    server: Arc<Server>,
    routes: Routes,
}

impl Rest {
    /// Opens the way to what `server` serves.
    #[must_use]
    pub fn new(server: Arc<Server>) -> Self {
        let routes = Routes::new(&server.catalogue);
        Self { server, routes }
    }

    /// Answers one request, whose caller is known and whose body is read. Whatever goes wrong is part of the answer.
    pub async fn answer(&self, method: &Method, uri: &Uri, body: &[u8], caller: Caller) -> Response<Vec<u8>> {
        let path = uri.path();
        if let Some(name) = path.strip_prefix(TOOLS).and_then(|rest| rest.strip_prefix('/')) {
            if method != Method::POST {
                return not_allowed("POST");
            }
            return match arguments::of_body(body) {
                Ok(_) if uri.query().is_some() => invalid("The arguments go into the body, as a JSON object."),
                Ok(arguments) => self.call(name, arguments, caller).await,
                Err(problem) => invalid(&problem),
            };
        }
        match (path, method) {
            (TOOLS, &Method::GET) => self.tools(caller.principal),
            ("/openapi.json", &Method::GET) => self.document(&caller.principal),
            (TOOLS | "/openapi.json", _) => not_allowed("GET"),
            _ => match self.routes.find(method, path) {
                Found::Route(route, values) => match arguments::of_route(route, values, uri.query(), body) {
                    Ok(arguments) => told(self.server.attempt_tool(route.entry, arguments, caller).await, self.limit()),
                    Err(problem) => invalid(&problem),
                },
                Found::OtherMethods(methods) => not_allowed(&methods.join(", ")),
                Found::Nothing => {
                    let error = "There is nothing here. GET /tools lists the tools, GET /openapi.json describes every \
                                 address, and the MCP endpoint is /mcp.";
                    respond(StatusCode::NOT_FOUND, &json!({ "error": error, "code": "not_found" }))
                }
            },
        }
    }

    async fn call(&self, name: &str, arguments: Map<String, Value>, caller: Caller) -> Response<Vec<u8>> {
        told(self.server.attempt(name, arguments, caller).await, self.limit())
    }

    fn limit(&self) -> usize {
        self.server.result_limit
    }

    fn tools(&self, principal: Arc<Principal>) -> Response<Vec<u8>> {
        let mut text = br#"{"tools":["#.to_vec();
        self.server.listing(principal).pieces(Form::Titled).for_each(|piece| text.extend_from_slice(piece.as_bytes()));
        text.extend_from_slice(b"]}");
        json_text(StatusCode::OK, text)
    }

    fn document(&self, principal: &Arc<Principal>) -> Response<Vec<u8>> {
        let listing = self.server.listing(Arc::clone(principal));
        match listing.to_value(Form::Titled) {
            Ok(tools) => {
                let nobody_is_asked = principal.id() == self.server.local.id();
                respond(
                    StatusCode::OK,
                    &document::document(&tools, &self.routes, |entry| listing.alone(entry), !nobody_is_asked),
                )
            }
            Err(error) => {
                tracing::error!(target: "infra_mcp", %error, "the list of tools is no JSON");
                let said = json!({ "error": "The description could not be made.", "code": "internal" });
                respond(StatusCode::INTERNAL_SERVER_ERROR, &said)
            }
        }
    }
}

/// The answer to a call.
fn told(outcome: Result<Result<Reply, CallError>, UnknownTool>, limit: usize) -> Response<Vec<u8>> {
    match outcome {
        Ok(Ok(reply)) => outcome::done(reply, limit),
        Ok(Err(error)) => outcome::failed(&error),
        Err(unknown) => {
            respond(StatusCode::NOT_FOUND, &json!({ "error": unknown.to_string(), "code": "unknown_tool" }))
        }
    }
}

fn invalid(problem: &str) -> Response<Vec<u8>> {
    respond(StatusCode::BAD_REQUEST, &json!({ "error": problem, "code": "invalid_arguments" }))
}

fn not_allowed(methods: &str) -> Response<Vec<u8>> {
    let said = json!({ "error": format!("This takes {methods}."), "code": "method_not_allowed" });
    let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, &said);
    if let Ok(methods) = HeaderValue::try_from(methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

fn respond(status: StatusCode, document: &Value) -> Response<Vec<u8>> {
    json_text(status, document.to_string().into_bytes())
}

fn json_text(status: StatusCode, text: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
