"""What a step of a flow may bring about before the customer decides again. Pure."""

from __future__ import annotations

from bots.flow.check import exits
from bots.flow.model import AskStep, DoStep, Flow

READING = ("GET", "HEAD")


def changes_something(flow: Flow, start: str) -> bool:
    """Whether an action that changes something may follow from ``start``.

    Not behind the next open question: there the customer's own words lead on.
    """
    ahead, seen = [start], set[str]()
    while ahead:
        name = ahead.pop()
        step = flow.steps.get(name)
        if step is None or name in seen:
            continue
        seen.add(name)
        if isinstance(step, DoStep) and step.method not in READING:
            return True
        if not (isinstance(step, AskStep) and not step.slot):
            ahead.extend(exits(flow, step))
    return False
