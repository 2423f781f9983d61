"""The waiting room as any process sees it, on a real store beside a real dispatcher's rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.waiting_room import WaitingRoom
from router import events
from router.acd import Acd
from router.acd.explain import Explanation, Obstacle
from router.acts.act import HandoffPlan
from router.acts.consults import Consults
from router.acts.transfers import ToQueue
from router.model import (
    Arrival,
    Channel,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    Presence,
)
from tests.fakes.core import Core, running_core
from tests.parts.test_dispatcher import BLENDED, ORDERS, World, company_of, world_of

LATER = timedelta(seconds=50)
"""Longer than a look is kept, and not so long that all is made anew."""


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """A contact centre without a dispatcher: nobody is served while we look."""
    async with running_core(tmp_path) as started:
        yield started


async def wait(core: Core, name: str) -> Interaction:
    """A chat that waits in orders."""
    arrival = Arrival(Channel.CHAT, Identity(IdentityKind.LOGIN, name), "web", name=name)
    item = (await core.lifecycle.receive(arrival)).interaction
    plan = HandoffPlan("orders", Handoff("asked", "wants a person"))
    return await core.lifecycle.save_bot_turn(item, {}, handoff=plan)


async def test_places_are_in_order_and_the_next_one_moves_up_when_one_leaves(core: Core) -> None:
    clock = StillClock(core.clock.now())
    room = WaitingRoom(core.store, core.company, clock)
    first, second = await wait(core, "maria"), await wait(core, "peter")
    look = await room.look()
    assert [look.position(first.id), look.position(second.id)] == [1, 2]
    offer = await core.lifecycle.offer(first, await agent(core), "test")
    clock.at += LATER
    look = await room.look()
    assert [look.position(first.id), look.position(second.id)] == [None, 1]
    await core.lifecycle.accept(offer.id, "ana")


async def agent(core: Core) -> str:
    await core.add_agent("ana")
    await core.lifecycle.set_presence("ana", Presence.AVAILABLE)
    return "ana"


async def test_estimate_is_unknown_without_people_and_nothing_with_a_free_one(core: Core) -> None:
    clock = StillClock(core.clock.now())
    room = WaitingRoom(core.store, core.company, clock)
    item = await wait(core, "maria")
    assert (await room.look()).estimate_s(item.id) is None
    await agent(core)
    clock.at += LATER
    assert (await room.look()).estimate_s(item.id) == 0


async def test_one_that_joined_or_was_refused_since_the_look_is_explained_too(core: Core) -> None:
    room = WaitingRoom(core.store, core.company, core.clock)
    await agent(core)
    look = await room.look()
    item = await wait(core, "maria")
    found = look.explanation(item, (), core.clock.now())
    assert found is not None
    assert (found.position, found.queues[0].able) == (1, 1)
    offer = await core.lifecycle.offer(item, "ana", "test")
    await core.lifecycle.reject(offer.id, "ana")
    async with core.store.transaction() as tx:
        item = await tx.interactions.get(item.id)
        facts = await tx.log.facts(interaction_id=item.id)
    found = look.explanation(item, facts, core.clock.now())
    assert found is not None
    (candidate,) = found.queues[0].candidates
    assert candidate.obstacle is Obstacle.SAID_NO
    assert candidate.until is not None
    assert candidate.until > core.clock.now()
    again = (await WaitingRoom(core.store, core.company, core.clock).look()).explanation(
        item, (), found.at
    )
    assert again == found


class StillClock:
    """Stands at one time until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


async def test_look_is_kept_for_a_moment_and_then_made_anew(core: Core) -> None:
    clock = StillClock(core.clock.now())
    room = WaitingRoom(core.store, core.company, clock)
    before = await room.look()
    await wait(core, "maria")
    assert await room.look() is before
    clock.at += LATER
    assert await room.look() is not before


async def test_looks_that_follow_each_other_see_what_a_first_look_sees(core: Core) -> None:
    clock = StillClock(core.clock.now())
    room = WaitingRoom(core.store, core.company, clock)
    life = core.lifecycle

    async def seen_alike() -> None:
        """By somebody who has looked all the time, and by somebody who has just come."""
        clock.at += LATER
        theirs = await WaitingRoom(core.store, core.company, clock).look()
        ours = await room.look()
        for item in await core.interactions():
            assert ours.position(item.id) == theirs.position(item.id)
            assert ours.estimate_s(item.id) == theirs.estimate_s(item.id)
            told = ours.explanation(item, (), clock.at)
            assert told == theirs.explanation(item, (), clock.at)
            assert (told is not None) == (item.state is InteractionState.WAITING)

    for name in ("ana", "ben"):
        await core.add_agent(name)
    await seen_alike()
    first, second, third = [await wait(core, name) for name in ("maria", "peter", "lina")]
    await seen_alike()
    for name in ("ana", "ben"):
        await life.set_presence(name, Presence.AVAILABLE)
    await seen_alike()
    offer = await life.offer(first, "ana", "test")
    await seen_alike()
    await life.accept(offer.id, "ana")
    await seen_alike()
    refused = await life.offer(second, "ben", "test")
    await life.reject(refused.id, "ben")
    await life.end(third.id, EndedBy.CUSTOMER, "left")
    await seen_alike()
    await life.end(first.id, EndedBy.CUSTOMER, "left")
    await seen_alike()
    await life.complete_wrap_up(first.id, "ana", "solved")
    await life.set_presence("ben", Presence.AWAY, "lunch")
    await seen_alike()
    clock.at += timedelta(hours=1)  # nobody has looked for an hour: all is made anew
    await wait(core, "nora")
    await seen_alike()


# -- what every process sees is what the dispatcher decides by --------------------------------


async def told_alike(world: World, item: Interaction) -> Explanation:
    """What a process without the dispatcher says of it, which is what the dispatcher knows."""
    dispatchers = world.waiting_rules.room
    assert isinstance(dispatchers, Acd)
    clock = StillClock(world.clock.now())
    room = WaitingRoom(world.store, world.company, clock)
    await room.look()
    clock.at += LATER
    look = await room.look()  # nothing is lost or counted twice from look to look
    told = look.explanation(item, (), clock.now())
    assert told is not None
    for _ in range(200):  # it may not have heard of everything yet
        if told == (theirs := dispatchers.explain(item.id, clock.now().timestamp())):
            break
        await world.tick()
    assert told == theirs
    assert told.estimate_s == look.estimate_s(item.id)
    return told


async def test_held_back_outbound_work_is_told_as_held_back_by_every_process(
    sqlite_url: str,
) -> None:
    company = company_of(ORDERS, BLENDED, ana={}, ben={"queues": ["sales"]})
    async with world_of(company, sqlite_url) as world:
        await world.dispatcher.start()
        await world.come("ana")
        await world.waiting("late")
        (made,) = await world.wait_for(events.OfferMade)
        world.clock.forward(30)
        await world.life.accept(made.offer_id, "ana")  # type: ignore[attr-defined]
        await world.come("ben")
        called = await world.waiting("called", queue="sales")
        await world.calm()
        told = await told_alike(world, called)
        assert told.queues[0].gate is not None
        assert told.queues[0].gate.startswith("0% of orders were answered within 20 s")
        assert (told.queues[0].able, told.estimate_s) == (0, None)
        world.clock.forward(700)
        await world.life.agent_seen("ben")
        await world.look_until(events.OfferMade, 2)


async def test_wrap_up_that_must_be_filed_keeps_from_offers_in_every_process(
    sqlite_url: str,
) -> None:
    orders = {"id": "orders", "wrap_up": {"mode": "mandatory"}}
    company = company_of(orders, ana={"capacity": {"chat": 3}})
    async with world_of(company, sqlite_url) as world:
        await world.dispatcher.start()
        await world.come("ana")
        first = await world.waiting("first")
        (made,) = await world.look_until(events.OfferMade)
        await world.life.accept(made.offer_id, "ana")
        await world.life.end(first.id, EndedBy.CUSTOMER, "left")
        await world.calm()
        following = await world.waiting("following")
        await world.calm()
        told = await told_alike(world, following)
        (ana,) = told.queues[0].candidates
        assert (ana.obstacle, ana.free) == (Obstacle.WRAP_UP, False)
        assert told.estimate_s is None
        await world.life.complete_wrap_up(first.id, "ana", "solved")
        await world.look_until(events.OfferMade, 2)


async def test_who_asks_a_question_is_never_said_to_be_able_to_take_it(sqlite_url: str) -> None:
    company = company_of(ORDERS, ana={"capacity": {"chat": 3}})
    async with world_of(company, sqlite_url) as world:
        await world.dispatcher.start()
        await world.come("ana")
        one = await world.waiting("one")
        (made,) = await world.look_until(events.OfferMade)
        await world.life.accept(made.offer_id, "ana")
        consults = Consults(world.store, world.company, world.clock, world.relay, world.bus)
        await consults.consult(one.id, "ana", ToQueue("orders"), "how much?")
        await world.calm()
        async with world.store.transaction() as tx:
            states = [InteractionState.WAITING]
            (question,) = await tx.interactions.in_states(states)
        told = await told_alike(world, question)
        (ana,) = told.queues[0].candidates
        assert (ana.obstacle, ana.until, ana.free) == (Obstacle.ASKS, None, True)
