"""An administrator changes the configuration in Chromium: check, apply, roll back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.company_text import read_text
from router.configuration.versions import Edit
from tests.browser.desk_house import PASSWORD, DeskHouse, desk_house

pytestmark = [pytest.mark.browser]
PATIENCE_MS = 60_000


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path) as started:
        yield started


@pytest.fixture(autouse=True)
def patience() -> None:
    expect.set_options(timeout=PATIENCE_MS)


async def sign_in(page: Page, house: DeskHouse) -> None:
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{house.url}/sign-in?next=/configuration")
    await page.get_by_label("User name").fill("adam")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{house.url}/configuration")


async def checked(page: Page, text: str) -> None:
    await page.locator("#conf-text").fill(text)
    await page.get_by_role("button", name="Check").click()


async def test_change_is_checked_applied_rolled_back_and_refused_when_somebody_was_faster(
    page: Page, house: DeskHouse
) -> None:
    await sign_in(page, house)
    await expect(page.get_by_role("heading", name="Billing")).to_be_visible()
    await expect(page.get_by_text("tier 2 helps: Chen Wei")).to_be_visible()

    await page.get_by_role("link", name="Edit").click()
    text = await page.locator("#conf-text").input_value()
    line = read_text(text).line_of("queues[1].target_s")
    assert line is not None
    await checked(page, text.replace("target_s: 30", "target_s: never"))
    flaw = page.get_by_role("button", name="queues[1].target_s")
    await expect(flaw).to_contain_text(f"line {line}")
    await flaw.click()
    chosen = await page.evaluate(
        "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.activeElement)"
    )
    assert chosen.strip() == "target_s: never"
    await expect(page.get_by_role("button", name="Apply")).to_have_count(0)

    await checked(page, text.replace("target_s: 30", "target_s: 45"))
    result = page.locator("#conf-result")
    await expect(result).to_contain_text("queues.billing.target_s")
    await page.get_by_label("Why (for the history)").fill("fewer people in December")
    await page.get_by_role("button", name="Apply").click()
    await page.wait_for_url("**/configuration/history*")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("fewer people in December")
    assert house.company.queue("billing").target_s == 45

    await page.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("queues.billing.target_s")
    await dialog.get_by_role("button", name="Roll back").click()
    await expect(page.get_by_role("row").nth(1)).to_contain_text("back to version 1")
    assert house.company.queue("billing").target_s == 30

    # Somebody else is faster: the text is kept, and what it would undo is told.
    await page.goto(f"{house.url}/configuration/edit")
    text = await page.locator("#conf-text").input_value()
    mine = text.replace("target_s: 30", "target_s: 45")
    await checked(page, mine)
    await expect(page.get_by_role("button", name="Apply")).to_be_visible()
    theirs = read_text(text.replace("name: Orders", "name: Parcels")).raw
    await house.services.versions.apply(theirs, Edit("eve", "a better name"))

    await page.get_by_role("button", name="Apply").click()
    result = page.locator("#conf-result")
    await expect(result).to_contain_text("Somebody has put version 4 in force")
    await expect(result).to_contain_text("queues.orders.name")
    assert await page.locator("#conf-text").input_value() == mine
    assert house.company.queue("billing").target_s == 30
