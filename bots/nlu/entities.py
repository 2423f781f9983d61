"""Typed values in what a customer says or writes. Pure; dates take ``today``.

``parse(slot, text, language)`` gives the normalised value and how sure it is:
order numbers ``HL-482913``, digits, whole numbers, amounts ``12.50``, ISO dates, times
``15:30``, names, e-mail addresses,
``yes``/``no``, a choice's name, or the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from bots.flow.model import Slot
from bots.nlu import contact
from bots.nlu.days import days_in_digits
from bots.nlu.numbers import digit_string, fold, integer
from bots.nlu.yes_no import yes_or_no

SURE = 1.0
LIKELY = 0.8
GUESS = 0.6


@dataclass(frozen=True, slots=True)
class Entity:
    """A value, normalised, and a confidence from 0 to 1."""

    value: str
    confidence: float = SURE


def parse(slot: Slot, text: str, language: str = "en", today: date | None = None) -> Entity | None:
    """The slot's value in ``text``; None when it is not there."""
    return PARSERS[slot.type](slot, text, language, today)


def parse_keys(slot: Slot, keys: str) -> Entity | None:
    """The slot's value from telephone keys; None when they do not make one."""
    match slot.type:
        case "yes-no":
            value = {"1": "yes", "2": "no"}.get(keys)
        case "choice":
            value = next((choice.value for choice in slot.choices if choice.key == keys), None)
        case "text" | "name" | "email" | "time":
            value = None
        case _:
            found = parse(slot, keys) if keys.isdigit() else None
            value = found.value if found else None
    return Entity(value) if value else None


def _order_number(slot: Slot, text: str, language: str, today: date | None) -> Entity | None:
    length = slot.length or 6
    prefix = slot.prefix
    if prefix:
        letters = r"[\s.\-]*".join(prefix)
        # With its letters in front even a number among others is surely meant.
        spaced = r"[\s\-]*".join([r"\d"] * length)
        marked = re.search(rf"(?<![a-z]){letters}[\s.\-–—:#]*({spaced})(?!\d)", fold(text), re.I)
        if marked:
            return Entity(_order(prefix, re.sub(r"\D", "", marked.group(1))))
    runs = digit_string(text)
    exact = [run for run in runs if len(run) == length]
    if exact:
        return Entity(_order(prefix, exact[-1]), LIKELY)
    joined = "".join(runs)
    if len(runs) > 1 and len(joined) == length:
        return Entity(_order(prefix, joined), GUESS)
    return None


def _order(prefix: str, digits: str) -> str:
    return f"{prefix}-{digits}" if prefix else digits


def _digits(slot: Slot, text: str, language: str, today: date | None) -> Entity | None:
    runs = digit_string(text)
    if slot.length:
        runs = [run for run in [*runs, "".join(runs)] if len(run) == slot.length]
    return Entity(runs[0], LIKELY) if runs else None


def _integer(slot: Slot, text: str, language: str, today: date | None) -> Entity | None:
    value = integer(text)
    if value is None or (slot.low is not None and value < slot.low):
        return None
    if slot.high is not None and value > slot.high:
        return None
    return Entity(str(value))


AMOUNT = re.compile(r"(\d+(?:[ ,]\d{3})*)(?:[.,](\d{1,2}))?(?!\d)")


def _amount(slot: Slot, text: str, language: str, today: date | None) -> Entity | None:
    written = AMOUNT.search(text)
    if written:
        whole = re.sub(r"[ ,]", "", written.group(1))
        return Entity(f"{whole}.{(written.group(2) or '00').ljust(2, '0')}")
    parts = re.split(r"\b(?:euros?|eiro|pounds?|dollars?|point|komats)\b|欧元|点|元|块", fold(text))
    whole_part = integer(parts[0])
    if whole_part is None:
        return None
    cents = integer(parts[1]) if len(parts) > 1 else None
    return Entity(f"{whole_part}.{min(cents or 0, 99):02d}", LIKELY)


# fmt: off
MONTHS_SPELLED = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
    "janvari", "februari", "marta", "aprili", "maija", "junija", "julija", "augusta",
    "septembri", "oktobri", "novembri", "decembri",
)
DAYS_SPELLED = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "pirmdien", "otrdien", "tresdien", "ceturtdien", "piektdien", "sestdien", "svetdien",
)
# fmt: on
MONTHS: Mapping[str, int] = {name: i % 12 + 1 for i, name in enumerate(MONTHS_SPELLED)}
WEEKDAYS: Mapping[str, int] = {name: i % 7 for i, name in enumerate(DAYS_SPELLED)}
RELATIVE: Mapping[str, int] = {
    "today": 0, "tomorrow": 1, "day after tomorrow": 2, "yesterday": -1,
    "今天": 0, "明天": 1, "后天": 2, "昨天": -1,
    "sodien": 0, "rit": 1, "parit": 2, "vakar": -1,
}  # fmt: skip


def _date(slot: Slot, text: str, language: str, today: date | None) -> Entity | None:
    plain = fold(text)
    for read in (_written_date, _named_date):
        found = read(plain, today) or read(days_in_digits(plain), today)
        if found:
            return Entity(found.isoformat())
    if today is None:
        return None
    for words, days in sorted(RELATIVE.items(), key=lambda item: -len(item[0])):
        if re.search(rf"(?<![a-z]){words}(?![a-z])", plain):
            return Entity((today + timedelta(days=days)).isoformat(), LIKELY)
    weekday = _weekday(plain)
    if weekday is None:
        return None
    # A weekday means the next one to come, never today.
    ahead = (weekday - today.weekday() - 1) % 7 + 1
    return Entity((today + timedelta(days=ahead)).isoformat(), LIKELY)


def _weekday(plain: str) -> int | None:
    chinese = re.search(r"(?:星期|周|礼拜)([一二三四五六日天])", plain)
    if chinese:
        return "一二三四五六日".find(chinese.group(1).replace("天", "日"))
    return next((day for name, day in WEEKDAYS.items() if re.search(rf"\b{name}", plain)), None)


def _written_date(plain: str, today: date | None) -> date | None:
    iso = re.search(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b", plain)
    if iso:
        return _real(int(iso.group(1)), int(iso.group(2)), int(iso.group(3)))
    chinese = re.search(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})", plain)
    if chinese and (chinese.group(1) or today):
        return _next(today, int(chinese.group(2)), int(chinese.group(3)), chinese.group(1))
    dotted = re.search(r"\b(\d{1,2})[./](\d{1,2})(?:[./](\d{4}))?\b", plain)
    if dotted and (dotted.group(3) or today):
        return _next(today, int(dotted.group(2)), int(dotted.group(1)), dotted.group(3))
    return None


def _named_date(plain: str, today: date | None) -> date | None:
    for name, month in MONTHS.items():
        around = re.search(
            rf"(?:(\d{{1,2}})(?:st|nd|rd|th|\.)?\s*(?:of\s+)?)?\b{name}\b\s*(?:the\s+)?(\d{{1,2}})?(?!\d)",
            plain,
        )
        if around and today:
            day = around.group(1) or around.group(2)
            return _next(today, month, int(day), None) if day else None
    return None


def _next(today: date | None, month: int, day: int, year: str | None) -> date | None:
    """Without a year it is the next such day from today on."""
    if year or today is None:
        return _real(int(year), month, day) if year else None
    found = _real(today.year, month, day)
    return _real(today.year + 1, month, day) if found and found < today else found


def _real(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _yes_no(slot: Slot, text: str, language: str, today: date | None) -> Entity | None:
    value = yes_or_no(text, language)
    return Entity("yes" if value else "no", LIKELY) if value is not None else None


def _choice(slot: Slot, text: str, language: str, today: date | None) -> Entity | None:
    """The choice whose longest phrase stands in the text."""
    plain = " ".join(re.findall(r"\w+", fold(text)))
    best, length = "", 0
    for choice in slot.choices:
        for phrase in _phrases(choice.phrases, language):
            words = " ".join(re.findall(r"\w+", fold(phrase)))
            if len(words) > length and _stands_in(words, plain):
                best, length = choice.value, len(words)
    if not best:
        return None
    return Entity(best, SURE if length == len(plain) else LIKELY)


def _phrases(phrases: Mapping[str, tuple[str, ...]], language: str) -> Iterable[str]:
    """The language's own first; the others too, for customers mix them."""
    yield from phrases.get(language, ())
    for other, listed in phrases.items():
        if other != language:
            yield from listed


def _stands_in(words: str, plain: str) -> bool:
    if not words.isascii():
        return words.replace(" ", "") in plain.replace(" ", "")
    return re.search(rf"\b{re.escape(words)}\b", plain) is not None


def _free_text(slot: Slot, text: str, language: str, today: date | None) -> Entity | None:
    stripped = text.strip()
    return Entity(stripped) if stripped else None


def _named(find: Callable[[str], str]) -> Callable[[Slot, str, str, date | None], Entity | None]:
    def read(slot: Slot, text: str, language: str, today: date | None) -> Entity | None:
        value = find(text)
        return Entity(value, LIKELY) if value else None

    return read


PARSERS: Mapping[str, Callable[[Slot, str, str, date | None], Entity | None]] = {
    "order-number": _order_number,
    "digits": _digits,
    "integer": _integer,
    "amount": _amount,
    "date": _date,
    "time": _named(contact.time_of_day),
    "name": _named(contact.name),
    "email": _named(contact.email),
    "yes-no": _yes_no,
    "choice": _choice,
    "text": _free_text,
}
