"""From the outbox to the bus: at once after a commit, and again after a crash.

1. A fact leaves the outbox only when the bus has confirmed it, so a process that dies
   between commit and publish leaves its facts for the sweep of another one.
2. What one process commits it publishes in that order: while the bus is away the facts
   are tried again and again, and later ones wait behind them.
3. One that has too many in hand leaves the rest to the sweep, which keeps the log's order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import timedelta

from router.errors import ParleyError
from router.events import Fact
from router.ports import Bus, Clock, Store

SWEEP_EVERY_S = 2.0
SWEEP_AGE_S = 3.0
"""Older facts than this were left behind by somebody who died."""
SWEEP_MOST = 500
"""Facts that are read at once; with so many there are probably more."""
TRY_AGAIN_S = 0.25
STOP_GRACE_S = 5.0
MOST_IN_HAND = 20_000
"""Facts kept in memory while the bus is away."""

FAILED = (TimeoutError, ParleyError, OSError)

log = logging.getLogger(__name__)


class Relay:
    """Publishes committed facts in order and clears the outbox behind them."""

    def __init__(self, store: Store, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._fresh: list[Fact] = []
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._turn = asyncio.Lock()
        self._confirmed: dict[str, None] = {}
        """Published, but still in the outbox: the database was away just then."""
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, *, sweep: bool = True) -> None:
        """Send what earlier processes left, then keep up."""
        if sweep:
            await self.sweep(age_s=0)
            self._tasks.append(asyncio.create_task(self._sweep_forever(), name="outbox-sweep"))
        self._tasks.append(asyncio.create_task(self._publish_forever(), name="outbox-relay"))

    async def stop(self) -> None:
        """Publish what is still in hand, then stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE_S):
                await self._idle.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def push(self, facts: Sequence[Fact]) -> None:
        """Take facts whose transaction has committed."""
        if facts and len(self._fresh) < MOST_IN_HAND:
            self._fresh.extend(facts)
            self._idle.clear()
            self._arrived.set()

    async def sweep(self, age_s: float = SWEEP_AGE_S) -> int:
        """Publish what has been in the outbox for too long; returns how many."""
        count = 0
        while True:
            async with self._turn:
                found = await self._left_behind(age_s)
                await self._send([fact for fact in found if fact.id not in self._confirmed])
            count += len(found)
            if len(found) < SWEEP_MOST:
                return count

    async def _left_behind(self, age_s: float) -> list[Fact]:
        async with self._store.transaction() as tx:
            return await tx.log.unsent(self._clock.now() - timedelta(seconds=age_s), SWEEP_MOST)

    async def _publish_forever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            facts, self._fresh = self._fresh, []
            await self._insist(facts)
            if not self._fresh:
                self._idle.set()

    async def _insist(self, facts: Sequence[Fact]) -> None:
        """Publish, however long it takes (rule 2)."""
        failures = 0
        while True:
            try:
                async with self._turn:
                    return await self._send(facts)
            except FAILED as error:
                if isinstance(error, ParleyError) and not error.retryable:
                    log.exception("%d facts stay in the outbox until the next sweep", len(facts))
                    return None
                if not failures:
                    log.warning("facts wait for the bus: %s", error)
                failures += 1
            except Exception:
                log.exception("%d facts stay in the outbox until the next sweep", len(facts))
                return None
            await asyncio.sleep(TRY_AGAIN_S)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await self.sweep()
            except FAILED as error:
                log.warning("the outbox sweep failed, it tries again: %s", error)
            except Exception:
                log.exception("the outbox sweep failed, it tries again")

    async def _send(self, facts: Sequence[Fact]) -> None:
        """Publish, then clear the outbox of all that the bus has confirmed."""
        if facts:
            await self._bus.publish(facts)
            self._confirmed.update(dict.fromkeys(fact.id for fact in facts))
        if not self._confirmed:
            return
        sent = tuple(self._confirmed)
        try:
            async with self._store.transaction() as tx:
                await tx.log.sent(sent)
        except FAILED as error:
            log.warning("%d published facts are still in the outbox: %s", len(sent), error)
            return
        for fact_id in sent:
            self._confirmed.pop(fact_id, None)
