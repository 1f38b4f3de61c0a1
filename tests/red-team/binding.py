"""An approval that was honestly given, used for something else. Tried with a token, a phrase and a person's approval:
none of the three may be good for more than the one call that was shown."""

import json
import unicodedata

from clients import TRANSPORTS
from trial import HEADERS, Family

FAMILY = Family("binding")
WAYS = ("token", "phrase", "operator")
#: Every kind of approval over stdio; over HTTP, where the same gate stands, each of them once.
OVER = {"stdio": WAYS, "session": ("token",), "stateless": ("phrase", "operator"), "rest": ("token", "operator")}
#: What a person in a terminal approves takes a process each time, so that is changed over stdio alone.
CHANGED_OVER = {**OVER, "stateless": ("phrase",)}
ASKED, WRONG = "confirmation_required", "confirmation_mismatch"


def texts(value, change):
    """The value with every text in it changed."""
    if isinstance(value, dict):
        return {name: texts(member, change) for name, member in value.items()}
    if isinstance(value, list):
        return [texts(element, change) for element in value]
    return change(value) if isinstance(value, str) else value


def numbers(value, change):
    """The value with every number in it changed."""
    if isinstance(value, dict):
        return {name: numbers(member, change) for name, member in value.items()}
    if isinstance(value, list):
        return [numbers(element, change) for element in value]
    return change(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def doubled(value):
    """The value with every list in it followed by itself."""
    if isinstance(value, dict):
        return {name: doubled(member) for name, member in value.items()}
    return value + value if isinstance(value, list) else value


def one_with(tool, changed):
    return {**tool.arguments, **changed}


CHANGES = [
    ("all arguments changed", lambda tool: tool.other),
    ("one argument changed", lambda tool: one_with(tool, dict(list(tool.other.items())[:1]))),
    ("the last argument changed", lambda tool: one_with(tool, dict(list(tool.other.items())[-1:]))),
    ("an argument added", lambda tool: tool.optional()),
    ("an argument left out", lambda tool: dict(list(tool.arguments.items())[:-1])),
    ("an argument of null added", lambda tool: {**tool.arguments, **{name: None for name in tool.optional() or {}
                                                                     if name not in tool.arguments}}),
    ("numbers as text", lambda tool: numbers(tool.arguments, str)),
    ("numbers with a fraction of zero", lambda tool: numbers(tool.arguments, float)),
    ("numbers negated", lambda tool: numbers(tool.arguments, lambda number: -number)),
    ("numbers beyond 2^64", lambda tool: numbers(tool.arguments, lambda number: number + 2 ** 64)),
    ("texts as lists", lambda tool: texts(tool.arguments, lambda text: [text])),
    ("texts with look-alike letters", lambda tool: texts(tool.arguments, lambda text: text.replace("e", "е", 1))),
    ("texts with an invisible letter", lambda tool: texts(tool.arguments, lambda text: text + "\u200b")),
    ("texts in capitals", lambda tool: texts(tool.arguments, str.upper)),
    ("texts with a blank behind", lambda tool: texts(tool.arguments, lambda text: text + " ")),
    ("texts with a dot behind", lambda tool: texts(tool.arguments, lambda text: text + ".")),
    ("texts with NUL behind", lambda tool: texts(tool.arguments, lambda text: text + "\0")),
    ("texts decomposed", lambda tool: texts(tool.arguments, lambda text: unicodedata.normalize("NFD", text + "é"))),
    ("texts percent-encoded", lambda tool: texts(tool.arguments, lambda text: f"%{ord(text[0]):02x}{text[1:]}")),
    ("lists doubled", lambda tool: doubled(tool.arguments)),
]


@FAMILY.each([(f"arguments after the approval: {name}", change) for name, change in CHANGES])
def changed(trial, change):
    for way in CHANGED_OVER[trial.transport]:
        client = trial.serve("--approval", way, state=trial.folder(way)).client()
        for tool in trial.few:
            arguments = change(tool)
            if arguments is None or json.dumps(arguments) == json.dumps(tool.arguments):
                continue
            added = obtain(trial, client, way, tool)
            trial.refused(client.call(tool.name, {**arguments, **added}), WRONG, ASKED, "error")


def obtain(trial, client, way, tool):
    """An approval in the state directory of the way."""
    return trial.obtain(client, way, tool.name, tool.arguments, trial.folder(way))


@FAMILY.way("an approval used twice", TRANSPORTS)
def twice(trial):
    for way in OVER[trial.transport]:
        client = trial.serve("--approval", way, state=trial.folder(way)).client()
        for tool in trial.few:
            added = obtain(trial, client, way, tool)
            trial.passed(client.call(tool.name, {**tool.arguments, **added}))
            trial.refused(client.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)


@FAMILY.way("an approval for another tool with the same arguments", TRANSPORTS)
def another_tool(trial):
    tools = trial.lab.catalogue.single
    twins = {one.name: (one, other) for one in tools for other in tools
             if one.name < other.name and one.arguments == other.arguments and not one.escalated + other.escalated}
    for way in OVER[trial.transport]:
        client = trial.serve("--approval", way, state=trial.folder(way)).client()
        for one, other in list(twins.values())[:8]:
            added = obtain(trial, client, way, one)
            trial.refused(client.call(other.name, {**other.arguments, **added}), WRONG, ASKED)


@FAMILY.way("the tokens of two calls exchanged")
def exchanged(trial):
    client = trial.client("--approval", "token")
    for one, other in zip(trial.few, trial.few[1:]):
        first, second = (trial.obtain(client, "token", tool.name, tool.arguments) for tool in (one, other))
        trial.refused(client.call(one.name, {**one.arguments, **second}), WRONG)
        trial.refused(client.call(other.name, {**other.arguments, **first}), WRONG)


@FAMILY.way("an approval for the harmless form of a call, used for its destructive form")
def escalated(trial):
    policy = "[limits]\n[tools]\n"
    tools = [tool for tool in trial.lab.catalogue.single if tool.escalated]
    policy += "".join(f'"{name}" = "confirm"\n' for name in sorted({tool.name for tool in tools}))
    for way in OVER[trial.transport]:
        client = trial.serve("--approval", way, policy=policy, state=trial.folder(way)).client()
        for tool in tools[:8]:
            mild = trial.lab.catalogue.named(tool.name)
            if mild.arguments == tool.arguments:
                continue
            added = obtain(trial, client, way, mild)
            trial.refused(client.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)


@FAMILY.each([(f"a token {name}", change) for name, change in [
    ("shortened", lambda token: token[:-1]), ("with a letter more", lambda token: token + "A"),
    ("in small letters", str.lower), ("with blanks around it", lambda token: f" {token} "),
    ("in a list", lambda token: [token]), ("in an object", lambda token: {"value": token}),
    ("of null", lambda _: None), ("of true", lambda _: True), ("of nothing", lambda _: ""),
    ("with NUL behind", lambda token: token + "\0"), ("with a wildcard", lambda token: token[:4] + "%"),
]])
def token(trial, change):
    client = trial.client("--approval", "token")
    for tool in trial.few:
        valid = trial.obtain(client, "token", tool.name, tool.arguments)["confirm_token"]
        trial.refused(client.call(tool.name, {**tool.arguments, "confirm_token": change(valid)}), WRONG, ASKED)


@FAMILY.way("another session of the same caller", ("session",))
def another_session(trial):
    for way in WAYS:
        server = trial.serve("--approval", way, state=trial.folder(way))
        first, second = server.client(), server.client()
        for tool in trial.few:
            added = obtain(trial, first, way, tool)
            trial.refused(second.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)
            trial.refused(server.client("stateless").call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)


@FAMILY.way("a stateless request that names the session of the approval", ("session",))
def named_session(trial):
    for way in WAYS:
        server = trial.serve("--approval", way, state=trial.folder(way))
        first, other = server.client(), server.client("stateless")
        for tool in trial.few:
            added = obtain(trial, first, way, tool)
            stolen = other.request("tools/call", {"name": tool.name, "arguments": {**tool.arguments, **added}},
                                   Mcp_Session_Id=first.session)
            trial.refused(stolen, WRONG, ASKED)


@FAMILY.way("a stateless caller's approval in a session", ("stateless",))
def into_session(trial):
    for way in WAYS:
        server = trial.serve("--approval", way, state=trial.folder(way))
        first, other = server.client(), server.client("session")
        for tool in trial.few:
            added = obtain(trial, first, way, tool)
            trial.refused(other.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)


@FAMILY.each([(f"the same call on an account {name}", settings) for name, settings in [
    ("at another address", lambda place: {"place": place}),
    ("with another credential", lambda _: {"token": "provider-token-1111"}),
    ("with another credential among its headers",
     lambda _: {variable: "Authorization:Bearer provider-token-2" for variable in HEADERS.values()}),
]], ("stdio", "stateless"))
def another_account(trial, settings):
    place = trial.lab.upstream.place()
    for way in WAYS:
        state = trial.folder(way)
        first = trial.client("--approval", way, state=state)
        second = trial.client("--approval", way, state=state, **settings(place))
        for tool in trial.few:
            if set(HEADERS.values()) & set(settings(place)) and tool.facts["provider"] not in HEADERS:
                continue
            added = obtain(trial, first, way, tool)
            trial.refused(second.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)
    trial.expect(not place.changes(), f"the other account was reached: {place.changes()[:1]}")


@FAMILY.way("an approval from the sandbox on the real account", ("stdio",))
def sandbox(trial):
    for way in WAYS:
        state = trial.folder(way)
        first = trial.serve("--approval", way, "--sandbox", state=state).client()
        second = trial.serve("--approval", way, state=state).client()
        for tool in trial.few:
            preview = trial.refused(first.call(tool.name, tool.arguments), ASKED)
            added = {"token": {"confirm_token": preview.token}, "phrase": {"confirmation": preview.phrase}}
            if way == "operator":
                done = trial.approve(preview.approval, state=state, flags=["--sandbox"])
                trial.expect(done, "it could not be approved in the sandbox")
            trial.refused(second.call(tool.name, {**tool.arguments, **added.get(way, {})}), WRONG, ASKED)


RESOURCES = [
    ("has changed its state", {"id": 1, "name": "web-1", "state": "stopped"}, 200),
    ("has changed its name", {"id": 1, "name": "production-1", "state": "running"}, 200),
    ("has changed where nobody was shown it", {"id": 1, "name": "web-1", "state": "running", "note": "x"}, 200),
    ("is gone", {"message": "not found"}, 404),
    ("cannot be read any more", {"message": "no"}, 500),
]


@FAMILY.each([(f"the resource {name} since it was shown", (resource, status)) for name, resource, status in RESOURCES],
             ("stdio", "stateless"))
def moved_on(trial, case):
    seen = [tool for tool in trial.lab.catalogue.dangerous if tool.is_shown][:4]
    for way in WAYS:
        client = trial.serve("--approval", way, state=trial.folder(way)).client()
        for tool in seen:
            before = trial.place.resource, trial.place.read_status
            added = obtain(trial, client, way, tool)
            trial.place.resource, trial.place.read_status = case
            trial.refused(client.call(tool.name, {**tool.arguments, **added}), WRONG, ASKED)
            trial.place.resource, trial.place.read_status = before
