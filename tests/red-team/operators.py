"""The command by which a person approves: who else could run it, and with what."""

from trial import Family

FAMILY = Family("operator")
OPERATOR = ("stdio", "stateless")


def waiting(trial, *flags):
    """A client, a tool and the id of the approval that its call waits for."""
    client = trial.client("--approval", "operator", *flags)
    tool = trial.tools[0]
    preview = trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")
    return client, tool, preview.approval


@FAMILY.each([(f"a person who does not say yes: {says!r}", says) for says in
              ("no\n", "\n", "y\n", "YES\n", "yes please\n", "да\n", "\x04", "yes\u200b\n", "ye\x7fs\n")], OPERATOR)
def hesitant(trial, says):
    client, tool, identifier = waiting(trial)
    trial.expect(not trial.approve(identifier, says), "this was taken for a yes")
    trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")


@FAMILY.each([
    ("approve with yes from a pipe", "yes\n"),
    ("approve with nothing to read", ""),
    ("approve with many yes from a pipe", "yes\n" * 1000),
], OPERATOR)
def piped(trial, text):
    client, tool, identifier = waiting(trial)
    done = trial.run("approve", identifier, text=text)
    trial.expect(done.returncode != 0, "a pipe was taken for a person")
    trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")


@FAMILY.each([(f"approve with flags and variables that might answer: {name}", case) for name, case in [
    ("--yes", (["--yes"], {})), ("--force", (["--force"], {})), ("--approval none", (["--approval", "none"], {})),
    ("INFRA_MCP_YES", ([], {"INFRA_MCP_YES": "1", "INFRA_MCP_APPROVE": "yes", "CI": "true"})),
]], OPERATOR)
def flagged(trial, case):
    flags, environment = case
    client, tool, identifier = waiting(trial)
    trial.expect(not trial.approve(identifier, "\n", flags=flags, **environment), "nobody was asked")
    trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")


@FAMILY.each([(f"a person approves another id: {name}", change) for name, change in [
    ("one letter off", lambda identifier: identifier[:-1] + ("2" if identifier[-1] != "2" else "3")),
    ("shortened", lambda identifier: identifier[:4]),
    ("a wildcard", lambda _: "%"),
    ("an SQL injection", lambda _: "' OR '1'='1"),
    ("nothing", lambda _: ""),
    ("look-alike letters", lambda identifier: identifier.translate(str.maketrans("ABCEHKMPTX", "АВСЕНКМРТХ")) + "."),
]], OPERATOR)
def mistaken(trial, change):
    client, tool, identifier = waiting(trial)
    trial.expect(not trial.approve(change(identifier)), "another id was taken for this one")
    trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")


@FAMILY.way("approving one call, then making another that waits", OPERATOR)
def neighbour(trial):
    client, tool, _ = waiting(trial)
    for other in trial.tools[1:]:
        approval = trial.refused(client.call(other.name, other.arguments), "confirmation_required").approval
        trial.expect(trial.approve(approval), "a person could not approve")
        trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")


@FAMILY.way("approving the same call twice makes it good once", OPERATOR)
def twice(trial):
    client, tool, identifier = waiting(trial)
    trial.expect(trial.approve(identifier), "a person could not approve")
    trial.expect(not trial.approve(identifier), "the same approval was given twice")
    trial.passed(client.call(tool.name, tool.arguments))
    trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")
    trial.expect(not trial.approve(identifier), "a used approval was given again")
    trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")


@FAMILY.way("approving in another state directory", OPERATOR)
def elsewhere(trial):
    client, tool, identifier = waiting(trial)
    other = trial.folder("other")
    second = trial.client("--approval", "operator", state=other)
    trial.refused(second.call(tool.name, tool.arguments), "confirmation_required")
    trial.expect(not trial.approve(identifier, state=other), "an id of another directory was taken")
    trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")


@FAMILY.way("asking for the same call a hundred times, then approving it once", OPERATOR)
def crowded(trial):
    client, tool, identifier = waiting(trial)
    for _ in range(100):
        same = trial.refused(client.call(tool.name, tool.arguments), "confirmation_required").approval
        trial.expect(same == identifier, "every asking made a request of its own")
    trial.expect(trial.approve(identifier), "a person could not approve")
    trial.passed(client.call(tool.name, tool.arguments))
    for _ in range(10):
        trial.refused(client.call(tool.name, tool.arguments), "confirmation_required")
