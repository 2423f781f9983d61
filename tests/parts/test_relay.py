"""The relay: what is committed reaches the bus, in order, whatever is away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from router.clock import VirtualClock
from router.events import Fact, HoldStarted
from router.relay import SWEEP_MOST, Relay
from tests.fakes.fragile import FragileBus, FragileStore

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
PATIENCE_S = 20.0
TRIES = 3


@dataclass
class World:
    store: FragileStore
    bus: FragileBus
    relay: Relay

    async def commit(self, *names: str) -> list[Fact]:
        facts: list[Fact] = [held(name) for name in names]
        async with self.store.transaction() as tx:
            await tx.log.append(facts)
        return facts

    async def outbox(self) -> list[Fact]:
        async with self.store.transaction() as tx:
            return await tx.log.unsent(NOW)

    async def until_taken(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.bus.taken) < count:
                await asyncio.sleep(0.01)

    async def until_refused(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.bus.refused < count:
                await asyncio.sleep(0.01)


def held(name: str) -> HoldStarted:
    return HoldStarted(at=NOW, interaction_id=name, agent_id="ana")


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    store, bus = FragileStore(sqlite_url), FragileBus()
    await store.start()
    await bus.start()
    relay = Relay(store, bus, VirtualClock(NOW))
    yield World(store, bus, relay)
    await relay.stop()
    await bus.stop()
    await store.stop()


async def test_bus_is_away_what_was_committed_first_is_published_first(world: World) -> None:
    await world.relay.start(sweep=False)
    world.bus.away = True
    world.relay.push(await world.commit("one", "two"))
    await world.until_refused(TRIES)
    world.relay.push(await world.commit("three"))
    world.bus.away = False
    world.relay.push(await world.commit("four"))
    await world.until_taken(4)
    await world.relay.stop()
    assert world.bus.taken == ["one", "two", "three", "four"]
    assert await world.outbox() == []


async def test_facts_of_a_dead_process_are_all_published_however_many(world: World) -> None:
    names = [f"i{n}" for n in range(SWEEP_MOST + 20)]
    await world.commit(*names)
    await world.relay.start()
    assert world.bus.taken == names
    assert await world.outbox() == []


async def test_store_is_away_after_publishing_nothing_is_published_twice(world: World) -> None:
    await world.relay.start(sweep=False)
    facts = await world.commit("one")
    world.store.away = True
    world.relay.push(facts)
    await world.until_taken(1)
    world.store.away = False
    await world.relay.sweep(age_s=0)
    assert world.bus.taken == ["one"]
    assert await world.outbox() == []
