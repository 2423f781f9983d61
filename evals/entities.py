"""How well typed values are understood: ``entity_accuracy`` by group, development and held out.

1. Values are drawn first and put into words by :mod:`evals.saying`, then into sentences people
   say (``evals/utterances/entities.yaml``): what is expected comes from the construction.
2. Some sentences hold no value, some another one of the same type that was taken back, some
   numbers of another kind.
3. A third is written as a recogniser does: lower case, no punctuation.
4. Every second sentence of a list is held out, and the held-out values are drawn anew.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from bots.flow.model import Choice, Slot
from bots.nlu.entities import parse
from evals import saying
from evals.entities_abroad import latvian_value, mandarin_value

CHECK = Path(__file__).parent / "utterances" / "entities_check.yaml"
UTTERANCES = Path(__file__).parent / "utterances" / "entities.yaml"
PER_HALF = 300
"""Utterances of each group, in development and held out alike."""
NOTHING, HEARD, TAKEN_BACK = 0.12, 0.33, "{other}"
TODAY = date(2026, 3, 4)  # a Wednesday

Value = tuple[Slot, str | None, str]
"""A slot, the value expected, and how it is said."""


@dataclass(frozen=True, slots=True)
class Case:
    """One utterance and the value it holds, None for none."""

    group: str
    slot: Slot
    text: str
    expected: str | None
    language: str = "en"

    @property
    def found(self) -> str | None:
        """What the bot takes."""
        entity = parse(self.slot, self.text, self.language, TODAY)
        return entity.value if entity else None

    @property
    def right(self) -> bool:
        """Whether exactly the value was found."""
        return self.found == self.expected


@lru_cache(maxsize=1)
def _lists() -> dict[str, Any]:
    return dict(yaml.safe_load(UTTERANCES.read_text("utf-8")))


def half(listed: list[Any], held_out: bool) -> list[Any]:
    """Every second of a list."""
    return listed[int(held_out) :: 2]


def cases(group: str, held_out: bool) -> list[Case]:
    """The utterances of a group: those by hand, then drawn ones, to ``PER_HALF``."""
    rng = random.Random(f"{group}-{held_out}")
    return list(islice(GROUPS[group](rng, held_out), PER_HALF))


def entity_figures() -> dict[str, float]:
    """``entity_accuracy`` over all and ``entity_accuracy_GROUP``; ``…_development`` apart.

    Without a suffix the held-out half counts; ``entity_utterances`` is the size of that half.
    ``entity_accuracy_check`` is that of the sentences by hand.
    """
    figures: dict[str, float] = {}
    for held_out, suffix in ((True, ""), (False, "_development")):
        right = total = 0
        for group in GROUPS:
            made = cases(group, held_out)
            good = sum(case.right for case in made)
            figures[f"entity_accuracy_{group}{suffix}"] = round(good / len(made), 4)
            right, total = right + good, total + len(made)
        figures[f"entity_accuracy{suffix}"] = round(right / total, 4)
        figures[f"entity_utterances{suffix}"] = float(total)
    by_hand = check_cases()
    figures["entity_accuracy_check"] = round(sum(c.right for c in by_hand) / len(by_hand), 4)
    return figures


def check_cases() -> list[Case]:
    """Sentences by hand, without construction (``entities_check.yaml``)."""
    made = []
    for group, listed in yaml.safe_load(CHECK.read_text("utf-8")).items():
        wanted = listed["slot"]
        slot = Slot("value", **{**wanted, "among": tuple(wanted.get("among", ()))})
        language = listed.get("language", "en")
        made += [Case(group, slot, str(text), value, language) for text, value in listed["lines"]]
    return made


def _drawn(
    group: str,
    rng: random.Random,
    held_out: bool,
    draw: Callable[[random.Random], Value],
    language: str = "en",
    lists: str = "",
) -> Iterator[Case]:
    """By hand first, then drawn values in carriers, with some sentences of no value."""
    listed = _lists()[lists or group]
    slot = draw(rng)[0]
    for text, value in half(listed.get("said", []), held_out):
        yield Case(group, slot, str(text), value, language)
    carriers, nothing = half(listed["carriers"], held_out), half(listed["nothing"], held_out)
    while True:
        if rng.random() < NOTHING:
            yield Case(group, draw(rng)[0], _heard(str(rng.choice(nothing)), rng), None, language)
            continue
        carrier = rng.choice(carriers)
        slot, value, said = draw(rng)
        text = carrier.replace("{}", said)
        if TAKEN_BACK in carrier:
            other = _another(draw, rng, slot, value)
            if other is None:
                continue
            text = text.replace(TAKEN_BACK, other)
        yield Case(group, slot, _heard(text, rng), value, language)


def _another(
    draw: Callable[[random.Random], Value], rng: random.Random, slot: Slot, value: str | None
) -> str | None:
    """Words of another value of the same slot."""
    for _ in range(20):
        other_slot, other, said = draw(rng)
        if other_slot == slot and other != value:
            return said
    return None


def _heard(text: str, rng: random.Random) -> str:
    """As a recogniser writes it, sometimes: words alone."""
    if rng.random() > HEARD or re.search(r"[\d@€$£(<\[+]", text):
        return text
    return " ".join(re.sub(r"[,!?]|\.(?=\s|$)", " ", text.lower()).split())


# -- groups -----------------------------------------------------------------------


def _numbers(rng: random.Random, held_out: bool) -> Iterator[Case]:
    slot = Slot("count", "integer")

    def draw(rng: random.Random) -> Value:
        top = rng.choice((10, 10, 99, 999, 9999, 99_999))
        n = rng.randint(1, top)
        written = rng.choice((str(n), f"{n:,}"))
        return slot, str(n), saying.whole(n, rng) if rng.random() < 0.7 else written

    return _drawn("numbers", rng, held_out, draw)


PATTERNS = ("AA000000", "A0000A", "AA0000", "AAA000", "A0 0AA", "AA00 0AA", "000000AA")
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


def _codes(rng: random.Random, held_out: bool) -> Iterator[Case]:
    def draw(rng: random.Random) -> Value:
        kind = rng.random()
        if kind < 0.3:
            length = rng.choice((4, 6, 8))
            number = "".join(rng.choice("0123456789") for _ in range(length))
            said = saying.digits(number, rng, 0.05) if rng.random() < 0.75 else number
            return Slot("pin", "digits", length=length), number, said
        if kind < 0.5:
            number = "".join(rng.choice("0123456789") for _ in range(6))
            said = rng.choice((
                f"HL-{number}", f"hl{number}", f"h l {saying.digits(number, rng)}",
                saying.digits(number, rng, 0.05), number, f"HL {number[:3]} {number[3:]}",
            ))  # fmt: skip
            return Slot("order", "order-number", prefix="HL", length=6), f"HL-{number}", said
        shape = rng.choice(PATTERNS).replace(" ", "")
        pattern = shape.replace("A", "[A-Z]").replace("0", r"\d")
        made = "".join(rng.choice(_LETTERS if c == "A" else "0123456789") for c in shape)
        return Slot("code", "code", pattern=pattern), made, saying.code(made, rng)

    return _drawn("codes", rng, held_out, draw)


def _amounts(rng: random.Random, held_out: bool) -> Iterator[Case]:
    slot = Slot("sum", "amount")

    def draw(rng: random.Random) -> Value:
        top = rng.choice((20, 100, 1000, 5000))
        cents = rng.randint(1, top) * 100 + rng.choice((0, 0, 50, 99, 5, rng.randint(1, 99)))
        unit = rng.choice(("EUR", "EUR", "EUR", "USD", "GBP", ""))
        return slot, f"{cents // 100}.{cents % 100:02d}", saying.money(cents, unit, rng)

    return _drawn("amounts", rng, held_out, draw)


def _dates(rng: random.Random, held_out: bool) -> Iterator[Case]:
    slot = Slot("day", "date")

    def draw(rng: random.Random) -> Value:
        kind = rng.random()
        if kind < 0.2:
            day = TODAY + timedelta(days=rng.randint(1, 700))
            return slot, day.isoformat(), saying.full_date(day, rng)
        if kind < 0.55:
            day = TODAY + timedelta(days=rng.randint(1, 360))
            return slot, day.isoformat(), saying.date_of_year(day, rng)
        day, said = _relative_day(rng)
        return slot, day.isoformat(), said

    return _drawn("dates", rng, held_out, draw)


def _relative_day(rng: random.Random) -> tuple[date, str]:
    """A day told from ``TODAY``, a Wednesday in the first week of March."""
    n, weekday = rng.randint(2, 9), rng.randrange(7)
    name = rng.choice((saying.WEEKDAYS[weekday], saying.WEEKDAYS[weekday].lower()))
    monday = TODAY - timedelta(days=TODAY.weekday())
    coming = TODAY + timedelta(days=(weekday - TODAY.weekday() - 1) % 7 + 1)
    count = rng.choice((str(n), saying.below_hundred(n)))
    later = TODAY + timedelta(days=n)
    third = TODAY.replace(day=rng.randint(5, 28))
    return rng.choice([
        (TODAY + timedelta(days=1), "tomorrow"), (TODAY, "today"),
        (TODAY + timedelta(days=2), "the day after tomorrow"),
        (later, f"in {count} days"), (later, f"{count} days from now"),
        (TODAY + timedelta(weeks=n), f"in {count} weeks"),
        (TODAY + timedelta(weeks=n), f"{count} weeks from today"),
        (TODAY + timedelta(weeks=1), "a week from today"),
        (TODAY + timedelta(weeks=1), "in a week"), (TODAY + timedelta(weeks=2), "in a fortnight"),
        (TODAY + timedelta(days=8), "a week tomorrow"),
        (coming, name), (coming, f"this coming {name}"),
        (coming + timedelta(weeks=1), f"{name} week"),
        (coming + timedelta(weeks=1), f"a week on {name}"),
        (monday + timedelta(days=7 + weekday), f"next {name}"),
        (monday + timedelta(days=7 + weekday), f"{name} next week"),
        (monday + timedelta(days=7 + weekday), f"next week {name}"),
        (date(2026, 3, 31), "the end of the month"), (date(2026, 4, 1), "the first of next month"),
        (date(2026, 4, 4), "in a month"), (date(2026, 12, 31), "the end of the year"),
        (third, f"the {saying.ordinal(third.day)}"), (third, f"the {saying.suffixed(third.day)}"),
        (third, f"the {saying.ordinal(third.day, ' ')} of this month"),
        (date(2026, 12, 25), "Christmas day"),
    ])  # fmt: skip


def _times(rng: random.Random, held_out: bool) -> Iterator[Case]:
    slot, bounded = Slot("at", "time"), Slot("at", "time", low=8, high=18)

    def draw(rng: random.Random) -> Value:
        hour = rng.randint(7, 21)
        minute = rng.choice((0, 0, 30, 30, 15, 45, 10, 20, 5, 40, 50, 25))
        return slot, f"{hour:02d}:{minute:02d}", saying.clock(hour, minute, rng)

    def draw_bounded(rng: random.Random) -> Value:
        hour = rng.randint(8, 17)
        return bounded, f"{hour:02d}:00", saying.below_hundred(hour % 12 or 12)

    plain = _drawn("times", rng, held_out, draw)
    by_hours = _drawn("times", rng, held_out, draw_bounded, lists="times_by_hours")
    while True:
        yield next(by_hours) if rng.random() < 0.15 else next(plain)


def _phones(rng: random.Random, held_out: bool) -> Iterator[Case]:
    def draw(rng: random.Random) -> Value:
        country, calling, trunk, first, length = rng.choice((
            ("LV", "371", "", "2", 8), ("LV", "371", "", "67", 8), ("GB", "44", "0", "79", 10),
            ("GB", "44", "0", "20", 10), ("US", "1", "", "212", 10), ("DE", "49", "0", "30", 9),
        ))  # fmt: skip
        rest = [rng.choice("123456789"), *(rng.choice("0123456789") for _ in range(length))]
        national = (first + "".join(rest))[:length]
        if country == "US":
            national = first + rng.choice("23456789") + national[4:]
        slot = Slot("phone", "phone", country=country)
        return slot, f"+{calling}{national}", saying.phone(national, calling, trunk, rng)

    return _drawn("phones", rng, held_out, draw)


_FIRST = ("ann", "peter", "john", "maria", "tom", "kate", "lucas", "eva", "sam", "laura")
_LAST = ("lee", "smith", "berg", "jones", "kalnins", "fox", "miller", "stone", "young", "park")
_DOMAINS = (
    ("example", "com"), ("gmail", "com"), ("mail", "example", "lv"), ("outlook", "com"),
    ("example", "co", "uk"), ("inbox", "lv"), ("acme", "org"), ("yahoo", "com"), ("company", "eu"),
)  # fmt: skip


def _emails(rng: random.Random, held_out: bool) -> Iterator[Case]:
    slot = Slot("mail", "email")

    def draw(rng: random.Random) -> Value:
        first, last = rng.choice(_FIRST), rng.choice(_LAST)
        number = str(rng.randint(1, 99))
        sign = rng.choice((".", "_", "-"))
        local = rng.choice((
            [first], [first, sign, last], [first[0], sign, last], [first, number],
            [first, sign, last, number], [last, sign, first],
        ))  # fmt: skip
        written, said = saying.address(local, list(rng.choice(_DOMAINS)), rng)
        return slot, written, said

    return _drawn("emails", rng, held_out, draw)


def _yes_no(rng: random.Random, held_out: bool) -> Iterator[Case]:
    slot, listed = Slot("ok", "yes-no"), _lists()["yes_no"]
    labels = (("yes", "yes"), ("no", "no"), ("neither", None))
    for name, value in labels:
        for text in half(listed[name], held_out):
            yield Case("yes_no", slot, str(text), value)
    while True:
        name, value = rng.choice(labels)
        text = str(rng.choice(half(listed[name], held_out)))
        tail = rng.choice(listed["tails"]) if value else rng.choice(("", ".", "?"))
        yield Case("yes_no", slot, _heard(rng.choice(listed["leads"]) + text + tail, rng), value)


def _names(rng: random.Random, held_out: bool) -> Iterator[Case]:
    listed = _lists()["names"]
    firsts, families = half(listed["alike"], held_out), half(listed["family"], held_out)
    products = Slot("way", "choice", choices=tuple(
        Choice(value, "", {"en": tuple(phrases)}) for value, phrases in listed["products"]
    ))  # fmt: skip
    for text, *value in half(listed["products_said"], held_out):
        yield Case("names", products, ", ".join([str(text), *value[:-1]]), value[-1])

    def draw(rng: random.Random) -> Value:
        first, family = rng.sample(firsts, 5), rng.sample(families, 5)
        whole = [f"{a[0]} {b[0]}" for a, b in zip(first, family, strict=True)]
        said = f"{rng.choice(first[0])} {rng.choice(family[0])}"
        if rng.random() < 0.2:
            said = rng.choice(family[0][:1])
        among = tuple(rng.sample(whole, len(whole)))
        return Slot("who", "name", among=among), whole[0], said

    drawn = _drawn("names", rng, held_out, draw)
    told = half(listed["told"], held_out)
    while True:
        if rng.random() < 0.3:
            name = f"{rng.choice(firsts)[0]} {rng.choice(families)[0]}"
            text = rng.choice(told).replace("{}", name)
            # Capitals inside a name are lost in what is heard.
            plain = name.title() == name
            yield Case("names", Slot("name", "name"), _heard(text, rng) if plain else text, name)
        else:
            case = next(drawn)
            if TAKEN_BACK not in case.text:
                yield case


def _mandarin(rng: random.Random, held_out: bool) -> Iterator[Case]:
    return _abroad("zh", rng, held_out, lambda rng: mandarin_value(rng, TODAY))


def _latvian(rng: random.Random, held_out: bool) -> Iterator[Case]:
    return _abroad("lv", rng, held_out, lambda rng: latvian_value(rng, TODAY))


def _abroad(
    language: str, rng: random.Random, held_out: bool, draw: Callable[[random.Random], Value]
) -> Iterator[Case]:
    listed, slot = _lists()[language], Slot("ok", "yes-no")
    answers = [
        (str(text), value)
        for name, value in (("yes", "yes"), ("no", "no"), ("neither", None))
        for text in half(listed[name], held_out)
    ]
    drawn = _drawn(language, rng, held_out, draw, language)
    for text, value in answers:
        yield Case(language, slot, text, value, language)
    yield from drawn


GROUPS: dict[str, Callable[[random.Random, bool], Iterator[Case]]] = {
    "numbers": _numbers,
    "codes": _codes,
    "amounts": _amounts,
    "dates": _dates,
    "times": _times,
    "phones": _phones,
    "emails": _emails,
    "yes_no": _yes_no,
    "names": _names,
    "zh": _mandarin,
    "lv": _latvian,
}
