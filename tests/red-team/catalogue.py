"""What can be attacked: every tool of the binary that destroys, costs, hands out a secret or runs code."""

import json
import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from instances import instance, steps


@dataclass(frozen=True)
class Tool:
    """A tool with arguments that make its call dangerous."""

    facts: dict
    arguments: dict
    other: dict
    escalated: str = ""
    #: Whether a preview looks at what the call acts on.
    is_shown: bool = False

    @property
    def name(self):
        return self.facts["name"]

    @property
    def schema(self):
        return self.facts["inputSchema"]

    @property
    def path_arguments(self):
        """The arguments whose values stand in the path of the request."""
        return [name for name in re.findall(r"\{([^}]*)\}", self.facts["path"] or "") if name in self.arguments]

    def optional(self):
        """The same arguments and one more, where the schema knows one."""
        for name, schema in self.schema.get("properties", {}).items():
            if name not in self.arguments and "password" not in name:
                return instance(self.schema, path=[name])
        return None


class Catalogue:
    """The tools of a binary."""

    def __init__(self, binary, environment, providers):
        def printed(*words):
            command = [binary, "--expose", "flat", "--access", "full", *words, "--json"]
            return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)

        everything = printed("list")
        # The proof is one request at the provider that is simulated here: tools of several requests, and those of a
        # provider's own MCP server, are not what it can see.
        self.listed = [tool for tool in everything if tool["provider"] in providers and tool["path"]]
        #: How many tools answer to a name.
        self.names = Counter(name for tool in everything for name in {tool["name"], *tool["aliases"]})
        #: By provider, how many tools are left out.
        self.left_out = Counter(tool["provider"] for tool in everything if tool not in self.listed)
        with ThreadPoolExecutor(4) as pool:
            facts = list(pool.map(lambda tool: printed("describe", tool["name"]), self.listed))
        self.facts = {tool["name"]: tool for tool in facts}
        readers = [tool["path"] for tool in facts
                   if tool["method"] == "GET" and (tool["path"] or "").endswith("}") and not tool["secret"]]
        base = [tool_of(tool, readers) for tool in facts if is_grave(tool)]
        escalated = [tool for known in facts if not is_grave(known) for tool in escalations(known)]
        self.dangerous = base + escalated
        self.sample = sample_of(base) + escalated[:1]
        self.few = few_of(base) + escalated[:1]
        self.writes = [tool_of(tool) for tool in facts if not is_grave(tool) and tool["effect"] == "write"]

    def secret_templates(self):
        """Paths that hand out a secret to whoever merely reads them."""
        return [tool["path"] for tool in self.facts.values() if tool["secret"] and tool["method"] == "GET"]

    def named(self, name):
        return tool_of(self.facts[name])

    def aliases(self):
        """Former names with the tools they stand for, but for those that another provider has as well."""
        return [(alias, tool_of(tool)) for tool in self.facts.values() for alias in tool["aliases"]
                if self.names[alias] == 1]


def is_grave(facts):
    """Whether every call of the tool has to be approved."""
    return facts["effect"] == "destructive" or facts["money"] or facts["secret"] or facts["exec"]


def identified(facts):
    """The input schema, with UUIDs for the machines of Xen Orchestra: any other text would be looked up as a name."""
    names = {"VM", "vmId"} | ({"id"} if (facts["path"] or "").startswith("/vms/{id}") else set())
    members = facts["inputSchema"].get("properties", {})
    if facts["provider"] != "xen-orchestra" or names.isdisjoint(members):
        return facts["inputSchema"]
    given = {name: {**schema, "format": "uuid"} if name in names else schema for name, schema in members.items()}
    return {**facts["inputSchema"], "properties": given}


def tool_of(facts, readers=()):
    schema, path = identified(facts), facts["path"] or ""
    shown = facts["method"] != "GET" and any(f"{path}/".startswith(f"{reader}/") for reader in readers)
    made = [{**instance(schema, variant), **unlowered(facts, variant)} for variant in (0, 1)]
    return Tool(facts, *made, is_shown=shown)


def unlowered(facts, variant):
    """Arguments that keep a destructive tool destructive, where some of their values make its calls harmless."""
    lowering = {}
    for when in facts["effectWhen"]:
        if facts["effect"] == "destructive" and when["effect"] != "destructive":
            lowering.setdefault(when["argument"], []).append(when.get("equals"))
    members = facts["inputSchema"].get("properties", {})
    chosen = {name: [value for value in members[name].get("enum", []) if value not in values]
              for name, values in lowering.items() if name in members}
    return {name: values[variant % len(values)] for name, values in chosen.items() if values}


def escalations(facts):
    """The tool with each argument that makes a harmless call a destructive one."""
    for when in facts["effectWhen"]:
        if when["effect"] == "destructive":
            put, path = when.get("equals"), steps(when["argument"])
            schema = identified(facts)
            made = [instance(schema, variant, path, put) for variant in (0, 1)]
            yield replace(tool_of(facts), arguments=made[0], other=made[1], escalated=when["argument"])


def sample_of(tools):
    """The first tool of every kind: what it does, and how it is told what to do it to."""
    kinds = {}
    for tool in tools:
        facts = tool.facts
        types = {type(tool.arguments[name]).__name__ for name in tool.path_arguments}
        kind = (facts["provider"], facts["money"], facts["secret"], facts["exec"], tool.is_shown, *sorted(types))
        kinds.setdefault(kind, tool)
    return list(kinds.values())


def few_of(tools):
    """One tool of each provider for every reason to ask: its resource is shown, it costs, it hands out a secret, it runs
    code."""
    reasons = (lambda tool: tool.is_shown, lambda tool: tool.facts["money"], lambda tool: tool.facts["secret"],
               lambda tool: tool.facts["exec"])
    providers = sorted({tool.facts["provider"] for tool in tools})
    found = (next((tool for tool in tools if tool.facts["provider"] == provider and reason(tool)), None)
             for provider in providers for reason in reasons)
    return list({tool.name: tool for tool in found if tool}.values())
