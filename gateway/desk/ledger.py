"""The company's figures day by day, kept up to date from the log as it grows.

1. A look at today reads what the log has got since the last look, and nothing else. A place
   in the log may become visible late, so the places of the last minute are compared.
2. A day is closed a minute after its midnight, because of such places. Its figures are kept
   as a document, and with them what goes on into the next day: a new process begins there.
3. Today counts by the rules in force: when they change it is counted anew. Closed days stay.
4. Every few thousand facts today's sums are kept, too: a new process reads on from there.
5. Long readings go in steps, so that the process does other things between them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

from router.company import Company
from router.configuration.export import serialize_company
from router.events import Fact
from router.figures.day import Day
from router.figures.tally import COUNTED, Standings, Tally
from router.figures.terms import Terms, terms_of
from router.ports import Clock, Store

FRESH_S = 1.0
LATE = timedelta(seconds=60)
DAYS_BACK = 6
"""So many closed days are counted when nobody has done it yet."""
STEP, BREATH = 4_000, 250
"""So many facts are read at once, so many added before others have a turn."""
KEEP_FACTS = 5_000
STANDINGS, CHECKPOINT = "figures.standings", "figures.checkpoint"
HALF_DAY = timedelta(hours=12)


class Carried(msgspec.Struct):
    """What went on when the day before ``begin`` was closed."""

    begin: datetime
    standings: Standings


class Checkpoint(msgspec.Struct):
    """Today's sums by these rules, with what has been read (``_Places``)."""

    begin: datetime
    rules: str
    low: int
    recent: list[tuple[int, datetime]]
    day: Day
    standings: Standings


def zone_of(company: Company) -> ZoneInfo:
    """The company's zone: that of its default queue."""
    return ZoneInfo(company.queue(company.default_queue).hours.timezone)


def day_start(now: datetime, company: Company) -> datetime:
    """Midnight of the company's day, in UTC."""
    zone = zone_of(company)
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


class Ledger:
    """Today's tally and the closed days before it; one for a process."""

    def __init__(
        self, store: Store, company: Company, clock: Clock, keep_facts: int = KEEP_FACTS
    ) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._turn = asyncio.Lock()
        self._tally: Tally | None = None
        self._terms = Terms()
        self._log = _Places()
        self._tomorrow: list[Fact] = []
        self._closed: dict[datetime, Day] = {}
        self._looked_at: datetime | None = None
        self._keep_facts = keep_facts
        self._read_since = 0

    async def today(self) -> Tally:
        """The tally of the day that runs, a second old at most; to be read only."""
        async with self._turn:
            now = self._clock.now()
            old = self._looked_at is None or (now - self._looked_at).total_seconds() >= FRESH_S
            if self._tally is None or old:
                self._tally = await self._refreshed(now)
                self._looked_at = now
            return self._tally

    async def before(self, days: int) -> list[Day]:
        """The closed days before today, newest first; empty where nobody counted."""
        begin = (await self.today()).begin
        begins = [self.begin_of(begin, back) for back in range(1, days + 1)]
        missing = [each for each in begins if each not in self._closed]
        if missing:
            async with self._store.reading() as tx:
                for each in missing:
                    body = await tx.log.document(self._name(each))
                    self._closed[each] = msgspec.convert(body, Day) if body else Day()
        return [self._closed[each] for each in begins]

    def begin_of(self, begin: datetime, back: int) -> datetime:
        """When the day began that was ``back`` days before the one that began at ``begin``."""
        for _ in range(back):
            begin = self._day_before(begin)
        return begin

    def now(self) -> datetime:
        """The clock that days go by."""
        return self._clock.now()

    # -- days --------------------------------------------------------------------------

    async def _refreshed(self, now: datetime) -> Tally:
        begin, terms = day_start(now - LATE, self._company), terms_of(self._company)
        tally = self._tally
        if tally is not None and tally.begin < begin:
            # What was said just before midnight is in the log by now.
            await self._read_on(tally, now)
            tally = await self._next(tally, begin)
        if tally is None or terms != self._terms or tally.begin != begin:
            self._terms, self._log, self._tomorrow = terms, _Places(), []
            tally = await self._resumed(begin)
            tally = tally or Tally(terms, begin, await self._standings(begin))
        await self._read_on(tally, now)
        if self._read_since >= self._keep_facts and not self._tomorrow:
            await self._keep(tally)
        return tally

    async def _next(self, tally: Tally, begin: datetime) -> Tally | None:
        """The day after; None when more than one has gone by."""
        if self._day_before(begin) != tally.begin:
            return None
        following = Tally(self._terms, begin, await self._close(tally, begin))
        held, self._tomorrow = self._tomorrow, []
        for fact in held:
            following.add(fact)
        return following

    async def _standings(self, begin: datetime) -> Standings:
        """What goes on at ``begin``: as it was kept, else counted from the days before."""
        async with self._store.reading() as tx:
            body = await tx.log.document(STANDINGS)
        kept = msgspec.convert(body, Carried) if body is not None else None
        if kept is not None and kept.begin == begin:
            return kept.standings
        days = [begin]
        while len(days) <= DAYS_BACK and not (kept and kept.begin >= days[0]):
            days.insert(0, self._day_before(days[0]))
        standings = kept.standings if kept and kept.begin == days[0] else Standings()
        if kept is None and not await self._anything(days[0], begin):
            return standings
        for day, end in pairwise(days):
            tally = Tally(self._terms, day, standings)
            async with self._store.reading() as tx:
                numbers = await tx.log.numbers(COUNTED, since=day, until=end)
            async for _, fact in self._facts(numbers):
                tally.add(fact)
            standings = await self._close(tally, end)
        return standings

    async def _anything(self, since: datetime, until: datetime) -> bool:
        async with self._store.reading() as tx:
            return bool(await tx.log.numbers(COUNTED, since=since, until=until))

    async def _resumed(self, begin: datetime) -> Tally | None:
        """Today as it was last kept (rule 4), when the rules are the same."""
        async with self._store.reading() as tx:
            body = await tx.log.document(CHECKPOINT)
        kept = msgspec.convert(body, Checkpoint) if body is not None else None
        if kept is None or kept.begin != begin or kept.rules != self._rules():
            return None
        self._log = _Places(kept.low, kept.recent)
        return Tally(self._terms, begin, kept.standings, kept.day)

    async def _keep(self, tally: Tally) -> None:
        places = self._log
        kept = Checkpoint(
            tally.begin, self._rules(), places.low, places.recent, tally.day, tally.standings
        )
        async with self._store.transaction() as tx:
            await tx.log.put_document(CHECKPOINT, msgspec.to_builtins(kept))
        self._read_since = 0

    def _rules(self) -> str:
        """The same for the same configuration, in every process."""
        plain = serialize_company(self._company, defaults=True)
        return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()

    async def _close(self, tally: Tally, end: datetime) -> Standings:
        """Keep the day and what goes on (rule 2). Every process writes the same."""
        standings = tally.close(end)
        self._closed[tally.begin] = tally.day
        async with self._store.transaction() as tx:
            await tx.log.put_document(self._name(tally.begin), msgspec.to_builtins(tally.day))
            await tx.log.put_document(STANDINGS, msgspec.to_builtins(Carried(end, standings)))
        return standings

    def _day_before(self, begin: datetime) -> datetime:
        return day_start(begin - HALF_DAY, self._company)

    def _name(self, begin: datetime) -> str:
        zone = ZoneInfo(self._company.queue(self._company.default_queue).hours.timezone)
        return f"figures.{begin.astimezone(zone).date().isoformat()}"

    # -- the log -----------------------------------------------------------------------

    async def _read_on(self, tally: Tally, now: datetime) -> None:
        async with self._store.reading() as tx:
            if self._log.low:
                numbers = await tx.log.numbers(COUNTED, after=self._log.low)
            else:
                numbers = await tx.log.numbers(COUNTED, since=tally.begin)
        end = day_start(tally.begin + 3 * HALF_DAY, self._company)
        async for number, fact in self._facts(self._log.unknown(numbers)):
            self._log.seen(number, fact.at)
            self._read_since += 1
            if fact.at >= end:
                self._tomorrow.append(fact)
            elif fact.at >= tally.begin:
                tally.add(fact)
        self._log.forget(now - LATE)

    async def _facts(self, numbers: Sequence[int]) -> AsyncIterator[tuple[int, Fact]]:
        """Each place with its fact, in order (rule 5)."""
        for first in range(0, len(numbers), STEP):
            step = numbers[first : first + STEP]
            async with self._store.reading() as tx:
                facts = await tx.log.numbered(step)
            for n, found in enumerate(zip(step, facts, strict=True)):
                if n % BREATH == 0:
                    await asyncio.sleep(0)
                yield found


class _Places:
    """Which places of the log have been read: all up to ``low``, and those kept behind it."""

    def __init__(self, low: int = 0, recent: Sequence[tuple[int, datetime]] = ()) -> None:
        self.low = low
        self._recent = deque(recent)
        self._known = {number for number, _ in recent}

    @property
    def recent(self) -> list[tuple[int, datetime]]:
        """Places behind ``low``, each with its fact's time."""
        return list(self._recent)

    def unknown(self, numbers: Sequence[int]) -> list[int]:
        """Those not read yet."""
        return [number for number in numbers if number not in self._known]

    def seen(self, number: int, at: datetime) -> None:
        """It has been read."""
        self._recent.append((number, at))
        self._known.add(number)

    def forget(self, before: datetime) -> None:
        """Nothing becomes visible behind what is older than this."""
        while self._recent and self._recent[0][1] <= before:
            number, _ = self._recent.popleft()
            self._known.discard(number)
            self.low = max(self.low, number)
