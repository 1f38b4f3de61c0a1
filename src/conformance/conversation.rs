//! Questions to the client in the middle of a request: elicitation, sampling and roots.
//!
//! A 2026-07-28 client gets them as an input-required result and repeats its request with the answers; to a client of
//! an earlier revision they are sent as requests of the server.

use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::model::{
    ClientCapabilities, ElicitationCapability, InputRequest, InputRequests, InputRequiredResult, InputResponses,
    JsonObject, ProtocolVersion, RequestStateCodec, RootsCapabilities, SamplingCapability, SealOptions, ServerRequest,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::from_json;
use super::questions::Question;

/// How long a client may take to answer a round.
const PATIENCE: Duration = Duration::from_secs(600);

/// Seals the state of a conversation. There is nothing to win by forging that of a fixture, so the key may be known.
const KEY: &[u8; 32] = b"the state of conformance fixture";

/// What the client is asked before a result is made.
pub(super) struct Conversation {
    /// The rounds, each of which is asked at once.
    pub(super) rounds: &'static [&'static [Question]],
    /// Whether the state goes to the client and back, sealed. Without, there is one round.
    pub(super) sealed: bool,
}

/// The answers of all rounds, by the keys of their questions.
pub(super) type Answers = BTreeMap<String, Value>;

/// A request in which a conversation goes on.
pub(super) struct Turn<'a> {
    /// What is asked for; a state holds for this alone.
    pub(super) subject: &'a str,
    pub(super) arguments: &'a JsonObject,
    pub(super) responses: Option<InputResponses>,
    pub(super) state: Option<String>,
    pub(super) context: &'a RequestContext<RoleServer>,
}

/// How far a turn brings a conversation.
pub(super) enum Progress {
    /// The client has to answer first.
    Asked(InputRequiredResult),
    /// Everything is answered.
    Answered(Answers),
}

/// What travels with the client.
#[derive(Default, Serialize, Deserialize)]
struct State {
    round: usize,
    answers: Answers,
}

impl Conversation {
    /// Takes in the answers of a turn and asks what is still open.
    ///
    /// # Errors
    /// If the state is not ours, or the client has declared none of the capabilities that the questions need.
    pub(super) async fn go_on(&self, turn: Turn<'_>) -> Result<Progress, ErrorData> {
        let codec = RequestStateCodec::try_new(KEY.to_vec()).map_err(|error| internal(&error))?;
        let mut state = match &turn.state {
            Some(sealed) if self.sealed => codec.open_json_with(sealed, turn.subject.as_bytes()).map_err(|error| {
                ErrorData::invalid_params(format!("`requestState` is not what this server gave out: {error}."), None)
            })?,
            _ => State::default(),
        };
        // Answers without the state that asked for them are answers to nothing.
        let mut responses = turn.responses.unwrap_or_default();
        if self.sealed && turn.state.is_none() {
            responses.clear();
        }
        while let Some(round) = self.rounds.get(state.round) {
            let open = self.open(round, turn.arguments, turn.context)?;
            if !is_stateless(turn.context) {
                for (key, request) in open {
                    state.answers.insert(key, ask(request, turn.context).await?);
                }
            } else if open.keys().all(|key| responses.get(key).is_some_and(Value::is_object)) {
                state.answers.extend(open.into_keys().filter_map(|key| responses.remove_entry(&key)));
            } else {
                let options = SealOptions::new().associated_data(turn.subject.as_bytes()).ttl(PATIENCE);
                let sealed = codec.seal_json_with(&state, &options).map_err(|error| internal(&error))?;
                return Ok(Progress::Asked(InputRequiredResult::new(Some(open), self.sealed.then_some(sealed))));
            }
            state.round += 1;
        }
        Ok(Progress::Answered(state.answers))
    }

    /// The questions of a round that this client can be asked.
    fn open(
        &self,
        round: &[Question],
        arguments: &JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Result<InputRequests, ErrorData> {
        let declared = context.client_capabilities().unwrap_or_default();
        let mut lacking = ClientCapabilities::default();
        let mut open = InputRequests::new();
        for question in round {
            let request: InputRequest = from_json((question.ask)(arguments))?;
            if is_declared(&request, &declared, &mut lacking) {
                open.insert(question.key.to_owned(), request);
            }
        }
        if open.is_empty() {
            return Err(ErrorData::missing_required_client_capability(lacking));
        }
        Ok(open)
    }
}

/// Whether the client takes such requests; if not, the capability is added to `lacking`.
fn is_declared(request: &InputRequest, declared: &ClientCapabilities, lacking: &mut ClientCapabilities) -> bool {
    match request {
        InputRequest::Elicitation(_) => {
            lacking.elicitation = Some(ElicitationCapability::default());
            declared.elicitation.is_some()
        }
        InputRequest::CreateMessage(_) => {
            lacking.sampling = Some(SamplingCapability::default());
            declared.sampling.is_some()
        }
        InputRequest::ListRoots(_) => {
            lacking.roots = Some(RootsCapabilities::default());
            declared.roots.is_some()
        }
        _ => false,
    }
}

/// Asks a client of a revision before 2026-07-28.
async fn ask(request: InputRequest, context: &RequestContext<RoleServer>) -> Result<Value, ErrorData> {
    let request = match request {
        InputRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
        InputRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
        InputRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
        _ => return Err(ErrorData::internal_error("There is no such request in this revision.", None)),
    };
    let answer = context.peer.send_request(request).await.map_err(|error| internal(&error))?;
    serde_json::to_value(answer).map_err(|error| internal(&error))
}

fn internal(error: &dyn std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}
