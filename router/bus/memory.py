"""The embedded bus: the broker's rules inside one process, through the same codec.

A :class:`MemoryBroker` holds the groups, addresses and dead letters; each
:class:`MemoryBus` is one connection to it, so that several consumers can compete
and one can leave while the others stay. Everything runs on one event loop.
Nothing here survives the process: what must survive is in the store, whose
outbox publishes again what was not taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from router.bus import codec
from router.bus.delivery import (
    STOP_GRACE_S,
    DeadLetter,
    Lanes,
    Retry,
    answer_order,
    handle_envelope,
    read_reply,
)
from router.commands import Order
from router.errors import BusUnavailable, LocalError, ReplyTimeout, Unroutable
from router.events import Fact
from router.ports import DeadLetterView, FactHandler, OrderHandler

PREFETCH = 32
"""Facts that one consumer may have in hand at once."""

BACKLOG_LIMIT = 100_000
"""Facts that a group keeps; beyond it the oldest becomes a dead letter."""

DEAD_LIMIT = 10_000
"""Dead letters kept; beyond it the oldest is dropped."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parcel:
    """An envelope on its way to one group."""

    id: str
    key: str
    type_name: str
    data: bytes


class _Consumer:
    """One subscription of one connection."""

    def __init__(self, group: _Group, handler: FactHandler, types: frozenset[str]) -> None:
        self.in_hand = 0
        self.lanes = Lanes(self._handle, self._settle, self._give_up, group.broker.retry)
        self._group = group
        self._handler = handler
        self._types = types

    def take(self, parcel: _Parcel) -> None:
        self.in_hand += 1
        self.lanes.put(parcel.key, parcel)

    async def leave(self) -> None:
        """Stop, and give back what was not settled."""
        self._group.consumers.remove(self)
        left = await self.lanes.stop(STOP_GRACE_S)
        self._group.give_back(left)

    async def _handle(self, parcel: _Parcel) -> None:
        await handle_envelope(self._handler, self._types, parcel.data)

    async def _settle(self, parcel: _Parcel) -> None:
        self.in_hand -= 1
        self._group.hand_out()

    async def _give_up(self, parcel: _Parcel, reason: str) -> None:
        self._group.bury(parcel, reason)
        await self._settle(parcel)


@dataclass(eq=False, slots=True)
class _Group:
    """A group's backlog and the consumers that share it."""

    name: str
    broker: MemoryBroker
    types: frozenset[str]
    lasting: bool
    single_active: bool
    backlog: deque[_Parcel] = field(default_factory=deque)
    consumers: deque[_Consumer] = field(default_factory=deque)

    def add(self, parcel: _Parcel) -> None:
        if len(self.backlog) >= BACKLOG_LIMIT:
            self.bury(self.backlog.popleft(), f"more than {BACKLOG_LIMIT} facts were waiting")
        self.backlog.append(parcel)

    def hand_out(self) -> None:
        """Give waiting parcels to consumers that have room, in turn."""
        while self.backlog and (consumer := self._next_consumer()):
            consumer.take(self.backlog.popleft())

    def give_back(self, parcels: Sequence[_Parcel]) -> None:
        """Put unsettled parcels before the others; a group without hope goes."""
        if not self.lasting and not self.consumers:
            self.broker.groups.pop(self.name, None)
            return
        self.backlog.extendleft(reversed(parcels))
        self.hand_out()

    def bury(self, parcel: _Parcel, reason: str) -> None:
        text = parcel.data.decode(errors="replace")
        letter = DeadLetter(
            f"{self.name}:{parcel.id}", self.name, reason, parcel.type_name, text, datetime.now(UTC)
        )
        log.error("group %s gave up %s %s: %s", self.name, parcel.type_name, parcel.id, reason)
        self.broker.bury(letter, parcel)

    def _next_consumer(self) -> _Consumer | None:
        eligible = islice(self.consumers, 1) if self.single_active else iter(self.consumers)
        free = next((each for each in eligible if each.in_hand < PREFETCH), None)
        if free is not None and not self.single_active:
            self.consumers.remove(free)
            self.consumers.append(free)
        return free


class MemoryBroker:
    """What the connections of one process share."""

    def __init__(self, retry: Retry | None = None) -> None:
        self.retry = retry or Retry()
        self.groups: dict[str, _Group] = {}
        self.servers: dict[str, deque[MemoryBus]] = {}
        self._dead: dict[str, tuple[DeadLetter, _Parcel]] = {}

    def publish(self, parcels: Iterable[_Parcel]) -> None:
        """Put each parcel into every group that wants its type."""
        touched: dict[str, _Group] = {}
        for parcel in parcels:
            for group in self.groups.values():
                if parcel.type_name in group.types:
                    group.add(parcel)
                    touched[group.name] = group
        for group in touched.values():
            group.hand_out()

    def bury(self, letter: DeadLetter, parcel: _Parcel) -> None:
        """Keep a dead letter, at most ``DEAD_LIMIT`` of them."""
        self._dead.pop(letter.id, None)
        self._dead[letter.id] = (letter, parcel)
        if len(self._dead) > DEAD_LIMIT:
            oldest = next(iter(self._dead))
            log.error("dropped the dead letter %s: more than %d lie here", oldest, DEAD_LIMIT)
            del self._dead[oldest]

    @property
    def lying(self) -> int:
        """How many dead letters there are."""
        return len(self._dead)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The newest first."""
        return [letter for letter, _ in islice(reversed(self._dead.values()), limit)]

    def replay(self, letter_id: str) -> bool:
        """Give a dead letter to its group once more."""
        entry = self._dead.get(letter_id)
        group = self.groups.get(entry[0].group) if entry else None
        if entry is None or group is None:
            return False
        del self._dead[letter_id]
        group.add(entry[1])
        group.hand_out()
        return True

    def discard(self, letter_id: str) -> bool:
        """Throw a dead letter away."""
        return self._dead.pop(letter_id, None) is not None


class MemoryBus:
    """``router.ports.Bus`` without a server.

    ``broker`` joins several buses of one process; by default each is alone.
    """

    def __init__(self, broker: MemoryBroker | None = None, *, retry: Retry | None = None) -> None:
        self._broker = broker or MemoryBroker(retry)
        self._consumers: list[_Consumer] = []
        self._handlers: dict[str, OrderHandler] = {}
        self._answering: set[asyncio.Task[bytes]] = set()
        self._started = False

    async def start(self) -> None:
        """See ``router.ports.Bus``; never fails here."""
        self._started = True

    async def stop(self) -> None:
        """See ``router.ports.Bus``."""
        self._started = False
        for address in self._handlers:
            self._unserve(address)
        self._handlers.clear()
        leaving, self._consumers = self._consumers, []
        await asyncio.gather(*(consumer.leave() for consumer in leaving))
        if self._answering:
            _, late = await asyncio.wait(self._answering, timeout=STOP_GRACE_S)
            for task in late:
                task.cancel()

    async def publish(self, facts: Sequence[Fact]) -> None:
        """See ``router.ports.Bus``. Raises ``LocalError`` for an unpackable fact."""
        self._check()
        self._broker.publish([_pack(fact) for fact in facts])

    async def subscribe(
        self,
        group: str,
        handler: FactHandler,
        types: Iterable[type[Fact]],
        *,
        lasting: bool = True,
        single_active: bool = False,
    ) -> None:
        """See ``router.ports.Bus``."""
        self._check()
        wanted = frozenset(each.__name__ for each in types)
        broker = self._broker
        known = broker.groups.get(group)
        if known is None:
            known = _Group(group, broker, wanted, lasting, single_active)
            broker.groups[group] = known
        elif (known.lasting, known.single_active) != (lasting, single_active):
            raise LocalError(f"group {group} exists with other options; use the same everywhere")
        known.types |= wanted
        consumer = _Consumer(known, handler, wanted)
        known.consumers.append(consumer)
        self._consumers.append(consumer)
        known.hand_out()

    async def serve(self, address: str, handler: OrderHandler) -> None:
        """See ``router.ports.Bus``."""
        self._check()
        if address in self._handlers:
            raise LocalError(f"this bus serves {address} already")
        self._handlers[address] = handler
        self._broker.servers.setdefault(address, deque()).append(self)

    async def ask(self, order: Order, address: str, timeout_s: float = 10.0) -> Order:
        """See ``router.ports.Bus``."""
        self._check()
        data = codec.pack_order(order)
        servers = self._broker.servers.get(address)
        if not servers:
            raise Unroutable(f"nobody serves {address}, wanted for {type(order).__name__}")
        servers.rotate(-1)
        task = servers[-1]._begin_answer(address, data)
        try:
            # Shielded: who asked may give up, the handler goes on to its end.
            async with asyncio.timeout(timeout_s):
                reply = await asyncio.shield(task)
        except TimeoutError:
            name = type(order).__name__
            raise ReplyTimeout(f"{address} did not answer {name} in {timeout_s} s") from None
        return read_reply(reply)

    async def dead_letters(self, limit: int = 100) -> list[DeadLetterView]:
        """See ``router.ports.Bus``."""
        return list(self._broker.dead_letters(limit))

    async def count_dead_letters(self) -> int:
        """See ``router.ports.Bus``."""
        return self._broker.lying

    async def replay(self, letter_id: str) -> bool:
        """See ``router.ports.Bus``."""
        return self._broker.replay(letter_id)

    async def replay_group(self, group: str) -> int:
        """See ``router.ports.Bus``."""
        letters = self._broker.dead_letters(DEAD_LIMIT)
        return sum(self._broker.replay(each.id) for each in letters[::-1] if each.group == group)

    async def discard(self, letter_id: str) -> bool:
        """See ``router.ports.Bus``."""
        return self._broker.discard(letter_id)

    def healthy(self) -> bool:
        """See ``router.ports.Bus``."""
        return self._started

    @property
    def idle(self) -> bool:
        """Whether every fact here has been handled by everybody who takes it."""
        groups = self._broker.groups.values()
        return not any(
            group.backlog or any(each.in_hand for each in group.consumers) for group in groups
        )

    def on_restored(self, tell: Callable[[], None]) -> None:
        """See ``router.ports.Bus``; it is never lost."""

    def _begin_answer(self, address: str, data: bytes) -> asyncio.Task[bytes]:
        task = asyncio.create_task(answer_order(self._handlers[address], data))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        return task

    def _unserve(self, address: str) -> None:
        servers = self._broker.servers[address]
        servers.remove(self)
        if not servers:
            del self._broker.servers[address]

    def _check(self) -> None:
        if not self._started:
            raise BusUnavailable("the bus is not started; await start() first")


def _pack(fact: Fact) -> _Parcel:
    data = codec.pack_fact_bytes(fact)
    return _Parcel(fact.id, fact.interaction_id, type(fact).__name__, data)
