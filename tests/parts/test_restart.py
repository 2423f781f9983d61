"""A restart loses no figure: the agents' day and the reports are as they were (lesson: qpanel#113).

Everything but the database and the time of day is made anew, as by a process that starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.desk.floor import Floor as FloorView
from gateway.pages.reports import make_report, to_csv
from gateway.waiting_room import WaitingRoom
from router.acts.lifecycle import Lifecycle
from router.clock import VirtualClock
from router.company import Company, no_company
from router.configuration.versions import Passwords, Versions
from router.dispatch.dispatcher import Dispatcher
from router.model import (
    Arrival,
    Channel,
    EndedBy,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    Offer,
    Presence,
)
from router.rules import WorkDay
from tests.fakes.distribution import MONDAY
from tests.fakes.ground import Ground, ground

RAW: dict[str, Any] = {
    "queues": [{"id": "orders", "strategy": "least-talk-time", "wrap_up": {"mode": "mandatory"}}],
    "people": [
        {"login": "ana", "password": "password-1", "queues": ["orders"]},
        {"login": "ben", "password": "password-1", "queues": ["orders"]},
        {"login": "root", "password": "password-1", "role": "admin"},
    ],
}
PLAIN = Passwords(lambda password: f"plain {password}", lambda kept, _: bool(kept))
PATIENCE_S = 20.0
STEP_S = 20.0
"""Less than a desk may be silent."""


@dataclass
class Installation(Ground[VirtualClock]):
    """One process with every role that keeps or shows figures."""

    company: Company
    life: Lifecycle

    async def later(self, seconds: float) -> None:
        """Time goes by, and the desks are still there."""
        while seconds > 0:
            self.clock.forward(min(seconds, STEP_S))
            seconds -= STEP_S
            for agent_id in ("ana", "ben"):
                await self.life.agent_seen(agent_id)

    async def call(self, number: str) -> Interaction:
        arrival = Arrival(Channel.VOICE, Identity(IdentityKind.PHONE, number), "us")
        return (await self.life.receive(arrival)).interaction

    async def ringing(self) -> Offer:
        """The offer that rings, once the dispatcher has made it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with self.store.transaction() as tx:
                    found = await tx.interactions.ringing_offers()
                if found:
                    return found[0]
                await asyncio.sleep(0.01)

    async def talk(self, number: str, agent_id: str, talk_s: float, wrap_up_s: float) -> None:
        """The only agent who is there takes the call, talks, and files it."""
        await self.later(1)
        call = await self.call(number)
        offer = await self.ringing()
        assert offer.agent_id == agent_id
        await self.later(4)
        await self.life.accept(offer.id, agent_id)
        await self.later(talk_s)
        await self.life.end(call.id, EndedBy.CUSTOMER, "hung up")
        await self.later(wrap_up_s)
        await self.life.complete_wrap_up(call.id, agent_id, "solved")

    async def days(self) -> dict[str, WorkDay]:
        """What the strategies go by."""
        async with self.store.transaction() as tx:
            return {agent.id: agent.work_day for agent in await tx.people.agents()}

    async def figures(self) -> dict[str, Any]:
        """What supervisors see: the floor's figures of today, and the agents' report."""
        room = WaitingRoom(self.store, self.company, self.clock)
        floor = FloorView(self.store, self.company, self.clock, room)
        view = await floor.view()
        async with self.store.transaction() as tx:
            agents = await tx.people.agents()
        report = await make_report(floor.ledger, self.company, agents, "today")
        return {
            "queues": {queue["id"]: queue["figures"] for queue in view["queues"]},
            "today": {agent["id"]: agent["today"] for agent in view["agents"]},
            "agents": report.agents,
            "report": to_csv(report, {agent.id: agent.name for agent in agents}),
        }


@asynccontextmanager
async def installation(url: str, clock: VirtualClock) -> AsyncIterator[Installation]:
    """Started as ``gateway.compose`` does it: the configuration first, then the router."""
    async with ground(url, clock) as below:
        store, bus, _, relay = below.parts
        company = no_company()
        versions = Versions(store, company, clock, relay, PLAIN)
        if not await versions.load():
            await versions.seed(RAW)
        life = Lifecycle(store, company, clock, relay)
        dispatcher = Dispatcher(store, life, bus, clock, "router-1")
        await dispatcher.start()
        try:
            yield Installation(*below.parts, company, life)
        finally:
            await dispatcher.stop()


async def work(house: Installation) -> None:
    """Ana talks 300 s and declines once, ben talks 100 s and misses once, one gives up."""
    await house.life.set_presence("ana", Presence.AVAILABLE)
    await house.talk("+37120000001", "ana", talk_s=300, wrap_up_s=20)
    await house.later(1)
    left = await house.call("+37120000002")
    await house.life.reject((await house.ringing()).id, "ana")
    await house.life.set_presence("ana", Presence.AWAY, "lunch")
    await house.later(30)
    await house.life.end(left.id, EndedBy.CUSTOMER, "hung up")
    await house.life.set_presence("ben", Presence.AVAILABLE)
    await house.talk("+37120000003", "ben", talk_s=100, wrap_up_s=10)
    await house.later(60)


async def test_restart_keeps_the_agents_day_and_every_figure_of_the_reports(
    store_url: str,
) -> None:
    clock = VirtualClock(MONDAY)
    async with installation(store_url, clock) as house:
        await work(house)
        days, figures = await house.days(), await house.figures()
    assert (days["ana"].talk_s, days["ana"].handling_s, days["ana"].handled) == (300, 320, 1)
    assert (days["ben"].talk_s, days["ben"].handling_s, days["ben"].handled) == (100, 110, 1)
    orders = figures["queues"]["orders"]
    assert (orders["arrived"], orders["answered"], orders["abandoned"]) == (3, 2, 1)
    assert (figures["agents"]["ana"].rejected, figures["agents"]["ana"].handle_s) == (1, 320)

    async with installation(store_url, clock) as house:
        assert await house.days() == days
        assert await house.figures() == figures

        # And they count on: the one who has talked less is asked, though idle for a shorter time.
        await house.life.set_presence("ana", Presence.AVAILABLE)
        ana, ben = await house.agent("ana"), await house.agent("ben")
        assert ana.presence is ben.presence is Presence.AVAILABLE
        call = await house.call("+37120000004")
        offer = await house.ringing()
        assert (offer.interaction_id, offer.agent_id) == (call.id, "ben")
        await house.later(3)
        await house.life.accept(offer.id, "ben")
        await house.later(7)
        await house.life.end(call.id, EndedBy.CUSTOMER, "hung up")
        assert (await house.days())["ben"].talk_s == 107
        assert (await house.figures())["queues"]["orders"]["answered"] == 3


async def test_restart_in_the_middle_of_a_call_counts_it_once_and_whole(store_url: str) -> None:
    clock = VirtualClock(MONDAY)
    async with installation(store_url, clock) as house:
        await house.life.set_presence("ana", Presence.AVAILABLE)
        call = await house.call("+37120000001")
        offer = await house.ringing()
        await house.later(5)
        await house.life.accept(offer.id, "ana")
        await house.later(40)
    async with installation(store_url, clock) as house:
        await house.later(40)
        ended = await house.life.end(call.id, EndedBy.CUSTOMER, "hung up")
        assert ended.state is InteractionState.WRAP_UP
        await house.later(20)
        await house.life.complete_wrap_up(call.id, "ana", "solved")
        day = (await house.days())["ana"]
        assert (day.handled, day.talk_s, day.handling_s) == (1, 80, 100)
        orders = (await house.figures())["queues"]["orders"]
        assert (orders["arrived"], orders["answered"], orders["aht_s"]) == (1, 1, 100)
