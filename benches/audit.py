#!/usr/bin/env python3
"""Measures what the audit log costs, in changes and reads a second, and prints one table.

The sandbox answers, so what is left is the server itself: with a state directory, where the intent of every change is
on the disk before its request is sent, and with nowhere to write, where all of it is kept in memory. Linux, Cargo and
Python 3.9.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from run import HERE, build, harness

CHANGE = {"tool": "domains_enableDomainLockV1", "arguments": {"domain": "example.com"}}
READ = {"tool": "VPS_getVirtualMachinesV1", "arguments": {}}

#: So that it is the log that is measured, and not how soon there are too many changes.
UNLIMITED = """
[limits]
principal = { writes_per_minute = 0 }
resource = { writes_per_minute = 0 }
server = { writes_per_minute = 0 }
"""


def main():
    options = parse_options()
    load = build(HERE / "native" / "Cargo.toml", "release")["mcp-load"]
    server = options.binary or build(HERE.parent / "Cargo.toml", "release", "hostinger-mcp")["hostinger-mcp"]
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        policy = Path(folder, "policy.toml")
        policy.write_text(UNLIMITED)
        command = [str(server), "--sandbox", "--policy", str(policy)]
        places = {"memory": command, "disk": [*command, "--state-dir", str(Path(folder, "state"))]}
        print("| calls | in flight | in memory | on disk | ratio | median on disk |\n| --- | --- | --- | --- | --- | --- |")
        for name, call in (("changes", CHANGE), ("reads", READ)):
            runs = {}
            # A B B A, so that a drift falls on both.
            for place in ("memory", "disk", "disk", "memory"):
                plan = {"command": places[place], "in_flight": options.in_flight, "seconds": options.seconds,
                        "warm_up_seconds": options.seconds / 4, **call}
                for figure in harness(load, plan):
                    if figure["errors"]:
                        raise SystemExit(f"{name}: {figure['errors']} failed, the first with {figure['first_error']}")
                    runs.setdefault((place, figure["in_flight"]), []).append(figure)
            for count in options.in_flight:
                memory, disk = (typical(runs[place, count], "calls_per_second") for place in ("memory", "disk"))
                wait = typical(runs["disk", count], "p50_us") / 1000
                print(f"| {name} | {count} | {memory:,.0f} | {disk:,.0f} | {disk / memory:.2f} | {wait:.2f} ms |")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", metavar="FILE", help="measure this hostinger-mcp instead of building one")
    parser.add_argument("--directory", metavar="DIR", help="where the state directory is made: on the disk to measure")
    parser.add_argument("--in-flight", type=lambda text: [int(n) for n in text.split(",")], default=[1, 16],
                        metavar="N,N", help="calls kept in flight (1,16)")
    parser.add_argument("--seconds", type=float, default=4, help="measured time of each load (4)")
    return parser.parse_args()


def typical(runs, key):
    return statistics.median(run[key] for run in runs)


if __name__ == "__main__":
    main()
