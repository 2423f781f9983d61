"""What every process of a run has: store, bus, relay and lifecycle, as the roles have them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from router.acts.lifecycle import Lifecycle
from router.acts.transfers import Transfers
from router.bus.link import HEARTBEAT_S
from router.bus.rabbit import RabbitBus
from router.clock import SystemClock
from router.company import Company, parse_company
from router.errors import BusUnavailable, ParleyError
from router.relay import Relay
from router.store.sql import FROZEN_MS, ROUTER_FROZEN_MS, SqlStore
from tests.load.plan import Plan

T = TypeVar("T")

RETRY_S = 0.2
UNTYPED = "UNTYPED ERROR"
"""Marks in the log what an act raised though no caller could know what it means."""
READY = "ready"
TELL = signal.SIGUSR1
"""Asks a process where it is, when a run is stuck."""

log = logging.getLogger("load")


def tell_where_all_are() -> None:
    """Write into the log where every task waits."""
    for task in asyncio.all_tasks():
        task.print_stack(limit=4, file=sys.stdout)
    sys.stdout.flush()


@dataclass
class Member:
    """One process of the run."""

    plan: Plan
    node: str
    store: SqlStore
    bus: RabbitBus
    clock: SystemClock
    company: Company
    relay: Relay
    lifecycle: Lifecycle
    transfers: Transfers

    async def insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do it again for as long as it fails in a way that says so; other errors pass."""
        while True:
            try:
                return await act()
            except ParleyError as error:
                if not error.retryable:
                    raise
            except (SQLAlchemyError, OSError) as error:
                log.error("%s: %s: %s", UNTYPED, type(error).__name__, str(error).split("\n")[0])
            await asyncio.sleep(RETRY_S)


@asynccontextmanager
async def member(
    plan: Plan, role: str, *, sweep: bool = False, heartbeat_s: int = HEARTBEAT_S
) -> AsyncIterator[Member]:
    """A started one, composed as ``gateway.compose`` does it."""
    node = f"{role}-{os.getpid()}"
    company = parse_company(json.loads((Path(plan.folder) / "company.json").read_text()))
    frozen_ms = ROUTER_FROZEN_MS if role == "router" else FROZEN_MS
    store, clock = SqlStore(plan.store_url, frozen_ms=frozen_ms), SystemClock()
    bus = RabbitBus(plan.rabbit_url, heartbeat_s=heartbeat_s)
    relay = Relay(store, bus, clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.stop)
        await store.start()
        stack.push_async_callback(bus.stop)
        await _persistently(bus.start)
        await relay.start(sweep=sweep)
        stack.push_async_callback(relay.stop)
        lifecycle = Lifecycle(store, company, clock, relay)
        transfers = Transfers(store, company, clock, relay, bus)
        yield Member(plan, node, store, bus, clock, company, relay, lifecycle, transfers)


async def _persistently(start: Callable[[], Awaitable[None]]) -> None:
    """A supervisor would start the process again; that only takes longer."""
    while True:
        try:
            return await start()
        except BusUnavailable:
            await asyncio.sleep(RETRY_S)


async def listen(orders: Callable[[str, float], None]) -> None:
    """Say that we are ready, then pass on lines like ``rate 20`` until told to stop."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(TELL, tell_where_all_are)
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    print(READY, flush=True)
    stopped = asyncio.create_task(stopping.wait())
    try:
        while not stopping.is_set():
            line = asyncio.create_task(reader.readline())
            await asyncio.wait({line, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not line.done():
                line.cancel()
                break
            words = line.result().decode().split()
            if not words:
                break
            orders(words[0], float(words[1]) if len(words) > 1 else 0.0)
    finally:
        stopped.cancel()
        transport.close()
