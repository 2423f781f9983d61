"""The text bot on a real SQLite store: one turn per line, whatever the bus and others do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bots.conversations import Conversations
from bots.text import TextBot
from router.acts.act import HandoffPlan
from router.acts.lifecycle import Lifecycle
from router.acts.transfers import ToBot, Transfers
from router.clock import VirtualClock
from router.company import parse_company
from router.events import BotStarted, Fact, MessageAdded
from router.model import (
    Arrival,
    Author,
    Channel,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    Message,
    NewMessage,
    Presence,
)
from tests.fakes.ground import Ground, ground
from tests.talking import API, NOW, Bench, demo_flow

COMPANY = {
    "name": "Test",
    "entry": dict.fromkeys(["chat", "email", "sms", "voice"], "front-desk"),
    "queues": [{"id": "orders"}, {"id": "billing"}, {"id": "technical"}],
    "people": [{"login": "ana", "password": "x", "queues": ["orders"], "skills": {"en": 5}}],
}
BASE = "https://care.test"


class RivalLifecycle(Lifecycle):
    """Lets somebody else write first, ``rivals`` times."""

    rivals: int = 0
    rival_moves: bool = False

    async def save_bot_turn(
        self,
        interaction: Interaction,
        bot_state: Mapping[str, Any],
        replies: Sequence[NewMessage] = (),
        handoff: HandoffPlan | None = None,
        end_reason: str | None = None,
        facts: Sequence[Fact] = (),
    ) -> Interaction:
        if self.rivals:
            self.rivals -= 1
            if self.rival_moves:
                await self.save_bot_turn(interaction, {}, (), HandoffPlan("orders", _packet()))
            else:
                await self.set_meta(interaction.id, rival=self.rivals)
        return await super().save_bot_turn(
            interaction, bot_state, replies, handoff, end_reason, facts
        )


def _packet() -> Any:
    from router.model import Handoff

    return Handoff(reason="rival", summary="")


@dataclass
class World(Ground[VirtualClock]):
    lifecycle: RivalLifecycle
    transfers: Transfers
    bench: Bench
    bot: TextBot
    count: int = field(default=0)

    async def write(
        self, text: str, channel: Channel = Channel.CHAT, subject: str = "", who: str = "v1"
    ) -> Interaction:
        """A line of the customer; the bot is not told."""
        self.count += 1
        kinds = {Channel.EMAIL: IdentityKind.EMAIL, Channel.SMS: IdentityKind.PHONE}
        identity = Identity(kinds.get(channel, IdentityKind.COOKIE), who)
        arrival = Arrival(channel, identity, "us", name="Ann", subject=subject)
        line = NewMessage(Author.CUSTOMER, text, external_id=f"m{self.count}")
        return (await self.lifecycle.receive(arrival, line)).interaction

    async def said(self, interaction: Interaction) -> list[str]:
        return [line.text for line in await self.lines(interaction) if line.author == "bot"]

    async def lines(self, interaction: Interaction) -> list[Message]:
        async with self.store.transaction() as tx:
            return await tx.interactions.messages(interaction.id)


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    company = parse_company(COMPANY)
    async with ground(sqlite_url, VirtualClock(NOW)) as below:
        await below.hire(company)
        base = (below.store, company, below.clock, below.relay)
        lifecycle, bench = RivalLifecycle(*base), Bench()
        flows = [bench.conversation(demo_flow(name)) for name in ("front-desk", "reminder")]
        bot = TextBot(below.store, lifecycle, Conversations(flows, company.entry), BASE)
        yield World(*below.parts, lifecycle, Transfers(*base), bench, bot)


async def test_the_first_line_gets_a_greeting_and_its_answer_but_no_how_can_i_help(
    world: World,
) -> None:
    chat = await world.write("are you open on Saturday?")
    await world.bot.answer(chat.id)
    said = await world.said(chat)
    assert said[0] == "Hello Ann, I am the Harbourline assistant."
    assert said[1] == "We answer on Saturdays from 9 to 15."
    assert not any("How can I help" in text for text in said)
    cited = [line.citations for line in await world.lines(chat) if line.citations]
    assert cited[0][0].article_id == "opening-hours"


async def test_a_fact_delivered_twice_makes_one_turn(world: World) -> None:
    chat = await world.write("are you open on Saturday?")
    fact = MessageAdded(
        at=NOW,
        interaction_id=chat.id,
        message_id="x",
        seq=1,
        channel="chat",
        author="customer",
        text="",
        state="bot",
    )
    await asyncio.gather(world.bot.handle(fact), world.bot.handle(fact))
    await world.bot.handle(fact)
    assert len(await world.said(chat)) == 3


async def test_lines_written_together_are_answered_together(world: World) -> None:
    chat = await world.write("where is my order")
    await world.write("HL-482913")
    await world.bot.answer(chat.id)
    said = await world.said(chat)
    assert sum("is on its way" in text for text in said) == 1


async def test_a_write_by_somebody_else_neither_loses_nor_doubles_the_turn(world: World) -> None:
    chat = await world.write("where is my order HL-482913")
    world.lifecycle.rivals = 3
    await world.bot.answer(chat.id)
    assert sum("is on its way" in text for text in await world.said(chat)) == 1
    assert world.bench.actions.calls == [("GET", f"{API}/orders/HL-482913", None)]


async def test_a_turn_that_comes_too_late_is_not_said(world: World) -> None:
    chat = await world.write("are you open on Saturday?")
    world.lifecycle.rivals, world.lifecycle.rival_moves = 1, True
    await world.bot.answer(chat.id)
    assert await world.said(chat) == []
    assert (await world.get(chat.id)).state is InteractionState.WAITING


async def test_the_hand_over_is_told_queued_and_final(world: World) -> None:
    chat = await world.write("why is my bill so high?")
    await world.bot.answer(chat.id)
    await world.write("agent")
    await world.bot.answer(chat.id)
    after = await world.get(chat.id)
    assert after.state is InteractionState.WAITING
    assert after.queue == "billing"
    assert after.handoff is not None
    assert after.handoff.articles[0].article_id == "bill-too-high"
    assert "colleague" in (await world.said(chat))[-1]
    before = await world.said(chat)
    await world.write("hello? are you open?")
    await world.bot.answer(chat.id)
    assert await world.said(chat) == before


async def test_after_a_person_gives_it_back_the_bot_answers_new_lines_only(world: World) -> None:
    chat = await world.write("agent")
    await world.bot.answer(chat.id)
    waiting = await world.get(chat.id)
    await world.lifecycle.set_presence("ana", Presence.AVAILABLE)
    offer = await world.lifecycle.offer(waiting, "ana", "")
    await world.lifecycle.accept(offer.id, "ana")
    await world.write("why is my bill so high?")
    await world.lifecycle.reply(chat.id, "ana", "Because of the winter.")
    await world.transfers.transfer(chat.id, "ana", ToBot())
    await world.bot.answer(chat.id)
    before = await world.said(chat)
    await world.write("are you open on Saturday?")
    await world.bot.answer(chat.id)
    new = (await world.said(chat))[len(before) :]
    assert any("9 to 15" in text for text in new)
    assert not any("kilowatt" in text for text in new)


async def test_a_mail_gets_one_letter_with_sources_and_a_way_to_a_person(world: World) -> None:
    body = "Hello,\nI wonder about the weekend. Are you open on Saturday?\nThanks, Ann"
    mail = await world.write(body, Channel.EMAIL, "A question", "ann@example.test")
    await world.bot.answer(mail.id)
    [letter] = await world.said(mail)
    assert letter.startswith("Hello Ann,")
    assert "We answer on Saturdays from 9 to 15." in letter
    assert "- Opening hours: https://care.test/help/en/opening-hours" in letter
    assert "agent" in letter
    assert (await world.get(mail.id)).state is InteractionState.BOT


async def test_an_unanswerable_mail_goes_to_a_person_at_once(world: World) -> None:
    mail = await world.write("Xylophone zebra quartz?", Channel.EMAIL, "", "ann@example.test")
    await world.bot.answer(mail.id)
    assert (await world.get(mail.id)).state is InteractionState.WAITING
    [letter] = await world.said(mail)
    assert "a colleague will answer you" in letter
    assert "simply reply" not in letter


async def test_the_subject_counts_when_the_mail_is_short(world: World) -> None:
    mail = await world.write("Thanks, Ann", Channel.EMAIL, "Where is order HL-482913", "a@b.test")
    await world.bot.answer(mail.id)
    assert "is on its way" in (await world.said(mail))[0]


async def test_a_text_message_is_answered_in_one_short_one_with_a_link(world: World) -> None:
    sms = await world.write("are you open on Saturday?", Channel.SMS, who="+37120000001")
    await world.bot.answer(sms.id)
    assert await world.said(sms) == [
        "We answer on Saturdays from 9 to 15. https://care.test/help/en/opening-hours"
    ]


async def test_only_customers_lines_on_written_channels_while_the_bot_handles(
    world: World,
) -> None:
    chat = await world.write("are you open?")
    for author, channel, state in (
        ("bot", "chat", "bot"),
        ("customer", "voice", "bot"),
        ("customer", "chat", "agent"),
    ):
        await world.bot.handle(
            MessageAdded(
                at=NOW,
                interaction_id=chat.id,
                message_id="x",
                seq=1,
                channel=channel,
                author=author,
                text="",
                state=state,
            )
        )
    assert await world.said(chat) == []


async def test_what_customers_left_long_ago_is_closed(world: World) -> None:
    chat = await world.write("are you open?")
    await world.bot.answer(chat.id)
    assert await world.bot.close_idle(NOW + timedelta(minutes=5)) == 0
    assert await world.bot.close_idle(NOW + timedelta(hours=1)) == 1
    ended = await world.get(chat.id)
    assert ended.state is InteractionState.ENDED
    assert ended.end_reason == "customer-silent"


async def given_back(world: World, channel: Channel = Channel.CHAT) -> Interaction:
    """The customer asked for a person, Ana answered, and gives the customer back."""
    chat = await world.write("agent", channel, who="v1")
    await world.bot.answer(chat.id)
    await world.lifecycle.set_presence("ana", Presence.AVAILABLE)
    offer = await world.lifecycle.offer(await world.get(chat.id), "ana", "")
    await world.lifecycle.accept(offer.id, "ana")
    await world.lifecycle.reply(chat.id, "ana", "All done.")
    await world.transfers.transfer(chat.id, "ana", ToBot(disposition="solved"), "refund agreed")
    return await world.get(chat.id)


async def test_in_a_chat_that_a_person_gives_back_the_bot_speaks_first_and_once(
    world: World,
) -> None:
    chat = await given_back(world)
    before = await world.said(chat)
    fact = BotStarted(at=NOW, interaction_id=chat.id, channel="chat", flow="front-desk")
    await world.bot.handle(fact)
    await world.bot.handle(fact)
    new = (await world.said(chat))[len(before) :]
    assert new[0] == "You are back with the automatic assistant."
    assert new[-1].startswith("How can I help")
    assert len(new) == 2
    assert chat.disposition == "solved"


async def test_a_bot_that_breaks_says_so_and_a_person_gets_what_was_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await world.write("why is my bill so high?")
    await world.bot.answer(chat.id)
    monkeypatch.setattr(world.bench.knowledge, "by_word", None)  # a fault of our own
    await world.write("are you open on Saturday?")
    await world.bot.answer(chat.id)
    after = await world.get(chat.id)
    assert after.state is InteractionState.WAITING
    assert (await world.said(chat))[-1].startswith("I am sorry, something went wrong")
    assert after.handoff is not None
    assert after.handoff.reason == "bot-failed"
    assert [each.article_id for each in after.handoff.articles] == ["bill-too-high"]
