//! The suite speaks HTTP alone. Here the fixtures are asked over standard input and output too, and have to answer the
//! same.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, duplex, split};
use tokio::net::TcpStream;

use super::*;
use crate::transport::{Session, serve_stdio};

const TASKS: &str = "io.modelcontextprotocol/tasks";

/// Requests of 2026-07-28 with what their answers have to hold: a pointer into the answer, and the value there.
fn requests() -> Vec<(&'static str, Value, &'static str, Value)> {
    let call = |name: &str| json!({ "name": name });
    let answered = |name: &str, answers: Value| json!({ "name": name, "inputResponses": answers });
    let accepted = |content: Value| json!({ "action": "accept", "content": content });
    let form = "/result/inputRequests/user_name/method";
    vec![
        ("server/discover", json!({}), "/result/capabilities/resources/subscribe", json!(true)),
        ("tools/list", json!({}), "/result/tools/0/name", json!("test_simple_text")),
        ("tools/call", call("test_image_content"), "/result/content/0/data", json!(PIXEL)),
        ("tools/call", call("test_error_handling"), "/result/isError", json!(true)),
        ("tools/call", call("no_such_tool"), "/error/code", json!(-32602)),
        ("tools/call", call("test_input_required_result_elicitation"), form, json!("elicitation/create")),
        (
            "tools/call",
            answered("test_streaming_elicitation", json!({ "user_name": accepted(json!({ "name": "Ada" })) })),
            "/result/content/0/text",
            json!("Hello, Ada!"),
        ),
        (
            "tools/call",
            json!({ "name": "test_input_required_result_tampered_state", "requestState": "forged" }),
            "/error/code",
            json!(-32602),
        ),
        ("tools/call", call("test_missing_capability"), "/error/data/requiredCapabilities/sampling", json!({})),
        ("tools/call", call("failing_job"), "/error/code", json!(-32021)),
        ("tasks/get", json!({ "taskId": "x" }), "/error/data/requiredCapabilities/extensions", json!({ TASKS: {} })),
        (
            "resources/read",
            json!({ "uri": "test://template/7/data" }),
            "/result/contents/0/mimeType",
            json!("application/json"),
        ),
        ("resources/read", json!({ "uri": "test://nothing" }), "/error/data/uri", json!("test://nothing")),
        ("prompts/get", call("test_prompt_with_image"), "/result/messages/0/content/type", json!("image")),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "x" }, "argument": { "name": "arg1", "value": "par" } }),
            "/result/completion/values",
            json!(["paris", "park"]),
        ),
        ("initialize", json!({}), "/error/code", json!(-32601)),
    ]
}

fn message(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

async fn post(address: SocketAddr, message: &Value) -> Value {
    let (method, params) = (message["method"].as_str().unwrap(), &message["params"]);
    let name = ["name", "uri", "taskId"].iter().find_map(|key| params[*key].as_str());
    let name = name.map(|name| format!("Mcp-Name: {name}\r\n")).unwrap_or_default();
    let body = message.to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n\
         {name}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {answer}"))
}

#[tokio::test]
async fn both_transports_give_the_same_answers() {
    let (told, listening) = tokio::sync::oneshot::channel();
    let server = tokio::spawn(serve(0, |address| told.send(address).unwrap()));
    let address = listening.await.unwrap();

    let (near, far) = duplex(64 * 1024);
    let (reader, writer) = split(far);
    let (output, mut input) = split(near);
    let session = Session { closing: CancellationToken::new(), grace: Duration::ZERO };
    let pipe = tokio::spawn(serve_stdio(Fixtures::new(), reader, writer, session));
    let mut lines = BufReader::new(output).lines();

    for (method, params, pointer, expected) in requests() {
        let message = message(method, params);
        let over_http = post(address, &message).await;
        assert_eq!(over_http.pointer(pointer), Some(&expected), "{message}: {over_http}");
        input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
        let line = lines.next_line().await.unwrap().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), over_http, "{message}");
    }
    server.abort();
    pipe.abort();
}
