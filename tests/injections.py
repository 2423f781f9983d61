"""The attacks of ``tests/data/injections.yaml``, typed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).parent / "data" / "injections.yaml"


@dataclass(frozen=True)
class Attack:
    """One text that wants to be more than data; the file's head says what its fields mean."""

    id: str
    where: str
    kind: str
    never: tuple[str, ...]
    text: str

    def won(self, told: str) -> list[str]:
        """What stands in ``told`` that only an obeyed attack brings about."""
        return [each for each in self.never if each.lower() in told.lower()]


@cache
def attacks(where: str = "") -> tuple[Attack, ...]:
    """All of them, or those that come in at one place."""
    listed = yaml.safe_load(FILE.read_text("utf-8"))
    every = (Attack(**{**each, "never": tuple(each["never"])}) for each in listed)
    return tuple(each for each in every if where in ("", each.where))
