"""How one consumer works through its facts, on either bus.

Rules:

1. Facts of one interaction are handled one after the other, in the order in
   which they came; facts of different interactions are handled side by side, so
   that one slow bot turn holds nobody else up. Facts about no interaction share
   one lane.
2. A handler that raises gets the same fact again after a pause; what comes
   behind it in its lane waits. After ``Retry.max_deliveries`` tries it is given
   up, with the exception as the reason. A database or broker that is away says
   nothing about the fact: that does not count, however long it takes.
3. A fact is settled (acknowledged, or given up) only after its handler is done.
4. Stopping lets running handlers finish; what has not begun goes back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from router.bus import codec
from router.commands import Done, Order, Refused
from router.errors import BadMessage, BusUnavailable, StoreUnavailable
from router.ports import FactHandler, OrderHandler

MAX_DELIVERIES = 6
"""Tries before a fact is dead-lettered."""

RETRY_PAUSES_S = (0.05, 0.25, 1.0, 3.0, 8.0)
"""Pauses between tries."""

AWAY = (StoreUnavailable, BusUnavailable)
AWAY_PAUSE_S = 0.5

STOP_GRACE_S = 10.0
"""How long a running handler may go on after ``stop``."""

REASON_LIMIT = 500
"""Characters of an exception's text that a dead letter keeps."""

log = logging.getLogger(__name__)

M = TypeVar("M")
Step = Callable[[M], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Retry:
    """When to try again and when to give up. The last pause repeats."""

    max_deliveries: int = MAX_DELIVERIES
    pauses_s: tuple[float, ...] = RETRY_PAUSES_S

    def pause_after(self, tries: int) -> float:
        """Seconds to wait after ``tries`` (from 1) failed ones."""
        return self.pauses_s[min(tries, len(self.pauses_s)) - 1] if self.pauses_s else 0.0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A fact that a group could not handle, given up ``at``; ``body`` is its envelope as text."""

    id: str
    group: str
    reason: str
    type_name: str
    body: str
    at: datetime | None = None


def describe(error: BaseException) -> str:
    """What is kept of an exception as a reason: its class and its text."""
    text = f"{type(error).__name__}: {error}"[:REASON_LIMIT].rstrip(": ")
    return text.encode(errors="replace").decode()


async def handle_envelope(
    handler: FactHandler, wanted: frozenset[str], packed: bytes | codec.Envelope
) -> None:
    """Unpack and handle one fact; a type not wanted or not known is passed over."""
    fact = (
        codec.unpack_fact_bytes(packed)
        if isinstance(packed, bytes)
        else codec.unpack_envelope(packed)
    )
    if fact is not None and type(fact).__name__ in wanted:
        await handler(fact)


async def answer_order(handler: OrderHandler, data: bytes) -> bytes:
    """Run a command and pack what goes back: the reply, ``Done`` or ``Refused``."""
    try:
        order = codec.unpack_order(data)
        if order is None:
            return codec.pack_order(Refused(reason=f"unknown command {codec.type_of(data)}"))
        return codec.pack_order(await handler(order) or Done())
    except Exception as error:
        log.warning("a command was refused: %s", describe(error), exc_info=True)
        text = (str(error) or type(error).__name__).encode(errors="replace").decode()
        return codec.pack_order(Refused(reason=text[:REASON_LIMIT]))


def read_reply(data: bytes) -> Order:
    """The reply in ``data``; one of a type not known here reads as ``Refused``."""
    reply = codec.unpack_order(data)
    if reply is None:
        return Refused(reason=f"the answer was {codec.type_of(data)}, which is not known here")
    return reply


class Lanes(Generic[M]):
    """Runs ``handle`` for each item put in, one at a time per key.

    ``settle`` is awaited after success and ``give_up`` with a reason after the
    last failure. The caller bounds how many items are in (prefetch).
    """

    def __init__(
        self,
        handle: Step[M],
        settle: Step[M],
        give_up: Callable[[M, str], Awaitable[None]],
        retry: Retry,
    ) -> None:
        self._handle = handle
        self._settle = settle
        self._give_up = give_up
        self._retry = retry
        self._waiting: dict[str, deque[M]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    def put(self, key: str, item: M) -> None:
        """Queue ``item`` behind the others of its ``key``."""
        self._waiting.setdefault(key, deque()).append(item)
        if key not in self._running and not self._stopping.is_set():
            self._running[key] = asyncio.create_task(self._work(key))

    def forget_waiting(self) -> list[M]:
        """Take out what has not begun; each key's items stay in order."""
        left = [item for lane in self._waiting.values() for item in lane]
        self._waiting.clear()
        return left

    async def stop(self, grace_s: float = STOP_GRACE_S) -> list[M]:
        """Let running handlers finish; return what is not settled (rule 4)."""
        self._stopping.set()
        if running := set(self._running.values()):
            _, late = await asyncio.wait(running, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        return self.forget_waiting()

    async def _work(self, key: str) -> None:
        try:
            while (lane := self._waiting.get(key)) and not self._stopping.is_set():
                item, done = lane.popleft(), False
                try:
                    done = await self._finish(item)
                finally:
                    if not done:
                        lane.appendleft(item)
        finally:
            del self._running[key]
            if not self._waiting.get(key):
                self._waiting.pop(key, None)

    async def _finish(self, item: M) -> bool:
        """Handle and settle; False when stopped before the handler was through."""
        reason = await self._try(item)
        if reason is None:
            return False
        try:
            await (self._give_up(item, reason) if reason else self._settle(item))
        except Exception:
            # The bus will bring it again; this lane must go on for the others.
            log.exception("could not settle a fact")
        return True

    async def _try(self, item: M) -> str | None:
        """Return "" when handled, the reason when given up, None when interrupted."""
        tries = 0
        while True:
            try:
                await self._handle(item)
            except BadMessage as error:
                return describe(error)
            except AWAY as error:
                log.warning("a fact waits: %s", describe(error))
                pause_s = min(AWAY_PAUSE_S, self._retry.pause_after(self._retry.max_deliveries))
            except Exception as error:
                tries += 1
                reason = describe(error)
                log.warning("try %d failed: %s", tries, reason, exc_info=tries == 1)
                if tries >= self._retry.max_deliveries:
                    return reason
                pause_s = self._retry.pause_after(tries)
            else:
                return ""
            if await self._stopped_within(pause_s):
                return None

    async def _stopped_within(self, pause_s: float) -> bool:
        try:
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True
