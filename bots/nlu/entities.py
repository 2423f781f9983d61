"""Typed values in what a customer says or writes. Pure; dates and times take ``today``.

``parse(slot, text, language)`` gives one slot's value, normalised, and how sure it is:
order numbers ``HL-482913``, codes ``AB482913``, digits, whole numbers, amounts ``12.50``, ISO
dates, times ``15:30``, durations ``PT1H30M``, E.164 telephone numbers, e-mail addresses, names,
``yes``/``no``, a choice's name, or the text itself. ``find_all`` finds the values of several slots
in one sentence. What was taken back in the same breath ("fifteen, no, fifty") counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from bots.flow.model import Slot
from bots.nlu.numbers import digit_runs
from bots.nlu.values import addresses, choices, people
from bots.nlu.values.clock import Hours, bare_times, times
from bots.nlu.values.codes import codes
from bots.nlu.values.corrections import standing
from bots.nlu.values.counts import counts
from bots.nlu.values.dates import Calendar, dates
from bots.nlu.values.durations import durations
from bots.nlu.values.found import GUESS, LIKELY, SURE, Found, Plain, Setting, Taken, longest
from bots.nlu.values.money import amounts
from bots.nlu.values.phones import phones
from bots.nlu.yes_no import yes_or_no

ORDER_LENGTH = 6
LONGEST = 4000
"""Characters of a text that are read; nobody reads a longer mail either."""
SPECIFIC: Mapping[str, int] = {
    "email": 9, "code": 8, "order-number": 8, "phone": 7, "amount": 6, "time": 6, "date": 6,
    "duration": 6, "choice": 5, "name": 5, "digits": 3, "integer": 2,
}  # fmt: skip
"""Which type keeps words that fit several; those left out are only found where they are asked."""
OTHER_PREFIX = re.compile(r"(?<![a-z])[a-z]{2}-$")
CUE_LETTERS, CUE_REACH = 3, 30
"""Words of a slot's name from so many letters, looked for so many characters before a value."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A value, normalised, and a confidence from 0 to 1.

    ``unit`` is the currency that was named with an amount (ISO 4217).
    """

    value: str
    confidence: float = SURE
    unit: str = ""


class Placed(NamedTuple):
    """A slot's value and where the customer's text has it."""

    slot: Slot
    entity: Entity
    span: tuple[int, int]


def parse(slot: Slot, text: str, language: str = "en", today: date | None = None) -> Entity | None:
    """The slot's value in ``text``; None when it is not there.

    ``today`` may be a ``datetime`` of the company's time zone, for times told from now.
    """
    found = find(slot, Plain(text[:LONGEST]), Setting(language, today))
    best = _best(slot, found)
    return Entity(best.value, best.confidence, best.unit) if best else None


def parse_keys(slot: Slot, keys: str) -> Entity | None:
    """The slot's value from telephone keys; None when they do not make one."""
    match slot.type:
        case "yes-no":
            value = {"1": "yes", "2": "no"}.get(keys)
        case "choice":
            value = next((choice.value for choice in slot.choices if choice.key == keys), None)
        case "text" | "name" | "email" | "time" | "code" | "duration":
            value = None
        case _:
            found = parse(slot, keys) if keys.isdigit() else None
            value = found.value if found else None
    return Entity(value) if value else None


def find(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    """All values of the slot's type that stand, in the order of the text."""
    found = FINDERS[slot.type](slot, plain, setting)
    return standing(plain.text, found) if slot.type in CORRECTED else found


def find_all(
    slots: Iterable[Slot], text: str, language: str = "en", today: date | None = None
) -> list[Placed]:
    """The values of several slots in one text; no words serve two slots.

    Surer and more specific values go first; of two slots of a type the one that is named near a
    value gets it, then the one that is listed first. ``yes-no`` and ``text`` are not looked for,
    names only where one is told.
    """
    plain, setting = Plain(text[:LONGEST]), Setting(language, today)
    wanted = [slot for slot in slots if slot.type in SPECIFIC]
    candidates = [
        (slot, found)
        for slot in wanted
        for found in find(slot, plain, setting)
        if _is_told(slot, found, text)
    ]
    order = {slot.name: place for place, slot in enumerate(wanted)}
    candidates.sort(
        key=lambda item: (
            -SPECIFIC[item[0].type],
            -_cue(item[0], item[1], plain),
            -item[1].confidence,
            -item[1].weight,
            order[item[0].name],
            item[1].start,
        )
    )
    taken = Taken()
    placed: dict[str, Placed] = {}
    for slot, found in candidates:
        if slot.name in placed or not taken.add(found):
            continue
        entity = Entity(found.value, found.confidence, found.unit)
        placed[slot.name] = Placed(slot, entity, plain.place(found.start, found.end))
    return sorted(placed.values(), key=lambda one: one.span)


def _is_told(slot: Slot, found: Found, text: str) -> bool:
    """Whether a value is meant as one, though nobody asked for it."""
    if slot.type == "name" and not slot.among:
        return people.introduces(text)
    if slot.type in ("name", "choice"):
        return found.confidence > GUESS
    if slot.type == "amount":
        return bool(found.unit) or found.confidence == SURE
    return found.weight >= 0


def _cue(slot: Slot, found: Found, plain: Plain) -> int:
    """How near a word of the slot's own name stands before the value; 0 where none does."""
    before = plain.text[max(0, found.start - CUE_REACH) : found.start]
    words = [word for word in re.split(r"[_\W]+", slot.name.lower()) if len(word) >= CUE_LETTERS]
    places = [match.start() for word in words for match in re.finditer(rf"\b{word}", before)]
    return CUE_REACH - (len(before) - max(places)) if places else 0


def _best(slot: Slot, found: list[Found]) -> Found | None:
    if not found:
        return None
    heaviest = max(one.weight for one in found)
    meant = [one for one in found if one.weight == heaviest]
    # An order number comes at the end of its story.
    return meant[-1] if slot.type in ("order-number", "digits", "code") else meant[0]


# -- one finder per type ------------------------------------------------------------


def _order_number(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    length, prefix = slot.length or ORDER_LENGTH, slot.prefix
    bare = _runs(plain, length)
    if not prefix:
        return bare
    # With its letters in front even a number among others is surely meant.
    marked = [
        Found(f"{prefix}-{one.value[len(prefix) :]}", one.start, one.end, SURE, weight=1)
        for one in codes(plain, rf"{re.escape(prefix)}\d{{{length}}}")
    ]
    others = [
        one
        for one in bare
        if not any(one.overlaps(other) for other in marked) and not _is_another_kind(one, plain)
    ]
    return [*marked, *(replace(one, value=f"{prefix}-{one.value}") for one in others)]


def _is_another_kind(found: Found, plain: Plain) -> bool:
    """Whether letters of another kind of number stand right before it, as in EN-204518."""
    return OTHER_PREFIX.search(plain.text[: found.start]) is not None


def _runs(plain: Plain, length: int) -> list[Found]:
    """The digits of that length; else all of the text's together, if they have it."""
    runs = digit_runs(plain.text)
    exact = [Found(run.digits, run.start, run.end) for run in runs if len(run.digits) == length]
    exact = exact or [one for one in counts(plain.text) if len(one.value) == length]
    if exact:
        return exact
    heard = codes(plain, rf"\d{{{length}}}")
    if heard and heard[0].weight * 2 >= -length:
        return [replace(one, weight=0) for one in heard]
    joined = "".join(run.digits for run in runs)
    if len(runs) > 1 and len(joined) == length:
        return [Found(joined, runs[0].start, runs[-1].end, GUESS, weight=-1)]
    return []


def _code(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    return codes(plain, slot.pattern)


def _digits(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    if slot.length:
        return _runs(plain, slot.length)
    return [
        Found(run.digits, run.start, run.end, weight=len(run.digits))
        for run in digit_runs(plain.text)
    ]


def _integer(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    found = [
        one
        for one in counts(plain.text)
        if (slot.low is None or int(one.value) >= slot.low)
        and (slot.high is None or int(one.value) <= slot.high)
    ]
    return _less_elsewhere(found, plain, setting, (_date, _time, _duration, _named_amount))


def _amount(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    found = [
        one
        for one in amounts(plain.text)
        if not (slot.currency and one.unit) or one.unit == slot.currency
    ]
    return _less_elsewhere(found, plain, setting, (_date, _time, _duration))


def _named_amount(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    return [one for one in amounts(plain.text) if one.unit]


def _less_elsewhere(
    found: list[Found], plain: Plain, setting: Setting, others: tuple[Finder, ...]
) -> list[Found]:
    """Numbers that are part of a date, a time or an amount weigh less."""
    if not found:
        return []
    free = Slot("", "")
    taken = Taken(
        longest([other for find_others in others for other in find_others(free, plain, setting)])
    )
    return [
        replace(one, weight=one.weight - 2) if not one.unit and taken.holds(one) else one
        for one in found
    ]


def _date(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    return dates(plain.text, Calendar(setting.day, slot.past, slot.month_first))


def _time(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    hours = Hours(slot.low, slot.high, setting.now)
    return times(plain.text, hours) or bare_times(plain.text, hours)


def _duration(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    return durations(plain.text)


def _phone(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    return phones(plain, slot.country)


def _email(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    return addresses.emails(plain.text)


def _name(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    return people.among(plain, slot.among) if slot.among else people.names(plain)


def _choice(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    return choices.choices(plain, slot.choices, setting.language)


def _yes_no(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    value = yes_or_no(plain.origin, setting.language)
    if value is None:
        return []
    return [Found("yes" if value else "no", 0, len(plain.text), LIKELY)]


def _free_text(slot: Slot, plain: Plain, setting: Setting) -> list[Found]:
    stripped = plain.origin.strip()
    return [Found(stripped, 0, len(plain.text), SURE)] if stripped else []


Finder = Callable[[Slot, Plain, Setting], list[Found]]
FINDERS: Mapping[str, Finder] = {
    "order-number": _order_number,
    "code": _code,
    "digits": _digits,
    "integer": _integer,
    "amount": _amount,
    "date": _date,
    "time": _time,
    "duration": _duration,
    "phone": _phone,
    "email": _email,
    "name": _name,
    "yes-no": _yes_no,
    "choice": _choice,
    "text": _free_text,
}
CORRECTED = frozenset(FINDERS) - {"yes-no", "text"}
