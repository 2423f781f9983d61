"""How earlier conversations were filed, per queue, for ``bots.assist.filing``.

1. A queue's newest wrap-ups are read when an agent first opens a conversation of it, beside
   the work: until then there are none, and nobody waits.
2. Later ones are added when the shelf is looked at, at most every ``FRESH_S``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import datetime, timedelta

from bots.assist.filing import Filed, Precedents
from bots.assist.thread import WORDS, words_of
from router.errors import ParleyError
from router.events import WrapUpCompleted
from router.model import Author, Message
from router.ports import Clock, Store

log = logging.getLogger(__name__)

DAYS_BACK = 14
READ = 300
"""So many wrap-ups are read of a queue at first."""
FRESH_S = 60.0
NOT_FILED = "not-filed"
BREATH_S = 0.002
"""Between two conversations that are read: the desk's own reading goes first."""


class PrecedentShelf:
    """Precedents of every queue that agents of this process work in."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._by_queue: dict[str, Precedents] = {}
        self._until: datetime | None = None
        self._reading: asyncio.Task[None] | None = None

    async def of(self, queue: str) -> Precedents:
        """Those of one queue, as far as they have been read."""
        now = self._clock.now()
        idle = self._reading is None or self._reading.done()
        stale = self._until is None or (now - self._until).total_seconds() > FRESH_S
        if idle and stale:
            since = self._until or now - timedelta(days=DAYS_BACK)
            self._until = now
            self._reading = asyncio.create_task(self._read(since), name="precedents")
        return self._by_queue.setdefault(queue, Precedents())

    async def read(self) -> None:
        """Wait for what is being read (tests)."""
        if self._reading is not None:
            await self._reading

    async def _read(self, since: datetime) -> None:
        try:
            async with self._store.reading() as tx:
                numbers = await tx.log.numbers([WrapUpCompleted], since=since)
                facts = await tx.log.numbered(numbers[-READ:])
            for fact in facts:
                if isinstance(fact, WrapUpCompleted) and fact.disposition != NOT_FILED:
                    await self._add(fact)
                    await asyncio.sleep(BREATH_S)
        except (ParleyError, OSError):
            log.warning("earlier wrap-ups could not be read", exc_info=True)

    async def _add(self, fact: WrapUpCompleted) -> None:
        async with self._store.reading() as tx:
            lines = await tx.interactions.messages(fact.interaction_id)
        filed = Filed(said_by_people(lines), fact.disposition, fact.note)
        self._by_queue.setdefault(fact.queue, Precedents()).add(fact.interaction_id, filed)


def said_by_people(lines: list[Message]) -> dict[str, int]:
    """The words of customer and agents; the bot's say nothing about how it ended."""
    words: Counter[str] = Counter()
    for line in lines:
        if line.author in (Author.CUSTOMER, Author.AGENT):
            words.update(words_of(line.text))
    return dict(words.most_common(WORDS))
