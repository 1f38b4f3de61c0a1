"""Processes that race, die, start again, share a state directory, or find it gone."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from trial import Family

FAMILY = Family("processes")
ASKED, WRONG = "confirmation_required", "confirmation_mismatch"
WAYS = ("token", "phrase", "operator")


@FAMILY.way("eight clients race for one approval, in one process and in several")
def race(trial):
    for way in WAYS:
        servers = [trial.serve("--approval", way) for _ in range(3)]
        tool = trial.tools[0]
        transport = "stdio" if trial.transport == "stdio" else "stateless"
        clients = [server.client(transport) for server in servers]
        if transport == "stateless":
            clients += [server.client(transport) for server in servers + servers[:2]]
        added = trial.obtain(clients[0], way, tool.name, tool.arguments)
        answers = []
        racers = [threading.Thread(target=lambda client=client: answers.append(
            client.call(tool.name, {**tool.arguments, **added}))) for client in clients]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        kinds = sorted(answer.kind for answer in answers)
        trial.calls += len(kinds)
        trial.legitimate += 1
        trial.expect(kinds.count("done") == 1 and set(kinds) <= {"done", WRONG, ASKED}, f"{way}: {kinds}")


@FAMILY.way("killed between approval and call, and started again", ("stdio", "stateless"))
def killed_between(trial):
    for way in WAYS:
        server = trial.serve("--approval", way)
        tool = trial.tools[0]
        added = trial.obtain(server.client(), way, tool.name, tool.arguments)
        server.kill()
        client = trial.client("--approval", way)
        trial.passed(client.call(tool.name, {**tool.arguments, **added}))
        trial.refused(client.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)


@FAMILY.way("killed while an approved call is under way, and started again", ("stdio", "stateless"))
def killed_during(trial):
    for way in WAYS:
        server = trial.serve("--approval", way)
        tool = trial.tools[0]
        client = server.client()
        added = trial.obtain(client, way, tool.name, tool.arguments)
        trial.place.meanwhile = lambda method, path, server=server: (
            server.kill() if trial.place.is_dangerous(method, path) else None)
        try:
            client.call(tool.name, {**tool.arguments, **added})
        except (OSError, ValueError):
            pass  # nobody was left to answer
        trial.place.meanwhile = lambda *_: None
        trial.legitimate += 1
        client = trial.client("--approval", way)
        trial.refused(client.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)
        told = trial.run("audit", "list", "--json").stdout
        trial.expect('"intent"' in told, "nothing tells what may have happened")


@FAMILY.way("killed while the preview is made, and started again", ("stdio", "stateless"))
def killed_asking(trial):
    tool = next(tool for tool in trial.lab.catalogue.dangerous if tool.is_shown)
    server = trial.serve("--approval", "operator")
    client = server.client()
    trial.place.meanwhile = lambda *_: server.kill()
    try:
        client.call(tool.name, tool.arguments)
    except (OSError, ValueError):
        pass  # nobody was left to answer
    trial.place.meanwhile = lambda *_: None
    trial.refused(trial.client("--approval", "operator").call(tool.name, tool.arguments), ASKED)


@FAMILY.way("a second process uses again what the first one used", ("stdio", "stateless"))
def second_process(trial):
    for way in WAYS:
        first, second = (trial.client("--approval", way) for _ in range(2))
        for tool in trial.few:
            added = trial.obtain(first, way, tool.name, tool.arguments)
            trial.passed(first.call(tool.name, {**tool.arguments, **added}))
            trial.refused(second.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)


@FAMILY.way("a process with a state directory of its own")
def another_directory(trial):
    for way in WAYS:
        first = trial.client("--approval", way)
        second = trial.client("--approval", way, state=trial.folder("other"))
        for tool in trial.few:
            added = trial.obtain(first, way, tool.name, tool.arguments)
            trial.refused(second.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)


@FAMILY.way("a copy of the state directory, taken before the approval was used", ("stdio",))
def copied(trial):
    """What has been used stays used where it was used; the copy is another place, whose owner made it."""
    client = trial.client("--approval", "token")
    tool = trial.tools[0]
    added = trial.obtain(client, "token", tool.name, tool.arguments)
    trial.passed(client.call(tool.name, {**tool.arguments, **added}))
    shutil.copytree(trial.state, trial.folder("copy"), dirs_exist_ok=True)
    again = trial.client("--approval", "token", state=trial.folder("copy"))
    trial.refused(again.call(tool.name, {**tool.arguments, **added}), WRONG)


@FAMILY.each([(f"a store that {name}", spoil) for name, spoil in [
    ("is no database", lambda state: (state / "state.db").write_bytes(b"no database" * 1000)),
    ("is a directory", lambda state: (state / "state.db").mkdir()),
    ("others may write to", lambda state: state.chmod(0o777)),
]], ("stdio", "stateless"))
def spoilt(trial, spoil):
    spoil(trial.state)
    for way in (*WAYS, "none"):
        try:
            client = trial.client("--approval", way)
        except RuntimeError:
            trial.calls += 1  # a server that cannot tell whose tokens are good does not even start
            continue
        for tool in trial.few:
            trial.refused(client.call(tool.name, tool.arguments), "error")


@FAMILY.way("variables of the client's environment and a .env file that switch the gate off", ("stdio",))
def environment(trial):
    variables = {"INFRA_MCP_APPROVAL": "none", "APPROVAL": "none", "INFRA_MCP_POLICY": "/dev/null", "CI": "true",
                 "INFRA_MCP_ACCESS": "full", "INFRA_MCP_READ_ONLY": "false", "NO_CONFIRM": "1", "DEBUG": "1",
                 "INFRA_MCP_SCOPES": "*", "MCP_AUTO_APPROVE": "1", "RUST_LOG": "trace"}
    (trial.directory / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    client = trial.client(**variables)
    for tool in trial.lab.catalogue.dangerous:
        trial.refused(client.call(tool.name, tool.arguments), ASKED)


@FAMILY.way("the sub-command `call`, with and without what a preview told", ("stdio",))
def command_line(trial):
    for way in ("operator", "ask"):
        for tool in trial.few:
            for more in ({}, {"confirm_token": "x"}, {"confirmation": "yes"}):
                done = trial.run("--approval", way, "--access", "full", "call", tool.name,
                                 json.dumps({**tool.arguments, **more}))
                trial.calls += 1
                trial.expect(done.returncode == 1, f"{tool.name}: exit code {done.returncode}")


@FAMILY.way("signals while a call waits for its approval", ("stdio",))
def signals(trial):
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        server = trial.serve("--approval", "operator")
        client = server.client()
        tool = trial.tools[0]
        trial.refused(client.call(tool.name, tool.arguments), ASKED)
        server.process.send_signal(number)
    trial.refused(trial.client("--approval", "operator").call(tool.name, tool.arguments), ASKED)


# --- time

CLOCK = pathlib.Path(__file__).with_name("clock.c")


class Clock:
    """What the processes that are started with its environment take for the time."""

    def __init__(self, trial, seconds=0):
        library = trial.directory / "clock.so"
        if not library.exists():
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, CLOCK, "-ldl"], check=True)
        descriptor, name = tempfile.mkstemp(prefix="ahead-", dir=trial.directory)
        os.close(descriptor)
        self.file = pathlib.Path(name)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_AHEAD": name}
        self.jump(seconds)

    def jump(self, seconds):
        """To so many seconds from now, for processes that run already, too."""
        # In one piece: they read it at any moment.
        written = self.file.with_suffix(".new")
        written.write_text(str(seconds))
        written.replace(self.file)


def shifted(trial, seconds):
    """The environment of a process whose clock is so many seconds ahead."""
    return Clock(trial, seconds).environment


@FAMILY.way("an approval that has expired, and one that has not quite", ("stdio", "stateless"))
def expired(trial):
    for way in WAYS:
        state = trial.folder(way)
        client = trial.client("--approval", way, state=state)
        late = trial.client("--approval", way, state=state, **shifted(trial, 301))
        in_time = trial.client("--approval", way, state=state, **shifted(trial, 240))
        for tool in trial.few:
            added = trial.obtain(client, way, tool.name, tool.arguments, state)
            trial.refused(late.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)
            added = trial.obtain(client, way, tool.name, tool.arguments, state)
            trial.passed(in_time.call(tool.name, {**tool.arguments, **added}))


@FAMILY.way("a clock that was set back to before the approval was asked for", ("stdio", "stateless"))
def set_back(trial):
    for way in WAYS:
        state = trial.folder(way)
        client = trial.client("--approval", way, state=state)
        early = trial.client("--approval", way, state=state, **shifted(trial, -3600))
        for tool in trial.few:
            added = trial.obtain(client, way, tool.name, tool.arguments, state)
            trial.refused(early.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)


@FAMILY.way("a clock that jumps forth and back while the server runs")
def jumping(trial):
    for way in WAYS:
        state, clock = trial.folder(way), Clock(trial)
        client = trial.client("--approval", way, state=state, **clock.environment)
        for tool in trial.few:
            for jumps in ([301], [-3600], [10**9], [3600 - int(time.time())]):
                added = trial.obtain(client, way, tool.name, tool.arguments, state)
                for seconds in [*jumps, 0, 299]:
                    # What has expired once stays expired, whatever the time is then.
                    clock.jump(seconds)
                    trial.refused(client.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)
                clock.jump(0)
            added = trial.obtain(client, way, tool.name, tool.arguments, state)
            trial.passed(client.call(tool.name, {**tool.arguments, **added}))
            for seconds in (-60, -3600, 60, 0):
                clock.jump(seconds)
                trial.refused(client.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)


@FAMILY.way("a person who approves too late", ("stdio", "stateless"))
def approved_late(trial):
    client = trial.client("--approval", "operator")
    tool = trial.tools[0]
    preview = trial.refused(client.call(tool.name, tool.arguments), ASKED)
    trial.expect(not trial.approve(preview.approval, **shifted(trial, 301)), "an expired request was approved")
    trial.refused(client.call(tool.name, tool.arguments), ASKED)


@FAMILY.way("an access token that has expired", ("session", "stateless"))
def expired_token(trial):
    done = trial.run("token", "create", "--name", "short", "--expires", "12h")
    server = trial.serve("--approval", "none", **shifted(trial, 13 * 3600))
    client = server.client(token=done.stdout.strip())
    tool = trial.tools[0]
    trial.refused(client.call(tool.name, tool.arguments), "unauthenticated", "http401", "rpc-32600")


@FAMILY.way("an access token while the clock jumps", ("stateless",))
def jumping_token(trial):
    done, clock = trial.run("token", "create", "--name", "short", "--expires", "12h"), Clock(trial)
    client = trial.serve("--approval", "none", **clock.environment).client(token=done.stdout.strip())
    tool = trial.tools[0]
    for seconds in (13 * 3600, 10**9):
        clock.jump(seconds)
        trial.refused(client.call(tool.name, tool.arguments), "unauthenticated", "http401", "rpc-32600")
        # A clock that was wrong for a while takes no good token away.
        clock.jump(0)
        trial.passed(client.call(tool.name, tool.arguments))
