"""No person takes a hand-over: the bot asks what the customer would rather, on a real store.

The text bot, the acts and the house are the real ones; only the models are scripted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bots.conversation import Conversation, Heard, Tools
from bots.conversations import Conversations
from bots.flow.schema import parse_flow
from bots.text import TextBot
from gateway.house import House
from gateway.proofs import Proofs
from router import kpi
from router.acts.nobody import Nobody
from router.acts.transfers import ToBot
from router.events import BotStarted, CallbackScheduled, InteractionOverflowed, OfferAccepted
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
    Presence,
)
from tests.fakes.distribution import COMPANY, Floor, running_floor
from tests.talking import Bench

FLOW = """
flow: desk
start: help
languages: [en]
queue: orders
nobody: {after_s: {voice: 90, chat: 120, sms: 600}}
steps:
  help: {ask: "How can I help?", otherwise: person}
  person: {handoff: no-answer}
"""
PHONE = Identity(IdentityKind.PHONE, "+37120000001")
MAIL = Identity(IdentityKind.EMAIL, "ann@example.org")


async def no_code(way: str, address: str, text: str) -> None:
    raise AssertionError("no flow here asks for a code")


@dataclass
class World:
    """A floor with a bot that answers chats and texts."""

    floor: Floor
    bot: TextBot
    talks: Conversation
    written: int = 0

    async def write(self, text: str, channel: Channel = Channel.CHAT) -> Interaction:
        """A line of the customer, and the bot's answer to it."""
        self.written += 1
        kind = IdentityKind.COOKIE if channel is Channel.CHAT else IdentityKind.PHONE
        value = "visitor" if channel is Channel.CHAT else PHONE.value
        line = NewMessage(Author.CUSTOMER, text, external_id=f"m{self.written}")
        arrival = Arrival(channel, Identity(kind, value), "us", name="Ann")
        item = (await self.floor.life.receive(arrival, line)).interaction
        await self.bot.answer(item.id)
        return await self.floor.get(item.id)

    async def unanswered(self, item: Interaction, after_s: float = 120) -> Interaction:
        """So long nobody takes it; then the bot hears that it is its turn."""
        self.floor.clock.forward(after_s)
        await self.floor.due(item)
        for fact in (await self.floor.of(item.id, BotStarted))[-1:]:
            await self.bot.handle(fact)
        return await self.floor.get(item.id)

    async def said(self, item: Interaction) -> list[str]:
        async with self.floor.store.transaction() as tx:
            lines = await tx.interactions.messages(item.id)
        return [line.text for line in lines if line.author is Author.BOT]

    async def knows(self, item: Interaction, identity: Identity) -> None:
        async with self.floor.store.transaction() as tx:
            await tx.people.add_identity(item.customer_id, identity)


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    company: dict[str, Any] = {**COMPANY, "entry": dict.fromkeys(["chat", "sms", "voice"], "desk")}
    async with running_floor(store_url, company) as floor:
        proofs = Proofs(floor.store, floor.clock, b"key", no_code)
        base = (floor.store, floor.company, floor.clock, floor.callbacks, floor.life)
        bench = Bench()
        tools = Tools(bench.understanding, bench.knowledge, bench.actions, floor.clock)
        talks = Conversation(parse_flow(FLOW), replace(tools, house=House(*base, proofs)))
        conversations = Conversations([talks], floor.company.entry)
        bot = TextBot(floor.store, floor.life, conversations, "https://care.test")
        await floor.sign_in("ana")
        yield World(floor, bot, talks)


async def test_who_waits_too_long_is_asked_once_and_keeps_the_place(world: World) -> None:
    chat = await world.write("my parcel is lost")
    assert chat.state is InteractionState.WAITING
    asked = await world.unanswered(chat)
    assert asked.state is InteractionState.BOT
    assert (await world.said(chat))[-1].startswith("All colleagues are still busy.")
    waits = await world.write("keep waiting")
    assert (waits.state, waits.joined_at) == (InteractionState.WAITING, chat.joined_at)
    world.floor.clock.forward(3600)
    assert (await world.floor.due(waits)).state is InteractionState.WAITING
    assert waits.handoff is not None
    assert waits.handoff.reason == "no-answer"
    await world.floor.give(waits, "ana")
    [taken] = await world.floor.of(chat.id, OfferAccepted)
    assert taken.waited_s > 3600
    facts = await world.floor.logged()
    orders = kpi.queue_figures(facts)["orders"]
    assert (orders.arrived, orders.answered, orders.abandoned) == (1, 1, 0)
    bots = kpi.bot_figures(facts)
    assert (bots.started, bots.handed_off) == (1, 1)


async def test_nobody_there_at_all_is_asked_at_once(world: World) -> None:
    await world.floor.life.set_presence("ana", Presence.OFFLINE)
    chat = await world.unanswered(await world.write("my parcel is lost"), 0)
    assert (await world.said(chat))[-1].startswith("No colleague is here just now.")
    [fact] = await world.floor.of(chat.id, InteractionOverflowed)
    assert (fact.when, fact.way) == ("unstaffed", "bot")


async def test_a_call_is_promised_with_the_packet_of_the_conversation(world: World) -> None:
    chat = await world.unanswered(await world.write("my parcel is lost"))
    await world.knows(chat, PHONE)
    await world.write("1")
    assert (await world.said(chat))[-1] == "Which number shall we call?"
    over = await world.write("+371 20 000 001")
    assert (over.state, over.ended_by) == (InteractionState.ENDED, EndedBy.BOT)
    facts = await world.floor.logged()
    [promised] = [fact for fact in facts if isinstance(fact, CallbackScheduled)]
    call = await world.floor.get(promised.interaction_id)
    assert (call.channel, call.address) == (Channel.VOICE, PHONE.value)
    assert call.handoff is not None
    assert any("no colleague came" in each for each in call.handoff.tried)


async def test_a_texter_whose_number_is_known_is_not_asked_for_it(world: World) -> None:
    text = await world.unanswered(await world.write("my parcel is lost", Channel.SMS), 600)
    assert "a call back" in (await world.said(text))[-1]
    over = await world.write("1", Channel.SMS)
    assert over.end_reason == "callback-promised"


async def test_a_chat_goes_on_as_a_mail_to_the_address_that_was_given(world: World) -> None:
    chat = await world.unanswered(await world.write("my parcel is lost"))
    for words in ("2", MAIL.value, "It was sent on Monday"):
        await world.write(words)
    ended = await world.floor.due(chat)
    assert ended.state is InteractionState.ENDED
    [_, fact] = await world.floor.of(chat.id, InteractionOverflowed)
    mail = await world.floor.get(fact.item_id)
    assert (mail.channel, mail.address, mail.queue) == (Channel.EMAIL, MAIL.value, "orders")
    async with world.floor.store.transaction() as tx:
        [said] = await tx.interactions.messages(mail.id)
    assert "my parcel is lost" in said.text
    assert "It was sent on Monday" in said.text


async def test_what_is_written_while_waiting_does_not_keep_the_bot_from_asking(
    world: World,
) -> None:
    chat = await world.write("my parcel is lost")
    await world.write("hello?")
    asked = await world.unanswered(chat)
    assert (await world.said(asked))[-1].startswith("All colleagues are still busy.")
    assert len(await world.said(asked)) == 2
    for fact in await world.floor.of(chat.id, BotStarted):
        await world.bot.handle(fact)  # delivered twice
    assert len(await world.said(asked)) == 2


async def test_a_person_who_had_the_customer_ends_it(world: World) -> None:
    chat = await world.unanswered(await world.write("my parcel is lost"))
    waits = await world.write("wait")
    assert Nobody.of(waits)
    await world.floor.give(waits, "ana")
    await world.floor.transfers.transfer(chat.id, "ana", ToBot())
    given = await world.floor.get(chat.id)
    assert Nobody.of(given) is None
    turn = await world.talks.begin(given)
    assert turn.replies[0].text == "You are back with the automatic assistant."


async def test_a_caller_keeps_the_place_for_a_call_back(world: World) -> None:
    arrival = Arrival(Channel.VOICE, PHONE, "us", home="voice.test")
    call = (await world.floor.life.receive(arrival)).interaction
    first = await world.talks.begin(call)
    turn = await world.talks.hear(first.memory, Heard.said("my parcel is lost"))
    call = await world.floor.life.save_bot_turn(call, turn.memory, (), turn.plan)
    world.floor.clock.forward(90)
    back = await world.floor.due(call)
    assert back.state is InteractionState.BOT
    asked = await world.talks.begin(back)
    turn = await world.talks.hear(asked.memory, Heard.said("call me back"))
    call = await world.floor.life.save_bot_turn(back, turn.memory, (), turn.plan)
    kept = await world.floor.due(call)
    assert (kept.state, kept.home, kept.meta["call_back"]) == ("waiting", "", True)
    assert (kept.address, kept.joined_at) == (PHONE.value, back.joined_at)


async def test_a_message_on_a_call_comes_with_what_the_bot_knew(world: World) -> None:
    arrival = Arrival(Channel.VOICE, PHONE, "us", home="voice.test")
    call = (await world.floor.life.receive(arrival)).interaction
    turn = await world.talks.hear(
        (await world.talks.begin(call)).memory, Heard.said("my parcel is lost")
    )
    await world.floor.life.save_bot_turn(call, turn.memory, (), turn.plan)
    world.floor.clock.forward(90)
    back = await world.floor.due(call)
    turn = await world.talks.hear((await world.talks.begin(back)).memory, Heard.said("a message"))
    await world.floor.life.save_bot_turn(back, turn.memory, (), turn.plan)
    speaking = await world.floor.due(back)
    assert speaking.meta["voicemail"] == {"queue": "orders"}
    item = await world.floor.waiting.voicemail_left(call.id, "recordings/x.wav", 4.0)
    assert item.handoff is not None
    assert (item.handoff.reason, item.handoff.flow) == ("voicemail", "desk")
