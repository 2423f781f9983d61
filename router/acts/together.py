"""Acts that arrive together share a transaction, and their like steps share a statement.

1. While a transaction runs, the acts that arrive gather; the next one takes them all. One at a
   time, because two would take half as many each and cost as much; only while one stands still,
   for a lock or a slow statement, another serves those who wait.
2. The acts run side by side. A step (load, claim, write) waits until every act has said
   what it needs next; then the steps of the lowest rank run as one statement. Ranks are
   also the order of locks, so that two transactions do not wait for each other.
3. Acts with the same key never share a transaction: they are serial. Where two of one
   transaction turn out to want the same thing, the later one is put off to the next, and
   in the end to one of its own.
4. Each act is whole or not at all. One that raises before it has written anything leaves
   nothing. One that raises later spoils the transaction, which begins again without it;
   so an act may run more than once and must keep nothing from a former run.
5. The facts are logged in the transaction and handed on after the commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, Generic, TypeVar, cast

from router.errors import Conflict, LocalError, ParleyError
from router.events import Fact
from router.ports import Store, Transaction

I = TypeVar("I")  # noqa: E741 - what a step is given
R = TypeVar("R")
T = TypeVar("T")

MOST = 64
"""Acts in one transaction."""
LANES = 2
"""Transactions of one process at a time, at most."""
STANDS_STILL_S = 0.05
"""After so long without a commit the second lane opens."""
READS_UP_TO = 3
"""Steps up to this rank write nothing."""
TRIES = 5
"""Times an act begins again because another transaction was in the way."""
PUT_OFF = 2
"""An act that wanted what others had so many times has a transaction alone: two that want
each other's would be put off for ever."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class Step(Generic[I, R]):
    """A kind of step: ``run`` does it for many, giving a result or an exception for each.

    ``wrote`` says from a result whether anything was written; a failed one of a rank above
    ``READS_UP_TO`` counts as written.
    """

    rank: int
    run: Callable[[Transaction, Sequence[I]], Awaitable[Sequence[R | Exception]]]
    wrote: Callable[[R], bool] = lambda _: False


Call = Callable[[], Awaitable[Any]]


async def _one_by_one(tx: Transaction, calls: Sequence[Call]) -> list[Any]:
    results: list[Any] = []
    for call in calls:
        try:
            results.append(await call())
        except ParleyError as error:
            results.append(error)
    return results


READING: Step[Call, Any] = Step(2, _one_by_one)
"""A read that nobody has made a kind of step of."""
WRITING: Step[Call, Any] = Step(10, _one_by_one, lambda _: True)
"""As above, for what writes."""

READS = frozenset(
    {
        "accepted_by",
        "agent",
        "agents",
        "attempt",
        "by_external_id",
        "contact",
        "customer",
        "document",
        "facts",
        "find_customer",
        "for_agent",
        "for_customer",
        "get",
        "in_states",
        "left_lately",
        "message",
        "messages",
        "of",
        "offer",
        "open_for_customer",
        "recent",
        "ringing_for",
        "ringing_offers",
        "served_lately",
        "thread_of",
    }
)
"""Methods of the tables that write nothing."""


class _Later(Exception):
    """Another act of the same transaction has it: begin again in the next one."""


class Steps:
    """The steps that the acts of one transaction ask for."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._claims: dict[str, Hand] = {}
        self._asked: dict[Step[Any, Any], list[tuple[Any, asyncio.Future[Any]]]] = {}
        self._running: asyncio.Task[None] | None = None
        self.broken: Exception | None = None

    def claim(self, thing: str, hand: Hand) -> None:
        """Keep it from the other acts of this transaction (rule 3)."""
        if self._claims.setdefault(thing, hand) is not hand:
            raise _Later

    async def take(self, step: Step[I, R], item: I) -> R:
        """Do the step together with those who ask for the same."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()
        self._asked.setdefault(step, []).append((item, done))
        if self._running is None:
            self._running = loop.create_task(self._run())
        return await done

    async def _run(self) -> None:
        # Begun in the next round of the loop: until then the other acts ask as well.
        try:
            while self._asked:
                step = min(self._asked, key=lambda each: each.rank)
                asked = self._asked.pop(step)
                results = await self._results(step, [item for item, _ in asked])
                for (_, done), result in zip(asked, results, strict=True):
                    if done.done():
                        continue
                    if isinstance(result, Exception):
                        done.set_exception(result)
                    else:
                        done.set_result(result)
                # One round in which the acts wake up and ask for their next steps.
                await asyncio.sleep(0)
        finally:
            self._running = None

    async def _results(self, step: Step[I, R], items: Sequence[I]) -> Sequence[R | Exception]:
        if self.broken is not None:
            return [self.broken] * len(items)
        try:
            results = await step.run(self._tx, items)
            if len(results) != len(items):
                raise LocalError(f"a step of {len(items)} gave {len(results)} results")
        except Exception as error:
            self.broken = error
            return [error] * len(items)
        return results

    async def end(self) -> None:
        """The acts are gone: let the statement end that they left behind."""
        for asked in self._asked.values():
            for _, done in asked:
                done.cancel()
        self._asked.clear()
        if self._running is not None:
            await asyncio.wait({self._running})


class Hand:
    """One act's hold on the transaction that it shares, or has alone."""

    def __init__(self, tx: Transaction, steps: Steps | None = None) -> None:
        self._plain = tx
        self._steps = steps
        self.wrote = False
        self.tx: Transaction = tx if steps is None else cast(Transaction, _Tables(self, tx))
        """All tables. In a shared transaction their methods wait for their turn."""
        self.facts: list[Fact] = []

    def claim(self, thing: str) -> None:
        """Nobody else in the same transaction works on it, whatever the key."""
        if self._steps is not None:
            self._steps.claim(thing, self)

    async def step(self, kind: Step[I, R], item: I) -> R:
        """Do a step, with others or alone. Raises what it raises for this item."""
        try:
            result = await self._do(kind, item)
        except Exception:
            # Nobody knows how far it came.
            self.wrote = self.wrote or kind.rank > READS_UP_TO
            raise
        if kind.wrote(result):
            self.wrote = True
        return result

    async def _do(self, kind: Step[I, R], item: I) -> R:
        if self._steps is not None:
            return await self._steps.take(kind, item)
        (outcome,) = await kind.run(self._plain, [item])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class _Tables:
    """A transaction whose tables take their turns."""

    def __init__(self, hand: Hand, tx: Transaction) -> None:
        self._hand = hand
        self._tx = tx

    def __getattr__(self, name: str) -> _Table:
        return _Table(self._hand, getattr(self._tx, name))


class _Table:
    """A table whose methods take their turns."""

    def __init__(self, hand: Hand, table: object) -> None:
        self._hand = hand
        self._table = table

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._table, name)
        kind = READING if name in READS else WRITING

        @wraps(method)
        def call(*given: Any, **named: Any) -> Awaitable[Any]:
            item: Call = partial(method, *given, **named)
            return self._hand.step(kind, item)

        return call


H = TypeVar("H", bound=Hand)


@dataclass(eq=False, slots=True)
class _Entry(Generic[H]):
    """An act that waits for its transaction, and whoever waits for the act."""

    body: Callable[[H], Awaitable[Any]]
    key: str
    outcome: asyncio.Future[Any]
    tries: int = 0
    put_off: int = 0


@dataclass(slots=True)
class _Outcome(Generic[H]):
    """What became of an act in a transaction that is not committed yet."""

    entry: _Entry[H]
    hand: H
    result: Any


class _Spoilt(Exception):
    """An act raised after it had written; the transaction must go."""


@dataclass
class Together(Generic[H]):
    """Takes acts in, and commits those together that arrive together.

    ``hand`` makes an act's hold on the transaction; ``committed`` is told the facts.
    """

    store: Store
    hand: Callable[[Transaction, Steps], H]
    committed: Callable[[Sequence[Fact]], None]
    _waiting: deque[_Entry[H]] = field(default_factory=deque)
    _keys: set[str] = field(default_factory=set)
    _lanes: set[asyncio.Task[None]] = field(default_factory=set)
    _served: int = 0
    """Transactions that are over."""
    _relief: asyncio.TimerHandle | None = None

    async def run(self, body: Callable[[H], Awaitable[T]], key: str) -> T:
        """Run an act and return its result once it is committed (rules 1 to 5)."""
        self.store.forbid_nesting()
        loop = asyncio.get_running_loop()
        entry = _Entry[H](body, key, loop.create_future())
        self._waiting.append(entry)
        self._open_lane()
        result: T = await entry.outcome
        return result

    def _open_lane(self) -> None:
        if not self._lanes:
            self._add_lane()
        elif self._relief is None and len(self._lanes) < LANES:
            loop = asyncio.get_running_loop()
            self._relief = loop.call_later(STANDS_STILL_S, self._relieve, self._served)

    def _add_lane(self) -> None:
        lane = asyncio.create_task(self._work(), name="acts")
        self._lanes.add(lane)
        lane.add_done_callback(self._close_lane)

    def _relieve(self, served: int) -> None:
        """Serve those who wait, if nothing was committed since ``served`` (rule 1)."""
        self._relief = None
        if not self._waiting:
            return
        if self._served == served:
            self._add_lane()
        else:
            self._open_lane()

    def _close_lane(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        if not lane.cancelled() and (error := lane.exception()):
            log.error("a lane of acts broke", exc_info=error)
            if self._waiting:
                self._open_lane()

    async def _work(self) -> None:
        try:
            # One round later, so that acts which begin at the same moment are together.
            await asyncio.sleep(0)
            while batch := self._next():
                await self._serve(batch)
        finally:
            # At once: an act that comes before this task is seen to end needs a new lane.
            self._lanes.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _serve(self, batch: Sequence[_Entry[H]]) -> None:
        keys = {entry.key for entry in batch}
        self._keys |= keys
        try:
            await self._commit(batch)
        finally:
            self._keys -= keys
            self._served += 1

    def _next(self) -> list[_Entry[H]]:
        """Those that may share a transaction now (rule 3); the others stay in order."""
        batch: list[_Entry[H]] = []
        later: list[_Entry[H]] = []
        taken = set(self._keys)
        while self._waiting and len(batch) < MOST:
            entry = self._waiting.popleft()
            if entry.outcome.done():
                continue
            alone = entry.put_off >= PUT_OFF
            if entry.key in taken or (alone and batch):
                later.append(entry)
            else:
                batch.append(entry)
            taken.add(entry.key)
            if alone and entry in batch:
                break
        self._waiting.extendleft(reversed(later))
        return batch

    async def _commit(self, batch: Sequence[_Entry[H]]) -> None:
        outcomes: list[_Outcome[H]] = []
        try:
            async with self.store.transaction() as tx:
                steps = Steps(tx)
                try:
                    outcomes = await self._side_by_side(batch, tx, steps)
                finally:
                    await steps.end()
                if steps.broken is not None:
                    raise steps.broken
                if any(_failed(each) and each.hand.wrote for each in outcomes):
                    raise _Spoilt
                facts = [f for each in outcomes if not _failed(each) for f in each.hand.facts]
                await tx.log.append(facts)
        except _Spoilt:
            self._settle([each for each in outcomes if _failed(each)])
            self._put_off(outcomes)
            self._again([e.entry for e in outcomes if not _failed(e) or _is_late(e)])
        except asyncio.CancelledError:
            for entry in (*batch, *self._waiting):
                entry.outcome.cancel()
            raise
        except Conflict as error:
            self._try_again(batch, error)
        except Exception as error:
            await self._find_the_guilty(batch, error)
        else:
            self._again(self._put_off(outcomes))
            self._settle(outcomes)
            self.committed(facts)

    async def _side_by_side(
        self, batch: Sequence[_Entry[H]], tx: Transaction, steps: Steps
    ) -> list[_Outcome[H]]:
        hands = [self.hand(tx, steps) for _ in batch]
        results = await asyncio.gather(
            *(entry.body(hand) for entry, hand in zip(batch, hands, strict=True)),
            return_exceptions=True,
        )
        return [_Outcome(*each) for each in zip(batch, hands, results, strict=True)]

    async def _find_the_guilty(self, batch: Sequence[_Entry[H]], error: Exception) -> None:
        """The database refused the lot: each alone, so that only the cause fails."""
        if len(batch) == 1:
            _fail(batch[0], error)
            return
        for entry in batch:
            await self._commit([entry])

    def _try_again(self, batch: Sequence[_Entry[H]], error: Conflict) -> None:
        for entry in batch:
            entry.tries += 1
            if entry.tries >= TRIES:
                _fail(entry, error)
        self._again([entry for entry in batch if entry.tries < TRIES])

    def _again(self, entries: Sequence[_Entry[H]]) -> None:
        self._waiting.extendleft(reversed(entries))

    def _put_off(self, outcomes: Sequence[_Outcome[H]]) -> list[_Entry[H]]:
        late = [each.entry for each in outcomes if _is_late(each)]
        for entry in late:
            entry.put_off += 1
        return late

    def _settle(self, outcomes: Sequence[_Outcome[H]]) -> None:
        for each in outcomes:
            if each.entry.outcome.done() or _is_late(each):
                continue
            if isinstance(each.result, BaseException):
                each.entry.outcome.set_exception(each.result)
            else:
                each.entry.outcome.set_result(each.result)


def _failed(outcome: _Outcome[Any]) -> bool:
    return isinstance(outcome.result, BaseException)


def _is_late(outcome: _Outcome[Any]) -> bool:
    return isinstance(outcome.result, _Later)


def _fail(entry: _Entry[Any], error: Exception) -> None:
    if not entry.outcome.done():
        entry.outcome.set_exception(error)
