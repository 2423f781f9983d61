"""The customers' process: arrivals at a rate, the bot's hand-over, people who hang up.

It stands for a channel together with its bot. What it was told is stored it writes to a
ledger, and after a restart it sends again what it was not told about, as a provider's
webhook would.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from itertools import count
from pathlib import Path

from router.acts.act import HandoffPlan
from router.errors import Conflict, IllegalMove
from router.events import BotStarted, Fact
from router.model import (
    Arrival,
    Author,
    Channel,
    Customer,
    EndedBy,
    Handoff,
    Identity,
    IdentityKind,
    Interaction,
    InteractionState,
    NewMessage,
    new_id,
)
from tests.load.member import Member, listen, member
from tests.load.plan import TEAM, URGENT_S, Plan

BOT_GROUP = "load-bot"
LEDGER = "ledger"
SENT, STORED = "sent", "stored"
LINE = "line-"
"""Begins the id of a customer's message; the arrival's id follows."""
WAVE = "wave"
"""Begins the ids of those who come all at once; they stay until they are served."""

log = logging.getLogger("load.customers")


class Ledger:
    """What was sent, and what was acknowledged. Survives the process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LEDGER
        self._file = self._path.open("a", buffering=1)

    def note(self, what: str, external_id: str) -> None:
        """One line, in the kernel's hands when this returns."""
        self._file.write(f"{what} {external_id}\n")

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    @staticmethod
    def read(folder: Path, what: str) -> set[str]:
        """The ids of all lines of that kind; a last line that was cut short does not count."""
        path = folder / LEDGER
        if not path.exists():
            return set()
        lines = path.read_text().split("\n")[:-1]
        return {line.split()[1] for line in lines if line.startswith(f"{what} ")}


class Customers:
    """Everybody who contacts us in this run."""

    def __init__(self, me: Member) -> None:
        self._me = me
        self._folder = Path(me.plan.folder)
        self._ledger = Ledger(self._folder)
        self._numbers = count(1)
        self._rate = 0.0
        self._rate_changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Be the bot, and go on where the process before us was cut off."""
        await self._me.bus.subscribe(BOT_GROUP, self._on_bot_started, [BotStarted])
        for external_id in sorted(self._unanswered()):
            self._begin(external_id)
        for interaction in await self._open_ones():
            self._later_hangs_up(interaction)
        self._keep(asyncio.create_task(self._arrive_forever()))

    async def stop(self) -> None:
        """Nobody comes any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ledger.close()

    def order(self, what: str, number: float) -> None:
        """``rate R`` people per second from now on, or a ``wave N`` of people at once."""
        if what == "rate":
            self._rate = number
            self._rate_changed.set()
        elif what == WAVE:
            for _ in range(int(number)):
                self._begin(f"{WAVE}-{os.getpid()}-{next(self._numbers)}")

    def _unanswered(self) -> set[str]:
        sent, stored = (Ledger.read(self._folder, what) for what in (SENT, STORED))
        # Some of the acknowledged ones come again as well: providers do that.
        return (sent - stored) | set(sorted(stored)[-10:])

    async def _open_ones(self) -> list[Interaction]:
        over = {InteractionState.ENDED, InteractionState.WRAP_UP}

        async def read() -> list[Interaction]:
            async with self._me.store.transaction() as tx:
                return await tx.interactions.in_states(set(InteractionState) - over)

        return await self._me.insist(read)

    async def _arrive_forever(self) -> None:
        rhythm = self._me.plan.chance("arrivals", os.getpid())
        while True:
            pause = rhythm.expovariate(self._rate) if self._rate else None
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._rate_changed.wait()
                self._rate_changed.clear()
                continue
            self._begin(f"{os.getpid()}-{next(self._numbers)}")

    def _begin(self, external_id: str) -> None:
        self._keep(asyncio.create_task(self._contact(external_id)))

    async def _contact(self, external_id: str) -> None:
        """One customer's message, sent until it is acknowledged."""
        plan, me = self._me.plan, self._me
        mails = plan.chance("mail", external_id).random() < plan.mail
        channel = Channel.EMAIL if mails and not external_id.startswith(WAVE) else Channel.CHAT
        identity = Identity(IdentityKind.COOKIE, external_id)
        arrival = Arrival(channel, identity, "load", external_id=external_id)
        line = NewMessage(Author.CUSTOMER, "I need a person", external_id=LINE + external_id)
        self._ledger.note(SENT, external_id)
        if plan.chance("vip", external_id).random() < plan.vip:
            await me.insist(lambda: self._make_vip(identity))
        received = await me.insist(lambda: me.lifecycle.receive(arrival, line))
        self._ledger.note(STORED, external_id)
        self._later_hangs_up(received.interaction)

    async def _make_vip(self, identity: Identity) -> None:
        """A priority customer is one before the contact; after a restart maybe already."""
        async with self._me.store.transaction() as tx:
            if await tx.people.find_customer(identity) is None:
                now = self._me.clock.now()
                await tx.people.add_customer(
                    Customer(new_id(), "VIP", (identity,), vip=True, created_at=now)
                )

    def _later_hangs_up(self, interaction: Interaction) -> None:
        plan = self._me.plan
        mood = plan.chance("mood", interaction.address)
        if mood.random() < plan.hang_up and not interaction.address.startswith(WAVE):
            patience = mood.expovariate(1 / plan.patience_s)
            self._keep(asyncio.create_task(self._hang_up(interaction.id, patience)))

    async def _hang_up(self, interaction_id: str, patience_s: float) -> None:
        await asyncio.sleep(patience_s)
        life = self._me.lifecycle
        await self._me.insist(lambda: life.end(interaction_id, EndedBy.CUSTOMER, "hung up"))

    async def _on_bot_started(self, fact: Fact) -> None:
        """The bot wants a person at once. A raise brings the fact again, as for the real bot."""
        plan, me = self._me.plan, self._me
        while True:
            async with me.store.transaction() as tx:
                interaction = await tx.interactions.get(fact.interaction_id)
            if interaction.state is not InteractionState.BOT:
                return
            wishes = plan.chance("wishes", interaction.id)
            urgent = URGENT_S if wishes.random() < plan.urgent else 0
            packet = Handoff("asked", "wants a person")
            handoff = HandoffPlan(self._queue_for(interaction), packet, head_start_s=urgent)
            with suppress(Conflict, IllegalMove):
                await me.lifecycle.save_bot_turn(interaction, {"turns": 1}, handoff=handoff)
                return

    def _queue_for(self, interaction: Interaction) -> str:
        """The wave fills every seat, and only ``care`` has them all."""
        plan, say = self._me.plan, self._me.plan.chance("queue", interaction.id).random()
        if interaction.address.startswith(WAVE) or say > plan.skilled + plan.for_team:
            return "care"
        return "tech" if say < plan.skilled else TEAM

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a customer failed", exc_info=task.exception())


async def play(plan: Plan) -> None:
    """Let customers come until told to stop."""
    async with member(plan, "customers") as me:
        customers = Customers(me)
        await customers.start()
        try:
            await listen(customers.order)
        finally:
            await customers.stop()
