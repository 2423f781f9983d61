"""Why an interaction still waits, as the API and the page say it, on a real server."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from gateway.desk.ledger import zone_of
from router.model import Author, Channel, Presence
from tests.browser.desk_house import PASSWORD, DeskHouse, desk_house

LATVIAN = [(Author.CUSTOMER, "Vai kāds runā latviski?")]
TAG = re.compile(r"<script.*?</script>|<[^>]+>", re.DOTALL)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path) as started:
        yield started


@pytest.fixture
async def http(house: DeskHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as client:
        await client.post("/sign-in", json={"login": "sofia", "password": PASSWORD})
        yield client


def read(page: str) -> str:
    """The words of a page, as somebody reads them."""
    return " ".join(html.unescape(TAG.sub(" ", page)).split())


async def test_needs_until_when_that_nobody_has_it_and_who_is_free_are_said_by_api_and_page(
    house: DeskHouse, http: httpx.AsyncClient
) -> None:
    await house.lifecycle.set_presence("emil", Presence.AVAILABLE)  # Latvian 2
    await house.lifecycle.set_presence("chen", Presence.AWAY, "lunch")
    item = await house.contact(Channel.CHAT, "maria", LATVIAN, skills={"lv": 3})
    waiting = (await http.get(f"/api/interactions/{item.id}/routing")).json()["waiting"]
    (queue,) = waiting["queues"]
    assert queue["needs"] == [{"skill": "lv", "level": 3}, {"skill": "orders", "level": 1}]
    assert queue["nobody_has_it"] is True
    assert item.joined_at is not None
    until = datetime.fromisoformat(queue["next"]["at"])
    assert (until - item.joined_at).total_seconds() == 30
    clock = f"{until.astimezone(zone_of(house.company)):%H:%M:%S}"
    words = waiting["words"]
    assert any(
        line.startswith(f"needs lv ≥ 3, orders ≥ 1 until {clock} (in ")
        and line.endswith("), then orders ≥ 1; nobody signed in has it.")
        for line in words
    )
    free = f"Emil Larsen: free, but not skilled enough (has lv 2, orders 3) until {clock}"
    assert any(line.startswith(free) for line in words)
    page = read((await http.get(f"/interactions/{item.id}")).text)
    assert f"Needs lv ≥ 3, orders ≥ 1 until {clock}, then orders ≥ 1" in page
    assert "Nobody signed in has it." in page
    assert f"Emil Larsen free, but lacks the skill (has lv 2, orders 3) until {clock}" in page
    # One who has it signs in, to a break: what is missing now is only somebody free.
    await house.lifecycle.set_presence("ana", Presence.AWAY, "break")
    async with asyncio.timeout(20):  # a look is kept for a moment
        while waiting["queues"][0]["nobody_has_it"]:
            await asyncio.sleep(0.1)
            answer = await http.get(f"/api/interactions/{item.id}/routing")
            waiting = answer.json()["waiting"]
    assert "Ana Kalniņa: away (break)." in waiting["words"]
    assert "Nobody signed in" not in read((await http.get(f"/interactions/{item.id}")).text)
