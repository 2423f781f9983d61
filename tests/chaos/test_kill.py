"""SIGKILL of the whole process: who waited still waits, who was handled still is."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.demo.desk_client import DeskClient, View
from router.model import Interaction, InteractionState
from tests.house import WAIT_S, House, house
from tests.texting import text_in

COMPANY = Path(__file__).parents[1] / "data" / "company_small.yaml"
CUSTOMERS = 12

pytestmark = [pytest.mark.slow, pytest.mark.peer]


@pytest.fixture
def small_house(tmp_path: Path, store_url: str) -> Iterator[House]:
    extra = {"PARLEY_COMPANY": str(COMPANY)}
    if store_url.startswith("postgresql"):
        extra["DATABASE_URL"] = store_url
    data = tmp_path / "house"
    data.mkdir()
    with house(data, "embedded", extra) as running:
        yield running


async def found(running: House, ready: Callable[[list[Interaction]], bool]) -> list[Interaction]:
    """All interactions once they are as wanted, in the order in which they joined."""
    async with asyncio.timeout(WAIT_S):
        while True:
            everything = [
                one for one in await running.newest(100) if one.address.startswith("+3712777")
            ]
            if ready(everything):
                return sorted(everything, key=lambda one: one.joined_at or one.created_at)
            await asyncio.sleep(0.1)


def in_state(items: list[Interaction], state: InteractionState) -> list[str]:
    return [one.id for one in items if one.state is state]


async def take_next(running: House, login: str) -> tuple[DeskClient, str]:
    """Sign in, be available, accept what rings."""
    desk = await DeskClient.sign_in(running.url, login, f"pw-{login}", WAIT_S)
    await desk.ask("presence", presence="available")
    offer: View = (await desk.next("offer"))["offer"]
    await desk.ask("accept", offer_id=offer["id"])
    return desk, offer["interaction_id"]


async def test_kill_loses_nobody_and_keeps_the_order(small_house: House) -> None:
    for n in range(CUSTOMERS):
        answer = text_in(small_house, f"+371277700{n:02}", "I want to talk to an agent please")
        assert answer.status_code == 200
    waiting = await found(
        small_house, lambda all_: len(in_state(all_, InteractionState.WAITING)) == CUSTOMERS
    )
    order = [one.id for one in waiting]
    ana, first = await take_next(small_house, "ana")
    ben, second = await take_next(small_house, "ben")
    assert {first, second} == set(order[:2])

    small_house.kill("embedded")
    await ana.close()
    await ben.close()
    small_house.start()

    after = await found(small_house, lambda all_: len(all_) == CUSTOMERS)
    assert in_state(after, InteractionState.WAITING) == order[2:]
    assert sorted(in_state(after, InteractionState.AGENT)) == sorted([first, second])

    # The agent comes back to the same conversation, finishes it, and gets the next in line.
    desk = await DeskClient.sign_in(small_house.url, "ana", "pw-ana", WAIT_S)
    snapshot = await desk.next("snapshot")
    assert [card["id"] for card in snapshot["work"]] == [first]
    await desk.ask("send", interaction_id=first, draft_id="d1", text="Sorry, here I am again")
    await desk.ask("end", interaction_id=first)
    await desk.ask("wrap-up", interaction_id=first, disposition="resolved")
    await desk.ask("presence", presence="available")
    offer = (await desk.next("offer"))["offer"]
    assert offer["interaction_id"] == order[2]
    await desk.close()
