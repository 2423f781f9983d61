"""A question that failed is put again, each time in a way that helps more. Pure.

The rungs are in :mod:`bots.flow.ladder`, the counters in :mod:`bots.flow.counters`.
"""

from __future__ import annotations

from bots.flow import counters, phrases
from bots.flow.endings import give_up
from bots.flow.ladder import (
    MAX_REPAIRS,
    by_keys,
    choices_by_key,
    has_keys,
    rung,
)
from bots.flow.model import AskStep
from bots.flow.questions import ask, ask_shorter, confirm
from bots.flow.run import Next, Run

PATIENT = "silence-expected"
"""The way of listening to somebody who was asked to look for something."""
MAX_WAITS = 2
"""So often the silence of such a caller is only acknowledged."""


def silent(run: Run, step: AskStep) -> Next:
    """Nobody spoke; who was told to take their time is not asked again at once."""
    memory = run.memory
    waited = memory.get("waited", 0)
    unhurried = step.turn == PATIENT and not run.confirming
    if not unhurried or waited >= MAX_WAITS:
        return repair(run, step, "no_input")
    memory["waited"] = waited + 1
    asked, heard = memory["asked"], memory["asked_heard"]
    run.say(phrases.NO_HURRY)
    ask(run, step, "")
    memory["asked"], memory["asked_heard"] = asked, heard
    return None


def repair(run: Run, step: AskStep, kind: str, *, denied: bool = False) -> Next:
    """The next rung for a ``no_match`` or ``no_input``; ``denied``: the value read back."""
    times = counters.times(run)
    last = times == MAX_REPAIRS and _keys_are_left(run, step, kind)
    if not counters.spend(run, kind, MAX_REPAIRS + last):
        return give_up(run, kind)
    if last:
        _by_keys(run, step)
    elif denied:
        ask_shorter(run, step)
    else:
        _in_other_words(run, step, kind, times)
    return None


def _keys_are_left(run: Run, step: AskStep, kind: str) -> bool:
    # An empty room, of which the flow takes care itself, is not asked for keys.
    empty = kind == "no_input" and kind in run.flow.always
    voice = run.memory["channel"] == "voice"
    return voice and not empty and has_keys(run.flow, step, confirming=run.confirming)


def _in_other_words(run: Run, step: AskStep, kind: str, times: int) -> None:
    own, general = step.no_input, run.flow.no_input
    if kind == "no_match":
        own, general = step.no_match, run.flow.no_match
    text, whole = rung(() if run.confirming else own, general, times)
    if whole:
        ask(run, step, run.render(text))
        return
    run.say(text)
    if run.confirming:
        confirm(run, step)
    else:
        ask_shorter(run, step)


def _by_keys(run: Run, step: AskStep) -> None:
    """The last time: by the keys of the telephone."""
    text = by_keys(run.flow, step, confirming=run.confirming)
    if run.confirming:
        confirm(run, step)
        ask(run, step, f"{run.memory['asked']} {run.render(text)}")
        run.actions.pop(-2)
    elif text is phrases.KEYS_MENU:
        run.say(text)
        ask(run, step, _menu(run, step))
    else:
        ask(run, step, run.render(text))


def _menu(run: Run, step: AskStep) -> str:
    """The choices with their keys, or the question, which names them."""
    slot = run.flow.slots.get(step.slot)
    listed = choices_by_key(slot, run.memory["language"]) if slot else ""
    return listed or run.render(step.text)
