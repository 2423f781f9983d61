"""One AMQP connection that comes back by itself.

Rules:

1. The first connection is the caller's business: failing raises ``BusUnavailable``.
2. Later losses are ours: the link connects again, with growing pauses, and calls
   ``on_up`` with the new connection so that its owner sets everything up again, and
   ``on_again`` once that is done.
3. A channel or consumer that the broker closes counts as a loss, because what
   stood on it has gone too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import ChannelInvalidStateError
from yarl import URL

from router.errors import BusUnavailable

CONNECT_TIMEOUT_S = 10.0
HEARTBEAT_S = 10
"""A peer that is silent for twice as long is taken for dead."""

PAUSES_S = (0.1, 0.25, 0.5, 1.0)
"""Pauses between attempts to connect again; the last repeats."""

TROUBLE = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)
"""What the client library raises when the broker or the way to it fails."""

log = logging.getLogger(__name__)

OnUp = Callable[[AbstractConnection], Awaitable[None]]


class Link:
    """Keeps a connection to ``url``; ``on_down`` is called at each loss."""

    def __init__(
        self,
        url: str,
        name: str,
        on_up: OnUp,
        on_down: Callable[[], None],
        heartbeat_s: int = HEARTBEAT_S,
    ) -> None:
        parsed = URL(url)
        if "heartbeat" not in parsed.query:
            parsed = parsed.update_query(heartbeat=str(heartbeat_s))
        self._url = parsed
        self._name = name
        self._on_up = on_up
        self._on_down = on_down
        self._connection: AbstractConnection | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.on_again: list[Callable[[], None]] = []

    @property
    def up(self) -> bool:
        """True while connected and set up."""
        return self._up.is_set()

    @property
    def connection(self) -> AbstractConnection:
        """The connection. Raises ``BusUnavailable`` while there is none."""
        if self._connection is None or not self.up:
            raise BusUnavailable(f"not connected to {self._where()}")
        return self._connection

    async def open(self) -> None:
        """Connect and set up (rule 1)."""
        try:
            await self._connect()
        except TROUBLE as error:
            raise BusUnavailable(
                f"cannot connect to RabbitMQ at {self._where()}: {error or type(error).__name__};"
                " check RABBIT_URL and that the broker runs"
            ) from error
        self._keeper = asyncio.create_task(self._keep(), name="bus link")

    async def close(self) -> None:
        """Disconnect for good. Safe to call twice."""
        self._up.clear()
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        await self._drop()

    async def wait_up(self, timeout_s: float) -> None:
        """Return once connected. Raises ``BusUnavailable`` after ``timeout_s``."""
        if self._up.is_set():
            return
        if self._keeper is None:
            raise BusUnavailable("the bus is not started; await start() first")
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            raise BusUnavailable(f"no connection to {self._where()} in {timeout_s} s") from None

    async def watch(self, channel: AbstractChannel) -> None:
        """Treat the end of ``channel`` or of a consumer on it as a loss (rule 3)."""
        ended = partial(self._ended, self._connection)
        channel.close_callbacks.add(ended)
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(ended)
        if channel.is_closed:
            ended()

    async def _connect(self) -> None:
        self._lost.clear()
        connection = await aio_pika.connect(
            self._url,
            timeout=CONNECT_TIMEOUT_S,
            client_properties={"connection_name": self._name},
        )
        self._connection = connection
        connection.close_callbacks.add(partial(self._ended, connection))
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._on_up(connection)
        except BaseException:
            await self._drop()
            raise
        self._up.set()

    async def _keep(self) -> None:
        while True:
            await self._lost.wait()
            log.warning("lost the connection to %s", self._where())
            await self._drop()
            await self._connect_again()

    async def _connect_again(self) -> None:
        tries = 0
        while True:
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1
            try:
                await self._connect()
            except TROUBLE as error:
                log.warning("cannot reach %s (try %d): %s", self._where(), tries, error)
            else:
                log.info("connected to %s again", self._where())
                for tell in self.on_again:
                    tell()
                return

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*TROUBLE, asyncio.CancelledError):
                await connection.close()

    def _ended(self, connection: AbstractConnection | None, *_: object) -> None:
        if connection is None or connection is not self._connection:
            return  # an older connection, or one that we close ourselves
        if self._up.is_set():
            self._up.clear()
            self._on_down()
        self._lost.set()

    def _where(self) -> str:
        return str(self._url.with_user(None).with_password(None).with_query(None))
