"""One 20 ms clock for all calls of a process.

1. Deadlines are multiples of 20 ms from the start, so lateness never adds up.
2. After a stall of up to ``CATCH_UP`` frames the missed ticks follow at once: the far
   end's jitter buffer takes them. After a longer one the clock starts anew.
3. The clock stops when nobody listens and starts with the first listener.
4. A listener that raises is logged and taken out; the others' audio goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

FRAME_S: Final = 0.020
CATCH_UP: Final = 5  # frames
LATE_S: Final = 0.010

_log = logging.getLogger(__name__)

Tick = Callable[[], None]


@dataclass(slots=True)
class PacingCounts:
    """How well time was kept, in ticks."""

    ticks: int = 0
    late: int = 0
    skipped: int = 0


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Do not make it."""


class Loop(Protocol):
    """What the clock needs of an event loop."""

    def time(self) -> float:
        """Seconds, monotonic."""
        ...

    def call_at(self, when: float, callback: Callable[..., None], /, *args: Any) -> Timer:
        """Call ``callback`` at ``when``."""
        ...


class MediaClock:
    """Calls every listener each 20 ms, on the event loop it is first used on or on ``loop``."""

    def __init__(self, loop: Loop | None = None) -> None:
        self._loop = loop
        self._listeners: dict[Tick, None] = {}
        self._handle: Timer | None = None
        self._due = 0.0
        self.counts = PacingCounts()

    def add(self, tick: Tick) -> None:
        """Call ``tick`` from now on; starts the clock when it stands still."""
        self._listeners[tick] = None
        if self._handle is None:
            loop = self._loop or asyncio.get_running_loop()
            self._due = loop.time() + FRAME_S
            self._handle = loop.call_at(self._due, self._run, loop)

    def remove(self, tick: Tick) -> None:
        """Stop calling ``tick``. Safe to call twice."""
        self._listeners.pop(tick, None)
        if not self._listeners and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _run(self, loop: Loop) -> None:
        behind = loop.time() - self._due
        ticks = 1 + int(behind / FRAME_S)
        if behind > LATE_S:
            self.counts.late += 1
        if ticks > CATCH_UP:
            self.counts.skipped += ticks - 1
            self._due += (ticks - 1) * FRAME_S
            ticks = 1
        for _ in range(ticks):
            self._tick_all()
        self._due += ticks * FRAME_S
        if self._listeners:
            self._handle = loop.call_at(self._due, self._run, loop)
        else:
            self._handle = None

    def _tick_all(self) -> None:
        self.counts.ticks += 1
        for tick in tuple(self._listeners):
            try:
                tick()
            except Exception:
                _log.exception("a call's media failed; it gets no more ticks")
                self._listeners.pop(tick, None)
