"""Giving work away for good: to queue, agent, bot and number, on a real store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.acts.parties import TransferOutcome
from router.acts.sent import SentWork
from router.acts.transfers import ToAgent, ToBot, ToNumber, ToQueue
from router.commands import DialResult, Order, TransferInteraction
from router.errors import (
    CannotTransfer,
    IllegalMove,
    NoSuchAgent,
)
from router.events import (
    InteractionEnded,
    TransferFailed,
)
from router.model import Channel, EndedBy, InteractionState, Presence
from tests.fakes.distribution import COMPANY, Floor, running_floor

OUTSIDE = "+37129990000"
BOOSTED: dict[str, Any] = {
    **COMPANY,
    "queues": [
        {"id": "orders", "name": "Orders", "wrap_up": {"mode": "none"}},
        {
            "id": "billing",
            "name": "Billing",
            "base_s": 5,
            "wrap_up": {"mode": "none"},
            "boosts": {"transfer_s": 100},
        },
    ],
}


async def test_transferred_customer_stands_where_the_whole_wait_places_it(tmp_path: Path) -> None:
    async with running_floor(f"sqlite+aiosqlite:///{tmp_path}/db", BOOSTED) as floor:
        await floor.sign_in("ana", "cleo")
        call = await floor.handled("ana", wait_s=40)
        floor.clock.forward(600)
        await floor.transfers.transfer(call.id, "ana", ToQueue("billing"), "knows the invoice")
        floor.clock.forward(25)
        again = await floor.give(call, "cleo")
        floor.clock.forward(60)
        await floor.transfers.transfer(call.id, "cleo", ToQueue("billing"))
        waiting = await floor.get(call.id)
        assert again.head_start_s == 40 + 100 + 5
        assert waiting.head_start_s == 40 + 25 + 100 + 5
        assert again.handoff is not None
        assert again.handoff.summary.startswith("knows the invoice")
        assert (await floor.agent("ana")).idle_since is not None


async def test_agent_who_is_not_there_is_refused_and_nothing_changes(floor: Floor) -> None:
    call = await floor.handled("ana")
    before = len(await floor.logged(call.id))
    for target in (ToAgent("cleo"), ToAgent("ana")):
        with pytest.raises(CannotTransfer):
            await floor.transfers.transfer(call.id, "ana", target)
    await floor.life.set_presence("ben", Presence.AWAY, "lunch")
    with pytest.raises(CannotTransfer, match="lunch"):
        await floor.transfers.transfer(call.id, "ana", ToAgent("ben"))
    with pytest.raises(NoSuchAgent):
        await floor.transfers.transfer(call.id, "ana", ToAgent("nobody"))
    with pytest.raises(IllegalMove):
        await floor.transfers.transfer(call.id, "ben", ToQueue("billing"))
    assert (await floor.get(call.id)).agent_id == "ana"
    assert len(await floor.logged(call.id)) == before


async def test_named_agent_alone_is_preferred_and_answers(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.transfers.transfer(call.id, "ana", ToAgent("ben", wait_s=20))
    waiting = await floor.get(call.id)
    assert waiting.prefer_agent == "ben"
    assert waiting.prefer_until is not None
    assert (waiting.prefer_until - floor.clock.now()).total_seconds() == 20
    pending = await floor.transfers.result(call.id)
    assert pending is not None
    assert pending.outcome is None
    await floor.give(call, "ben")
    result = await floor.transfers.result(call.id)
    assert result is not None
    assert (result.outcome, result.by) == (TransferOutcome.ANSWERED, "ben")
    with pytest.raises(CannotTransfer, match="taken already"):
        await floor.transfers.recall(call.id, "ana")
    assert (await floor.get(call.id)).agent_id == "ben"


@pytest.mark.parametrize("says_no", [True, False])
async def test_work_that_the_named_agent_does_not_take_goes_back_to_the_sender(
    floor: Floor, says_no: bool
) -> None:
    call = await floor.handled("ana")
    await floor.transfers.transfer(call.id, "ana", ToAgent("ben"))
    offer = await floor.life.offer(await floor.get(call.id), "ben", "asked for")
    if says_no:
        back = await floor.life.reject(offer.id, "ben")
    else:
        back = await floor.life.expire(offer.id)
    assert (back.prefer_agent, back.queue, back.state) == (
        "ana",
        "orders",
        InteractionState.WAITING,
    )
    result = await floor.transfers.result(call.id)
    expected = TransferOutcome.REJECTED if says_no else TransferOutcome.NO_ANSWER
    assert result is not None
    assert result.outcome is expected
    # The sender does not take it either: now it is for everybody, at its old place.
    again = await floor.life.offer(await floor.get(call.id), "ana", "back")
    free = await floor.life.reject(again.id, "ana")
    assert free.prefer_agent is None
    assert free.joined_at == back.joined_at


async def test_work_of_a_sender_who_has_gone_goes_to_the_queue(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.transfers.transfer(call.id, "ana", ToAgent("ben"))
    await floor.life.set_presence("ana", Presence.OFFLINE)
    offer = await floor.life.offer(await floor.get(call.id), "ben", "asked for")
    assert (await floor.life.reject(offer.id, "ben")).prefer_agent is None
    failed = await floor.of(call.id, TransferFailed)
    assert [(fact.outcome, fact.to_agent_id) for fact in failed] == [(TransferOutcome.REJECTED, "")]


async def test_named_agent_who_stays_busy_loses_it_when_the_time_is_over(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.transfers.transfer(call.id, "ana", ToAgent("ben", wait_s=20))
    floor.clock.forward(19)
    assert (await floor.due(call)).prefer_agent == "ben"
    floor.clock.forward(1)
    assert (await floor.due(call)).prefer_agent == "ana"
    result = await floor.transfers.result(call.id)
    assert result is not None
    assert result.outcome is TransferOutcome.BUSY


async def test_old_transfer_means_nothing_in_a_later_stay(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.transfers.transfer(call.id, "ana", ToAgent("ben"))
    await floor.give(call, "ben")
    floor.clock.forward(5)
    await floor.transfers.transfer(call.id, "ben", ToQueue("orders"))
    assert SentWork.of(await floor.get(call.id)) is None
    offer = await floor.life.offer(await floor.get(call.id), "ben", "test")
    free = await floor.life.reject(offer.id, "ben")
    assert (free.prefer_agent, await floor.of(call.id, TransferFailed)) == (None, [])


async def test_sender_takes_back_what_rings_at_somebody_else(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.transfers.transfer(call.id, "ana", ToAgent("ben"))
    offer = await floor.life.offer(await floor.get(call.id), "ben", "asked for")
    back = await floor.transfers.recall(call.id, "ana")
    assert (back.state, back.prefer_agent) == (InteractionState.WAITING, "ana")
    async with floor.store.transaction() as tx:
        assert (await tx.interactions.offer(offer.id)).state == "withdrawn"
    result = await floor.transfers.result(call.id)
    assert result is not None
    assert result.outcome is TransferOutcome.CANCELLED
    with pytest.raises(CannotTransfer):
        await floor.transfers.recall(call.id, "ana")


async def test_customer_who_hangs_up_meanwhile_is_an_outcome_too(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.transfers.transfer(call.id, "ana", ToAgent("ben"))
    await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
    result = await floor.transfers.result(call.id)
    assert result is not None
    assert (result.outcome, result.detail) == (TransferOutcome.LEFT, "hung up")


async def test_other_flow_begins_afresh(floor: Floor) -> None:
    chat = await floor.handled("ana", Channel.CHAT)
    result = await floor.transfers.transfer(chat.id, "ana", ToBot("survey"))
    given = await floor.get(chat.id)
    assert result.outcome is TransferOutcome.ANSWERED
    assert (given.state, given.meta["flow"], given.bot_state) == (
        InteractionState.BOT,
        "survey",
        {},
    )


async def test_time_with_a_customer_who_is_given_away_counts_in_the_agents_day(
    floor: Floor,
) -> None:
    for channel, target in ((Channel.CHAT, ToBot()), (Channel.VOICE, ToQueue("billing"))):
        one = await floor.handled("ana", channel)
        floor.clock.forward(40)
        await floor.transfers.transfer(one.id, "ana", target)
    day = (await floor.agent("ana")).work_day
    assert (day.talk_s, day.handling_s) == (80, 80)


async def test_call_goes_outside_only_when_somebody_answers(floor: Floor) -> None:
    call = await floor.handled("ana")
    floor.line.outcome, floor.line.cause = TransferOutcome.BUSY, 17
    busy = await floor.transfers.transfer(call.id, "ana", ToNumber(OUTSIDE))
    assert (busy.outcome, busy.cause) == (TransferOutcome.BUSY, 17)
    assert (await floor.get(call.id)).agent_id == "ana"
    floor.line.outcome = TransferOutcome.ANSWERED
    done = await floor.transfers.transfer(call.id, "ana", ToNumber(OUTSIDE))
    assert done.outcome is TransferOutcome.ANSWERED
    assert (await floor.get(call.id)).state is InteractionState.ENDED
    orders = [o for o in floor.line.asked if isinstance(o, TransferInteraction)]
    assert [order.address for order in orders] == [OUTSIDE, OUTSIDE]
    ended = await floor.of(call.id, InteractionEnded)
    assert [(fact.ended_by, fact.agent_id) for fact in ended] == [("agent", "ana")]


async def test_customer_who_hangs_up_while_it_rings_outside_has_left(floor: Floor) -> None:
    call = await floor.arrive()
    await floor.give(call, "ana")

    async def hang_up(order: Order) -> Order:
        await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
        return DialResult(outcome=TransferOutcome.ANSWERED)

    await floor.bus.serve("voice.other", hang_up)
    await floor.life.set_home(call.id, "voice.other")
    result = await floor.transfers.transfer(call.id, "ana", ToNumber(OUTSIDE))
    assert result.outcome is TransferOutcome.LEFT
    with pytest.raises(IllegalMove):
        await floor.transfers.transfer(call.id, "ana", ToNumber(OUTSIDE))


async def test_lost_line_is_an_outcome_and_mail_cannot_go_to_a_number(floor: Floor) -> None:
    call = await floor.arrive(home="voice.gone")
    await floor.give(call, "ana")
    lost = await floor.transfers.transfer(call.id, "ana", ToNumber(OUTSIDE))
    assert lost.outcome is TransferOutcome.UNREACHABLE
    mail = await floor.arrive(Channel.EMAIL, "kim@example.org")
    await floor.give(mail, "ben")
    with pytest.raises(CannotTransfer, match="only a call"):
        await floor.transfers.transfer(mail.id, "ben", ToNumber(OUTSIDE))
