"""A whole contact centre in one process for tests: real store, real bus, real lifecycle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from router.acts.lifecycle import Lifecycle
from router.clock import SystemClock
from router.company import Company, parse_company
from router.events import Fact
from router.model import Agent, Channel, Interaction
from tests.fakes.ground import Ground, ground

COMPANY = {
    "name": "Harbourline",
    "queues": [{"id": "orders", "name": "Orders"}],
    "people": [],
    "entry": {"chat": "front-desk", "email": "front-desk", "sms": "front-desk"},
}


@dataclass
class Core(Ground[SystemClock]):
    """The parts that a channel is built on, and all facts that crossed the bus."""

    lifecycle: Lifecycle
    company: Company
    facts: list[Fact] = field(default_factory=list)

    async def note(self, fact: Fact) -> None:
        """Keep what crossed the bus."""
        self.facts.append(fact)

    async def interactions(self) -> list[Interaction]:
        """All of them, newest first."""
        async with self.store.transaction() as tx:
            return await tx.interactions.recent()

    async def to_agent(self, interaction: Interaction, agent_id: str = "ana") -> None:
        """Hand it to an agent the way the distributor does."""
        from router.acts.act import HandoffPlan
        from router.model import Handoff

        await self.add_agent(agent_id)
        plan = HandoffPlan("orders", Handoff("asked", "wants a person"))
        queued = await self.lifecycle.save_bot_turn(interaction, {}, handoff=plan)
        offer = await self.lifecycle.offer(queued, agent_id, "test")
        await self.lifecycle.accept(offer.id, agent_id)

    async def add_agent(self, agent_id: str, name: str = "Ana Ozola") -> None:
        """Somebody who can take work."""
        capacity = dict.fromkeys(Channel, 5)
        async with self.store.transaction() as tx:
            await tx.people.put_agent(Agent(agent_id, name, ("orders",), capacity=capacity))


@asynccontextmanager
async def running_core(folder: Path) -> AsyncIterator[Core]:
    """A started core on SQLite in ``folder``; starting it again there is a restart."""
    url, company = f"sqlite+aiosqlite:///{folder / 'parley.db'}", parse_company(COMPANY)
    async with ground(url, SystemClock(), sweep=True) as below:
        life = Lifecycle(below.store, company, below.clock, below.relay)
        yield Core(*below.parts, life, company)


async def until(condition: Callable[[], bool | Awaitable[bool]], timeout_s: float = 5.0) -> None:
    """Wait for something that happens in the background. Raises ``TimeoutError``."""
    async with asyncio.timeout(timeout_s):
        while True:
            met = condition()
            if not isinstance(met, bool):
                met = await met
            if met:
                return
            await asyncio.sleep(0.02)
