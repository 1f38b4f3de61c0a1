"""What can be attacked: every tool of the binary that destroys, costs, hands out a secret or runs code."""

import atexit
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass, replace

from instances import FORMATS, instance, steps


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
        """What it is called by: with its provider in front where several have the name."""
        return self.facts["call"]["tool"]

    @property
    def schema(self):
        return self.facts["inputSchema"]

    @property
    def is_single(self):
        """Whether a call is one HTTP request."""
        return bool(self.facts["path"])

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
        command = [binary, "--expose", "flat", "--access", "full", "describe", "--json"]
        printed = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
        everything = [tool for tool in json.loads(printed) if tool["provider"]]
        self.listed = [tool for tool in everything if tool["provider"] in providers]
        #: How many tools answer to a name.
        self.names = Counter(name for tool in everything for name in {tool["name"], *tool["aliases"]})
        self.facts = {tool["call"]["tool"]: tool for tool in self.listed}
        secret = {(tool["provider"], tool["name"]) for tool in self.listed if tool["secret"]}
        # What makes a row is shown to the gate by what the row would belong to, and that may be nothing.
        shown = {name for name, tool in self.facts.items()
                 if tool["reader"] and tool["name"] != "table_create" and (tool["provider"], tool["reader"]) not in secret and tool["effect"] != "read"}
        facts = list(self.facts.values())
        base = [tool_of(tool, shown) for tool in facts if is_grave(tool)]
        escalated = [tool for known in facts if not is_grave(known) for tool in escalations(known, shown)]
        self.dangerous = base + escalated
        #: Those whose call is one HTTP request, so that every one that arrives can be counted.
        self.single = [tool for tool in self.dangerous if tool.is_single]
        single = [tool for tool in base if tool.is_single]
        self.sample = sample_of(single) + [tool for tool in escalated if tool.is_single][:1]
        self.few = few_of(single) + [tool for tool in escalated if tool.is_single][:1]
        self.writes = [tool_of(tool) for tool in facts
                       if not is_grave(tool) and tool["effect"] == "write" and tool["path"]]

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


def tool_of(facts, shown=()):
    made = [fitted(facts, {**instance(identified(facts), variant), **unlowered(facts, variant)}, variant)
            for variant in (0, 1)]
    return Tool(facts, *made, is_shown=facts["call"]["tool"] in shown)


#: Arguments that name a machine, by provider: ids, because a name is looked up first.
IDS = {
    "hostinger": {"virtualMachineId": (11, 12)},
    "hostodo": {"vm_id": ("ins::abc123", "ins::abc124")},
    "vergeos": {name: (11, 12) for name in ("id", "vm_id")},
}

#: A directory with files that may be sent away, `0` and `1`.
FILES = pathlib.Path(tempfile.mkdtemp(prefix="red-team-files-"))
for number in "01":
    (FILES / number).write_text(f"file {number}")
atexit.register(shutil.rmtree, FILES)


def fitted(facts, arguments, variant):
    """The arguments with ids of the form that the provider has, with the phrase that it wants, and with a file."""
    for name, ids in IDS.get(facts["provider"], {}).items():
        if name in arguments:
            arguments[name] = ids[variant]
    if facts["provider"] == "xen-orchestra":
        places = re.findall(r"\{([^}]*)\}", facts["path"] or "")
        arguments.update({name: FORMATS["uuid"][variant] for name in places if isinstance(arguments.get(name), str)})
    if facts["name"] == "hostodo_upload_file":
        arguments["path"] = str(FILES / f"{variant}")
    if facts["phrases"]:
        phrase = next((phrase for phrase in facts["phrases"] if "DISABLE" not in phrase), facts["phrases"][0])
        arguments["confirmation"] = re.sub(r"\{(\w+)\}", lambda found: str(arguments[found[1]]), phrase)
    return arguments


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


def escalations(facts, shown):
    """The tool with each argument that makes a harmless call a destructive one."""
    for when in facts["effectWhen"]:
        if when["effect"] == "destructive":
            put, path = when.get("equals"), steps(when["argument"])
            schema = identified(facts)
            made = [fitted(facts, instance(schema, variant, path, put), variant) for variant in (0, 1)]
            yield replace(tool_of(facts, shown), arguments=made[0], other=made[1], escalated=when["argument"])


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
