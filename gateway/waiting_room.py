"""Who waits where, for how long, and why: the dispatcher's view, made from the store.

Every process can answer without asking the dispatcher.

1. The view is the dispatcher's own class, filled by the same code (``router.dispatch.loading``):
   wrap-ups, refusals, questions and gates keep from offers here as they do there.
2. A look is kept for a second, and for ten times as long as making it took, so that looking
   never takes more than a tenth of a process's time however many wait. While one is made the
   rest of the process goes on.
3. One look makes the next: only what has changed in between is read and placed. After a
   while without a look, and with new rules, all is made anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from router.acd.explain import Explanation
from router.company import Company
from router.dispatch.loading import load_changes, load_outcomes, load_past, load_refusals
from router.dispatch.view import View
from router.events import Fact, OfferRejected
from router.model import Interaction, InteractionState
from router.ports import Clock, Store, Transaction

KEPT_S = 1.0
SHARE = 10
OVERLAP = timedelta(seconds=60)
"""So much later than its time a fact may be committed."""
ANEW_AFTER = timedelta(seconds=60)
"""After so long without a look too much was missed: how long work takes, say."""
WAITS = (InteractionState.WAITING, InteractionState.OFFERED)
BUSY = (*WAITS, InteractionState.AGENT, InteractionState.WRAP_UP)


@dataclass(frozen=True, slots=True)
class Look:
    """The room at one moment. Times of the answers are as of ``at``, save where told."""

    view: View
    at: datetime

    def position(self, interaction_id: str) -> int | None:
        """1 for the next of its queue; None when it does not wait (it may be ringing)."""
        return self.view.acd.position(interaction_id)

    def estimate_s(self, interaction_id: str) -> float | None:
        """Seconds until it is probably answered; None when it does not wait, or nobody works."""
        return self.view.acd.estimate_s(interaction_id, self.at.timestamp())

    def explanation(
        self, item: Interaction, facts: Iterable[Fact], now: datetime
    ) -> Explanation | None:
        """Why it still waits ``now``; None when it does not.

        ``facts`` are its own. One that has joined, or was refused, since the look was made
        takes its place here first.
        """
        known = self.view.known.get(item.id)
        if known is None or known.version < item.version:
            for fact in facts:
                if isinstance(fact, OfferRejected):
                    self.view.note(fact)
            self.view.place(item, ())
            self.view.join(item)
        return self.view.acd.explain(item.id, now.timestamp())


class WaitingRoom:
    """Makes looks, for everybody in this process who wants one."""

    def __init__(self, store: Store, company: Company, clock: Clock) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._look: Look | None = None
        self._kept_s = 0.0
        self._making = asyncio.Lock()

    async def look(self, tx: Transaction | None = None) -> Look:
        """How it is now, give or take a second."""
        if (kept := self._kept()) is not None:
            return kept
        if tx is not None:
            return await self._make_once(tx)
        async with self._store.reading() as own:
            return await self._make_once(own)

    async def _make_once(self, tx: Transaction) -> Look:
        # Whoever waits here has a transaction already: where these take turns nobody waits
        # for one with the making in hand.
        async with self._making:
            if self._kept() is None:
                self._look = await self._make(tx)
            assert self._look is not None
            return self._look

    def _kept(self) -> Look | None:
        """The last one, while it is young enough."""
        if self._look is None:
            return None
        age_s = (self._clock.now() - self._look.at).total_seconds()
        return self._look if age_s < self._kept_s else None

    async def place(self, tx: Transaction, interaction_id: str) -> tuple[int | None, float | None]:
        """Place and estimate of one that waits, for who tells the customer."""
        look = await self.look(tx)
        return look.position(interaction_id), look.estimate_s(interaction_id)

    async def _make(self, tx: Transaction) -> Look:
        now, begun = self._clock.now(), time.perf_counter()
        last = self._look
        if last is None or last.view.outdated or now - last.at > ANEW_AFTER:
            view = View(0, self._company, lambda: 0.0)
            await load_past(view, tx, now)
        else:
            view = last.view
            await load_refusals(view, tx, now)
            await load_outcomes(view, tx, last.at - OVERLAP)
        await load_changes(view, tx)
        view.pass_time(now.timestamp())
        self._kept_s = max(KEPT_S, SHARE * (time.perf_counter() - begun))
        return Look(view, now)
