"""What a flow asks for and nobody may keep: card numbers, security codes, PINs. Pure.

A slot that is ``sensitive`` is heard off the record (no recording, no transcript), is used by
actions, and is forgotten with the action that changes something, with the end and with the
hand-over. It stands in no packet and no text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bots.flow.model import AskStep, Flow
from bots.flow.outcome import Memory

MASK = "[confidential]"
"""What stands in the transcript and in the memory where the customer's words were."""


def names(flow: Flow) -> frozenset[str]:
    """The slots that nobody may keep."""
    return frozenset(slot.name for slot in flow.slots.values() if slot.sensitive)


def is_asked(flow: Flow, memory: Mapping[str, Any]) -> bool:
    """Whether the open question is for one of them."""
    step = flow.steps.get(memory["step"])
    return isinstance(step, AskStep) and is_for(flow, step)


def is_for(flow: Flow, step: AskStep) -> bool:
    """Whether the question is for one of them, alone or among others."""
    asked = (flow.slots.get(name) for name in (step.slot, *step.also))
    return any(slot is not None and slot.sensitive for slot in asked)


def hushed(memory: Memory) -> Memory:
    """The memory without the words that answered such a question; the value stays."""
    said = memory["last_utterance"]
    question = "" if memory["question"] == said else memory["question"]
    turn = {**memory["turn"], "text": MASK, "digits": ""} if memory["turn"] else {}
    return {**memory, "last_utterance": "", "question": question, "value": "", "turn": turn}


def forgotten(flow: Flow, memory: Mapping[str, Any]) -> Memory:
    """The memory without the values."""
    secret = names(flow)
    if not secret & set(memory["slots"]):
        return dict(memory)
    slots = {name: kept for name, kept in memory["slots"].items() if name not in secret}
    return {**memory, "slots": slots}
