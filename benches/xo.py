#!/usr/bin/env python3
"""Measures the start of xo-mcp against the vendor's MCP server for Xen Orchestra and prints one table.

The vendor's server asks Xen Orchestra for its description at every start, so a stand-in on the loopback interface gives
it the one of the vendor's REST API; ours is started with the same address. Both packages come from npm into
benches/.cache. Needs what run.py needs.
"""

import argparse
import subprocess
import tarfile
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from run import CACHE, HERE, build, harness, install, install_vendor, memory_row, row, start_table

VENDOR_PACKAGE, VENDOR_VERSION = "@xen-orchestra/mcp", "1.4.2"
API_PACKAGE, API_VERSION = "@xen-orchestra/rest-api", "0.39.0"
CREDENTIAL = {"XO_TOKEN": "no-real-token", "XO_MCP_ENABLE_ACTIONS": "1"}
EMPTY, OURS, LIVE, VENDOR = "empty main", "xo-mcp", "xo-mcp --spec", "vendor"


def main():
    options = parse_options()
    programs = build(HERE / "native" / "Cargo.toml", "release")
    ours = options.binary or build(HERE.parent / "Cargo.toml", options.profile, "xo-mcp")["xo-mcp"]
    CACHE.mkdir(exist_ok=True)
    vendor = install_vendor(VENDOR_PACKAGE, VENDOR_VERSION, "bin/xo-mcp.mjs")
    description = description_of_the_api()
    with tempfile.TemporaryDirectory(dir=CACHE) as folder, stand_in(description) as address:
        ours, empty = (install(program, folder) for program in (ours, programs["empty"]))
        document = Path(folder) / "swagger.json"
        document.write_bytes(description)
        environment = {**CREDENTIAL, "XO_URL": address}

        def subject(name, command, spawns=options.spawns, serves=True):
            return {"name": name, "command": [str(word) for word in command], "spawns": spawns, "serves": serves,
                    "environment": environment, "directory": folder}

        figures = harness(programs["mcp-start"], [
            subject(EMPTY, [empty], serves=False),
            subject(OURS, [ours]),
            subject(LIVE, [ours, "--spec", document], options.vendor_spawns),
            subject(VENDOR, vendor, options.vendor_spawns),
        ])
    print_table({figure["name"]: figure for figure in figures})


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", metavar="FILE", help="measure this xo-mcp instead of building one")
    parser.add_argument("--profile", default="dist", help="Cargo profile to build with (dist, which is shipped)")
    parser.add_argument("--spawns", type=int, default=200, metavar="N", help="spawns of a native program (200)")
    parser.add_argument("--vendor-spawns", type=int, default=20, metavar="N", help="spawns of the vendor's server (20)")
    return parser.parse_args()


def description_of_the_api():
    """The document that Xen Orchestra publishes, out of the package of its REST API; nothing else of that is needed."""
    archive = CACHE / f"xen-orchestra-rest-api-{API_VERSION}.tgz"
    if not archive.exists():
        subprocess.run(["npm", "pack", "--pack-destination", CACHE, f"{API_PACKAGE}@{API_VERSION}"], check=True,
                       stdout=subprocess.DEVNULL)
    with tarfile.open(archive) as files:
        found = [member for member in files.getmembers() if Path(member.name).name == "swagger.json"]
        if not found:
            raise SystemExit(f"{archive} holds no swagger.json")
        return files.extractfile(found[0]).read()


class stand_in:
    """The address of a server that has a description, lets MCP clients in and knows no objects."""

    def __init__(self, description):
        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = self.path.split("?")[0]
                bodies = {"/rest/v0/docs/swagger.json": description, "/rest/v0/mcp/status": b"{}"}
                body = bodies.get(path, b"[]")
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_):
        self.server.shutdown()


def print_table(starts):
    empty, ours, live, vendor = (starts[name] for name in (EMPTY, OURS, LIVE, VENDOR))

    def further(key):
        row("… with the document of the server, `--spec`", f"{live[key]:.1f} ms", f"{vendor[key]:.0f} ms",
            vendor[key] / live[key])

    start_table("xo-mcp", f"{VENDOR_PACKAGE} {VENDOR_VERSION}", empty, ours, vendor, further)
    memory_row("peak memory after `tools/list`", ours["peak_kib"], vendor["peak_kib"], 10)


if __name__ == "__main__":
    main()
