"""One attempt at one way over one transport: a state directory, servers, clients, a person, and what came of it."""

import os
import pathlib
import pty
import re
import subprocess
import time

from catalogue import FILES
from clients import Rest, Session, Stateless, Stdio

#: What the environment of a server says for each provider, given the address of the recording one.
PROVIDERS = {
    "hostinger": lambda url, token: {"API_BASE_URL": url, "HOSTINGER_API_TOKEN": token},
    "xen-orchestra": lambda url, token: {"XO_URL": url, "XO_TOKEN": token},
    "vergeos": lambda url, token: {"VERGEOS_HOST": url, "VERGEOS_TOKEN": token},
    "hostodo": lambda url, token: {"HOSTODO_API_URL": url, "HOSTODO_API_TOKEN": token,
                                   "HOSTODO_MCP_URL": f"{url}/mcp", "HOSTODO_MCP_TOKEN": token},
}
#: The variable that adds headers to every request to a provider.
HEADERS = {"hostinger": "API_HEADERS"}
TOKEN = "provider-token-0000"

#: So that it is the approval that refuses, and not the rate.
UNLIMITED = """
[limits]
principal = { reads_per_minute = 0, writes_per_minute = 0 }
resource = { reads_per_minute = 0, writes_per_minute = 0 }
server = { reads_per_minute = 0, writes_per_minute = 0 }
"""


class Server:
    """A running server."""

    def __init__(self, trial, process, transport, log):
        self.trial, self.process, self.transport, self.log = trial, process, transport, log
        self.port = None

    def listening(self):
        """Waits until the server listens, and notes where."""
        while True:
            if found := re.search(r"^Listening on .*:(\d+)/mcp$", self.log.read_text(), re.MULTILINE):
                self.port = int(found[1])
                return self
            if self.process.poll() is not None:
                raise RuntimeError(f"no server: {self.log.read_text()}")
            time.sleep(0.005)

    def client(self, transport=None, **options):
        """A client; over stdio the only one."""
        kinds = {"stdio": lambda: Stdio(self.process, **options),
                 "session": lambda: Session(self.port, **options),
                 "stateless": lambda: Stateless(self.port, **options),
                 "rest": lambda: Rest(self.port, **options)}
        return kinds[transport or self.transport]()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Lets the server finish what it has taken."""
        if self.process.poll() is None:
            self.process.stdin.close()
            if self.transport != "stdio":
                self.process.terminate()
            self.process.stdout.read()
        self.process.wait()


class Trial:
    """See above. `legitimate` is how many changes a person allowed; one more than that, and the way is open."""

    def __init__(self, lab, transport, directory):
        self.lab, self.transport, self.directory = lab, transport, directory
        self.place = lab.upstream.place()
        self.tools, self.few = lab.catalogue.sample, lab.catalogue.few
        self.state = self.folder("state")
        self.servers, self.problems = [], []
        self.calls = self.legitimate = 0

    def folder(self, name):
        folder = self.directory / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    # --- processes

    def environment(self, place=None, token=TOKEN, **more):
        place = place or self.place
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
        for provider in self.lab.providers:
            environment.update(PROVIDERS[provider](place.url, token))
        return {**environment, **more}

    def command(self, *words, state=None, binary=None):
        return [str(binary or self.lab.binary), "--expose", "flat", "--state-dir", str(state or self.state), *words]

    def serve(self, *flags, policy=UNLIMITED, access="full", transport=None, state=None, binary=None, **environment):
        """Starts a server."""
        transport = transport or self.transport
        number = len(self.servers)
        flags = [*flags, "--upload-dir", str(FILES), *(["--access", access] if access else [])]
        if policy is not None:
            (self.directory / f"policy{number}.toml").write_text(policy)
            flags += ["--policy", str(self.directory / f"policy{number}.toml")]
        if transport != "stdio":
            flags += ["--http", "--port", "0", "--rest"]
        log = self.directory / f"log{number}"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                self.command(*flags, state=state, binary=binary), cwd=self.directory, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=errors, env=self.environment(**environment))
        server = Server(self, process, transport, log)
        self.servers.append(server)
        return server if transport == "stdio" else server.listening()

    def client(self, *flags, **settings):
        """A client of a server of its own."""
        return self.serve(*flags, **settings).client()

    def run(self, *words, state=None, text="", **environment):
        """Runs a sub-command without a terminal."""
        return subprocess.run(self.command(*words, state=state), cwd=self.directory, input=text, text=True,
                              capture_output=True, env=self.environment(**environment), check=False)

    def approve(self, identifier, says="yes\n", state=None, flags=(), **environment):
        """A person at a terminal runs `approve` and types something; whether that approved the call."""
        terminal, theirs = pty.openpty()
        try:
            process = subprocess.Popen(
                self.command(*flags, "approve", "--", identifier, state=state), cwd=self.directory, stdin=theirs,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment(**environment))
            os.write(terminal, says.encode())
            process.stdout.read()
            return process.wait() == 0
        finally:
            os.close(terminal)
            os.close(theirs)

    # --- judgement

    def refused(self, answer, *kinds):
        """The answer must be a refusal of one of these kinds."""
        self.calls += 1
        # Whoever calls over HTTP may not send files of this machine away to begin with.
        if answer.kind not in kinds and not (answer.kind == "forbidden_scope" and "files:read" in answer.text):
            self.problems.append(f"expected {' or '.join(kinds)}, got {answer!r}")
        return answer

    def passed(self, answer):
        """The answer must be that of a call which a person allowed."""
        self.legitimate += 1
        if answer.kind != "done":
            self.problems.append(f"a call that was allowed did not pass: {answer!r}")
        return answer

    def expect(self, holds, what):
        if not holds:
            self.problems.append(what)

    def obtain(self, client, way, name, arguments, state=None):
        """Asks for the call, and gives what has to be added to its arguments once it is approved."""
        preview = client.call(name, arguments)
        self.refused(preview, "confirmation_required")
        if way == "token":
            return {"confirm_token": preview.token}
        if way == "phrase":
            return {"confirmation": preview.phrase}
        done = preview.approval and self.approve(preview.approval, state=state)
        self.expect(done, f"{name}: a person could not approve")
        return {}

    def end(self):
        for server in self.servers:
            server.end()


class Way:
    """A way to try, over each of its transports."""

    def __init__(self, family, name, attempt, transports):
        self.family, self.name, self.attempt, self.transports = family, name, attempt, transports


class Family:
    """The ways of one module."""

    def __init__(self, name):
        self.name, self.ways = name, []

    def way(self, name, transports=("stdio", "session", "stateless")):
        """Makes a way of a function that takes a trial."""
        def add(attempt):
            self.ways.append(Way(self.name, name, attempt, transports))
            return attempt
        return add

    def each(self, names, transports=("stdio", "session", "stateless")):
        """Makes a way of each name, by a function that also takes what stands beside the name."""
        def add(attempt):
            for name, case in names:
                self.ways.append(Way(self.name, name, lambda trial, case=case: attempt(trial, case), transports))
            return attempt
        return add


def environment_of_nobody():
    """For what prints the catalogue."""
    return {"PATH": os.environ["PATH"], "HOME": str(pathlib.Path("/nonexistent"))}
