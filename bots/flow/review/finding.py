"""What a review finds: one thing, where it is, how bad, and how to mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bots.flow.document import Section


class Level(StrEnum):
    """How bad it is.

    ``error``: it cannot work as written. ``warning``: a customer will notice. ``hint``: it could
    be better.
    """

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. ``rule`` is its stable name, ``line`` counts from 1 (0: not known)."""

    rule: str
    level: Level
    problem: str
    fix: str
    place: str = ""
    line: int = 0
    path: str = ""

    @property
    def step(self) -> str:
        """The step it is about; empty when it is about something else."""
        what, _, name = self.place.partition(" ")
        return name.strip("'\"") if what == "step" else ""


Keys = tuple[str | int, ...]


class Lines:
    """Where things stand in the file, by the keys that lead to them."""

    def __init__(self, top: Section) -> None:
        self._top = top

    def of(self, keys: Keys) -> int:
        """The line of the last of ``keys`` that is in the file; 0 when none is."""
        here: Any = self._top
        line = 0
        for key in keys:
            if isinstance(here, Section) and key in here:
                line, here = here.lines[str(key)], here[str(key)]
            elif isinstance(here, list) and isinstance(key, int) and key < len(here):
                here = here[key]
                line = here.line if isinstance(here, Section) else line
        return line


QUOTES = 'in this line or the one above, put the text in "quotes": it has a mark that YAML reads'
_PLACE = re.compile(
    r"^(?P<place>(?:step|slot|intent|word|always) '[^']*'|start): (?P<rest>.*)$", re.DOTALL
)


def read_problem(problem: str, path: str) -> Finding:
    """A line of ``BadFlow.problems`` as a finding."""
    line, place, rest = 0, "", problem
    # A problem of a called flow names that file.
    file = re.escape(path) if problem.startswith(f"{path}:") else r".+?\.ya?ml"
    found = re.match(rf"(?P<path>{file})(?::(?P<line>\d+))?: (?P<rest>.*)", problem, re.DOTALL)
    if found:
        path, line, rest = found["path"], int(found["line"] or 0), found["rest"]
    named = _PLACE.match(rest)
    if named:
        place, rest = named["place"], named["rest"]
    what, _, fix = rest.partition("; ")
    if what.startswith("not YAML"):
        fix = QUOTES
    return Finding("cannot-run", Level.ERROR, what, fix, place, line, path)
