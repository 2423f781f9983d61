"""What the core needs from outside: a bus, a store and a clock.

The docstrings are the contract; ``tests/contract`` runs one class per port
against every implementation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from router.commands import Order
from router.company import Queue
from router.events import Fact
from router.model import (
    Interaction,
)
from router.rings import Ringing
from router.rules import Overflow
from router.tables import (
    CampaignTable,
    ConfigurationTable,
    InteractionTable,
    LeaseTable,
    LogTable,
    PartyTable,
    PeopleTable,
)

FactHandler = Callable[[Fact], Awaitable[None]]
OrderHandler = Callable[[Order], Awaitable[Order | None]]


class Clock(Protocol):
    """Tells the time. Virtual in tests and simulation."""

    def now(self) -> datetime:
        """The current UTC-aware time."""
        ...


class Bus(Protocol):
    """Carries facts to every interested group and commands to one address.

    Facts: each group gets each fact at least once; consumers of one group
    share them; one consumer sees the facts of one interaction in order of
    publication, also when one is tried again, and different interactions side by
    side. A handler that raises gets the fact again; after ``MAX_DELIVERIES`` it is
    dead-lettered with its reason, unless it says that the store or the bus is away:
    then it is tried until they are back. Types the reader does not know are ignored.
    Commands: mandatory; no listener raises :class:`router.errors.Unroutable`.
    """

    async def start(self) -> None:
        """Connect. Raises ``router.errors.BusUnavailable``."""
        ...

    async def stop(self) -> None:
        """Finish running handlers and disconnect. Safe to call twice."""
        ...

    async def publish(self, facts: Sequence[Fact]) -> None:
        """Publish in order; returns when the bus has taken responsibility for all."""
        ...

    async def subscribe(
        self,
        group: str,
        handler: FactHandler,
        types: Iterable[type[Fact]],
        *,
        lasting: bool = True,
        single_active: bool = False,
    ) -> None:
        """Deliver facts of ``types`` to ``handler`` on behalf of ``group``.

        A lasting group keeps its facts while nobody consumes; a group that is
        not lasting goes with its last consumer. With ``single_active`` only one
        of the group's consumers is served; another takes over when it dies.
        """
        ...

    async def serve(self, address: str, handler: OrderHandler) -> None:
        """Handle the commands sent to ``address``; several servers compete.

        What ``handler`` returns goes back to whoever asked. A raise becomes
        ``Refused`` with the exception's text.
        """
        ...

    async def ask(self, order: Order, address: str, timeout_s: float = 10.0) -> Order:
        """Send ``order`` and return the reply (``Refused`` included).

        Raises ``Unroutable`` when nobody serves the address and
        ``ReplyTimeout`` when no reply came in time.
        """
        ...

    async def dead_letters(self, limit: int = 100) -> list[DeadLetterView]:
        """The newest dead letters, for the operator's view. Does not remove them."""
        ...

    async def count_dead_letters(self) -> int:
        """How many there are, without looking through them."""
        ...

    async def replay(self, letter_id: str) -> bool:
        """Give a dead letter to its group once more; False when it is not there."""
        ...

    async def replay_group(self, group: str) -> int:
        """Give all dead letters of ``group`` to it once more; how many there were."""
        ...

    async def discard(self, letter_id: str) -> bool:
        """Throw a dead letter away for good; False when it is not there."""
        ...

    def healthy(self) -> bool:
        """True while connected."""
        ...

    def on_restored(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` each time the connection is back after a loss.

        A group that is not lasting may have missed facts then: who follows them looks at
        the store again.
        """
        ...


class DeadLetterView(Protocol):
    """One fact that a group could not handle."""

    @property
    def id(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def type_name(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def at(self) -> datetime | None:
        """When the group gave it up; None when nobody noted it (its consumers died)."""
        ...


class Room(Protocol):
    """What the active dispatcher knows of those who wait (``router.acd.core.Acd``)."""

    def position(self, interaction_id: str) -> int | None:
        """1 for the next one in its queue; None when it does not wait."""
        ...

    def estimate_s(self, interaction_id: str, now: float) -> float | None:
        """Seconds until it is likely to be answered; ``now`` is seconds since the epoch."""
        ...


class WaitingRules(Protocol):
    """What happens to those who wait, besides being offered (``router.acts.waiting.Waiting``)."""

    room: Room | None

    def next_check(self, interaction: Interaction, queue: Queue, now: datetime) -> datetime | None:
        """When to call ``due``; not after ``now`` means before it is offered."""
        ...

    def watched(self, interaction: Interaction, queue: Queue) -> Sequence[Overflow]:
        """Rules for which no time can be said; call ``due`` when one of them applies."""
        ...

    async def due(self, interaction_id: str, now: datetime) -> None:
        """Do what is due; nothing when nothing is, or when somebody was faster."""
        ...


class Transaction(Protocol):
    """One unit of work: everything in it commits together or not at all."""

    @property
    def interactions(self) -> InteractionTable: ...
    @property
    def people(self) -> PeopleTable: ...
    @property
    def campaigns(self) -> CampaignTable: ...
    @property
    def configurations(self) -> ConfigurationTable: ...
    @property
    def parties(self) -> PartyTable: ...
    @property
    def leases(self) -> LeaseTable: ...
    @property
    def log(self) -> LogTable: ...


class Store(Protocol):
    """State, events and outbox in one database.

    Same results and same errors on SQLite and PostgreSQL; datetimes go in and
    come out UTC-aware; claims are ``UPDATE … WHERE state = …`` and have one winner.
    """

    async def start(self) -> None:
        """Connect and migrate. Raises ``router.errors.StoreUnavailable``."""
        ...

    async def stop(self) -> None: ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Commits on leaving; rolls back when the block raises.

        Raises ``router.errors.Conflict`` when the database gave it up for another one.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Only for reading: each statement sees what is committed when it runs."""
        ...

    async def ring(self, ringing: Ringing) -> set[str]:
        """A whole transaction, since callers wait for it: the interactions that ring now.

        Claims, offers, the agents' day, log and outbox. Raises ``router.errors.Superseded``
        and what ``transaction`` raises.
        """
        ...

    def forbid_nesting(self) -> None:
        """Raise ``router.errors.LocalError`` inside a transaction of this task."""
        ...


FactStream = AsyncIterator[Fact]
