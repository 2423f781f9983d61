"""The waiting room as any process sees it, on a real store beside a real dispatcher's rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.waiting_room import WaitingRoom
from router.acd.explain import Obstacle
from router.acts.act import HandoffPlan
from router.model import (
    Arrival,
    Channel,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    Presence,
)
from tests.fakes.core import Core, running_core


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
    room = WaitingRoom(core.store, core.company, core.clock)
    first, second = await wait(core, "maria"), await wait(core, "peter")
    look = await room.look()
    assert [look.position(first.id), look.position(second.id)] == [1, 2]
    offer = await core.lifecycle.offer(first, await agent(core), "test")
    look = await room.look(fresh=True)
    assert [look.position(first.id), look.position(second.id)] == [None, 1]
    await core.lifecycle.accept(offer.id, "ana")


async def agent(core: Core) -> str:
    await core.add_agent("ana")
    await core.lifecycle.set_presence("ana", Presence.AVAILABLE)
    return "ana"


async def test_estimate_is_unknown_without_people_and_nothing_with_a_free_one(core: Core) -> None:
    room = WaitingRoom(core.store, core.company, core.clock)
    item = await wait(core, "maria")
    assert (await room.look(fresh=True)).estimate_s(item.id) is None
    await agent(core)
    assert (await room.look(fresh=True)).estimate_s(item.id) == 0


async def test_explanation_says_who_is_busy_and_who_said_no(core: Core) -> None:
    room = WaitingRoom(core.store, core.company, core.clock)
    item = await wait(core, "maria")
    offer = await core.lifecycle.offer(item, await agent(core), "test")
    await core.lifecycle.reject(offer.id, "ana")
    found = (await room.look(fresh=True)).explanation(item.id)
    assert found is not None
    (candidate,) = found.queues[0].candidates
    assert candidate.obstacle is Obstacle.SAID_NO
    assert candidate.until is not None
    assert candidate.until > core.clock.now()


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
    clock.at += timedelta(hours=1)
    assert await room.look() is not before
