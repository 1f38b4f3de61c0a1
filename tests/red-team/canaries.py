"""Secrets in arguments and answers: a value that must be found nowhere but at the provider."""

import re

from catalogue import fitted
from instances import instance, steps
from trial import Family, TOKEN

FAMILY = Family("canaries")
CANARY = "Canary-7f3e-Pa55word!"


def passwords(schema, root, before=""):
    """The paths of all arguments whose format is `password`."""
    if schema.get("format") == "password":
        yield before
    for name, member in schema.get("properties", {}).items():
        yield from passwords(member, root, f"{before}.{name}" if before else name)
    if "items" in schema:
        yield from passwords(schema["items"], root, f"{before}[]")


def secrets(trial):
    """Every tool with every argument of it that carries a secret, and what the canary is put into."""
    for facts in trial.lab.catalogue.facts.values():
        schema = facts["inputSchema"]
        marked = set(facts["secretArguments"])
        unmarked = set(passwords(schema, schema)) - marked
        trial.expect(not unmarked, f"{facts['name']}: {unmarked} are passwords and not marked as secrets")
        for path in sorted(marked | unmarked):
            yield facts, path


def arguments(facts, path, value):
    """Valid arguments with the value in that place, or in a member of what has to be an object."""
    there = instance(facts["inputSchema"], path=steps(path))
    for step in steps(path):
        there = there[step.rstrip("[]")]
        for _ in range(step.count("[]")):
            there = there[0]
    put = {"secret": value} if isinstance(there, dict) and isinstance(value, str) else value
    return fitted(facts, instance(facts["inputSchema"], path=steps(path), put=put), 0)


def seen(trial, *answers):
    """The canary must not stand in these answers."""
    for answer in answers:
        trial.calls += 1
        trial.expect(CANARY not in answer.text, f"an answer tells the secret: {answer.text[:300]}")


def kept(trial, *words, traced=True):
    """None of the words may stand in a log, in the state directory, or in what the commands show."""
    for server in trial.servers:
        server.end()
    shown = {f"audit {word}": trial.run("audit", *word.split()).stdout for word in ("list", "list --json", "export")}
    shown["approve"] = trial.run("approve").stdout
    places = {name: text.encode() for name, text in shown.items()}
    files = [*(server.log for server in trial.servers), *(file for file in trial.state.rglob("*") if file.is_file())]
    places.update({file.name: file.read_bytes() for file in files})
    trial.expect(len(shown["audit export"]) > 100, "the log is empty, so nothing is proved")
    trial.expect(not traced or all(server.log.stat().st_size > 100 for server in trial.servers), "there is no trace")
    for name, text in places.items():
        for word in words:
            trial.expect(word.encode() not in text, f"{name} tells the secret {word[:12]}...")


@FAMILY.way("in previews, and in what a person is shown")
def previewed(trial):
    client = trial.client("--approval", "operator", "--log", "trace")
    for facts, path in secrets(trial):
        answer = client.call(facts["call"]["tool"], arguments(facts, path, CANARY))
        seen(trial, answer)
        trial.legitimate += answer.kind == "done"
        trial.expect(answer.kind in ("done", "confirmation_required"), f"{facts['name']}: {answer!r}")
        if answer.approval:
            shown = trial.run("approve", answer.approval)
            trial.expect(CANARY not in shown.stdout + shown.stderr, f"{facts['name']}: a person is shown the secret")
    kept(trial, CANARY, TOKEN)


@FAMILY.way("in phrases")
def phrases(trial):
    client = trial.client("--approval", "phrase", "--log", "trace")
    for facts, path in secrets(trial):
        answer = client.call(facts["call"]["tool"], arguments(facts, path, CANARY))
        seen(trial, answer)
        trial.legitimate += answer.kind == "done"
    kept(trial, CANARY, TOKEN)


@FAMILY.way("in calls that are carried out")
def carried_out(trial):
    client = trial.client("--approval", "none", "--log", "trace")
    for facts, path in secrets(trial):
        seen(trial, trial.passed(client.call(facts["call"]["tool"], arguments(facts, path, CANARY))))
    kept(trial, CANARY, TOKEN)


@FAMILY.way("in errors of the provider, which repeat the whole request")
def repeated(trial):
    trial.place.echo = True
    client = trial.client("--approval", "none", "--log", "trace")
    for facts, path in secrets(trial):
        answer = client.call(facts["call"]["tool"], arguments(facts, path, CANARY))
        trial.legitimate += 1
        trial.expect("422" in answer.text, f"{facts['name']}: {answer!r}")
        seen(trial, answer)
    kept(trial, CANARY, TOKEN)


@FAMILY.way("in arguments that are wrong: of another type, too long, or under another name")
def invalid(trial):
    client = trial.client("--approval", "operator", "--log", "trace")
    for facts, path in secrets(trial):
        right = fitted(facts, instance(facts["inputSchema"]), 0)
        last = path.split(".")[-1].rstrip("[]")
        for wrong in (arguments(facts, path, [CANARY]), arguments(facts, path, {"value": CANARY}),
                      arguments(facts, path, CANARY * 20_000),
                      {**right, f"{last}_": CANARY}, {**right, last.upper(): CANARY},
                      {**arguments(facts, path, CANARY), "unknown": True}):
            answer = client.call(facts["call"]["tool"], wrong)
            trial.legitimate += answer.kind == "done"
            seen(trial, answer)
    kept(trial, CANARY, TOKEN)


@FAMILY.way("the tokens of approvals, of callers and of the provider")
def tokens(trial):
    caller = trial.run("token", "create", "--name", "somebody").stdout.strip()
    server = trial.serve("--approval", "token", "--log", "trace")
    client = server.client() if trial.transport == "stdio" else server.client(token=caller)
    given = [trial.obtain(client, "token", tool.name, tool.arguments)["confirm_token"] for tool in trial.tools]
    tool = trial.tools[-1]
    trial.passed(client.call(tool.name, {**tool.arguments, "confirm_token": given[-1]}))
    client.call(tool.name, {**tool.arguments, "confirm_token": given[0]})
    client.call("no_such_tool", {"confirm_token": given[0]})
    kept(trial, caller, TOKEN, *given)


def revealing(paths):
    """An answer with the canary in all these places (`a.b`, `list[].c`, `[].d`)."""
    answer = None
    for path in paths:
        made = CANARY
        for step in reversed(re.findall(r"[^.\[\]]+|\[\]", path)):
            made = [made] if step == "[]" else {step: made}
        answer = made if answer is None else merged(answer, made)
    return answer


def merged(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        both = {name: merged(one[name], other[name]) for name in one.keys() & other.keys()}
        return {**one, **other, **both}
    if isinstance(one, list) and isinstance(other, list):
        return [merged(one[0], other[0])]
    return other


@FAMILY.each([(f"in answers, with --log {level}", level) for level in ("error", "warn", "info", "debug", "trace")],
             ("stdio", "stateless"))
def answered(trial, level):
    """Whoever lacks the scope sees no credential, be it approved or not; nothing else keeps one either."""
    server = trial.serve("--approval", "none", "--log", level)
    client = server.client()
    told = 0
    for facts in trial.lab.catalogue.facts.values():
        if not facts["secretResults"]:
            continue
        trial.place.told = revealing(facts["secretResults"])
        tool = trial.lab.catalogue.named(facts["call"]["tool"])
        answer = client.call(tool.name, tool.arguments)
        trial.legitimate = len(trial.place.changes())
        seen(trial, answer)
        told += "[withheld]" in answer.text
        trial.expect(answer.kind == "done", f"{tool.name}: {answer!r}")
    trial.expect(told > 10, f"only {told} answers held a credential, so little is proved")
    server.end()
    trial.expect("[withheld]" not in trial.run("audit", "export").stdout, "answers stand in the log")
    kept(trial, CANARY, TOKEN, traced=level in ("debug", "trace"))


@FAMILY.way("in the arguments of every tool, with --log error to trace", ("stdio",))
def every_level(trial):
    for level in ("error", "warn", "info", "debug", "trace"):
        client = trial.client("--approval", "none", "--log", level)
        for facts, path in secrets(trial):
            seen(trial, trial.passed(client.call(facts["call"]["tool"], arguments(facts, path, CANARY))))
    kept(trial, CANARY, TOKEN, traced=False)
