"""The desk in a real browser: from the sign-in to the filed wrap-up."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, expect

from gateway.desk.hub import CONNECTION_LOST
from router.model import Agent, Author, Channel, InteractionState, NewMessage, Presence
from tests.browser.conftest import CALL_MS
from tests.browser.desk_house import PASSWORD, DeskHouse, desk_house

pytestmark = pytest.mark.browser

LINES = [
    (Author.CUSTOMER, "Where is my parcel HL-482913?"),
    (Author.BOT, "A parcel that has not moved for three working days is searched for at once."),
    (Author.CUSTOMER, "I want a person"),
]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    """The desk's server."""
    async with desk_house(tmp_path) as started:
        yield started


async def sign_in(page: Page, house: DeskHouse, login: str) -> None:
    """Sign in and wait for the first page."""
    await send_form(page, house, login, PASSWORD)
    await page.wait_for_url(re.compile("/(desk|floor)$"), wait_until="commit")


async def send_form(page: Page, house: DeskHouse, login: str, password: str) -> None:
    """Fill the form and send it."""
    await page.goto(f"{house.url}/sign-in")
    await page.fill("#login", login)
    await page.fill("#password", password)
    await page.click("button[type=submit]")


async def at_desk(page: Page, house: DeskHouse, login: str = "ana") -> None:
    """Sign in and become available."""
    await sign_in(page, house, login)
    await page.click("text=Become available")
    await page.wait_for_selector("#presence .dot.available")


async def test_wrong_password_is_said_clearly_and_signs_nobody_in(
    page: Page, house: DeskHouse
) -> None:
    await send_form(page, house, "ana", "not this")
    await expect(page.locator("#sign-in-error")).to_contain_text("not right")
    await page.goto(f"{house.url}/desk")
    assert "/sign-in?next=/desk" in page.url


async def test_chat_rings_with_its_packet_is_answered_and_filed(
    page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    item = await house.contact(Channel.CHAT, "maria", LINES, name="Maria Lund")
    ring = page.locator(".ring")
    await expect(ring).to_contain_text("Maria Lund")
    await expect(ring).to_contain_text("Parcel HL-482913 is three days late")
    await expect(page.locator("#announce")).to_contain_text("Maria Lund")
    await page.keyboard.press("Alt+a")
    packet = page.locator(".packet")
    await expect(packet).to_contain_text("HL-482913")
    for words in ("asked for a person", "Led here", "Identity checked, level 2", "Still to ask"):
        await expect(packet).to_contain_text(words)
    await expect(packet.get_by_role("button", name="neighbour")).to_be_visible()
    await expect(page.locator(".bubble .cites a")).to_have_text("When a parcel is late")
    await page.fill("#reply", "Hello Maria, I start the search.")
    await page.keyboard.press("Enter")
    await expect(page.locator(".line-row.agent:not(.pending)")).to_contain_text("start the search")
    await house.lifecycle.add_message(item.id, NewMessage(Author.CUSTOMER, "Thank you"))
    await expect(page.locator(".lines")).to_contain_text("Thank you")
    await page.click("text=End")
    await page.click("label:has-text('Resolved')")
    await page.fill("[name=note]", "search started")
    await page.click("text=Complete")
    await expect(page.locator(".job")).to_have_count(0)
    ended = await house.interaction(item.id)
    assert (ended.state, ended.disposition) == (InteractionState.ENDED, "resolved")
    async with house.store.transaction() as tx:
        said = [m.text for m in await tx.interactions.messages(item.id) if m.author == "agent"]
    assert said == ["Hello Maria, I start the search."]


async def test_script_in_a_chat_line_and_in_a_mail_is_only_text(
    page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    bad = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    item = await house.contact(Channel.EMAIL, "eve@post.example", [(Author.CUSTOMER, bad)])
    mail = NewMessage(Author.CUSTOMER, "see below", html=f"<p>hello</p>{bad}")
    await house.lifecycle.add_message(item.id, mail)
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await expect(page.locator(".line-row.customer").first).to_contain_text("<img src=x")
    await page.click("text=Show the mail as it was formatted")
    await expect(page.frame_locator("iframe.mail").locator("p")).to_have_text("hello")
    await house.lifecycle.add_message(item.id, NewMessage(Author.CUSTOMER, "and more"))
    await expect(page.locator(".lines")).to_contain_text("and more")
    await expect(page.locator("iframe.mail")).to_be_visible()
    assert "owned" not in await page.title()


async def test_call_is_joined_by_the_browsers_phone_held_and_hung_up(
    page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house, "boris")
    item = await house.contact(Channel.VOICE, "+37126411222", LINES, name="Pēteris")
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    bar = page.locator(".phone-bar")
    await expect(bar).to_contain_text("Talking", timeout=CALL_MS)
    await page.reload()
    await expect(bar).to_contain_text("Talking", timeout=CALL_MS)
    await page.click("text=Mute")
    await expect(bar).to_contain_text("Unmute")
    await page.keyboard.press("Alt+h")
    await expect(bar).to_contain_text("On hold")
    await page.click("text=Resume")
    await expect(bar).to_contain_text("Talking", timeout=CALL_MS)
    await page.click("[aria-label=Keypad]")
    await page.click(".pad >> text=5")
    await page.click("text=Hang up")
    await page.wait_for_selector(".wrap-up")
    orders = ["ConnectAgent", "ConnectAgent", "HoldCall", "ResumeCall", "PressKeys", "HangUpCall"]
    assert house.voice.kinds() == orders
    assert (await house.interaction(item.id)).state is InteractionState.WRAP_UP


async def test_call_that_cannot_be_joined_says_why_and_can_be_tried_again(
    page: Page, house: DeskHouse
) -> None:
    house.voice.refuse = "the caller has hung up"
    await at_desk(page, house, "boris")
    await house.contact(Channel.VOICE, "+37126411222", LINES)
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await expect(page.locator(".phone-bar")).to_contain_text("the caller has hung up")
    house.voice.refuse = ""
    await page.click("text=Connect again")
    await expect(page.locator(".phone-bar")).to_contain_text("Talking", timeout=CALL_MS)


async def test_typed_text_survives_reload_and_a_lost_connection_and_is_sent_once(
    context: BrowserContext, page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    item = await house.contact(Channel.CHAT, "maria", LINES)
    await page.locator(".ring").wait_for()
    await page.keyboard.press("Alt+a")
    await page.fill("#reply", "half a sent")
    await page.reload()
    await expect(page.locator("#reply")).to_have_value("half a sent")
    # The text is there before the link; only a link that is there can be lost.
    await page.wait_for_selector("#presence .dot.available")
    await context.set_offline(True)
    for tab in list(house.services.hub._tabs["ana"]):
        tab.close()
    await page.wait_for_selector("#link:not([hidden])")
    await page.fill("#reply", "sent while offline")
    await page.keyboard.press("Enter")
    await expect(page.locator(".line-row.pending")).to_contain_text("sent while offline")
    await house.lifecycle.add_message(item.id, NewMessage(Author.CUSTOMER, "are you there?"))
    await context.set_offline(False)
    await expect(page.locator(".line-row.agent:not(.pending)")).to_contain_text("sent while")
    await expect(page.locator(".lines")).to_contain_text("are you there?")
    async with house.store.transaction() as tx:
        lines = await tx.interactions.messages(item.id)
    assert [m.text for m in lines].count("sent while offline") == 1


async def test_agent_who_closes_the_page_goes_away_but_not_on_reload(
    context: BrowserContext, page: Page, house: DeskHouse
) -> None:
    await at_desk(page, house)
    await page.reload()
    await page.wait_for_selector("#presence .dot.available")
    second = await context.new_page()
    await second.goto(f"{house.url}/desk")
    await second.wait_for_selector("#presence .dot.available")
    await page.close()
    await second.click("#presence summary")
    await second.click("#presence .item:has-text('Lunch')")
    await second.wait_for_selector("#presence .dot.away")
    await second.click("#presence summary")
    await second.click("#presence .item:has-text('Available')")
    await second.wait_for_selector("#presence summary .dot.available")
    await second.close()
    async with asyncio.timeout(10):
        while (agent := await _agent(house, "ana")).presence is Presence.AVAILABLE:
            await asyncio.sleep(0.05)
    assert (agent.presence, agent.presence_reason) == (Presence.AWAY, CONNECTION_LOST)


async def _agent(house: DeskHouse, agent_id: str) -> Agent:
    async with house.store.transaction() as tx:
        return await tx.people.agent(agent_id)


async def test_supervisor_sees_the_floor_the_interaction_and_the_report(
    page: Page, house: DeskHouse
) -> None:
    item = await house.contact(Channel.CHAT, "maria", LINES, name="Maria Lund")
    await sign_in(page, house, "sofia")
    await expect(page.locator("#waiting")).to_contain_text("Maria Lund")
    await expect(page.locator(".queue").first).to_contain_text("Orders")
    await expect(page.locator(".queue").first).to_contain_text("a≤20 s / (a + ab − ab≤5 s)")
    await page.click("#waiting >> text=Maria Lund")
    await expect(page.locator(".timeline")).to_contain_text("The bot asked for a person")
    await page.goto(f"{house.url}/interactions?q=maria")
    await expect(page.locator("table")).to_contain_text("Maria Lund")
    assert item.id in (await page.locator("table a").first.get_attribute("href") or "")
    await page.goto(f"{house.url}/reports")
    await expect(page.locator("body")).to_contain_text("What the figures mean")
    orders = page.locator("tr", has_text="Orders").first
    await expect(orders).to_contain_text("a≤20 s / (a + ab − ab≤5 s)")
    await expect(orders.locator("td").nth(1)).to_have_text("1")
    await expect(page.locator("th", has_text="Transfer rate").first).to_have_attribute(
        "title", re.compile("÷ handled")
    )


async def test_campaign_list_is_checked_and_a_good_one_starts(
    page: Page, house: DeskHouse, tmp_path: Path
) -> None:
    await sign_in(page, house, "sofia")
    await page.goto(f"{house.url}/campaigns")
    await page.click("#new-campaign")
    await page.fill("#c-name", "Appointments")
    bad = {
        "name": "list.csv",
        "mimeType": "text/csv",
        "buffer": b"name,address\nIlze,not-a-number\n",
    }
    await page.set_input_files("#c-file", bad)  # type: ignore[arg-type]
    await page.click("text=Create draft")
    await expect(page.locator("#campaign-form [role=alert]")).to_contain_text(re.compile("line 2"))
    good = {**bad, "buffer": b"name,address,timezone\nIlze,+37126000001,Europe/Riga\n"}
    await page.set_input_files("#c-file", good)  # type: ignore[arg-type]
    await page.click("text=Create draft")
    await page.wait_for_url(re.compile("/campaigns/[0-9a-f]{32}"))
    await page.click("text=Start")
    await expect(page.locator(".page-head")).to_contain_text("running")


async def test_state_changes_need_the_csrf_token_and_the_role(house: DeskHouse) -> None:
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as http:
        answer = await http.post("/sign-in", json={"login": "ana", "password": PASSWORD})
        csrf = answer.json()["csrf"]
        assert (await http.post("/sign-out")).status_code == 403
        foreign = {"X-CSRF-Token": csrf, "Origin": "https://evil.example"}
        assert (await http.post("/sign-out", headers=foreign)).status_code == 403
        denied = await http.get("/api/queues")
        assert denied.status_code == 403
        assert denied.headers["content-type"] == "application/problem+json"
        assert "needs the role supervisor" in json.loads(denied.text)["detail"]
        assert (await http.post("/sign-out", headers={"X-CSRF-Token": csrf})).status_code == 200
        assert (await http.get("/api/queues")).status_code == 401


async def test_public_call_is_answered_and_the_seventh_in_a_minute_is_refused(
    house: DeskHouse,
) -> None:
    house.voice.refuse = "no lines are free"
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as http:
        malformed = await http.post("/api/calls", json={"sdp": 5})
        assert malformed.status_code == 400
        answers = [await http.post("/api/calls", json={"sdp": "v=0"}) for _ in range(7)]
        health = await http.get("/healthz")
        metrics = await http.get("/metrics")
    assert [answer.status_code for answer in answers] == [422] * 6 + [429]
    assert answers[0].json()["detail"] == "no lines are free"
    assert "Retry-After" in answers[6].headers
    assert health.json()["status"] == "ok"
    assert "parley_agents" in metrics.text
