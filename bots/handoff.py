"""The packet a person gets with the customer, made from the flow's memory.

The summary says what the customer wants, what was tried and where it stopped, in
so few words that it can be read aloud in ten seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bots.flow.model import Flow
from router.model import Citation, Handoff, SlotValue

SUMMARY_WORDS = 32
"""About ten seconds read aloud."""
TELLING = frozenset({"order-number", "digits", "integer", "amount", "date", "choice"})
WANTS_WORDS = 12
TRIED_WORDS = 12
REASONS: Mapping[str, str] = {
    "asked-for-person": "asked for a person",
    "not-understood": "the bot did not understand",
    "no-input": "nothing was heard",
    "speech-failed": "speech recognition did not work",
    "voice-failed": "the bot's voice did not work",
    "no-answer": "the knowledge base has no answer",
    "action-failed": "the lookup failed",
    "not-found": "the order was not found",
    "flow-error": "the bot's flow went round in a circle",
    "complaint": "a complaint needs a person",
    "gas-emergency": "an emergency, the safety rules were said",
    "move-appointment": "the bot cannot move appointments",
}
"""Reasons of a hand-over in words; others are shown as they are."""
UNHEARD: Mapping[str, str] = {
    "gas-emergency": "an emergency, the safety rules were not heard to their end",
}
"""The same where the caller did not hear all that the bot said last."""


def build_packet(flow: Flow, memory: Mapping[str, Any], reason: str) -> Handoff:
    """The hand-over document of this conversation."""
    return Handoff(
        reason=reason,
        summary=summary(flow, memory, reason),
        intent=memory["intent"],
        slots=tuple(
            SlotValue(name, str(slot["value"]), slot["confidence"], slot["confirmed"])
            for name, slot in memory["slots"].items()
        ),
        articles=tuple(Citation(**article) for article in memory["articles"]),
        tried=tuple(memory["tried"]),
        last_utterance=memory["last_utterance"],
        language=memory["language"],
    )


def summary(flow: Flow, memory: Mapping[str, Any], reason: str) -> str:
    """``Wants … Tried … Blocked: …`` in at most about ``SUMMARY_WORDS`` words."""
    parts = [f"Wants {_wants(flow, memory)}."]
    known = _known(flow, memory["slots"])
    if known:
        parts.append(f"{known}.")
    tried: Sequence[str] = memory["tried"]
    parts.append(f"Tried: {_cut(tried[-1], TRIED_WORDS)}." if tried else "Nothing tried yet.")
    parts.append(f"Blocked: {_in_words(reason, memory)}.")
    return " ".join(parts)


def _in_words(reason: str, memory: Mapping[str, Any]) -> str:
    if memory.get("unheard") and reason in UNHEARD:
        return UNHEARD[reason]
    return REASONS.get(reason, reason.replace("-", " "))


def _wants(flow: Flow, memory: Mapping[str, Any]) -> str:
    intent = flow.intents.get(memory["intent"] or "")
    question = memory["question"]
    if intent is not None:
        return intent.label
    if question:
        return f"an answer to “{_cut(question, WANTS_WORDS)}”"
    return "to talk to a person" if memory["over"] else "something not said yet"


def _known(flow: Flow, slots: Mapping[str, Any]) -> str:
    """The first values that say something by themselves: numbers, dates, amounts."""
    named = [
        f"{name.replace('_', ' ')} {slot['value']}"
        for name, slot in slots.items()
        if name in flow.slots and flow.slots[name].type in TELLING
    ]
    joined = ", ".join(named[:2])
    return joined[:1].upper() + joined[1:]


def _cut(text: str, words: int) -> str:
    listed = text.split()
    return " ".join(listed) if len(listed) <= words else " ".join(listed[:words]) + "…"
