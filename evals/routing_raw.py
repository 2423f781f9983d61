"""What the servers bear when nothing is routed: the yardstick of the bench ``routing``.

Plain aio-pika and plain asyncpg, with as many publications and connections side by side as
make them quickest here.
"""

from __future__ import annotations

import asyncio
import time
from itertools import count

import asyncpg  # type: ignore[import-untyped]
from aio_pika import DeliveryMode, ExchangeType, Message, connect
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

GROUPS = {"dispatcher": True, "desk": False}
"""Whether what is published for it must outlive its consumer, which takes a quorum queue."""
BODY = b"x" * 400
"""As long as most facts are in their envelope."""
PUBLISHING = 64
PREFETCH = 64
CONNECTIONS = 10
EXCHANGE = "raw"
INSERT = "INSERT INTO raw (body) VALUES ($1)"


async def raw_messages_per_s(url: str, seconds: float) -> float:
    """Persistent messages published, confirmed, and consumed from every group's queue."""
    async with await connect(url) as publishing, await connect(url) as consuming:
        channel = await publishing.channel()
        exchange = await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
        tallies = [_Tally() for _ in GROUPS]
        for group, tally in zip(GROUPS, tallies, strict=True):
            await _consume(await consuming.channel(), group, tally, lasting=GROUPS[group])
        began, published = time.perf_counter(), 0

        async def publish() -> None:
            nonlocal published
            while time.perf_counter() - began < seconds:
                message = Message(BODY, delivery_mode=DeliveryMode.PERSISTENT)
                await exchange.publish(message, "raw")
                published += 1

        await asyncio.gather(*(publish() for _ in range(PUBLISHING)))
        for tally in tallies:
            await tally.reach(published)
        return published / (time.perf_counter() - began)


class _Tally:
    """Counts what one group has taken and acknowledged."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = asyncio.Event()

    async def take(self, message: AbstractIncomingMessage) -> None:
        await message.ack()
        self._count += 1
        self._changed.set()

    async def reach(self, number: int) -> None:
        while self._count < number:
            self._changed.clear()
            await self._changed.wait()


async def _consume(channel: AbstractChannel, group: str, tally: _Tally, *, lasting: bool) -> None:
    await channel.set_qos(prefetch_count=PREFETCH)
    queue = await channel.declare_queue(
        f"raw.{group}",
        durable=True,
        auto_delete=not lasting,
        arguments={"x-queue-type": "quorum"} if lasting else None,
    )
    await queue.bind(EXCHANGE, "raw")
    await queue.consume(tally.take)


async def raw_commits_per_s(url: str, seconds: float) -> float:
    """Durable commits of one small row each, on several connections."""
    plain = url.replace("+asyncpg", "")
    connections = [await asyncpg.connect(plain) for _ in range(CONNECTIONS)]
    await connections[0].execute("CREATE TABLE raw (id bigserial PRIMARY KEY, body bytea)")
    began, numbers = time.perf_counter(), count()

    async def commit(connection: asyncpg.Connection) -> None:
        while time.perf_counter() - began < seconds:
            async with connection.transaction():
                await connection.execute(INSERT, BODY)
            next(numbers)

    await asyncio.gather(*(commit(each) for each in connections))
    rate = next(numbers) / (time.perf_counter() - began)
    for connection in connections:
        await connection.close()
    return rate
