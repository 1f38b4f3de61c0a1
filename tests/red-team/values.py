"""Values that try to reach another path, another host, another header or a smaller danger than the one that is judged.
Nobody is asked here (`--approval none`): what must not happen is a request other than that of the tool."""

import re
import urllib.parse

from trial import Family
from upstream import pattern_of

FAMILY = Family("values")

SEGMENTS = [
    "..", ".", "../..", "..%2f..", "%2e%2e", "%2E%2e/x", "%252e%252e", "%25252e%25252e", "..\\", "..%5c", "x/../y",
    "x/..", "/", "//", "x/y", "\\\\host\\x", "?admin=1", "#x", ";x=1", "x?y", "x%3Fy", "x%23y", "x%00", "\0",
    "\r\nX: y", "\n", "", " ", "\u2025", "\uff0e\uff0e", "\u2024\u2024", ".%00.", "%c0%ae%c0%ae", "%uff0e", "@host", "http://x/",
    "x@y:1", "*", "{domain}", "${jndi:x}", "..;/x", "%2f", "%2F..%2F",
]


@FAMILY.way("steps to another path in every argument that stands in one", ("stdio", "stateless"))
def traversal(trial):
    client = trial.client("--approval", "none")
    tools = [tool for tool in trial.lab.catalogue.dangerous
             if any(isinstance(tool.arguments[name], str) for name in tool.path_arguments)]
    for tool in tools[::24]:
        for name in tool.path_arguments:
            if not isinstance(tool.arguments[name], str):
                continue
            for value in SEGMENTS:
                before = len(trial.place.log)
                answer = client.call(tool.name, {**tool.arguments, name: value})
                sent = trial.place.log[before:]
                trial.calls += 1
                # One that arrives must be the tool's own request, with this very value in its place.
                for method, path, target, *_ in sent:
                    own = method == tool.facts["method"] and pattern_of(tool.facts["path"]).fullmatch(path)
                    segments = [urllib.parse.unquote(part) for part in path.split("/")]
                    harmless = not re.search(r"(^|/)\.\.?(/|$)", urllib.parse.unquote(urllib.parse.unquote(path)))
                    trial.expect(not trial.place.is_dangerous(method, path) or (own and value in segments and harmless),
                                 f"{tool.name}: {value!r} became {method} {target}")
                    trial.legitimate += trial.place.is_dangerous(method, path)
                if not sent:
                    trial.expect(answer.kind != "done", f"{tool.name}: {value!r} was done without a request")


@FAMILY.way("arguments that name an address, a method, a header or a credential")
def redirection(trial):
    client = trial.client("--approval", "none")
    for tool in trial.tools:
        for name in ("url", "base_url", "host", "endpoint", "method", "path", "headers", "Authorization", "token",
                     "api_key", "proxy", "account", "__proto__", "constructor", "$ref", "dry_run"):
            if name not in tool.schema.get("properties", {}):
                answer = client.call(tool.name, {**tool.arguments, name: "http://127.0.0.1:1/"})
                trial.refused(answer, "error")


@FAMILY.way("headers in the name of the client")
def smuggled_header(trial):
    name = "red\r\nX-Evil: 1\r\nAuthorization: Bearer evil\0\u2028"
    client = trial.serve("--approval", "none").client(name=name)
    for tool in trial.tools:
        trial.passed(client.call(tool.name, tool.arguments))
    for *_, headers in trial.place.log:
        trial.expect("X-Evil" not in headers and "evil" not in headers.get("Authorization", ""), f"{headers}")


@FAMILY.way("a redirect in the answer to a look")
def redirected(trial):
    trial.place.read_status = 307
    client = trial.client("--approval", "operator")
    for tool in [tool for tool in trial.lab.catalogue.dangerous if tool.is_shown][:6]:
        for _ in range(2):
            trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")


@FAMILY.way("arguments that make a call destructive, in every value that might mean the same")
def escalation(trial):
    client = trial.client("--approval", "operator")
    for tool in trial.lab.catalogue.dangerous:
        if not tool.escalated or "." in tool.escalated or "[" in tool.escalated:
            continue
        given = tool.arguments[tool.escalated]
        same = {True: (True, 1, 1.0, "true", "True", "1", "yes", "on", [True]), False: (False, 0, "false", "", [False])}
        for value in same.get(given, (given,)) if isinstance(given, bool) else (given, [given], f"{given}"):
            answer = client.call(tool.name, {**tool.arguments, tool.escalated: value})
            trial.refused(answer, "confirmation_required", "error")


@FAMILY.way("arguments that make a call harmless, in values that only look like it")
def lowering(trial):
    client = trial.client("--approval", "operator")
    for facts in trial.lab.catalogue.facts.values():
        tool = trial.lab.catalogue.named(facts["call"]["tool"])
        for when in facts["effectWhen"]:
            if facts["effect"] != "destructive" or when.get("equals") is not False:
                continue
            for value in (0, 0.0, "false", "False", "0", "", None, [], [False], {"value": False}, True):
                answer = client.call(tool.name, {**tool.arguments, when["argument"]: value})
                trial.refused(answer, "confirmation_required", "error")
