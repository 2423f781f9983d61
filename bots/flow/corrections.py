"""A value given before is wrong: "no, I said fifteen", "the amount was fifty, not fifteen". Pure.

1. A sentence corrects when it says so: it contradicts, or names what is wrong.
2. It is about the slot whose old value it denies, else the one it names, else, where it
   begins by contradicting, the latest that such a value fits.
3. A value that is not new corrects nothing.
4. The flow goes back to that question and walks on from there: what was given later stands as
   long as it passes its checks (``memory["kept"]``).
5. No correction reaches behind an action that changed something; the customer is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bots.flow.model import AskStep, Flow, Slot, scope_of
from bots.flow.outcome import Understood
from bots.nlu.entities import Entity, parse
from bots.nlu.numbers import fold

CONTRADICTS = re.compile(
    r"\b(?:i (?:said|meant|mean|told you)|that(?:'s| is| was) (?:wrong|not (?:right|correct))|"
    r"you (?:misheard|misunderstood|got (?:it|that|me) wrong)|i made a mistake|"
    r"(?:it|that) should (?:be|have been)|es (?:teicu|domaju|gribeju teikt)|nepareizi|"
    r"kludijos|parteicos|jabut)\b"
)
BEGINS = re.compile(r"^(?:oh |ah |um |uh )*(?:no|nope|wait|sorry|oops|actually|ne|nezelojiet)\b")
CHANGES = re.compile(
    r"\b(?:change|correct|fix|correction|instead(?: of)?|rather than|not|was|is|should be|wrong|"
    r"actually|sorry|make (?:it|that)|nevis|mainit|mainiet|izlabo\w*|labot|labojiet|ir|bija)\b"
)
CONTRADICTS_ZH = re.compile(r"我说的是|我是说|应该是|说错了|弄错了|听错了|不对")
BEGINS_ZH = re.compile(r"^(?:不|错)")
CHANGES_ZH = re.compile(r"改成|改为|换成|不是|应该是|错了")
DENIED = re.compile(
    r"[,;]?\s*\b(?:and not|not|instead of|rather than|nevis|un ne|ne)\s+(?P<old>[^,;.!?]+?)"
    r"(?=[,;.!?]|\s+but\b|\s+bet\b|$)",
    re.IGNORECASE,
)
DENIED_ZH = re.compile(r"[，,]?(?:而?不是|不)(?P<old>[^，,。！？是]+)")
DENIES, NAMED = 4, 2
"""How strongly a sentence means a slot: it denies the old value; it names the slot."""
TALK = ("text", "yes-no")
"""Types of which any sentence, or any yes, would be a value."""


@dataclass(frozen=True, slots=True)
class Correction:
    """The new value of ``slot``, and the question that it goes back to; None: too late."""

    slot: Slot
    entity: Entity
    step: AskStep | None


def find(
    flow: Flow, step: AskStep, memory: Mapping[str, Any], given: Understood
) -> Correction | None:
    """What the sentence corrects, if anything; ``step`` is the open question."""
    if not memory["slots"] or not given.text:
        return None
    found = list(_candidates(flow, step, memory, given))
    strongest = max((strength for strength, _ in found), default=0)
    # At an open question a value with its name is as likely a new matter.
    if strongest >= (DENIES if not step.slot else NAMED):
        return next(each for strength, each in found if strength == strongest)
    bare = memory["mode"] != "confirm" and _contradicts(flow, step, memory, given)
    return found[0][1] if found and bare else None


def _contradicts(flow: Flow, step: AskStep, memory: Mapping[str, Any], given: Understood) -> bool:
    """Whether the sentence says that something is wrong, without saying what."""
    plain = fold(given.text)
    if CONTRADICTS.search(plain) or CONTRADICTS_ZH.search(given.text):
        return True
    slot = flow.slots.get(step.slot)
    language = given.language or memory["language"]
    begins = BEGINS.search(plain) or BEGINS_ZH.search(given.text)
    # "No, fifteen" is the open question's own answer if it can be.
    return bool(begins and slot and parse(slot, given.text, language, given.today) is None)


def _candidates(
    flow: Flow, step: AskStep, memory: Mapping[str, Any], given: Understood
) -> Iterator[tuple[int, Correction]]:
    """How strongly the sentence means each slot that has another value, the latest first."""
    denied, rest = _without_denial(given.text)
    language = given.language or memory["language"]
    changes = CHANGES.search(fold(given.text)) or CHANGES_ZH.search(given.text)
    asked = _asked(flow, step, memory)
    for name, kept in reversed(memory["slots"].items()):
        slot = flow.slots.get(name)
        if slot is None or not _can_be_meant(slot, step):
            continue
        entity = parse(slot, rest, language, given.today)
        if entity is None or entity.value == kept["value"]:
            continue
        old = parse(slot, denied, language, given.today) if denied else None
        strength = DENIES if old is not None and old.value == kept["value"] else 0
        strength += NAMED if changes and _names(slot, given.text, language) else 0
        sure = round(entity.confidence * given.heard_confidence, 3)
        yield strength, Correction(slot, Entity(entity.value, sure), asked.get(name))


def _can_be_meant(slot: Slot, step: AskStep) -> bool:
    """Neither the open question's own, nor another flow's, nor one that any word fits."""
    own = slot.name == step.slot or slot.name in step.also
    return not own and slot.type not in TALK and scope_of(slot.name) == scope_of(step.id)


def _asked(flow: Flow, step: AskStep, memory: Mapping[str, Any]) -> dict[str, AskStep]:
    """By slot, the question that was passed with it, since what cannot be taken back."""
    found: dict[str, AskStep] = {}
    for name in memory["path"]:
        passed = flow.steps.get(name)
        if isinstance(passed, AskStep) and passed.slot and passed.id != step.id:
            found[passed.slot] = passed
    return found


def _without_denial(text: str) -> tuple[str, str]:
    """What the sentence denies, and the rest of it."""
    for pattern in (DENIED, DENIED_ZH):
        found = pattern.search(text)
        if found:
            return found["old"], f"{text[: found.start()]} {text[found.end() :]}".strip()
    return "", text


def _names(slot: Slot, text: str, language: str) -> bool:
    """Whether the sentence names the slot, by its label or its name in the flow."""
    label = slot.label.find(language, "", language) if slot.label else ""
    words = label or slot.name.rpartition("/")[2].replace("_", " ").replace("-", " ")
    plain = fold(text)
    if language == "zh":
        return words in text
    listed = [word for word in fold(words).split() if len(word) > 2]
    return bool(listed) and all(re.search(rf"\b{re.escape(word)}", plain) for word in listed)
