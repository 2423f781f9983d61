"""Our lines on their way to a peer that is not always there (mail server, SMS provider).

1. Exactly one process claims a line; the claim is in the database.
2. Sent: ``MessageSent``. Refused for good: ``MessageFailed``. Both end it.
3. Delayed: the claim is given back and the line is tried again with back-off.
4. A line without either fact is still due. Every process looks for such lines
   from time to time, so that one claimed by a process that died goes out too
   (a peer that took it just before may then see it twice, never not at all).
5. A line whose meta says ``once`` (a campaign's first words) is the other way round:
   claimed by a process that died, it counts as failed and never goes out again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from channels.text_errors import SendDelayed, SendRefused
from router.acts.lifecycle import Lifecycle
from router.events import Fact, MessageAdded, MessageFailed, MessageSent
from router.model import Author, Channel, Interaction, Message
from router.ports import Clock, Store

SWEEP_EVERY_S = 5.0
SCAN_EVERY_S = 60.0
"""How often the log is searched for lines that a dead process left."""
SCAN_BACK_S = 2 * 24 * 3600
"""Older lines are given up; a mail server keeps trying about as long."""
CLAIM_STALE_S = 120.0
"""A claim older than this without an outcome belongs to a process that died."""
UNKNOWN = "the process died while sending; whether it went out is unknown"
RETRY_FIRST_S = 5.0
RETRY_MOST_S = 300.0

log = logging.getLogger(__name__)

Send = Callable[[Interaction, Message], Awaitable[str]]
"""Hands a line to the peer and returns the peer's id. Raises ``SendDelayed``, ``SendRefused``."""


class Delivery:
    """Sends the bot's and the agents' lines of one channel through ``send``."""

    def __init__(
        self, store: Store, lifecycle: Lifecycle, clock: Clock, channel: Channel, send: Send
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._clock = clock
        self._channel = channel
        self._send = send
        self._in_hand: set[str] = set()
        self._due: dict[str, tuple[datetime, float]] = {}
        self._scanned_at: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look for what is due."""
        self._task = asyncio.create_task(self._sweep_forever(), name=f"{self._channel}-delivery")

    async def stop(self) -> None:
        """Stop looking. Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def handle(self, fact: Fact) -> None:
        """For the bus: send the line that ``fact`` announces, if it is ours to send."""
        if isinstance(fact, MessageAdded) and fact.channel == self._channel:
            await self._deliver(fact.message_id)

    async def sweep(self) -> None:
        """Send what is due now: delayed lines, and what the log says was left behind."""
        now = self._clock.now()
        for message_id, (at, _) in list(self._due.items()):
            if at <= now:
                await self._deliver(message_id)
        last = self._scanned_at
        if last is None or now - last >= timedelta(seconds=SCAN_EVERY_S):
            self._scanned_at = now
            await self._scan(now)

    async def _sweep_forever(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:  # the sweep must outlive any fault of the store
                log.exception("the %s delivery sweep failed; it tries again", self._channel)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def _scan(self, now: datetime) -> None:
        async with self._store.transaction() as tx:
            facts = await tx.log.facts(
                since=now - timedelta(seconds=SCAN_BACK_S),
                types=[MessageAdded, MessageSent, MessageFailed],
            )
        settled = {f.message_id for f in facts if isinstance(f, MessageSent | MessageFailed)}
        stale = now - timedelta(seconds=CLAIM_STALE_S)
        for fact in facts:
            if not isinstance(fact, MessageAdded) or fact.channel != self._channel:
                continue
            untouched = fact.message_id not in settled and fact.message_id not in self._due
            if untouched and fact.author != Author.CUSTOMER and fact.at <= stale:
                await self._take_over(fact.message_id)

    async def _take_over(self, message_id: str) -> None:
        if message_id in self._in_hand:
            return
        async with self._store.transaction() as tx:
            message = await tx.interactions.message(message_id)
            once = message is not None and _only_once(message)
            if once and not await tx.interactions.claim_delivery(message_id, self._clock.now()):
                lost = message
            else:
                lost = None
                await tx.interactions.release_delivery(message_id)
        if lost is None:
            await self._deliver(message_id)
        else:
            await self._settle(self._failed(lost, UNKNOWN))

    async def _deliver(self, message_id: str) -> None:
        if message_id in self._in_hand:
            return
        self._in_hand.add(message_id)
        try:
            await self._deliver_claimed(message_id)
        finally:
            self._in_hand.discard(message_id)

    async def _deliver_claimed(self, message_id: str) -> None:
        async with self._store.transaction() as tx:
            message = await tx.interactions.message(message_id)
            if message is None or not for_customer(message):
                self._due.pop(message_id, None)
                return
            interaction = await tx.interactions.get(message.interaction_id)
            claimed = await tx.interactions.claim_delivery(message_id, self._clock.now())
        if not claimed:
            self._due.pop(message_id, None)
            return
        try:
            peer_id = await self._send(interaction, message)
        except SendDelayed as error:
            await self._delay(message_id, str(error))
        except SendRefused as error:
            await self._settle(self._failed(message, str(error)))
        except BaseException:
            # Stopped in the middle: whether the peer has it is unknown (rules 4 and 5).
            if not _only_once(message):
                async with self._store.transaction() as tx:
                    await tx.interactions.release_delivery(message_id)
            raise
        else:
            await self._settle(self._sent(message, peer_id))

    async def _delay(self, message_id: str, reason: str) -> None:
        async with self._store.transaction() as tx:
            await tx.interactions.release_delivery(message_id)
        _, wait_s = self._due.get(message_id, (None, RETRY_FIRST_S / 2))
        wait_s = min(wait_s * 2, RETRY_MOST_S)
        self._due[message_id] = (self._clock.now() + timedelta(seconds=wait_s), wait_s)
        log.warning("%s message %s waits %.0f s: %s", self._channel, message_id, wait_s, reason)

    async def _settle(self, fact: MessageSent | MessageFailed) -> None:
        self._due.pop(fact.message_id, None)
        await self._lifecycle.record([fact])

    def _sent(self, message: Message, peer_id: str) -> MessageSent:
        return MessageSent(
            at=self._clock.now(),
            interaction_id=message.interaction_id,
            message_id=message.id,
            channel=self._channel,
            peer_id=peer_id,
        )

    def _failed(self, message: Message, reason: str) -> MessageFailed:
        return MessageFailed(
            at=self._clock.now(),
            interaction_id=message.interaction_id,
            message_id=message.id,
            channel=self._channel,
            reason=reason,
        )


def for_customer(message: Message) -> bool:
    """Whether the customer gets this line: a bot's, an agent's, or a notice of ours."""
    if message.author is Author.SYSTEM:
        return bool(message.meta.get("send"))
    return message.author in (Author.BOT, Author.AGENT)


def _only_once(message: Message) -> bool:
    return bool(message.meta.get("once"))
