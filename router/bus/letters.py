"""The dead letters of the bus on RabbitMQ: what groups gave up, until an operator decides.

Rules:

1. Letters lie in a quorum queue without a limit: none is dropped, and in a cluster none
   is lost with a node.
2. A letter is put away before its fact is acknowledged (publisher confirms). What the broker
   itself gives up reaches the queue at least once: group queues have the strategy
   ``at-least-once``, for which RabbitMQ demands ``reject-publish``.
3. Looking hands all letters in hand out and gives them back in order. A quorum queue counts
   that as a delivery, and RabbitMQ 4 drops what was delivered 20 times; so letters that were
   looked at ``FRESH_AFTER`` times are put back anew, in order, each before the old one goes.
4. What an earlier version kept in queues of other names or kinds is brought over at the start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256

from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, HeadersType
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed, DeliveryError

from router.bus.delivery import DeadLetter
from router.bus.flow import DEATHS, Piece
from router.bus.link import TROUBLE, Link
from router.errors import BusUnavailable

MANY = 1_000
"""From here on each further letter says in the log how many lie there."""

IN_HAND = 10_000
"""Letters that one look takes in hand, the oldest; what lies behind them is seen later."""

LOOK_TIMEOUT_S = 10.0
RETURN_POLL_S = 0.02

FRESH_AFTER = 10
"""Looks after which letters are put back anew (rule 3); less than the broker's 20."""

GROUP_HEADER = "parley-group"
REASON_HEADER = "parley-reason"
AT_HEADER = "parley-at"
FIRST_DEATH = "x-first-death-queue"
"""Where the broker says which queue gave a message up."""

log = logging.getLogger(__name__)

Ask = Callable[[], Awaitable[AbstractChannel]]


class Letters:
    """The letters of the buses with one ``prefix``.

    ``asking`` gives a channel whose publications are confirmed and mandatory;
    ``crash_limit`` is how often a group's queue gives a message out.
    """

    def __init__(self, prefix: str, link: Link, asking: Ask, crash_limit: int) -> None:
        self._prefix = prefix
        self._link = link
        self._asking = asking
        self._crash_limit = crash_limit
        self._looking = asyncio.Lock()

    # Names.

    @property
    def exchange(self) -> str:
        """Where group queues send what killed their consumers too often."""
        return f"{self._prefix}.dead"

    @property
    def _queue(self) -> str:
        return f"{self._prefix}.letters"

    def group_queue(self, group: str) -> str:
        """The queue of a group."""
        return f"{self._prefix}.to.{group}"

    def earlier_group_queue(self, group: str) -> str:
        """The queue that an earlier version kept for it (rule 4)."""
        return f"{self._prefix}.group.{group}"

    # Coming in.

    async def declare(self, connection: AbstractConnection) -> None:
        """Make the exchange and the queue, unless they are there."""
        async with await connection.channel() as channel:
            await channel.declare_exchange(self.exchange, ExchangeType.FANOUT, durable=True)
        try:
            async with await connection.channel() as channel:
                await channel.declare_queue(
                    self._queue, durable=True, arguments={"x-queue-type": "quorum"}
                )
        except ChannelPreconditionFailed as error:
            # Somebody made it otherwise: better letters in such a queue than no bus.
            log.error("dead letters go into a queue with other options: %s", error)
        async with await connection.channel() as channel:
            queue = await channel.get_queue(self._queue, ensure=False)
            await queue.bind(self.exchange)

    async def bring_over(self) -> None:
        """What lies in the classic queue of an earlier version (rule 4)."""
        old = self.exchange
        await bring_over(
            self._link.connection, old, self._queue, [(self.exchange, "")], self._headers
        )

    async def put(self, group: str, piece: Piece, reason: str) -> None:
        """Put a fact away that ``group`` gave up. Raises ``BusUnavailable``, AMQP errors."""
        log.error("group %s gave up %s %s: %s", group, piece.type_name, piece.id, reason)
        now = datetime.now(UTC).isoformat()
        letter = Message(
            piece.data,
            content_type="application/json",
            type=piece.type_name,
            message_id=piece.id,
            correlation_id=piece.interaction_id,
            headers={GROUP_HEADER: group, REASON_HEADER: reason, AT_HEADER: now},
            delivery_mode=DeliveryMode.PERSISTENT,
        )
        channel = await self._asking()
        await channel.default_exchange.publish(letter, self._queue)
        if (lying := await self.count()) >= MANY:
            log.error("%d dead letters lie in %s: see /system/letters", lying, self._queue)

    # For the operator.

    async def count(self) -> int:
        """How many lie there; while somebody looks, those in hand are not counted.

        Raises ``BusUnavailable``.
        """
        try:
            async with await self._link.connection.channel() as channel:
                return await _ready(channel, self._queue)
        except TROUBLE as error:
            raise BusUnavailable(f"could not count the dead letters: {error!r}") from error

    async def newest(self, limit: int) -> list[DeadLetter]:
        """The newest of those in hand, newest first. Raises ``BusUnavailable``."""
        async with self._look() as messages:
            return [self._read(message) for message in messages[::-1][:limit]]

    async def replay(self, letter_id: str) -> bool:
        """Give it to its group; False when it is not there, or its group is gone."""
        async with self._look() as messages:
            found = self._find(messages, letter_id)
            return found is not None and await self._give_back(found)

    async def replay_group(self, group: str) -> int:
        """Give all in hand to their group, oldest first; how many went."""
        async with self._look() as messages:
            mine = [each for each in messages if self._read(each).group == group]
            return sum([await self._give_back(each) for each in mine])

    async def discard(self, letter_id: str) -> bool:
        """Throw it away; False when it is not there."""
        async with self._look() as messages:
            found = self._find(messages, letter_id)
            if found is not None:
                await found.ack()
            return found is not None

    @asynccontextmanager
    async def _look(self) -> AsyncIterator[list[AbstractIncomingMessage]]:
        """Letters in hand, oldest first; those not acknowledged go back (rule 3)."""
        await self._asking()
        async with self._looking:
            try:
                async with await self._link.connection.channel() as channel:
                    messages = await self._take(channel)
                    yield messages
                    left = [each for each in messages if not each.processed]
                    if any(_looks(each) >= FRESH_AFTER for each in left):
                        await self._put_anew(left)
                        left = []
                await self._returned(len(left))
            except TROUBLE as error:
                raise BusUnavailable(f"could not read the dead letters: {error!r}") from error

    async def _take(self, channel: AbstractChannel) -> list[AbstractIncomingMessage]:
        expected = min(await _ready(channel, self._queue), IN_HAND)
        messages: list[AbstractIncomingMessage] = []
        complete = asyncio.Event()

        async def collect(message: AbstractIncomingMessage) -> None:
            messages.append(message)
            if len(messages) >= expected:
                complete.set()

        if expected:
            await channel.set_qos(prefetch_count=expected)
            queue = await channel.get_queue(self._queue, ensure=False)
            await queue.consume(collect)
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                await complete.wait()
        return messages

    async def _returned(self, number: int) -> None:
        """Wait until as many lie there: a quorum queue takes them back after the channel's end."""
        async with (
            asyncio.timeout(LOOK_TIMEOUT_S),
            await self._link.connection.channel() as channel,
        ):
            while True:
                if await _ready(channel, self._queue) >= number:
                    return
                await asyncio.sleep(RETURN_POLL_S)

    async def _put_anew(self, messages: Iterable[AbstractIncomingMessage]) -> None:
        channel = await self._asking()
        for message in messages:
            letter = copy(message, self._headers(message))
            await channel.default_exchange.publish(letter, self._queue)
            await message.ack()

    async def _give_back(self, message: AbstractIncomingMessage) -> bool:
        """To its own group only; False when that group is gone, and the letter stays."""
        channel = await self._asking()
        queue = self.group_queue(self._read(message).group)
        try:
            await channel.default_exchange.publish(copy(message, {}), queue)
        except DeliveryError:
            return False
        await message.ack()
        return True

    def _find(
        self, messages: Iterable[AbstractIncomingMessage], letter_id: str
    ) -> AbstractIncomingMessage | None:
        return next((each for each in messages if self._read(each).id == letter_id), None)

    def _read(self, message: AbstractIncomingMessage) -> DeadLetter:
        headers = self._headers(message)
        group, noted = str(headers[GROUP_HEADER]), str(headers[AT_HEADER])
        at = datetime.fromisoformat(noted) if noted else None
        name = message.message_id or sha256(message.body).hexdigest()[:32]
        text = message.body.decode(errors="replace")
        reason = str(headers[REASON_HEADER])
        return DeadLetter(f"{group}:{name}", group, reason, message.type or "", text, at)

    def _headers(self, message: AbstractIncomingMessage) -> HeadersType:
        """Ours; made from the broker's own where it gave the message up."""
        headers = message.headers
        if GROUP_HEADER in headers:
            return {
                name: _text(headers.get(name)) for name in (GROUP_HEADER, REASON_HEADER, AT_HEADER)
            }
        group = _text(headers.get(FIRST_DEATH))
        for begin in (self.group_queue(""), self.earlier_group_queue("")):
            group = group.removeprefix(begin)
        reason = f"its consumers died {self._crash_limit} times"
        return {GROUP_HEADER: group, REASON_HEADER: reason, AT_HEADER: ""}


async def bring_over(
    connection: AbstractConnection,
    old: str,
    new: str,
    bound: Iterable[tuple[str, str]],
    headers: Callable[[AbstractIncomingMessage], HeadersType] = lambda _: {},
) -> None:
    """Move what lies in the queue ``old``, if there is one, into ``new``, and remove it.

    ``bound`` are the exchanges and keys that it was bound with. A queue that a process of the
    earlier version still consumes is left to that one, and brought over at the next start.
    """
    channel = await connection.channel(on_return_raises=True)
    try:
        queue = await channel.declare_queue(old, passive=True)
    except ChannelNotFoundEntity:
        return
    for exchange, key in bound:
        await queue.unbind(exchange, key)
    if queue.declaration_result.consumer_count:
        log.warning("%s of an earlier version is in use; it is brought over later", old)
    else:
        moved = 0
        while (message := await queue.get(fail=False)) is not None:
            await channel.default_exchange.publish(copy(message, headers(message)), new)
            await message.ack()
            moved += 1
        # A quorum queue knows neither if-unused nor if-empty.
        await queue.delete(if_unused=False, if_empty=False)
        log.info("%d messages of %s, a queue of an earlier version, are in %s", moved, old, new)
    await channel.close()


def copy(message: AbstractIncomingMessage, headers: HeadersType) -> Message:
    """The same content to publish again."""
    return Message(
        message.body,
        content_type=message.content_type,
        type=message.type,
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        headers=headers,
        delivery_mode=DeliveryMode.PERSISTENT,
    )


async def _ready(channel: AbstractChannel, name: str) -> int:
    queue = await channel.declare_queue(name, passive=True)
    return queue.declaration_result.message_count or 0


def _looks(message: AbstractIncomingMessage) -> int:
    times = message.headers.get(DEATHS, 0)
    return times if isinstance(times, int) else 0


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
