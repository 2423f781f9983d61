"""The acts on an interaction, on a real SQLite store and the in-process bus."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from router.acts.act import HandoffPlan
from router.acts.lifecycle import Lifecycle
from router.clock import VirtualClock
from router.company import parse_company
from router.errors import Conflict, IllegalMove, OfferGone
from router.events import Fact, HandoffRequested, InteractionArrived, InteractionEnded
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    InteractionState,
    NewMessage,
    Presence,
)
from tests.fakes.ground import Ground, ground

COMPANY = {
    "name": "Test",
    "entry": {"chat": "front-desk", "voice": "front-desk"},
    "queues": [{"id": "orders", "wrap_up": {"mode": "limited", "limit_s": 30}}],
    "people": [
        {"login": "ana", "password": "x", "queues": ["orders"]},
        {"login": "ben", "password": "x", "queues": ["orders"]},
    ],
}
VISITOR = Identity(IdentityKind.COOKIE, "visitor-1")


@dataclass
class World(Ground[VirtualClock]):
    lifecycle: Lifecycle


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    company = parse_company(COMPANY)
    async with ground(sqlite_url, VirtualClock(datetime(2026, 1, 5, 9, tzinfo=UTC))) as below:
        await below.hire(company)
        life = Lifecycle(below.store, company, below.clock, below.relay)
        yield World(*below.parts, life)


def chat(external_id: str | None = None) -> Arrival:
    return Arrival(Channel.CHAT, VISITOR, "web", external_id=external_id)


def said(text: str, external_id: str | None = None) -> NewMessage:
    return NewMessage(Author.CUSTOMER, text, external_id=external_id)


PLAN = HandoffPlan("orders", Handoff(reason="asked", summary="wants a person"))


async def test_two_messages_make_one_interaction_and_a_repeat_makes_none(world: World) -> None:
    first = await world.lifecycle.receive(chat(), said("hello", "m1"))
    second = await world.lifecycle.receive(chat(), said("me again", "m2"))
    again = await world.lifecycle.receive(chat(), said("me again", "m2"))
    assert (first.new, second.new) == (True, False)
    assert second.interaction.id == first.interaction.id
    assert again.message is None
    async with world.store.transaction() as tx:
        lines = await tx.interactions.messages(first.interaction.id)
    assert [(line.seq, line.text) for line in lines] == [(1, "hello"), (2, "me again")]


async def test_whole_life_leaves_the_log_that_reports_read(world: World) -> None:
    life = world.lifecycle
    arrived = await life.receive(chat(), said("a person please"))
    queued = await life.save_bot_turn(arrived.interaction, {"at": 1}, handoff=PLAN)
    await life.set_presence("ana", Presence.AVAILABLE)
    world.clock.forward(7)
    offer = await life.offer(queued, "ana", "the only one")
    accepted = await life.accept(offer.id, "ana")
    assert accepted.state is InteractionState.AGENT
    await life.reply(accepted.id, "ana", "Here I am")
    wrapping = await life.end(accepted.id, EndedBy.CUSTOMER, "left")
    assert wrapping.state is InteractionState.WRAP_UP
    done = await life.complete_wrap_up(accepted.id, "ana", "resolved")
    assert done.state is InteractionState.ENDED
    log = [type(fact).__name__ for fact in await world.logged(done.id)]
    assert log == [
        "InteractionArrived",
        "BotStarted",
        "MessageAdded",
        "HandoffRequested",
        "InteractionQueued",
        "OfferMade",
        "OfferAccepted",
        "MessageAdded",
        "InteractionEnded",
        "WrapUpCompleted",
    ]


async def test_bot_cannot_speak_after_handover(world: World) -> None:
    arrived = await world.lifecycle.receive(chat(), said("person"))
    await world.lifecycle.save_bot_turn(arrived.interaction, {}, handoff=PLAN)
    late = [NewMessage(Author.BOT, "and another thing")]
    with pytest.raises(IllegalMove):
        await world.lifecycle.save_bot_turn(arrived.interaction, {}, late)
    async with world.store.transaction() as tx:
        lines = await tx.interactions.messages(arrived.interaction.id)
    assert [line.author for line in lines] == [Author.CUSTOMER]


async def test_stale_bot_turn_conflicts_and_changes_nothing(world: World) -> None:
    arrived = await world.lifecycle.receive(chat(), said("hi"))
    await world.lifecycle.save_bot_turn(arrived.interaction, {"turn": 1})
    with pytest.raises(Conflict):
        await world.lifecycle.save_bot_turn(
            arrived.interaction, {"turn": 2}, [NewMessage(Author.BOT, "lost")]
        )
    async with world.store.transaction() as tx:
        assert (await tx.interactions.get(arrived.interaction.id)).bot_state == {"turn": 1}
        assert len(await tx.interactions.messages(arrived.interaction.id)) == 1


async def test_second_accept_loses_and_expired_offer_keeps_place(world: World) -> None:
    life = world.lifecycle
    arrived = await life.receive(chat(), said("person"))
    queued = await life.save_bot_turn(arrived.interaction, {}, handoff=PLAN)
    await life.set_presence("ana", Presence.AVAILABLE)
    offer = await life.offer(queued, "ana", "")
    returned = await life.expire(offer.id)
    assert returned.state is InteractionState.WAITING
    assert returned.joined_at == queued.joined_at
    async with world.store.transaction() as tx:
        ana = await tx.people.agent("ana")
    assert (ana.presence, ana.presence_reason) == (Presence.AWAY, "no answer")
    with pytest.raises(OfferGone):
        await life.accept(offer.id, "ana")
    second = await life.offer(returned, "ben", "")
    await life.accept(second.id, "ben")
    with pytest.raises(OfferGone):
        await life.accept(second.id, "ben")


async def test_customer_leaving_while_it_rings_withdraws_the_offer(world: World) -> None:
    life = world.lifecycle
    arrived = await life.receive(chat(), said("person"))
    queued = await life.save_bot_turn(arrived.interaction, {}, handoff=PLAN)
    offer = await life.offer(queued, "ana", "")
    await life.end(queued.id, EndedBy.CUSTOMER, "gave up")
    with pytest.raises(OfferGone):
        await life.accept(offer.id, "ana")
    ended = [f for f in await world.logged(queued.id) if isinstance(f, InteractionEnded)]
    assert [fact.was for fact in ended] == ["offered"]


async def test_arrival_facts_reach_the_bus_and_leave_the_outbox(world: World) -> None:
    seen: list[Fact] = []

    async def note(fact: Fact) -> None:
        seen.append(fact)

    await world.bus.subscribe("test", note, [InteractionArrived, HandoffRequested])
    await world.lifecycle.receive(chat("visit-1"), said("hi"))
    again = await world.lifecycle.receive(chat("visit-1"))
    await world.relay.stop()
    await world.bus.stop()
    assert not again.new
    assert [type(fact) for fact in seen] == [InteractionArrived]
    async with world.store.transaction() as tx:
        assert await tx.log.unsent(world.clock.now()) == []


async def test_score_is_kept_once(world: World) -> None:
    arrived = await world.lifecycle.receive(chat(), said("hi"))
    assert await world.lifecycle.record_survey(arrived.interaction.id, 5, 5, "chat")
    assert await world.lifecycle.record_survey(arrived.interaction.id, 1, 5, "chat") is None


async def test_need_that_nobody_can_meet_does_not_keep_the_customer_waiting(world: World) -> None:
    arrived = await world.lifecycle.receive(chat(), said("person"))
    plan = HandoffPlan("orders", Handoff("asked", ""), skills={"klingon": 3})
    queued = await world.lifecycle.save_bot_turn(arrived.interaction, {}, handoff=plan)
    assert queued.skills == {}
