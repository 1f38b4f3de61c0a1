"""What sessions of the revisions before 2026-07-28 cost: opens many, leaves them, waits until they have expired.

    python3 benches/sessions.py --binary target/dist/hostinger-mcp

Prints resident memory before, with them open, and after, round by round; ends with 1 where a session costs more than
100 KiB or what is left afterwards is more than 10 MiB. Linux and Python 3.9 or later; nothing else.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time

import soak

VERSION = "2025-11-25"
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
TOOL = "VPS_getVirtualMachinesV1"
# The most that one session may cost, and that all of them may leave behind, in KiB.
EACH, LEFT = 100, 10 * 1024
# How long sessions may be idle, in seconds: longer than it takes to open them.
IDLE = 20


class Client:
    """One connection, over which sessions are opened."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def post(self, session, method, params=None, number=1):
        message = {"jsonrpc": "2.0", "method": method, "params": params or {}}
        message.update({"id": number} if number else {})
        headers = {**HEADERS, **({"Mcp-Session-Id": session, "MCP-Protocol-Version": VERSION} if session else {})}
        self.connection.request("POST", "/mcp", json.dumps(message), headers)
        response = self.connection.getresponse()
        response.read()
        return response

    def open(self):
        """Opens a session as every client does, calls a tool in it, and gives its id."""
        client = {"name": "sessions", "version": "1"}
        opened = self.post(None, "initialize", {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client})
        session = opened.getheader("mcp-session-id")
        self.post(session, "notifications/initialized", number=None)
        called = self.post(session, "tools/call", {"name": TOOL})
        if (opened.status, called.status) != (200, 200):
            raise SystemExit(f"a session was refused: {opened.status}, {called.status}")
        return session

    def lives(self, session):
        return self.post(session, "ping").status == 200


def resident(process):
    return soak.figures(process)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, metavar="FILE", help="the hostinger-mcp to measure")
    parser.add_argument("--sessions", type=int, default=2000, metavar="N", help="sessions in a round (2000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds (3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Without a place on the disk the audit log of all these calls is kept in memory too.
        command = [os.path.abspath(options.binary), "--sandbox", "--http", "--port", "0", "--session-idle", str(IDLE),
                   "--state-dir", os.path.join(folder, "state")]
        with subprocess.Popen(command, env={}, cwd=folder, text=True, stderr=subprocess.PIPE) as process:
            try:
                return measure(process, soak.listening(process), options)
            finally:
                process.terminate()


def measure(process, port, options):
    client, sound = Client(port), True
    # What every server has once it was used: the client of the provider, the first threads.
    client.open()
    before = resident(process)
    print(f"before: {before} KiB")
    for _ in range(options.rounds):
        sessions = [client.open() for _ in range(options.sessions)]
        with_them = resident(process)
        # Whoever asks for one keeps it alive, so nobody asks before all of them may have expired.
        time.sleep(IDLE * 1.25 + 1)
        if client.lives(sessions[-1]):
            raise SystemExit("a session outlived its time")
        after = resident(process)
        each, left = (with_them - before) / options.sessions, after - before
        print(f"{options.sessions} sessions: {with_them} KiB, {each:.1f} KiB each; expired: {after} KiB, {left} KiB left")
        sound = sound and each <= EACH and left <= LEFT
    print(f"Verdict: {'within' if sound else 'beyond'} {EACH} KiB each and {LEFT} KiB left.")
    return not sound


if __name__ == "__main__":
    sys.exit(main())
