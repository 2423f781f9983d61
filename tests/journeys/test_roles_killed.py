"""The roles of agents, callers and the bot are killed at once, each in the middle of its work.

On RabbitMQ and PostgreSQL; the other roles go on. ``tests/chaos`` kills whole Parleys, and
the parts under load.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from channels.sip.caller import CallerCall, SipCaller
from gateway.demo.visitor import Person, Visitor
from router.events import CallbackFailed, InteractionEnded, OfferAccepted, WrapUpCompleted
from router.model import Author, Interaction, InteractionState
from tests.campaigning import Supervisor
from tests.house import WAIT_S
from tests.journeys.conftest import Chat, Town, desk_of
from tests.journeys.floor import fact_of
from tests.journeys.test_phone import own_number
from tests.journeys.test_text_channels import finish, interaction_of, take

pytestmark = [pytest.mark.slow, pytest.mark.peer, pytest.mark.roles_apart]

KILLED = ("text", "voice", "web")
QUESTION = "Where is my order HL-482913?"


async def in_state(town: Town, address: str, state: InteractionState) -> Interaction:
    """The newest interaction with that address, once it is so."""
    async with asyncio.timeout(WAIT_S):
        while (found := await interaction_of(town, address)).state is not state:
            await asyncio.sleep(0.05)
    return found


async def count(town: Town, interaction_id: str) -> Counter[str]:
    """How often each kind of thing has happened to it."""
    return Counter(type(fact).__name__ for fact in await town.house.facts(interaction_id))


async def call_that_waits(town: Town, phone: SipCaller, number: str) -> Interaction:
    """A caller who asked for a person."""
    call = await phone.call(town.house.sip, 20, number)
    assert isinstance(call, CallerCall)
    await call.hear(500)
    call.press("0")
    return await in_state(town, number, InteractionState.WAITING)


async def test_desks_calls_and_the_bot_are_killed_and_everybody_goes_on(
    town: Town, chat: Chat
) -> None:
    house = town.house
    vera, otto = Person("Vera", language="en"), Person("Otto", language="en")
    served, asking = await chat(vera), await chat(otto)
    await served.say("agent")
    assert await served.answer(WAIT_S, 1)
    ana = await desk_of(town, "ana")
    card = await take(ana)
    await ana.ask("presence", presence="away", reason="break")
    await asking.say("How do I change the delivery address of my parcel?")
    assert await asking.answer(WAIT_S, 1)
    phone, number = SipCaller(), own_number(town, "+371299")
    await phone.start()
    waiting = await call_that_waits(town, phone, number)

    house.kill("text")
    await asking.say(QUESTION)
    async with asyncio.timeout(WAIT_S):
        while (await house.lines(asking.interaction_id))[-1].text != QUESTION:
            await asyncio.sleep(0.05)
    house.kill("voice")
    house.kill("web")
    await ana.close()
    await phone.stop()
    await asyncio.to_thread(house.start, *KILLED)

    # The bot answers what was asked while it was dead, once.
    again = await Visitor.open(house.url, otto, asking.secret)
    async with asyncio.timeout(WAIT_S):
        while "HL-482913" not in (line.text if (line := await again.next_line(WAIT_S)) else ""):
            pass
    lines = await house.lines(asking.interaction_id)
    asked = next(line.seq for line in lines if line.text == QUESTION)
    answers = [line for line in lines if line.seq > asked and line.author is Author.BOT]
    assert len({line.text for line in answers}) == len(answers)
    await again.end()
    await again.close()

    # Ana comes back to her customer, who comes back to her.
    async with await desk_of(town, "ana") as ana:
        snapshot = await ana.next("snapshot")
        assert [each["id"] for each in snapshot["work"]] == [card["id"]]
        back = await Visitor.open(house.url, vera, served.secret)
        await ana.ask("send", interaction_id=card["id"], draft_id="k1", text="Here I am again")
        async with asyncio.timeout(WAIT_S):
            while (line := await back.next_line(WAIT_S)) and line.text != "Here I am again":
                pass
        await finish(ana, card["id"])
        await back.close()
        one = await count(town, card["id"])
        for kind in (OfferAccepted, InteractionEnded, WrapUpCompleted):
            assert one[kind.__name__] == 1

        # The caller's line is gone; the place is kept until an agent takes it.
        kept = await in_state(town, number, InteractionState.WAITING)
        assert (kept.id, kept.joined_at) == (waiting.id, waiting.joined_at)
        async with asyncio.timeout(WAIT_S):
            while (await interaction_of(town, number)).home:
                await asyncio.sleep(0.1)
        taken = await take(ana)
        assert taken["id"] == waiting.id
        await ana.ask("presence", presence="away", reason="break")
        # Nobody answers that number here: the promise to call stands until somebody takes it back.
        failed = await fact_of(house, waiting.id, CallbackFailed)
        assert (failed.agent_id, failed.attempt) == ("ana", 1)
    async with Supervisor.sign_in(house) as sofia:
        answer = await sofia.post(f"/api/callbacks/{waiting.id}/cancel")
        assert answer.status_code == 200, answer.text
    await in_state(town, number, InteractionState.ENDED)
    assert (await count(town, waiting.id))["InteractionEnded"] == 1
