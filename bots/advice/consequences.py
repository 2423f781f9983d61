"""What a step of a flow may bring about before the customer decides again. Pure."""

from __future__ import annotations

from bots.flow.check import exits
from bots.flow.model import AskStep, CallbackStep, DoStep, Flow, Step


def changes_something(flow: Flow, start: str) -> bool:
    """Whether an action that changes something, or a promised call, may follow from ``start``.

    Not behind the next open question or the consent to an action: there the customer's own
    words decide.
    """
    ahead, seen = [start], set[str]()
    while ahead:
        name = ahead.pop()
        step = flow.steps.get(name)
        if step is None or name in seen:
            continue
        seen.add(name)
        if isinstance(step, CallbackStep) or (isinstance(step, DoStep) and not step.reads):
            return True
        if not _decides(flow, step):
            ahead.extend(exits(flow, step))
    return False


def _decides(flow: Flow, step: Step) -> bool:
    """Whether the customer says here what happens next."""
    if not isinstance(step, AskStep):
        return False
    slot = flow.slots.get(step.slot)
    return slot is None or slot.consent
