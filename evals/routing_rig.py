"""The rig of the routing bench: real servers, a floor full of agents, dispatchers in processes.

Everything is private and on loopback. PostgreSQL keeps its durable defaults (fsync on);
RabbitMQ's groups are quorum queues and every publication waits for its confirm.
``python -m evals.routing_rig NODE`` is one dispatcher; its servers come from the environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import uvloop

from gateway.settings import Settings
from router import events
from router.acts.lifecycle import DISPATCHER, Lifecycle
from router.acts.waiting import Waiting
from router.bus.link import HEARTBEAT_S
from router.bus.rabbit import RabbitBus
from router.clock import SystemClock
from router.company import Company, parse_company
from router.dispatch.dispatcher import Dispatcher
from router.events import Fact, OfferMade
from router.garbage import collect_rarely
from router.model import (
    Agent,
    Arrival,
    Channel,
    EndedBy,
    Identity,
    IdentityKind,
    Interaction,
    Presence,
)
from router.relay import Relay
from router.store.sql import SqlStore
from tests import services

READY = b"ready"
READY_WITHIN_S = 60.0
OFFER_WITHIN_S = 30.0
DESK_FACTS = (
    events.OfferMade,
    events.OfferAccepted,
    events.OfferRejected,
    events.OfferExpired,
    events.OfferWithdrawn,
    events.InteractionQueued,
    events.InteractionEnded,
    events.WrapUpCompleted,
    events.PresenceChanged,
)
CHILD = ("-m", "evals.routing_rig")
QUEUE, EMPTY_QUEUE = "calls", "nobody"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where a fresh virtual host and a fresh database are."""

    rabbit_url: str
    database_url: str

    @property
    def env(self) -> dict[str, str]:
        """For a child process."""
        return {**os.environ, "RIG_RABBIT": self.rabbit_url, "RIG_DATABASE": self.database_url}


@dataclass(frozen=True, slots=True)
class Machines:
    """The running servers; each measurement takes fresh ground on them."""

    rabbit: services.Rabbit
    postgres: services.Postgres

    def fresh(self) -> Servers:
        """An empty virtual host and an empty database."""
        return Servers(self.rabbit.fresh_vhost(), self.postgres.fresh_database())


@contextmanager
def machines() -> Iterator[Machines]:
    """RabbitMQ and a durable PostgreSQL for the length of a block."""
    with services.rabbit() as rabbit, services.postgres(durable=True) as postgres:
        yield Machines(rabbit, postgres)


def company() -> Company:
    """Two queues, no bot: whoever calls waits for a person. Nobody works in the second."""
    queue = {"wrap_up": {"mode": "limited", "limit_s": 600}, "offer_s": {"voice": 60}}
    raw = {"queues": [{"id": QUEUE, **queue}, {"id": EMPTY_QUEUE, **queue}], "people": []}
    return parse_company(raw)


class Floor:
    """One process's share of an installation: store, bus, relay and the acts."""

    def __init__(self, servers: Servers, heartbeat_s: int = HEARTBEAT_S) -> None:
        self.clock = SystemClock()
        self.company = company()
        self.store = SqlStore(servers.database_url)
        self.bus = RabbitBus(servers.rabbit_url, heartbeat_s=heartbeat_s)
        self.relay = Relay(self.store, self.bus, self.clock)
        self.life = Lifecycle(self.store, self.company, self.clock, self.relay)

    async def start(self, *, sweep: bool) -> None:
        """Connect; the first one makes the tables."""
        await self.store.start()
        await self.bus.start()
        await self.relay.start(sweep=sweep)

    async def stop(self) -> None:
        """Disconnect."""
        await self.relay.stop()
        await self.bus.stop()
        await self.store.stop()


@asynccontextmanager
async def floor(
    servers: Servers, heartbeat_s: int = HEARTBEAT_S, *, sweep: bool = False
) -> AsyncIterator[Floor]:
    """A started one for the length of a block."""
    made = Floor(servers, heartbeat_s)
    await made.start(sweep=sweep)
    try:
        yield made
    finally:
        await made.stop()


async def who_decides(on: Floor) -> str:
    """The node that holds the dispatcher's lease; "" at the very beginning."""
    async with on.store.transaction() as tx:
        return await tx.leases.holder(DISPATCHER) or ""


async def staff(on: Floor, count: int) -> None:
    """Sign ``count`` agents in."""
    now = datetime.now(UTC)
    async with on.store.transaction() as tx:
        for number in range(count):
            await tx.people.put_agent(agent(number, now))


def agent(number: int, now: datetime) -> Agent:
    """One who takes a call at a time, and whose desk is never silent."""
    return Agent(
        id=f"agent-{number:05d}",
        name=f"Agent {number:05d}",
        queues=(QUEUE,),
        skills={"en": 3},
        capacity={Channel.VOICE: 1},
        presence=Presence.AVAILABLE,
        presence_since=now,
        idle_since=now,
        seen_at=now.replace(year=now.year + 1),
    )


class Desks:
    """All agents' desks in one: takes what rings, ends it and files it."""

    def __init__(self, on: Floor) -> None:
        self._on = on
        self._rings: dict[str, asyncio.Future[OfferMade]] = {}
        self._newest: datetime | None = None
        self._rang = asyncio.Event()

    async def start(self) -> None:
        """Listen to the facts as the desk does."""
        await self._on.bus.subscribe("desk", self._hear, DESK_FACTS, lasting=False)

    async def call(self, number: int) -> Interaction:
        """A customer calls, and waits when this returns."""
        identity = Identity(IdentityKind.PHONE, f"+371{number:08d}")
        arrival = Arrival(Channel.VOICE, identity, "frontdesk")
        return (await self._on.life.receive(arrival)).interaction

    async def ring(self, interaction_id: str) -> OfferMade:
        """Wait until it rings somewhere."""
        async with asyncio.timeout(OFFER_WITHIN_S):
            return await self._ringing(interaction_id)

    async def ring_made_after(self, moment: datetime) -> None:
        """Wait until something rings that was offered later than that."""
        async with asyncio.timeout(OFFER_WITHIN_S):
            while self._newest is None or self._newest <= moment:
                self._rang.clear()
                await self._rang.wait()

    async def handle(self, offer: OfferMade) -> None:
        """Accept, end and file."""
        self._rings.pop(offer.interaction_id, None)
        life = self._on.life
        await life.accept(offer.offer_id, offer.agent_id)
        await life.end(offer.interaction_id, EndedBy.CUSTOMER, "left")
        await life.complete_wrap_up(offer.interaction_id, offer.agent_id, "resolved")

    async def live(self, number: int) -> None:
        """A whole life."""
        interaction = await self.call(number)
        await self.handle(await self.ring(interaction.id))

    def _ringing(self, interaction_id: str) -> asyncio.Future[OfferMade]:
        found = self._rings.get(interaction_id)
        if found is None:
            found = self._rings[interaction_id] = asyncio.get_running_loop().create_future()
        return found

    async def _hear(self, fact: Fact) -> None:
        if isinstance(fact, OfferMade):
            self._newest = max(self._newest or fact.at, fact.at)
            self._rang.set()
            ringing = self._ringing(fact.interaction_id)
            if not ringing.done():
                ringing.set_result(fact)


class Child:
    """A dispatcher in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, servers: Servers, node: str) -> Child:
        """Return once it takes part."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *CHILD,
            node,
            env=servers.env,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN_S)
        if line.strip() != READY:
            raise RuntimeError(f"the dispatcher {node} did not start")
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Kill it, freeze it or wake it."""
        self._process.send_signal(number)

    async def stop(self) -> None:
        """End it, however it stands."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 15)
            except TimeoutError:
                self._process.kill()
        await self._process.wait()


async def serve(node: str) -> None:
    """Dispatch until asked to stop."""
    servers = Servers(os.environ["RIG_RABBIT"], os.environ["RIG_DATABASE"])
    heartbeat_s = Settings().router_heartbeat_s
    async with floor(servers, heartbeat_s, sweep=True) as mine:
        waiting = Waiting(mine.store, mine.company, mine.clock, mine.relay)
        dispatcher = Dispatcher(mine.store, mine.life, mine.bus, mine.clock, node, waiting)
        await dispatcher.start()
        collect_rarely()  # as the gateway does
        sys.stdout.buffer.write(READY + b"\n")
        sys.stdout.flush()
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        await over.wait()
        await dispatcher.stop()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
