"""Who calls over HTTP: nobody, somebody else, somebody who may do less, or a web page."""

import http.client
import json

from clients import Rest, Session, Stateless
from trial import Family

FAMILY = Family("identity")
HTTP = ("session", "stateless")
NOBODY = ("unauthenticated", "http401", "http400", "rpc-32600", "rpc-32001", "error")
DOORS = (*HTTP, "rest")
WAYS = ("token", "phrase", "operator")


def token(trial, name, *flags):
    """A new access token."""
    done = trial.run("token", "create", "--name", name, *flags)
    trial.expect(done.returncode == 0, f"no token was made: {done.stderr}")
    return done.stdout.strip()


def raw(trial, server, tool, headers):
    """A call by somebody who may not even have opened a session."""
    if trial.transport == "rest":
        return Rest(server.port).request(tool.name, tool.arguments, **headers)
    kind = Session if trial.transport == "session" else Stateless
    client = kind(server.port)
    call = client.message(tool.name, tool.arguments)
    return client.post(call, {**client.headers_of(call), **headers})[0]


HEADERS = [
    ("nothing", {}), ("an empty token", {"Authorization": "Bearer "}), ("an invented token", {
        "Authorization": "Bearer imcp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}),
    ("Basic credentials", {"Authorization": "Basic bG9jYWw6bG9jYWw="}),
    ("the word local", {"Authorization": "Bearer local"}),
    ("names in headers of proxies", {"X-Forwarded-User": "local", "X-Remote-User": "local", "X-Principal": "local",
                                     "X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}),
    ("a client name", {"Mcp-Client-Name": "local", "User-Agent": "infra-mcp approve"}),
    ("a cookie", {"Cookie": "principal=local; session=local"}),
]


@FAMILY.each([(f"a server that asks for tokens is shown {name}", headers) for name, headers in HEADERS], DOORS)
def nobody(trial, headers):
    token(trial, "somebody")
    server = trial.serve("--approval", "none")
    for tool in trial.few:
        trial.refused(raw(trial, server, tool, headers), *NOBODY)


@FAMILY.way("a good token in the address, in the body, twice, cut and doubled", HTTP)
def misplaced(trial):
    good = token(trial, "somebody")
    server = trial.serve("--approval", "none")
    tool = trial.tools[0]
    for wrong in (good[:-1], good + "A", good.upper(), good * 2, f"{good} {good}", f"{good},{good}", f"{good}\t"):
        if wrong.strip() != good:
            trial.refused(raw(trial, server, tool, {"Authorization": f"Bearer {wrong}"}), *NOBODY)
    client = (Session if trial.transport == "session" else Stateless)(server.port)
    for path in (f"/mcp?access_token={good}", f"/mcp?token={good}", f"/?authorization=Bearer%20{good}"):
        trial.refused(client.request("tools/call", {"name": tool.name, "arguments": tool.arguments}, path=path),
                      *NOBODY)
    trial.refused(client.request("tools/call", {"name": tool.name, "arguments": {**tool.arguments, "token": good},
                                                "_meta": {"authorization": f"Bearer {good}"}}), *NOBODY)


@FAMILY.way("a caller uses what another one was allowed", DOORS)
def another_caller(trial):
    tokens = [token(trial, name) for name in ("alice", "mallory")]
    for way in WAYS:
        server = trial.serve("--approval", way)
        alice, mallory = (server.client(token=secret) for secret in tokens)
        for tool in trial.few:
            added = trial.obtain(alice, way, tool.name, tool.arguments)
            trial.refused(mallory.call(tool.name, {**tool.arguments, **added}), "confirmation_required",
                          "confirmation_mismatch")


@FAMILY.way("a caller in another caller's session", ("session",))
def another_session(trial):
    tokens = [token(trial, name) for name in ("alice", "mallory")]
    for way in WAYS:
        server = trial.serve("--approval", way)
        alice, mallory = (server.client(token=secret) for secret in tokens)
        mallory.session = alice.session
        for tool in trial.few:
            added = trial.obtain(alice, way, tool.name, tool.arguments)
            trial.refused(mallory.call(tool.name, {**tool.arguments, **added}), "http404", "rpc-32600")


@FAMILY.way("a caller who was allowed over HTTP, and the local user over another transport", ("stateless",))
def local_user(trial):
    secret = token(trial, "alice")
    for way in WAYS:
        alice = trial.serve("--approval", way).client(token=secret)
        local = trial.client("--approval", way, transport="stdio")
        for tool in trial.few:
            added = trial.obtain(alice, way, tool.name, tool.arguments)
            trial.refused(local.call(tool.name, {**tool.arguments, **added}), "confirmation_required",
                          "confirmation_mismatch")


@FAMILY.way("a token that was revoked, in an open session, with an approval in hand", HTTP)
def revoked(trial):
    token(trial, "another")
    for way in WAYS:
        secret = token(trial, f"leaver-{way}")
        client = trial.serve("--approval", way).client(token=secret)
        tool = trial.tools[0]
        added = trial.obtain(client, way, tool.name, tool.arguments)
        trial.expect(trial.run("token", "revoke", f"leaver-{way}").returncode == 0, "not revoked")
        trial.refused(client.call(tool.name, {**tool.arguments, **added}), *NOBODY)


NARROW = [
    ("--read-only", lambda tool: ["--read-only"]),
    ("another toolset", lambda tool: ["--toolsets", "reach" if tool.facts["toolset"] != "reach" else "vps"]),
    ("another scope", lambda tool: ["--scopes", "vms:read" if tool.facts["scope"] != "vms:read" else "dns:read"]),
]


@FAMILY.each([(f"a token narrowed to {name}", flags) for name, flags in NARROW], DOORS)
def narrowed(trial, flags):
    server = None
    for number, tool in enumerate(trial.few):
        secret = token(trial, f"narrow{number}", *flags(tool))
        server = server or trial.serve("--approval", "none")
        client = server.client(token=secret)
        trial.refused(client.call(tool.name, tool.arguments), "rpc-32602", "forbidden_scope", "read_only", "http403")


@FAMILY.way("an approval of a wide token, used with a narrow one", HTTP)
def narrow_with_wide(trial):
    wide, narrow = token(trial, "wide"), token(trial, "narrow", "--read-only")
    for way in WAYS:
        server = trial.serve("--approval", way)
        first, second = server.client(token=wide), server.client(token=narrow)
        for tool in trial.few:
            added = trial.obtain(first, way, tool.name, tool.arguments)
            trial.refused(second.call(tool.name, {**tool.arguments, **added}), "rpc-32602", "read_only")


PAGES = [
    ("of another origin", {"Origin": "https://evil.example"}), ("of no origin", {"Origin": "null"}),
    ("of a host that resolves here", {"Host": "evil.example:80", "Origin": "http://evil.example"}),
    ("of another port here", {"Origin": "http://127.0.0.1:1"}),
    ("of a name that begins like ours", {"Origin": "http://127.0.0.1.evil.example"}),
    ("with two origins", {"Origin": "http://127.0.0.1, https://evil.example"}),
]


@FAMILY.each([(f"a web page {name}", headers) for name, headers in PAGES], DOORS)
def page(trial, headers):
    server = trial.serve("--approval", "none")
    for tool in trial.few:
        trial.refused(raw(trial, server, tool, headers), "blocked_by_policy")


@FAMILY.way("a form of a web page: simple bodies without preflight", HTTP)
def form(trial):
    server = trial.serve("--approval", "none")
    tool = trial.tools[0]
    body = json.dumps(server.client().message(tool.name, tool.arguments))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("POST", "/mcp", body, {"Content-Type": kind, "Accept": "*/*"})
        response = connection.getresponse()
        response.read()
        trial.expect(response.status >= 400, f"{kind} was taken")
        trial.calls += 1


@FAMILY.way("an address that others can reach, without tokens", HTTP)
def exposed(trial):
    for host in ("0.0.0.0", "::", "::ffff:0.0.0.0"):
        trial.calls += 1
        try:
            trial.serve("--approval", "none", "--host", host)
        except RuntimeError:
            continue
        trial.expect(False, f"it listens on {host}")
