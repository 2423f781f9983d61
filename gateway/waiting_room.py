"""Who waits where, for how long, and why: the distributor's own view, made from the store.

Every process can answer without asking the dispatcher. What only the dispatcher knows, that a
queue's outbound work is held back for inbound work, is not in it.

1. A look is kept for a second, and for ten times as long as making it took, so that looking
   never takes more than a tenth of a process's time however many wait.
2. The estimate learns from what was handled lately, like the dispatcher's.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from router.acd import Acd, waiting_from
from router.acd.explain import Explanation
from router.acts.wrapup import keeps_busy
from router.company import Company
from router.events import Fact, InteractionEnded, OfferAccepted, OfferRejected, WrapUpCompleted
from router.model import Agent, Channel, Interaction, InteractionState
from router.ports import Clock, Store, Transaction

KEPT_S = 1.0
SHARE = 10
LEARNT_FROM = timedelta(hours=4)
OVERLAP = timedelta(seconds=60)
LATEST = 50
"""So many of a queue's latest interactions say how long one takes."""
WAITS = (InteractionState.WAITING, InteractionState.OFFERED)
BUSY = (*WAITS, InteractionState.AGENT, InteractionState.WRAP_UP)

Kind = tuple[str, Channel]


@dataclass(frozen=True, slots=True)
class Look:
    """The room at one moment. Times of the answers are as of ``at``."""

    acd: Acd
    at: datetime

    def position(self, interaction_id: str) -> int | None:
        """1 for the next of its queue; None when it does not wait (it may be ringing)."""
        return self.acd.position(interaction_id)

    def estimate_s(self, interaction_id: str) -> float | None:
        """Seconds until it is probably answered; None when it does not wait, or nobody works."""
        return self.acd.estimate_s(interaction_id, self.at.timestamp())

    def explanation(self, interaction_id: str) -> Explanation | None:
        """Why it still waits; None when it does not."""
        return self.acd.explain(interaction_id, self.at.timestamp())


class WaitingRoom:
    """Makes looks, for everybody in this process who wants one."""

    def __init__(self, store: Store, company: Company, clock: Clock) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._handled = _Handled(company)
        self._read_to: datetime | None = None
        self._look: Look | None = None
        self._kept_s = 0.0

    async def look(self, tx: Transaction | None = None, *, fresh: bool = False) -> Look:
        """How it is now, give or take a second; at this very moment when ``fresh``."""
        now = self._clock.now()
        old = self._look is None or (now - self._look.at).total_seconds() >= self._kept_s
        if old or fresh:
            if tx is not None:
                await self._refresh(tx, now)
            else:
                async with self._store.transaction() as own:
                    await self._refresh(own, now)
        assert self._look is not None
        return self._look

    async def place(self, tx: Transaction, interaction_id: str) -> tuple[int | None, float | None]:
        """Place and estimate of one that waits, for who tells the customer."""
        look = await self.look(tx)
        return look.position(interaction_id), look.estimate_s(interaction_id)

    async def _refresh(self, tx: Transaction, now: datetime) -> None:
        items = await tx.interactions.in_states(BUSY)
        agents = await tx.people.agents()
        ringing = await tx.interactions.ringing_offers()
        rejected = await tx.log.facts(since=now - self._longest_bar(), types=[OfferRejected])
        await self._learn(tx, now)
        begun = time.perf_counter()
        acd = Acd(self._company.queues, lambda: 0.0)
        self._furnish(acd, items, agents)
        channels = {item.id: item.channel for item in items}
        for offer in ringing:
            if offer.interaction_id in channels:
                acd.carry(offer.interaction_id, offer.agent_id, channels[offer.interaction_id])
        self._bar(acd, rejected)
        self._look = Look(acd, now)
        self._kept_s = max(KEPT_S, SHARE * (time.perf_counter() - begun))

    def _furnish(self, acd: Acd, items: Sequence[Interaction], agents: Sequence[Agent]) -> None:
        for agent in agents:
            acd.put_agent(agent)
        self._handled.teach(acd)
        for item in items:
            if item.state is InteractionState.WAITING:
                acd.join(waiting_from(item))
            elif item.agent_id and self._is_work(item):
                acd.carry(item.id, item.agent_id, item.channel)

    def _is_work(self, item: Interaction) -> bool:
        return item.state is InteractionState.AGENT or keeps_busy(self._company, item)

    def _bar(self, acd: Acd, rejected: Sequence[Fact]) -> None:
        for fact in rejected:
            if isinstance(fact, OfferRejected) and fact.interaction_id in acd:
                queue = self._company.queues.get(fact.queue)
                delay = queue.rules.reject_delay_s if queue else 0
                acd.bar(fact.interaction_id, fact.agent_id, fact.at.timestamp() + delay)

    def _longest_bar(self) -> timedelta:
        delays = (queue.rules.reject_delay_s for queue in self._company.queues.values())
        return timedelta(seconds=max(delays, default=0))

    async def _learn(self, tx: Transaction, now: datetime) -> None:
        since = self._read_to - OVERLAP if self._read_to else now - LEARNT_FROM
        types = [OfferAccepted, InteractionEnded, WrapUpCompleted]
        for fact in await tx.log.facts(since=since, types=types):
            self._handled.note(fact)
        self._read_to = now


class _Handled:
    """How long the latest interactions took, from acceptance to the end of wrap-up."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._accepted: dict[str, OfferAccepted] = {}
        self._took: dict[Kind, deque[float]] = defaultdict(lambda: deque(maxlen=LATEST))
        self._seen: deque[str] = deque(maxlen=20_000)
        self._known: set[str] = set()

    def note(self, fact: Fact) -> None:
        """A fact, once; in the order of the log."""
        if fact.id in self._known:
            return
        if len(self._seen) == self._seen.maxlen:
            self._known.discard(self._seen[0])
        self._seen.append(fact.id)
        self._known.add(fact.id)
        if isinstance(fact, OfferAccepted):
            self._accepted[fact.interaction_id] = fact
        elif isinstance(fact, WrapUpCompleted) or self._ends_work(fact):
            begun = self._accepted.pop(fact.interaction_id, None)
            if begun is not None:
                kind = begun.queue, Channel(begun.channel)
                self._took[kind].append((fact.at - begun.at).total_seconds())

    def _ends_work(self, fact: Fact) -> bool:
        """Whether an end is the end of the work too, because no wrap-up follows."""
        if not isinstance(fact, InteractionEnded) or fact.was != InteractionState.AGENT:
            return False
        queue = self._company.queues.get(fact.queue)
        return queue is None or queue.wrap_up.mode == "none"

    def teach(self, acd: Acd) -> None:
        """Tell the distributor what was learnt."""
        for (queue_id, channel), times in self._took.items():
            for seconds in times:
                acd.note_handled(queue_id, channel, seconds)
