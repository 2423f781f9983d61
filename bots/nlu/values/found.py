"""What a recogniser of values finds, where, and what it is read against. Pure.

Recognisers work on :class:`Plain` text: lower case, no accents, full-width forms made usual.
Places in it lead back to the customer's own words.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

SURE = 1.0
LIKELY = 0.8
GUESS = 0.6
WEAK = 0.4
"""Below every threshold: kept only where nothing else was said."""


class Plain:
    """A text as recognisers read it; ``origin`` is what the customer said or wrote."""

    __slots__ = ("_at", "origin", "text")

    def __init__(self, origin: str) -> None:
        self.origin = origin
        if origin.isascii():
            self.text = origin.lower()
            self._at: range | list[int] = range(len(origin))
            return
        letters: list[str] = []
        self._at = []
        for place, char in enumerate(origin):
            for plain in _plain(char):
                letters.append(plain)
                self._at.append(place)
        self.text = "".join(letters)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]`` stands in ``origin``."""
        if start >= end:
            return (0, 0)
        return self._at[start], self._at[end - 1] + 1

    def spot(self, first: int, last: int) -> tuple[int, int]:
        """Where ``origin[first:last]`` stands in ``text``."""
        inside = [i for i, place in enumerate(self._at) if first <= place < last]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def words(self, start: int, end: int) -> str:
        """The customer's own words there."""
        first, last = self.place(start, end)
        return self.origin[first:last]


def _plain(char: str) -> str:
    if char in "’‘`´":
        return "'"
    if char in "–—−‐‑":
        return "-"
    wide = unicodedata.normalize("NFKD", char).lower()
    return "".join(one for one in wide if not unicodedata.combining(one))


@dataclass(frozen=True, slots=True)
class Found:
    """A value and its place in the plain text.

    ``confidence`` is 0..1; ``unit`` is the currency of an amount (ISO 4217), empty when none was
    named. Of several values of a slot the one with the most ``weight`` is meant, then the first.
    """

    value: str
    start: int
    end: int
    confidence: float = LIKELY
    unit: str = ""
    weight: int = 0

    def overlaps(self, other: Found) -> bool:
        """Whether both stand, at least in part, on the same words."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Setting:
    """What a text is read against.

    ``today`` is the day where the company is; as a ``datetime`` of its time zone it also tells
    the time, for "in two hours".
    """

    language: str = "en"
    today: date | None = None

    @property
    def day(self) -> date | None:
        """Today, without the time."""
        return self.today.date() if isinstance(self.today, datetime) else self.today

    @property
    def now(self) -> datetime | None:
        """The time, where it is known."""
        return self.today if isinstance(self.today, datetime) else None


class Taken:
    """Places of a text that are taken; they may touch but not overlap."""

    def __init__(self, found: Iterable[Found] = ()) -> None:
        self._found: list[Found] = []
        for one in found:
            self.add(one)

    def add(self, one: Found) -> bool:
        """Take its place; False where it is taken already."""
        if self.holds(one):
            return False
        insort(self._found, one, key=_start)
        return True

    def holds(self, one: Found) -> bool:
        """Whether a part of its place is taken."""
        place = bisect_left(self._found, one.start, key=_start)
        return any(one.overlaps(other) for other in self._found[max(0, place - 1) : place + 1])

    def __iter__(self) -> Iterator[Found]:
        return iter(self._found)


def _start(one: Found) -> int:
    return one.start


def longest(found: list[Found]) -> list[Found]:
    """Without those that stand inside a longer one; in the order of the text."""
    kept = Taken()
    for one in sorted(found, key=lambda f: (f.start - f.end, -f.confidence, f.start)):
        kept.add(one)
    return list(kept)
