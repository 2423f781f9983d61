"""How a customer proves who they are, within a flow. Pure.

1. Level 1 is knowledge: an action says whether what the customer told is right. Level 2 is a
   code that we sent to an address that we knew before.
2. Whoever is unknown and whoever answers wrong hears the same, and has the same tries left.
3. A level is the interaction's: it is nowhere but in its memory, and goes with it.
"""

from __future__ import annotations

from bots.flow.endings import person
from bots.flow.model import CodeStep, DoStep
from bots.flow.outcome import RIGHT, SENT, WRONG, Fetched, NeedCode, Proven
from bots.flow.run import Next, Run

KNOWLEDGE, CODE = 1, 2
"""The levels, by how hard they are to come by."""
MOST_WRONG = 3
"""Wrong answers to what only the customer knows, in one conversation."""
UNPROVEN = "not-authenticated"
"""The reason of a hand-over where an action needs more proof than there is."""


def level_of(run: Run) -> int:
    """How far the customer is proven."""
    return int((run.memory.get("authentication") or {}).get("level", 0))


def refused(run: Run, step: DoStep) -> Next:
    """An action was reached without the proof that it needs: a person looks."""
    run.tried(f"“{step.id}” needs proof of level {step.needs}, there is {level_of(run)}")
    return person(run, UNPROVEN)


def known(run: Run, step: DoStep, given: Fetched) -> Next:
    """What the customer told was looked at: right, wrong, or nobody could tell."""
    if 200 <= given.status < 300:
        _proven(run, "knowledge", KNOWLEDGE)
        return step.next
    if not 400 <= given.status < 500:
        return step.on_error
    wrong = int(run.memory.get("wrong_answers", 0)) + 1
    run.memory["wrong_answers"] = wrong
    run.tried(f"{wrong} of {MOST_WRONG} answers to security questions were wrong")
    return step.on_error if wrong >= MOST_WRONG else step.wrong


def ask_code(run: Run, step: CodeStep) -> None:
    """Have a code sent, or the one that was told looked at; what was told is not kept."""
    code = run.fill(step.code)
    if code:
        run.forget(step.slot)
        run.memory |= {"last_utterance": "", "value": ""}
    run.memory["mode"] = "deed"
    run.actions.append(NeedCode(step.way, code))


def coded(run: Run, step: CodeStep, given: Proven) -> Next:
    """The code is on its way, right, wrong, or of no use any more."""
    match given.outcome:
        case outcome if outcome == SENT:
            return step.next
        case outcome if outcome == RIGHT:
            _proven(run, f"{step.way}-code", CODE)
            return step.next
        case outcome if outcome == WRONG and step.wrong:
            return step.wrong
    run.tried("a one-time code could not be used")
    return step.failed


def _proven(run: Run, method: str, level: int) -> None:
    """The higher of what was proven before and now. ``at`` is filled in by the conversation."""
    if level >= level_of(run):
        run.memory["authentication"] = {"method": method, "level": level, "at": ""}
