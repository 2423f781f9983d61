"""An operations person changes a flow in Chromium: findings, drawing, trial, shares, roll back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk_house import PASSWORD
from tests.flow_house import FlowHouse, flow_house

pytestmark = [pytest.mark.browser]
PATIENCE_MS = 90_000


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[FlowHouse]:
    async with flow_house(tmp_path, ["technician"]) as started:
        yield started


@pytest.fixture(autouse=True)
def patience() -> None:
    expect.set_options(timeout=PATIENCE_MS)


async def opened(page: Page, place: FlowHouse) -> str:
    """Sign in and open the flow; its text."""
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{place.url}/sign-in?next=/flows")
    await page.get_by_label("User name").fill("adam")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("link", name="technician", exact=True).click()
    await expect(page.locator("#flow-sum")).not_to_contain_text("Checking")
    return await page.get_by_label("Text of the flow").input_value()


async def line_chosen(page: Page) -> str:
    chosen = await page.evaluate(
        "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.activeElement)"
    )
    return str(chosen).strip()


async def save(page: Page, who: str) -> None:
    await page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Save a new version")
    await dialog.get_by_label(who).check()
    await dialog.get_by_role("button", name="Save", exact=True).click()


async def test_findings_drawing_and_trial_lead_to_lines_of_the_text(
    page: Page, place: FlowHouse
) -> None:
    text = await opened(page, place)
    editor = page.get_by_label("Text of the flow")
    await editor.fill(text.replace("next: book\n", "next: bok\n"))
    finding = page.get_by_role("button", name="unknown step 'bok'")
    await expect(finding).to_contain_text("did you mean 'book'?")
    await finding.click()
    assert await line_chosen(page) == "phone:"
    await expect(page.get_by_text("this is how it was before")).to_be_visible()

    await editor.fill(text.replace("What is your energy contract", "Which contract"))
    await expect(finding).to_have_count(0)
    await page.locator("#step-book rect.box").click()
    assert await line_chosen(page) == "book:"

    await page.get_by_role("tab", name="Try it").click()
    said = page.get_by_label("What the customer says")
    for line in ("hello", "EN-204518"):
        await said.fill(line)
        await said.press("Enter")
    talk = page.get_by_role("log", name="Try it")
    await expect(talk).to_contain_text("Which contract number?")
    await expect(page.locator("#trial-place")).to_contain_text("contract = EN-204518")
    await page.locator("#trial-place").get_by_role("button").click()
    assert await line_chosen(page) == "when:"
    await page.get_by_role("button", name="Say the same again").click()
    await expect(talk.locator(".customer")).to_have_count(2)
    assert place.bench.actions.calls == []


async def test_text_is_kept_given_to_a_share_refused_when_somebody_was_faster_and_rolled_back(
    page: Page, place: FlowHouse
) -> None:
    text = await opened(page, place)
    editor = page.get_by_label("Text of the flow")
    mine = text.replace("Which day suits you", "Which day is best")
    await editor.fill(mine)
    await expect(page.get_by_text("kept in this browser")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("is here again")).to_be_visible()
    assert await editor.input_value() == mine

    await save(page, "On trial")
    await expect(page.get_by_text("10 % of new conversations get")).to_be_visible()
    rollout = (await place.shelf.shelved("technician")).rollout
    assert rollout.percent == 10
    assert (await place.shelf.texts("technician", rollout.trial))["technician"] == mine

    await place.shelf.publish("technician", {"technician": f"{text}# Eve.\n"}, 100, "eve")
    await editor.fill(mine.replace("Booked:", "It is booked:"))
    await save(page, "All new")
    moved = page.get_by_text("Meanwhile eve has changed this flow")
    await expect(moved).to_be_visible()
    assert "It is booked:" in await editor.input_value()
    await page.get_by_role("button", name="Go on with mine").click()
    await save(page, "All new")
    await expect(page.get_by_text("is in force for all new conversations")).to_be_visible()
    mended = (await place.shelf.shelved("technician")).rollout

    await page.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("dialog", name="Roll back")
    await expect(dialog).to_contain_text(f"{mended.before} is put back in force")
    await dialog.get_by_role("button", name="Roll back").click()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_text(f"In force {mended.before}", exact=True)).to_be_visible()
    assert (await place.shelf.shelved("technician")).rollout.live == mended.before
