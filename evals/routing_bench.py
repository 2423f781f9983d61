"""The bench ``routing``: what whole lives cost on real servers, and how soon another takes over.

One dispatcher in a process of its own, all desks and customers in this one, RabbitMQ with
quorum queues and confirms, PostgreSQL with ``fsync``; everything on this machine.

- ``lives_per_s``: arrive, offer, accept, end, wrap-up, many side by side;
- ``raw_messages_per_s``: plain aio-pika, persistent, confirmed, through a quorum queue as the
  dispatcher's group has and a classic one as the desks' have; ``raw_commits_per_s``: one-row
  commits by asyncpg;
- ``bound_lives_per_s``: what these allow when a life needs nothing but its five commits and
  five messages: both need the same processors, so their times add up; ``share_of_bound``;
- ``offer_ms_p50``, ``offer_ms_p99``: from the committed arrival to the desk that rings, at a
  steady rate of arrivals;
- ``failover_s``: the longer of ``killed_s`` and ``frozen_s``, from the moment when the active
  dispatcher is killed or stopped until the next offer rings;
- ``failover_10k_s``: the same after a kill while 10,000 wait, whom the next one has to load;
- ``bytes_per_waiting``, ``bytes_per_agent``: what the active dispatcher keeps of each.
"""

from __future__ import annotations

import asyncio
import signal
import time
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from random import Random

from evals import routing_rig as rig
from evals.bench import Bench
from evals.routing_raw import raw_commits_per_s, raw_messages_per_s
from evals.statistics import percentile
from router.dispatch.view import View
from router.garbage import collect_rarely
from router.model import Channel, Direction, Interaction, InteractionState

AT_LEAST = {"lives_per_s": 150.0, "share_of_bound": 0.5}
AT_MOST = {"offer_ms_p99": 50.0, "failover_s": 5.0, "failover_10k_s": 5.0}
COMMITS_PER_LIFE = 5
"""It arrives, is offered, is accepted, ends, is filed: each is durable before it is told."""
MESSAGES_PER_LIFE = 5
"""What each of these steps tells the others."""
CALLERS = 3_000
"""Customers call again: after so many lives everybody is known."""
WARM = 50
"""Lives before anything is measured: statements are prepared, connections open."""
STEADY_S = 2.0
"""A standby has joined the group by then."""
MS = 1000.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    agents: int = 2_000
    at_once: int = 64
    lives_s: float = 15.0
    raw_s: float = 6.0
    rate: float = 50.0
    arrivals_s: float = 20.0
    crowd: int = 10_000
    """Those who wait while another takes over."""
    kept: int = 10_000
    """Waiting ones, and a fifth as many agents, whose memory is measured."""


async def run(effort: Effort = Effort()) -> Bench:
    """Measure everything; about two minutes."""
    with rig.machines() as machines:
        messages = await raw_messages_per_s(machines.fresh().rabbit_url, effort.raw_s)
        commits = await raw_commits_per_s(machines.fresh().database_url, effort.raw_s)
        lives, offers_ms = await _lives_and_offers(machines.fresh(), effort)
        takeovers = await _takeovers(machines.fresh(), effort)
        crowded_s = await _takeover_in_a_crowd(machines.fresh(), effort)
    bound = 1 / (MESSAGES_PER_LIFE / messages + COMMITS_PER_LIFE / commits)
    return Bench(
        "routing",
        {
            "lives_per_s": lives,
            "raw_messages_per_s": messages,
            "raw_commits_per_s": commits,
            "bound_lives_per_s": bound,
            "share_of_bound": lives / bound,
            "offer_ms_p50": percentile(offers_ms, 0.5),
            "offer_ms_p99": percentile(offers_ms, 0.99),
            "failover_s": max(takeovers.values()),
            **takeovers,
            "failover_10k_s": crowded_s,
            **memory(effort.kept),
        },
        {"agents": str(effort.agents), "arrivals": f"{effort.rate:g}/s"},
        {
            "lives_per_s": f"{effort.at_once} side by side for {effort.lives_s:g} s",
            "bound_lives_per_s": f"{MESSAGES_PER_LIFE} messages and {COMMITS_PER_LIFE} commits",
            "offer_ms_p99": f"{len(offers_ms)} offers",
            "failover_10k_s": f"{effort.crowd} wait",
            "bytes_per_waiting": f"{effort.kept} wait",
        },
    )


async def _lives_and_offers(servers: rig.Servers, effort: Effort) -> tuple[float, list[float]]:
    """Lives per second as fast as they go; milliseconds to each offer at the steady rate."""
    async with rig.floor(servers) as here:
        desks = await _opened(here, effort)
        child = await rig.Child.start(servers, "one")
        try:
            await asyncio.gather(*(desks.live(number) for number in range(WARM)))
            collect_rarely()
            # First the steady rate: the servers still work off a flood when it is over.
            offers_ms = await _offers_ms(desks, effort)
            return await _lives_per_s(desks, effort), offers_ms
        finally:
            await child.stop()


async def _opened(here: rig.Floor, effort: Effort) -> rig.Desks:
    await rig.staff(here, effort.agents)
    desks = rig.Desks(here)
    await desks.start()
    return desks


async def _lives_per_s(desks: rig.Desks, effort: Effort) -> float:
    began = time.perf_counter()
    numbers, lived = count(1), 0

    async def one_after_the_other() -> None:
        nonlocal lived
        while time.perf_counter() - began < effort.lives_s:
            await desks.live(next(numbers) % CALLERS + 1)
            lived += 1

    await asyncio.gather(*(one_after_the_other() for _ in range(effort.at_once)))
    return lived / (time.perf_counter() - began)


async def _offers_ms(desks: rig.Desks, effort: Effort) -> list[float]:
    taken: list[float] = []

    async def call(number: int) -> None:
        arrived = await desks.call(number)
        since = time.perf_counter()
        offer = await desks.ring(arrived.id)
        taken.append((time.perf_counter() - since) * MS)
        await desks.handle(offer)

    async with asyncio.TaskGroup() as calls:
        async for number in _arrivals(effort.rate, effort.arrivals_s):
            calls.create_task(call(number))
    return taken


async def _arrivals(rate: float, seconds: float) -> AsyncIterator[int]:
    """Numbers at random moments, ``rate`` of them in a second."""
    chance, due = Random(1), time.perf_counter()
    end = due + seconds
    for number in count(1):
        due += chance.expovariate(rate)
        if due > end:
            return
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        yield number


# -- another takes over ------------------------------------------------------------------


async def _takeovers(servers: rig.Servers, effort: Effort) -> Mapping[str, float]:
    """Seconds without an offer when the active dispatcher is killed, and when it is stopped."""
    async with rig.floor(servers) as here:
        desks = await _opened(here, effort)
        children = {name: await rig.Child.start(servers, name) for name in ("one", "two")}
        try:
            async with _stream(desks, effort.rate / 2):
                killed = await _pause_s(here, desks, children, signal.SIGKILL)
                children["three"] = await rig.Child.start(servers, "three")
                frozen = await _pause_s(here, desks, children, signal.SIGSTOP)
        finally:
            for child in children.values():
                await child.stop()
    return {"killed_s": killed, "frozen_s": frozen}


async def _takeover_in_a_crowd(servers: rig.Servers, effort: Effort) -> float:
    """Seconds without an offer when the active one is killed while very many wait."""
    async with rig.floor(servers) as here:
        desks = await _opened(here, effort)
        async with here.store.transaction() as tx:
            for number in range(effort.crowd):
                await tx.interactions.add(_waiting(number))
        children = {name: await rig.Child.start(servers, name) for name in ("one", "two")}
        try:
            async with _stream(desks, effort.rate / 2):
                return await _pause_s(here, desks, children, signal.SIGKILL)
        finally:
            for child in children.values():
                await child.stop()


async def _pause_s(
    here: rig.Floor, desks: rig.Desks, children: dict[str, rig.Child], what: signal.Signals
) -> float:
    await asyncio.sleep(STEADY_S)
    child = children[await rig.who_decides(here)]
    since, moment = time.perf_counter(), datetime.now(UTC)
    child.signal(what)
    await desks.ring_made_after(moment)
    pause = time.perf_counter() - since
    await child.stop()
    return pause


@asynccontextmanager
async def _stream(desks: rig.Desks, rate: float) -> AsyncIterator[None]:
    """People call at this rate while the block runs; every one is served to the end."""
    calls: list[asyncio.Task[None]] = []

    async def come() -> None:
        async for number in _arrivals(rate, float("inf")):
            calls.append(asyncio.create_task(desks.live(number)))

    coming = asyncio.create_task(come())
    try:
        yield
        coming.cancel()
        await asyncio.gather(*calls)
    finally:
        coming.cancel()
        for call in calls:
            call.cancel()
        await asyncio.gather(coming, *calls, return_exceptions=True)


# -- memory ------------------------------------------------------------------------------


def memory(waiting: int) -> Mapping[str, float]:
    """Bytes that the dispatcher's view keeps for each waiting interaction and each agent."""
    agents = [rig.agent(number, datetime.now(UTC)) for number in range(max(1, waiting // 5))]
    view = View(1, rig.company(), Random(1).random)
    tracemalloc.start()
    try:
        for agent in agents:
            view.put_agent(agent)
        per_agent = tracemalloc.get_traced_memory()[0] / len(agents)
        before = tracemalloc.get_traced_memory()[0]
        for number in range(waiting):
            item = _waiting(number)
            view.place(item, ())
            view.join(item)
        per_waiting = (tracemalloc.get_traced_memory()[0] - before) / waiting
    finally:
        tracemalloc.stop()
    return {"bytes_per_waiting": per_waiting, "bytes_per_agent": per_agent}


def _waiting(number: int) -> Interaction:
    now = datetime.now(UTC)
    return Interaction(
        id=f"{number:032x}",
        channel=Channel.VOICE,
        direction=Direction.INBOUND,
        customer_id=f"customer-{number}",
        conversation_id=f"conversation-{number}",
        address=f"+371{number:08d}",
        service_address="frontdesk",
        state=InteractionState.WAITING,
        created_at=now,
        queue=rig.EMPTY_QUEUE,
        joined_at=now,
        version=1,
    )
