"""What somebody who joins a queue is entitled to, on a real store with a clock of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.waiting_room import WaitingRoom
from router.acts.act import HandoffPlan
from router.acts.transfers import ToAgent, ToBot, ToQueue
from router.model import (
    Agent,
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
from tests.fakes.distribution import COMPANY, HOME, NUMBER, Floor, running_floor

Start = Callable[..., Awaitable[Floor]]
OTHER = "+37120000002"
DAY_S = 24 * 3600


@pytest.fixture
async def start(store_url: str) -> AsyncIterator[Start]:
    """``await start(orders' rules…)`` is a running floor; calls begin with the bot."""
    async with AsyncExitStack() as stack:

        async def make(**rules: Any) -> Floor:
            orders = {"id": "orders", "wrap_up": {"mode": "none"}, **rules}
            own = {
                **COMPANY,
                "queues": [orders, COMPANY["queues"][1]],
                "entry": {"voice": "front-desk"},
            }
            return await stack.enter_async_context(running_floor(store_url, own))

        yield make


async def call(floor: Floor, value: str = NUMBER, bot_s: float = 0) -> Interaction:
    """Somebody calls, talks with the bot for ``bot_s`` and waits in ``orders``."""
    return await hand_over(floor, await floor.arrive(value=value), bot_s)


async def hand_over(floor: Floor, item: Interaction, bot_s: float = 0) -> Interaction:
    floor.clock.forward(bot_s)
    plan = HandoffPlan("orders", Handoff("asked", "wants a person"))
    return await floor.life.save_bot_turn(await floor.get(item.id), {}, handoff=plan)


async def known(floor: Floor, value: str = NUMBER, **about: Any) -> None:
    """The company has a record of who calls from there, with this in it."""
    identity = Identity(IdentityKind.PHONE, value)
    earlier = (await floor.life.receive(Arrival(Channel.VOICE, identity, "us"))).interaction
    await floor.life.end(earlier.id, EndedBy.CUSTOMER, "hung up on the bot")
    async with floor.store.transaction() as tx:
        customer = await tx.people.customer(earlier.customer_id)
        await tx.people.save_customer(replace(customer, **about))
    floor.clock.forward(DAY_S)


async def served(floor: Floor, agent_id: str = "ana") -> Interaction:
    """The customer was served by this agent; the call is over."""
    item = await call(floor)
    await floor.give(item, agent_id)
    return await floor.life.end(item.id, EndedBy.CUSTOMER, "hung up")


async def places(floor: Floor, *items: Interaction) -> list[int | None]:
    """How the distributor has them in line."""
    look = await WaitingRoom(floor.store, floor.company, floor.clock).look()
    return [look.position(item.id) for item in items]


# -- the place of who drops and returns ------------------------------------------------------


async def test_dropped_caller_who_returns_in_time_stands_where_they_stood(start: Start) -> None:
    floor = await start()
    dropped = await call(floor)
    floor.clock.forward(10)
    behind = await call(floor, OTHER)
    floor.clock.forward(10)
    await floor.life.end(dropped.id, EndedBy.CUSTOMER, "hung up")
    floor.clock.forward(60)
    back = await call(floor)
    assert (back.joined_at, back.head_start_s) == (dropped.joined_at, 0)
    assert await places(floor, back, behind) == [1, 2]


async def test_long_talk_with_the_bot_after_the_return_does_not_lose_the_place(
    start: Start,
) -> None:
    floor = await start()
    dropped = await call(floor)
    floor.clock.forward(1)
    behind = await call(floor, OTHER)
    await floor.life.end(dropped.id, EndedBy.CUSTOMER, "hung up")
    floor.clock.forward(60)
    back = await call(floor, bot_s=180)
    assert back.joined_at == dropped.joined_at
    assert await places(floor, back, behind) == [1, 2]


async def test_who_returns_too_late_waits_anew(start: Start) -> None:
    floor = await start()
    dropped = await call(floor)
    floor.clock.forward(1)
    behind = await call(floor, OTHER)
    await floor.life.end(dropped.id, EndedBy.CUSTOMER, "hung up")
    floor.clock.forward(61)
    back = await call(floor)
    assert back.joined_at == floor.clock.now()
    assert await places(floor, behind, back) == [1, 2]


async def test_who_drops_again_and_again_keeps_the_first_place(start: Start) -> None:
    floor = await start(boosts={"returning_s": 30})
    first = back = await call(floor)
    for _ in range(3):
        floor.clock.forward(40)
        await floor.life.end(back.id, EndedBy.CUSTOMER, "hung up")
        floor.clock.forward(40)
        back = await call(floor)
    # The head start for returning does not add up.
    assert (back.joined_at, back.head_start_s) == (first.joined_at, 30)


async def test_line_that_was_lost_with_an_agent_gives_the_place_and_the_boost_back(
    start: Start,
) -> None:
    floor = await start(base_s=10, boosts={"returning_s": 90})
    lost = await call(floor)
    floor.clock.forward(5)
    await floor.give(lost, "ana")
    await floor.life.end(lost.id, EndedBy.SYSTEM, "the line was lost")
    floor.clock.forward(20)
    back = await call(floor)
    assert (back.joined_at, back.head_start_s) == (lost.joined_at, 100)


@pytest.mark.parametrize(
    "case", ["served", "other queue", "other channel", "other customer", "off"]
)
async def test_there_is_no_place_to_return_to(start: Start, case: str) -> None:
    floor = await start(returning_within_s=0 if case == "off" else 60)
    before = await call(floor, OTHER if case == "other customer" else NUMBER)
    if case == "served":
        await floor.give(before, "ana")
    if case == "other queue":
        await floor.give(before, "ben")
        await floor.transfers.transfer(before.id, "ben", ToQueue("billing"))
    await floor.life.end(before.id, EndedBy.CUSTOMER, "hung up")
    floor.clock.forward(5)
    back = await floor.arrive(Channel.SMS) if case == "other channel" else await call(floor)
    assert back.state is InteractionState.WAITING
    assert back.joined_at == floor.clock.now()


async def test_who_was_served_after_the_return_has_used_the_place_up(start: Start) -> None:
    floor = await start()
    dropped = await call(floor)
    await floor.life.end(dropped.id, EndedBy.CUSTOMER, "hung up")
    floor.clock.forward(30)
    back = await call(floor)
    await floor.give(back, "ana")
    await floor.transfers.transfer(back.id, "ana", ToBot())
    again = await hand_over(floor, back, bot_s=10)
    assert again.joined_at == floor.clock.now()


async def test_colleagues_question_that_ended_is_no_place_of_the_customer(start: Start) -> None:
    floor = await start()
    talk = await call(floor)
    await floor.sign_in("ana", "ben")
    await floor.give(talk, "ana")
    await floor.consults.consult(talk.id, "ana", ToQueue("orders"), "is this a refund?")
    floor.clock.forward(20)
    await floor.life.end(talk.id, EndedBy.CUSTOMER, "hung up")
    again = await call(floor)
    assert again.joined_at == floor.clock.now()


# -- several queues ---------------------------------------------------------------------------


async def hand_to(floor: Floor, item: Interaction, *queues: str, **skills: int) -> Interaction:
    first, *also = queues
    plan = HandoffPlan(first, Handoff("asked", ""), skills, also=tuple(also))
    return await floor.life.save_bot_turn(await floor.get(item.id), {}, handoff=plan)


async def test_who_is_given_to_several_queues_waits_in_all_with_the_place_of_the_first(
    start: Start,
) -> None:
    floor = await start(base_s=7)
    waiting = await hand_to(floor, await floor.arrive(), "orders", "billing", "orders")
    assert (waiting.queue, waiting.also_queues, waiting.head_start_s) == ("orders", ("billing",), 7)
    room = (await WaitingRoom(floor.store, floor.company, floor.clock).look()).view.acd
    [_, cleo] = [agent for agent in await _agents(floor) if agent.id in ("ana", "cleo")]
    room.put_agent(replace(cleo, presence=Presence.AVAILABLE))  # of billing alone
    match = room.next(floor.clock.now().timestamp())
    assert match is not None
    assert (match.interaction_id, match.queue, match.agent_ids) == (
        waiting.id,
        "billing",
        ("cleo",),
    )
    again = await hand_over(floor, await _back_to_bot(floor, waiting))
    assert (again.queue, again.also_queues) == ("orders", ())


async def _agents(floor: Floor) -> list[Agent]:
    async with floor.store.transaction() as tx:
        return await tx.people.agents()


async def _back_to_bot(floor: Floor, item: Interaction) -> Interaction:
    await floor.give(item, "ana")
    await floor.transfers.transfer(item.id, "ana", ToBot())
    return await floor.get(item.id)


async def test_of_several_queues_the_closed_ones_are_left_out(start: Start) -> None:
    night = {"weekly": {"tue": ["08:00-18:00"]}}
    floor = await start(hours=night)  # it is Monday
    waiting = await hand_to(floor, await floor.arrive(), "orders", "billing")
    assert (waiting.queue, waiting.also_queues) == ("billing", ())


async def test_skill_that_somebody_of_one_of_the_queues_has_is_waited_for(start: Start) -> None:
    floor = await start()
    cleo = floor.company.people[2].agent
    assert cleo is not None
    floor.company.people = tuple(
        replace(each, agent=replace(cleo, skills={"lv": 3})) if each.login == "cleo" else each
        for each in floor.company.people
    )
    call_, other = await floor.arrive(), await floor.arrive(value=OTHER)
    both = await hand_to(floor, call_, "orders", "billing", lv=2, zh=1)
    assert dict(both.skills) == {"lv": 2}
    alone = await hand_to(floor, other, "orders", lv=2)
    assert dict(alone.skills) == {}


# -- priority ---------------------------------------------------------------------------------


async def test_priority_customer_joins_ahead_by_the_boost_of_the_queue(start: Start) -> None:
    floor = await start(base_s=5, boosts={"vip_s": 120})
    await known(floor, vip=True)
    ordinary = await call(floor, OTHER)
    floor.clock.forward(119)
    vip = await call(floor)
    assert (vip.vip, vip.head_start_s) == (True, 125)
    assert await places(floor, vip, ordinary) == [1, 2]
    early = await call(floor, "+37120000003")
    floor.clock.forward(121)
    await floor.life.end(vip.id, EndedBy.CUSTOMER, "hung up")
    floor.clock.forward(61)
    late = await call(floor)
    assert await places(floor, ordinary, early, late) == [1, 2, 3]


async def test_priority_counts_after_a_transfer_by_the_boost_of_the_new_queue(
    start: Start,
) -> None:
    floor = await start(boosts={"vip_s": 120, "transfer_s": 7})
    await known(floor, vip=True)
    vip = await call(floor)
    floor.clock.forward(20)
    await floor.give(vip, "ben")
    await floor.transfers.transfer(vip.id, "ben", ToQueue("billing"))
    moved = await floor.get(vip.id)
    assert (moved.vip, moved.head_start_s) == (True, 20)
    await floor.give(vip, "ben")
    await floor.transfers.transfer(vip.id, "ben", ToQueue("orders"))
    assert (await floor.get(vip.id)).head_start_s == 20 + 7 + 120


# -- the agent they know ----------------------------------------------------------------------

LAST = {"last_agent": {"within_days": 7, "wait_s": 40}}


@pytest.mark.parametrize("presence", [Presence.AVAILABLE, Presence.AWAY, Presence.OFFLINE])
async def test_last_agent_is_waited_for_unless_gone_home(start: Start, presence: Presence) -> None:
    floor = await start(**LAST)
    await floor.sign_in("ana", "ben")
    await served(floor, "ben")
    floor.clock.forward(6 * DAY_S)
    reason = "lunch" if presence is Presence.AWAY else ""
    await floor.life.set_presence("ben", presence, reason)
    again = await call(floor)
    until = floor.clock.now() + timedelta(seconds=40)
    gone = presence is Presence.OFFLINE
    assert (again.prefer_agent, again.prefer_until) == ((None, None) if gone else ("ben", until))


async def test_agent_of_too_long_ago_or_of_other_queues_is_not_waited_for(start: Start) -> None:
    floor = await start(**LAST)
    await floor.sign_in("ana", "ben", "cleo")
    await served(floor, "ana")
    floor.clock.forward(7 * DAY_S + 1)
    late = await call(floor)
    assert late.prefer_agent is None
    await floor.give(late, "cleo")  # of billing alone
    await floor.life.end(late.id, EndedBy.CUSTOMER, "hung up")
    floor.clock.forward(DAY_S)
    assert (await call(floor)).prefer_agent is None


async def test_last_agent_is_who_served_not_the_colleague_who_was_asked(start: Start) -> None:
    floor = await start(**LAST)
    await floor.sign_in("ana", "ben")
    talk = await call(floor)
    await floor.give(talk, "ana")
    floor.clock.forward(10)
    await floor.consults.consult(talk.id, "ana", ToAgent("ben"), "is this a refund?")
    async with floor.store.transaction() as tx:
        recent = await tx.interactions.recent()
    question = next(one for one in recent if one.parent_id == talk.id)
    await floor.give(question, "ben")
    await floor.consults.leave(talk.id, "ben")
    await floor.life.end(talk.id, EndedBy.CUSTOMER, "hung up")
    floor.clock.forward(DAY_S)
    assert (await call(floor)).prefer_agent == "ana"


async def test_dedicated_agent_goes_before_the_last_one_and_only_while_there(start: Start) -> None:
    floor = await start(dedicated_wait_s=90, **LAST)
    await known(floor, dedicated_agent="ben")
    await floor.sign_in("ana", "ben")
    await served(floor, "ana")
    floor.clock.forward(DAY_S)
    theirs = await call(floor)
    until = floor.clock.now() + timedelta(seconds=90)
    assert (theirs.prefer_agent, theirs.prefer_until) == ("ben", until)
    await floor.life.end(theirs.id, EndedBy.CUSTOMER, "hung up")
    floor.clock.forward(DAY_S)
    await floor.life.set_presence("ben", Presence.OFFLINE)
    assert (await call(floor)).prefer_agent == "ana"


@pytest.mark.parametrize("dedicated", ["ben", "who-left"])
async def test_dedicated_agent_means_nothing_without_a_rule_or_without_the_agent(
    start: Start, dedicated: str
) -> None:
    floor = await start(dedicated_wait_s=0 if dedicated == "ben" else 90)
    await known(floor, dedicated_agent=dedicated)
    await floor.sign_in("ana", "ben")
    assert (await call(floor)).prefer_agent is None


async def test_what_an_agent_transfers_names_its_agent_itself(start: Start) -> None:
    floor = await start(dedicated_wait_s=90)
    await known(floor, dedicated_agent="ben")
    await floor.sign_in("ana", "ben")
    item = await call(floor)
    await floor.give(item, "ana")
    await floor.transfers.transfer(item.id, "ana", ToQueue("orders"))
    moved = await floor.get(item.id)
    assert (moved.prefer_agent, moved.home) == (None, HOME)
