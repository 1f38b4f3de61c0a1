"""Clients of the three transports, which send what they are told, right or wrong."""

import base64
import http.client
import itertools
import json
import re
import threading
import urllib.parse

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
META = "io.modelcontextprotocol/"
TRANSPORTS = ("stdio", "session", "stateless", "rest")

CODES = ("unauthenticated", "forbidden_scope", "confirmation_required", "confirmation_mismatch", "protected_resource",
         "rate_limited", "kill_switch", "read_only", "blocked_by_policy", "operation_in_progress")


class Answer:
    """What came back.

    `kind` is `done`, `question` (an input-required result, whose request state is then `question`), the stable code of
    a refusal, `error` for another failed result, `rpc-32602` and the like for a JSON-RPC error, `http401` and the like
    for a bare status, or `silence`.
    """

    def __init__(self, message=None, status=200):
        self.message, self.status, self.text, self.question = message, status, "", None
        if isinstance(message, dict) and "result" in message:
            result = message["result"]
            blocks = result.get("content") or [{}]
            self.text = blocks[0].get("text", "")
            word = self.text.split(":")[0]
            failed = result.get("isError") or "content" not in result
            self.question = result.get("requestState")
            self.kind = "question" if self.question else (word if word in CODES else "error") if failed else "done"
        elif isinstance(message, dict) and isinstance(message.get("error"), dict):
            self.text = str(message["error"].get("message"))
            code = (message["error"].get("data") or {}).get("code")
            self.kind = code if code in CODES else f"rpc{message['error'].get('code')}"
        else:
            self.kind = f"http{status}" if status >= 400 else "silence"

    @classmethod
    def to_script(cls, document, status):
        """An answer of the door for scripts."""
        answer = cls(None, status)
        if not isinstance(document, dict):
            return answer
        answer.message = document
        answer.text = str(document.get("error", document.get("result")))
        code = document.get("code")
        kinds = {"unknown_tool": "rpc-32602", "not_found": "rpc-32602"}
        answer.kind = "done" if status == 200 else code if code in CODES else kinds.get(code, "error")
        return answer

    def __repr__(self):
        return f"{self.kind}: {self.text[:160]}"

    @property
    def approval(self):
        """The id that a person would approve."""
        found = re.search(r"approve ([0-9A-Z]{8})`", self.text)
        return found and found[1]

    @property
    def token(self):
        found = re.search(r'`confirm_token`: "([^"]*)"', self.text)
        return found and found[1]

    @property
    def phrase(self):
        found = re.search(r'`confirmation`: "([^"]*)"', self.text)
        return found and found[1]


class Client:
    """What all clients can do. `ids` are shared, so that no two requests of a process have the same one."""

    ids = itertools.count(1)

    def call(self, name, arguments, **more):
        """Calls a tool; `more` are members of `params` beside name and arguments."""
        return self.request("tools/call", {"name": name, "arguments": arguments, **more})

    def message(self, name, arguments):
        """The message of a call, as this client would send it."""
        return request_of("tools/call", {"name": name, "arguments": arguments})


def request_of(method, params):
    return {"jsonrpc": "2.0", "id": next(Client.ids), "method": method, "params": params}


def hello(name, capabilities, version=LEGACY):
    return {"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": name, "version": "1"}}


class Stdio(Client):
    """Speaks to a process over its standard input and output."""

    def __init__(self, process, name="red team", capabilities=None, version=LEGACY):
        self.process = process
        self.lock = threading.Lock()
        self.request("initialize", hello(name, capabilities or {}, version))
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def write(self, message):
        """Writes a message, or bytes as they are."""
        if not isinstance(message, bytes):
            message = json.dumps(message).encode() + b"\n"
        self.process.stdin.write(message)
        self.process.stdin.flush()

    def read(self):
        """The next line."""
        return json.loads(self.process.stdout.readline())

    def request(self, method, params):
        with self.lock:
            message = request_of(method, params)
            self.write(message)
            return self.answer_to(message["id"])

    def asked(self, call, *replies):
        """Makes a call about which its person is asked: the question, and what comes of the call after these replies.
        `replies` get the id of the question."""
        with self.lock:
            self.write(call)
            question = self.read()
            for reply in replies:
                self.write(reply(question.get("id")))
            return question, self.answer_to(call["id"])

    def answer_to(self, identifier):
        while True:
            message = self.read()
            if isinstance(message, dict) and message.get("id") == identifier:
                return Answer(message)

    def answers(self, text, _call=None, awaited=()):
        """What is answered to these bytes up to a ping behind them, and to the requests whose answers take longer."""
        with self.lock:
            ping = request_of("ping", {})
            self.write(text if text.endswith(b"\n") else text + b"\n")
            self.write(ping)
            answers, due = [], {ping["id"], *awaited}
            while due:
                message = self.read()
                for part in message if isinstance(message, list) else [message]:
                    due.discard(part.get("id"))
                    if part.get("id") != ping["id"]:
                        answers.append(Answer(part))
            return answers


class Http(Client):
    """What both clients over HTTP do."""

    def __init__(self, port, token=None):
        self.port, self.token = port, token
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def headers(self):
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        return {**headers, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}

    def post(self, body, headers, path="/mcp", method="POST"):
        """Sends a body and gives status, headers and answer."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            # A stream that is opened by GET has no end.
            text = response.read() if method != "GET" else b""
        except (http.client.HTTPException, OSError):
            # The server said no and closed the connection in the middle of what was sent.
            self.connection.close()
            return Answer(None, 400), {}
        return Answer(message_in(text), response.status), dict(response.getheaders())

    def answers(self, text, call=None, awaited=()):
        """What is answered to these bytes, sent with the headers that belong to `call`."""
        del awaited  # over HTTP what comes back is all there will be
        return [self.post(text, self.headers_of(call or {"method": "tools/call", "params": {}}))[0]]


def message_in(text):
    """The JSON-RPC message in a body of either form."""
    text = text.decode()
    events = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    for candidate in [*reversed(events), text]:
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    return None


class Session(Http):
    """Speaks a revision with sessions."""

    def __init__(self, port, token=None, name="red team", capabilities=None):
        super().__init__(port, token)
        self.session = None
        opened = request_of("initialize", hello(name, capabilities or {}))
        self.opened, headers = self.post(opened, self.headers())
        self.session = {key.lower(): value for key, value in headers.items()}.get("mcp-session-id")
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, self.headers())

    def headers(self):
        headers = {**super().headers(), "MCP-Protocol-Version": LEGACY}
        return {**headers, **({"Mcp-Session-Id": self.session} if self.session else {})}

    def headers_of(self, _message):
        return self.headers()

    def asked(self, call, *replies):
        """See `Stdio.asked`; the question comes with the answer to the call, and its replies go beside it."""
        waiting = http.client.HTTPConnection("127.0.0.1", self.port)
        waiting.request("POST", "/mcp", json.dumps(call).encode(), self.headers())
        question = {}
        for line in waiting.getresponse():
            if not line.startswith(b"data:") or not line[5:].strip():
                continue
            message = json.loads(line[5:])
            if message.get("method"):
                question = message
                for reply in replies:
                    self.post(reply(question.get("id")), self.headers())
            elif message.get("id") == call["id"]:
                waiting.close()
                return question, Answer(message)
        return question, Answer()

    def request(self, method, params, path="/mcp", **headers):
        return self.post(request_of(method, params), {**self.headers(), **dashed(headers)}, path)[0]


class Stateless(Http):
    """Speaks 2026-07-28."""

    def __init__(self, port, token=None, name="red team", capabilities=None):
        super().__init__(port, token)
        self.name, self.capabilities = name, capabilities or {}

    def meta(self):
        return {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": self.capabilities,
                f"{META}clientInfo": {"name": self.name, "version": "1"}}

    def message(self, name, arguments):
        return request_of("tools/call", {"name": name, "arguments": arguments, "_meta": self.meta()})

    def headers_of(self, message):
        headers = {**self.headers(), "MCP-Protocol-Version": MODERN, "Mcp-Method": message["method"]}
        name = message["params"].get("name")
        return {**headers, **({"Mcp-Name": header_text(name)} if isinstance(name, str) else {})}

    def request(self, method, params, path="/mcp", **headers):
        params = {**params, "_meta": {**self.meta(), **params.get("_meta", {})}}
        message = request_of(method, params)
        return self.post(message, {**self.headers_of(message), **dashed(headers)}, path)[0]


class Rest(Http):
    """Calls tools by plain HTTP requests, as scripts do."""

    def __init__(self, port, token=None, name="red team"):
        super().__init__(port, token)
        self.name = name

    def call(self, name, arguments, **more):
        """`more` are members of the body beside the arguments."""
        return self.request(name, {**arguments, **more})

    def request(self, name, arguments, **headers):
        address = f"/tools/{urllib.parse.quote(name, safe='')}"
        body = json.dumps(arguments).encode()
        try:
            self.connection.request("POST", address, body, {**self.headers(), **dashed(headers)})
            response = self.connection.getresponse()
            text = response.read()
        except (http.client.HTTPException, OSError):
            self.connection.close()
            return Answer(None, 400)
        return Answer.to_script(message_in(text), response.status)


def dashed(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


def header_text(text):
    """The text as a header may carry it (2026-07-28: base64 for what is not plain)."""
    if text and text == text.strip() and all(" " <= character <= "~" for character in text):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode()}?="
