"""What every small world of the tests stands on: a started store, bus and relay, and a clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from router.bus.memory import MemoryBus
from router.company import Company
from router.events import Fact
from router.model import Agent, Interaction
from router.ports import Clock
from router.relay import Relay
from router.store.sql import SqlStore

C = TypeVar("C", bound=Clock)


@dataclass
class Ground(Generic[C]):
    """Started parts, and what tests look up in them; worlds add what they are about."""

    store: SqlStore
    bus: MemoryBus
    clock: C
    relay: Relay

    @property
    def parts(self) -> tuple[SqlStore, MemoryBus, C, Relay]:
        """For a world that stands on it: ``World(*ground.parts, …)``."""
        return self.store, self.bus, self.clock, self.relay

    async def hire(self, company: Company) -> None:
        """Put the company's agents into the store as they are."""
        async with self.store.transaction() as tx:
            for person in company.people:
                if person.agent is not None:
                    await tx.people.put_agent(person.agent)

    async def get(self, interaction_id: str) -> Interaction:
        """How an interaction stands."""
        async with self.store.transaction() as tx:
            return await tx.interactions.get(interaction_id)

    async def agent(self, agent_id: str) -> Agent:
        """An agent's record."""
        async with self.store.transaction() as tx:
            return await tx.people.agent(agent_id)

    async def logged(self, interaction_id: str = "") -> list[Fact]:
        """All that has happened, or what happened to one interaction, oldest first."""
        async with self.store.transaction() as tx:
            return await tx.log.facts(interaction_id=interaction_id or None)


@asynccontextmanager
async def open_store(
    url: str, make: Callable[[str], SqlStore] = SqlStore
) -> AsyncIterator[SqlStore]:
    """A started store; a SQLite file that does not exist yet begins with the tables."""
    await _begin_with_tables(url)
    store = make(url)
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


@asynccontextmanager
async def ground(
    url: str, clock: C, make: Callable[[str], SqlStore] = SqlStore, *, sweep: bool = False
) -> AsyncIterator[Ground[C]]:
    """Started parts on the database ``url``; with ``sweep`` the outbox is swept, too."""
    async with open_store(url, make) as store:
        bus = MemoryBus()
        await bus.start()
        relay = Relay(store, bus, clock)
        await relay.start(sweep=sweep)
        try:
            yield Ground(store, bus, clock, relay)
        finally:
            await relay.stop()
            await bus.stop()


_template: list[bytes] = []


async def _begin_with_tables(url: str) -> None:
    """Migrations take longer than most tests: make the tables once per run, then copy them."""
    if not url.startswith("sqlite"):
        return
    path = Path(url.partition("///")[2])
    if path.exists():
        return
    if not _template:
        store = SqlStore(url)
        await store.start()
        async with store.transaction():
            pass
        await store.stop()
        _template.append(path.read_bytes())
    path.write_bytes(_template[0])
