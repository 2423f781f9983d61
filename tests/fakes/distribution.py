"""The acts on a real store with a clock of their own, and what tests of them do again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from router.acts.callbacks import Callbacks
from router.acts.consults import Consults
from router.acts.lifecycle import Lifecycle
from router.acts.parties import Party, TransferOutcome
from router.acts.transfers import Transfers
from router.acts.waiting import Waiting
from router.clock import VirtualClock
from router.commands import DialResult, Order
from router.company import Company, parse_company
from router.events import Fact
from router.model import (
    Arrival,
    Channel,
    Identity,
    IdentityKind,
    Interaction,
    Presence,
)
from tests.fakes.ground import Ground, ground

F = TypeVar("F", bound=Fact)

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOME = "voice.test"
NUMBER = "+37120000001"
COMPANY: dict[str, Any] = {
    "name": "Test",
    "default_queue": "orders",
    "pause_codes": ["lunch", "training"],
    "queues": [
        {"id": "orders", "name": "Orders", "wrap_up": {"mode": "none"}},
        {"id": "billing", "name": "Billing", "wrap_up": {"mode": "mandatory"}},
    ],
    "people": [
        {"login": "ana", "name": "Ana", "password": "pw-ana-1", "queues": ["orders"]},
        {"login": "ben", "name": "Ben", "password": "pw-ben-1", "queues": ["orders", "billing"]},
        {"login": "cleo", "name": "Cleo", "password": "pw-cleo-1", "queues": ["billing"]},
    ],
}


@dataclass
class ScriptedLine:
    """The process that owns the calls: dials as it is told and remembers what it was asked."""

    outcome: TransferOutcome = TransferOutcome.ANSWERED
    cause: int | None = None
    asked: list[Order] = field(default_factory=list)

    async def obey(self, order: Order) -> Order:
        self.asked.append(order)
        return DialResult(outcome=self.outcome, cause=self.cause, detail="as scripted")


@dataclass
class Floor(Ground[VirtualClock]):
    """Every kind of act."""

    company: Company
    life: Lifecycle
    transfers: Transfers
    consults: Consults
    waiting: Waiting
    callbacks: Callbacks
    line: ScriptedLine

    async def arrive(
        self, channel: Channel = Channel.VOICE, value: str = NUMBER, home: str = HOME
    ) -> Interaction:
        """A customer's contact, without a bot: waiting in the default queue."""
        kind = {
            Channel.VOICE: IdentityKind.PHONE,
            Channel.SMS: IdentityKind.PHONE,
            Channel.EMAIL: IdentityKind.EMAIL,
        }.get(channel, IdentityKind.COOKIE)
        owner = home if channel is Channel.VOICE else ""
        arrival = Arrival(channel, Identity(kind, value), "us", home=owner)
        return (await self.life.receive(arrival)).interaction

    async def give(self, interaction: Interaction, agent_id: str) -> Interaction:
        """The agent is offered it and takes it."""
        offer = await self.life.offer(await self.get(interaction.id), agent_id, "test")
        return await self.life.accept(offer.id, agent_id)

    async def handled(
        self, agent_id: str = "ana", channel: Channel = Channel.VOICE, wait_s: float = 0
    ) -> Interaction:
        """A customer's contact that the agent handles after ``wait_s``."""
        arrived = await self.arrive(channel)
        self.clock.forward(wait_s)
        return await self.give(arrived, agent_id)

    async def sign_in(self, *agent_ids: str) -> None:
        for agent_id in agent_ids:
            await self.life.set_presence(agent_id, Presence.AVAILABLE)

    async def parties(self, interaction_id: str) -> list[Party]:
        async with self.store.transaction() as tx:
            return await tx.parties.of(interaction_id)

    async def of(self, interaction_id: str, kind: type[F]) -> list[F]:
        """The facts of one kind about one interaction."""
        return [fact for fact in await self.logged(interaction_id) if isinstance(fact, kind)]

    async def due(self, interaction: Interaction) -> Interaction:
        """Carry out what is due now, again and again until nothing is, as the dispatcher does."""
        for _ in range(10):
            now = self.clock.now()
            current = await self.get(interaction.id)
            queue = self.company.queue(current.queue or self.company.default_queue)
            check = self.waiting.next_check(current, queue, now)
            await self.waiting.due(current.id, now)
            after = await self.get(interaction.id)
            if check is None or check > now or after.version == current.version:
                return after
        raise AssertionError("something is due for ever")


@asynccontextmanager
async def running_floor(url: str, company: dict[str, Any] | None = None) -> AsyncIterator[Floor]:
    """Started, with the company's agents in the store, all signed out."""
    parsed, line = parse_company(company or COMPANY), ScriptedLine()
    async with ground(url, VirtualClock(MONDAY)) as below:
        store, bus, clock, relay = below.parts
        await bus.serve(HOME, line.obey)
        async with store.transaction() as tx:
            for person in parsed.people:
                if person.agent is not None:
                    await tx.people.put_agent(replace(person.agent, presence=Presence.OFFLINE))
        base = (store, parsed, clock, relay)
        yield Floor(
            *below.parts,
            parsed,
            Lifecycle(*base),
            Transfers(*base, bus),
            Consults(*base, bus),
            Waiting(*base),
            Callbacks(*base),
            line,
        )
