"""Where a closed, an empty, a full and a slow queue send people: every way that a rule can name.

On a real store; where the estimate counts, with the dispatcher's own and its own timers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from router import kpi
from router.acd.queueing import LEARNING
from router.acts.overflow import LOOK_EVERY_S
from router.dispatch.dispatcher import Dispatcher
from router.events import InteractionOverflowed, RouterTicked
from router.model import (
    Author,
    Channel,
    EndedBy,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
    Presence,
)
from tests.fakes.distribution import HOME, Floor, running_floor
from tests.parts.test_waiting import NIGHT_S, OFFICE, company, reasons, rule

Start = Callable[..., Awaitable[Floor]]
OUTSIDE = "+37129990000"
OTHER = "+37120000002"
PATIENCE_S = 20.0


@pytest.fixture
async def start(store_url: str) -> AsyncIterator[Start]:
    """``await start(orders' rules…)`` is a running floor."""
    async with AsyncExitStack() as stack:

        async def make(**orders: object) -> Floor:
            return await stack.enter_async_context(running_floor(store_url, company(**orders)))

        yield make


async def abandoned(floor: Floor) -> int:
    return kpi.queue_figures(await floor.logged())["orders"].abandoned


# -- closed ---------------------------------------------------------------------------------------


async def test_closed_queue_takes_a_message_that_waits_until_it_opens(start: Start) -> None:
    closed = rule("closed", voicemail=True, say="We are closed. Speak after the tone.")
    floor = await start(hours=OFFICE, overflow=[closed])
    floor.clock.forward(NIGHT_S)
    call = await floor.arrive()
    speaking = await floor.due(call)
    assert (speaking.state, speaking.meta["voicemail"]) == (
        InteractionState.BOT,
        {"queue": "orders"},
    )
    item = await floor.waiting.voicemail_left(call.id, "recordings/x.wav", 8.0, "my parcel")
    # The message itself comes to a closed queue, and cannot be asked to leave one.
    kept = await floor.due(item)
    assert (kept.state, kept.queue, kept.channel) == ("waiting", "orders", Channel.EMAIL)
    assert await reasons(floor, item) == []
    assert await abandoned(floor) == 0


async def test_closed_queue_calls_back_in_the_place_that_was_had(start: Start) -> None:
    floor = await start(hours=OFFICE, overflow=[rule("closed", callback=True)])
    floor.clock.forward(NIGHT_S)
    call, text = await floor.arrive(), await floor.arrive(Channel.SMS, OTHER)
    kept = await floor.due(call)
    assert (kept.state, kept.home, kept.meta["call_back"]) == ("waiting", "", True)
    assert (kept.joined_at, await reasons(floor, call)) == (
        call.joined_at,
        [("closed", "callback", "")],
    )
    # Nobody calls a texter back: the rule counts as taken and the text waits.
    assert (await floor.due(text)).state is InteractionState.WAITING
    assert await reasons(floor, text) == []
    await floor.sign_in("ana")
    assert (await floor.give(call, "ana")).agent_id == "ana"


async def test_closed_queue_sends_calls_to_a_number_and_only_an_answer_ends_the_wait(
    start: Start,
) -> None:
    floor = await start(hours=OFFICE, overflow=[rule("closed", number=OUTSIDE)])
    floor.clock.forward(NIGHT_S)
    taken, kept = await floor.arrive(), await floor.arrive(value=OTHER)
    for call in (taken, kept):
        waiting = await floor.due(call)
        assert (waiting.state, waiting.home) == (InteractionState.WAITING, HOME)
        assert await reasons(floor, call) == [("closed", "number", OUTSIDE)]
    await floor.waiting.number_answered(taken.id, OUTSIDE)
    assert (await floor.get(taken.id)).end_reason == f"went to {OUTSIDE}"
    assert (await floor.due(kept)).state is InteractionState.WAITING
    assert await abandoned(floor) == 0


async def test_closed_queue_goes_on_as_mail_with_what_was_said(start: Start) -> None:
    closed = rule("closed", email="care@us.example", say="We answer by mail.")
    floor = await start(hours=OFFICE, overflow=[closed])
    floor.clock.forward(NIGHT_S)
    chat = await floor.arrive(Channel.CHAT, "visitor")
    async with floor.store.transaction() as tx:
        address = Identity(IdentityKind.EMAIL, "kim@example.org")
        await tx.people.add_identity(chat.customer_id, address)
    await floor.life.add_message(chat.id, NewMessage(Author.CUSTOMER, "Where is my parcel?"))
    assert (await floor.due(chat)).state is InteractionState.ENDED
    [fact] = await floor.of(chat.id, InteractionOverflowed)
    mail = await floor.due(await floor.get(fact.item_id))
    assert (mail.state, mail.queue, mail.address) == ("waiting", "orders", "kim@example.org")
    assert await reasons(floor, mail) == []
    async with floor.store.transaction() as tx:
        [said] = await tx.interactions.messages(mail.id)
        told = [line.text for line in await tx.interactions.messages(chat.id)]
    assert said.text == "Where is my parcel?"
    assert told[-1] == "We answer by mail."


# -- nobody there ---------------------------------------------------------------------------------


async def test_queue_that_nobody_serves_ends_at_joining_and_when_the_last_has_gone(
    start: Start,
) -> None:
    floor = await start(overflow=[rule("unstaffed", end=True, say="Nobody is here today.")])
    early = await floor.arrive(Channel.CHAT, "visitor-1")
    assert (await floor.due(early)).state is InteractionState.ENDED
    async with floor.store.transaction() as tx:
        assert [line.text for line in await tx.interactions.messages(early.id)] == [
            "Nobody is here today."
        ]
    await floor.sign_in("ana")
    floor.clock.forward(60)
    later = await floor.arrive(Channel.CHAT, "visitor-2")
    await floor.life.set_presence("ana", Presence.AWAY, "lunch")
    floor.clock.forward(LOOK_EVERY_S)
    assert (await floor.due(later)).state is InteractionState.WAITING  # lunch ends
    await floor.life.set_presence("ana", Presence.OFFLINE)
    floor.clock.forward(LOOK_EVERY_S)
    gone = await floor.due(later)
    assert (gone.state, gone.end_reason) == (
        InteractionState.ENDED,
        "nobody of Orders is signed in",
    )
    assert await abandoned(floor) == 0


# -- full -----------------------------------------------------------------------------------------


async def test_full_queue_does_what_its_own_rule_says_and_who_was_in_time_stays(
    start: Start,
) -> None:
    full = rule("full", queue="billing")
    floor = await start(most_waiting=2, overflow=[full])
    numbers = [f"+3712000001{last}" for last in range(4)]
    calls = []
    for number in numbers:
        floor.clock.forward(1)
        calls.append(await floor.due(await floor.arrive(value=number)))
    assert [call.state for call in calls] == [InteractionState.WAITING] * 4
    assert [call.also_queues for call in calls] == [(), (), ("billing",), ("billing",)]
    [fact] = await floor.of(calls[2].id, InteractionOverflowed)
    assert (fact.when, fact.why) == ("full", "2 wait in Orders already")


async def test_full_queue_can_call_back_those_it_has_no_room_for(start: Start) -> None:
    floor = await start(most_waiting=1, overflow=[rule("full", callback=True)])
    first = await floor.due(await floor.arrive())
    second = await floor.due(await floor.arrive(value=OTHER))
    assert first.home == HOME
    assert (second.state, second.home, second.meta["call_back"]) == ("waiting", "", True)


# -- the estimate -------------------------------------------------------------------------------


@asynccontextmanager
async def dispatching(floor: Floor) -> AsyncIterator[None]:
    """The floor with its dispatcher at work: the estimates and the timers are its own."""
    parts = (floor.store, floor.life, floor.bus, floor.clock)
    dispatcher = Dispatcher(*parts, "router-1", floor.waiting)
    await dispatcher.start()
    try:
        yield
    finally:
        await dispatcher.stop()


async def look_until(floor: Floor, item: Interaction, state: InteractionState) -> Interaction:
    """Let time go by, second by second, until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while (now := await floor.get(item.id)).state is not state:
            await tick(floor)
    return now


async def tick(floor: Floor, times: int = 1) -> None:
    """A second goes by, ana is still there, and the dispatcher looks at its timers."""
    for _ in range(times):
        floor.clock.forward(1)
        await floor.life.agent_seen("ana")
        await floor.bus.publish([RouterTicked(at=floor.clock.now(), node="test")])
        await asyncio.sleep(0.01)


async def arrive(floor: Floor, number: str) -> Interaction:
    """A call that no process owns: nobody is missed here. Each a second after the one before."""
    floor.clock.forward(1)
    return await floor.arrive(value=number, home="")


async def take(floor: Floor, call: Interaction) -> Interaction:
    """Ana's telephone rings, and she answers."""
    await look_until(floor, call, InteractionState.OFFERED)
    async with floor.store.transaction() as tx:
        [offer] = await tx.interactions.ringing_offers()
    return await floor.life.accept(offer.id, "ana")


async def test_estimate_of_the_dispatcher_itself_sends_away_who_would_wait_too_long(
    start: Start,
) -> None:
    slow = rule("estimate", 600, end=True, say="It would take too long.")
    floor = await start(expected_s=240, overflow=[slow])
    await floor.sign_in("ana")  # alone, with one call at a time
    async with dispatching(floor):
        talking = await take(floor, await arrive(floor, OTHER))
        first, second, third = [await arrive(floor, f"+3712000001{last}") for last in range(3)]
        gone = await look_until(floor, third, InteractionState.ENDED)
        # Three times 240 s of one agent; two of them would have been soon enough.
        assert gone.end_reason == "the wait will be about 720 s, over 600 s"
        await tick(floor, 2 * LOOK_EVERY_S)
        assert (await floor.get(second.id)).state is InteractionState.WAITING

        # Ana's call takes so long that from then on the second place is too far away, too.
        for _ in range(50):
            floor.clock.forward(20)
            await floor.life.agent_seen("ana")
        ended = await floor.life.end(talking.id, EndedBy.CUSTOMER, "hung up")
        await take(floor, first)
        fourth = await arrive(floor, "+37120000019")
        gone = await look_until(floor, fourth, InteractionState.ENDED)
        assert ended.ended_at is not None
        assert talking.accepted_at is not None
        talked_s = (ended.ended_at - talking.accepted_at).total_seconds()
        learnt_s = 240 + LEARNING * (talked_s - 240)
        assert gone.end_reason == f"the wait will be about {int(2 * learnt_s)} s, over 600 s"
        assert (await floor.get(second.id)).state is InteractionState.WAITING
        assert await abandoned(floor) == 0
