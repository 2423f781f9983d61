"""A thread for an engine's work: never on the event loop, never two at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar, TypeVarTuple

from router.errors import ParleyError

MOST_THREADS = 4
NEWEST = 0.3
"""Weight of the last work in what one costs."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class WorkerStopped(ParleyError):
    """The engine was stopped, or not started; whoever waited for its work gets nothing."""


def spare_cores() -> int:
    """Threads for one model: all cores but one, which the calls' audio needs; 1 to 4."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(MOST_THREADS, (usable or 1) - 1))


class Worker:
    """One thread, from ``start`` to ``stop``, and again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0
        """Works that are not done yet, the one under way included."""
        self._work_s = 0.0

    @property
    def wait_s(self) -> float:
        """How long what waits will take, by what works have cost lately."""
        return self._waiting * self._work_s

    def forget_cost(self) -> None:
        """What was done so far says nothing of what comes: loading is over."""
        self._work_s = 0.0

    def start(self) -> None:
        """Safe to call twice."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix=self._name)

    def stop(self) -> None:
        """What waits for its turn raises ``WorkerStopped``; what runs ends in its own time."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    async def run(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Do it on the thread. Cancelled before its turn it is not done at all.

        Raises ``WorkerStopped``, and what ``work`` raises.
        """
        if self._pool is None:
            raise WorkerStopped
        done = self._pool.submit(self._timed, partial(work, *args))
        self._waiting += 1
        try:
            return await asyncio.wrap_future(done)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if done.cancelled() and not (task is not None and task.cancelling()):
                # Not we were cancelled but the work was, by ``stop``.
                raise WorkerStopped from None
            raise
        finally:
            self._waiting -= 1

    def _timed(self, work: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return work()
        finally:
            weight = NEWEST if self._work_s else 1.0
            self._work_s += weight * (time.monotonic() - began - self._work_s)
