"""The operator and the dead letters, over HTTP, on a real RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from router.bus.delivery import Retry
from router.bus.rabbit import RabbitBus
from router.events import DeadLetterDiscarded, Fact, HoldStarted
from tests.browser.desk_house import PASSWORD, DeskHouse, desk_house

pytestmark = pytest.mark.peer

GROUP = "reports.night"
PATIENCE_S = 20.0


class Mending:
    """A group's handler that fails until it is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.took: list[str] = []

    async def __call__(self, fact: Fact) -> None:
        assert isinstance(fact, HoldStarted)
        if not self.mended:
            raise ValueError(f"no column for {fact.agent_id}")
        self.took.append(fact.agent_id)


@pytest.fixture
async def house(rabbit_url: str, tmp_path: Path) -> AsyncIterator[DeskHouse]:
    """The desk's server on RabbitMQ, with a group that gives up at once."""
    bus = RabbitBus(rabbit_url, retry=Retry(max_deliveries=2, pauses_s=(0.001,)))
    async with desk_house(tmp_path, bus=bus) as started:
        yield started


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await check():
            await asyncio.sleep(0.05)


async def operator(house: DeskHouse, http: httpx.AsyncClient, login: str = "adam") -> None:
    """Sign in; every later request carries the token."""
    answer = await http.post("/sign-in", json={"login": login, "password": PASSWORD})
    http.headers["X-CSRF-Token"] = answer.json()["csrf"]


async def test_letters_are_listed_discarded_with_a_note_and_given_back(house: DeskHouse) -> None:
    handler = Mending()
    await house.bus.subscribe(GROUP, handler, [HoldStarted])
    now = datetime.now(UTC)
    about = "f" * 32
    facts = [HoldStarted(at=now, interaction_id=about, agent_id=name) for name in ("a", "b", "c")]
    await house.bus.publish(facts)
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as http:
        await operator(house, http)

        async def listed() -> list[dict[str, str]]:
            found: list[dict[str, str]] = (await http.get("/api/dead-letters")).json()
            return found

        async def three() -> bool:
            return len(await listed()) == 3

        await until(three)
        newest = (await listed())[0]
        assert (newest["group"], newest["type"]) == (GROUP, "HoldStarted")
        assert newest["reason"] == "ValueError: no column for c"
        assert newest["interaction_id"] == about
        assert '"agent_id": "c"' in newest["body"]
        assert now <= datetime.fromisoformat(newest["at"]) <= datetime.now(UTC)

        address = f"/api/dead-letters/{quote(newest['id'], safe='')}"
        without = await http.post(f"{address}/discard", json={"note": ""})
        assert without.status_code == 400
        gone = await http.post(f"{address}/discard", json={"note": "sent twice by the import"})
        assert gone.json() == {"discarded": 1}
        again = await http.post(f"{address}/discard", json={"note": "and once more"})
        assert (again.status_code, again.json()["title"]) == (404, "No such letter")

        handler.mended = True
        replay = await http.post(f"/api/dead-letters/groups/{GROUP}/replay")
        assert replay.json() == {"replayed": 2}

        async def both() -> bool:
            return sorted(handler.took) == ["a", "b"]

        await until(both)
        assert await listed() == []
    async with house.store.transaction() as tx:
        (kept,) = await tx.log.facts(types=[DeadLetterDiscarded])
    assert isinstance(kept, DeadLetterDiscarded)
    assert (kept.note, kept.account_id) == ("sent twice by the import", "adam")
    assert kept.interaction_id == about


async def test_only_an_administrator_sees_letters_and_only_with_the_token(
    house: DeskHouse,
) -> None:
    async with httpx.AsyncClient(base_url=house.url, timeout=30) as http:
        assert (await http.get("/api/dead-letters")).status_code == 401
        await operator(house, http, "sofia")
        assert (await http.get("/api/dead-letters")).status_code == 403
        await operator(house, http, "adam")
        del http.headers["X-CSRF-Token"]
        refused = await http.post(f"/api/dead-letters/groups/{GROUP}/replay")
    assert refused.status_code == 403
