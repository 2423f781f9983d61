"""What works at every question: a person, repeat, slower, go back, good-bye, a language. Pure.

Nobody goes back behind an action that changed something.
"""

from __future__ import annotations

from bots.flow import phrases
from bots.flow.endings import leave, person
from bots.flow.memory import unpack_say
from bots.flow.model import LANGUAGE_KEY, AskStep
from bots.flow.outcome import Understood
from bots.flow.questions import ask, ask_shorter, confirm
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
        adopt(run, given.related)
    return person(run, "asked-for-person") if name == "agent" else leave(run)


def adopt(run: Run, intent: str) -> None:
    """This is what the customer wants, and its queue serves it."""
    run.memory["intent"] = intent
    known = run.flow.intents.get(intent)
    if known and known.queue:
        run.memory["queue"] = known.queue


def _repeat(run: Run, step: AskStep, *, slower: bool) -> None:
    if slower:
        pace = run.memory.get("pace", 1.0)
        run.memory["pace"] = max(SLOWEST, round(pace * SLOWER, 2))
    for said in run.memory["said"]:
        run.actions.append(unpack_say(said))
    ask(run, step, run.memory["asked"])


def _speak(run: Run, step: AskStep, language: str) -> None:
    """Put the open question again in another language, and go on in it."""
    run.memory["language"] = language
    run.say(phrases.LANGUAGE)
    if run.confirming:
        confirm(run, step)
    else:
        ask(run, step, run.render(step.text))


def _back(run: Run, step: AskStep) -> Next:
    """To the question before, or to this one when its value was being read back."""
    memory = run.memory
    run.forget(step.slot)
    trail = memory.setdefault("trail", [])
    if run.confirming:
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
