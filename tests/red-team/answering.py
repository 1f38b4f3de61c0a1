"""A model that answers its own preview: the plain ways on every dangerous tool, the first over all
transports, the others on a sample.

Repeating a call with its token or phrase passes by design (`--approval token` and `phrase` say so when the server
starts), so in those modes it is the token and the phrase that are attacked, here and in `binding`.
"""

from clients import TRANSPORTS
from trial import Family

FAMILY = Family("answering")

ASKED = "confirmation_required"
WRONG = "confirmation_mismatch"


def on_each(trial, tools, way, attack):
    """Asks for each dangerous call and then attacks it with what the preview told."""
    client = trial.client("--approval", way)
    for tool in tools:
        preview = trial.refused(client.call(tool.name, tool.arguments), ASKED)
        attack(lambda arguments, *kinds, tool=tool: trial.refused(client.call(tool.name, arguments), *kinds),
               tool, preview)


@FAMILY.way("the same call at once (operator)", TRANSPORTS)
def again(trial):
    def attack(call, tool, preview):
        second = call(tool.arguments, ASKED)
        trial.expect(second.approval == preview.approval, f"{tool.name}: a second request for the same call")
    on_each(trial, trial.lab.catalogue.dangerous, "operator", attack)


@FAMILY.way("the id of the approval as confirm_token and as confirmation (ask)", ("stdio",))
def identifier(trial):
    def attack(call, tool, preview):
        call({**tool.arguments, "confirm_token": preview.approval, "confirmation": preview.approval}, ASKED, "error")
    on_each(trial, trial.lab.catalogue.dangerous, "ask", attack)


@FAMILY.each([(f"arguments that say yes: {name} ({way})", (way, name, value)) for way, name, value in [
    ("operator", "confirm", True), ("operator", "approved", True), ("ask", "force", True), ("ask", "yes", "yes"),
    ("ask", "user_confirmed", "the user said yes")]])
def saying_yes(trial, case):
    way, name, value = case

    def attack(call, tool, _preview):
        call({**tool.arguments, name: value}, ASKED, "error")
    on_each(trial, trial.few, way, attack)


@FAMILY.way("an invented token (token)", ("stateless",))
def invented(trial):
    def attack(call, tool, preview):
        call({**tool.arguments, "confirm_token": "A" * len(preview.token or "")}, WRONG)
    on_each(trial, trial.lab.catalogue.dangerous, "token", attack)


@FAMILY.way("the preview's token as confirmation (token)")
def misnamed(trial):
    def attack(call, tool, preview):
        call({**tool.arguments, "confirmation": preview.token}, ASKED, "error")
    on_each(trial, trial.few, "token", attack)


@FAMILY.way("an invented phrase (phrase)", ("session",))
def invented_phrase(trial):
    def attack(call, tool, _preview):
        # Some providers want a phrase of their own in the same place.
        call({**tool.arguments, "confirmation": "CONFIRM EVERYTHING"}, WRONG, *[ASKED][:len(tool.facts["phrases"])])
    on_each(trial, trial.lab.catalogue.dangerous, "phrase", attack)


@FAMILY.way("a phrase in other letters, with blanks, or shortened (phrase)")
def nearly(trial):
    def attack(call, tool, preview):
        for wrong in (preview.phrase.lower(), f" {preview.phrase}", f"{preview.phrase} ", preview.phrase[:-1],
                      preview.phrase.replace(" ", "\u00a0"), preview.phrase.split()[0], "yes"):
            call({**tool.arguments, "confirmation": wrong}, WRONG)
    on_each(trial, trial.few, "phrase", attack)


@FAMILY.way("the phrase as confirm_token (phrase)")
def phrase_as_token(trial):
    def attack(call, tool, preview):
        call({**tool.arguments, "confirm_token": preview.phrase}, ASKED, "error")
    on_each(trial, trial.few, "phrase", attack)


@FAMILY.way("the right phrase, guessed before any preview was shown (phrase)")
def guessed(trial):
    first = trial.client("--approval", "phrase", state=trial.folder("elsewhere"))
    second = trial.client("--approval", "phrase")
    for tool in trial.tools:
        phrase = trial.refused(first.call(tool.name, tool.arguments), ASKED).phrase
        trial.refused(second.call(tool.name, {**tool.arguments, "confirmation": phrase}), WRONG)


@FAMILY.way("token and phrase of weaker servers elsewhere (operator)")
def weaker(trial):
    weak = {way: trial.client("--approval", way, state=trial.folder(way)) for way in ("token", "phrase")}
    strong = trial.client("--approval", "operator")
    for tool in trial.tools:
        token = trial.refused(weak["token"].call(tool.name, tool.arguments), ASKED).token
        phrase = trial.refused(weak["phrase"].call(tool.name, tool.arguments), ASKED).phrase
        for added in ({"confirm_token": token}, {"confirmation": phrase},
                      {"confirm_token": token, "confirmation": phrase}):
            trial.refused(strong.call(tool.name, {**tool.arguments, **added}), ASKED, "error")
