"""The bench ``reports``: what watching costs on a busy day (lessons.md, 25).

A process of the role ``web`` on SQLite with 50 agents, 200 open interactions and a day of
20,000 behind it; 30 pages watch the floor while four more interactions a second come and go:

- ``first_ms``, ``first_processor_ms``: the first look of all, which counts the day; a process
  that comes later begins at the last checkpoint;
- ``floor_ms_p95``: from asking for the queues with their figures to the answer;
- ``reports_ms_p95``: the same for ``/reports``, today and the last seven days in turns;
- ``processor_percent``: of one core, of the whole process, meanwhile;
- ``growth``: processor time per look at the ledger with 4,000 interactions behind it over that
  with 200.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from websockets.asyncio.client import ClientConnection, connect

from evals.bench import Bench
from evals.installation import DEMO_COMPANY, Installation, always_open
from evals.judges import P95
from evals.statistics import percentile
from gateway.desk.ledger import FRESH_S, Ledger, day_start
from gateway.roles import WEB
from router import events
from router.clock import VirtualClock
from router.company import Company, parse_company
from router.events import Fact
from router.model import Channel, Customer, Direction, Interaction, InteractionState, new_id
from router.store.sql import SqlStore

AT_MOST = {
    "floor_ms_p95": 1000.0,
    "reports_ms_p95": 1000.0,
    "processor_percent": 50.0,
    "growth": 2.0,
}
AGENTS, VIEWS, LIVES, LIVE = 50, 30, 20_000, 200
PER_S = 4
WATCHED_S = 25.0
PATIENCE_S = 300.0
ASK_EVERY_S = 0.25
LOOKS = 40
MANY, FEW = 4_000, 200
CHUNK = 500
MAX_VIEW = 16 * 1024 * 1024
SUPERVISOR = {"login": "sofia", "password": "harbour-sofia"}
CHANNELS = (Channel.VOICE, Channel.CHAT, Channel.EMAIL, Channel.SMS)
LONG_S = 100
"""A written life: it joins, waits ten seconds and is over after this."""
MS = 1000


async def run() -> Bench:
    """Measure everything; about two minutes, most of them for making the day."""
    growth = await grown()
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        data = Path(folder)
        company = staffed(data)
        store = SqlStore(f"sqlite+aiosqlite:///{data / 'parley.db'}")
        await store.start()
        await write_day(store, day_start(datetime.now(UTC), company), datetime.now(UTC), LIVES)
        await write_live(store)
        await store.stop()
        env = {"PARLEY_COMPANY": str(data / "company.yaml")}
        running = await Installation.start(data, env=env, role=WEB)
        try:
            figures, notes = await watched(running)
        finally:
            await running.stop()
    size = {"agents": str(AGENTS), "views": str(VIEWS), "interactions": f"{LIVES:,} today"}
    return Bench("reports", {**figures, "growth": growth}, size, notes)


def staffed(data: Path) -> Company:
    """The demo company with so many agents more, written into the folder."""
    path = always_open(DEMO_COMPANY, data)
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    for number in range(AGENTS - sum("queues" in each for each in raw["people"])):
        name = f"agent-{number}"
        raw["people"].append({"login": name, "password": name, "queues": ["orders"]})
        raw["people"][-1]["skills"] = {"orders": 3}
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return parse_company(raw)


# -- the day -------------------------------------------------------------------------------


async def write_day(store: SqlStore, begin: datetime, end: datetime, lives: int) -> None:
    """So many lives between two times, in the log and already sent."""
    step = (end - begin - timedelta(seconds=LONG_S)) / lives
    facts = [fact for n in range(lives) for fact in life(n, begin + n * step)]
    facts.sort(key=lambda fact: fact.at)
    for first in range(0, len(facts), CHUNK):
        chunk = facts[first : first + CHUNK]
        async with store.transaction() as tx:
            await tx.log.append(chunk)
            await tx.log.sent([fact.id for fact in chunk])


def life(number: int, begin: datetime) -> list[Fact]:
    """Asked the bot, was handed over, waited, was helped, filed; one in ten gave up."""
    channel = CHANNELS[number % len(CHANNELS)]
    queue = ("orders", "billing", "technical")[number % 3]
    agent, gave_up = f"agent-{number % (AGENTS - 10)}", number % 10 == 0
    one, waited_s = new_id(), float(number % 50)
    about: dict[str, Any] = {"interaction_id": one}
    offer: dict[str, Any] = {"offer_id": one, "agent_id": agent, "queue": queue}
    answer = begin + timedelta(seconds=20 + waited_s)
    over = begin + timedelta(seconds=LONG_S)
    left: dict[str, Any] = {"channel": channel, "reason": "", "queue": queue, **about}
    arrived = events.InteractionArrived(
        **about,
        at=begin,
        channel=channel,
        direction=Direction.INBOUND,
        customer_id=new_id(),
        conversation_id=new_id(),
        address="",
    )
    joined = begin + timedelta(seconds=20)
    facts: list[Fact] = [
        arrived,
        events.BotStarted(**about, at=begin, channel=channel, flow="front-desk"),
        events.HandoffRequested(**about, at=joined, reason="asked", queue=queue),
        events.InteractionQueued(**about, at=joined, queue=queue, channel=channel),
    ]
    if gave_up:
        values: dict[str, Any] = {"was": "waiting", "waited_s": waited_s, "ended_by": "customer"}
        return [*facts, events.InteractionEnded(**left, **values, at=answer)]
    return [
        *facts,
        events.OfferMade(**about, **offer, at=answer, channel=channel, expires_at=over),
        events.OfferAccepted(**about, **offer, at=answer, channel=channel, waited_s=waited_s),
        events.InteractionEnded(
            **left, at=over, ended_by="agent", was="agent", agent_id=agent, wraps_up=True
        ),
        events.WrapUpCompleted(
            **about, at=over, agent_id=agent, queue=queue, disposition="resolved"
        ),
    ]


async def write_live(store: SqlStore) -> None:
    """Interactions that agents have in hand, each of another customer."""
    now = datetime.now(UTC)
    async with store.transaction() as tx:
        for number in range(LIVE):
            customer = Customer(new_id(), f"Customer {number}", created_at=now)
            await tx.people.add_customer(customer)
            item = Interaction(
                id=new_id(),
                channel=Channel.EMAIL,
                direction=Direction.INBOUND,
                customer_id=customer.id,
                conversation_id=new_id(),
                address=f"c{number}@example.com",
                service_address="help@example.com",
                state=InteractionState.AGENT,
                created_at=now,
                queue="orders",
                joined_at=now,
                accepted_at=now,
                agent_id=f"agent-{number % (AGENTS - 10)}",
            )
            await tx.interactions.add(item)


# -- watching ------------------------------------------------------------------------------


async def watched(running: Installation) -> tuple[dict[str, float], dict[str, str]]:
    """The figures of a while in which pages watch and work goes on."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=running.url, timeout=PATIENCE_S)
        )
        await loaded(http)
        csrf = (await http.post("/sign-in", json=SUPERVISOR)).json()["csrf"]
        cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        spent = processor_s(running.pid)
        first_ms = await asked(http, "/api/queues")
        first_processor_ms = (processor_s(running.pid) - spent) * MS
        seen = [await stack.enter_async_context(page(running, cookies, csrf)) for _ in range(VIEWS)]
        working = asyncio.create_task(work_goes_on(running))
        floor: list[float] = []
        reports: list[float] = []
        began, spent = time.perf_counter(), processor_s(running.pid)
        while time.perf_counter() - began < WATCHED_S:
            floor.append(await asked(http, "/api/queues"))
            period = ("today", "week")[len(floor) % 2]
            reports.append(await asked(http, f"/reports?period={period}"))
            await asyncio.sleep(ASK_EVERY_S)
        share = (processor_s(running.pid) - spent) / (time.perf_counter() - began)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        drawn = sum(len(views) for views in seen)
    figures = {
        "first_ms": round(first_ms),
        "first_processor_ms": round(first_processor_ms),
        "floor_ms_p95": round(percentile(floor, P95), 1),
        "reports_ms_p95": round(percentile(reports, P95), 1),
        "processor_percent": round(share * 100, 1),
    }
    notes = {
        "floor_ms_p95": f"{len(floor)} requests, {drawn} views drawn on {VIEWS} pages",
        "reports_ms_p95": f"{len(reports)} requests",
    }
    return figures, notes


async def loaded(http: httpx.AsyncClient) -> None:
    """Return when the index is filled, which a new folder needs and no other day."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if (await http.get("/readyz")).status_code == httpx.codes.OK:
                return
            await asyncio.sleep(ASK_EVERY_S)


@asynccontextmanager
async def page(running: Installation, cookies: str, csrf: str) -> AsyncIterator[list[int]]:
    """A page that shows the floor; the sizes of the views that it got, in bytes."""
    url = running.url.replace("http", "ws", 1) + "/floor/socket"
    headers = {"Cookie": cookies}
    async with connect(url, additional_headers=headers, max_size=MAX_VIEW) as socket:
        await socket.send(json.dumps({"type": "hello", "csrf": csrf}))
        sizes: list[int] = []
        reading = asyncio.create_task(_read(socket, sizes))
        try:
            yield sizes
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(socket: ClientConnection, sizes: list[int]) -> None:
    async for view in socket:
        sizes.append(len(view))


async def work_goes_on(running: Installation) -> None:
    """Lives enter the log as they would from another process, already sent."""
    number = 0
    async with running.store() as store:
        while True:
            facts = [fact for n in range(PER_S) for fact in life(number + n, datetime.now(UTC))]
            async with store.transaction() as tx:
                await tx.log.append(facts)
                await tx.log.sent([fact.id for fact in facts])
            number += PER_S
            await asyncio.sleep(1)


async def asked(http: httpx.AsyncClient, path: str) -> float:
    """Milliseconds to the whole answer."""
    began = time.perf_counter()
    (await http.get(path)).raise_for_status()
    return (time.perf_counter() - began) * MS


def processor_s(pid: int) -> float:
    """Seconds of processor time that a process has used (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- growth --------------------------------------------------------------------------------


async def grown() -> float:
    """Median processor time of a look with much of a day behind it over one with little."""
    large, small = await look_s(MANY), await look_s(FEW)
    return round(percentile(large, 0.5) / percentile(small, 0.5), 2)


async def look_s(lives: int) -> Sequence[float]:
    """Seconds of processor time for each look, four lives after the one before."""
    clock = VirtualClock(datetime(2026, 1, 5, 18, tzinfo=UTC))
    company = parse_company({"queues": [{"id": "orders"}, {"id": "billing"}]})
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        store = SqlStore(f"sqlite+aiosqlite:///{Path(folder) / 'parley.db'}")
        await store.start()
        try:
            await write_day(store, day_start(clock.now(), company), clock.now(), lives)
            clock.forward(LONG_S)
            ledger = Ledger(store, company, clock)
            await ledger.today()
            times = []
            for look in range(LOOKS):
                async with store.transaction() as tx:
                    await tx.log.append(
                        [fact for n in range(PER_S) for fact in life(look * PER_S + n, clock.now())]
                    )
                clock.forward(FRESH_S)
                began = time.process_time()
                tally = await ledger.today()
                tally.at(clock.now()).by_queue()
                times.append(time.process_time() - began)
        finally:
            await store.stop()
    return times
