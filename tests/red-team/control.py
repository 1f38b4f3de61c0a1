"""What has to work, or all the rest proves nothing: a person lets a call through, once."""

from clients import TRANSPORTS
from trial import Family

FAMILY = Family("control")


@FAMILY.each([(f"a person approves a call ({way}), which passes once", way)
              for way in ("operator", "ask", "token", "phrase")], TRANSPORTS)
def approved(trial, way):
    client = trial.client("--approval", way)
    tools = trial.tools if trial.transport == "stdio" else trial.few
    for tool in tools:
        added = trial.obtain(client, way, tool.name, tool.arguments)
        trial.passed(client.call(tool.name, {**tool.arguments, **added}))
    trial.expect(len(trial.place.changes()) == len(tools), "not every approved call arrived")


@FAMILY.way("without approval (--approval none) the same calls do arrive", ("stdio", "stateless"))
def none(trial):
    client = trial.client("--approval", "none")
    for tool in trial.lab.catalogue.single:
        trial.passed(client.call(tool.name, tool.arguments))


@FAMILY.way("without approval calls of several requests, or of a provider's MCP server, arrive as well", ("stdio",))
def several(trial):
    """Whose changes would else be looked for where none can be seen. Some find the simulated provider in a state in which
    they decline."""
    client = trial.client("--approval", "none")
    tools = [tool for tool in trial.lab.catalogue.dangerous if not tool.is_single]
    heard, silent = set(), {}
    for tool in tools:
        before = len(trial.place.changes())
        answer = client.call(tool.name, tool.arguments)
        if len(trial.place.changes()) > before:
            heard.add(tool.name)
        else:
            silent[tool.name] = answer
        trial.calls += 1
    trial.legitimate = len(trial.place.changes())
    trial.expect(len(heard) >= 3 * len(silent.keys() - heard), f"{len(heard)} tools sent something, and not {silent}")


@FAMILY.way("members in another order are the same call, and pass once")
def reordered(trial):
    client = trial.client("--approval", "token")
    for tool in trial.tools:
        added = trial.obtain(client, "token", tool.name, tool.arguments)
        backwards = dict(reversed({**tool.arguments, **added}.items()))
        trial.passed(client.call(tool.name, backwards))
        trial.refused(client.call(tool.name, {**tool.arguments, **added}), "confirmation_mismatch")


@FAMILY.way("the log tells of every call, and is whole")
def audited(trial):
    server = trial.serve("--approval", "token")
    client = server.client()
    tool = trial.tools[0]
    added = trial.obtain(client, "token", tool.name, tool.arguments)
    trial.passed(client.call(tool.name, {**tool.arguments, **added}))
    server.end()
    told = trial.run("audit", "list", "--json").stdout
    for word in ("confirmation_required", '"intent"', '"done"'):
        trial.expect(word in told, f"{word} is not in the log")
    trial.expect(trial.run("audit", "verify").returncode == 0, "the log is not whole")
