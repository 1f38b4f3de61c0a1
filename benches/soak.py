"""Mixed load with faults on one server over HTTP and one over stdio; prints a verdict and ends with 0 or 1.

    python3 benches/soak.py --binary target/dist/hostinger-mcp --minutes 10

A mock provider on the loopback interface answers well, late, with errors, in part, at length or not at all. Clients
call in both eras, give up in the middle, open sessions and leave them, and send nonsense. What is watched: every call
that was waited for has exactly one answer, of its own id; resident memory, open files and threads come back to what
they were after the warm-up; both servers end with 0. Linux and Python 3.9 or later; nothing else.
"""

import argparse
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOOL = "VPS_getVirtualMachinesV1"
VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "soak", "version": "1"},
}
JSON_HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
# How much resident memory may have grown since the warm-up, in KiB.
GROWTH = 32 * 1024


class Provider(BaseHTTPRequestHandler):
    """Answers most requests well and every fifth in one of many bad ways."""

    protocol_version = "HTTP/1.1"
    open = 0
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        with Provider.lock:
            Provider.open += 1

    def finish(self):
        with Provider.lock:
            Provider.open -= 1
        try:
            super().finish()
        except OSError:
            pass

    def do_GET(self):
        way = random.randrange(40)
        try:
            self.misbehave(way)
        except OSError:
            self.close_connection = True

    def misbehave(self, way):
        statuses = {0: 401, 1: 404, 2: 422, 3: 500}
        if way in statuses:
            return self.reply(statuses[way], b'{"message":"soak","correlation_id":"s"}')
        if way == 4:
            time.sleep(random.random())
        elif way == 5:
            self.close_connection = True
            return self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,")
        elif way == 6:
            self.close_connection = True
            return None
        elif way == 7:
            return self.reply(200, b"<html>wait</html>")
        elif way == 8:
            return self.reply(200, b'["' + b"x" * (1 << 20) + b'"]')
        return self.reply(200, b'[{"id":9007199254740993}]')

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_):
        pass


class Tally:
    """Counts, from many threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = {}
        self.faults = []

    def add(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fault(self, text):
        with self.lock:
            self.faults.append(text)


def message(number, method, params=None):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}


def modern(number):
    body = message(number, "tools/call", {"name": TOOL, "_meta": META})
    return json.dumps(body), {**JSON_HEADERS, "MCP-Protocol-Version": VERSION, "Mcp-Method": "tools/call",
                              "Mcp-Name": TOOL}


def answer_of(text):
    """The JSON-RPC answer in a body or in the events of a stream."""
    if text.startswith("{"):
        return json.loads(text)
    data = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    return json.loads([line for line in data if line][-1])


class HttpClient:
    """One client, in a thread of its own, until it is told to stop."""

    def __init__(self, port, tally, name):
        self.port, self.tally, self.name = port, tally, name
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.session = None
        self.number = 0

    def request(self, body, headers):
        self.connection.request("POST", "/mcp", body, headers)
        response = self.connection.getresponse()
        return response, response.read().decode()

    def judge(self, number, text):
        answer = answer_of(text)
        if answer.get("id") != number or "result" not in answer:
            self.tally.fault(f"{self.name}: {number} got {text[:200]}")
        self.tally.add("answered over HTTP")

    def call(self):
        body, headers = modern(self.number)
        self.judge(self.number, self.request(body, headers)[1])

    def call_in_session(self):
        if self.session is None:
            params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "s", "version": "1"}}
            response, text = self.request(json.dumps(message(0, "initialize", params)), JSON_HEADERS)
            session = response.getheader("mcp-session-id")
            if session is None:
                return self.tally.fault(f"{self.name}: no session: {text[:200]}")
            self.session = {**JSON_HEADERS, "Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
            note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            self.request(json.dumps(note), self.session)
            self.tally.add("sessions")
        body = json.dumps(message(self.number, "tools/call", {"name": TOOL}))
        response, text = self.request(body, self.session)
        if response.status == 404:
            # It was idle for too long: the protocol asks for a new one.
            self.session = None
            return self.tally.add("sessions ended")
        self.judge(self.number, text)
        if random.random() < 0.05:
            # Abandoned: it ends when it has been idle.
            self.session = None
        return None

    def vanish(self):
        body, headers = modern(self.number)
        with socket.create_connection(("127.0.0.1", self.port)) as gone:
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            whole = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
            gone.sendall(whole[: random.randrange(1, len(whole) + 1)])
            time.sleep(random.random() / 20)
        self.tally.add("vanished")

    def nonsense(self):
        bodies = [b"{", b"[]", b"[" * 10_000, b'{"jsonrpc":"2.0","id":1,"method":5}', b" " * 200_000, b"\xff\xfe"]
        response, _ = self.request(random.choice(bodies), JSON_HEADERS)
        if response.status != 400:
            self.tally.fault(f"{self.name}: nonsense got {response.status}")
        self.tally.add("refused")

    def run(self, stop):
        while not stop.is_set():
            self.number += 1
            deed = random.choices([self.call, self.call_in_session, self.vanish, self.nonsense], [60, 30, 6, 4])[0]
            try:
                deed()
            except (OSError, http.client.HTTPException, ValueError, IndexError) as error:
                self.tally.fault(f"{self.name}: {deed.__name__}: {error!r}")
                self.connection.close()


def run_stdio(process, tally, stop):
    """Keeps some calls in flight on one pipe, with nonsense and cancellations between them."""
    room = threading.Semaphore(8)
    waiting, lock = set(), threading.Lock()

    def listen():
        for line in process.stdout:
            answer = json.loads(line)
            if answer.get("id") is None:
                tally.add("refused")
                continue
            with lock:
                known = answer["id"] in waiting
                waiting.discard(answer["id"])
            if not known or "result" not in answer:
                tally.fault(f"stdio: {line[:200]}")
            tally.add("answered over stdio")
            room.release()

    listener = threading.Thread(target=listen)
    listener.start()
    number = 0
    while not stop.is_set():
        number += 1
        room.acquire()
        with lock:
            waiting.add(number)
        body = message(number, "tools/call", {"name": TOOL, "_meta": META})
        lines = json.dumps(body) + "\n"
        if number % 50 == 0:
            lines += random.choice(["{\n", "[1]\n", "\ufffd\n", "x" * 100_000 + "\n"])
        process.stdin.write(lines)
        process.stdin.flush()
    process.stdin.close()
    listener.join()
    for lost in waiting:
        tally.fault(f"stdio: {lost} was never answered")


def figures(process):
    """Resident memory in KiB, open files and threads."""
    folder = f"/proc/{process.pid}"
    with open(f"{folder}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmRSS"].split()[0]), len(os.listdir(f"{folder}/fd")), int(fields["Threads"])


def start(binary, arguments, folder, base):
    environment = {"API_BASE_URL": base, "HOSTINGER_API_TOKEN": "x"}
    process = subprocess.Popen([binary, *arguments], env=environment, cwd=folder, text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return process


def listening(process):
    """The port that a server over HTTP says it listens on."""
    line = next(line for line in process.stderr if line.startswith("Listening"))
    return int(line.rsplit(":", 1)[1].split("/")[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, metavar="FILE", help="the hostinger-mcp to load")
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="how long to load it (10)")
    parser.add_argument("--clients", type=int, default=16, metavar="N", help="HTTP clients at once (16)")
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)

    provider = Server(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{provider.server_address[1]}"
    tally, stop = Tally(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        served = start(binary, ["--http", "--port", "0", "--session-idle", "5"], folder, base)
        port = listening(served)
        piped = start(binary, [], folder, base)
        for process in (served, piped):
            threading.Thread(target=lambda stream: [None for _ in stream], args=[process.stderr], daemon=True).start()
        clients = [HttpClient(port, tally, f"client {number}") for number in range(options.clients)]
        threads = [threading.Thread(target=client.run, args=[stop], daemon=True) for client in clients]
        threads.append(threading.Thread(target=run_stdio, args=[piped, tally, stop], daemon=True))
        for thread in threads:
            thread.start()
        end = time.monotonic() + options.minutes * 60
        # A quarter of the time is the warm-up: caches, pools and the allocator find their size.
        time.sleep(options.minutes * 15)
        warm = {"HTTP": figures(served), "stdio": figures(piped)}
        print(f"{'seconds':>8} {'HTTP KiB':>9} {'files':>6} {'stdio KiB':>10} {'files':>6}")
        while True:
            left = end - time.monotonic()
            http_now, stdio_now = figures(served), figures(piped)
            elapsed = options.minutes * 60 - max(left, 0)
            print(f"{elapsed:8.0f} {http_now[0]:9} {http_now[1]:6} {stdio_now[0]:10} {stdio_now[1]:6}", flush=True)
            if left <= 0:
                break
            time.sleep(min(left, 15))
        last = {"HTTP": figures(served), "stdio": figures(piped)}
        stop.set()
        for thread in threads:
            thread.join()
        for client in clients:
            client.connection.close()
        # Sessions that were left end, and so do connections of clients that have gone.
        time.sleep(10)
        rest = figures(served)
        print(f"   at rest {rest[0]} KiB, {rest[1]} files, {Provider.open} connections to the provider")
        for name in warm:
            grown = last[name][0] - warm[name][0]
            if grown > GROWTH:
                tally.fault(f"{name}: resident memory grew by {grown} KiB since the warm-up")
            if last[name][2] != warm[name][2]:
                tally.fault(f"{name}: {warm[name][2]} threads became {last[name][2]}")
        # Kept-alive connections to the provider are the only ones that may be left.
        if rest[1] > 32 + Provider.open:
            tally.fault(f"HTTP: {rest[1]} files are open when nobody is connected")
        served.terminate()
        for name, process in (("HTTP", served), ("stdio", piped)):
            if process.wait() != 0:
                tally.fault(f"{name}: the server ended with {process.returncode}")
    provider.shutdown()
    print(", ".join(f"{count} {what}" for what, count in sorted(tally.counts.items())))
    for fault in tally.faults[:20]:
        print(f"FAULT {fault}")
    print(f"Verdict: {'sound' if not tally.faults else f'{len(tally.faults)} faults'}.")
    return bool(tally.faults)


if __name__ == "__main__":
    sys.exit(main())
