"""Chat, e-mail and SMS from the first message to the filed wrap-up, over the real wires."""

import asyncio
import smtplib
from email.message import EmailMessage

import pytest

from gateway.demo.desk_client import DeskClient, View
from gateway.demo.visitor import Person
from router.events import SurveyAnswered, WrapUpCompleted
from router.model import Author, Interaction, InteractionState
from tests.house import WAIT_S, names_of
from tests.journeys.conftest import Chat, Town

pytestmark = [pytest.mark.slow, pytest.mark.peer]

GOLDEN = [
    "InteractionArrived",
    "BotStarted",
    "HandoffRequested",
    "InteractionQueued",
    "OfferMade",
    "OfferAccepted",
    "InteractionEnded",
    "WrapUpCompleted",
]
CARE = "care@harbourline.example"


async def take(desk: DeskClient) -> View:
    """Be available and accept what rings: its card."""
    await desk.ask("presence", presence="available")
    offer: View = (await desk.next("offer"))["offer"]
    await desk.ask("accept", offer_id=offer["id"])
    card: View = offer["card"]
    return card


async def finish(desk: DeskClient, interaction_id: str) -> None:
    """End and file it, then take no more."""
    await desk.ask("presence", presence="away", reason="break")
    await desk.ask("end", interaction_id=interaction_id)
    await desk.ask("wrap-up", interaction_id=interaction_id, disposition="resolved", note="done")


async def interaction_of(town: Town, address: str) -> Interaction:
    """The newest interaction with that address."""
    async with asyncio.timeout(WAIT_S):
        while True:
            for one in await town.house.newest():
                if one.address == address:
                    return one
            await asyncio.sleep(0.05)


async def check_record(town: Town, interaction_id: str) -> None:
    """The golden log: the milestones in this order, each once, and nothing after them."""
    facts = await town.house.facts(interaction_id)
    milestones = [name for name in names_of(facts) if name in GOLDEN]
    assert milestones == GOLDEN
    filed = [fact for fact in facts if isinstance(fact, WrapUpCompleted)]
    assert (filed[0].agent_id, filed[0].disposition) == ("ana", "resolved")


async def test_chat_from_question_to_wrap_up(town: Town, ana: DeskClient, chat: Chat) -> None:
    visitor = await chat(Person("Vera", language="en"))
    await visitor.say("How do I change the delivery address of my parcel?")
    answer = await visitor.answer(WAIT_S, 1)
    assert any("change-delivery" in line.cited for line in answer)
    await visitor.say("Where is my order HL-482913?")
    status = " ".join(line.text for line in await visitor.answer(WAIT_S, 1))
    assert "HL-482913" in status
    await visitor.say("I want to speak to a person")
    assert await visitor.answer(WAIT_S, 1)

    card = await take(ana)
    assert card["handoff"]["last_utterance"] == "I want to speak to a person"
    assert "HL-482913" in str(card["handoff"]["slots"])
    assert "change-delivery" in str(card["handoff"]["articles"])
    await ana.ask("send", interaction_id=card["id"], draft_id="one", text="Ana here, hello Vera")
    await ana.ask("send", interaction_id=card["id"], draft_id="one", text="Ana here, hello Vera")
    (line,) = await visitor.answer(WAIT_S, 1)
    assert (line.author, line.text) == (Author.AGENT, "Ana here, hello Vera")
    await visitor.say("thank you")
    await ana.next("message")
    await finish(ana, card["id"])

    assert await visitor.next_line(WAIT_S) is None
    assert visitor.ended
    assert visitor.may_rate
    await visitor.rate(5)
    await check_record(town, card["id"])
    async with asyncio.timeout(WAIT_S):
        while not any(isinstance(f, SurveyAnswered) for f in await town.house.facts(card["id"])):
            await asyncio.sleep(0.05)
    await visitor.close()


async def test_no_bot_speaks_after_the_hand_over(town: Town, ana: DeskClient, chat: Chat) -> None:
    visitor = await chat(Person())
    await visitor.say("agent")
    assert await visitor.answer(WAIT_S, 1)
    card = await take(ana)
    await visitor.say("what are your opening hours?")
    await visitor.say("where is my parcel?")
    assert await visitor.next_line(2) is None
    await finish(ana, card["id"])
    lines = await town.house.lines(card["id"])
    asked = next(line.seq for line in lines if "opening hours" in line.text)
    assert all(line.author is not Author.BOT for line in lines if line.seq > asked)
    await visitor.close()


async def test_mail_from_question_to_wrap_up(town: Town, ana: DeskClient) -> None:
    sender = f"maris-{town.house.http_port}@customers.example"

    def mail(text: str, subject: str, parent: str = "") -> None:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = f"Maris <{sender}>", CARE, subject
        letter["Message-ID"] = f"<{abs(hash(text))}@customers.example>"
        if parent:
            letter["In-Reply-To"] = letter["References"] = parent
        letter.set_content(text)
        with smtplib.SMTP("127.0.0.1", town.house.smtp_port, timeout=WAIT_S) as smtp:
            smtp.send_message(letter)

    await asyncio.to_thread(mail, "How do I send a meter reading?", "Meter")
    (first,) = await asyncio.to_thread(town.mailbox.to, sender)
    assert first["Subject"] == "Re: Meter"
    body = first.get_body(("plain",))
    assert body is not None
    assert "meter" in body.get_content().lower()
    quoted = "\n".join(f"> {line}" for line in body.get_content().splitlines())
    reply = f"I would rather talk to a person.\n\nOn Monday Harbourline wrote:\n{quoted}\n"
    await asyncio.to_thread(mail, reply, "Re: Meter", str(first["Message-ID"]))

    card = await take(ana)
    assert card["address"] == sender
    lines = [line for line in card["messages"] if line["author"] == Author.CUSTOMER]
    assert [line["text"] for line in lines] == [
        "How do I send a meter reading?",
        "I would rather talk to a person.",
    ]
    await ana.ask("send", interaction_id=card["id"], draft_id="m1", text="Of course, here I am.")
    mails = await asyncio.to_thread(town.mailbox.to, sender, 3)
    assert "Of course, here I am." in mails[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    await finish(ana, card["id"])
    await check_record(town, card["id"])


async def test_sms_from_question_to_wrap_up_and_score(town: Town, ana: DeskClient) -> None:
    number = f"+3712555{town.house.http_port % 10000:04}"
    webhook = f"{town.house.url}/twilio/sms"

    async def answers(count: int) -> list[str]:
        async with asyncio.timeout(WAIT_S):
            while True:
                texts = [text.body for text in town.carrier.texts if text.to == number]
                if len(texts) >= count:
                    return texts
                await asyncio.sleep(0.05)

    await town.carrier.text(webhook, number, "Where is my order 482913")
    assert "HL-482913" in (await answers(1))[0]
    await town.carrier.text(webhook, number, "agent please")
    await answers(2)
    card = await take(ana)
    await ana.ask("send", interaction_id=card["id"], draft_id="s1", text="Ana here. All is well.")
    assert (await answers(3))[-1] == "Ana here. All is well."
    await finish(ana, card["id"])
    assert "5" in (await answers(4))[-1]
    await town.carrier.text(webhook, number, "5")
    async with asyncio.timeout(WAIT_S):
        while not any(isinstance(f, SurveyAnswered) for f in await town.house.facts(card["id"])):
            await asyncio.sleep(0.05)
    await check_record(town, card["id"])


async def test_customer_is_recognised_on_another_channel(
    town: Town, ana: DeskClient, chat: Chat
) -> None:
    mail = f"anna-{town.house.http_port}@customers.example"
    visitor = await chat(Person("Anna", email=mail))
    await visitor.say("what does a small parcel cost?")
    assert await visitor.answer(WAIT_S, 1)
    await visitor.close()
    chatted = next(one for one in await town.house.newest() if one.channel == "chat")

    def write() -> None:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = f"Anna <{mail}>", CARE, "My parcel"
        letter.set_content("I want to talk to a person, please.")
        with smtplib.SMTP("127.0.0.1", town.house.smtp_port, timeout=WAIT_S) as smtp:
            smtp.send_message(letter)

    await asyncio.to_thread(write)
    mailed = await interaction_of(town, mail)
    assert mailed.customer_id == chatted.customer_id
    card = await take(ana)
    assert [item["id"] for item in card["history"]] == [chatted.id]
    await finish(ana, card["id"])


async def test_waiting_customer_who_leaves_counts_as_abandoned(town: Town, chat: Chat) -> None:
    visitor = await chat(Person())
    await visitor.say("agent")
    assert await visitor.answer(WAIT_S, 1)
    await visitor.end()
    async with asyncio.timeout(WAIT_S):
        while True:
            newest = (await town.house.newest(1))[0]
            if newest.state is InteractionState.ENDED:
                break
            await asyncio.sleep(0.05)
    facts = await town.house.facts(newest.id)
    assert getattr(facts[-1], "was", "") == "waiting"
    await visitor.close()
