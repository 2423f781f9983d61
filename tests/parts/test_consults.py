"""Questions to colleagues, conferences and supervision on a real store."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from router import kpi
from router.acts.parties import Arrangement, JoinMode, PartyRole, TransferOutcome
from router.acts.transfers import ToAgent, ToNumber, ToQueue
from router.commands import DialParty, DropParty
from router.errors import (
    CannotTransfer,
    Conflict,
    IllegalMove,
    IllegalStep,
    NoSuchAgent,
    OfferGone,
)
from router.events import (
    ConsultAnswered,
    ConsultEnded,
    HoldEnded,
    HoldStarted,
    InteractionTransferred,
    PartyJoined,
    PartyLeft,
    TalkArranged,
)
from router.model import Channel, Direction, EndedBy, Interaction, InteractionState
from tests.fakes.distribution import HOME, Floor, running_floor

OUTSIDE = "+37129990000"


# -- consultation ------------------------------------------------------------------------


async def asked(floor: Floor, call: Interaction) -> Interaction:
    """The internal interaction by which somebody is asked about the call."""
    async with floor.store.transaction() as tx:
        everyone = await tx.interactions.recent()
    return next(one for one in everyone if one.parent_id == call.id and one.ended_at is None)


async def consulting(floor: Floor, channel: Channel = Channel.VOICE) -> Interaction:
    """Ana's customer is on hold while she talks to ben."""
    call = await floor.handled("ana", channel)
    await floor.consults.consult(call.id, "ana", ToAgent("ben"), "is this a refund?")
    await floor.give(await asked(floor, call), "ben")
    return call


async def arrangement(floor: Floor, call: Interaction) -> Arrangement:
    return (await floor.consults.talk(call.id)).arrangement


@pytest.mark.parametrize("channel", [Channel.VOICE, Channel.CHAT])
async def test_colleague_is_asked_by_an_internal_interaction_and_takes_over(
    store_url: str, channel: Channel
) -> None:
    async with running_floor(store_url) as floor:
        await floor.sign_in("ana", "ben")
        call = await floor.handled("ana", channel)
        await floor.consults.consult(call.id, "ana", ToAgent("ben"), "is this a refund?")
        internal = await asked(floor, call)
        assert (internal.direction, internal.prefer_agent) == (Direction.INTERNAL, "ben")
        assert internal.address != call.address
        assert await arrangement(floor, call) is Arrangement.ASKING
        await floor.give(internal, "ben")
        assert await arrangement(floor, call) is Arrangement.CONSULTING
        await floor.consults.swap(call.id, "ana")
        await floor.consults.conference(call.id, "ana")
        assert await arrangement(floor, call) is Arrangement.CONFERENCE
        await floor.consults.complete(call.id, "ana", "refund agreed")
        mine = await floor.get(call.id)
        assert (mine.agent_id, mine.state) == ("ben", InteractionState.AGENT)
        assert mine.handoff is not None
        assert mine.handoff.summary.startswith("refund agreed")
        assert (await floor.get(internal.id)).state is InteractionState.ENDED
        assert await floor.parties(call.id) == []
        moved = await floor.of(call.id, InteractionTransferred)
        assert [(f.from_agent_id, f.to_agent_id, f.outcome) for f in moved] == [
            ("ana", "ben", TransferOutcome.ANSWERED)
        ]


async def test_time_with_a_customer_whom_the_colleague_takes_over_counts_for_each(
    floor: Floor,
) -> None:
    call = await consulting(floor)
    floor.clock.forward(30)
    await floor.consults.complete(call.id, "ana")
    floor.clock.forward(20)
    await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
    assert (await floor.agent("ana")).work_day.talk_s == 30
    # Ben's is the question of 30 s and then the customer.
    assert (await floor.agent("ben")).work_day.talk_s == 50


async def test_customer_is_on_hold_exactly_while_nobody_talks_to_them(floor: Floor) -> None:
    call = await consulting(floor)
    await floor.consults.swap(call.id, "ana")
    await floor.consults.swap(call.id, "ana")
    await floor.consults.cancel(call.id, "ana")
    holds = [
        type(fact)
        for fact in await floor.logged(call.id)
        if isinstance(fact, HoldStarted | HoldEnded)
    ]
    assert holds == [HoldStarted, HoldEnded, HoldStarted, HoldEnded]
    ended = await floor.of(call.id, ConsultEnded)
    assert [fact.outcome for fact in ended] == [TransferOutcome.ANSWERED]
    assert await arrangement(floor, call) is Arrangement.TALKING


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("reject", TransferOutcome.REJECTED),
        ("expire", TransferOutcome.NO_ANSWER),
        ("busy", TransferOutcome.BUSY),
        ("cancel", TransferOutcome.CANCELLED),
        ("hang up", TransferOutcome.LEFT),
    ],
)
async def test_question_that_comes_to_nothing_has_a_typed_outcome(
    floor: Floor, answer: str, outcome: TransferOutcome
) -> None:
    call = await floor.handled("ana")
    await floor.consults.consult(call.id, "ana", ToAgent("ben", wait_s=15))
    internal = await asked(floor, call)
    if answer == "busy":
        floor.clock.forward(15)
        await floor.due(internal)
    elif answer == "cancel":
        await floor.consults.cancel(call.id, "ana")
    else:
        offer = await floor.life.offer(internal, "ben", "test")
        if answer == "reject":
            await floor.life.reject(offer.id, "ben")
        elif answer == "expire":
            await floor.life.expire(offer.id)
        else:
            await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
    assert (await floor.get(internal.id)).state is InteractionState.ENDED
    ended = await floor.of(call.id, ConsultEnded)
    assert [fact.outcome for fact in ended] == [outcome]
    async with floor.store.transaction() as tx:
        assert await tx.interactions.ringing_offers() == []
    assert await floor.parties(call.id) == []
    over = answer == "hang up"
    expected = InteractionState.ENDED if over else InteractionState.AGENT
    assert (await floor.get(call.id)).state is expected


async def test_queue_is_asked_and_whoever_is_next_answers(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.consults.consult(call.id, "ana", ToQueue("billing"), "which invoice?")
    internal = await asked(floor, call)
    assert (internal.queue, internal.prefer_agent, internal.home) == ("billing", None, HOME)
    await floor.sign_in("cleo")
    offer = await floor.life.offer(internal, "ben", "test")
    back = await floor.life.reject(offer.id, "ben")
    assert back.state is InteractionState.WAITING
    await floor.give(back, "cleo")
    answered = await floor.of(call.id, ConsultAnswered)
    assert [fact.by_agent_id for fact in answered] == ["cleo"]


async def test_colleague_who_ends_the_inner_call_leaves_customer_and_agent_together(
    floor: Floor,
) -> None:
    call = await consulting(floor)
    internal = await asked(floor, call)
    ended = await floor.life.end(internal.id, EndedBy.AGENT, "said enough")
    assert ended.state is InteractionState.ENDED  # no wrap-up for a question
    assert await arrangement(floor, call) is Arrangement.TALKING
    assert await floor.of(call.id, HoldEnded)


async def test_customer_who_hangs_up_ends_the_inner_call_too(floor: Floor) -> None:
    call = await consulting(floor)
    internal = await asked(floor, call)
    await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
    assert (await floor.get(internal.id)).state is InteractionState.ENDED
    assert await floor.parties(call.id) == []
    assert (await floor.agent("ben")).idle_since == floor.clock.now()


async def test_transfer_in_the_middle_of_a_question_ends_it(floor: Floor) -> None:
    call = await consulting(floor)
    internal = await asked(floor, call)
    await floor.transfers.transfer(call.id, "ana", ToQueue("billing"))
    assert (await floor.get(internal.id)).state is InteractionState.ENDED
    assert (await floor.get(call.id)).state is InteractionState.WAITING


async def test_hold_ends_with_the_handler_who_began_it(floor: Floor) -> None:
    call = await consulting(floor)
    await floor.transfers.transfer(call.id, "ana", ToQueue("orders"))
    floor.clock.forward(10)
    await floor.give(call, "ben")
    assert await arrangement(floor, call) is Arrangement.TALKING


async def test_somebody_outside_is_dialled_and_goes_on_with_the_customer(floor: Floor) -> None:
    call = await floor.handled("ana")
    talk = await floor.consults.consult(call.id, "ana", ToNumber(OUTSIDE))
    assert talk.arrangement is Arrangement.CONSULTING
    await floor.consults.conference(call.id, "ana")
    await floor.consults.complete(call.id, "ana")
    assert (await floor.get(call.id)).state is InteractionState.ENDED
    arranged = await floor.of(call.id, TalkArranged)
    assert arranged[-1].arrangement == Arrangement.RELEASED
    assert [type(order) for order in floor.line.asked] == [DialParty]


async def test_somebody_outside_who_does_not_answer_or_hangs_up(floor: Floor) -> None:
    call = await floor.handled("ana")
    floor.line.outcome = TransferOutcome.NO_ANSWER
    talk = await floor.consults.consult(call.id, "ana", ToNumber(OUTSIDE))
    assert talk.arrangement is Arrangement.TALKING
    floor.line.outcome = TransferOutcome.ANSWERED
    await floor.consults.consult(call.id, "ana", ToNumber(OUTSIDE))
    third = next(p for p in await floor.parties(call.id) if p.role is PartyRole.CONSULTED)
    await floor.consults.outside_left(call.id, third.id)
    await floor.consults.outside_left(call.id, third.id)
    assert await arrangement(floor, call) is Arrangement.TALKING
    outcomes = [fact.outcome for fact in await floor.of(call.id, ConsultEnded)]
    assert outcomes == [TransferOutcome.NO_ANSWER, TransferOutcome.ANSWERED]


async def test_ended_question_drops_the_leg_outside(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.consults.consult(call.id, "ana", ToNumber(OUTSIDE))
    await floor.consults.cancel(call.id, "ana")
    assert [type(order) for order in floor.line.asked] == [DialParty, DropParty]


async def test_steps_of_others_and_impossible_ones_are_refused(floor: Floor) -> None:
    call = await consulting(floor)
    with pytest.raises(IllegalMove):
        await floor.consults.swap(call.id, "ben")
    with pytest.raises(IllegalStep):
        await floor.consults.consult(call.id, "ana", ToQueue("billing"))
    with pytest.raises(IllegalStep):
        await floor.consults.leave(call.id, "cleo")
    await floor.consults.leave(call.id, "ben")
    with pytest.raises(IllegalStep):
        await floor.consults.complete(call.id, "ana")
    with pytest.raises(CannotTransfer):
        await floor.consults.consult(call.id, "ana", ToAgent("cleo"))
    assert await arrangement(floor, call) is Arrangement.TALKING


async def test_handler_leaves_a_conference_and_the_rest_goes_on(floor: Floor) -> None:
    call = await consulting(floor)
    await floor.consults.conference(call.id, "ana")
    await floor.consults.leave(call.id, "ana")
    assert (await floor.get(call.id)).agent_id == "ben"


async def test_words_of_a_question_stay_inside_and_of_a_conference_reach_the_customer(
    floor: Floor,
) -> None:
    chat = await consulting(floor, Channel.CHAT)
    internal = await asked(floor, chat)
    assert await floor.consults.say(internal.id, "ana", "may I?", "d1")
    assert await floor.consults.say(internal.id, "ana", "may I?", "d1") is None
    assert await floor.consults.say(internal.id, "ben", "yes")
    with pytest.raises(IllegalStep):
        await floor.consults.say(internal.id, "cleo", "what is it?")
    with pytest.raises(IllegalStep):
        await floor.consults.say(chat.id, "ben", "hello")
    await floor.consults.conference(chat.id, "ana")
    assert await floor.consults.say(chat.id, "ben", "hello")
    async with floor.store.transaction() as tx:
        inside = [line.text for line in await tx.interactions.messages(internal.id)]
        outside = [line.text for line in await tx.interactions.messages(chat.id)]
    assert (inside, outside) == (["may I?", "yes"], ["hello"])


async def test_question_answered_and_taken_back_at_once_is_either_and_never_half(
    store_url: str,
) -> None:
    async with running_floor(store_url) as floor:
        await floor.sign_in("ana", "ben")
        for _ in range(4):
            call = await floor.handled("ana")
            await floor.consults.consult(call.id, "ana", ToAgent("ben"))
            internal = await asked(floor, call)
            offer = await floor.life.offer(internal, "ben", "test")
            results = await asyncio.gather(
                floor.life.accept(offer.id, "ben"),
                floor.consults.cancel(call.id, "ana"),
                floor.life.end(call.id, EndedBy.CUSTOMER, "hung up"),
                return_exceptions=True,
            )
            for result in results:
                if isinstance(result, BaseException):
                    assert isinstance(result, Conflict | OfferGone | IllegalMove | IllegalStep)
            await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
            assert (await floor.get(internal.id)).state is InteractionState.ENDED
            assert await floor.parties(call.id) == []
            async with floor.store.transaction() as tx:
                assert await tx.interactions.ringing_offers() == []
                assert await tx.interactions.for_agent("ben") == []


# -- supervision ---------------------------------------------------------------------------


async def test_supervisor_listens_steps_in_and_takes_over(store_url: str) -> None:
    async with running_floor(store_url) as floor:
        await floor.sign_in("ana", "ben", "cleo")
        call = await consulting(floor)
        internal = await asked(floor, call)
        await floor.consults.supervise(call.id, "cleo", JoinMode.LISTEN)
        await floor.consults.supervise(call.id, "cleo", JoinMode.BARGE)
        joined = await floor.of(call.id, PartyJoined)
        modes = [fact.mode for fact in joined if fact.role == PartyRole.SUPERVISOR]
        assert modes == ["listen", "barge"]
        taken = await floor.consults.take_over(call.id, "cleo", "too long on hold")
        assert taken.agent_id == "cleo"
        assert (await floor.get(internal.id)).state is InteractionState.ENDED
        assert await floor.parties(call.id) == []
        left = {fact.agent_id for fact in await floor.of(call.id, PartyLeft)}
        assert left == {"ana", "ben"}


async def test_supervisor_takes_over_without_having_listened(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.life.hold(call.id, "ana")
    await floor.consults.take_over(call.id, "ben")
    assert (await floor.get(call.id)).agent_id == "ben"
    assert await floor.of(call.id, HoldEnded)
    with pytest.raises(NoSuchAgent):
        await floor.consults.take_over(call.id, "sofia")


async def test_supervisor_who_leaves_changes_nothing_for_the_others(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.consults.supervise(call.id, "sofia", JoinMode.WHISPER)
    with pytest.raises(IllegalStep):
        await floor.consults.supervise(call.id, "ana", JoinMode.LISTEN)
    await floor.consults.stop_supervising(call.id, "sofia")
    assert await floor.parties(call.id) == []
    assert (await floor.get(call.id)).agent_id == "ana"


async def test_hold_of_a_supervised_call_is_known_to_all(floor: Floor) -> None:
    call = await floor.handled("ana")
    await floor.consults.supervise(call.id, "sofia", JoinMode.LISTEN)
    assert (await floor.consults.hold(call.id, "ana")).arrangement is Arrangement.HELD
    assert (await floor.consults.resume(call.id, "ana")).arrangement is Arrangement.TALKING


async def test_change_of_a_party_that_has_changed_meanwhile_is_a_conflict(store_url: str) -> None:
    async with running_floor(store_url) as floor:
        await floor.sign_in("ana", "ben")
        call = await floor.handled("ana")
        await floor.consults.supervise(call.id, "sofia", JoinMode.LISTEN)
        seen = (await floor.consults.talk(call.id)).find(PartyRole.SUPERVISOR)
        assert seen is not None
        await floor.consults.supervise(call.id, "sofia", JoinMode.BARGE)
        with pytest.raises(Conflict):
            async with floor.store.transaction() as tx:
                await tx.parties.put(replace(seen, mode=JoinMode.WHISPER), seen)
        now = (await floor.consults.talk(call.id)).find(PartyRole.SUPERVISOR)
        assert now is not None
        assert now.mode is JoinMode.BARGE


# -- figures ---------------------------------------------------------------------------------


async def test_questions_between_agents_are_in_no_customers_figures(floor: Floor) -> None:
    call = await consulting(floor)
    floor.clock.forward(60)
    await floor.consults.complete(call.id, "ana")
    floor.clock.forward(30)
    await floor.life.end(call.id, EndedBy.CUSTOMER, "hung up")
    facts = await floor.logged()
    queues = kpi.queue_figures(facts)
    assert set(queues) == {"orders"}
    orders = queues["orders"]
    assert (orders.arrived, orders.answered, orders.abandoned) == (1, 1, 0)
    assert (orders.handled, orders.transferred, orders.handle_s) == (1, 1, 90)
    assert kpi.channel_arrivals(facts) == {"voice": 1}
    agents = kpi.agent_figures(facts)
    assert (agents["ana"].handle_s, agents["ben"].handle_s) == (60, 30)
    assert (agents["ben"].answered, agents["ben"].consulted) == (0, 1)
