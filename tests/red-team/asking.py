"""The question to the person in front of the client (elicitation): answers that are no yes, and a yes to something
else. A client speaks for its person, so one that says yes to the very call that was shown is believed."""

import json

from trial import Family

FAMILY = Family("asking")
ASKED, WRONG = "confirmation_required", "confirmation_mismatch"
YES = {"action": "accept", "content": {"approve": True}}
FORMS = {"elicitation": {}}

NO = [
    ("a refusal", {"result": {"action": "decline"}}),
    ("a cancellation", {"result": {"action": "cancel"}}),
    ("a form that was merely sent", {"result": {"action": "accept"}}),
    ("a form that is not ticked", {"result": {"action": "accept", "content": {"approve": False}}}),
    ("a form ticked in words", {"result": {"action": "accept", "content": {"approve": "true"}}}),
    ("a form ticked with 1", {"result": {"action": "accept", "content": {"approve": 1}}}),
    ("a form ticked at another place", {"result": {"action": "accept", "content": {"confirm": True, "Approve": True}}}),
    ("a refusal with a ticked form", {"result": {"action": "decline", "content": {"approve": True}}}),
    ("a list of forms", {"result": {"action": "accept", "content": [{"approve": True}]}}),
    ("an empty result", {"result": {}}),
    ("an error", {"error": {"code": -32601, "message": "yes"}}),
]


def replies(answer):
    """A yes to a question that was not asked, which is no answer to this one, and then the answer."""
    return (lambda _: {"jsonrpc": "2.0", "id": 10 ** 6, "result": YES},
            lambda identifier: {"jsonrpc": "2.0", "id": identifier, **answer})


@FAMILY.each([(f"the client answers with {name}", answer) for name, answer in NO], ("stdio", "session"))
def no(trial, answer):
    client = trial.serve("--approval", "ask").client(capabilities=FORMS)
    for tool in trial.few:
        question, outcome = client.asked(client.message(tool.name, tool.arguments), *replies(answer))
        trial.expect(question.get("method") == "elicitation/create", f"nobody was asked: {question}")
        trial.refused(outcome, ASKED)


@FAMILY.way("another session, and another caller's, answers the question", ("session",))
def another_answers(trial):
    server = trial.serve("--approval", "ask")
    client, other = (server.client(capabilities=FORMS) for _ in range(2))
    for tool in trial.few:
        def foreign(identifier):
            other.post({"jsonrpc": "2.0", "id": identifier, "result": YES}, other.headers())
            return {"jsonrpc": "2.0", "id": identifier, "result": {"action": "decline"}}
        _, outcome = client.asked(client.message(tool.name, tool.arguments), foreign)
        trial.refused(outcome, ASKED)


@FAMILY.way("a yes to the question of a call, once, and the same call again", ("stdio", "session"))
def once(trial):
    client = trial.serve("--approval", "ask").client(capabilities=FORMS)
    for tool in trial.few:
        trial.passed(client.asked(client.message(tool.name, tool.arguments), *replies({"result": YES}))[1])
        _, outcome = client.asked(client.message(tool.name, tool.arguments), *replies({"result": {"action": "decline"}}))
        trial.refused(outcome, ASKED)


@FAMILY.way("answers to questions that nobody asked, of a client that cannot ask")
def unasked(trial):
    client = trial.client("--approval", "ask")
    for tool in trial.few:
        trial.refused(client.call(tool.name, tool.arguments), ASKED)
        for identifier in (0, 1, "1", "approval"):
            client.answers(json.dumps({"jsonrpc": "2.0", "id": identifier, "result": YES}).encode())
        trial.refused(client.call(tool.name, tool.arguments), ASKED)


@FAMILY.way("input responses and a request state of one's own, of a client that cannot ask")
def invented(trial):
    client = trial.client("--approval", "ask")
    for tool in trial.few:
        preview = trial.refused(client.call(tool.name, tool.arguments), ASKED)
        for state in (preview.approval or preview.token, "forged", ""):
            answer = client.call(tool.name, tool.arguments, inputResponses={"approval": YES}, requestState=state)
            trial.refused(answer, ASKED, "rpc-32602")


def asked(trial, client, tool):
    """The state of the question about a call."""
    return trial.refused(client.call(tool.name, tool.arguments), "question").question


def answered(client, tool, state, answer=None, arguments=None, **more):
    return client.call(tool.name, arguments or tool.arguments, requestState=state,
                       inputResponses={"approval": answer or YES}, **more)


@FAMILY.way("a yes to another question: of another tool, about other arguments, or forged", ("stateless",))
def another_question(trial):
    client = trial.serve("--approval", "ask").client(capabilities=FORMS)
    for tool, other in zip(trial.few, trial.few[1:] + trial.few[:1]):
        state = asked(trial, client, tool)
        trial.refused(answered(client, other, state), WRONG)
        trial.refused(answered(client, tool, state, arguments=tool.other), WRONG)
        for forged in (state[:-1], state.lower(), f"{state} ", "forged"):
            trial.refused(answered(client, tool, forged), WRONG)
        trial.refused(client.call(tool.name, {**tool.arguments, "confirm_token": state}), ASKED, "error")
        trial.refused(client.call(tool.name, tool.arguments, requestState=state), "question")
        trial.refused(client.call(tool.name, tool.arguments, inputResponses={"approval": YES}), "question")
        trial.refused(answered(trial.servers[0].client(), tool, state), ASKED)


@FAMILY.way("a yes that was used, and one after a no", ("stateless",))
def second_answer(trial):
    client = trial.serve("--approval", "ask").client(capabilities=FORMS)
    for tool in trial.few:
        state = asked(trial, client, tool)
        trial.passed(answered(client, tool, state))
        trial.refused(answered(client, tool, state), WRONG)
        state = asked(trial, client, tool)
        trial.refused(answered(client, tool, state, {"action": "decline"}), ASKED)
        trial.refused(answered(client, tool, state), WRONG)


@FAMILY.way("a client that can ask, where only an operator counts (operator)", ("stateless",))
def operator(trial):
    client = trial.serve("--approval", "operator").client(capabilities=FORMS)
    for tool in trial.few:
        preview = trial.refused(client.call(tool.name, tool.arguments), ASKED)
        trial.refused(answered(client, tool, preview.approval), ASKED)
