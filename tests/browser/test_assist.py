"""Agent assist in a real browser: one key away, never in the way, and counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from router.events import SuggestionNoted
from router.model import Author, Channel, NewMessage
from tests.browser.desk_house import ARTICLE, DeskHouse, desk_house
from tests.browser.test_desk import LINES, at_desk

pytestmark = pytest.mark.browser
C, A = Author.CUSTOMER, Author.AGENT


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    """The desk's server."""
    async with desk_house(tmp_path) as started:
        yield started


async def noted(house: DeskHouse, interaction_id: str) -> list[tuple[str, str]]:
    async with house.store.transaction() as tx:
        facts = await tx.log.facts(interaction_id=interaction_id, types=[SuggestionNoted])
    return [(fact.kind, fact.how) for fact in facts if isinstance(fact, SuggestionNoted)]


async def test_draft_is_taken_by_a_key_edited_sent_and_counted(
    page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    item = await house.contact(Channel.CHAT, "maria", LINES[:1], name="Maria Lund")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    draft = page.locator(".assist-strip .draft")
    await expect(draft).to_contain_text(ARTICLE.title)
    await page.fill("#reply", "Hello Maria.")
    await page.keyboard.press("Alt+1")
    await expect(page.locator("#reply")).to_have_value(
        f"Hello Maria.\n{ARTICLE.quote}\n{ARTICLE.url}"
    )
    await page.keyboard.press("Enter")
    await expect(page.locator(".line-row.agent:not(.pending)")).to_contain_text("Hello Maria.")
    await expect(draft).to_have_count(0)
    assert await noted(house, item.id) == [
        ("answer", "shown"),
        ("answer", "inserted"),
        ("answer", "edited"),
    ]


async def test_suggestions_that_come_and_go_move_nothing_and_take_no_focus(
    page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    item = await house.contact(Channel.CHAT, "maria", [(C, "hello")], name="Maria Lund")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await expect(page.locator(".assist-strip")).to_contain_text("No suggestion")
    box = page.locator("#reply")
    await box.press_sequentially("I am writ")
    before = await box.bounding_box()
    await house.lifecycle.add_message(item.id, NewMessage(C, "where is my parcel?"))
    await expect(page.locator(".assist-strip .draft")).to_be_visible()
    await page.keyboard.type("ing")
    await expect(box).to_have_value("I am writing")
    assert await box.bounding_box() == before
    await page.keyboard.press("Alt+0")
    await expect(page.locator(".assist-strip .draft")).to_have_count(0)
    await expect(box).to_be_focused()
    assert await box.bounding_box() == before
    assert await noted(house, item.id) == [("answer", "shown"), ("answer", "dismissed")]


async def test_summary_goes_into_the_note_and_an_outcome_is_chosen_by_key(
    page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    item = await house.contact(Channel.CHAT, "maria", LINES, name="Maria Lund")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await page.fill("#reply", "I have started the search. I will write to you tomorrow.")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Alt+i")
    await expect(page.locator(".gist")).to_contain_text("I have started the search.")
    await page.keyboard.press("Alt+n")
    await page.keyboard.press("Alt+e")
    note = page.locator("[name=note]")
    await expect(note).to_have_value(
        "Wants: Where is my parcel HL-482913?\n"
        "Known: HL-482913\n"
        "Done: I have started the search. I will write to you tomorrow."
    )
    await expect(page.locator(".filing .hint")).to_contain_text("something was promised")
    await expect(page.locator("input[value=follow-up]")).not_to_be_checked()
    await page.keyboard.press("Alt+1")
    await expect(page.locator("input[value=follow-up]")).to_be_checked()
    await note.press("Control+Enter")
    await expect(page.locator(".job")).to_have_count(0)
    assert (await house.interaction(item.id)).disposition == "follow-up"


async def test_only_the_conversation_that_is_open_is_asked_for(
    page: Page, house: DeskHouse
) -> None:
    sent: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))),
    )
    await at_desk(page, house)
    items = []
    for name in ("Maria Lund", "Karl Berg"):
        items.append(await house.contact(Channel.CHAT, name, LINES[:1], name=name))
        await page.locator(".ring").wait_for()
        await page.keyboard.press("Alt+a")
        await expect(page.locator("#talk h2")).to_have_text(name)
        await expect(page.locator(".assist-strip .draft")).to_be_visible()
    before = len([frame for frame in sent if '"suggest"' in frame and items[0].id in frame])
    await house.lifecycle.add_message(items[0].id, NewMessage(C, "where is my parcel?"))
    await expect(page.locator(".job .badge")).to_have_text("1")
    await house.lifecycle.add_message(items[1].id, NewMessage(C, "and is my parcel late?"))
    await expect(page.locator("#talk .lines")).to_contain_text("is my parcel late?")
    asked = [frame for frame in sent if '"suggest"' in frame]
    assert before == 1
    assert len([frame for frame in asked if items[0].id in frame]) == before
