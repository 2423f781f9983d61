"""A wrong value is put right at the desk, and the bot gets the customer back with what was done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from router.acts.returned import PersonDid
from router.events import SlotCorrected
from router.model import Channel, InteractionState
from tests.browser.desk_house import DeskHouse, desk_house
from tests.browser.test_desk import LINES, at_desk, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    """The desk's server."""
    async with desk_house(tmp_path) as started:
        yield started


async def test_wrong_value_is_put_right_and_goes_back_to_the_bot_with_the_outcome(
    page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    item = await house.contact(Channel.CHAT, "maria", LINES, name="Maria Lund")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await page.click("[aria-label='Put order number right']")
    field = page.locator("#correct-value")
    await expect(field).to_have_value("HL-482913")
    await field.fill("HL-482914")
    await page.keyboard.press("Enter")
    packet = page.locator(".packet")
    await expect(packet.locator(".slot")).to_contain_text("HL-482914")
    await expect(packet.locator(".slot")).to_contain_text("by ana")
    await packet.get_by_role("button", name="neighbour").click()
    await field.fill("yes, number 4")
    await page.keyboard.press("Enter")
    await expect(packet.locator(".slot").nth(1)).to_contain_text("yes, number 4")
    await expect(field).to_be_hidden()
    await page.keyboard.press("Alt+t")
    await page.fill("#give-search", "bot")
    await page.locator("#give-done").select_option("resolved")
    await page.fill("#give textarea", "search started")
    await page.click("#give button[type=submit]")
    await expect(page.locator(".job")).to_have_count(0)
    given = await house.interaction(item.id)
    assert (given.state, given.disposition) == (InteractionState.BOT, "resolved")
    assert PersonDid.of(given) == PersonDid("ana", "Ana Kalniņa", "search started", "resolved")
    assert given.handoff is not None
    assert [(slot.value, slot.by) for slot in given.handoff.slots] == [
        ("HL-482914", "ana"),
        ("yes, number 4", "ana"),
    ]
    async with house.store.transaction() as tx:
        facts = await tx.log.facts(interaction_id=item.id, types=[SlotCorrected])
    assert [(fact.was, fact.value) for fact in facts if isinstance(fact, SlotCorrected)] == [
        ("HL-482913", "HL-482914"),
        ("", "yes, number 4"),
    ]


async def test_report_tells_what_became_of_hand_overs(page: Page, house: DeskHouse) -> None:
    await at_desk(page, house)
    await house.contact(Channel.CHAT, "maria", LINES, name="Maria Lund")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await page.locator(".packet").wait_for()
    await page.goto(f"{house.url}/sign-out")
    await page.context.clear_cookies()
    await sign_in(page, house, "sofia")
    await page.goto(f"{house.url}/reports")
    row = page.locator("tr", has_text="asked for a person").first
    await expect(row.locator("td").nth(1)).to_have_text("1")
    await expect(row.locator("td").nth(2)).to_have_text("1")
    answer = await page.request.get(f"{house.url}/api/handoffs")
    [cause] = (await answer.json())["causes"]
    assert (cause["cause"], cause["accepted"], cause["nobody"]) == ("asked", 1, 0)
