"""What the operator has stopped, blocked, protected or limited, while everything else is allowed."""

import json

from trial import Family, UNLIMITED

FAMILY = Family("stopping")
WAYS = ("token", "phrase", "operator")
STOPPED = ("kill_switch",)


def throw(trial, which):
    trial.expect(trial.run("kill-switch", "throw", which).returncode == 0, "the switch could not be thrown")


@FAMILY.each([(f"kill switch {which} before anything is asked", which) for which in ("writes", "everything")],
             ("stdio", "stateless", "rest"))
def thrown_before(trial, which):
    throw(trial, which)
    client = trial.client("--approval", "none")
    for tool in trial.lab.catalogue.dangerous:
        trial.refused(client.call(tool.name, tool.arguments), *STOPPED)


@FAMILY.each([(f"kill switch {which} between approval and call", which) for which in ("writes", "everything")])
def thrown_between(trial, which):
    clients = {way: trial.client("--approval", way) for way in WAYS}
    added = {}
    for way, client in clients.items():
        for index, tool in enumerate(trial.few):
            added[way, index] = trial.obtain(client, way, tool.name, tool.arguments)
    throw(trial, which)
    for way, client in clients.items():
        for index, tool in enumerate(trial.few):
            trial.refused(client.call(tool.name, {**tool.arguments, **added[way, index]}), *STOPPED)


@FAMILY.way("kill switch by touching a file of that name")
def touched(trial):
    client = trial.client("--approval", "none")
    (trial.state / "stop-writes").touch()
    for tool in trial.few:
        trial.refused(client.call(tool.name, tool.arguments), *STOPPED)


@FAMILY.way("kill switch thrown while the resource is being read")
def thrown_meanwhile(trial):
    trial.place.meanwhile = lambda *_: (trial.state / "stop-writes").touch()
    for way in WAYS:
        client = trial.client("--approval", way)
        for tool in [tool for tool in trial.lab.catalogue.dangerous if tool.is_shown][:3]:
            (trial.state / "stop-writes").unlink(missing_ok=True)
            trial.refused(client.call(tool.name, tool.arguments), *STOPPED)


@FAMILY.way("kill switch thrown while the resource of an approved call is being read")
def thrown_late(trial):
    for way in WAYS:
        client = trial.client("--approval", way)
        for tool in [tool for tool in trial.lab.catalogue.dangerous if tool.is_shown][:3]:
            trial.place.meanwhile = lambda *_: None
            added = trial.obtain(client, way, tool.name, tool.arguments)
            trial.place.meanwhile = lambda *_: (trial.state / "stop-writes").touch()
            trial.refused(client.call(tool.name, {**tool.arguments, **added}), *STOPPED)
            (trial.state / "stop-writes").unlink()


@FAMILY.way("a state directory whose switches cannot be looked at")
def unreadable(trial):
    client = trial.client("--approval", "none")
    for child in sorted(trial.state.iterdir()):
        child.unlink()
    trial.state.rmdir()
    trial.state.write_text("a file in the place of the directory")
    for tool in trial.few:
        trial.refused(client.call(tool.name, tool.arguments), *STOPPED)


@FAMILY.way("every dangerous tool blocked by the policy file, with --approval none", ("stdio", "stateless", "rest"))
def blocked(trial):
    names = sorted({tool.name for tool in trial.lab.catalogue.dangerous})
    policy = UNLIMITED + "[tools]\n" + "".join(f'"{name}" = "block"\n' for name in names)
    client = trial.client("--approval", "none", policy=policy)
    for tool in trial.lab.catalogue.dangerous:
        trial.refused(client.call(tool.name, tool.arguments), "blocked_by_policy")


@FAMILY.way("a tool blocked by its present name, called by its former one")
def blocked_alias(trial):
    for alias, tool in trial.lab.catalogue.aliases():
        policy = UNLIMITED + f'[tools]\n"{tool.name}" = "block"\n'
        client = trial.client("--approval", "none", policy=policy)
        trial.refused(client.call(alias, tool.arguments), "blocked_by_policy")


@FAMILY.way("a tool blocked between approval and call")
def blocked_between(trial):
    for way in WAYS:
        for tool in trial.few[:3]:
            server = trial.serve("--approval", way)
            added = trial.obtain(server.client(), way, tool.name, tool.arguments)
            policy = UNLIMITED + f'[tools]\n"{tool.name}" = "block"\n'
            client = trial.client("--approval", way, policy=policy)
            # Of a tool that is blocked no token is asked for, so one is an argument too many.
            trial.refused(client.call(tool.name, {**tool.arguments, **added}), "blocked_by_policy", "error")


@FAMILY.way("a harmless tool that the policy file wants confirmed")
def confirmed(trial):
    writes = trial.lab.catalogue.writes[:8]
    policy = UNLIMITED + "[tools]\n" + "".join(f'"{tool.name}" = "confirm"\n' for tool in writes)
    for way in (*WAYS, "ask"):
        client = trial.client("--approval", way, policy=policy)
        for tool in writes:
            trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")
            trial.refused(client.call(tool.name, {**tool.arguments, "confirm_token": "forged"}),
                          "confirmation_mismatch", "error")


# --- protected resources

DOMAIN = "one.example.com"
NUMBER = 11

SPELT_TEXTS = [
    ("in capitals", str.upper), ("with a dot behind", lambda text: text + "."),
    ("with two dots behind", lambda text: text + ".."), ("with a blank before", lambda text: f" {text}"),
    ("with a tab behind", lambda text: f"{text}\t"), ("with a dot and a blank behind", lambda text: f"{text}. "),
    ("percent-encoded", lambda text: text.replace("o", "%6f", 1)), ("in wide letters", lambda text: text.translate(
        {ord(letter): ord(letter) + 0xfee0 for letter in "abcdefghijklmnopqrstuvwxyz"})),
    ("with an ideographic dot", lambda text: text.replace(".", "\u3002")),
    ("with an invisible letter", lambda text: text[:3] + "\u200b" + text[3:]),
    ("with a soft hyphen", lambda text: text[:2] + "\u00ad" + text[2:]),
    ("with a byte order mark", lambda text: "\ufeff" + text), ("with NUL behind", lambda text: text + "\0"),
]
SPELT_NUMBERS = ["11", "11.0", "1.1e1", "110e-1", "1.1E+1", "11.000", "0.11e2"]


def protected(trial, *patterns):
    # Whether a resource is protected may be told only by a read that hands out a credential, which nobody sees.
    trial.place.may_look = True
    policy = UNLIMITED + "[protected]\n"
    policy += "".join(f"{provider} = [{', '.join(repr(str(pattern)) for pattern in patterns)}]\n"
                      for provider in trial.lab.providers)
    return trial.client("--approval", "none", policy=policy)


def naming(trial, value):
    """Dangerous tools and changes whose path names this value."""
    tools = [*trial.lab.catalogue.dangerous, *trial.lab.catalogue.writes]
    return [tool for tool in tools if value in [tool.arguments[name] for name in tool.path_arguments]]


@FAMILY.way("changes of what is protected by its id or name", ("stdio", "stateless"))
def protected_by_name(trial):
    client = protected(trial, DOMAIN, NUMBER)
    for tool in (naming(trial, DOMAIN) + naming(trial, NUMBER))[::3]:
        trial.refused(client.call(tool.name, tool.arguments), "protected_resource")


@FAMILY.each([(f"a protected name {name}", change) for name, change in SPELT_TEXTS], ("stdio", "stateless"))
def protected_text(trial, change):
    client = protected(trial, DOMAIN)
    for tool in naming(trial, DOMAIN)[:4]:
        spelt = {name: change(value) if value == DOMAIN else value for name, value in tool.arguments.items()}
        trial.refused(client.call(tool.name, spelt), "protected_resource", "error")


@FAMILY.way("a protected number written in seven ways", ("stdio",))
def protected_number(trial):
    client = protected(trial, NUMBER)
    for tool in naming(trial, NUMBER)[:12]:
        for text in SPELT_NUMBERS:
            trial.refused(raw_call(client, tool, text), "protected_resource", "error")


def raw_call(client, tool, digits):
    """A call whose numbers are written like this."""
    arguments = json.dumps({**tool.arguments, **{name: "@" for name in tool.path_arguments
                                                 if tool.arguments[name] == NUMBER}}).replace('"@"', digits)
    message = f'{{"jsonrpc":"2.0","id":"{digits}","method":"tools/call","params":{{"name":"{tool.name}",' \
              f'"arguments":{arguments}}}}}'
    return client.answers(message.encode(), None, [digits])[0]


@FAMILY.way("what is protected by a name that only the provider knows")
def protected_by_resource(trial):
    for resource in ({"id": 1, "name": "production-1"}, {"id": 1, "hostname": "PRODUCTION-1"},
                     {"data": {"id": 1, "name": " production-1"}}, {"id": 1, "tags": ["a", "production-x"]}):
        trial.place.resource = resource
        client = protected(trial, "production-*")
        for tool in [tool for tool in trial.lab.catalogue.dangerous if tool.is_shown][::4]:
            trial.refused(client.call(tool.name, tool.arguments), "protected_resource")


@FAMILY.way("what might be protected and cannot be read")
def unseen(trial):
    trial.place.read_status = 500
    client = protected(trial, "production-*")
    for tool in [tool for tool in trial.lab.catalogue.dangerous if tool.is_shown][:2]:
        trial.refused(client.call(tool.name, tool.arguments), "protected_resource")


@FAMILY.way("what became protected between approval and call")
def protected_between(trial):
    for way in WAYS:
        first = trial.client("--approval", way)
        policy = UNLIMITED + "[protected]\n" + "".join(f'{name} = ["*"]\n' for name in trial.lab.providers)
        second = trial.client("--approval", way, policy=policy)
        for tool in trial.few:
            if tool.arguments:
                added = trial.obtain(first, way, tool.name, tool.arguments)
                trial.refused(second.call(tool.name, {**tool.arguments, **added}), "protected_resource")


# --- limits

@FAMILY.way("more changes than are allowed, by two clients and under two names")
def limited(trial):
    policy = "[limits]\nserver = { writes_per_minute = 8 }\n"
    server = trial.serve("--approval", "none", policy=policy)
    clients = [server.client()] if trial.transport == "stdio" else [server.client(), server.client(name="another")]
    tool = trial.tools[0]
    for _ in range(3):
        trial.passed(clients[0].call(tool.name, tool.arguments))
    for _ in range(20):
        for client in clients:
            trial.refused(client.call(tool.name, tool.other), "rate_limited")
