"""What a language must be able to say, and the values it is asked to say. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

LETTERS = "A-Za-z\u00c0-\u024f"
"""Letters that are written with spaces between words, for a character class."""
GROUP = 3
"""Digits are read back in groups of three; the last may have two or four."""

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]
"""What is looked for and how it is said; None leaves it to a later rule."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written: its digits before and behind the decimal mark."""

    whole: str
    fraction: str = ""
    minus: bool = False

    @property
    def value(self) -> int:
        """The whole part."""
        return int(self.whole)

    @property
    def minor(self) -> int | None:
        """The fraction in hundredths; None when it has more than two digits."""
        return None if len(self.fraction) > 2 else int(self.fraction.ljust(2, "0"))


@dataclass(frozen=True, slots=True)
class Day:
    """A date; ``year`` is None when it is not written."""

    month: int
    day: int
    year: int | None = None


class Tongue(Protocol):
    """One language. ``before`` and ``after`` are the text around what is said."""

    @property
    def code(self) -> str:
        """``en``, ``zh`` or ``lv``."""
        ...

    @property
    def decimal_mark(self) -> str:
        """``.`` or ``,``: the one that is a decimal mark even before three digits."""
        ...

    @property
    def words(self) -> Mapping[str, str]:
        """Signs in words: ``@ . / - _ + & = < > ≤ ≥ ± × ° § #``, ``minus``, ``to``, ``24/7``."""
        ...

    @property
    def cue(self) -> str:
        """Pattern of a word behind which digits are a code ("PIN", "order number")."""
        ...

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What only this language writes: abbreviations, its own dates, ordinals."""
        ...

    def count(self, number: Number, after: str = "") -> str:
        """A number as a quantity; ``after`` begins with what is counted."""
        ...

    def year(self, year: int) -> str:
        """A year, 1000 to 9999."""
        ...

    def spelled(self, digit: str) -> str:
        """One digit."""
        ...

    def joined(self, groups: list[list[str]]) -> str:
        """Groups of digits or letters, for reading back."""
        ...

    def money(self, number: Number, currency: str, before: str = "") -> str:
        """``currency`` is EUR, USD, GBP or CNY."""
        ...

    def measured(self, number: Number, unit: str, before: str = "", first: str = "") -> str | None:
        """A quantity; ``first`` is said before it ("two to "). None: no such unit."""
        ...

    def per(self, said: str, unit: str) -> str | None:
        """A price or quantity for each unit; None: no such unit."""
        ...

    def clock(self, hour: int, minute: int, before: str = "") -> str:
        """A time of day, 0:00 to 24:00."""
        ...

    def hours(self, begin: tuple[int, int], end: tuple[int, int], before: str = "") -> str:
        """From a time to another."""
        ...

    def date(self, day: Day, before: str = "") -> str:
        """A date that exists."""
        ...

    def share(self, part: int, whole: int) -> str:
        """A fraction, 3/4."""
        ...


def groups_of(digits: str) -> list[str]:
    """In threes; a single digit left over joins the last group."""
    groups = [digits[i : i + GROUP] for i in range(0, len(digits), GROUP)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def abbreviations(listed: Mapping[str, str]) -> Rule:
    """One rule for short forms; one that ends a sentence leaves its dot there."""
    longest = sorted(listed, key=len, reverse=True)
    either = "|".join(re.escape(short) for short in longest)
    pattern = re.compile(rf"(?<![{LETTERS}\d.])(?:{either})(?![{LETTERS}])")

    def say(found: re.Match[str]) -> str:
        word = listed[found.group()]
        rest = found.string[found.end() :]
        ends = found.group().endswith(".") and (not rest.strip() or _NEXT.match(rest))
        return f"{word}." if ends else word

    return pattern, say


_NEXT = re.compile(r"\s+[A-ZĀČĒĢĪĶĻŅŠŪŽ][a-zāčēģīķļņšūž]|\n")
