#!/usr/bin/env python3
"""Measures hostinger-mcp over HTTP against the vendor's MCP server and against the upstream alone.

Builds the harness and, without --binary, hostinger-mcp; both servers call a mock upstream on the loopback interface.
Needs Linux, Cargo, Node.js 20 and npm; Python 3.9 with nothing but its standard library.
"""

import argparse
import contextlib
import http.client
import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import run
from run import CACHE, CALL, HERE, OURS, TOKEN, VENDOR, VENDOR_PACKAGE, VENDOR_VERSION, row, typical

MODERN, LEGACY = "2026-07-28", "2025-06-18"
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"}}
JSON_HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
SESSION, DIRECT = "hostinger-mcp, one session", "upstream alone"
# Numbers of connections at which calls are measured, and at which memory is.
LOAD, CROWD = [1, 16, 64], 256


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", metavar="FILE", help="measure this hostinger-mcp instead of building one")
    parser.add_argument("--profile", default="dist", help="Cargo profile to build with (dist, which is shipped)")
    parser.add_argument("--seconds", type=float, default=4, help="measured time of each load (4)")
    parser.add_argument("--rounds", type=int, default=1, help="how often the loads alternate A B B A (1)")
    options = parser.parse_args()
    programs = run.build(HERE / "native" / "Cargo.toml", "release")
    ours = options.binary or run.build(HERE.parent / "Cargo.toml", options.profile, "hostinger-mcp")["hostinger-mcp"]
    CACHE.mkdir(exist_ok=True)
    vendor = run.install_vendor(VENDOR_PACKAGE, VENDOR_VERSION, "src/servers/all.js")
    with tempfile.TemporaryDirectory(dir=CACHE) as folder, mock_upstream(programs["mock-upstream"]) as upstream:
        bench = Bench(programs["http-load"], run.install(ours, folder), vendor, upstream, folder, options)
        calls, lists = bench.measure()
    print_table(calls, lists)


@contextlib.contextmanager
def mock_upstream(program):
    """Yields address and process of a running mock upstream, which ends with its stdin."""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip().removeprefix("http://"), process.pid


class Bench:
    def __init__(self, load, ours, vendor, upstream, folder, options):
        self.load, self.ours, self.vendor, self.folder, self.options = load, ours, vendor, folder, options
        self.upstream, self.upstream_process = upstream

    def measure(self):
        """The figures of calls and of lists, by server and number of connections."""
        calls, lists = {}, {}
        order = [DIRECT, OURS, SESSION, VENDOR]
        for name in (order + order[::-1]) * self.options.rounds:
            with self.serving(name) as (address, process):
                session = open_session(address, name) if name in (SESSION, VENDOR) else {}
                plan = {"address": address, "process": process, **request(name, "tools/call", session)}
                # The crowd comes last: what it leaves behind would count for the others.
                for figure in self.run(name, plan, LOAD + [CROWD]):
                    calls.setdefault((name, figure["connections"]), []).append(figure)
                if name != DIRECT:
                    plan.update(request(name, "tools/list", session))
                    for figure in self.run(name, plan, [1]):
                        lists.setdefault(name, []).append(figure)
        return calls, lists

    def run(self, name, plan, connections):
        seconds = self.options.seconds
        figures = run.harness(self.load, {**plan, "connections": connections, "seconds": seconds,
                                          "warm_up_seconds": seconds / 4})
        for figure in figures:
            if figure["errors"]:
                raise SystemExit(f"{name}: {figure['errors']} requests failed, the first with {figure['first_error']}")
        return figures

    @contextlib.contextmanager
    def serving(self, name):
        """Yields address and process of a server that has just been started."""
        if name == DIRECT:
            yield self.upstream, self.upstream_process
            return
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = self.vendor if name == VENDOR else [self.ours]
        environment = {**TOKEN, "API_BASE_URL": f"http://{self.upstream}"}
        with subprocess.Popen([*command, "--http", "--host", "127.0.0.1", "--port", str(port)], cwd=self.folder,
                              env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                wait_for(port, process)
                yield f"127.0.0.1:{port}", process.pid
            finally:
                process.kill()


def wait_for(port, process):
    while process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise SystemExit(f"the server ended with {process.returncode}")


def request(name, method, session):
    """What the load generator sends to this server."""
    if name == DIRECT:
        return {"method": "GET", "path": "/api/vps/v1/virtual-machines", "headers": [], "body": "", "expect": "running"}
    params = {"name": CALL["tool"], "arguments": CALL["arguments"]} if method == "tools/call" else {}
    headers = {**JSON_HEADERS, **session}
    if not session:
        params["_meta"] = META
        headers.update({"mcp-protocol-version": MODERN, "mcp-method": method})
        headers.update({"mcp-name": CALL["tool"]} if method == "tools/call" else {})
    message = json.dumps({"jsonrpc": "2.0", "id": "$NUMBER", "method": method, "params": params})
    return {"method": "POST", "path": "/", "headers": list(headers.items()),
            "body": message.replace('"$NUMBER"', "$NUMBER"), "expect": '"result":'}


def open_session(address, name):
    """The headers of a session that was opened."""
    connection = http.client.HTTPConnection(address)
    params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    connection.request("POST", "/", json.dumps(message), JSON_HEADERS)
    response = connection.getresponse()
    text = response.read().decode()
    if response.status != 200:
        raise SystemExit(f"{name}: no session: {text}")
    session = {"mcp-session-id": response.getheader("mcp-session-id"), "mcp-protocol-version": LEGACY}
    note = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    connection.request("POST", "/", note, {**JSON_HEADERS, **session})
    connection.getresponse().read()
    return session


def print_table(calls, lists):
    print(f"\n| measure | hostinger-mcp | {VENDOR_PACKAGE} {VENDOR_VERSION} | ratio | aim |\n| --- | --- | --- | --- | --- |")
    for count in LOAD:
        ours, session, vendor, direct = (typical(calls[name, count], "calls_per_second")
                                         for name in (OURS, SESSION, VENDOR, DIRECT))
        aims = {"at_least": 15} if count > 1 else {}
        row(f"calls per second, {count} connections", f"{ours:,.0f}", f"{vendor:,.0f}", ours / vendor, **aims)
        row("… in one session of 2025-06-18", f"{session:,.0f}", f"{vendor:,.0f}", session / vendor)
        aim = {} if count == 1 else {"aim": "≥ 1/6 ×, better 1/4 ×" + ("" if ours / direct >= 1 / 6 else ", missed")}
        row(f"… against the upstream alone ({direct:,.0f})", f"{ours:,.0f}", "", ours / direct, **aim)
    for count in LOAD + [CROWD]:
        ours, vendor = ([typical(calls[name, count], key) for key in ("p50_us", "p99_us")] for name in (OURS, VENDOR))
        spread = ours[1] / max(ours[0], 1)
        row(f"p50 / p99, {count} connections", "{:,.0f} / {:,.0f} µs".format(*ours), "{:,.0f} / {:,.0f} µs".format(*vendor),
            spread, aim="p99 < 10 × p50" + ("" if spread < 10 else ", missed"))
    for count in LOAD:
        ours, vendor = (typical(calls[name, count], "cpu_us_per_call") for name in (OURS, VENDOR))
        row(f"CPU per call, {count} connections", f"{ours:.0f} µs", f"{vendor:.0f} µs", ours / vendor)
    peak = {name: max(figure["peak_kib"] for figure in calls[name, CROWD]) for name in (OURS, SESSION, VENDOR)}
    run.memory_row(f"peak memory, {CROWD} connections", peak[OURS], peak[VENDOR], 40)
    run.memory_row("… in one session of 2025-06-18", peak[SESSION], peak[VENDOR], 40)
    ours, session, vendor = (typical(lists[name], "p50_us") for name in (OURS, SESSION, VENDOR))
    row("`tools/list` of everything, median", f"{ours:,.0f} µs", f"{vendor:,.0f} µs", vendor / ours, at_least=10)
    row("… in a session of 2025-06-18", f"{session:,.0f} µs", f"{vendor:,.0f} µs", vendor / session)


if __name__ == "__main__":
    main()
