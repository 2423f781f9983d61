"""What happens to those who wait, on a real store with a clock of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from router import kpi
from router.acts.act import HandoffPlan
from router.acts.overflow import LOOK_EVERY_S, next_check, watched
from router.acts.parties import TransferOutcome
from router.acts.transfers import ToBot, ToQueue
from router.acts.wrapup import keeps_busy
from router.errors import (
    CallbackExists,
    CallbackRefused,
    IllegalMove,
    MustFile,
    NoSuchPauseCode,
    OutsideHours,
)
from router.events import (
    CallbackFailed,
    CallbackScheduled,
    InteractionEnded,
    InteractionOverflowed,
    VoicemailLeft,
)
from router.machines import move
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
    Presence,
)
from router.presence import CONNECTION_LOST, check_pause
from tests.fakes.distribution import COMPANY, HOME, MONDAY, NUMBER, Floor, running_floor

Start = Callable[..., Awaitable[Floor]]
OFFICE = {"weekly": {day: ["08:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}
NIGHT_S = 12 * 3600
"""From the clock's start, Monday at nine, to an hour at which offices are closed."""


def company(**orders: Any) -> dict[str, Any]:
    """The usual one with other rules for the queue ``orders``."""
    own = {"id": "orders", "name": "Orders", "wrap_up": {"mode": "none"}, **orders}
    return {**COMPANY, "queues": [own, COMPANY["queues"][1]]}


def rule(when: str, over_s: int = 0, say: str = "", **to: Any) -> dict[str, Any]:
    return {"when": when, "over_s": over_s, "to": to, "say": say}


@pytest.fixture
async def start(sqlite_url: str) -> AsyncIterator[Start]:
    """``await start(orders' rules…)`` is a running floor."""
    async with AsyncExitStack() as stack:

        async def make(**orders: Any) -> Floor:
            return await stack.enter_async_context(running_floor(sqlite_url, company(**orders)))

        yield make


async def reasons(floor: Floor, one: Interaction) -> list[tuple[str, str, str]]:
    return [(f.when, f.way, f.target) for f in await floor.of(one.id, InteractionOverflowed)]


# -- overflow ----------------------------------------------------------------------------


async def test_who_has_waited_too_long_waits_in_a_second_queue_too_and_keeps_the_place(
    start: Start,
) -> None:
    floor = await start(overflow=[rule("waited", 60, queue="billing")])
    call = await floor.arrive()
    queue = floor.company.queue("orders")
    assert next_check(call, queue, MONDAY) == MONDAY + timedelta(seconds=60)
    floor.clock.forward(59)
    assert (await floor.due(call)).also_queues == ()
    floor.clock.forward(1)
    also = await floor.due(call)
    assert (also.queue, also.also_queues, also.joined_at) == ("orders", ("billing",), MONDAY)
    assert next_check(also, queue, floor.clock.now()) is None
    [fact] = await floor.of(call.id, InteractionOverflowed)
    assert (fact.when, fact.way, fact.why) == ("waited", "queue", "waited 60 s of at most 60 s")


async def test_each_rule_is_taken_once_and_in_order(start: Start) -> None:
    floor = await start(
        overflow=[
            rule("waited", 30, wait=True, say="You are still in the queue."),
            rule("waited", 60, queue="billing"),
            rule("waited", 90, end=True, say="Please write to us."),
        ]
    )
    chat = await floor.arrive(Channel.CHAT, "visitor")
    for _ in range(6):
        floor.clock.forward(30)
        await floor.due(chat)
    assert [way for _, way, _ in await reasons(floor, chat)] == ["wait", "queue", "end"]
    gone = await floor.get(chat.id)
    assert (gone.state, gone.ended_by) == (InteractionState.ENDED, EndedBy.SYSTEM)
    async with floor.store.transaction() as tx:
        lines = await tx.interactions.messages(chat.id)
    assert [line.text for line in lines] == ["You are still in the queue.", "Please write to us."]
    assert all(line.meta["send"] for line in lines)


async def test_rules_count_anew_after_a_transfer(start: Start) -> None:
    floor = await start(overflow=[rule("waited", 60, wait=True)])
    call = await floor.arrive()
    floor.clock.forward(60)
    await floor.due(call)
    await floor.give(call, "ana")
    await floor.transfers.transfer(call.id, "ana", ToQueue("orders"))
    floor.clock.forward(60)
    await floor.due(call)
    assert len(await reasons(floor, call)) == 2


async def test_full_queue_ends_the_next_call_and_lets_mail_wait(start: Start) -> None:
    floor = await start(most_waiting=1)
    first = await floor.arrive(value="+37120000001")
    second = await floor.arrive(value="+37120000002")
    mail = await floor.arrive(Channel.EMAIL, "kim@example.org")
    for one in (first, second, mail):
        await floor.due(one)
    states = [(await floor.get(one.id)).state for one in (first, second, mail)]
    assert states == ["waiting", "ended", "waiting"]
    assert await reasons(floor, second) == [("full", "end", "")]
    figures = kpi.queue_figures(await floor.logged())["orders"]
    assert (figures.abandoned, figures.overflowed) == (0, 1)


async def test_queue_that_nobody_serves_sends_on_at_once_and_later_when_all_have_gone(
    start: Start,
) -> None:
    floor = await start(overflow=[rule("unstaffed", number="+37129990000")])
    early = await floor.arrive(value="+37120000001")
    assert next_check(early, floor.company.queue("orders"), MONDAY) == MONDAY
    await floor.due(early)
    assert await reasons(floor, early) == [("unstaffed", "number", "+37129990000")]
    await floor.sign_in("ana")
    await floor.life.set_presence("ben", Presence.AWAY, CONNECTION_LOST)
    floor.clock.forward(60)
    later = await floor.arrive(value="+37120000002")
    checked = await floor.due(later)
    assert await reasons(floor, later) == []
    orders = floor.company.queue("orders")
    assert next_check(checked, orders, floor.clock.now()) is None
    assert [rule.when for rule in watched(checked, orders)] == ["unstaffed"]
    await floor.life.set_presence("ana", Presence.OFFLINE)
    floor.clock.forward(LOOK_EVERY_S)
    sent = await floor.due(later)
    assert await reasons(floor, later) == [("unstaffed", "number", "+37129990000")]
    assert watched(sent, orders) == ()


async def test_call_that_a_number_takes_over_ends_and_one_that_it_does_not_waits_on(
    start: Start,
) -> None:
    floor = await start(overflow=[rule("waited", 60, number="+37129990000")])
    taken, kept = await floor.arrive(value="+37120000001"), await floor.arrive(value="+37120000002")
    floor.clock.forward(60)
    for one in (taken, kept):
        assert (await floor.due(one)).state is InteractionState.WAITING
    await floor.waiting.number_answered(taken.id, "+37129990000")
    await floor.waiting.number_answered(taken.id, "+37129990000")
    await floor.life.end(kept.id, EndedBy.CUSTOMER, "hung up")
    assert (await floor.get(taken.id)).state is InteractionState.ENDED
    assert len(await floor.of(taken.id, InteractionEnded)) == 1
    assert kpi.queue_figures(await floor.logged())["orders"].abandoned == 1


class ScriptedRoom:
    """Knows what the test says about the estimate."""

    def __init__(self, estimate_s: float | None) -> None:
        self.estimate = estimate_s

    def position(self, interaction_id: str) -> int | None:
        return None

    def estimate_s(self, interaction_id: str, now: float) -> float | None:
        return self.estimate


async def test_estimate_above_the_limit_sends_to_the_bot(start: Start) -> None:
    floor = await start(overflow=[rule("estimate", 300, bot="self-service")])
    floor.waiting.room = room = ScriptedRoom(300)
    chat = await floor.arrive(Channel.CHAT, "visitor")
    assert (await floor.due(chat)).state is InteractionState.WAITING
    room.estimate = 301
    await floor.waiting.due(chat.id, floor.clock.now())
    given = await floor.get(chat.id)
    assert (given.state, given.meta["flow"]) == (InteractionState.BOT, "self-service")
    [fact] = await floor.of(chat.id, InteractionOverflowed)
    assert "about 301 s" in fact.why


async def test_chat_goes_on_as_mail_when_the_customers_address_is_known(start: Start) -> None:
    floor = await start(overflow=[rule("waited", 60, email="care@us.example", say="We'll write.")])
    known, unknown = (
        await floor.arrive(Channel.CHAT, "visitor-1"),
        await floor.arrive(Channel.CHAT, "visitor-2"),
    )
    async with floor.store.transaction() as tx:
        address = Identity(IdentityKind.EMAIL, "kim@example.org")
        await tx.people.add_identity(known.customer_id, address)
    floor.clock.forward(60)
    for one in (known, unknown):
        await floor.due(one)
    assert (await floor.get(unknown.id)).state is InteractionState.WAITING
    assert (await floor.get(known.id)).state is InteractionState.ENDED
    [fact] = await floor.of(known.id, InteractionOverflowed)
    mail = await floor.get(fact.item_id)
    assert (mail.channel, mail.state, mail.queue) == (Channel.EMAIL, "waiting", "orders")
    assert (mail.address, mail.service_address) == ("kim@example.org", "care@us.example")
    assert mail.conversation_id == known.conversation_id
    assert kpi.channel_arrivals(await floor.logged()) == {"chat": 2}


async def test_timer_that_fires_late_or_twice_does_no_harm(start: Start) -> None:
    floor = await start(overflow=[rule("waited", 10, queue="billing")])
    call = await floor.arrive()
    floor.clock.forward(10)
    await floor.give(call, "ana")
    await floor.waiting.due(call.id, floor.clock.now())
    await floor.waiting.due(call.id, floor.clock.now())
    assert await reasons(floor, call) == []


# -- hours ---------------------------------------------------------------------------------


async def test_closed_queue_does_what_its_rule_says(start: Start) -> None:
    closed = rule("closed", end=True, say="We open at eight.")
    floor = await start(hours=OFFICE, overflow=[closed])
    day = await floor.arrive(Channel.CHAT, "visitor-1")
    assert (await floor.due(day)).state is InteractionState.WAITING
    floor.clock.forward(NIGHT_S)
    night = await floor.arrive(Channel.CHAT, "visitor-2")
    assert (await floor.due(night)).state is InteractionState.ENDED
    # Who came in time is served.
    assert (await floor.due(day)).state is InteractionState.WAITING


async def test_closed_queue_without_a_rule_gives_to_the_default_queue_or_says_when(
    tmp_path: Path,
) -> None:
    queues = [
        {"id": "orders", "name": "Orders", "hours": OFFICE, "closed_text": "We open at eight."},
        {"id": "billing", "name": "Billing", "hours": OFFICE},
    ]
    own = {**COMPANY, "queues": queues}
    async with running_floor(f"sqlite+aiosqlite:///{tmp_path}/db", own) as floor:
        floor.clock.forward(NIGHT_S)
        chat = await floor.arrive(Channel.CHAT, "visitor")
        await floor.due(chat)
        async with floor.store.transaction() as tx:
            lines = await tx.interactions.messages(chat.id)
        assert [line.text for line in lines] == ["We open at eight."]
        await floor.give(chat, "ben")
        await floor.transfers.transfer(chat.id, "ben", ToQueue("billing"))
        assert (await floor.get(chat.id)).queue == "orders"


async def test_closed_queue_writes_to_no_machine(start: Start) -> None:
    floor = await start(hours=OFFICE, closed_text="We open at eight.")
    floor.clock.forward(NIGHT_S)
    identity = Identity(IdentityKind.EMAIL, "robot@example.org")
    arrival = Arrival(Channel.EMAIL, identity, "us", meta={"auto": True})
    mail = (await floor.life.receive(arrival)).interaction
    await floor.due(mail)
    async with floor.store.transaction() as tx:
        assert await tx.interactions.messages(mail.id) == []


# -- callbacks -------------------------------------------------------------------------------


async def test_caller_hangs_up_keeps_the_place_and_is_not_counted_as_given_up(
    store_url: str,
) -> None:
    async with running_floor(store_url) as floor:
        call = await floor.arrive()
        floor.clock.forward(50)
        kept = await floor.callbacks.keep_place(call.id)
        assert (await floor.callbacks.keep_place(call.id)).version == kept.version
        left = await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
        assert (left.state, left.joined_at, left.home) == ("waiting", call.joined_at, "")
        floor.clock.forward(50)
        mine = await floor.give(call, "ana")
        assert mine.meta["call_back"] is True
        await floor.life.set_home(call.id, HOME)
        await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
        figures = kpi.queue_figures(await floor.logged())["orders"]
        assert (figures.arrived, figures.answered, figures.abandoned) == (1, 1, 0)
        assert (figures.callbacks, figures.asa_s) == (1, 100)


async def test_only_a_waiting_caller_with_a_number_is_called_back_and_only_once(
    start: Start,
) -> None:
    floor = await start()
    chat = await floor.arrive(Channel.CHAT, "visitor")
    with pytest.raises(IllegalMove):
        await floor.callbacks.keep_place(chat.id)
    call = await floor.arrive()
    await floor.callbacks.keep_place(call.id)
    second = await floor.arrive()
    for ask in (
        floor.callbacks.keep_place(second.id),
        floor.callbacks.schedule(second, "orders", MONDAY + timedelta(hours=1)),
    ):
        with pytest.raises(CallbackExists):
            await ask
    with pytest.raises(CallbackRefused, match="number"):
        await floor.callbacks.schedule(chat, "orders", MONDAY + timedelta(hours=1))


async def test_callback_that_the_customer_cancels_ends_and_is_no_giving_up(start: Start) -> None:
    floor = await start()
    call = await floor.arrive()
    with pytest.raises(IllegalMove):
        await floor.callbacks.cancel(call.id, EndedBy.AGENT)
    await floor.callbacks.keep_place(call.id)
    gone = await floor.callbacks.cancel(call.id, EndedBy.CUSTOMER)
    assert gone.state is InteractionState.ENDED
    assert kpi.queue_figures(await floor.logged())["orders"].abandoned == 0
    again = await floor.arrive()
    await floor.callbacks.keep_place(again.id)


async def test_customer_who_does_not_answer_is_called_again_later_and_then_given_up(
    start: Start,
) -> None:
    floor = await start(callback={"offer_after_s": 0, "attempts": 2, "retry_after_s": 300})
    call = await floor.arrive()
    floor.clock.forward(40)
    await floor.callbacks.keep_place(call.id)
    await floor.give(call, "ana")
    again = await floor.callbacks.failed(call.id, "ana", TransferOutcome.NO_ANSWER)
    assert (again.state, again.agent_id) == (InteractionState.SCHEDULED, None)
    assert (await floor.agent("ana")).idle_since == floor.clock.now()
    floor.clock.forward(299)
    assert (await floor.due(call)).state is InteractionState.SCHEDULED
    floor.clock.forward(1)
    waiting = await floor.due(call)
    assert (waiting.state, waiting.head_start_s) == (InteractionState.WAITING, 40)
    await floor.give(call, "ben")
    given_up = await floor.callbacks.failed(call.id, "ben", TransferOutcome.BUSY)
    assert given_up.state is InteractionState.ENDED
    failed = await floor.of(call.id, CallbackFailed)
    assert [(fact.attempt, fact.outcome, fact.retry_at is None) for fact in failed] == [
        (1, TransferOutcome.NO_ANSWER, False),
        (2, TransferOutcome.BUSY, True),
    ]
    with pytest.raises(IllegalMove):
        await floor.callbacks.failed(call.id, "ben", TransferOutcome.BUSY)


async def test_scheduled_callback_joins_at_its_time_with_its_boost(start: Start) -> None:
    floor = await start(boosts={"callback_s": 120}, hours=OFFICE)
    call = await floor.arrive()
    floor.clock.forward(30)
    at = MONDAY + timedelta(hours=2)
    planned = await floor.callbacks.schedule(call, "orders", at, agent_id="ana")
    assert (planned.id, planned.state, planned.due_at) == (call.id, "scheduled", at)
    assert (await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")).state == "scheduled"
    await floor.sign_in("ana")
    floor.clock.forward(2 * 3600 - 31)
    assert (await floor.due(call)).state is InteractionState.SCHEDULED
    floor.clock.forward(1)
    joined = await floor.due(call)
    assert (joined.state, joined.head_start_s, joined.due_at) == ("waiting", 120, None)
    assert joined.prefer_agent == "ana"
    figures = kpi.queue_figures(await floor.logged())["orders"]
    assert (figures.arrived, figures.abandoned) == (1, 0)


async def test_scheduled_callback_of_an_agent_who_has_left_goes_to_everybody(start: Start) -> None:
    floor = await start()
    call = await floor.arrive()
    at = MONDAY + timedelta(hours=2)
    await floor.callbacks.schedule(call, "orders", at, agent_id="who-left")
    floor.clock.forward(2 * 3600)
    joined = await floor.due(call)
    assert (joined.state, joined.prefer_agent) == (InteractionState.WAITING, None)


async def test_callback_outside_opening_hours_is_refused_naming_the_next_opening(
    start: Start,
) -> None:
    floor = await start(hours=OFFICE)
    call = await floor.arrive()
    with pytest.raises(OutsideHours, match="opens next at 2026-01-06T08:00"):
        await floor.callbacks.schedule(call, "orders", MONDAY + timedelta(hours=12))
    with pytest.raises(CallbackRefused, match="over"):
        await floor.callbacks.schedule(call, "orders", MONDAY)
    assert (await floor.get(call.id)).state is InteractionState.WAITING


async def test_queue_that_closed_meanwhile_calls_at_its_next_opening(start: Start) -> None:
    floor = await start(hours=OFFICE)
    call = await floor.arrive()
    await floor.callbacks.schedule(call, "orders", MONDAY + timedelta(hours=8, minutes=59))
    floor.clock.forward(9 * 3600)
    late = await floor.due(call)
    assert late.due_at == MONDAY + timedelta(hours=23)
    scheduled = await floor.of(call.id, CallbackScheduled)
    assert len(scheduled) == 2


async def test_callback_for_somebody_in_a_chat_is_an_interaction_of_its_own(start: Start) -> None:
    floor = await start()
    chat = await floor.handled("ana", Channel.CHAT)
    planned = await floor.callbacks.schedule(
        chat, "orders", MONDAY + timedelta(hours=1), number=NUMBER
    )
    assert planned.id != chat.id
    assert planned.conversation_id == chat.conversation_id
    assert (await floor.get(chat.id)).state is InteractionState.AGENT
    async with floor.store.transaction() as tx:
        customer = await tx.people.customer(chat.customer_id)
    with pytest.raises(CallbackExists):
        await floor.callbacks.schedule(customer, "orders", MONDAY + timedelta(hours=2), NUMBER)


async def test_queue_can_offer_the_callback_itself(start: Start) -> None:
    floor = await start(overflow=[rule("waited", 60, callback=True, say="We call you back.")])
    call = await floor.arrive()
    floor.clock.forward(60)
    kept = await floor.due(call)
    assert (kept.state, kept.home, kept.meta["call_back"]) == ("waiting", "", True)
    log = [type(fact).__name__ for fact in await floor.logged(call.id)]
    assert log[-2:] == ["InteractionOverflowed", "CallbackRequested"]


# -- voicemail ---------------------------------------------------------------------------------


async def test_voicemail_becomes_work_for_the_queue_once(store_url: str) -> None:
    own = company(overflow=[rule("waited", 60, voicemail=True, say="Speak after the tone.")])
    async with running_floor(store_url, own) as floor:
        call = await floor.arrive()
        floor.clock.forward(60)
        speaking = await floor.due(call)
        assert speaking.state is InteractionState.BOT
        item = await floor.waiting.voicemail_left(call.id, "recordings/x.wav", 12.5)
        again = await floor.waiting.voicemail_left(call.id, "recordings/x.wav", 12.5)
        assert again.id == item.id
        assert (item.channel, item.state, item.queue) == (Channel.EMAIL, "waiting", "orders")
        assert item.meta["voicemail"]["path"] == "recordings/x.wav"
        assert (await floor.get(call.id)).state is InteractionState.ENDED
        assert [f.item_id for f in await floor.of(call.id, VoicemailLeft)] == [item.id]
        facts = await floor.logged()
        assert kpi.channel_arrivals(facts) == {"voice": 1}
        assert kpi.bot_figures(facts).started == 0
        assert kpi.queue_figures(facts)["orders"].abandoned == 0


async def test_caller_who_hangs_up_without_speaking_leaves_nothing(start: Start) -> None:
    floor = await start(overflow=[rule("waited", 60, voicemail=True)])
    call = await floor.arrive()
    floor.clock.forward(60)
    await floor.due(call)
    await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
    async with floor.store.transaction() as tx:
        assert [one.id for one in await tx.interactions.recent()] == [call.id]


# -- wrap-up and presence --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "busy", "timed", "skips"),
    [
        ("optional", False, True, True),
        ("mandatory", True, False, False),
        ("limited", True, True, False),
    ],
)
async def test_wrap_up_of_the_queue_that_was_answered_counts_for_agents_of_several(
    start: Start, mode: str, busy: bool, timed: bool, skips: bool
) -> None:
    floor = await start(wrap_up={"mode": mode, "limit_s": 30})
    call = await floor.handled("ben")  # billing, ben's other queue, is mandatory
    wrapping = await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
    assert wrapping.state is InteractionState.WRAP_UP
    assert keeps_busy(floor.company, wrapping) is busy
    until = floor.clock.now() + timedelta(seconds=30)
    assert wrapping.wrap_up_until == (until if timed else None)
    if skips:
        done = await floor.life.skip_wrap_up(call.id, "ben")
        assert (done.state, done.disposition) == (InteractionState.ENDED, "not-filed")
    else:
        with pytest.raises(MustFile):
            await floor.life.skip_wrap_up(call.id, "ben")
        assert (await floor.get(call.id)).state is InteractionState.WRAP_UP


async def test_queue_without_wrap_up_ends_at_once(start: Start) -> None:
    floor = await start()
    call = await floor.handled("ben")
    ended = await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
    assert ended.state is InteractionState.ENDED
    assert (await floor.agent("ben")).idle_since == floor.clock.now()


async def test_pause_code_that_the_company_does_not_know_is_refused_naming_those_it_has(
    start: Start,
) -> None:
    floor = await start()
    check_pause(floor.company, Presence.AWAY, "lunch")
    check_pause(floor.company, Presence.AVAILABLE, "")
    with pytest.raises(NoSuchPauseCode, match="lunch, training"):
        check_pause(floor.company, Presence.AWAY, "fishing")
    with pytest.raises(NoSuchPauseCode):
        check_pause(floor.company, Presence.AWAY, CONNECTION_LOST)


# -- reopened ------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Channel.CHAT, Channel.EMAIL])
@pytest.mark.parametrize("there", [True, False])
async def test_reopened_matter_asks_its_last_agent_only_when_that_agent_is_there(
    start: Start, channel: Channel, there: bool
) -> None:
    floor = await start()
    await floor.sign_in("ana", "ben")
    identity = Identity(
        IdentityKind.COOKIE if channel is Channel.CHAT else IdentityKind.EMAIL, "kim@example.org"
    )
    arrival = Arrival(channel, identity, "us")
    first = NewMessage(Author.CUSTOMER, "my parcel", external_id="mail-1")
    earlier = (await floor.life.receive(arrival, first)).interaction
    await floor.give(earlier, "ben")
    await floor.life.end(earlier.id, EndedBy.AGENT, "solved")
    floor.clock.forward(3600)
    if not there:
        await floor.life.set_presence("ben", Presence.OFFLINE)
    second = NewMessage(Author.CUSTOMER, "it is still not here", external_id="mail-2")
    thread = ["mail-1"] if channel is Channel.EMAIL else []
    again = (await floor.life.receive(arrival, second, thread=thread)).interaction
    assert again.id != earlier.id
    assert again.conversation_id == earlier.conversation_id
    assert again.prefer_agent == ("ben" if there else None)
    queue = floor.company.queue("orders")
    if there:  # the wait for that agent ends by itself: no timer of ours
        assert again.prefer_until == floor.clock.now() + timedelta(seconds=60)
        assert next_check(again, queue, floor.clock.now()) is None


async def test_chat_of_another_day_is_another_matter(start: Start) -> None:
    floor = await start()
    earlier = await floor.arrive(Channel.CHAT, "visitor")
    await floor.life.end(earlier.id, EndedBy.CUSTOMER, "left")
    floor.clock.forward(25 * 3600)
    later = await floor.arrive(Channel.CHAT, "visitor")
    assert later.conversation_id != earlier.conversation_id


# -- in the middle of other things ----------------------------------------------------------------


async def test_customer_back_from_the_bot_is_due_as_anybody_who_joins(start: Start) -> None:
    floor = await start(hours=OFFICE, overflow=[rule("closed", end=True)])
    chat = await floor.handled("ana", Channel.CHAT)
    await floor.transfers.transfer(chat.id, "ana", ToBot())
    floor.clock.forward(NIGHT_S)
    plan = HandoffPlan("orders", Handoff("asked", ""))
    queued = await floor.life.save_bot_turn(await floor.get(chat.id), {}, handoff=plan)
    assert queued.state is InteractionState.WAITING
    assert (await floor.due(chat)).state is InteractionState.ENDED


def test_scheduling_is_a_move_of_the_machine() -> None:
    for state in (InteractionState.NEW, InteractionState.WAITING, InteractionState.AGENT):
        assert move(state, "schedule") is InteractionState.SCHEDULED
    with pytest.raises(IllegalMove):
        move(InteractionState.OFFERED, "schedule")
