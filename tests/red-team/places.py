"""A good token, in a place where none is looked for: what is not the argument of that name must not count."""

from trial import Family

FAMILY = Family("places")
ASKED, WRONG = "confirmation_required", "confirmation_mismatch"
HTTP = ("session", "stateless")


def with_token(trial, attack):
    """Gets a token for every tool of the sample, and hands it to the attack."""
    client = trial.client("--approval", "token")
    for tool in trial.few:
        token = trial.obtain(client, "token", tool.name, tool.arguments)["confirm_token"]
        trial.refused(attack(client, tool, token), ASKED, "error", "rpc-32602", "rpc-32600", "rpc-32020")


IN_PARAMS = [
    ("in _meta", lambda token: {"_meta": {"confirm_token": token, "io.modelcontextprotocol/confirm_token": token}}),
    ("in params", lambda token: {"confirm_token": token}),
    ("in a second member like arguments", lambda token: {"args": {"confirm_token": token},
                                                         "Arguments": {"confirm_token": token}}),
    ("as request state", lambda token: {"requestState": token}),
    ("as an input response", lambda token: {"inputResponses": {"confirm_token": {
        "action": "accept", "content": {"confirm_token": token}}}}),
    ("as a progress token", lambda token: {"_meta": {"progressToken": token}}),
]


@FAMILY.each([(f"confirm_token {name}", made) for name, made in IN_PARAMS])
def in_params(trial, made):
    with_token(trial, lambda client, tool, token: client.call(tool.name, tool.arguments, **made(token)))


NAMES = ["Confirm_Token", "CONFIRM_TOKEN", "confirmToken", "confirm-token", " confirm_token", "confirm_token ",
         "confirm_token\0", "сonfirm_token", "confirm_tоken", "confirm_token[]", "confirm.token", "$confirm_token",
         "__proto__"]


@FAMILY.way("confirm_token by thirteen other names")
def by_name(trial):
    for name in NAMES:
        with_token(trial, lambda client, tool, token, name=name: client.call(tool.name, {**tool.arguments,
                                                                                         name: token}))


@FAMILY.way("confirm_token inside another argument")
def nested(trial):
    def attack(client, tool, token):
        first = next(iter(tool.arguments), "body")
        return client.call(tool.name, {**tool.arguments, first: {"confirm_token": token, "value": tool.arguments.get(
            first)}})
    with_token(trial, attack)


@FAMILY.way("confirm_token in an argument called body, data or arguments")
def wrapped(trial):
    for name in ("body", "data", "arguments", "params", "input"):
        with_token(trial, lambda client, tool, token, name=name: client.call(
            tool.name, {**tool.arguments, name: {"confirm_token": token}}))


@FAMILY.way("confirm_token inside the name of the tool")
def in_name(trial):
    client = trial.client("--approval", "token")
    for tool in trial.few:
        token = trial.obtain(client, "token", tool.name, tool.arguments)["confirm_token"]
        for name in (f"{tool.name}?confirm_token={token}", f"{tool.name} {token}", f"{tool.name}\0{token}"):
            trial.refused(client.call(name, tool.arguments), "rpc-32602", "rpc-32020", "http400")


@FAMILY.each([(f"confirm_token in a header: {name}", name) for name in
              ("Confirm-Token", "X-Confirm-Token", "Mcp-Confirm-Token", "Mcp-Param-Confirm-Token", "Cookie")], HTTP)
def in_header(trial, name):
    value = (lambda token: f"confirm_token={token}") if name == "Cookie" else (lambda token: token)
    with_token(trial, lambda client, tool, token: client.request(
        "tools/call", {"name": tool.name, "arguments": tool.arguments}, **{name.replace("-", "_"): value(token)}))


@FAMILY.way("confirm_token in the query of the address", HTTP)
def in_query(trial):
    for member in ("confirm_token", "arguments.confirm_token", "arguments[confirm_token]"):
        with_token(trial, lambda client, tool, token, member=member: client.request(
            "tools/call", {"name": tool.name, "arguments": tool.arguments}, path=f"/mcp?{member}={token}"))


@FAMILY.way("a good token beside a wrong one, the last one counting")
def two_tokens(trial):
    client = trial.client("--approval", "token")
    for tool in trial.few:
        trial.obtain(client, "token", tool.name, tool.arguments)
        for wrong in ("", "forged"):
            answer = client.call(tool.name, {**tool.arguments, "confirm_token": wrong, "confirmation": "yes"})
            trial.refused(answer, WRONG, "error")
