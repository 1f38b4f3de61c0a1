"""Tools that the operator has left out, by every name that might still find them."""

import unicodedata

from clients import TRANSPORTS
from trial import Family

FAMILY = Family("hidden")
UNKNOWN = ("rpc-32602", "rpc-32020", "http400")
#: Whoever gets that far is refused by policy; a tool that is not served does not even exist.
GONE = (*UNKNOWN, "read_only", "blocked_by_policy")


def spellings(name):
    """The name in every way that somebody might take for the same."""
    yield from (name, name.lower(), name.upper(), name.swapcase(), f" {name}", f"{name} ", f"{name}\t", f"{name}\n",
                f"\n{name}", f"{name}\0", f"\0{name}", f"{name}\u200b", f"\ufeff{name}", f"{name}\u00ad",
                name.replace("e", "е"), name.replace("_", "-"), name.replace("_", "."), name.replace("_", "＿"),
                name.replace("_", ""), name.replace("V1", ""), f"./{name}", f"../{name}", f"/{name}", f"{name}/",
                f"{name};", f"{name}\u0301", unicodedata.normalize("NFKD", f"{name}ﬁ"), f"hostinger_{name}",
                f"hostinger/{name}", f"hostinger.{name}", f"mcp__hostinger__{name}", f"{name}#1", f"{name}?x=1",
                f"{name},{name}", f'"{name}"', name.encode().hex(), name[::-1], name + name)


@FAMILY.way("every dangerous tool under --read-only, with --access full beside it", TRANSPORTS)
def read_only(trial):
    client = trial.client("--read-only", "--approval", "none")
    for tool in trial.lab.catalogue.dangerous:
        trial.refused(client.call(tool.name, tool.arguments), *GONE)


@FAMILY.way("every dangerous tool under --access read and write", ("stateless",))
def access(trial):
    for level in ("read", "write"):
        client = trial.client("--approval", "none", access=level)
        for tool in trial.lab.catalogue.dangerous:
            trial.refused(client.call(tool.name, tool.arguments), *GONE)


@FAMILY.each([(f"forty spellings of a hidden name ({way})", flags) for way, flags in [
    ("--read-only", lambda tool: ["--read-only"]),
    ("--exclude-tools", lambda tool: ["--exclude-tools", tool.name]),
]], TRANSPORTS)
def spelt(trial, flags):
    for tool in trial.few[:3]:
        client = trial.client("--approval", "none", "--toolsets", tool.facts["toolset"], *flags(tool))
        for name in spellings(tool.name):
            trial.refused(client.call(name, tool.arguments), *GONE)


@FAMILY.way("forty spellings of a served name reach it only by its own")
def spelt_but_served(trial):
    for tool in trial.few[:3]:
        # Few tools, among which a name that was probably meant is soon found.
        client = trial.client("--approval", "operator", "--toolsets", tool.facts["toolset"])
        for name in spellings(tool.name):
            trial.refused(client.call(name, tool.arguments), "confirmation_required", *UNKNOWN)


@FAMILY.way("former names of what is hidden, and present ones of what was hidden by its former name")
def aliases(trial):
    for alias, tool in trial.lab.catalogue.aliases():
        for flags in (["--read-only"], ["--exclude-tools", tool.name], ["--exclude-tools", alias]):
            if flags == ["--read-only"] and tool.facts["effect"] == "read":
                continue
            client = trial.client("--approval", "none", *flags)
            for name in (alias, tool.name, alias.upper(), f"{alias} "):
                trial.refused(client.call(name, tool.arguments), *GONE)


@FAMILY.way("tools outside of --toolsets")
def toolsets(trial):
    for tool in trial.few:
        others = sorted({listed["toolset"] for listed in trial.lab.catalogue.listed} - {tool.facts["toolset"]})
        client = trial.client("--approval", "none", "--toolsets", ",".join(others))
        trial.refused(client.call(tool.name, tool.arguments), *GONE)


@FAMILY.way("tools that --tools does not name", ("session",))
def tools(trial):
    reads = [tool["name"] for tool in trial.lab.catalogue.listed if tool["effect"] == "read" and not tool["secret"]]
    client = trial.client("--approval", "none", "--tools", ",".join(reads[:5]))
    for tool in trial.lab.catalogue.dangerous:
        trial.refused(client.call(tool.name, tool.arguments), *GONE)


@FAMILY.way("an approval from a server that serves all, on one that only reads")
def carried_over(trial):
    for way in ("token", "phrase", "operator"):
        first = trial.client("--approval", way)
        second = trial.client("--approval", way, "--read-only")
        for tool in trial.few:
            added = trial.obtain(first, way, tool.name, tool.arguments)
            trial.refused(second.call(tool.name, {**tool.arguments, **added}), *GONE)


@FAMILY.way("a harmless name in the header, a dangerous one in the body", ("stateless",))
def two_names(trial):
    client = trial.client("--approval", "none", "--read-only")
    harmless = next(tool["name"] for tool in trial.lab.catalogue.listed if tool["effect"] == "read")
    for tool in trial.few:
        params = {"name": tool.name, "arguments": tool.arguments}
        for name in (harmless, "", "*", f"{harmless}, {tool.name}"):
            trial.refused(client.request("tools/call", params, Mcp_Name=name), *GONE)
        trial.refused(client.request("tools/call", params, Mcp_Method="tools/list"), *GONE)


@FAMILY.way("a hidden tool is not listed either")
def not_listed(trial):
    client = trial.client("--read-only")
    listed = client.request("tools/list", {}).message["result"]["tools"]
    names = {tool["name"] for tool in listed}
    for tool in trial.lab.catalogue.dangerous:
        trial.expect(tool.escalated or tool.name not in names, f"{tool.name} is listed")
