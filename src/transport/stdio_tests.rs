use rmcp::ServerHandler;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData};
use rmcp::service::RequestContext;
use serde_json::json;
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines as Answers, ReadHalf, WriteHalf, split,
};
use tokio::task::JoinHandle;

use super::*;
use crate::catalogue::{Catalogue, Selection};
use crate::generated::PROVIDERS;
use crate::policy::{Gate, Policy, Way};
use crate::principal::Principal;

/// Answers every call with its name; one of the tool `wait` only when it is cancelled.
#[derive(Clone)]
struct Echo;

impl ServerHandler for Echo {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "wait" {
            context.ct.cancelled().await;
        }
        let text = ContentBlock::text(request.name.into_owned());
        Ok(CallToolResponse::from(CallToolResult::success(vec![text])))
    }
}

impl Served for Echo {
    fn listing(&self, principal: &Arc<Principal>) -> Option<Listing> {
        let catalogue = Catalogue::select(PROVIDERS, &Selection::default()).unwrap();
        let exposure = crate::exposure::Exposure::new(Arc::new(catalogue), None);
        let gate = Gate::new(Policy::default(), Way::None, Arc::default());
        Some(Listing::new(Arc::new(exposure), Arc::new(gate), Arc::clone(principal)))
    }
}

struct Client {
    input: WriteHalf<DuplexStream>,
    answers: Answers<BufReader<ReadHalf<DuplexStream>>>,
    closing: CancellationToken,
    server: JoinHandle<()>,
}

impl Client {
    fn start(grace: Duration) -> Self {
        let (near, far) = tokio::io::duplex(1024);
        let (reader, writer) = split(far);
        let (answers, input) = split(near);
        let closing = CancellationToken::new();
        let session = Session { closing: closing.clone(), grace };
        let server = tokio::spawn(serve_stdio(Echo, reader, writer, session));
        Self { input, answers: BufReader::new(answers).lines(), closing, server }
    }

    async fn initialized(version: &str) -> Self {
        let mut client = Self::start(Duration::from_secs(3600));
        let answer = client.ask(&initialize(version)).await;
        assert_eq!(answer["result"]["protocolVersion"], version);
        client
    }

    async fn say(&mut self, line: &str) {
        self.input.write_all(line.as_bytes()).await.unwrap();
        self.input.write_all(b"\n").await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.answers.next_line().await.unwrap().expect("an answer")).unwrap()
    }

    async fn ask(&mut self, line: &str) -> Value {
        self.say(line).await;
        self.hear().await
    }

    /// Ends the input; what still comes.
    async fn end(mut self) -> Vec<Value> {
        self.input.shutdown().await.unwrap();
        let mut rest = Vec::new();
        while let Some(line) = self.answers.next_line().await.unwrap() {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        self.server.await.unwrap();
        rest
    }
}

fn initialize(version: &str) -> String {
    let client = json!({"name": "test", "version": "1"});
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": version, "capabilities": {}, "clientInfo": client}})
    .to_string()
}

fn call(id: impl Into<Value>, tool: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": "tools/call", "params": {"name": tool}}).to_string()
}

fn stateless(id: i64, method: &str) -> String {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"name": "a", "_meta": meta}}).to_string()
}

fn code(answer: &Value) -> (&Value, i64) {
    (&answer["id"], answer["error"]["code"].as_i64().unwrap_or_default())
}

#[tokio::test]
async fn bad_lines_are_answered_and_survived() {
    let mut client = Client::initialized("2025-11-25").await;
    for (line, id, expected) in [
        ("{", Value::Null, -32700),
        ("[]", Value::Null, -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Value::Null, -32600),
        (r#"{"jsonrpc":"2.0","id":9}"#, json!(9), -32600),
    ] {
        assert_eq!(code(&client.ask(line).await), (&id, expected), "{line}");
    }
    client.say("").await;
    client.say(r#"{"jsonrpc":"2.0","id":5,"result":{}}"#).await;
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/unheard-of"}"#).await;
    client.say(&"x".repeat(LONGEST_LINE + 1)).await;
    assert_eq!(code(&client.hear().await), (&Value::Null, -32600));
    assert_eq!(client.ask(&format!("\u{feff}{}\r", call("é", "a"))).await["id"], "é");
    assert!(client.end().await.is_empty());
}

#[tokio::test]
async fn without_initialize_requests_must_describe_themselves() {
    let mut client = Client::start(Duration::from_secs(3600));
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    assert_eq!(code(&client.ask(&call(1, "a")).await), (&json!(1), -32602));
    assert!(client.ask(r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#).await["result"].is_object());
    assert!(client.ask(&stateless(3, "server/discover")).await["result"]["supportedVersions"].is_array());
    assert_eq!(client.ask(&stateless(4, "tools/call")).await["result"]["resultType"], "complete");
    assert_eq!(code(&client.ask(&call(5, "a")).await), (&json!(5), -32602));
    let answer = client.ask(&initialize("2025-06-18")).await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-06-18", "the older era may follow on the same pipe");
    assert!(client.ask(&call(6, "a")).await["result"].get("resultType").is_none());
    assert_eq!(client.ask(&stateless(7, "tools/call")).await["result"]["resultType"], "complete");
    client.end().await;
}

#[tokio::test]
async fn an_id_may_be_used_again_only_after_its_answer() {
    let mut client = Client::initialized("2025-11-25").await;
    client.say(&call("x", "wait")).await;
    assert_eq!(code(&client.ask(&call("x", "a")).await), (&json!("x"), -32600));
    assert_eq!(client.ask(&call(1, "a")).await["id"], 1);
    assert_eq!(client.ask(&call(1, "a")).await["id"], 1);
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}"#).await;
    assert!(client.end().await.is_empty(), "a cancelled call is not answered and holds nothing up");
}

#[tokio::test]
async fn a_batch_is_answered_as_a_whole_in_the_one_revision_that_has_it() {
    let mut client = Client::initialized("2025-03-26").await;
    let batch = format!(
        r#"[{},{},5,{{"jsonrpc":"2.0","method":"notifications/initialized"}},{},{}]"#,
        call(1, "wait"),
        call(2, "b"),
        call(2, "again"),
        initialize("2025-03-26").replace("\"id\":0", "\"id\":7"),
    );
    client.say(&batch).await;
    assert_eq!(client.ask(&call(3, "c")).await["id"], 3, "others go on meanwhile");
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    let answers = client.hear().await;
    let mut seen: Vec<(Value, i64)> =
        answers.as_array().unwrap().iter().map(code).map(|(id, code)| (id.clone(), code)).collect();
    seen.sort_by_key(|(id, code)| (id.to_string(), *code));
    assert_eq!(seen, [(json!(2), -32600), (json!(2), 0), (json!(7), -32600), (Value::Null, -32600)]);
    client.say(r#"[{"jsonrpc":"2.0","method":"notifications/initialized"}]"#).await;
    assert!(client.end().await.is_empty());
}

#[tokio::test]
async fn a_batch_is_refused_in_all_other_revisions() {
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#;
    let mut clients = vec![Client::start(Duration::ZERO)];
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        clients.push(Client::initialized(version).await);
    }
    for mut client in clients {
        let refused = client.ask(batch).await;
        assert_eq!(code(&refused), (&Value::Null, -32600), "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().contains("2025-03-26"), "{refused}");
        assert!(client.end().await.is_empty());
    }
}

#[tokio::test]
async fn more_calls_than_may_run_at_once_wait_and_are_answered() {
    let mut client = Client::initialized("2025-03-26").await;
    let many = super::super::calls::MOST_CALLS + 200;
    let members: Vec<String> = (1..=many).map(|id| call(id, "a")).collect();
    client.say(&format!("[{}]", members.join(","))).await;
    assert_eq!(client.hear().await.as_array().unwrap().len(), many);
    client.end().await;
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_get_their_grace_at_the_end() {
    for (grace, by_signal) in [(0, false), (10, false), (10, true)] {
        let mut client = Client::start(Duration::from_secs(grace));
        client.ask(&initialize("2025-11-25")).await;
        client.say(&call(1, "wait")).await;
        client.ask(r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#).await;
        let begun = tokio::time::Instant::now();
        if by_signal {
            client.closing.cancel();
            client.server.await.unwrap();
        } else {
            assert!(client.end().await.is_empty());
        }
        assert_eq!(begun.elapsed().as_secs(), grace);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_the_end_is_answered() {
    let mut client = Client::start(Duration::from_secs(10));
    for line in [initialize("2025-11-25"), call(1, "a"), call(2, "b")] {
        client.say(&line).await;
    }
    let begun = tokio::time::Instant::now();
    let ids: Vec<Value> = client.end().await.into_iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [0, 1, 2]);
    assert_eq!(begun.elapsed().as_secs(), 0);
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_connection() {
    let mut client = Client::initialized("2025-11-25").await;
    client.say(&call(1, "wait")).await;
    client.say(&call(2, "a")).await;
    let Client { input, answers, server, .. } = client;
    drop((input, answers));
    server.await.unwrap();
}
