"""Overflow rules without a time of their own: looked at in memory, paid for by those who move."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from router import events
from router.acd import Acd
from router.acd.explain import Obstacle
from router.acts.overflow import LOOK_EVERY_S
from router.model import Interaction, Presence
from router.ports import Transaction
from router.store.sql import SqlStore
from tests.parts.test_dispatcher import World, company_of, settled, world_of

HELP = {"id": "help"}


class CountingStore(SqlStore):
    """Counts its transactions, and how often it is read without one."""

    begun = 0

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """See ``router.ports.Store``."""
        self.begun += 1
        return super().transaction()

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """See ``router.ports.Store``."""
        self.begun += 1
        return super().reading()


def orders(**rule: Any) -> dict[str, Any]:
    return {"id": "orders", "expected_s": 100, "overflow": [{"to": {"queue": "help"}, **rule}]}


async def overflowed(world: World) -> list[str]:
    facts = await world.logged()
    return [f.interaction_id for f in facts if isinstance(f, events.InteractionOverflowed)]


async def busy_ana(world: World) -> None:
    """The dispatcher runs, and the only agent of the queue has all she can have."""
    await world.come("ana")
    await world.dispatcher.start()
    await world.waiting("served")
    (made,) = await world.look_until(events.OfferMade)
    await world.life.accept(made.offer_id, "ana")


async def known(world: World, one: Interaction, obstacle: Obstacle) -> None:
    """The dispatcher has heard that this is in the way of it."""

    async def heard() -> bool:
        acd = world.waiting_rules.room
        told = acd.explain(one.id, world.clock.now().timestamp()) if isinstance(acd, Acd) else None
        await world.tick()
        return told is not None and told.queues[0].candidates[0].obstacle is obstacle

    await settled(heard)


async def looks(world: World, times: int) -> int:
    """So many looks at the queue go by; how many transactions were begun meanwhile."""
    store = world.store
    assert isinstance(store, CountingStore)
    begun = store.begun
    for _ in range(times):
        await world.pass_by(LOOK_EVERY_S, "ana")
        for _ in range(3):
            await world.tick()
    return store.begun - begun


async def test_under_a_rule_about_the_estimate_only_those_who_move_cost_transactions(
    sqlite_url: str,
) -> None:
    company = company_of(orders(when="estimate", over_s=2_400), HELP, ana={"queues": ["orders"]})
    async with world_of(company, sqlite_url, CountingStore) as world:
        await busy_ana(world)
        # Each waits 100 s longer than the one before; the last just stays.
        stay = [await world.waiting(f"v{n}") for n in range(24)]
        await known(world, stay[-1], Obstacle.BUSY)
        assert await looks(world, 2) < len(stay)
        assert await overflowed(world) == []
        move = [await world.waiting(f"w{n}") for n in range(5)]
        await known(world, move[-1], Obstacle.BUSY)
        await world.pass_by(LOOK_EVERY_S, "ana")
        await world.look_until(events.InteractionOverflowed, len(move))
        assert sorted(await overflowed(world)) == sorted(one.id for one in move)
        for one in move:
            assert (await world.get(one.id)).also_queues == ("help",)
        assert await looks(world, 2) < len(stay)
        assert len(await overflowed(world)) == len(move)


async def test_when_all_have_signed_out_everybody_moves_at_the_next_look_of_any_dispatcher(
    sqlite_url: str,
) -> None:
    company = company_of(orders(when="unstaffed"), HELP, ana={"queues": ["orders"]})
    async with world_of(company, sqlite_url, CountingStore) as world:
        await busy_ana(world)
        waiting = [await world.waiting(f"v{n}") for n in range(24)]
        await looks(world, 1)
        await world.again()
        await world.life.set_presence("ana", Presence.AWAY, "lunch")
        await known(world, waiting[0], Obstacle.AWAY)
        assert await looks(world, 2) < len(waiting)
        assert await overflowed(world) == []  # on a pause somebody is still there
        await world.life.set_presence("ana", Presence.OFFLINE)
        await known(world, waiting[0], Obstacle.SIGNED_OUT)
        world.clock.forward(LOOK_EVERY_S)
        await world.look_until(events.InteractionOverflowed, len(waiting))
        assert sorted(await overflowed(world)) == sorted(one.id for one in waiting)
