"""Calls from the first word to the filed wrap-up: real softphone, real browser, real audio."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.demo.desk_client import DeskClient, View
from gateway.demo.visitor import Person
from router.events import (
    BotStarted,
    HandoffRequested,
    InteractionArrived,
    InteractionEnded,
    InteractionQueued,
    OfferAccepted,
    OfferMade,
    RecordingSaved,
    SurveyAnswered,
    TurnTimed,
    WrapUpCompleted,
)
from router.model import Author, EndedBy, Interaction, InteractionState
from tests.house import WAIT_S, House
from tests.journeys.conftest import Chat, Town, desk_of
from tests.journeys.floor import (
    AGENT_HZ,
    CALLER_HZ,
    RECORDINGS,
    Softphone,
    call_from,
    chromium,
    ear_hears,
    fact_of,
    has_tone,
    joined,
    missing_ms,
    page_hears,
    sign_in,
    speech_ms,
    until,
)
from tests.journeys.test_text_channels import take

pytestmark = [pytest.mark.slow, pytest.mark.peer]

THEO = "+37120000138"
"""A customer of the demo company, known by number and by mail address."""
GOLDEN = [
    InteractionArrived,
    BotStarted,
    HandoffRequested,
    InteractionQueued,
    OfferMade,
    OfferAccepted,
    InteractionEnded,
    SurveyAnswered,
    RecordingSaved,
    WrapUpCompleted,
]


@pytest.fixture
async def softphone(
    tmp_path: Path, program: Callable[[str], str]
) -> AsyncIterator[Callable[[str], Softphone]]:
    """Makes softphones by number; they hang up at the end."""
    program("baresip")
    made: list[Softphone] = []

    def make(number: str) -> Softphone:
        folder = tmp_path / f"phone{len(made)}"
        folder.mkdir()
        made.append(Softphone(folder, number))
        return made[-1]

    yield make
    for phone in made:
        await phone.leave()


@asynccontextmanager
async def agents_page(town: Town, folder: Path) -> AsyncIterator[Page]:
    """Ana's page, available; her microphone beeps. Afterwards she takes no more."""
    async with chromium(folder, AGENT_HZ) as page:
        await sign_in(page, town.house, "ana")
        try:
            yield page
        finally:
            async with await desk_of(town, "ana") as desk:
                await desk.ask("presence", presence="away", reason="break")


async def check_log(house: House, interaction_id: str) -> None:
    """The golden log: the milestones in this order, each once, and nothing after them."""
    facts = await house.facts(interaction_id)
    assert [type(fact) for fact in facts if type(fact) in GOLDEN] == GOLDEN
    assert isinstance(facts[-1], WrapUpCompleted)
    assert (facts[-1].agent_id, facts[-1].disposition) == ("ana", "resolved")


def check_recording(house: House, saved: RecordingSaved) -> None:
    """Stereo: the caller's tone on the left, the agent's on the right."""
    with wave.open(str(house.data / saved.path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        assert file.getnframes() == pytest.approx(saved.duration_s * 8000, abs=160)
        frames = file.readframes(file.getnframes())
    left = b"".join(frames[at : at + 2] for at in range(0, len(frames), 4))
    right = b"".join(frames[at + 2 : at + 4] for at in range(0, len(frames), 4))
    assert has_tone(left, CALLER_HZ)
    assert has_tone(right, AGENT_HZ)
    assert not has_tone(left, AGENT_HZ)


async def check_transcript(house: House, interaction_id: str) -> None:
    """What was recognised, and between it an answer that cites its article."""
    lines = await house.lines(interaction_id)
    asked, wanted = (line for line in lines if line.author is Author.CUSTOMER)
    # The offline recogniser mistakes a word now and then, as a frame more or less begins it.
    assert asked.text.endswith("change the delivery address")
    assert wanted.text == "agent please"
    answers = [line for line in lines if asked.seq < line.seq < wanted.seq]
    assert "change-delivery" in [one.article_id for line in answers for one in line.citations]


def own_number(town: Town, prefix: str) -> str:
    """A number that nobody else in this town has."""
    return f"{prefix}{town.house.http_port % 100000:05}"


async def ask_for_a_person(
    house: House, caller: Softphone, interaction_id: str, desk: DeskClient
) -> View:
    """The shortest way through the menu; the card of the agent who accepts."""
    caller.press("0")
    await fact_of(house, interaction_id, HandoffRequested)
    card = await take(desk)
    assert card["id"] == interaction_id
    return card


async def file(desk: DeskClient, interaction_id: str) -> None:
    """Take no more, and say how it ended."""
    await desk.ask("presence", presence="away", reason="break")
    await desk.ask("wrap-up", interaction_id=interaction_id, disposition="resolved", note="done")


async def test_spoken_call_from_question_to_wrap_up(
    town: Town, softphone: Callable[[str], Softphone], tmp_path: Path
) -> None:
    house, caller = town.house, softphone(own_number(town, "+371291"))
    async with agents_page(town, tmp_path) as page:
        await caller.dial(house)
        assert speech_ms(await caller.answer()) > 1000
        call = await call_from(house, caller.number)
        await caller.say(RECORDINGS.pcm("change-address", "slt"))
        # An answer is long: once it is clear that there is one, the caller talks over it.
        assert speech_ms(await caller.hears_sound(3000)) > 2000
        await caller.say(RECORDINGS.pcm("agent-please", "slt"))

        ring = page.locator(".ring")
        await expect(ring).to_contain_text(caller.number)
        await ring.get_by_role("button", name="Accept").click()
        await expect(page.locator(".phone-bar")).to_contain_text("Talking")
        packet = page.locator(".packet")
        await expect(packet).to_contain_text("asked for a person")
        await expect(packet).to_contain_text("agent please")
        await expect(packet).to_contain_text("Change the delivery day, address or place")
        await check_transcript(house, call.id)

        caller.hum(CALLER_HZ)
        await page_hears(page, "#far-end", CALLER_HZ)
        await caller.hears_tone(AGENT_HZ)
        caller.hush()
        await page.click("text=Hang up")
        await caller.hears_sound(500)
        caller.press("5")
        assert (await fact_of(house, call.id, SurveyAnswered)).score == 5
        check_recording(house, await fact_of(house, call.id, RecordingSaved))

        await page.click("label:has-text('Resolved')")
        await page.fill("[name=note]", "address changed")
        await page.click("text=Complete")
        await expect(page.locator(".job")).to_have_count(0)
    await check_log(house, call.id)
    timed = [fact for fact in await house.facts(call.id) if isinstance(fact, TurnTimed)]
    assert len(timed) == 2
    assert timed[0].total_ms


async def test_process_that_stands_still_loses_no_word_of_the_caller(
    town: Town, softphone: Callable[[str], Softphone]
) -> None:
    house, caller = town.house, softphone(own_number(town, "+371296"))
    await caller.dial(house)
    await caller.answer()
    call = await call_from(house, caller.number)
    speaking = asyncio.create_task(caller.say(RECORDINGS.pcm("change-address", "slt")))
    await asyncio.sleep(0.8)
    with house.stalled("voice"):
        await asyncio.sleep(0.8)  # longer than the silence that ends a turn
    await speaking

    async def noted() -> str | None:
        lines = await house.lines(call.id)
        return next((line.text for line in lines if line.author is Author.CUSTOMER), None)

    text = await until(noted, "what the caller said")
    assert text.endswith("change the delivery address")  # one turn, to its end
    await caller.leave()
    saved = await fact_of(house, call.id, RecordingSaved)
    with wave.open(str(house.data / saved.path), "rb") as file:
        frames = file.readframes(file.getnframes())
    left = b"".join(frames[at : at + 2] for at in range(0, len(frames), 4))
    # In a gap the jitter buffer may make up a frame; more would be words.
    assert missing_ms(left, RECORDINGS.pcm("change-address", "slt")) <= 100


async def test_keys_only_call(
    town: Town, ana: DeskClient, softphone: Callable[[str], Softphone]
) -> None:
    house, caller = town.house, softphone(own_number(town, "+371292"))
    await caller.dial(house)
    call = await call_from(house, caller.number)
    caller.press("1")
    await caller.answer()
    caller.press("482913")
    await caller.answer()
    caller.press("1")
    await caller.answer()
    caller.press("0")
    await fact_of(house, call.id, HandoffRequested)
    lines = await house.lines(call.id)
    keys = [line.text for line in lines if line.author is Author.CUSTOMER]
    assert keys == ["1", "482913", "1", "0"]
    assert any("order is on its way" in line.text for line in lines)

    card = await take(ana)
    assert card["id"] == call.id
    assert "HL-482913" in str(card["handoff"]["slots"])
    async with joined(ana, call.id) as agent:
        caller.hum(CALLER_HZ)
        await ear_hears(agent, CALLER_HZ)
        await caller.hears_tone(AGENT_HZ)
        caller.hush()
        await ana.ask("end", interaction_id=call.id)
        await caller.answer()
        caller.press("4")
    assert (await fact_of(house, call.id, SurveyAnswered)).score == 4
    check_recording(house, await fact_of(house, call.id, RecordingSaved))
    await file(ana, call.id)
    await check_log(house, call.id)


async def test_customer_calls_after_a_chat_and_is_recognised(
    town: Town, ana: DeskClient, chat: Chat, softphone: Callable[[str], Softphone]
) -> None:
    house = town.house
    visitor = await chat(Person(email="theo.bakker@mail.example"))
    await visitor.say("What does a small parcel cost?")
    assert await visitor.answer(WAIT_S, 0.5)
    await visitor.close()
    caller = softphone(THEO)
    await caller.dial(house)
    call = await call_from(house, THEO)
    card = await ask_for_a_person(house, caller, call.id, ana)
    assert card["customer"]["name"] == "Theo Bakker"
    assert visitor.interaction_id in [item["id"] for item in card["history"]]
    read = await ana.ask("read", interaction_id=visitor.interaction_id)
    assert read["card"]["messages"][0]["text"] == "What does a small parcel cost?"
    await caller.leave()
    ended = await fact_of(house, call.id, InteractionEnded)
    assert (ended.ended_by, ended.was) == (EndedBy.CUSTOMER, InteractionState.AGENT)
    await file(ana, call.id)


async def test_caller_is_recognised_after_a_text(
    town: Town, softphone: Callable[[str], Softphone]
) -> None:
    house, caller = town.house, softphone(own_number(town, "+371293"))
    await town.carrier.text(f"{house.url}/twilio/sms", caller.number, "what does a parcel cost?")

    async def texted() -> Interaction | None:
        items = await house.newest()
        return next((one for one in items if one.address == caller.number), None)

    text = await until(texted, "the text")
    await caller.dial(house)
    call = await call_from(house, caller.number)
    assert call.customer_id == text.customer_id
    await caller.leave()
    assert (await fact_of(house, call.id, InteractionEnded)).was == InteractionState.BOT


async def test_call_given_back_goes_to_the_bot(
    town: Town, ana: DeskClient, softphone: Callable[[str], Softphone]
) -> None:
    house, caller = town.house, softphone(own_number(town, "+371295"))
    await caller.dial(house)
    call = await call_from(house, caller.number)
    await ask_for_a_person(house, caller, call.id, ana)
    await ana.ask("presence", presence="away", reason="break")
    caller.hush()
    await ana.ask("to-bot", interaction_id=call.id)
    assert speech_ms(await caller.answer()) > 500  # hold music would never pause
    await caller.leave()
    ended = await fact_of(house, call.id, InteractionEnded)
    assert (ended.ended_by, ended.was) == (EndedBy.CUSTOMER, InteractionState.BOT)


async def test_visitor_calls_from_the_company_page(
    town: Town, tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("chromium")
    async with chromium(tmp_path) as page:
        await page.goto(f"{town.house.url}/?lang=en")
        async with page.expect_response("**/api/calls") as answered:
            await page.locator("[data-call]").first.click()
        call_id = (await (await answered.value).json())["interaction_id"]
        await page_hears(page, "dialog audio", None)
        await page.click("[data-act=hang-up]")
        ended = await fact_of(town.house, call_id, InteractionEnded)
    assert (ended.ended_by, ended.was) == (EndedBy.CUSTOMER, InteractionState.BOT)
    await fact_of(town.house, call_id, RecordingSaved)


async def test_caller_keeps_the_line_while_the_agents_page_is_gone(
    town: Town, softphone: Callable[[str], Softphone], tmp_path: Path
) -> None:
    house, caller = town.house, softphone(own_number(town, "+371294"))
    async with agents_page(town, tmp_path) as page:
        await caller.dial(house)
        call = await call_from(house, caller.number)
        caller.press("0")
        await page.locator(".ring").get_by_role("button", name="Accept").click()
        bar = page.locator(".phone-bar")
        await expect(bar).to_contain_text("Talking")
        caller.hum(CALLER_HZ)
        await page_hears(page, "#far-end", CALLER_HZ)
        await page.goto("about:blank")
        caller.hush()
        await caller.hears_music()
        await page.goto(f"{house.url}/desk")
        await expect(bar).to_contain_text("Talking")
        caller.hum(CALLER_HZ)
        await page_hears(page, "#far-end", CALLER_HZ)
        await caller.hears_tone(AGENT_HZ)
        await caller.leave()
        await page.click("label:has-text('Resolved')")
        await page.click("text=Complete")
        await expect(page.locator(".job")).to_have_count(0)
    facts = await house.facts(call.id)
    assert [type(fact) for fact in facts].count(OfferAccepted) == 1
    ended = await fact_of(house, call.id, InteractionEnded)
    assert (ended.ended_by, ended.was) == (EndedBy.CUSTOMER, InteractionState.AGENT)
