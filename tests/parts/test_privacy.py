"""Private data on its way through the real parts: nothing of it is stored, told or logged."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field

import pytest

from bots.conversation import Heard
from bots.conversations import Conversations
from bots.text import TextBot
from router.acts.lifecycle import Lifecycle
from router.clock import VirtualClock
from router.company import Company, parse_company
from router.events import MessageAdded
from router.model import (
    Arrival,
    Author,
    Channel,
    Identity,
    IdentityKind,
    Interaction,
    NewMessage,
)
from router.redaction.logs import LogGuard
from router.redaction.policy import Policy, Treatment
from tests.fakes.ground import Ground, ground
from tests.parts.test_text_bot import BASE, COMPANY
from tests.talking import NOW, Bench, Talk, demo_flow

CARD = "4111 1111 1111 1111"
SPOKEN = "four one one one " + " ".join(["one"] * 12)
WRITTEN = (Channel.CHAT, Channel.EMAIL, Channel.SMS)
KINDS = {Channel.EMAIL: IdentityKind.EMAIL, Channel.SMS: IdentityKind.PHONE}


@dataclass
class World(Ground[VirtualClock]):
    company: Company
    lifecycle: Lifecycle
    bot: TextBot
    count: int = field(default=0)

    async def write(
        self, text: str, channel: Channel = Channel.CHAT, **more: str | None
    ) -> Interaction:
        """A line of the customer, and the bot's answer."""
        self.count += 1
        identity = Identity(KINDS.get(channel, IdentityKind.COOKIE), "v1")
        subject = str(more.pop("subject", ""))
        arrival = Arrival(channel, identity, "us", name="Ann", subject=subject)
        line = NewMessage(
            Author.CUSTOMER, text, external_id=f"m{self.count}", html=more.pop("html", None)
        )
        interaction = (await self.lifecycle.receive(arrival, line)).interaction
        await self.bot.answer(interaction.id)
        return interaction

    async def everything(self) -> str:
        """All that is stored about everybody."""
        async with self.store.transaction() as tx:
            kept = [asdict(each) for each in await tx.interactions.recent()]
            for each in list(kept):
                kept += [asdict(line) for line in await tx.interactions.messages(each["id"])]
        kept += [asdict(fact) for fact in await self.logged()]
        return json.dumps(kept, default=str, ensure_ascii=False)


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    company = parse_company(COMPANY)
    async with ground(sqlite_url, VirtualClock(NOW)) as below:
        await below.hire(company)
        lifecycle = Lifecycle(below.store, company, below.clock, below.relay)
        talk = Bench().conversation(demo_flow("front-desk"))
        bot = TextBot(below.store, lifecycle, Conversations([talk], company.entry), BASE)
        yield World(*below.parts, company, lifecycle, bot)


@pytest.mark.parametrize("channel", WRITTEN)
@pytest.mark.parametrize("number", [CARD, CARD.replace(" ", ""), SPOKEN])
async def test_a_card_in_a_line_is_nowhere_in_the_store(
    world: World, channel: Channel, number: str
) -> None:
    await world.write(f"refund it to {number} please", channel)
    await world.write("agent", channel)
    kept = await world.everything()
    assert number not in kept
    assert "1111 1111 1111" not in kept
    assert "refund it to [card …1111] please" in kept


async def test_a_card_in_two_lines_is_taken_out_of_the_first_one_too(world: World) -> None:
    await world.write("4111 1111")
    chat = await world.write("1111 1111")
    await world.write("agent")
    kept = await world.everything()
    assert "1111 1111" not in kept
    async with world.store.transaction() as tx:
        lines = await tx.interactions.messages(chat.id)
    assert [line.text for line in lines if line.author is Author.CUSTOMER] == [
        "[…]",
        "[card …1111]",
        "agent",
    ]
    told = [fact for fact in await world.logged(chat.id) if isinstance(fact, MessageAdded)]
    assert [fact.text for fact in told] == [line.text for line in lines]


async def test_a_mail_with_a_card_keeps_its_text_and_loses_its_html_and_subject(
    world: World,
) -> None:
    mail = await world.write(
        f"My card is {CARD}.", Channel.EMAIL, subject=f"Card {CARD}", html=f"<p>{CARD}</p>"
    )
    assert mail.subject == "Card [card …1111]"
    assert CARD not in await world.everything()


async def test_names_of_a_mails_files_and_its_subject_line_lose_the_card(world: World) -> None:
    chat = await world.write("hello")
    meta = {"subject": f"Card {CARD}", "attachments": [{"name": f"{CARD}.txt", "kept": "ab/cd"}]}
    letter = NewMessage(Author.CUSTOMER, "See the file.", meta=meta)
    line = await world.lifecycle.add_message(chat.id, letter)
    assert line is not None
    assert line.meta["subject"] == "Card [card …1111]"
    assert line.meta["attachments"] == [{"name": "[card …1111].txt", "kept": "ab/cd"}]
    assert CARD not in await world.everything()


async def test_a_mail_without_one_keeps_its_html(world: World) -> None:
    mail = await world.write("Order 482913", Channel.EMAIL, html="<p>Order <b>482913</b></p>")
    async with world.store.transaction() as tx:
        (line, *_) = await tx.interactions.messages(mail.id)
    assert line.html == "<p>Order <b>482913</b></p>"


async def test_a_new_policy_holds_from_the_next_line_on(world: World) -> None:
    world.company.redaction = Policy(card=Treatment.HIDE, email=Treatment.HIDE)
    await world.write(f"card {CARD}, mail ann@example.com")
    assert "card [card], mail [e-mail]" in await world.everything()


async def test_our_own_account_and_address_are_told_as_they_are(world: World) -> None:
    world.company.redaction = Policy(email=Treatment.HIDE)
    chat = await world.write("agent")
    ours = "Pay to LV80 BANK 0000 4351 9500 1 or write to care@harbourline.example"
    line = await world.lifecycle.add_message(chat.id, NewMessage(Author.AGENT, ours))
    assert line is not None
    assert line.text == ours


@pytest.mark.parametrize("said", [SPOKEN, CARD, f"my card is {CARD}"])
async def test_a_card_on_a_call_reaches_neither_memory_nor_packet(said: str) -> None:
    talk = await Talk.begin(demo_flow("front-desk"), Channel.VOICE)
    await talk.say(said, 0.9, said)
    await talk.say("agent")
    kept = json.dumps([talk.turn.memory, asdict(talk.turn.handoff or pytest.fail("no packet"))])
    assert said not in kept
    assert "1111 1111 1111" not in kept
    assert "one one one" not in kept


async def test_a_card_by_keys_is_no_answer_to_anything() -> None:
    talk = await Talk.begin(demo_flow("front-desk"), Channel.VOICE)
    await talk.press("1")
    await talk.press(CARD.replace(" ", ""))
    assert CARD.replace(" ", "") not in json.dumps(talk.turn.memory)
    assert talk.turn.memory["slots"] == {}


async def test_a_card_begun_in_the_turn_before_is_forgotten() -> None:
    talk = await Talk.begin(demo_flow("front-desk"), Channel.VOICE)
    await talk.say("four one one one one one one one")
    await talk.say("one one one one one one one one")
    assert "one one" not in json.dumps(talk.turn.memory)


async def test_what_understanding_and_knowledge_are_asked_is_redacted() -> None:
    bench = Bench()
    talk = await Talk.begin(demo_flow("front-desk"), bench=bench)
    turn = await talk.conversation.hear(talk.turn.memory, Heard.said(f"can I open it with {CARD}"))
    assert bench.knowledge.asked
    assert all(CARD not in question for question, _ in bench.knowledge.asked)
    assert turn.memory["last_utterance"] == "can I open it with [card …1111]"


def test_the_log_is_redacted_with_its_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    class Decider:
        redaction = Policy(phone=Treatment.LAST4)

    caplog.handler.addFilter(LogGuard(Decider()))
    log = logging.getLogger("test")
    log.warning("text to %s: %s", "+371 20000001", f"card {CARD}")
    try:
        raise ValueError(f"bad {CARD}")
    except ValueError:
        log.exception("it failed")
    assert "text to [phone …0001]: card [card …1111]" in caplog.text
    assert "ValueError: bad [card …1111]" in caplog.text
    assert CARD not in caplog.text
