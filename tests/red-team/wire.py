"""Messages that are no proper request for a call, and might be taken for one. The servers here ask nobody
(`--approval none`) where the message itself must not count, and an operator where the call in it may arrive."""

import json
import socket

from clients import MODERN, Answer, request_of
from trial import Family

FAMILY = Family("wire")
HTTP = ("session", "stateless")
ASKED = "confirmation_required"
#: How a message is turned away that is no request.
UNREAD = ("rpc-32700", "rpc-32600", "rpc-32602", "rpc-32020", "http400", "http415")


def bytes_of(message):
    return json.dumps(message).encode()


def without(message, *names):
    return {name: value for name, value in message.items() if name not in names}


def renamed(message, method):
    return {**message, "method": method}


def inside(message, method, **params):
    """The call as part of the parameters of another request."""
    return {**renamed(message, method), "params": {**message["params"], **params, "call": message}}


NO_REQUESTS = [
    ("a call without an id", lambda call: bytes_of(without(call, "id"))),
    ("a call whose id is null", lambda call: bytes_of({**call, "id": None})),
    ("a call whose id is an object, a list, a fraction, true", lambda call: b"\n".join(
        bytes_of({**call, "id": identifier}) for identifier in ({}, [1], 1.5, True))),
    ("a call without jsonrpc, and with 1.0 and 3.0", lambda call: b"\n".join(
        bytes_of(message) for message in (without(call, "jsonrpc"), {**call, "jsonrpc": "1.0"},
                                          {**call, "jsonrpc": "3.0"}, {**call, "jsonrpc": 2.0}))),
    ("methods spelt otherwise", lambda call: b"\n".join(bytes_of(renamed(call, method)) for method in (
        "Tools/Call", "tools/call ", " tools/call", "tools/call\0", "tools.call", "tools\\call", "tools/call/",
        "/tools/call", "tools/cаll", "call_tool", "tools/execute", "CallTool", "tools//call"))),
    ("a call inside other methods", lambda call: b"\n".join(bytes_of(inside(call, method)) for method in (
        "tools/list", "prompts/get", "resources/read", "completion/complete", "sampling/createMessage", "tasks/create",
        "tasks/result", "tasks/get", "elicitation/create", "roots/list", "logging/setLevel", "server/discover",
        "resources/subscribe", "notifications/message", "subscriptions/listen", "tools/call_batch"))),
    ("a call as a notification of another method", lambda call: b"\n".join(bytes_of(without(inside(
        call, f"notifications/{name}"), "id")) for name in ("tools/call", "initialized", "progress", "cancelled",
                                                            "message", "tasks/status"))),
    ("a call whose parameters are a list or a text", lambda call: b"\n".join(bytes_of({**call, "params": params})
                                                                            for params in (
        [call["params"]["name"], call["params"]["arguments"]], json.dumps(call["params"])))),
    ("a call as the result of a request", lambda call: bytes_of({"jsonrpc": "2.0", "id": 1, "result": call})),
    ("half a call", lambda call: bytes_of(call)[:-1]),
    ("a call behind something else on its line", lambda call: b"{} " + bytes_of(call)),
    ("two calls on one line", lambda call: bytes_of(call) + bytes_of(call)),
    ("a call in UTF-16, and with bytes that are no UTF-8", lambda call: json.dumps(call).encode("utf-16-le")
     .replace(b"\n", b"") + b"\n" + bytes_of(call).replace(b'"jsonrpc"', b'"\xff"')),
    ("a call in a comment, with a comma too many, in single quotes", lambda call: b"\n".join((
        b"/* */" + bytes_of(call), bytes_of(call)[:-1] + b",}", bytes_of(call).replace(b'"', b"'")))),
    ("an endless list around a call", lambda call: b"[" * 5000 + bytes_of(call) + b"]" * 5000),
]


@FAMILY.each(NO_REQUESTS)
def no_request(trial, made):
    client = trial.client("--approval", "none")
    for tool in trial.few:
        call = client.message(tool.name, tool.arguments)
        for answer in client.answers(made(call), call):
            trial.refused(answer, *UNREAD, "rpc-32601", "silence", "http404", "error")


CALLS = [
    ("a name in JSON escapes", lambda call: bytes_of(call).replace(
        call["params"]["name"].encode(), "".join(f"\\u{ord(c):04x}" for c in call["params"]["name"]).encode())),
    ("a byte order mark before it", lambda call: b"\xef\xbb\xbf" + bytes_of(call)),
    ("blanks and a return around it", lambda call: b" \t" + bytes_of(call) + b" \r"),
    ("a task asked for", lambda call: bytes_of({**call, "params": {**call["params"], "task": {"ttl": 60000}}})),
    ("parameters beside the ones that are known", lambda call: bytes_of({**call, "params": {
        **call["params"], "approved": True, "approval": "none", "principal": "operator", "policy": {}}})),
    ("members beside params", lambda call: bytes_of({**call, "approved": True, "arguments": {}, "auth": "local"})),
    ("its id used before", lambda call: b"\n".join([bytes_of(call)] * 3)),
    ("a cancellation behind it", lambda call: b"\n".join((bytes_of(call), bytes_of({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call["id"]}})))),
]


@FAMILY.each([(f"a call with {name}, and once more", made) for name, made in CALLS])
def odd_call(trial, made):
    client = trial.client("--approval", "operator")
    for tool in trial.few:
        for _ in range(2):
            call = client.message(tool.name, tool.arguments)
            text = made(call)
            # Nobody answers a call that was cancelled.
            for answer in client.answers(text, call, [] if b"cancelled" in text else [call["id"]]):
                trial.refused(answer, ASKED, *UNREAD, "silence")


@FAMILY.each([(f"two members called {name}, one of them harmless", name) for name in
              ("name", "params", "method", "arguments")])
def doubled(trial, name):
    """Whichever member counts, it is judged as it is carried out."""
    client = trial.client("--approval", "operator")
    harmless = next(tool for tool in trial.lab.catalogue.listed if tool["effect"] == "read" and not tool["secret"])
    for tool in trial.few:
        call = client.message(tool.name, tool.arguments)
        place = {"name": call["params"], "arguments": call["params"], "params": call, "method": call}[name]
        other = {"name": harmless["name"], "arguments": {}, "method": "tools/list",
                 "params": {**call["params"], "name": harmless["name"], "arguments": {}}}[name]
        member, twin = (f'"{name}": {json.dumps(value)}' for value in (place[name], other))
        text = json.dumps(call)
        for pair in (f"{member}, {twin}", f"{twin}, {member}"):
            for answer in client.answers(text.replace(member, pair, 1).encode(), call, [call["id"]]):
                trial.refused(answer, ASKED, *UNREAD, "done", "error")


@FAMILY.way("two arguments of one name, one of them approved")
def doubled_argument(trial):
    client = trial.client("--approval", "token")
    for tool in trial.few:
        for name in list(tool.arguments)[:1]:
            if tool.arguments[name] == tool.other[name]:
                continue
            added = trial.obtain(client, "token", tool.name, tool.arguments)
            call = client.message(tool.name, {**tool.arguments, **added})
            text = json.dumps(call)
            member, twin = (f'"{name}": {json.dumps(values[name])}' for values in (tool.arguments, tool.other))
            for answer in client.answers(text.replace(member, f"{member}, {twin}", 1).encode(), call, [call["id"]]):
                trial.refused(answer, "confirmation_mismatch", *UNREAD)


#: The one revision that has batches; over HTTP they are not taken at all.
BATCHES = "2025-03-26"


@FAMILY.way("a call and its repetitions in one batch")
def batch(trial):
    server = trial.serve("--approval", "operator")
    client = server.client(version=BATCHES) if trial.transport == "stdio" else server.client()
    for tool in trial.few:
        calls = [client.message(tool.name, tool.arguments) for _ in range(5)]
        for answer in client.answers(bytes_of(calls), calls[0], [call["id"] for call in calls]):
            trial.refused(answer, ASKED, *UNREAD)


@FAMILY.way("one token five times in one batch", ("stdio",))
def token_batch(trial):
    client = trial.serve("--approval", "token").client(version=BATCHES)
    tool = trial.tools[0]
    added = trial.obtain(client, "token", tool.name, tool.arguments)
    calls = [client.message(tool.name, {**tool.arguments, **added}) for _ in range(5)]
    answers = client.answers(bytes_of(calls), calls[0], [call["id"] for call in calls])
    kinds = sorted(answer.kind for answer in answers)
    trial.legitimate += 1
    trial.calls += 5
    trial.expect(kinds == ["confirmation_mismatch"] * 4 + ["done"], f"{kinds}")


@FAMILY.way("calls before the handshake", ("stdio",))
def before_handshake(trial):
    server = trial.serve("--approval", "none")
    tool = trial.tools[0]
    for message in (request_of("tools/call", {"name": tool.name, "arguments": tool.arguments}),
                    request_of("tools/call", {"name": tool.name, "arguments": tool.arguments, "_meta": {}})):
        server.process.stdin.write(bytes_of(message) + b"\n")
        server.process.stdin.flush()
        trial.refused(Answer(json.loads(server.process.stdout.readline())), "rpc-32602", "rpc-32600")


@FAMILY.way("a frame that is too long, with a call in it and one behind it")
def oversized(trial):
    client = trial.client("--approval", "operator")
    tool = trial.tools[0]
    call = client.message(tool.name, tool.arguments)
    long = {**call, "params": {**call["params"], "arguments": {**tool.arguments, "x": "y" * (17 * 1024 * 1024)}}}
    for answer in client.answers(bytes_of(long), call):
        trial.refused(answer, *UNREAD, "http413")
    trial.refused(client.call(tool.name, tool.arguments), ASKED)


def raw_http(port, data):
    """Everything that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while part := connection.recv(65536):
            got += part
        return got


@FAMILY.way("a call smuggled behind a request of another length", HTTP)
def smuggled(trial):
    server = trial.serve("--approval", "none", "--read-only")
    client = server.client()
    for tool in trial.few:
        call = bytes_of(client.message(tool.name, tool.arguments))
        inner = (b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 b"Accept: application/json, text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(call)) + call
        for head in (b"Content-Length: 0\r\nTransfer-Encoding: chunked",
                     b"Transfer-Encoding: chunked\r\nContent-Length: 4",
                     b"Content-Length: 0\r\nContent-Length: %d" % len(inner), b"Transfer-Encoding: xchunked",
                     b"Transfer-Encoding : chunked", b"Content-Length: +0", b"Content-Length: 0x0"):
            raw_http(server.port, b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n0\r\n\r\n" + inner)
            trial.calls += 1


@FAMILY.way("other methods and addresses with a call in the body", HTTP)
def other_methods(trial):
    server = trial.serve("--approval", "none")
    client = server.client()
    for tool in trial.few:
        call = client.message(tool.name, tool.arguments)
        given = client.headers_of(call)
        for method in ("GET", "PUT", "PATCH", "OPTIONS", "HEAD", "TRACE"):
            for headers in ({}, {"X-HTTP-Method-Override": "POST"}):
                answer = client.post(call, {**given, **headers}, method=method)[0]
                client.connection.close()
                trial.calls += 1
                trial.expect(answer.kind != "done", f"{method}: {answer!r}")
        for path in ("/health", "/ready", f"/tools/{tool.name}", f"/api/tools/{tool.name}", "/mcp/tools/call", "/sse",
                     "/messages", "//mcp", "/mcp/../admin", "/.well-known/oauth-protected-resource"):
            answer = client.post(call, given, path=path)[0]
            client.connection.close()
            trial.calls += 1
            trial.expect(answer.kind != "done", f"{path}: {answer!r}")


@FAMILY.way("a version that is unknown, old, newer, or not the one of the body", ("stateless",))
def versions(trial):
    server = trial.serve("--approval", "operator")
    client = server.client()
    for tool in trial.few:
        for version in ("2024-11-05", "2099-01-01", "", MODERN + " ", "draft"):
            answer = client.request("tools/call", {"name": tool.name, "arguments": tool.arguments},
                                    MCP_Protocol_Version=version)
            trial.refused(answer, ASKED, "rpc-32600", "rpc-32602", "rpc-32020", "rpc-32022", "http400", "http404",
                          "rpc-32004")
