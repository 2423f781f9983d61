"""Campaigns on a real store and bus, in virtual time: who is tried, how often, and what is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bots.campaign.book import HELD_BACK, AttemptBook
from bots.campaign.runner import CampaignRunner
from bots.campaign.service import Campaigns, Plan
from router.bus.memory import MemoryBus
from router.clock import VirtualClock
from router.commands import Done, Order, PlaceCall
from router.events import AttemptFinished
from router.model import Attempt, Campaign, Channel, Disposition
from tests.fakes.ground import Ground, ground

NOON = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
FIVE = """name,phone,timezone,day
Anna,+37120000001,Europe/Riga,Monday
Boris,+37120000002,Europe/Riga,Monday
Clara,+37120000003,Europe/Riga,Monday
Dainis,+37120000004,Europe/Riga,Monday
Emily,+13105550005,America/Los_Angeles,Monday
"""
HOUR_S = 3600.0


@dataclass
class Floor(Ground[VirtualClock]):
    """An outbound process whose calls end as the test says."""

    book: AttemptBook
    desk: Campaigns
    runner: CampaignRunner
    outcomes: Mapping[str, Disposition] = field(default_factory=dict)
    dialled: list[str] = field(default_factory=list)

    async def place(self, order: Order) -> Order:
        assert isinstance(order, PlaceCall)
        assert await self.book.dialling(order.attempt_id)
        self.dialled.append(order.name)
        outcome = self.outcomes.get(order.name)
        if outcome is not None:
            answers = {"coming": "yes"} if outcome is Disposition.COMPLETED else None
            await self.book.finish(order.attempt_id, outcome, f"{outcome} in the test", answers)
        return Done()

    async def turn(self) -> datetime | None:
        await self.runner.step()
        await self.runner.settled()
        return await self.runner.step()

    async def begin(self, csv_text: str = FIVE, plan: Plan | None = None) -> Campaign:
        plan = plan or Plan(concurrency=9)
        made = await self.desk.create("Reminders", Channel.VOICE, "reminder", csv_text, plan=plan)
        await self.desk.start(made.id)
        return made

    async def attempts(self, campaign: Campaign) -> dict[str, list[Attempt]]:
        lines = await self.desk.lines(campaign.id)
        return {contact.name: attempts for contact, attempts in lines}


@pytest.fixture
async def floor(sqlite_url: str) -> AsyncIterator[Floor]:
    async with ground(sqlite_url, VirtualClock(NOON)) as below:
        store, bus, clock, relay = below.parts
        book = AttemptBook(store, clock, relay, "outbound.test")
        runner = CampaignRunner(store, book, bus, clock, alone=True)
        floor = Floor(*below.parts, book, Campaigns(store, clock), runner)
        await bus.serve("voice", floor.place)
        yield floor


async def test_campaign_of_five_each_contact_has_its_disposition_and_reason(floor: Floor) -> None:
    floor.outcomes = {
        "Anna": Disposition.COMPLETED,
        "Boris": Disposition.BUSY,
        "Clara": Disposition.NO_ANSWER,
    }
    await floor.desk.import_do_not_contact("+371 2000 0004,asked us\n")
    campaign = await floor.begin()
    due = await floor.turn()
    attempts = await floor.attempts(campaign)
    assert {name: [item.disposition for item in tried] for name, tried in attempts.items()} == {
        "Anna": ["completed"],
        "Boris": ["busy"],
        "Clara": ["no-answer"],
        "Dainis": ["do-not-contact"],
        "Emily": ["outside-window"],
    }
    assert all(item.reason for tried in attempts.values() for item in tried)
    assert attempts["Emily"][0].number == HELD_BACK
    assert sorted(floor.dialled) == ["Anna", "Boris", "Clara"]
    assert due == NOON.replace(minute=5)
    progress = await floor.desk.progress(campaign.id)
    assert progress.answers == {"coming": {"yes": 1}}
    assert (progress.reached, progress.live, progress.total) == (1, 0, 5)


async def test_campaign_retries_when_due_and_is_done_when_nobody_is_left(floor: Floor) -> None:
    floor.outcomes = {"Anna": Disposition.BUSY}
    campaign = await floor.begin("name,phone\nAnna,+37120000001\n", Plan(max_attempts=2))
    await floor.turn()
    floor.clock.forward(299)
    await floor.turn()
    assert floor.dialled == ["Anna"]
    floor.clock.forward(1)
    await floor.turn()
    assert floor.dialled == ["Anna", "Anna"]
    (tried,) = (await floor.attempts(campaign)).values()
    assert [item.number for item in tried] == [1, 2]
    progress = await floor.desk.progress(campaign.id)
    assert progress.contacts == {"exhausted": 1}
    assert progress.campaign.state == "done"


async def test_contact_put_on_the_list_between_attempts_is_left_alone(floor: Floor) -> None:
    floor.outcomes = {"Anna": Disposition.BUSY}
    campaign = await floor.begin("name,phone\nAnna,+37120000001\n")
    await floor.turn()
    await floor.desk.stop_contacting("+371 20000001", "said so to an agent")
    floor.clock.forward(HOUR_S)
    await floor.turn()
    assert floor.dialled == ["Anna"]
    (tried,) = (await floor.attempts(campaign)).values()
    assert [item.disposition for item in tried] == ["busy", "do-not-contact"]


async def test_process_dies_while_dialling_attempt_is_interrupted_and_not_repeated(
    floor: Floor,
) -> None:
    campaign = await floor.begin("name,phone\nAnna,+37120000001\n")
    await floor.turn()  # Anna's phone rings, and the process dies now
    again = CampaignRunner(floor.store, floor.book, floor.bus, floor.clock, alone=True)
    assert await again.recover(everything=True) == 1
    await again.step()
    await again.settled()
    assert floor.dialled == ["Anna"]
    (tried,) = (await floor.attempts(campaign)).values()
    assert [(item.number, item.disposition) for item in tried] == [(1, "interrupted")]
    floor.clock.forward(HOUR_S)
    await again.step()
    await again.settled()
    (tried,) = (await floor.attempts(campaign)).values()
    assert [item.number for item in tried] == [1, 2]


async def test_recover_leaves_the_calls_of_living_processes_alone(floor: Floor) -> None:
    await floor.begin("name,phone\nAnna,+37120000001\n")
    await floor.turn()
    async with floor.store.transaction() as tx:
        await tx.log.node_alive("test", floor.clock.now())
    assert await floor.runner.recover() == 0
    floor.clock.forward(HOUR_S)
    assert await floor.runner.recover() == 1


async def test_two_runners_make_one_attempt(floor: Floor) -> None:
    campaign = await floor.begin("name,phone\nAnna,+37120000001\n")
    (contact,) = [line for line, _ in await floor.desk.lines(campaign.id)]
    claims = [await floor.book.claim(campaign, contact)]
    other = AttemptBook(floor.store, floor.clock, floor.relay, "outbound.other")
    assert await other.dialling(claims[0].attempt.id if claims[0].attempt else "")
    assert not await floor.book.dialling(claims[0].attempt.id if claims[0].attempt else "")
    # The other one found the contact due before the first claim: it must not get number 2.
    assert (await other.claim(campaign, contact)).attempt is None
    await floor.turn()
    assert floor.dialled == []


async def test_finish_twice_keeps_the_first_disposition(floor: Floor) -> None:
    campaign = await floor.begin("name,phone\nAnna,+37120000001\n")
    await floor.turn()
    (tried,) = (await floor.attempts(campaign)).values()
    assert await floor.book.finish(tried[0].id, Disposition.DECLINED, "said no")
    assert not await floor.book.finish(tried[0].id, Disposition.BUSY, "too late")
    async with floor.store.transaction() as tx:
        facts = await tx.log.facts(types=[AttemptFinished])
    assert [fact.disposition for fact in facts if isinstance(fact, AttemptFinished)] == ["declined"]


async def test_paused_campaign_begins_nothing(floor: Floor) -> None:
    campaign = await floor.begin()
    await floor.desk.pause(campaign.id)
    assert await floor.turn() is None
    assert floor.dialled == []


async def test_no_voice_process_attempt_fails_with_the_reason(floor: Floor, tmp_path: Path) -> None:
    lonely = MemoryBus()
    await lonely.start()
    runner = CampaignRunner(floor.store, floor.book, lonely, floor.clock, alone=True)
    campaign = await floor.begin("name,phone\nAnna,+37120000001\n")
    await runner.step()
    await runner.settled()
    await lonely.stop()
    (tried,) = (await floor.attempts(campaign)).values()
    assert tried[0].disposition is Disposition.FAILED
    assert "voice" in tried[0].reason
