"""What a turn of the customer means for the question that is open. Pure.

1. Silence is silence; a key is looked up in the question's own keys, then ``0``
   is a person and ``*`` is "repeat".
2. A fixed phrase ("agent", "repeat", "goodbye") wins over everything.
3. At a slot question the value wins, then another topic, then a question aside.
4. At an open question a bare yes or no wins if the step routes it, then the
   intent, then a value that implies an intent, then ``otherwise``.
5. A sentence that corrects an earlier value does so wherever it is said
   (``bots.flow.corrections``).
6. Where two intents are as likely as each other, the customer is asked (``bots.flow.choosing``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bots.flow import choosing, corrections
from bots.flow.corrections import Correction
from bots.flow.model import GLOBALS, LANGUAGE_KEY, AskStep, Flow, Slot, is_command
from bots.flow.outcome import Understood
from bots.nlu import choice
from bots.nlu.entities import Entity, find_all, parse, parse_keys
from bots.nlu.language import wished
from bots.nlu.values.found import SURE
from bots.nlu.yes_no import is_short_answer, leading_answer, yes_or_no

CLEAR = 0.45
"""An intent this sure beats a value found in the same sentence ("no, stop calling me")."""
VALUE_WORDS = 3
"""A sentence this short that holds a value is about the value."""
QUESTION_WORDS = re.compile(
    r"^(?:what|when|where|who|why|how|which|can|could|do|does|did|is|are|will|would|should|"
    r"may|kas|kad|kur|kāpēc|kā|cik|vai|kāds|kāda)\b",
    re.IGNORECASE,
)
QUESTION_ZH = re.compile(r"[吗呢么？]|什么|怎么|为什么|哪|多少|几点|如何|是否")


@dataclass(frozen=True, slots=True)
class Command:
    """A global intent: agent, repeat or goodbye."""

    name: str


@dataclass(frozen=True, slots=True)
class Filled:
    """The slot's value, new or corrected. ``keyed`` when it came from the keys."""

    entity: Entity
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Wants:
    """Go to ``step``; ``intent`` is None when no intent led there.

    ``leaves`` when this is another matter than the open question's, which then waits.
    """

    step: str
    intent: str | None = None
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Partly:
    """Nothing for the open slot, but for others that the question asks for too."""


@dataclass(frozen=True, slots=True)
class Between:
    """One of two intents, and it is not clear which."""

    intents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which of the two it is; ``both`` when the other one comes after it."""

    intent: str
    other: str
    both: bool = False


@dataclass(frozen=True, slots=True)
class Neither:
    """It is none of the two."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A question in the middle of another one."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The value read back is right."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The value read back is wrong, and no other was given."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Something was said that fits nothing."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing to add where an answer is optional."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing was said."""


Meaning = (
    Command
    | Filled
    | Partly
    | Correction
    | Wants
    | Between
    | Chosen
    | Neither
    | Aside
    | Confirmed
    | Denied
    | Unclear
    | Skipped
    | Silent
)


def read(flow: Flow, step: AskStep, memory: Mapping[str, Any], given: Understood) -> Meaning:
    """What ``given`` means at ``step``; ``memory["mode"]`` tells asking from confirming."""
    choosing_now = memory["mode"] == choosing.MODE
    if given.digits and given.digits != "#":
        return _chosen_by_key(memory, given) if choosing_now else _keys(flow, step, memory, given)
    slot = flow.slots.get(step.slot)
    if slot and slot.optional and _nothing(given):
        return Skipped()
    if not given.text.strip():
        return Silent()
    if language := _wished(flow, slot, given):
        return Command(LANGUAGE_KEY + language)
    if given.sure and given.intent in GLOBALS and not _is_offered(slot, given):
        return Command(given.intent)
    if choosing_now:
        return _chosen(flow, step, memory, given)
    if correction := corrections.find(flow, step, memory, given):
        return correction
    if memory["mode"] == "confirm":
        return _confirming(flow.slots[step.slot], given)
    meaning = _filling(flow, step, memory, given) if step.slot else _open(flow, step, given)
    ambiguous = isinstance(meaning, Wants | Aside | Unclear) and not given.sure
    if ambiguous and choosing.can_choose(flow, step, memory, given.between):
        return Between(given.between)
    return meaning


def _is_offered(slot: Slot | None, given: Understood) -> bool:
    """Whether "cancel it" is one of the answers that were offered, and no wish to stop."""
    if slot is None or slot.type != "choice" or given.intent != "stop":
        return False
    return _value(slot, given) is not None


def _wished(flow: Flow, slot: Slot | None, given: Understood) -> str:
    """The language to go on in, unless its name may be the answer that was asked for."""
    if slot is not None and slot.type in ("choice", "text"):
        return ""
    language = wished(given.text)
    return language if language in flow.languages else ""


def _keys(flow: Flow, step: AskStep, memory: Mapping[str, Any], given: Understood) -> Meaning:
    keys = given.digits
    slot = flow.slots.get(step.slot)
    if memory["mode"] == "confirm" and keys in ("1", "2"):
        return Confirmed() if keys == "1" else Denied()
    target = step.dtmf.get(keys)
    if target and is_command(target):
        return Command(target)
    if target:
        return Wants(target) if target in flow.steps else Filled(Entity(target), keyed=True)
    entity = parse_keys(slot, keys) if slot else None
    return Filled(entity, keyed=True) if entity else _key_of_all(keys)


def _key_of_all(keys: str) -> Meaning:
    """What a key means wherever the question itself gives it no meaning."""
    if keys == "0":
        return Command("agent")
    return Command("repeat") if keys == "*" else Unclear()


def _chosen_by_key(memory: Mapping[str, Any], given: Understood) -> Meaning:
    first, second = memory["between"]
    if given.digits in ("1", "2"):
        return Chosen(*((first, second) if given.digits == "1" else (second, first)))
    return _key_of_all(given.digits)


def _chosen(flow: Flow, step: AskStep, memory: Mapping[str, Any], given: Understood) -> Meaning:
    """Which of the two matters is meant (rule 2 of ``bots.flow.choosing``)."""
    first, second = memory["between"]
    names = [
        choosing.about(flow, name, memory["language"], memory["channel"])
        for name in (first, second)
    ]
    match choice.which(given.text, names[0], names[1]):
        case choice.BOTH:
            return Chosen(first, second, both=True)
        case choice.FIRST:
            return Chosen(first, second)
        case choice.SECOND:
            return Chosen(second, first)
        case choice.NEITHER:
            return Neither()
    if given.intent in GLOBALS:
        return Command(str(given.intent))
    if given.intent and given.intent in (first, second):
        return Chosen(given.intent, second if given.intent == first else first)
    if given.intent and given.intent in flow.intents and given.confidence >= CLEAR:
        return Wants(choosing.way(flow, step, given.intent), given.intent)
    return Unclear()


def _confirming(slot: Slot, given: Understood) -> Meaning:
    corrected = _value(slot, given)
    if corrected:
        return Filled(corrected)
    answer = yes_or_no(given.text, given.language or "en")
    if answer is not None:
        return Confirmed() if answer else Denied()
    return Command(given.intent) if given.intent in GLOBALS else Unclear()


def _filling(flow: Flow, step: AskStep, memory: Mapping[str, Any], given: Understood) -> Meaning:
    slot = flow.slots[step.slot]
    entity = _own_value(flow, step, given)
    aside = is_question(given.text)
    whole = entity is not None and entity.confidence >= given.heard_confidence
    if entity and (whole or slot.type == "order-number"):
        return Filled(entity)
    routed = given.intent in step.routes and (not entity or given.confidence >= CLEAR)
    if given.intent and routed:
        return Wants(step.routes[given.intent], given.intent)
    if entity and not aside:
        return Filled(entity)
    if given.intent in GLOBALS:
        return Command(str(given.intent))
    if "no" in step.routes and yes_or_no(given.text, memory["language"]) is False:
        return Wants(step.routes["no"])
    intent = flow.intents.get(given.intent or "")
    partly = not aside and any(other.name != step.slot for other, _ in also(flow, step, given))
    # "In the afternoon" is like "good afternoon", and a value that was asked for.
    talks = intent is not None and bool(intent.go) and not (partly and intent.small_talk)
    if intent and talks and intent.name != memory["intent"]:
        return Wants(intent.go, intent.name, leaves=not intent.small_talk)
    if partly:
        return Partly()
    if aside or (intent and not intent.go):
        return Aside()
    return Filled(entity) if entity else Unclear()


def _open(flow: Flow, step: AskStep, given: Understood) -> Meaning:
    short = is_short_answer(given.text)
    answer = _routed_answer(step, given)
    if answer and short:
        return Wants(answer)
    implied = _implied(flow, given)
    if implied and len(given.text.split()) <= VALUE_WORDS:
        return implied
    if given.intent in GLOBALS:
        return Command(str(given.intent))
    if given.intent and given.intent in step.routes:
        return Wants(step.routes[given.intent], given.intent)
    intent = flow.intents.get(given.intent or "")
    if intent:
        return Wants(intent.go or step.otherwise, intent.name)
    if implied:
        return implied
    leading = leading_answer(given.text, given.language or "en")
    if answer and leading is not None and not is_question(given.text):
        return Wants(answer)
    return Wants(step.otherwise)


def _nothing(given: Understood) -> bool:
    """Silence, ``#``, or "no thanks"."""
    text = given.text.strip()
    if not text:
        return True
    return is_short_answer(text) and yes_or_no(text, given.language or "en") is False


def _routed_answer(step: AskStep, given: Understood) -> str:
    answer = yes_or_no(given.text, given.language or "en")
    return "" if answer is None else step.routes.get("yes" if answer else "no", "")


def _implied(flow: Flow, given: Understood) -> Wants | None:
    for slot in flow.slots.values():
        intent = flow.intents.get(slot.implies)
        if intent and intent.go and _value(slot, given):
            return Wants(intent.go, intent.name)
    return None


def _own_value(flow: Flow, step: AskStep, given: Understood) -> Entity | None:
    """The value of the question's own slot, where it asks for others too: its part of the words."""
    several = list(also(flow, step, given))
    own = next((entity for slot, entity in several if slot.name == step.slot), None)
    if own or several:
        return own
    return _value(flow.slots[step.slot], given)


def _value(slot: Slot, given: Understood) -> Entity | None:
    """The slot's value in the best guess that has one; less sure in a later guess."""
    for place, text in enumerate((given.text, *given.alternatives)):
        entity = parse(slot, text, given.language or "en", given.today)
        if entity:
            heard = given.heard_confidence * (1.0 if place == 0 else 0.8)
            return Entity(entity.value, round(entity.confidence * heard, 3))
    return None


def prefilled(flow: Flow, given: Understood) -> Iterator[tuple[Slot, Entity]]:
    """The values for other steps that the sentence carries along."""
    listed = [slot for slot in flow.slots.values() if slot.prefill]
    for slot, entity in _several(listed, given):
        # A bare number may be anything; a marked one, or one in a fitting sentence, is meant.
        if entity.confidence == SURE or given.intent in (None, slot.implies):
            yield slot, _as_heard(entity, given)


def also(flow: Flow, step: AskStep, given: Understood) -> Iterator[tuple[Slot, Entity]]:
    """The values for all slots that this question asks for; no words serve two of them."""
    if step.also:
        listed = [flow.slots[name] for name in (step.slot, *step.also)]
        yield from ((slot, _as_heard(entity, given)) for slot, entity in _several(listed, given))


def _several(slots: Iterable[Slot], given: Understood) -> Iterator[tuple[Slot, Entity]]:
    if given.text:
        for placed in find_all(slots, given.text, given.language or "en", given.today):
            yield placed.slot, placed.entity


def _as_heard(entity: Entity, given: Understood) -> Entity:
    sure = round(entity.confidence * given.heard_confidence, 3)
    return replace(entity, confidence=sure)


def is_question(text: str) -> bool:
    """Whether the customer asks something."""
    plain = text.strip()
    if plain.endswith(("?", "？")) or QUESTION_ZH.search(plain):
        return True
    return bool(QUESTION_WORDS.match(plain)) and len(plain.split()) > 2
