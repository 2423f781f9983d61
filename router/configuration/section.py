"""Reads plain data key by key, and notes everything that is wrong with its place.

A value that cannot be used is noted and replaced by its default, so that one reading
finds all that is wrong. A key that nobody has asked for is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from router.errors import Flaw

Choice = TypeVar("Choice", bound=StrEnum)
ANYTHING = 10**9
"""The highest number a file may name; it still fits into 32 bits."""


@dataclass(slots=True)
class Notes:
    """What a reading found: ``flaws``, and the pattern of every key it ``asked`` for."""

    flaws: list[Flaw] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def add(self, place: str, problem: str) -> None:
        """Something is wrong at a place."""
        self.flaws.append(Flaw(place, problem))

    def unsure(self, *places: str) -> bool:
        """Whether something was wrong at or below one of the places."""
        return any(
            flaw.place == place or flaw.place.startswith((f"{place}.", f"{place}["))
            for flaw in self.flaws
            for place in places
        )


class Section:
    """One mapping of the data. ``place`` is where it stands; empty for the whole."""

    def __init__(self, raw: object, place: str, notes: Notes) -> None:
        self.place = place
        self.notes = notes
        self._asked: set[str] = set()
        self._raw: Mapping[Any, Any] = {}
        if isinstance(raw, Mapping):
            self._raw = raw
        else:
            notes.add(place, f"expected a mapping of keys and values, found {_shown(raw)}")

    def at(self, key: str) -> str:
        """The place of a key."""
        return f"{self.place}.{key}" if self.place else key

    def bad(self, key: str, expected: str, found: object, hint: str = "") -> None:
        """Note that a key's value is not what was expected."""
        self.notes.add(self.at(key), f"expected {expected}, found {_shown(found)}{hint}")

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        return self.take(key) is not None

    def take(self, key: str, default: Any = None) -> Any:
        """The value as it is; ``default`` when it is missing or null."""
        self._asked.add(key)
        self.notes.asked.add(re.sub(r"\[\d+\]", "[]", self.at(key)))
        found = self._raw.get(key)
        return default if found is None else found

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a ``default`` it must be there and not be empty."""
        found = self.take(key, default)
        if isinstance(found, str) and (found or default is not None):
            return found
        hint = "" if found is None or isinstance(found, str) else " in quotes"
        self.bad(key, f"a text{hint}", found)
        return default or ""

    def whole(self, key: str, default: int, least: int = 0, most: int = ANYTHING) -> int:
        """A whole number from ``least`` to ``most``."""
        found = self.take(key, default)
        if _is_whole(found) and least <= found <= most:
            return int(found)
        limit = f"of at least {least}" if most == ANYTHING else f"from {least} to {most}"
        self.bad(key, f"a whole number {limit}", found)
        return default

    def share(self, key: str, default: float) -> float:
        """A number from 0 to 1."""
        found = self.take(key, default)
        if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found <= 1:
            return float(found)
        self.bad(key, "a share from 0 to 1", found)
        return default

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        found = self.take(key, default)
        if isinstance(found, bool):
            return found
        self.bad(key, "true or false", found)
        return default

    def choice(self, key: str, default: Choice) -> Choice:
        """One of the values of the default's enumeration."""
        found = self.take(key, default)
        try:
            return type(default)(found)
        except ValueError:
            known = [str(each) for each in type(default)]
            self.bad(key, f"one of {', '.join(known)}", found, suggestion(found, known))
            return default

    def texts(self, key: str, default: Iterable[str] = ()) -> tuple[str, ...]:
        """A list of texts, each at most once."""
        kept: list[str] = []
        for index, item in enumerate(self.listed(key, list(default))):
            if not isinstance(item, str) or not item:
                self.bad(f"{key}[{index}]", "a text", item)
            elif item in kept:
                self.notes.add(self.at(f"{key}[{index}]"), f"{item!r} stands here twice")
            else:
                kept.append(item)
        return tuple(kept)

    def listed(self, key: str, default: list[Any] | None = None) -> list[Any]:
        """A list of anything."""
        found = self.take(key, default or [])
        if isinstance(found, list):
            return found
        self.bad(key, "a list", found)
        return []

    def section(self, key: str) -> Section:
        """The mapping below a key; an empty one when it is missing."""
        return Section(self.take(key, {}), self.at(key), self.notes)

    def sections(self, key: str) -> list[Section]:
        """The mappings in a list."""
        return [
            Section(item, self.at(f"{key}[{index}]"), self.notes)
            for index, item in enumerate(self.listed(key))
        ]

    def pairs(self) -> list[tuple[str, Any]]:
        """Everything in a mapping whose keys are free; keys become texts."""
        return [(str(name), value) for name, value in self._raw.items()]

    def levels(self, key: str) -> dict[str, int]:
        """Skills with a proficiency from 1 to 5."""
        kept = {}
        for name, level in self.section(key).pairs():
            number = _at_least(level)
            if number is None or not 1 <= number <= 5:
                self.bad(f"{key}.{name}", "a proficiency from 1 to 5", level)
            else:
                kept[name] = number
        return kept

    def done(self) -> None:
        """Note every key that nobody has asked for."""
        for key in self._raw:
            if key not in self._asked:
                known = sorted(self._asked)
                hint = suggestion(key, known) or f"; there are {', '.join(known)}"
                self.notes.add(self.at(str(key)), f"unknown key{hint}")


def suggestion(found: object, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` when something known looks like it, else nothing."""
    near = get_close_matches(str(found), list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _at_least(level: object) -> int | None:
    """``3`` and ``">=3"`` mean the same."""
    if isinstance(level, str):
        digits = level.replace(" ", "").removeprefix(">=")
        return int(digits) if re.fullmatch("[0-9]", digits) else None
    return level if isinstance(level, int) and not isinstance(level, bool) else None


def _is_whole(found: object) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)


def _shown(found: object) -> str:
    if found is None:
        return "nothing"
    if isinstance(found, Mapping | list):
        return "a mapping" if isinstance(found, Mapping) else "a list"
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}…"
