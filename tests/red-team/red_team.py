"""Tries every way to get a dangerous call past the gate, and says which one was open. See `run`."""

import argparse
import pathlib
import re
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import answering
import asking
import binding
import canaries
import control
import hidden
import identity
import operators
import places
import processes
import stopping
import values
import wire
from catalogue import Catalogue
from trial import PROVIDERS, Trial, environment_of_nobody
from upstream import Upstream

FAMILIES = [control, answering, asking, operators, binding, places, hidden, stopping, identity, wire, values, processes,
            canaries]

#: How many trials run at once: they wait for processes most of the time.
JOBS = 6


class Lab:
    """What all trials share."""

    def __init__(self, binary):
        self.binary = binary
        self.catalogue = Catalogue(binary, environment_of_nobody(), PROVIDERS)
        self.providers = sorted({tool["provider"] for tool in self.catalogue.listed})
        self.upstream = Upstream(self.catalogue.secret_templates())


class Outcome:
    """What came of one way over one transport."""

    def __init__(self, way, transport):
        self.way, self.transport, self.calls, self.open, self.problems = way, transport, 0, [], []


def attempt(lab, way, transport, directory):
    outcome = Outcome(way, transport)
    trial = Trial(lab, transport, directory)
    try:
        way.attempt(trial)
    except Exception:  # whatever goes wrong in a trial is reported with its name
        trial.problems.append(traceback.format_exc(limit=-3))
    trial.end()
    changes = [f"{method} {path}" for method, path, *_ in trial.place.changes()]
    if len(changes) > trial.legitimate:
        outcome.open = changes
    elif len(changes) < trial.legitimate:
        trial.problems.append(f"{trial.legitimate} changes were allowed and {len(changes)} arrived")
    outcome.calls, outcome.problems = trial.calls, trial.problems
    return outcome


def report(way, outcomes):
    """One line for a way, and what was wrong below it."""
    passed = any(outcome.open for outcome in outcomes)
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    verdict = "PASSED " if passed else "UNCLEAR" if problems else "control" if way.family == "control" else "refused"
    transports = " ".join(outcome.transport for outcome in outcomes)
    calls = sum(outcome.calls for outcome in outcomes)
    print(f"{verdict}  {way.family:10} {way.name:78} {calls:5} calls  {transports}", flush=True)
    for outcome in outcomes:
        for line in [*(f"got through: {change}" for change in outcome.open[:3]), *outcome.problems[:3]]:
            print(f"         {outcome.transport}: {line}")
    return verdict.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, required=True, help="the server that is attacked")
    parser.add_argument("--only", default="", help="a regular expression for the ways to try")
    options = parser.parse_args()
    begun = time.monotonic()
    lab = Lab(options.binary.resolve())
    ways = [way for module in FAMILIES for way in module.FAMILY.ways
            if re.search(options.only, f"{way.family} {way.name}")]
    print(f"{len(lab.catalogue.dangerous)} dangerous tools of {len(lab.catalogue.listed)}")
    verdicts = {}
    with tempfile.TemporaryDirectory(prefix="red-team-") as root, ThreadPoolExecutor(JOBS) as pool:
        def started(index, way, transport):
            return pool.submit(attempt, lab, way, transport, pathlib.Path(root, f"{index}-{transport}"))
        pending = [(way, [started(index, way, transport) for transport in way.transports])
                   for index, way in enumerate(ways)]
        for way, attempts in pending:
            verdicts[way] = report(way, [future.result() for future in attempts])
    count = {verdict: list(verdicts.values()).count(verdict) for verdict in ("refused", "control", "PASSED", "UNCLEAR")}
    print(f"{len(ways)} ways: {count['refused']} refused, {count['PASSED']} passed, {count['UNCLEAR']} unclear, "
          f"{count['control']} controls; {time.monotonic() - begun:.0f} s")
    sys.exit(1 if count["PASSED"] or count["UNCLEAR"] else 0)


if __name__ == "__main__":
    main()
