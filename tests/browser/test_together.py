"""Transfers, questions to colleagues, promised calls and reasons, in real browsers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from router.bus.delivery import Retry
from router.bus.memory import MemoryBus
from router.events import DeadLetterDiscarded, Fact, HoldStarted
from router.model import Channel, InteractionState, Presence
from tests.browser.conftest import CALL_MS, WAIT_MS
from tests.browser.desk_house import PASSWORD, DeskHouse, desk_house
from tests.browser.test_desk import LINES, at_desk, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    """The desk's server."""
    async with desk_house(tmp_path) as started:
        yield started


async def colleague(browser: Browser, house: DeskHouse, login: str) -> Page:
    """Another agent's page, available."""
    context = await browser.new_context(permissions=["microphone"])
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    await at_desk(page, house, login)
    return page


async def give(page: Page, words: str, note: str) -> None:
    """Open the dialog, choose by typing, write the note; nothing is sent yet."""
    await page.keyboard.press("Alt+t")
    await page.fill("#give-search", words)
    await expect(page.locator(".option[aria-selected=true]")).to_contain_text(words)
    await page.fill("#give textarea", note)


async def test_chat_given_to_a_colleague_rings_there_with_the_note(
    browser: Browser, page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    item = await house.contact(Channel.CHAT, "maria", LINES, name="Maria Lund")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await page.locator("#reply").wait_for()
    emil = await colleague(browser, house, "emil")
    await page.keyboard.press("Alt+p")
    await page.wait_for_selector("#presence .dot.away")
    await give(page, "Emil", "Her parcel is in the harbour depot")
    await page.click("#give button[type=submit]")
    await expect(page.locator(".job")).to_have_count(0)
    await expect(emil.locator(".ring")).to_contain_text("Maria Lund")
    await expect(emil.locator(".ring")).to_contain_text("Her parcel is in the harbour depot")
    await emil.keyboard.press("Alt+a")
    await expect(emil.locator(".packet h3").first).to_contain_text("From Ana")
    await expect(emil.locator(".packet")).to_contain_text("harbour depot")
    await expect(emil.locator(".lines")).to_contain_text("I want a person")
    assert (await house.interaction(item.id)).agent_id == "emil"


async def test_agent_who_is_away_cannot_be_chosen_and_nobody_fits_is_said(
    page: Page, house: DeskHouse
) -> None:
    await house.lifecycle.set_presence("emil", Presence.AWAY, "lunch")
    await at_desk(page, house)
    await house.contact(Channel.CHAT, "maria", LINES)
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await page.locator("#reply").wait_for()
    await page.keyboard.press("Alt+t")
    await page.fill("#give-search", "emil")
    away = page.locator(".option", has_text="Emil")
    await expect(away).to_have_attribute("aria-disabled", "true")
    await expect(away).to_contain_text("Lunch")
    await expect(page.locator("#give button[type=submit]")).to_be_disabled()
    await page.fill("#give-search", "nobody of that name")
    await expect(page.locator("#give-list")).to_contain_text("Nobody fits")
    await page.keyboard.press("Escape")
    await expect(page.locator("#reply")).to_be_visible()


async def test_question_in_a_chat_goes_both_ways_is_joined_and_handed_over(
    browser: Browser, page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    item = await house.contact(Channel.CHAT, "maria", LINES, name="Maria Lund")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await page.locator("#reply").wait_for()
    emil = await colleague(browser, house, "emil")
    await give(page, "Emil", "Can we promise Monday?")
    await page.keyboard.press("Alt+Enter")
    await expect(page.locator(".strip.third")).to_contain_text("Asking Emil Larsen")
    await expect(emil.locator(".ring")).to_contain_text("Can we promise Monday?")
    await emil.keyboard.press("Alt+a")
    await expect(emil.locator(".beside")).to_contain_text("I want a person")
    await emil.fill("#reply", "Yes, the depot opens at seven.")
    await emil.keyboard.press("Enter")
    await expect(emil.locator("#reply")).to_have_value("")
    await expect(page.locator(".beside")).to_contain_text("Yes, the depot opens")
    await page.fill(".beside input", "I will tell her.")
    await page.keyboard.press("Enter")
    await expect(emil.locator(".lines").first).to_contain_text("I will tell her.")
    await page.keyboard.press("Alt+g")
    await expect(emil.locator(".strip.third")).to_contain_text("together with")
    await emil.fill("#reply", "Good morning, Emil here.")
    await emil.keyboard.press("Enter")
    await expect(page.locator(".lines").first).to_contain_text("Good morning, Emil here.")
    await page.keyboard.press("Alt+o")
    await expect(page.locator(".job")).to_have_count(0)
    await expect(emil.locator(".job .name")).to_have_text(["Maria Lund"])
    assert (await house.interaction(item.id)).agent_id == "emil"
    async with house.store.transaction() as tx:
        said = [m.text for m in await tx.interactions.messages(item.id) if m.author == "agent"]
    assert said == ["Good morning, Emil here."]


async def test_asked_on_the_phone_the_colleague_keeps_the_line_when_the_call_is_handed_over(
    browser: Browser, page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house, "boris")
    item = await house.contact(Channel.VOICE, "+37126411222", LINES, name="Pēteris")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await expect(page.locator(".phone-bar")).to_contain_text("Talking", timeout=CALL_MS)
    emil = await colleague(browser, house, "emil")
    await give(page, "Emil", "")
    await page.keyboard.press("Alt+Enter")
    await emil.locator(".ring").wait_for()
    await emil.keyboard.press("Alt+a")
    await expect(emil.locator(".phone-bar")).to_contain_text("Talking", timeout=CALL_MS)
    await expect(page.locator(".strip.third")).to_contain_text("You talk to Emil Larsen")
    await page.keyboard.press("Alt+w")
    await expect(page.locator(".strip.third")).to_contain_text("You talk to Pēteris")
    await page.keyboard.press("Alt+o")
    await expect(emil.locator(".job .name")).to_have_text(["Pēteris"])
    await expect(emil.locator(".phone-bar")).to_contain_text("Talking", timeout=CALL_MS)
    await expect(page.locator(".job")).to_have_count(0)
    assert house.voice.kinds() == ["ConnectAgent", "ConnectAgent"]
    assert (await house.interaction(item.id)).agent_id == "emil"


async def test_call_back_is_promised_from_wrap_up_and_the_supervisor_cancels_it(
    browser: Browser, page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    await house.contact(Channel.SMS, "+37126411222", LINES, name="Pēteris Ozols")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await page.click("text=End")
    await page.click("text=Call back later")
    await expect(page.locator("#cb-number")).to_have_value("+37126411222")
    await page.select_option("#cb-day", index=1)
    await page.select_option("#cb-time", "09:30")
    await page.click("text=Promise the call")
    await expect(page.locator("#toasts")).to_contain_text("09:30")
    boss = await (await browser.new_context()).new_page()
    await sign_in(boss, house, "sofia")
    await boss.goto(f"{house.url}/callbacks")
    row = boss.locator("tbody tr")
    await expect(row).to_contain_text("Pēteris Ozols")
    await expect(row).to_contain_text(re.compile("09:30.*Ana", re.DOTALL))
    boss.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await row.locator("button").click()
    await expect(boss.locator(".empty")).to_contain_text("Nobody waits for a call")
    async with house.store.transaction() as tx:
        assert await tx.interactions.in_states([InteractionState.SCHEDULED]) == []


async def test_floor_says_who_waits_where_and_why_and_the_story_names_every_offer(
    page: Page, house: DeskHouse
) -> None:
    await house.lifecycle.set_presence("ana", Presence.AVAILABLE)
    first = await house.contact(Channel.CHAT, "maria", LINES, name="Maria Lund")
    offer = await _rings(house, "ana")
    await house.lifecycle.set_presence("dace", Presence.AWAY, "lunch")
    await sign_in(page, house, "sofia")
    await expect(page.locator("#waiting")).to_contain_text("rings: Ana")
    await house.lifecycle.reject(offer, "ana")
    await house.lifecycle.set_presence("ana", Presence.AWAY, "training")
    await expect(page.locator("#waiting td.place").first).to_have_text("1")
    await expect(page.locator("#agents")).to_contain_text("1 rejected")
    await page.click("#waiting button")
    await expect(page.locator(".reasons")).to_contain_text("2 × away")
    await page.click("#waiting >> text=Maria Lund")
    why = page.locator(".why")
    await expect(why).to_contain_text("Place 1")
    await expect(why).to_contain_text(re.compile("Dace.*Lunch", re.DOTALL))
    story = page.locator("#story")
    await expect(story).to_contain_text("Rang at Ana Kalniņa rejected")
    await page.check("input[name=story][value=routing]")
    await expect(story.locator("li.InteractionArrived")).to_be_hidden()
    await expect(story.locator("li.offer")).to_be_visible()
    told = await _routing(house, first.id)
    assert told["waiting"]["position"] == 1
    assert [one["outcome"] for one in told["story"] if one["type"] == "offer"] == ["rejected"]


async def _rings(house: DeskHouse, agent_id: str) -> str:
    async with asyncio.timeout(30):
        while True:
            async with house.store.transaction() as tx:
                if offers := await tx.interactions.ringing_offers(agent_id):
                    return offers[0].id
            await asyncio.sleep(0.02)


async def _routing(house: DeskHouse, interaction_id: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as http:
        await http.post("/sign-in", json={"login": "sofia", "password": PASSWORD})
        answer = await http.get(f"/api/interactions/{interaction_id}/routing")
    told: dict[str, Any] = answer.json()
    return told


async def test_operator_gives_a_letter_back_and_discards_another_with_a_note(
    page: Page, tmp_path: Path
) -> None:
    bus = MemoryBus(retry=Retry(max_deliveries=1, pauses_s=()))
    took: list[Fact] = []
    mended = asyncio.Event()

    async def handler(fact: Fact) -> None:
        if not mended.is_set():
            raise ValueError("no such column")
        took.append(fact)

    async with desk_house(tmp_path, bus=bus) as house:
        await house.bus.subscribe("reports", handler, [HoldStarted])
        now = house.services.clock.now()
        await house.bus.publish([HoldStarted(at=now, agent_id=name) for name in ("a", "b")])
        await sign_in(page, house, "adam")
        await page.goto(f"{house.url}/system/letters")
        await expect(page.locator("[data-letter]")).to_have_count(2)
        await expect(page.locator("[data-group=reports]")).to_contain_text("no such column")
        await page.click("[data-letter] >> nth=0 >> text=Discard")
        await page.fill("#discard-note", "sent twice")
        await page.click("#discard >> text=Discard")
        await expect(page.locator("[data-letter]")).to_have_count(1)
        mended.set()
        await page.click("text=Try again")
        await expect(page.locator("#no-letters")).to_be_visible()
        assert len(took) == 1
        async with house.store.transaction() as tx:
            (kept,) = await tx.log.facts(types=[DeadLetterDiscarded])
        assert isinstance(kept, DeadLetterDiscarded)
        assert (kept.note, kept.account_id) == ("sent twice", "adam")
