"""What a review finds: one thing, where it is, how bad, and how to mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


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
