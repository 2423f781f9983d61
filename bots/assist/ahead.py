"""What the flow would ask next, for the agent who goes on in its place. Pure.

From the step that serves the customer's intent on, along every way that needs no answer of a
person: the first question whose value nobody knows is next, the others are still missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bots.flow.model import AskStep, Flow, Step

MISSING = 3
STEPS = 60
"""So many steps are looked at: a flow is a screenful, and its circles must end."""
ONWARD = ("next", "otherwise")


def open_questions(
    flow: Flow, memory: Mapping[str, Any], known: Collection[str]
) -> list[tuple[str, AskStep]]:
    """The slots that the customer's matter still needs, with their questions, next one first."""
    found: dict[str, AskStep] = {}
    for step in _ahead(flow, _beginning(flow, memory)):
        if isinstance(step, AskStep) and step.slot and step.slot not in known:
            found.setdefault(step.slot, step)
        if len(found) >= MISSING:
            break
    return list(found.items())


def _beginning(flow: Flow, memory: Mapping[str, Any]) -> str:
    """Where the matter begins: the intent's own step, else the question that was open."""
    intent = flow.intents.get(memory.get("intent") or "")
    if intent is not None:
        return intent.go
    at = flow.steps.get(str(memory.get("step", "")))
    return at.id if isinstance(at, AskStep) and at.slot else ""


def _ahead(flow: Flow, begin: str) -> Iterator[Step]:
    """Steps in the order in which they can come, each once; an open question ends its way."""
    waiting, seen = deque([begin]), {begin}
    while waiting and len(seen) <= STEPS:
        step = flow.steps.get(waiting.popleft())
        if step is None:
            continue
        yield step
        if isinstance(step, AskStep) and not step.slot:
            continue
        for target in _targets(step):
            if target not in seen:
                seen.add(target)
                waiting.append(target)


def _targets(step: Step) -> Iterator[str]:
    """Where it leads when all goes well: not the ways of keys, failures and repairs."""
    for _, target in getattr(step, "cases", ()):
        yield target
    for name in ONWARD:
        target = getattr(step, name, "")
        if isinstance(target, str) and target:
            yield target
