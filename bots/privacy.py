"""What a customer should not have said is taken out before anything is made of it. Pure.

The flow, its memory, the packet, and a language model where there is one, read only what is
left. A number that was begun in the turn before is taken out of the memory too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from router.redaction.policy import Policy
from router.redaction.redact import redact, redact_next

if TYPE_CHECKING:
    from bots.conversation import Heard

SHORT = 4
"""What has fewer characters may stand in anything; it goes where it stands alone."""


def private(
    memory: Mapping[str, Any], heard: Heard, policy: Policy
) -> tuple[Mapping[str, Any], Heard]:
    """Memory and words as they may be kept. Keys that make a card are words then, not keys."""
    said = heard.digits or heard.text
    if not said:
        return memory, heard
    before = str(memory.get("last_utterance", ""))
    (earlier,), text = redact_next([before], said, policy, str(memory.get("asked", "")))
    if before and earlier != before:
        memory = {key: _instead(value, before, earlier) for key, value in memory.items()}
    if heard.digits:
        return memory, heard if text == said else replace(heard, digits="", text=text)
    alternatives = tuple(redact(each, policy) for each in heard.alternatives)
    return memory, replace(heard, text=text, alternatives=alternatives)


def _instead(value: Any, old: str, new: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _instead(each, old, new) for key, each in value.items()}
    if isinstance(value, list):
        return [_instead(each, old, new) for each in value]
    if isinstance(value, str) and len(old) >= SHORT:
        return value.replace(old, new)
    return new if value == old else value
