"""What works at every question: a person, repeat, slower, back, stop, good-bye, a language. Pure.

Nobody goes back behind an action that changed something.
"""

from __future__ import annotations

from bots.flow import choosing, matters, phrases
from bots.flow.endings import leave, person
from bots.flow.memory import unpack_say
from bots.flow.model import LANGUAGE_KEY, AskStep
from bots.flow.outcome import Understood
from bots.flow.questions import ask, ask_shorter, put_again
from bots.flow.run import Next, Run

SLOWER = 0.8
"""How much slower each wish for it makes the voice."""
SLOWEST = 0.6
AS_BEFORE = ("repeat", "slower")
"""What says the last words again instead of new ones."""


def grant(run: Run, step: AskStep, name: str, given: Understood) -> Next:
    """Do what the customer wishes, by the wish's name in ``GLOBALS`` or a language's key."""
    if name in AS_BEFORE:
        _repeat(run, step, slower=name == "slower")
        return None
    if name == "back":
        return _back(run, step)
    if name.startswith(LANGUAGE_KEY):
        _speak(run, step, name.removeprefix(LANGUAGE_KEY))
        return None
    if given.related and not run.memory["intent"]:
        matters.adopt(run, given.related)
    if name == "agent":
        return person(run, "asked-for-person")
    return _stop(run) if name == "stop" else leave(run)


def _stop(run: Run) -> Next:
    """This matter and all that wait are given up; the flow's step for that, else good-bye."""
    run.memory["parked"] = []
    run.say(phrases.STOPPED)
    return run.flow.always.get("stop") or leave(run)


def _repeat(run: Run, step: AskStep, *, slower: bool) -> None:
    if slower:
        pace = run.memory.get("pace", 1.0)
        run.memory["pace"] = max(SLOWEST, round(pace * SLOWER, 2))
    for said in run.memory["said"]:
        run.actions.append(unpack_say(said))
    if run.choosing:
        choosing.put(run, step, phrases.BETWEEN)
    else:
        ask(run, step, run.memory["asked"])


def _speak(run: Run, step: AskStep, language: str) -> None:
    """Put the open question again in another language, and go on in it."""
    run.memory["language"] = language
    run.say(phrases.LANGUAGE)
    if run.confirming or run.choosing:
        put_again(run, step)
    else:
        ask(run, step, run.render(step.text))


def _back(run: Run, step: AskStep) -> Next:
    """To the question before, or to this one when its value was being read back."""
    memory = run.memory
    run.forget(step.slot)
    trail = memory.setdefault("trail", [])
    if run.confirming or run.choosing:
        memory["mode"] = "ask"
        ask_shorter(run, step)
        return None
    if trail and trail[-1] == step.id:
        trail.pop()
    before = run.flow.steps.get(trail.pop()) if trail else None
    if isinstance(before, AskStep):
        run.forget(before.slot)
        return before.id
    trail.append(step.id)
    run.say(phrases.FIRST_QUESTION)
    ask_shorter(run, step)
    return None
