"""How facts flow through RabbitMQ: bundles out, pieces in, acknowledgements together.

Rules:

1. What one publication says travels in as few messages as it can, bundles, in order: a
   message costs the broker as much with one fact as with thirty. A bundle's routing key is
   the types' names joined by dots, which a group's binding ``#.Type.#`` finds; so a group
   gets it once, however many of its types are in it.
2. A consumer takes a bundle apart: each fact of a wanted type is a piece that is handled,
   tried again and given up by itself.
3. A message whose consumers have died again and again has its pieces handed on one by one, so
   that the deadly one ends among the dead letters without its neighbours.
4. A message is acknowledged when all its pieces are settled. Acknowledgements wait some
   milliseconds for others, because the broker settles many at the price of one.

Facts pass below ``aio_pika``, through the channel it stands on: its message objects and
its one drain per publication and acknowledgement cost as much as all the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from pamqp.commands import Basic

from router.bus import codec
from router.bus.delivery import Lanes
from router.bus.link import TROUBLE
from router.errors import BadMessage
from router.events import Fact

KEY_LIMIT = 255
"""Bytes of a routing key (AMQP 0-9-1 §1.4, short string)."""

BUNDLE_LIMIT = 32
"""Facts in one bundle."""

ACK_WITHIN_S = 0.005
ACK_AT = 32
"""Settled messages wait this long for others to be acknowledged with, at most this many."""

APART_AFTER = 3
"""Deaths of its consumers after which a message is taken apart for good (rule 3)."""
DEATHS = "x-delivery-count"
"""Where a quorum queue says how often it gave a message out in vain."""

FLUSH_WITHIN_S = 3.0

PERSISTENT = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bundle:
    """One message to be: ``key`` is its routing key."""

    key: str
    body: bytes
    properties: Basic.Properties


def binding(type_name: str) -> str:
    """The pattern that finds a type in any bundle (rule 1)."""
    return f"#.{type_name}.#"


def bundles(facts: Iterable[Fact]) -> list[Bundle]:
    """Facts as messages, in order. Raises ``LocalError``."""
    return [_bundle(part, key) for part, key in _parts(facts)]


def _parts(facts: Iterable[Fact]) -> Iterator[tuple[Sequence[Fact], str]]:
    """Cut where the routing key or the bundle would become too long; each part with its key."""
    part: list[Fact] = []
    names: dict[str, None] = {}
    length = 0
    for fact in facts:
        name = type(fact).__name__
        longer = 0 if name in names else len(name) + 1
        if part and (len(part) >= BUNDLE_LIMIT or length + longer > KEY_LIMIT + 1):
            yield part, ".".join(names)
            part, names, length, longer = [], {}, 0, len(name) + 1
        part.append(fact)
        names[name] = None
        length += longer
    if part:
        yield part, ".".join(names)


def _bundle(facts: Sequence[Fact], key: str) -> Bundle:
    first = facts[0]
    properties = Basic.Properties(
        content_type="application/json",
        message_type=key,
        message_id=first.id,
        timestamp=first.at,
        delivery_mode=PERSISTENT,
    )
    return Bundle(key, codec.pack_bundle(facts), properties)


async def publish(channel: Channel, exchange: str, batch: Sequence[Bundle]) -> None:
    """Publish in order; returns when the broker has confirmed every one."""
    # Tasks of one gather begin in order, and the client writes in that order.
    await asyncio.gather(
        *(
            channel.basic_publish(
                each.body,
                exchange=exchange,
                routing_key=each.key,
                properties=each.properties,
                wait=False,
            )
            for each in batch
        )
    )


@dataclass(slots=True)
class _Taken:
    """A message in hand, by whom it came, and how many of its pieces are not settled."""

    inflow: Inflow
    tag: int
    open: int
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """One fact of a message, still packed; ``packed`` is the whole body if unreadable."""

    taken: _Taken
    packed: codec.Envelope | bytes
    id: str
    type_name: str
    interaction_id: str

    @property
    def data(self) -> bytes:
        """Its own envelope, as it would have been published alone."""
        return self.packed if isinstance(self.packed, bytes) else codec.close(self.packed)

    async def settle(self) -> None:
        """It is done with. On a connection that has gone since, nothing happens."""
        self.taken.inflow.settle(self)

    async def give_back(self) -> None:
        """Let the broker bring the whole message again."""
        await self.taken.inflow.give_back(self)


HandOn = Callable[[Sequence[Piece]], Awaitable[bool]]
"""Put pieces back as messages of their own; False when the broker did not take them."""


class Inflow:
    """One consumer on one channel: takes messages apart and acknowledges them."""

    def __init__(
        self, channel: Channel, wanted: frozenset[str], lanes: Lanes[Piece], hand_on: HandOn
    ) -> None:
        self._channel = channel
        self._wanted = wanted
        self._lanes = lanes
        self._hand_on = hand_on
        self._settled: set[int] = set()
        self._ahead: set[int] = set()
        self._below = 0
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, message: DeliveredMessage) -> None:
        """Put the pieces of a message into their lanes (rule 2)."""
        tag = message.delivery_tag
        if tag is None:
            return
        about = message.header.properties
        taken = _Taken(self, tag, 0)
        pieces = list(self._pieces(message.body, about, taken))
        taken.open = len(pieces)
        deaths = (about.headers or {}).get(DEATHS, 0)
        if len(pieces) > 1 and isinstance(deaths, int) and deaths >= APART_AFTER:
            log.warning("a message of %d killed its consumers %d times", len(pieces), deaths)
            if await self._hand_on(pieces):
                pieces = []
        if not pieces:
            self._done(tag)
        for piece in pieces:
            self._lanes.put(piece.interaction_id, piece)

    def settle(self, piece: Piece) -> None:
        """This piece is done with; so is its message if it was the last (rule 4)."""
        piece.taken.open -= 1
        if not piece.taken.open and not piece.taken.returned:
            self._done(piece.taken.tag)

    async def give_back(self, piece: Piece) -> None:
        """Let the broker bring the whole message again."""
        if not piece.taken.returned:
            piece.taken.returned = True
            self._ahead.add(piece.taken.tag)
            with suppress(*TROUBLE):
                await self._channel.basic_nack(piece.taken.tag, requeue=True)

    async def flush(self, prefetch: int) -> None:
        """Acknowledge what is settled and wait until the broker has heard it."""
        # On a connection that is lost just now nothing answers: the broker brings it all again.
        with suppress(*TROUBLE):
            async with asyncio.timeout(FLUSH_WITHIN_S):
                await asyncio.gather(*self._tasks)
                await self._acknowledge()
                # Nothing answers an acknowledgement; what answers comes after it.
                await self._channel.basic_qos(prefetch_count=prefetch)

    def _pieces(self, body: bytes, about: Basic.Properties, taken: _Taken) -> Iterator[Piece]:
        try:
            envelopes = codec.open_bundle(body)
        except BadMessage:
            # The lane finds out again, and gives it up with the reason.
            yield Piece(taken, body, about.message_id or "", about.message_type or "", "")
            return
        for each in envelopes:
            if each.type in self._wanted:
                subject = codec.subject_of(each)
                yield Piece(taken, each, subject.id, each.type, subject.interaction_id)

    def _done(self, tag: int) -> None:
        self._settled.add(tag)
        if len(self._settled) >= ACK_AT:
            self._acknowledge_now()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(ACK_WITHIN_S, self._acknowledge_now)

    def _acknowledge_now(self) -> None:
        task = asyncio.create_task(self._acknowledge())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _acknowledge(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        upto, alone = self._gathered()
        # A channel that has gone brings its messages again: nobody needs to be told here.
        with suppress(*TROUBLE):
            if upto:
                await self._channel.basic_ack(upto, multiple=True, wait=False)
            for tag in alone:
                await self._channel.basic_ack(tag, wait=False)

    def _gathered(self) -> tuple[int, list[int]]:
        """The last tag of those without a gap (0 for none), and the others."""
        upto, tag = 0, self._below + 1
        while tag in self._settled or tag in self._ahead:
            if tag in self._settled:
                upto = tag
            self._settled.discard(tag)
            self._ahead.discard(tag)
            tag += 1
        self._below = tag - 1
        alone = sorted(self._settled)
        self._ahead |= self._settled
        self._settled.clear()
        return upto, alone
