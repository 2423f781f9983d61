"""The relay: what is committed reaches the bus, in order, whatever is away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from router.clock import VirtualClock
from router.errors import BusUnavailable
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


class HeldBus(FragileBus):
    """Publications wait until the test lets them go, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way: list[tuple[list[str], asyncio.Future[None]]] = []
        self.waits = True

    async def publish(self, facts: Sequence[Fact]) -> None:
        """See ``router.ports.Bus``."""
        if self.waits:
            gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.under_way.append(([fact.interaction_id for fact in facts], gate))
            await gate
        await super().publish(facts)

    async def until_under_way(self, *names: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while [each for each, _ in self.under_way] != [[name] for name in names]:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def held_world(sqlite_url: str) -> AsyncIterator[tuple[World, HeldBus]]:
    store, bus = FragileStore(sqlite_url), HeldBus()
    await store.start()
    await bus.start()
    relay = Relay(store, bus, VirtualClock(NOW))
    await relay.start(sweep=False)
    yield World(store, bus, relay), bus
    await relay.stop()
    await bus.stop()
    await store.stop()


async def test_confirm_is_slow_later_facts_do_not_wait_for_it(sqlite_url: str) -> None:
    async with held_world(sqlite_url) as (world, bus):
        for name in ("one", "two"):
            world.relay.push(await world.commit(name))
            await asyncio.sleep(0.02)
        await bus.until_under_way("one", "two")
        bus.waits = False
        for _, gate in bus.under_way:
            gate.set_result(None)
        await world.until_taken(2)
        await world.relay.stop()
        assert bus.taken == ["one", "two"]
        assert await world.outbox() == []


async def test_one_of_several_publications_fails_it_comes_again_before_what_is_later(
    sqlite_url: str,
) -> None:
    async with held_world(sqlite_url) as (world, bus):
        for name in ("one", "two", "three"):
            world.relay.push(await world.commit(name))
            await asyncio.sleep(0.02)
        await bus.until_under_way("one", "two", "three")
        bus.waits = False
        (_, one), (_, two), (_, three) = bus.under_way
        one.set_result(None)
        two.set_exception(BusUnavailable("gone"))
        three.set_exception(BusUnavailable("gone"))
        world.relay.push(await world.commit("four"))
        await world.until_taken(4)
        await world.relay.stop()
        assert bus.taken == ["one", "two", "three", "four"]
        assert await world.outbox() == []


async def test_sweep_leaves_alone_what_is_under_way(sqlite_url: str) -> None:
    async with held_world(sqlite_url) as (world, bus):
        world.relay.push(await world.commit("one"))
        await bus.until_under_way("one")
        assert await world.relay.sweep(age_s=0) == 0
        bus.under_way[0][1].set_result(None)
        await world.until_taken(1)
        assert bus.taken == ["one"]


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
