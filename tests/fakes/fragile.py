"""A bus and a store that can be away, as a broker and a database can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from router.bus.memory import MemoryBroker, MemoryBus
from router.errors import BusUnavailable, StoreUnavailable
from router.events import Fact
from router.ports import Transaction
from router.store.sql import SqlStore


class FragileBus(MemoryBus):
    """Takes nothing in while it is ``away``; keeps what it took, and what it refused."""

    def __init__(self, broker: MemoryBroker | None = None) -> None:
        super().__init__(broker)
        self.away = False
        self.refused = 0
        self.taken: list[str] = []
        self._told: list[Callable[[], None]] = []

    async def publish(self, facts: Sequence[Fact]) -> None:
        """See ``router.ports.Bus``."""
        if self.away:
            self.refused += 1
            raise BusUnavailable("gone")
        self.taken += [fact.interaction_id for fact in facts]
        await super().publish(facts)

    def on_restored(self, tell: Callable[[], None]) -> None:
        """See ``router.ports.Bus``."""
        self._told.append(tell)

    def be_lost_and_back(self) -> None:
        """As after a short loss."""
        for tell in self._told:
            tell()


class FragileStore(SqlStore):
    """Opens no transaction and reads nothing while it is ``away``; counts what it refused."""

    away = False
    refused = 0

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """See ``router.ports.Store``."""
        if self.away:
            self.refused += 1
            raise StoreUnavailable("gone")
        return super().transaction()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """See ``router.ports.Store``."""
        if self.away:
            self.refused += 1
            raise StoreUnavailable("gone")
        return super().reading()
