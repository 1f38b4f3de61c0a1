#!/usr/bin/env python3
"""Measures what the audit log costs, in reads and changes a second, and prints one table.

Two servers run at the same time, one with a state directory and one with nowhere to write, and are asked in turns, a
few hundred calls at a time: what the machine does meanwhile falls on both, and the ratio is the median of all turns.
Reads go to a mock upstream over HTTP; the server without a place loses their events. Changes go to the sandbox, which
answers at once, and without a place all of it is kept in memory. Linux, Cargo and Python 3.9.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from load import mock_upstream
from run import CALL, HERE, TOKEN, build

READ = {"name": CALL["tool"], "arguments": CALL["arguments"]}
CHANGE = {"name": "domains_enableDomainLockV1", "arguments": {"domain": "example.com"}}

#: So that it is the log that is measured, and not how soon there are too many calls.
UNLIMITED = """
[limits]
principal = { reads_per_minute = 0, writes_per_minute = 0 }
resource = { writes_per_minute = 0 }
server = { reads_per_minute = 0, writes_per_minute = 0 }
"""


class Server:
    """A server over standard input and output, and the calls it is asked for."""

    def __init__(self, command, environment, folder, call):
        self.call, self.number = call, 0
        self.process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        client = {"name": "bench", "version": "1"}
        self.say("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self.process.stdout.readline()

    def say(self, method, params):
        self.number += 1
        message = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def burst(self, calls, in_flight):
        """Makes so many calls, so many at a time; gives how long they took in seconds."""
        begun = time.perf_counter()
        for number in range(calls + in_flight):
            if number >= in_flight:
                answer = self.process.stdout.readline()
                if b'"result"' not in answer or b'"isError":true' in answer:
                    raise SystemExit(f"a call failed: {answer.decode()}")
            if number < calls:
                self.say("tools/call", self.call)
        return time.perf_counter() - begun


def main():
    options = parse_options()
    upstream = build(HERE / "native" / "Cargo.toml", "release")["mock-upstream"]
    server = options.binary or build(HERE.parent / "Cargo.toml", "dist", "hostinger-mcp")["hostinger-mcp"]
    print("| calls | in flight | without the log | with it | ratio | half of the turns |\n| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(dir=options.directory) as folder, mock_upstream(upstream) as (address, _):
        policy = Path(folder, "policy.toml")
        policy.write_text(UNLIMITED)
        command = [Path(server).resolve(), "--policy", policy]
        provider = {**TOKEN, "API_BASE_URL": f"http://{address}"}
        for name, more, environment, call in (("reads", [], provider, READ), ("changes", ["--sandbox"], {}, CHANGE)):
            state = ["--state-dir", Path(folder, name)]
            pair = [Server([*command, *more, *place], environment, folder, call) for place in ([], state)]
            for in_flight in options.in_flight:
                print(row(name, in_flight, *turns(pair, in_flight, options)))
            for one in pair:
                one.process.kill()


def turns(pair, in_flight, options):
    """How long the bursts took, without the log and with it."""
    for server in pair:
        server.burst(options.calls, in_flight)
    times = ([], [])
    for turn in range(options.turns):
        for index in (0, 1) if turn % 2 else (1, 0):
            times[index].append(pair[index].burst(options.calls, in_flight) / options.calls)
    return times


def row(name, in_flight, without, with_log):
    ratios = [one / other for one, other in zip(without, with_log)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    rates = " | ".join(f"{1 / statistics.median(times):,.0f}" for times in (without, with_log))
    return f"| {name} | {in_flight} | {rates} | {middle:.2f} | {low:.2f} to {high:.2f} |"


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", metavar="FILE", help="measure this hostinger-mcp instead of building one")
    parser.add_argument("--directory", metavar="DIR", help="where the state directory is made: on the disk to measure")
    parser.add_argument("--in-flight", type=lambda text: [int(n) for n in text.split(",")], default=[1, 16],
                        metavar="N,N", help="calls kept in flight (1,16)")
    parser.add_argument("--turns", type=int, default=100, metavar="N", help="turns of each server (100)")
    parser.add_argument("--calls", type=int, default=400, metavar="N", help="calls in a turn (400)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
