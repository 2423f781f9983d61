"""Who takes too much of the bots' time gets a person; nothing is refused and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bots.conversations import Conversations
from bots.text import TextBot
from router.acts.lifecycle import Lifecycle
from router.clock import VirtualClock
from router.company import Company, parse_company
from router.customer_limits import CustomerLimits
from router.model import (
    Arrival,
    Author,
    Channel,
    EndedBy,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
)
from tests.fakes.ground import Ground, ground
from tests.parts.test_text_bot import BASE, COMPANY
from tests.talking import NOW, Bench, demo_flow

OOO = "Automatic reply: I am out of the office until Monday and read no mail."


@dataclass
class World(Ground[VirtualClock]):
    company: Company
    lifecycle: Lifecycle
    bot: TextBot
    count: int = 0

    async def write(self, text: str, who: str = "v1") -> Interaction:
        self.count += 1
        arrival = Arrival(Channel.CHAT, Identity(IdentityKind.COOKIE, who), "us")
        line = NewMessage(Author.CUSTOMER, text, external_id=f"m{self.count}")
        found = (await self.lifecycle.receive(arrival, line)).interaction
        await self.bot.answer(found.id)
        return await self.get(found.id)

    async def call(self, number: str = "+37120000001") -> Interaction:
        arrival = Arrival(Channel.VOICE, Identity(IdentityKind.PHONE, number), "us")
        return (await self.lifecycle.receive(arrival)).interaction

    async def texts(self, interaction: Interaction) -> list[str]:
        async with self.store.transaction() as tx:
            return [line.text for line in await tx.interactions.messages(interaction.id)]


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    company = parse_company(COMPANY)
    async with ground(sqlite_url, VirtualClock(NOW)) as below:
        await below.hire(company)
        lifecycle = Lifecycle(below.store, company, below.clock, below.relay)
        talk = Bench().conversation(demo_flow("front-desk"))
        conversations = Conversations([talk], company.entry)
        bot = TextBot(below.store, lifecycle, conversations, BASE, lambda: company.customer_limits)
        yield World(*below.parts, company, lifecycle, bot)


async def test_too_many_messages_in_a_minute_reach_a_person_with_all_lines(world: World) -> None:
    world.company.customer_limits = CustomerLimits(messages_per_minute=3)
    for number in range(3):
        chat = await world.write(f"are you open on {number}?")
        assert chat.state is InteractionState.BOT
    chat = await world.write("and on Sunday?")
    assert chat.state is InteractionState.WAITING
    assert chat.handoff is not None
    assert chat.handoff.reason == "too-many-messages"
    texts = await world.texts(chat)
    assert "and on Sunday?" in texts
    assert "colleague" in texts[-1]


async def test_messages_at_a_person_s_pace_are_answered(world: World) -> None:
    world.company.customer_limits = CustomerLimits(messages_per_minute=3)
    for number in range(8):
        chat = await world.write(f"are you open on {number}?")
        world.clock.forward(21)
    assert chat.state is InteractionState.BOT


async def test_answers_of_a_day_are_limited_over_all_chats_and_tomorrow_is_another_day(
    world: World,
) -> None:
    world.company.customer_limits = CustomerLimits(bot_answers_per_day=4)
    first = await world.write("are you open on Saturday?")
    await world.write("are you open on Saturday?")
    await world.lifecycle.end(first.id, EndedBy.CUSTOMER, "left")
    world.clock.forward(3600)
    spent = await world.write("are you open on Saturday?")
    assert spent.handoff is not None
    assert spent.handoff.reason == "too-many-answers"
    other = await world.write("are you open on Saturday?", "v2")
    assert other.state is InteractionState.BOT
    await world.lifecycle.end(spent.id, EndedBy.CUSTOMER, "left")
    world.clock.forward(timedelta(days=2).total_seconds())
    assert (await world.write("are you open on Saturday?")).state is InteractionState.BOT


async def test_calls_of_an_hour_beyond_the_limit_wait_for_a_person(world: World) -> None:
    world.company.customer_limits = CustomerLimits(calls_per_hour=2)
    for _ in range(2):
        call = await world.call()
        assert call.state is InteractionState.BOT
        world.clock.forward(60)
        await world.lifecycle.end(call.id, EndedBy.CUSTOMER, "hung up")
    third = await world.call()
    assert third.state is InteractionState.WAITING
    assert third.handoff is not None
    assert third.handoff.reason == "too-many-calls"
    assert (await world.call("+37120000002")).state is InteractionState.BOT
    world.clock.forward(3700)
    assert (await world.call()).state is InteractionState.BOT


async def test_after_a_loop_what_the_other_bot_sends_waits_for_a_person(world: World) -> None:
    await world.write(OOO)
    world.clock.forward(60)
    ended = await world.write(OOO)
    assert (ended.state, ended.end_reason) == (InteractionState.ENDED, "bot-loop")
    again = await world.write(OOO)
    assert again.id != ended.id
    assert again.state is InteractionState.WAITING
    assert again.handoff is not None
    assert again.handoff.reason == "bot-loop"
    before = await world.texts(again)
    await world.write(OOO)
    assert await world.texts(again) == [*before, OOO]
