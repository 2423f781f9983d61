"""Who gets what: a possible match, and one that has been made."""

from __future__ import annotations

from typing import NamedTuple

from router.acd.explain import Ground, words_of
from router.acd.lines import Spot
from router.acd.queueing import Choice
from router.acd.seats import Seat


class Match(NamedTuple):
    """An interaction for an agent (for several only with ring-all), and through which queue."""

    interaction_id: str
    queue: str
    agent_ids: tuple[str, ...]
    ground: Ground

    @property
    def why(self) -> str:
        """The reason in words."""
        return words_of(self.ground)


class Pairing(NamedTuple):
    """A possible match before it is applied."""

    spot: Spot
    seats: tuple[Seat, ...]
    choice: Choice | None
