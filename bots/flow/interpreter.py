"""Runs a flow, purely: memory and what happened in, memory and what to do out.

1. Steps run until one waits: for the customer, the knowledge base or an action.
2. A question gets two repairs, each in other words, then the keys, then a person
   (``bots.flow.repairs``).
3. A value that is costly to get wrong is read back before it is used (``bots.flow.questions``).
4. A question aside is answered, then the open question is put again.
5. "Agent", ``0``, "repeat", "slower", "go back", "goodbye" and the name of a language work at
   every question (``bots.flow.wishes``).
6. After a hand-over or an end nothing is ever said again (``bots.flow.endings``), unless a
   person gives the customer back (``bots.flow.returning``).

Every room's functions change a :class:`bots.flow.run.Run` and return the step to go on with.
The memory is JSON; its keys are listed in ``bots.flow.memory.fresh``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from bots.flow import calls, endings, fallback, hearing, render, results, returning
from bots.flow.memory import fresh
from bots.flow.model import Flow, Text
from bots.flow.outcome import Answered, Context, Fetched, Given, Outcome, Understood
from bots.flow.run import Next, Run
from bots.flow.steps import do

MAX_STEPS = 100
"""Steps in one turn; more is a loop in the flow, and a person takes over."""


def start(flow: Flow, context: Context, settings: Mapping[str, Any] | None = None) -> Outcome:
    """The first turn. ``settings`` are the operator's values, over the flow's variables."""
    run = Run(flow, fresh(flow, context), settings or {})
    returning.remember(flow, run.memory, context)
    begun = _outcome(run, lambda _: returning.entry(flow, context))
    return returning.without_hello(run, begun) if returning.is_again(flow, context) else begun


def resume(
    flow: Flow, memory: Mapping[str, Any], given: Given, settings: Mapping[str, Any] | None = None
) -> Outcome:
    """The next turn, or the rest of this one after I/O. ``memory`` is left as it is."""
    run = Run(flow, copy.deepcopy(dict(memory)), settings or {})
    if run.memory["over"]:
        return Outcome(run.memory, ())
    return _outcome(run, lambda run: _take(run, given))


def give_up(
    flow: Flow, memory: Mapping[str, Any], reason: str, settings: Mapping[str, Any] | None = None
) -> Outcome:
    """The flow's way to a person for a reason outside of it, from wherever it is."""
    run = Run(flow, copy.deepcopy(dict(memory)), settings or {})
    run.memory |= {"over": "", "said": []}
    return _outcome(run, lambda run: endings.person(run, reason))


def come_back(
    flow: Flow,
    memory: Mapping[str, Any],
    nobody: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
) -> Outcome | None:
    """The turn after a hand-over that no person took, for the reasons ``nobody``.

    None where the flow says nothing about it.
    """
    run = Run(flow, copy.deepcopy(dict(memory)), settings or {})
    run.memory |= {"over": "", "said": [], "trail": [], "nobody": dict(nobody)}
    target = fallback.entry(run, nobody)
    return _outcome(run, lambda _: target) if target else None


def phrase(
    flow: Flow, memory: Mapping[str, Any], text: Text, settings: Mapping[str, Any] | None = None
) -> str:
    """A text of the flow filled in from this memory; empty when its template fails."""
    try:
        return Run(flow, dict(memory), settings or {}).render(text)
    except render.TemplateError:
        return ""


def _outcome(run: Run, begin: Callable[[Run], Next]) -> Outcome:
    """Run until something waits; a template that fails brings a person, never silence."""
    try:
        _go(run, begin(run))
    except render.TemplateError as error:
        run.actions.clear()
        run.memory["tried"].append(f"flow step {run.memory['step']} failed: {error}")
        endings.broken(run, "flow-error")
    return Outcome(run.memory, tuple(run.actions))


def _go(run: Run, target: Next) -> None:
    ahead = target
    for _ in range(MAX_STEPS):
        if ahead is None:
            return
        calls.left(run, ahead)
        run.memory["step"], run.memory["mode"] = ahead, "run"
        ahead = do(run, run.flow.find(ahead))
    endings.broken(run, target or "")


def _take(run: Run, given: Given) -> Next:
    match given:
        case Understood():
            return hearing.heard(run, given)
        case Answered():
            return results.answered(run, given)
        case Fetched():
            return results.fetched(run, given)
        case _:
            return results.done(run, given)
