"""Who is at the desk on this node, and what changes reach which browser tab.

1. A tab gets a snapshot from the store first, then changes; what happens while
   the snapshot is being read is held back and sent after it, so nothing is missed.
2. A change is sent as the new state (never as a difference) with the
   interaction's ``version``; a page drops what is older than what it shows.
3. A card may have another conversation beside it (a question to a colleague, or the
   customer's that the question is about): what happens there draws the card anew, too.
4. An agent without a tab on any node for ``away_after_s`` is set away.
5. Facts may be missed while the bus is away: when it is back, everybody gets a
   fresh snapshot.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.desk.cards import card_of, offer_card
from gateway.desk.views import View, agent_view, is_work, iso, message_view
from router.acts.lifecycle import Lifecycle
from router.company import Company
from router.errors import NoSuchInteraction, NoSuchOffer, ParleyError
from router.events import (
    BotStarted,
    CallbackFailed,
    CallbackScheduled,
    CallConnected,
    ConsultAnswered,
    ConsultEnded,
    ConsultStarted,
    CustomerMarked,
    Fact,
    HoldEnded,
    HoldStarted,
    InteractionEnded,
    InteractionQueued,
    InteractionTransferred,
    MessageAdded,
    MessageFailed,
    OfferAccepted,
    OfferExpired,
    OfferMade,
    OfferRejected,
    OfferWithdrawn,
    PartyJoined,
    PartyLeft,
    PresenceChanged,
    TalkArranged,
    TransferFailed,
    TypingNoticed,
    WrapUpCompleted,
)
from router.model import Author, Interaction, OfferState, Presence
from router.once import Once
from router.ports import Bus, Clock, Store, Transaction

log = logging.getLogger(__name__)

BEAT_S = 10.0
TRY_AGAIN_S = 1.0
"""Fresh snapshots that failed are sent again after this."""
AWAY_AFTER_S = 15.0
OUTBOX = 1000
CONNECTION_LOST = "connection lost"
GONE: dict[type[Fact], str] = {
    OfferAccepted: "accepted",
    OfferRejected: "rejected",
    OfferExpired: "expired",
    OfferWithdrawn: "withdrawn",
}
STATE_FACTS: tuple[type[Fact], ...] = (
    OfferAccepted,
    InteractionQueued,
    InteractionTransferred,
    BotStarted,
    InteractionEnded,
    WrapUpCompleted,
    HoldStarted,
    HoldEnded,
    CallConnected,
    CustomerMarked,
    CallbackScheduled,
    CallbackFailed,
    ConsultStarted,
    ConsultAnswered,
    ConsultEnded,
    PartyJoined,
    PartyLeft,
    TalkArranged,
)
FACTS: tuple[type[Fact], ...] = (
    OfferMade,
    OfferRejected,
    OfferExpired,
    OfferWithdrawn,
    *STATE_FACTS,
    TransferFailed,
    MessageAdded,
    MessageFailed,
    TypingNoticed,
    PresenceChanged,
)
CONCERNED = ("agent_id", "by_agent_id", "to_agent_id", "from_agent_id")
"""Fields of facts that name an agent whose desk may have to change."""


@dataclass(frozen=True, slots=True)
class DeskTimes:
    """How often the hub notes that agents are there, and when it gives one up."""

    beat_s: float = BEAT_S
    away_after_s: float = AWAY_AFTER_S

    @property
    def own_beats_s(self) -> float:
        """A beat of ours that was under way when the last tab closed is noted by then."""
        return (self.away_after_s - self.beat_s) / 2


class Tab:
    """One browser tab of one agent; views wait in ``outbox`` until they are written."""

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.outbox: asyncio.Queue[View | None] = asyncio.Queue()
        self._held: list[View] | None = []

    def send(self, view: View) -> None:
        """Queue a view, behind the snapshot. A tab that does not read is closed."""
        if self._held is not None:
            self._held.append(view)
        elif self.outbox.qsize() >= OUTBOX:
            self.close()
        else:
            self.outbox.put_nowait(view)

    def hold(self) -> None:
        """Keep changes back until the snapshot is there."""
        if self._held is None:
            self._held = []

    def begin(self, snapshot: View) -> None:
        """Send the snapshot and what was held back meanwhile."""
        held, self._held = self._held or [], None
        for view in (snapshot, *held):
            self.send(view)

    def close(self) -> None:
        """Ask the socket to close; the page connects again and gets a snapshot."""
        self.outbox.put_nowait(None)


class DeskHub:
    """Presence, offers and conversations of the agents connected to this node."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        bus: Bus,
        company: Company,
        clock: Clock,
        node: str,
        *,
        times: DeskTimes = DeskTimes(),
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._bus = bus
        self._company = company
        self._clock = clock
        self._node = node
        self._times = times
        self._tabs: dict[str, list[Tab]] = {}
        self._watched: dict[str, set[str]] = {}
        self._beside: dict[str, set[tuple[str, str]]] = {}
        self._heard = Once()
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._beat: asyncio.Task[None] | None = None
        self._restored = asyncio.Event()

    async def start(self) -> None:
        """Listen to the facts and begin the heartbeat."""
        await self._bus.subscribe(f"desk.{self._node}", self._on_fact, FACTS, lasting=False)
        self._bus.on_restored(self._restored.set)
        self._beat = asyncio.create_task(self._beat_forever(), name="desk-beat")

    async def stop(self) -> None:
        """Close all tabs. Presence stays as it is: the node may be back in a moment."""
        tasks = [task for task in (self._beat, *self._leaving.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._leaving.clear()
        for tabs in self._tabs.values():
            for tab in tabs:
                tab.close()

    @property
    def connected(self) -> int:
        """How many tabs are open on this node."""
        return sum(len(tabs) for tabs in self._tabs.values())

    async def open(self, agent_id: str) -> Tab:
        """A new tab of this agent, with its snapshot on the way. Raises ``NoSuchAgent``."""
        tab = Tab(agent_id)
        self._tabs.setdefault(agent_id, []).append(tab)
        leaving = self._leaving.pop(agent_id, None)
        if leaving is not None:
            leaving.cancel()
        try:
            await self._lifecycle.agent_seen(agent_id)
            await self.snapshot(tab)
        except BaseException:
            self.close(tab)
            raise
        return tab

    def close(self, tab: Tab) -> None:
        """The tab has gone; after a while without another one the agent is away."""
        tabs = self._tabs.get(tab.agent_id, [])
        if tab not in tabs:
            return
        tabs.remove(tab)
        if not tabs:
            del self._tabs[tab.agent_id]
            left = asyncio.create_task(self._leave_later(tab.agent_id, self._clock.now()))
            self._leaving[tab.agent_id] = left

    async def snapshot(self, tab: Tab) -> None:
        """Send ``tab`` everything as it stands in the store."""
        tab.hold()
        async with self._store.transaction() as tx:
            view = await self._snapshot(tx, tab.agent_id)
        tab.begin(view)

    async def _snapshot(self, tx: Transaction, agent_id: str) -> View:
        agent = await tx.people.agent(agent_id)
        work = await tx.interactions.for_agent(agent_id)
        offers = await tx.interactions.ringing_offers(agent_id)
        return {
            "type": "snapshot",
            "now": iso(self._clock.now()),
            "me": agent_view(agent),
            "company": self._company.name,
            "queues": [{"id": q.id, "name": q.name} for q in self._company.queues.values()],
            "dispositions": list(self._company.dispositions),
            "pause_codes": [
                {"code": pause.code, "name": pause.name} for pause in self._company.pauses
            ],
            "work": [await self._card(tx, item, agent_id) for item in work],
            "offers": [await offer_card(tx, offer, self._company) for offer in offers],
        }

    async def show(self, interaction_id: str, agent_id: str) -> View:
        """Send the agent's tabs how an interaction stands now; returns the same view."""
        async with self._store.transaction() as tx:
            item = await tx.interactions.get(interaction_id)
            if is_work(item, agent_id):
                card = await self._card(tx, item, agent_id)
                view: View = {"type": "work", "card": card}
            else:
                self._unwatch(item.id, agent_id)
                view = {"type": "work-gone", "interaction_id": item.id, "version": item.version}
        self._send(agent_id, view)
        return view

    async def _card(self, tx: Transaction, item: Interaction, agent_id: str) -> View:
        """The card, and from now on whatever happens to it or to the talk beside it."""
        card = await card_of(tx, item, self._company)
        self._watched.setdefault(item.id, set()).add(agent_id)
        self._leave_beside(item.id, agent_id)
        if card["beside"] is not None:
            self._beside.setdefault(card["beside"]["id"], set()).add((agent_id, item.id))
        return card

    def _unwatch(self, interaction_id: str, agent_id: str) -> None:
        watchers = self._watched.get(interaction_id, set())
        watchers.discard(agent_id)
        if not watchers:
            self._watched.pop(interaction_id, None)
        self._leave_beside(interaction_id, agent_id)

    def _leave_beside(self, card_id: str, agent_id: str) -> None:
        for other, cards in list(self._beside.items()):
            cards.discard((agent_id, card_id))
            if not cards:
                del self._beside[other]

    def _send(self, agent_id: str, view: View) -> None:
        for tab in list(self._tabs.get(agent_id, ())):
            tab.send(view)

    async def _on_fact(self, fact: Fact) -> None:
        """A fact, once: nobody reads a line or a refusal twice."""
        if fact in self._heard:
            return
        await self._tell(fact)
        self._heard.add(fact)

    async def _tell(self, fact: Fact) -> None:
        if isinstance(fact, OfferMade):
            await self._offer_made(fact)
        elif isinstance(fact, MessageAdded):
            await self._message_added(fact)
        elif isinstance(fact, PresenceChanged):
            await self._presence_changed(fact)
        elif isinstance(fact, TypingNoticed):
            self._typing(fact)
        elif isinstance(fact, MessageFailed):
            self._message_failed(fact)
        elif isinstance(fact, TransferFailed):
            await self._transfer_failed(fact)
        elif isinstance(fact, CallbackFailed):
            self._callback_failed(fact)
        if type(fact) in GONE:
            self._offer_gone(fact, GONE[type(fact)])
        if isinstance(fact, STATE_FACTS):
            await self._state_changed(fact)

    async def _offer_made(self, fact: OfferMade) -> None:
        if fact.agent_id not in self._tabs:
            return
        async with self._store.reading() as tx:
            try:
                offer = await tx.interactions.offer(fact.offer_id)
            except (NoSuchOffer, NoSuchInteraction):
                return
            if offer.state is not OfferState.RINGING:
                return
            view = await offer_card(tx, offer, self._company)
        self._send(fact.agent_id, {"type": "offer", "offer": view})

    def _offer_gone(self, fact: Any, how: str) -> None:
        view = {
            "type": "offer-gone",
            "offer_id": fact.offer_id,
            "how": how,
            "reason": getattr(fact, "reason", ""),
        }
        self._send(fact.agent_id, view)

    async def _message_added(self, fact: MessageAdded) -> None:
        watchers = set(self._watched.get(fact.interaction_id, ()))
        watchers |= {agent_id for agent_id, _ in self._beside.get(fact.interaction_id, ())}
        if not watchers:
            return
        async with self._store.reading() as tx:
            message = await tx.interactions.message(fact.message_id)
        if message is None:
            return
        view = {
            "type": "message",
            "interaction_id": fact.interaction_id,
            "message": message_view(message),
        }
        for agent_id in watchers:
            self._send(agent_id, view)

    async def _transfer_failed(self, fact: TransferFailed) -> None:
        """Tell the one who sent it; that it rings there again comes as an offer."""
        if fact.from_agent_id not in self._tabs:
            return
        name = fact.target
        if fact.way == "agent":
            async with self._store.reading() as tx:
                name = (await tx.people.agent(fact.target)).name
        view = {
            "type": "transfer-failed",
            "interaction_id": fact.interaction_id,
            "target": name,
            "outcome": fact.outcome,
            "detail": fact.detail,
        }
        self._send(fact.from_agent_id, view)

    def _callback_failed(self, fact: CallbackFailed) -> None:
        view = {
            "type": "callback-failed",
            "interaction_id": fact.interaction_id,
            "outcome": fact.outcome,
            "retry_at": iso(fact.retry_at),
        }
        self._send(fact.agent_id, view)

    async def _presence_changed(self, fact: PresenceChanged) -> None:
        if fact.agent_id not in self._tabs:
            return
        async with self._store.reading() as tx:
            agent = await tx.people.agent(fact.agent_id)
        self._send(fact.agent_id, {"type": "presence", "me": agent_view(agent)})

    def _typing(self, fact: TypingNoticed) -> None:
        if fact.author != Author.CUSTOMER:
            return
        for agent_id in self._watched.get(fact.interaction_id, ()):
            self._send(agent_id, {"type": "typing", "interaction_id": fact.interaction_id})

    def _message_failed(self, fact: MessageFailed) -> None:
        view = {
            "type": "message-failed",
            "interaction_id": fact.interaction_id,
            "message_id": fact.message_id,
            "reason": fact.reason,
        }
        for agent_id in self._watched.get(fact.interaction_id, ()):
            self._send(agent_id, view)

    async def _state_changed(self, fact: Fact) -> None:
        named = {getattr(fact, name, "") for name in CONCERNED}
        concerned = {
            (agent_id, fact.interaction_id)
            for agent_id in {*self._watched.get(fact.interaction_id, ()), *named}
            if agent_id in self._tabs
        }
        for agent_id, card_id in concerned | self._beside.get(fact.interaction_id, set()):
            with contextlib.suppress(NoSuchInteraction):
                await self.show(card_id, agent_id)

    async def _beat_forever(self) -> None:
        fresh = False
        while True:
            # After the shortest loss, and at once: somebody may be ringing unseen.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TRY_AGAIN_S if fresh else self._times.beat_s):
                    await self._restored.wait()
            fresh = fresh or self._restored.is_set()
            self._restored.clear()
            try:
                await self._beat_once(fresh=fresh)
                fresh = False
            except ParleyError:
                log.warning("desk heartbeat failed, will try again", exc_info=True)
            except Exception:
                log.exception("desk heartbeat failed, will try again")

    async def _beat_once(self, *, fresh: bool) -> None:
        now = iso(self._clock.now())
        for agent_id, tabs in list(self._tabs.items()):
            await self._lifecycle.agent_seen(agent_id)
            for tab in list(tabs):
                tab.send({"type": "beat", "now": now})
                if fresh:
                    await self.snapshot(tab)

    async def _leave_later(self, agent_id: str, left_at: datetime) -> None:
        await asyncio.sleep(self._times.away_after_s)
        self._leaving.pop(agent_id, None)
        if agent_id in self._tabs:
            return
        async with self._store.transaction() as tx:
            agent = await tx.people.agent(agent_id)
        ours_until = left_at + timedelta(seconds=self._times.own_beats_s)
        elsewhere = agent.seen_at is not None and agent.seen_at > ours_until
        if elsewhere or agent.presence is not Presence.AVAILABLE:
            return
        log.info("agent %s has no page open, setting away", agent_id)
        try:
            await self._lifecycle.set_presence(agent_id, Presence.AWAY, CONNECTION_LOST)
        except ParleyError:
            log.warning("could not set %s away", agent_id, exc_info=True)
