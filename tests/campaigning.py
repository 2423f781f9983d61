"""A supervisor with campaigns, over HTTP, and a look into what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from bots.campaign.service import Campaigns
from router.clock import SystemClock
from router.model import Attempt, Campaign
from router.store.sql import SqlStore
from tests.house import House

WAIT_S = 90.0
HEADER = "name,address,timezone,language,appointment,date,time"

Outcomes = Mapping[str, list[Attempt]]
"""By contact name: its attempts in order."""


class Supervisor:
    """Signed in at the desk, with the token that its pages would send."""

    def __init__(self, http: httpx.AsyncClient, house: House) -> None:
        self._http = http
        self._house = house

    @classmethod
    @asynccontextmanager
    async def sign_in(
        cls, house: House, login: str = "sofia", password: str = "harbour-sofia"
    ) -> AsyncIterator[Supervisor]:
        """Sign in as the page does."""
        async with httpx.AsyncClient(base_url=house.url, timeout=WAIT_S, trust_env=False) as http:
            answer = await http.post("/sign-in", json={"login": login, "password": password})
            assert answer.status_code == 200, answer.text
            http.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield cls(http, house)

    async def post(self, path: str, **body: object) -> httpx.Response:
        """What a button or form of the page sends."""
        return await self._http.post(path, json=body)

    async def begin(self, name: str, channel: str, lines: list[str], **more: object) -> str:
        """Upload a list as a campaign of reminders and start it; its id."""
        csv = "\n".join([HEADER, *lines]) + "\n"
        body = {"name": name, "channel": channel, "flow": "reminder", "csv": csv, **more}
        made = await self.post("/campaigns", **body)
        assert made.status_code == 201, made.text
        campaign_id: str = made.json()["id"]
        started = await self.post(f"/campaigns/{campaign_id}/start")
        assert started.status_code == 200, started.text
        return campaign_id

    async def page(self, path: str) -> str:
        """The HTML of a page."""
        answer = await self._http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def outcomes(self, campaign_id: str) -> Outcomes:
        """Every attempt, read from the database."""
        store = SqlStore(self._house.store_url)
        try:
            lines = await Campaigns(store, SystemClock()).lines(campaign_id)
        finally:
            await store.stop()
        return {contact.name: attempts for contact, attempts in lines}

    async def campaign(self, campaign_id: str) -> Campaign:
        """The campaign itself, read from the database."""
        store = SqlStore(self._house.store_url)
        try:
            async with store.transaction() as tx:
                return await tx.campaigns.get(campaign_id)
        finally:
            await store.stop()

    async def outcomes_when(
        self, campaign_id: str, ready: Callable[[Outcomes], bool], wait_s: float = WAIT_S
    ) -> Outcomes:
        """The attempts once they are as wanted; a failure that shows them when they never are."""
        found: Outcomes = {}
        try:
            async with asyncio.timeout(wait_s):
                while not ready(found := await self.outcomes(campaign_id)):
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"after {wait_s:g} s the attempts are {found}") from None
        return found


def dispositions(outcomes: Outcomes) -> dict[str, list[str]]:
    """Per contact, the dispositions of its attempts; an unfinished one is ``-``."""
    return {
        name: [str(one.disposition or "-") for one in attempts]
        for name, attempts in outcomes.items()
    }


def zone_where_it_is(hour: int) -> str:
    """An IANA time zone whose clock shows that hour (of 24) at this moment."""
    east = (hour - datetime.now(UTC).hour) % 24
    if east > 14:
        east -= 24
    # In the names of these zones the sign is the wrong way round (POSIX).
    return "Etc/GMT" if east == 0 else f"Etc/GMT{-east:+d}"
