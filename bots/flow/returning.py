"""A conversation in which people have had their turn: what stays known, where it goes on. Pure.

1. What the customer confirmed, or a person put right, is not asked for again: the question
   for it is passed, once, when it is reached (``bots.flow.questions``). What was understood
   but not confirmed is read back instead. A value counts only where the flow's slot of that
   name is of the same type. A yes or no, and a choice that the flow never reads back, was a
   decision of the moment and is asked anew.
2. What was tried and shown stays in the record, and so does the proof of who it is.
3. The flow goes on at its own step (``always: {returned: STEP}``). Without one, the flow that
   spoke before says that it is back instead of saying hello again and puts its first
   question; another flow begins as it always does.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from bots.flow import phrases
from bots.flow.memory import pack_citation, pack_say
from bots.flow.model import Flow, SayStep, Slot
from bots.flow.outcome import Context, Memory, Outcome, Say
from bots.flow.run import Run
from router.handoff import Handoff, SlotValue

RETURNED = "returned"
"""The key of ``always`` for a conversation that comes back to the bot."""
DECISIONS = frozenset({"yes-no", "choice"})
READABLE = frozenset({"order-number", "digits", "integer", "amount", "date", "time", "email"})
"""What makes sense to be read back."""
CARRIED = "carried"
"""Marks a slot's value that an earlier conversation has settled."""


def remember(flow: Flow, memory: Memory, context: Context) -> None:
    """Take into a fresh memory what the packet and the person say (rules 1 and 2)."""
    memory |= {"person": dict(context.person), "nobody": dict(context.nobody)}
    packet = context.packet
    if packet is None:
        return
    memory["slots"] = _settled(flow, packet)
    memory["tried"] = list(packet.tried)
    memory["articles"] = [pack_citation(article) for article in packet.articles]
    if packet.authentication.level:
        memory["authentication"] = asdict(packet.authentication)


def _settled(flow: Flow, packet: Handoff) -> dict[str, Any]:
    return {
        slot.name: {
            "value": slot.value,
            "confidence": slot.confidence,
            "confirmed": slot.confirmed,
            CARRIED: True,
        }
        for slot in packet.slots
        if slot.name in flow.slots and _holds(flow.slots[slot.name], slot)
    }


def _holds(slot: Slot, value: SlotValue) -> bool:
    """Whether an earlier value says something about this slot."""
    if value.type and value.type != slot.type:
        return False
    if slot.type in DECISIONS:
        return value.confirmed and slot.type != "yes-no" and slot.confirm != "never"
    return value.confirmed or slot.type in READABLE


def entry(flow: Flow, context: Context) -> str:
    """The step with which the conversation begins (rule 3)."""
    if context.nobody and flow.nobody:
        return flow.nobody.go
    return flow.always.get(RETURNED, flow.start) if context.packet else flow.start


def is_again(flow: Flow, context: Context) -> bool:
    """Whether this very flow spoke before and has no step of its own for coming back."""
    packet = context.packet
    return packet is not None and packet.flow == flow.name and RETURNED not in flow.always


def without_hello(run: Run, outcome: Outcome) -> Outcome:
    """The first turn of who was here before: "you are back" in place of the greeting.

    What is protected (a legal notice) and what has a source is said all the same.
    """
    words = run.render(phrases.RETURNED)
    back = [Say(words, words)] if words else []
    kept = [action for action in outcome.actions if not _is_hello(run.flow, action)]
    said = [pack_say(each) for each in (*back, *kept) if isinstance(each, Say)]
    return replace(outcome, memory=outcome.memory | {"said": said}, actions=(*back, *kept))


def _is_hello(flow: Flow, action: object) -> bool:
    if not isinstance(action, Say) or action.citations:
        return False
    step = flow.steps.get(action.step)
    return isinstance(step, SayStep) and not step.protected
