"""What callers say where a date, a time, an amount or a spelled name is asked for. English.

Such answers are as many as numbers are, so they are not listed: each kind has patterns, and a model
is made from lines that chance, the same at every start, fills in. ``(a|b)`` is one of these,
``[a|b]`` one or none, and ``{…}`` comes from :data:`PARTS`. Pure.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from bots.engines.language import everyday
from bots.engines.lexicon import number_words

LINES = 1500
SEED = 11
ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"),
    *("tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth"),
    *("seventeenth", "eighteenth", "nineteenth", "twentieth", "twenty first", "twenty second"),
    *("twenty third", "twenty fourth", "twenty fifth", "twenty sixth", "twenty seventh"),
    *("twenty eighth", "twenty ninth", "thirtieth", "thirty first"),
)
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LETTERS = tuple(string.ascii_lowercase)
BY_NAME = (
    *("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india"),
    *("juliet", "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo"),
    *("sierra", "tango", "uniform", "victor", "whiskey", "x-ray", "yankee", "zulu"),
)
SHORTEST_NAME, LONGEST_NAME = 3, 9
SIZES = (10, 100, 100, 1000, 10_000)
"""Amounts are as often below the one as below the other."""
LAST_YEAR = 40
LEFT_OUT = 0.5
CHOICE, PART = re.compile(r"\[[^\]]*\]|\([^)]*\)"), re.compile(r"\{(\w+)\}")

PATTERNS: Mapping[str, Sequence[str]] = {
    "date": (
        "[{date_lead}] the {ordinal} of {month} [please]",
        "[{date_lead}] the {ordinal} of {month} [please]",
        "[{date_lead}] {month} [the] {ordinal} [please]",
        "[{date_lead}] the {ordinal} of {month} {year}",
        "[{date_lead}] {weekday} [please|would be good|works|morning|afternoon]",
        "[on] {weekday} the {ordinal} [of {month}]",
        "(next|this) ({weekday}|week|month) [please]",
        "[it was] last {weekday}",
        "[it was] (today|tomorrow|yesterday) [morning|afternoon|please]",
        "(the day after tomorrow|the day before yesterday)",
        "in {few} (days|weeks)",
        "{few} (days|weeks) ago",
        "[on] the {ordinal}",
    ),
    "time": (
        "[{time_lead}] {hour} [o'clock] [{half}|please]",
        "[{time_lead}] {hour} {minute} [{half}|please]",
        "[{time_lead}] {minute} (past|to) {hour} [{half}]",
        "[{time_lead}] half past {hour} [{half}]",
        "[{time_lead}] [a] quarter (past|to) {hour} [{half}]",
        "[{time_lead}] (noon|midnight)",
        "in the (morning|afternoon|evening)",
    ),
    "amount": (
        "[{amount_lead}] {number} euros [please]",
        "[{amount_lead}] {number} euros [and] {cents} [cents]",
        "[{amount_lead}] {number} euros [and] {cents} cents",
        "[{amount_lead}] {number} [euros] fifty",
        "[{amount_lead}] {cents} cents",
        "[{amount_lead}] {number}",
    ),
    "spelling": (
        "[{name_lead}] {letters}",
        "{letters}",
        "{named} {letters}",
        "{named} {named} {named} [{named}] [{named}]",
        "{letter} {letter} double {letter} {letter} [{letter}] [{letter}]",
        "{letter} double {letter} {letter} {letter}",
    ),
}
LEADS: Mapping[str, Sequence[str]] = {
    "date_lead": ("on", "it was", "it was on", "it's", "i would like", "i'd like", "that was"),
    "time_lead": ("at", "around", "about", "it's", "it was at", "i'd like", "from"),
    "amount_lead": (
        "it's",
        "it was",
        "about",
        "i paid",
        "the bill says",
        "it says",
        "i want to pay",
    ),
    "name_lead": ("it's", "it is", "that's", "that is", "my name is"),
    "half": ("a m", "p m", "in the morning", "in the afternoon", "in the evening"),
}
Part = Callable[[random.Random], str]


def _number(chance: random.Random) -> str:
    """As it is said, "a hundred and five" among them."""
    words = number_words(str(chance.randrange(1, chance.choice(SIZES))))
    text = " ".join(words)
    if chance.random() < 0.5:
        text = re.sub(r"\bhundred (?=\w)", "hundred and ", text)
    return re.sub(r"^one (?=hundred|thousand)", "a ", text) if chance.random() < 0.5 else text


def _below(most: int, least: int = 1) -> Part:
    return lambda chance: " ".join(number_words(str(chance.randint(least, most))))


def _one_of(words: Sequence[str]) -> Part:
    return lambda chance: chance.choice(words)


def _letters(chance: random.Random) -> str:
    """Those of some word: names are made of the same pieces."""
    return " ".join(chance.choice(_spellable()))


@cache
def _spellable() -> list[str]:
    fits = range(SHORTEST_NAME, LONGEST_NAME + 1)
    return [word for word in everyday().words if word.isalpha() and len(word) in fits]


def _named(chance: random.Random) -> str:
    name = chance.choice(BY_NAME)
    return f"{name[0]} {chance.choice(('as in', 'for', 'like'))} {name}"


PARTS: Mapping[str, Part] = {
    **{name: _one_of(words) for name, words in LEADS.items()},
    "ordinal": _one_of(ORDINALS),
    "month": _one_of(MONTHS),
    "weekday": _one_of(WEEKDAYS),
    "year": lambda chance: f"twenty {_below(LAST_YEAR, 10)(chance)}",
    "few": _below(14, 2),
    "hour": _below(12),
    "minute": lambda chance: " ".join(number_words(str(5 * chance.randint(1, 11)))),
    "number": _number,
    "cents": _below(99),
    "letter": _one_of(LETTERS),
    "letters": _letters,
    "named": _named,
}
KINDS = frozenset(PATTERNS)


def typed_lines(kind: str) -> list[list[str]]:
    """What may be said to a question of this kind, as words; empty for a kind without patterns."""
    chance = random.Random(SEED)
    patterns = PATTERNS.get(kind, ())
    return [
        _filled(chance.choice(patterns), chance).split() for _ in range(LINES if patterns else 0)
    ]


def _filled(pattern: str, chance: random.Random) -> str:
    """One line of a pattern."""

    def chosen(found: re.Match[str]) -> str:
        optional, listed = found.group()[0] == "[", found.group()[1:-1].split("|")
        return "" if optional and chance.random() < LEFT_OUT else chance.choice(listed)

    said = CHOICE.sub(chosen, pattern)
    return PART.sub(lambda found: PARTS[found.group(1)](chance), said)
