"""A supervisor says what is due to a customer, in a real browser; the agent's desk follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from router.model import Author, Channel
from tests.browser.desk_house import DeskHouse, desk_house
from tests.browser.test_desk import at_desk, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path) as started:
        yield started


async def test_priority_is_set_and_seen_at_the_desk_and_a_wrong_agent_is_taken_back(
    page: Page, context: BrowserContext, house: DeskHouse
) -> None:
    await at_desk(page, house)
    await house.contact(Channel.CHAT, "maria", [(Author.CUSTOMER, "hello")], name="Maria Lund")
    await expect(page.locator(".ring")).to_contain_text("Maria Lund")
    await page.keyboard.press("Alt+a")
    await expect(page.locator(".packet")).to_be_visible()
    browser = context.browser
    assert browser is not None
    floor = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
    await sign_in(floor, house, "sofia")
    await floor.click("nav >> text=Customers")
    await floor.fill("[name=q]", "lund")
    await floor.click("button:has-text('Search')")
    await floor.get_by_label("Priority for Maria Lund").check()
    await expect(floor.locator(".toast")).to_contain_text("Saved for Maria Lund")
    await expect(page.locator(".context .chip:has-text('VIP')").first).to_be_visible()
    own = floor.get_by_label("Own agent of Maria Lund")
    await own.fill("Dace Bērziņa")
    await own.press("Enter")
    await expect(page.locator(".context")).to_contain_text("Dace Bērziņa")
    await own.fill("nobody")
    await own.press("Enter")
    await expect(floor.locator(".toast.bad")).to_contain_text("found 'nobody'")
    await expect(own).to_have_value("Dace Bērziņa")
    await floor.reload()
    await floor.wait_for_load_state("networkidle")
    await expect(floor.locator(".toast")).to_have_count(0)  # looking saves nothing
    await expect(own).to_have_value("Dace Bērziņa")
