"""The dispatcher when things go wrong: a stop while it is woken, a store that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from router.acts.act import HandoffPlan
from router.acts.lifecycle import Lifecycle
from router.bus.delivery import Retry
from router.bus.memory import MemoryBroker
from router.clock import VirtualClock
from router.company import parse_company
from router.dispatch.dispatcher import Dispatcher
from router.events import Fact, InteractionQueued, OfferMade
from router.model import Arrival, Channel, Handoff, Identity, IdentityKind, Presence
from router.ports import FactHandler
from router.relay import Relay
from router.store.sql import SqlStore
from tests.fakes.fragile import FragileBus, FragileStore

MORNING = datetime(2026, 1, 5, 9, tzinfo=UTC)
PATIENCE_S = 20.0
CALM_S = 0.1
COMPANY = parse_company(
    {
        "queues": [{"id": "orders"}],
        "people": [{"login": "ana", "password": "password-1", "queues": ["orders"]}],
    }
)


class ReportingBus(FragileBus):
    """Says when a fact has been handled, and which one. Every fact gets one try."""

    def __init__(self) -> None:
        super().__init__(MemoryBroker(Retry(max_deliveries=1)))
        self.handled: asyncio.Queue[Fact] = asyncio.Queue()

    async def subscribe(
        self,
        group: str,
        handler: FactHandler,
        types: Iterable[type[Fact]],
        *,
        lasting: bool = True,
        single_active: bool = False,
    ) -> None:
        async def handle(fact: Fact) -> None:
            await handler(fact)
            self.handled.put_nowait(fact)

        await super().subscribe(group, handle, types, lasting=lasting, single_active=single_active)

    async def heard(self, kind: type[Fact]) -> Fact:
        while not isinstance(fact := await self.handled.get(), kind):
            pass
        return fact


@dataclass
class World:
    store: FragileStore
    bus: ReportingBus
    life: Lifecycle
    dispatcher: Dispatcher

    async def waiting(self, visitor: str) -> str:
        arrival = Arrival(Channel.EMAIL, Identity(IdentityKind.EMAIL, visitor), "web")
        begun = (await self.life.receive(arrival)).interaction
        if begun.queue is None:
            plan = HandoffPlan("orders", Handoff("asked", ""))
            await self.life.save_bot_turn(begun, {}, handoff=plan)
        return begun.id


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    """The dispatcher's store may be away; the acts of the others use one of their own."""
    fragile, store = FragileStore(sqlite_url), SqlStore(sqlite_url)
    clock, bus = VirtualClock(MORNING), ReportingBus()
    await fragile.start()
    await store.start()
    await bus.start()
    relay = Relay(store, bus, clock)
    await relay.start(sweep=False)
    async with store.transaction() as tx:
        for person in COMPANY.people:
            assert person.agent is not None
            await tx.people.put_agent(person.agent)
    life = Lifecycle(store, COMPANY, clock, relay)
    parts = (fragile, Lifecycle(fragile, COMPANY, clock, relay), bus, clock)
    dispatcher = Dispatcher(*parts, "router-1")
    await dispatcher.start()
    yield World(fragile, bus, life, dispatcher)
    async with asyncio.timeout(PATIENCE_S):
        await dispatcher.stop()
    await relay.stop()
    await bus.stop()
    await store.stop()
    await fragile.stop()


async def test_stops_although_it_is_woken_at_that_moment(world: World) -> None:
    """While something rings it waits with a limit; what wakes it must not hide the stop."""
    async with asyncio.timeout(PATIENCE_S):
        await world.life.set_presence("ana", Presence.AVAILABLE)
        await world.waiting("anna@example.org")
        made = await world.bus.heard(OfferMade)
        await asyncio.sleep(CALM_S)
        # It comes a second time, which wakes the dispatcher and nothing else.
        await world.bus.publish([made])
        await world.bus.heard(OfferMade)
        await world.dispatcher.stop()


async def test_store_is_away_nothing_is_given_up_and_it_goes_on_afterwards(world: World) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await world.life.set_presence("ana", Presence.AVAILABLE)
        world.store.away = True
        arrived = await world.waiting("anna@example.org")
        await world.bus.heard(InteractionQueued)
        assert world.store.refused
        world.store.away = False
        made = await world.bus.heard(OfferMade)
    assert made.interaction_id == arrived
    assert await world.bus.dead_letters() == []
