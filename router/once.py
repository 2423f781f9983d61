"""Which facts were taken already: the bus brings each at least once, so some come twice.

For what one process keeps in memory. What must hold for all processes of a group together is
claimed in the store (``LogTable.seen_before``), or follows from the row that the handler reads.
"""

from __future__ import annotations

from router.events import Fact

MOST = 20_000
"""Ids kept. A duplicate comes within seconds: when a publication was not confirmed in time,
when a consumer died, or when a dead process's outbox is swept."""


class Once:
    """The latest facts that were taken.

    Add a fact when it has been handled, not before: a handler that raises gets it again.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._ids: dict[str, None] = {}

    def __contains__(self, fact: Fact) -> bool:
        return fact.id in self._ids

    def add(self, fact: Fact) -> None:
        """It is taken; the oldest is forgotten when there are too many."""
        self._ids[fact.id] = None
        while len(self._ids) > self._most:
            del self._ids[next(iter(self._ids))]
