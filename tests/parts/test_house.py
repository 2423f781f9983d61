"""What a flow asks of the house, on both stores: promised calls, scores, an agent first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from bots.flow.outcome import CLOSED, PROMISED, REFUSED
from gateway.house import House
from gateway.proofs import Proofs
from router.acts.act import HandoffPlan
from router.events import SurveyAnswered
from router.model import Channel, Handoff, Interaction, InteractionState
from tests.fakes.distribution import COMPANY, MONDAY, NUMBER, Floor, running_floor

Start = Callable[..., Awaitable[Floor]]
OFFICE = {"weekly": {day: ["08:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}
PACKET = Handoff("callback", "Wants to pay in instalments.")


@pytest.fixture
async def start(store_url: str) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def make(**orders: Any) -> Floor:
            own = {"id": "orders", "name": "Orders", **orders}
            company = {
                **COMPANY,
                "queues": [own, COMPANY["queues"][1]],
                "entry": {"chat": "desk"},
            }
            return await stack.enter_async_context(running_floor(store_url, company))

        yield make


def house(floor: Floor) -> House:
    async def send(way: str, address: str, text: str) -> None:
        raise NotImplementedError

    proofs = Proofs(floor.store, floor.clock, b"secret", send)
    return House(floor.store, floor.company, floor.clock, floor.callbacks, floor.life, proofs)


async def scheduled(floor: Floor, source: Interaction) -> list[Interaction]:
    async with floor.store.transaction() as tx:
        mine = await tx.interactions.for_customer(source.customer_id, 10)
    return [one for one in mine if one.state is InteractionState.SCHEDULED]


async def test_promise_is_kept_with_the_packet_and_is_one_when_asked_for_twice(
    start: Start,
) -> None:
    floor = await start(hours=OFFICE)
    chat = await floor.arrive(Channel.CHAT, "visitor")
    at = (MONDAY + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
    for _ in range(2):  # A turn that was lost is done again.
        made = await house(floor).promise_call(chat.id, "+371 20 000 001", at, "orders", PACKET)
        assert made.outcome == PROMISED
        assert made.at.startswith(at)
    [call] = await scheduled(floor, chat)
    assert (call.channel, call.address, call.queue) == (Channel.VOICE, "+37120000001", "orders")
    assert call.handoff is not None
    assert call.handoff.summary == PACKET.summary
    assert call.conversation_id == chat.conversation_id


async def test_time_outside_the_hours_names_the_next_opening(start: Start) -> None:
    floor = await start(hours=OFFICE)
    chat = await floor.arrive(Channel.CHAT, "visitor")
    late = (MONDAY + timedelta(hours=13)).strftime("%Y-%m-%dT%H:%M")
    found = await house(floor).promise_call(chat.id, "+37120000001", late, "orders", PACKET)
    assert (found.outcome, found.opens[:16]) == (CLOSED, "2026-01-06T08:00")
    assert await scheduled(floor, chat) == []


async def test_call_without_a_time_is_made_as_soon_as_somebody_is_there(start: Start) -> None:
    floor = await start(hours=OFFICE)
    floor.clock.forward(12 * 3600)
    chat = await floor.arrive(Channel.CHAT, "visitor")
    made = await house(floor).promise_call(chat.id, "+37120000001", "", "", PACKET)
    assert (made.outcome, made.at[:16]) == (PROMISED, "2026-01-06T08:00")


@pytest.mark.parametrize(
    ("number", "at", "queue"),
    [
        ("seven", "", "orders"),
        (NUMBER, "2025-01-01T09:00", "orders"),
        (NUMBER, "noon", "orders"),
        (NUMBER, "", "no-such-queue"),
    ],
)
async def test_what_cannot_be_promised_is_refused(
    start: Start, number: str, at: str, queue: str
) -> None:
    floor = await start()
    chat = await floor.arrive(Channel.CHAT, "visitor")
    found = await house(floor).promise_call(chat.id, number, at, queue, PACKET)
    assert found.outcome == REFUSED


async def test_score_is_recorded_once(start: Start) -> None:
    floor = await start()
    chat = await floor.arrive(Channel.CHAT, "visitor")
    for score in (4, 2):
        await house(floor).rate(chat.id, score)
    assert [fact.score for fact in await floor.of(chat.id, SurveyAnswered)] == [4]


async def test_agent_whom_the_flow_names_is_asked_first_if_there(start: Start) -> None:
    floor = await start()
    for there in (False, True):
        if there:
            await floor.sign_in("ana")
        chat = await floor.arrive(Channel.CHAT, f"visitor-{there}")
        plan = HandoffPlan("orders", PACKET, agent="ana")
        async with floor.store.transaction() as tx:
            current = await tx.interactions.get(chat.id)
        assert current.state is InteractionState.BOT
        queued = await floor.life.save_bot_turn(current, {}, handoff=plan)
        assert queued.prefer_agent == ("ana" if there else None)
