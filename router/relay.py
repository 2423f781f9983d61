"""From the outbox to the bus: at once after a commit, and again after a crash.

1. A fact leaves the outbox only when the bus has confirmed it, so a process that dies
   between commit and publish leaves its facts for the sweep of another one. What is
   confirmed leaves together with what is confirmed soon after.
2. What one process commits it publishes in that order. A few publications may be under way
   at once; when one of them fails, all that failed is published again, in order, before
   anything later. While the bus is away that takes as long as it takes.
3. One that has too many in hand leaves the rest to the sweep, which keeps the log's order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from router.errors import ParleyError
from router.events import Fact
from router.ports import Bus, Clock, Store

SWEEP_EVERY_S = 2.0
SWEEP_AGE_S = 3.0
"""Older facts than this were left behind by somebody who died."""
SWEEP_MOST = 500
"""Facts that are read at once; with so many there are probably more."""
AHEAD = 4
"""Publications whose confirms may be outstanding at once."""
CLEAR_AFTER_S = 0.25
"""Confirmed facts wait so long for others that leave the outbox with them."""
TRY_AGAIN_S = 0.25
STOP_GRACE_S = 5.0
MOST_IN_HAND = 20_000
"""Facts kept in memory while the bus is away."""

FAILED = (TimeoutError, ParleyError, OSError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Flight:
    """A publication under way."""

    facts: Sequence[Fact]
    task: asyncio.Task[None]

    @property
    def failed(self) -> bool:
        """Whether it is over, and for nothing."""
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)


class Relay:
    """Publishes committed facts in order and clears the outbox behind them."""

    def __init__(self, store: Store, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._fresh: list[Fact] = []
        self._flying: deque[_Flight] = deque()
        self._in_hand: set[str] = set()
        """Fresh, flying or tried again: the sweep leaves them alone."""
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._confirmed: dict[str, None] = {}
        """Published, but still in the outbox."""
        self._to_clear = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, *, sweep: bool = True) -> None:
        """Send what earlier processes left, then keep up."""
        if sweep:
            await self.sweep(age_s=0)
            self._tasks.append(asyncio.create_task(self._sweep_forever(), name="outbox-sweep"))
        self._tasks.append(asyncio.create_task(self._publish_forever(), name="outbox-relay"))
        self._tasks.append(asyncio.create_task(self._clear_forever(), name="outbox-clearing"))

    async def stop(self) -> None:
        """Publish what is still in hand, then stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE_S):
                await self._idle.wait()
        tasks = [*self._tasks, *(flight.task for flight in self._flying)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        await self._clear()

    def push(self, facts: Sequence[Fact]) -> None:
        """Take facts whose transaction has committed."""
        if facts and len(self._in_hand) < MOST_IN_HAND:
            self._fresh.extend(facts)
            self._in_hand.update(fact.id for fact in facts)
            self._idle.clear()
            self._news.set()

    # -- fresh facts ---------------------------------------------------------------------

    async def _publish_forever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if any(flight.failed for flight in self._flying):
                await self._fly_again()
            while self._flying and self._flying[0].task.done():
                self._flying.popleft()
            if self._fresh and len(self._flying) < AHEAD:
                self._take_off()
            if not self._in_hand:
                self._idle.set()

    def _take_off(self) -> None:
        facts, self._fresh = self._fresh, []
        task = asyncio.create_task(self._publish(facts), name="publication")
        task.add_done_callback(lambda _: self._news.set())
        self._flying.append(_Flight(facts, task))

    async def _fly_again(self) -> None:
        """Let those under way end, and insist on what failed (rule 2)."""
        await asyncio.wait([flight.task for flight in self._flying])
        failed = [flight.facts for flight in self._flying if flight.failed]
        self._flying.clear()
        await self._insist([fact for facts in failed for fact in facts])
        self._news.set()

    async def _insist(self, facts: Sequence[Fact]) -> None:
        """Publish, however long it takes."""
        failures = 0
        while True:
            try:
                return await self._publish(facts)
            except FAILED as error:
                if isinstance(error, ParleyError) and not error.retryable:
                    return self._leave(facts)
                if not failures:
                    log.warning("facts wait for the bus: %s", error)
                failures += 1
            except Exception:
                return self._leave(facts)
            await asyncio.sleep(TRY_AGAIN_S)

    def _leave(self, facts: Sequence[Fact]) -> None:
        """Called while the reason is being handled."""
        log.exception("%d facts stay in the outbox until the next sweep", len(facts))
        self._in_hand.difference_update(fact.id for fact in facts)

    async def _publish(self, facts: Sequence[Fact]) -> None:
        await self._bus.publish(facts)
        ids = [fact.id for fact in facts]
        self._confirmed.update(dict.fromkeys(ids))
        self._in_hand.difference_update(ids)
        self._to_clear.set()

    # -- the outbox ----------------------------------------------------------------------

    async def _clear_forever(self) -> None:
        while True:
            await self._to_clear.wait()
            await asyncio.sleep(CLEAR_AFTER_S)
            self._to_clear.clear()
            if not await self._clear():
                await asyncio.sleep(TRY_AGAIN_S)
                self._to_clear.set()

    async def _clear(self) -> bool:
        """Clear the outbox of all that the bus has confirmed; False when that failed."""
        sent = tuple(self._confirmed)
        if not sent:
            return True
        try:
            async with self._store.transaction() as tx:
                await tx.log.sent(sent)
        except FAILED as error:
            log.warning("%d published facts are still in the outbox: %s", len(sent), error)
            return False
        except Exception:
            log.exception("%d published facts are still in the outbox", len(sent))
            return False
        for fact_id in sent:
            self._confirmed.pop(fact_id, None)
        return True

    # -- what others left ----------------------------------------------------------------

    async def sweep(self, age_s: float = SWEEP_AGE_S) -> int:
        """Publish what has been in the outbox for too long; returns how many."""
        count = 0
        while True:
            found = await self._left_behind(age_s)
            left = [
                fact
                for fact in found
                if fact.id not in self._in_hand and fact.id not in self._confirmed
            ]
            if left:
                await self._publish(left)
            await self._clear()
            count += len(left)
            if len(found) < SWEEP_MOST or not left:
                return count

    async def _left_behind(self, age_s: float) -> list[Fact]:
        async with self._store.transaction() as tx:
            return await tx.log.unsent(self._clock.now() - timedelta(seconds=age_s), SWEEP_MOST)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await self.sweep()
            except FAILED as error:
                log.warning("the outbox sweep failed, it tries again: %s", error)
            except Exception:
                log.exception("the outbox sweep failed, it tries again")
