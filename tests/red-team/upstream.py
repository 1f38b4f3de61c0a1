"""The provider: an HTTP server that writes down every request. What reached it is the proof that a way was open."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


#: Where below its address the API of a provider begins.
BASE_PATHS = ("/rest/v0", "/api/v4")

#: Where the MCP server of a provider is.
RELAY = "/mcp"

#: How the names of tools there begin that only read, and what else is a read by another method than GET.
READS = ("list_", "get_", "read_", "wait_")
POSTED_READS = ("/client/orders/price",)


class Place:
    """The provider as one trial sees it: a base URL of its own, a resource that is read, and a log."""

    def __init__(self, url, secret_paths):
        self.url = url
        self.secret_paths = secret_paths
        self.resource = {"id": 1, "name": "web-1", "state": "running", "$key": 11, "machine": 11, "running": True,
                         "mcp_exec_enabled": True, "disksize": 1}
        self.read_status = 200
        self.change_status = 200
        self.log = []
        # Called with the method and path of a request before it is answered.
        self.meanwhile = lambda method, path: None
        self.echo = False
        #: What everything is answered with.
        self.told = None
        #: A read that hands out a credential counts as no change: the server judges by what it shows.
        self.may_look = False

    def is_dangerous(self, method, path):
        """Whether the request is more than the look at a resource that a preview may take."""
        if method in ("GET", "HEAD"):
            return not self.may_look and any(secret.fullmatch(path) for secret in self.secret_paths)
        return path.rstrip("/") not in POSTED_READS

    def changes(self):
        """The requests so far that no preview makes."""
        return [entry for entry in list(self.log) if self.is_dangerous(*entry[:2])]

    def answer(self, method, path, body):
        if self.told is not None:
            return 200, self.told
        if method in ("GET", "HEAD") and not self.is_dangerous(method, path):
            return self.read_status, self.resource
        if self.echo:
            return 422, {"message": f"Not accepted: {body}", "errors": {"body": [body]}, "correlation_id": body[:80]}
        return self.change_status, {"message": "carried out"}


class Upstream:
    """One server for all trials; the first segment of the path tells whose request it is."""

    def __init__(self, secret_templates):
        self.secret_paths = [pattern_of(template) for template in secret_templates]
        self.places = []
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def place(self):
        with self.lock:
            url = f"http://127.0.0.1:{self.server.server_port}/p{len(self.places)}"
            self.places.append(Place(url, self.secret_paths))
            return self.places[-1]


def without_base(path):
    return next((path.removeprefix(base) for base in BASE_PATHS if path.startswith(f"{base}/")), path)


def pattern_of(template):
    """A regular expression for the paths of a template such as `/vms/{id}`."""
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part)
                              for part in re.split(r"(\{[^}]*\})", template)))


def meaning(message):
    """A message to the MCP server as method and path: only what changes something is no GET."""
    tool = (message.get("params") or {}).get("name", "") if message.get("method") == "tools/call" else ""
    reads = not tool or tool.removeprefix("hostodo_").startswith(READS)
    return ("GET" if reads else "POST"), f"{RELAY}/{tool}"


def wrapped(message, status, answer):
    """What an MCP server answers."""
    if "id" not in message:
        return 202, None
    if message["method"] == "initialize":
        result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "recorder", "version": "1"}}
    else:
        failed = status >= 400
        result = {"content": [{"type": "text", "text": json.dumps(answer)}], "isError": failed,
                  **({} if failed else {"structuredContent": answer})}
    return 200, {"jsonrpc": "2.0", "id": message["id"], "result": result}


def handler_of(upstream):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise head and body leave as two packets, and the second one waits for an acknowledgement.
        wbufsize = 1 << 16
        disable_nagle_algorithm = True

        def serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
            _, first, rest = (self.path + "/").split("/", 2)
            place = upstream.places[int(first[1:])]
            raw = "/" + rest[:-1].split("?")[0]
            command, path, relayed = self.command, without_base(raw), None
            if raw == RELAY:
                relayed = json.loads(body)
                command, path = meaning(relayed)
            place.log.append((command, path, self.path, body, dict(self.headers)))
            place.meanwhile(command, path)
            status, answer = place.answer(command, path, body)
            if relayed is not None:
                status, answer = wrapped(relayed, status, answer)
            elif raw.startswith("/api/v4/") and path.count("/") == 1 and command == "GET":
                answer = [answer]
            text = json.dumps(answer).encode() if answer is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

        def log_message(self, *_):
            pass

    return Handler
