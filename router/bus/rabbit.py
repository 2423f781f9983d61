"""The bus on RabbitMQ (3.10 or later), through aio-pika.

What stands in the broker, all names beginning with the bus's prefix:

- ``P.facts``: topic exchange; the routing key names the types in a message (``flow``).
- ``P.to.G``: one queue per group. Lasting groups have a quorum queue; the
  others a classic queue that goes with its last consumer.
- ``P.orders.A``: one short-lived queue per served address. Orders are mandatory:
  without the queue the broker hands them back.
- ``P.dead`` and ``P.letters``: exchange and quorum queue of what groups gave up (``letters``).

Replies use the broker's direct reply-to, so no reply queue is declared.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractIncomingMessage,
    AbstractQueue,
)
from aio_pika.exceptions import ChannelPreconditionFailed, DeliveryError
from aiormq.channel import Channel

from router.bus import codec
from router.bus.delivery import (
    STOP_GRACE_S,
    Lanes,
    Retry,
    answer_order,
    handle_envelope,
    read_reply,
)
from router.bus.flow import Inflow, Piece, binding, bundles, publish
from router.bus.letters import Letters, bring_over
from router.bus.link import HEARTBEAT_S, TROUBLE, Link
from router.commands import Order
from router.errors import BusUnavailable, LocalError, ReplyTimeout, Unroutable
from router.events import Fact
from router.model import new_id
from router.ports import DeadLetterView, FactHandler, OrderHandler

PREFETCH = 64
"""Messages that one consumer may have in hand at once."""

BATCH = 256
"""Messages of one publication whose confirms may be outstanding at once."""

PUBLISH_TIMEOUT_S = 10.0

CRASH_LIMIT = 20
"""Times the broker gives a fact out again when its consumer dies. It cannot be
changed on an existing queue; a clean stop counts too for what was prefetched."""

UNUSED_MS = 60_000
"""A queue that is not lasting goes after this long without a consumer."""

REPLY_TO = "amq.rabbitmq.reply-to"

log = logging.getLogger(__name__)


class _Subscription:
    """One consumer of one group; it outlives connections, its queue object does not."""

    def __init__(
        self, group: str, types: frozenset[str], lasting: bool, single_active: bool
    ) -> None:
        self.group = group
        self.types = types
        self.lasting = lasting
        self.single_active = single_active
        self.lanes: Lanes[Piece]
        self.inflow: Inflow | None = None
        self.consuming: tuple[AbstractQueue, str] | None = None

    def queue_arguments(self, dead_exchange: str) -> dict[str, Any]:
        """How its queue is declared."""
        arguments: dict[str, Any] = {"x-single-active-consumer": True} if self.single_active else {}
        if not self.lasting:
            return arguments | {"x-expires": UNUSED_MS}
        return arguments | {
            "x-queue-type": "quorum",
            "x-delivery-limit": CRASH_LIMIT,
            "x-dead-letter-exchange": dead_exchange,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }


@dataclass(slots=True)
class _Service:
    """A served address."""

    address: str
    handler: OrderHandler
    consuming: tuple[AbstractQueue, str] | None = None


@dataclass(frozen=True, slots=True)
class _Desk:
    """What one connection publishes through."""

    publishing: AbstractChannel
    wire: Channel
    asking: AbstractChannel


class RabbitBus:
    """``router.ports.Bus`` on RabbitMQ; buses with one ``prefix`` belong together.

    The broker takes a process that has been silent for two to three ``heartbeat_s`` for
    dead and serves its groups' next consumer.
    """

    def __init__(
        self,
        url: str,
        prefix: str = "parley",
        *,
        retry: Retry | None = None,
        heartbeat_s: int = HEARTBEAT_S,
    ) -> None:
        self._prefix = prefix
        self._retry = retry or Retry()
        name = f"{prefix} {os.getpid()}"
        self._link = Link(
            url, name, on_up=self._set_up, on_down=self._went_down, heartbeat_s=heartbeat_s
        )
        self._desk: _Desk | None = None
        self._subscriptions: list[_Subscription] = []
        self._services: dict[str, _Service] = {}
        self._replies: dict[str, asyncio.Future[bytes | None]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._letters = Letters(prefix, self._link, self._asking, CRASH_LIMIT)

    async def start(self) -> None:
        """See ``router.ports.Bus``."""
        await self._link.open()
        await _guard(self._letters.bring_over())

    async def stop(self) -> None:
        """See ``router.ports.Bus``."""
        subscriptions, self._subscriptions = self._subscriptions, []
        services, self._services = self._services, {}
        consuming = [each.consuming for each in subscriptions]
        consuming += [each.consuming for each in services.values()]
        await asyncio.gather(*(_quietly_cancel(*each) for each in consuming if each))
        await asyncio.gather(*(_finish(each) for each in subscriptions))
        if self._answering:
            _, late = await asyncio.wait(self._answering, timeout=STOP_GRACE_S)
            for task in late:
                task.cancel()
        self._went_down()
        await self._link.close()

    async def publish(self, facts: Sequence[Fact]) -> None:
        """See ``router.ports.Bus``. Raises ``LocalError``, ``BusUnavailable``."""
        batch = bundles(facts)
        wire = (await self._ready()).wire
        try:
            for start in range(0, len(batch), BATCH):
                async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                    await publish(wire, self._facts_exchange, batch[start : start + BATCH])
        except TROUBLE as error:
            raise BusUnavailable(f"the broker did not confirm: {error!r}") from error

    async def subscribe(
        self,
        group: str,
        handler: FactHandler,
        types: Iterable[type[Fact]],
        *,
        lasting: bool = True,
        single_active: bool = False,
    ) -> None:
        """See ``router.ports.Bus``. Raises ``BusUnavailable``."""
        wanted = frozenset(each.__name__ for each in types)
        subscription = _Subscription(group, wanted, lasting, single_active)
        subscription.lanes = Lanes(
            lambda piece: handle_envelope(handler, wanted, piece.packed),
            Piece.settle,
            partial(self._give_up, subscription),
            self._retry,
        )
        await self._ready()
        await _guard(self._consume_facts(self._link.connection, subscription))
        self._subscriptions.append(subscription)
        if lasting:
            await _guard(self._bring_over(group))

    async def serve(self, address: str, handler: OrderHandler) -> None:
        """See ``router.ports.Bus``. Raises ``BusUnavailable``."""
        if address in self._services:
            raise LocalError(f"this bus serves {address} already")
        service = _Service(address, handler)
        await self._ready()
        await _guard(self._consume_orders(self._link.connection, service))
        self._services[address] = service

    async def ask(self, order: Order, address: str, timeout_s: float = 10.0) -> Order:
        """See ``router.ports.Bus``. Raises ``BusUnavailable`` as well."""
        body = codec.pack_order(order)
        ticket = new_id()
        future: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._replies[ticket] = future
        message = Message(
            body,
            content_type="application/json",
            type=type(order).__name__,
            correlation_id=ticket,
            reply_to=REPLY_TO,
            expiration=timeout_s,
            delivery_mode=DeliveryMode.NOT_PERSISTENT,
        )
        try:
            async with asyncio.timeout(timeout_s):
                desk = await self._ready()
                await desk.asking.default_exchange.publish(message, self._orders_queue(address))
                reply = await future
        except DeliveryError:
            name = type(order).__name__
            raise Unroutable(f"nobody serves {address}, wanted for {name}") from None
        except TimeoutError:
            name = type(order).__name__
            raise ReplyTimeout(f"{address} did not answer {name} in {timeout_s} s") from None
        except TROUBLE as error:
            raise BusUnavailable(f"lost the broker while asking {address}: {error!r}") from error
        finally:
            del self._replies[ticket]
        if reply is None:
            raise BusUnavailable(f"lost the broker while waiting for {address}")
        return read_reply(reply)

    async def dead_letters(self, limit: int = 100) -> list[DeadLetterView]:
        """See ``router.ports.Bus``. Raises ``BusUnavailable``."""
        return [*await self._letters.newest(limit)]

    async def count_dead_letters(self) -> int:
        """See ``router.ports.Bus``. Raises ``BusUnavailable``."""
        return await self._letters.count()

    async def replay(self, letter_id: str) -> bool:
        """See ``router.ports.Bus``. Raises ``BusUnavailable``."""
        return await self._letters.replay(letter_id)

    async def replay_group(self, group: str) -> int:
        """See ``router.ports.Bus``. Raises ``BusUnavailable``."""
        return await self._letters.replay_group(group)

    async def discard(self, letter_id: str) -> bool:
        """See ``router.ports.Bus``. Raises ``BusUnavailable``."""
        return await self._letters.discard(letter_id)

    def healthy(self) -> bool:
        """See ``router.ports.Bus``."""
        return self._link.up

    def on_restored(self, tell: Callable[[], None]) -> None:
        """See ``router.ports.Bus``."""
        self._link.on_again.append(tell)

    # Setting up, again after each loss.

    async def _set_up(self, connection: AbstractConnection) -> None:
        publishing = await connection.channel()
        asking = await connection.channel(on_return_raises=True)
        for channel in (publishing, asking):
            await self._link.watch(channel)
        await publishing.declare_exchange(self._facts_exchange, ExchangeType.TOPIC, durable=True)
        await self._letters.declare(connection)
        replies = await asking.get_queue(REPLY_TO, ensure=False)
        await replies.consume(self._take_reply, no_ack=True)
        self._desk = _Desk(publishing, await _underlay(publishing), asking)
        for subscription in self._subscriptions:
            await self._consume_facts(connection, subscription)
        for service in self._services.values():
            await self._consume_orders(connection, service)

    async def _consume_facts(self, connection: AbstractConnection, sub: _Subscription) -> None:
        channel = await self._consuming_channel(connection)
        queue = await channel.declare_queue(
            self._letters.group_queue(sub.group),
            durable=True,
            auto_delete=not sub.lasting,
            arguments=sub.queue_arguments(self._letters.exchange),
        )
        for name in sorted(sub.types):
            await queue.bind(self._facts_exchange, routing_key=binding(name))
        wire = await _underlay(channel)
        sub.inflow = Inflow(wire, sub.types, sub.lanes, partial(self._hand_on, sub))
        consumer = await wire.basic_consume(queue.name, sub.inflow.take)
        sub.consuming = (queue, consumer.consumer_tag or "")
        await self._link.watch(channel)

    async def _bring_over(self, group: str) -> None:
        """The facts that an earlier version kept for this group."""
        bound = [(self._facts_exchange, binding(name)) for name in codec.FACT_NAMES]
        old, new = self._letters.earlier_group_queue(group), self._letters.group_queue(group)
        await bring_over(self._link.connection, old, new, bound)

    async def _consume_orders(self, connection: AbstractConnection, service: _Service) -> None:
        channel = await self._consuming_channel(connection)
        queue = await channel.declare_queue(
            self._orders_queue(service.address),
            durable=True,
            auto_delete=True,
            arguments={"x-expires": UNUSED_MS},
        )
        tag = await queue.consume(partial(self._take_order, service.handler))
        service.consuming = (queue, tag)
        await self._link.watch(channel)

    async def _consuming_channel(self, connection: AbstractConnection) -> AbstractChannel:
        channel = await connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=PREFETCH)
        return channel

    def _went_down(self) -> None:
        """What was prefetched comes again; who waits for a reply is told now."""
        self._desk = None
        for subscription in self._subscriptions:
            subscription.lanes.forget_waiting()
        for future in self._replies.values():
            if not future.done():
                future.set_result(None)

    async def _ready(self) -> _Desk:
        await self._link.wait_up(PUBLISH_TIMEOUT_S)
        if self._desk is None:
            raise BusUnavailable("the connection was lost just now")
        return self._desk

    # What comes in.

    async def _take_order(self, handler: OrderHandler, message: AbstractIncomingMessage) -> None:
        """Acknowledged first: the asker waits and decides, an order must not run twice."""
        try:
            await message.ack()
        except TROUBLE:
            return  # the broker did not hear it and gives the order to another server
        task = asyncio.create_task(self._answer(handler, message))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, handler: OrderHandler, message: AbstractIncomingMessage) -> None:
        body = await answer_order(handler, message.body)
        reply = Message(
            body, correlation_id=message.correlation_id, delivery_mode=DeliveryMode.NOT_PERSISTENT
        )
        try:
            desk = await self._ready()
            exchange = desk.publishing.default_exchange
            await exchange.publish(reply, message.reply_to or "", mandatory=False)
        except (*TROUBLE, BusUnavailable) as error:
            log.warning("could not answer a %s: %r", message.type, error)

    async def _take_reply(self, message: AbstractIncomingMessage) -> None:
        future = self._replies.get(message.correlation_id or "")
        if future is not None and not future.done():
            future.set_result(message.body)

    async def _hand_on(self, sub: _Subscription, pieces: Sequence[Piece]) -> bool:
        """Each piece to its own group, alone (``flow``, rule 3)."""
        alone = [
            Message(
                piece.data,
                content_type="application/json",
                type=piece.type_name,
                message_id=piece.id,
                delivery_mode=DeliveryMode.PERSISTENT,
            )
            for piece in pieces
        ]
        try:
            exchange = (await self._asking()).default_exchange
            for message in alone:
                await exchange.publish(message, self._letters.group_queue(sub.group))
        except (*TROUBLE, DeliveryError, BusUnavailable) as error:
            log.warning("could not hand pieces on alone: %r", error)
            return False
        return True

    async def _give_up(self, sub: _Subscription, piece: Piece, reason: str) -> None:
        try:
            await self._letters.put(sub.group, piece, reason)
        except (*TROUBLE, BusUnavailable) as error:
            log.warning("could not put a dead letter away, it comes again: %r", error)
            await piece.give_back()
        else:
            await piece.settle()

    async def _asking(self) -> AbstractChannel:
        return (await self._ready()).asking

    # Names.

    @property
    def _facts_exchange(self) -> str:
        return f"{self._prefix}.facts"

    def _orders_queue(self, address: str) -> str:
        return f"{self._prefix}.orders.{address}"


async def _guard(step: Awaitable[None]) -> None:
    try:
        await step
    except ChannelPreconditionFailed as error:
        raise LocalError(
            "the queue exists with other options; use the same everywhere, or let it run empty, "
            f"stop everything and `rabbitmqctl delete_queue` it: {error}"
        ) from error
    except TROUBLE as error:
        raise BusUnavailable(f"the broker refused: {error!r}") from error


async def _underlay(channel: AbstractChannel) -> Channel:
    """The client library's lower half (see ``flow``)."""
    found = await channel.get_underlay_channel()
    assert isinstance(found, Channel)
    return found


async def _finish(sub: _Subscription) -> None:
    """Let what is running end, and tell the broker before the connection goes."""
    await sub.lanes.stop()
    if sub.inflow is not None:
        await sub.inflow.flush(PREFETCH)


async def _quietly_cancel(queue: AbstractQueue, tag: str) -> None:
    try:
        await queue.cancel(tag)
    except TROUBLE as error:
        log.debug("could not cancel a consumer: %r", error)
