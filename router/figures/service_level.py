"""The six forms of the service level (acd.md, KPIs): they differ in who gave up.

With ``T`` the queue's target and ``s`` its short abandons, an answer within ``T`` is met
and every answer counts. An abandonment is *missed*, left *out*, or *met*; the name of a
form says which, and for which of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SHORT_ABANDON_S = 5
TARGET_S = 20


class ServiceLevel(StrEnum):
    """What a queue counts as its service level."""

    SHORT_ABANDONS_OUT = "short-abandons-out"
    SHORT_ABANDONS_MET = "short-abandons-met"
    IN_TIME_ABANDONS_OUT = "in-time-abandons-out"
    IN_TIME_ABANDONS_MET = "in-time-abandons-met"
    ALL_ABANDONS_OUT = "all-abandons-out"
    ALL_ABANDONS_MISSED = "all-abandons-missed"


FORMULAS = {
    ServiceLevel.SHORT_ABANDONS_OUT: "a≤T / (a + ab − ab≤s)",
    ServiceLevel.SHORT_ABANDONS_MET: "(a≤T + ab≤s) / (a + ab)",
    ServiceLevel.IN_TIME_ABANDONS_OUT: "a≤T / (a + ab>T)",
    ServiceLevel.IN_TIME_ABANDONS_MET: "(a≤T + ab≤T) / (a + ab)",
    ServiceLevel.ALL_ABANDONS_OUT: "a≤T / a",
    ServiceLevel.ALL_ABANDONS_MISSED: "a≤T / (a + ab)",
}
"""``a`` answered, ``ab`` abandoned while waiting, each with its condition."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a queue promises: the form, ``T`` and ``s`` in seconds."""

    within_s: float = TARGET_S
    form: ServiceLevel = ServiceLevel.SHORT_ABANDONS_OUT
    short_s: float = SHORT_ABANDON_S

    @property
    def text(self) -> str:
        """The formula with this queue's numbers."""
        return written(FORMULAS[self.form], self.within_s, self.short_s)

    def in_time(self, waited_s: float) -> bool:
        """``≤T``."""
        return waited_s <= self.within_s

    def is_short(self, waited_s: float) -> bool:
        """``≤s``."""
        return waited_s <= self.short_s

    def of_abandoned(self, *, in_time: bool, short: bool) -> tuple[int, int]:
        """What one who gave up adds above and below the line."""
        match self.form:
            case ServiceLevel.ALL_ABANDONS_OUT:
                return 0, 0
            case ServiceLevel.ALL_ABANDONS_MISSED:
                return 0, 1
            case ServiceLevel.IN_TIME_ABANDONS_OUT:
                return 0, int(not in_time)
            case ServiceLevel.IN_TIME_ABANDONS_MET:
                return int(in_time), 1
            case ServiceLevel.SHORT_ABANDONS_OUT:
                return 0, int(not short)
            case ServiceLevel.SHORT_ABANDONS_MET:
                return int(short), 1


def written(formula: str, within_s: float, short_s: float) -> str:
    """A formula with seconds in place of ``T`` and ``s``."""
    return (
        formula.replace("≤T", f"≤{within_s:g} s")
        .replace(">T", f">{within_s:g} s")
        .replace("≤s", f"≤{short_s:g} s")
    )
