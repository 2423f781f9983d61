"""The one active matcher: hears facts, asks ``acd``, makes offers, keeps the timers.

1. Only the active consumer of the group ``dispatcher`` decides. Whoever becomes active
   seizes the lease, which raises its epoch, and loads everything: after a crash the same
   people wait in the same order, and the same agents are busy.
2. Every offer's transaction checks the epoch. One that slept while another took over
   changes nothing: it drops its view and is passive.
3. Its view follows the store: each fact has the rows that it is about read again, so a
   repeated, late or reordered fact does no harm. Facts that come meanwhile are read
   together, and the offers of one round are made in one transaction.
4. One heap of timers (``view``), and those of ``acd``; nothing polls the queues. A rule
   without a time has its queue looked at in memory (``watch``).
5. Calls whose process died keep their place if they waited and are called back; the
   others end with the reason.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection, Coroutine, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from router import events
from router.acts.lifecycle import DISPATCHER, NOT_FILED, Lifecycle, OfferPlan
from router.dispatch.concern import HEARD, NOTHING, concerned
from router.dispatch.loading import AT_ONCE, WAITING_STATES, by_interaction, load_past, load_present
from router.dispatch.rounds import Rounds
from router.dispatch.view import Due, View
from router.errors import (
    Conflict,
    IllegalMove,
    NoSuchOffer,
    OfferGone,
    ParleyError,
    Superseded,
)
from router.events import Fact
from router.model import (
    EndedBy,
    Interaction,
    InteractionState,
    Offer,
    Presence,
)
from router.ports import Bus, Clock, Store, WaitingRules
from router.presence import CONNECTION_LOST

GROUP = "dispatcher"
TICK_S = 1.0
LOST_AGENT_S = 45.0
"""An available agent whose desk has been silent this long goes away."""
LOST_NODE_S = 15.0
"""A process that has been silent this long is dead, and its calls with it."""
STALE_VIEW_S = 2.0
"""After such a gap between two looks somebody else may have taken over: ask for the lease."""
REST_S = 3.0
"""So long one that was superseded ignores facts: they came over a connection that is gone."""
LOOK_AGAIN_S = 15.0
"""When a rule for those who wait is due but changed nothing."""
MOST_OFFERS = 64
"""Interactions that are offered in one transaction."""
HOUSEKEEPING_S = 5.0

OFFERED = InteractionState.OFFERED
AWAY = (ParleyError, OSError, TimeoutError)
"""What comes when the store is away, where it says so (``retryable``)."""

log = logging.getLogger(__name__)


class Dispatcher:
    """Runs in the ``router`` role; start as many as you like, one decides.

    Without ``waiting`` those who wait only wait: no overflow, no scheduled callbacks.
    """

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        bus: Bus,
        clock: Clock,
        node: str,
        waiting: WaitingRules | None = None,
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._bus = bus
        self._clock = clock
        self._node = node
        self._waiting = waiting
        self._chance = random.Random().random
        self._view: View | None = None
        self._loading = asyncio.Lock()
        self._wake = asyncio.Event()
        self._rounds = Rounds(self._read)
        self._last_look: datetime | None = None
        self._rest_until: datetime | None = None
        self._next_housekeeping: datetime | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._looks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Join the group; becoming active happens by the first fact delivered."""
        await self._bus.subscribe(GROUP, self._hear, HEARD, single_active=True)
        self._tasks = [
            asyncio.create_task(self._tick_forever(), name="dispatcher-tick"),
            asyncio.create_task(self._decide_forever(), name="dispatcher"),
        ]

    async def stop(self) -> None:
        """Leave; another one takes over."""
        tasks = [*self._tasks, *self._looks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._rounds.stop()
        self._tasks = []

    @property
    def active(self) -> bool:
        """Whether this one decides, as far as it knows."""
        return self._view is not None

    async def recover_calls(self, dead_after_s: float = LOST_NODE_S) -> None:
        """Deal with the calls of processes that are no more (rule 5)."""
        since = self._clock.now() - timedelta(seconds=dead_after_s)
        async with self._store.transaction() as tx:
            living = await tx.log.live_nodes(since)
            homes = await tx.interactions.homes()
            lost = {home for home in homes if (node := _node_of(home)) and node not in living}
            calls = await tx.interactions.at_homes(lost) if lost else []
        for interaction in calls:
            with suppress(Conflict, IllegalMove):
                await self._recover_call(interaction)

    # -- facts in ----------------------------------------------------------------

    async def _hear(self, fact: Fact) -> None:
        """Follow a fact. While the store is away it needs no second try: the view is loaded anew.

        Trying again would only hold up the ticks, by which that happens.
        """
        try:
            if isinstance(fact, events.RouterTicked):
                await self._ticked()
            else:
                await self._follow(fact)
        except AWAY as error:
            if isinstance(error, ParleyError) and not error.retryable:
                raise
            log.warning("could not follow a %s: %s", type(fact).__name__, error)

    async def _follow(self, fact: Fact) -> None:
        view = await self._active()
        if view is None:
            return
        try:
            view.note(fact)
            about = NOTHING if self._is_ours(view, fact) else concerned(fact, view.company.queues)
            if about.interactions or about.agents:
                await self._rounds.ask(about.interactions, about.agents)
        except BaseException:
            # The fact does not come again: what it said must not be missing then.
            self._view = None
            raise
        self._wake.set()

    def _is_ours(self, view: View, fact: Fact) -> bool:
        """Whether it says what this one has just done itself."""
        if not isinstance(fact, events.OfferMade):
            return False
        return fact.offer_id in view.ringing or fact.interaction_id in view.committing

    # -- becoming active -----------------------------------------------------------

    async def _active(self) -> View | None:
        """The view, loaded if need be; None while this one rests."""
        async with self._loading:
            if self._view is None and not self._rests():
                self._view = await self._load()
                self._last_look = self._clock.now()
                self._wake.set()
            return self._view

    def _rests(self) -> bool:
        return self._rest_until is not None and self._clock.now() < self._rest_until

    def _step_down(self, why: str) -> None:
        if self._view is not None:
            log.warning("%s does not dispatch any more: %s", self._node, why)
        self._view = None
        self._rest_until = self._clock.now() + timedelta(seconds=REST_S)
        if self._waiting is not None:
            self._waiting.room = None

    async def _load(self) -> View:
        now = self._clock.now()
        async with self._store.transaction() as tx:
            epoch = await tx.leases.seize(DISPATCHER, self._node, now)
        view = View(epoch, self._lifecycle.company, self._chance)
        async with self._store.transaction() as tx:
            await load_past(view, tx, now)
        # Only now, so that what is read is newer than what an earlier holder committed.
        async with self._store.transaction() as tx:
            items, offers = await load_present(view, tx)
        for number, item in enumerate(items):
            self._place(view, item, offers.get(item.id, []))
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        if self._waiting is not None:
            self._waiting.room = view.acd
        log.info(
            "dispatching from %s, epoch %d: %d wait, %d agents",
            *(self._node, epoch, view.acd.waiting(), len(view.agents)),
        )
        return view

    # -- rows in ---------------------------------------------------------------------

    async def _read(self, interactions: Collection[str], agents: Collection[str]) -> None:
        """Read rows again and put everybody where they say (rule 3)."""
        view = self._view
        if view is None:
            return
        async with self._store.reading() as tx:
            records = await tx.people.agents_among(agents) if agents else {}
            rows = await tx.interactions.get_many(interactions) if interactions else {}
            offers: dict[str, list[Offer]] = {}
            if ring := [each.id for each in rows.values() if each.state is OFFERED]:
                offers = by_interaction(await tx.interactions.ringing_for(ring))
                # Once more: what rang then and does not now shows in a row that is newer.
                rows |= await tx.interactions.get_many(ring)
        if view is not self._view:
            return
        for agent in records.values():
            view.put_agent(agent)
        for item in rows.values():
            self._place(view, item, offers.get(item.id, []))
        self._wake.set()

    def _place(self, view: View, item: Interaction, offers: list[Offer]) -> None:
        if view.stale(item):
            return
        view.place(item, offers)
        if item.state in WAITING_STATES and self._may_join(view, item):
            view.join(item)

    def _may_join(self, view: View, item: Interaction) -> bool:
        """Whether it can be offered now; rules that are due at once come first."""
        if self._waiting is None:
            return True
        known, now = view.known[item.id], self._clock.now()
        queue = view.company.queues.get(item.queue or "")
        if queue is None:
            return True
        view.watch_over(item.id, self._waiting.watched(item, queue), now.timestamp())
        check = self._waiting.next_check(item, queue, now)
        if check is None:
            return True
        if check > now:
            view.look(item.id, check)
            return True
        if known.looked_at == item.version:
            view.look(item.id, now + timedelta(seconds=LOOK_AGAIN_S))
            return True
        known.looked_at = item.version
        self._look_soon(item.id)
        return False

    def _look_soon(self, interaction_id: str) -> None:
        look = asyncio.create_task(self._look(interaction_id), name="look")
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)

    async def _look(self, interaction_id: str) -> None:
        """Let the rules for those who wait do what is due, and see what became of it."""
        assert self._waiting is not None
        try:
            await self._waiting.due(interaction_id, self._clock.now())
        except Exception:
            log.exception("what is due for %s failed; it is looked at again", interaction_id)
            await asyncio.sleep(TICK_S)
        try:
            async with self._loading:
                pass  # a view that is being loaded is the one to tell
            await self._rounds.ask({interaction_id})
        except Exception:
            log.exception("%s could not be read; the view is loaded again", interaction_id)
            self._view = None

    # -- decisions out -----------------------------------------------------------

    async def _decide_forever(self) -> None:
        while True:
            # Not wait_for: in Python 3.11 it forgets a cancellation that meets its result.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s()):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._decide()
            except Superseded:
                self._step_down("another one has taken over")
            except Exception:
                log.exception("deciding failed; the view is loaded again")
                self._view = None
                await asyncio.sleep(TICK_S)

    def _pause_s(self) -> float | None:
        """How long nothing is to be done unless something happens."""
        if self._view is None:
            return None
        now = self._clock.now().timestamp()
        wake_at = self._view.wake_at(now)
        return None if wake_at is None else max(0.0, wake_at - now)

    async def _decide(self) -> None:
        view = self._view
        if view is None:
            return
        await self._check_lease(view)
        if view.outdated:
            await self._configure(view)
        await self._fire(view)
        await self._move_gates(view)
        while view is self._view and await self._offer_some(view):
            pass

    async def _check_lease(self, view: View, *, anyway: bool = False) -> None:
        """Raise ``Superseded`` when this one slept and another one took over."""
        now = self._clock.now()
        last, self._last_look = self._last_look, now
        if not anyway and last is not None and (now - last).total_seconds() < STALE_VIEW_S:
            return
        async with self._store.transaction() as tx:
            if not await tx.leases.holds(DISPATCHER, view.epoch):
                raise Superseded

    async def _configure(self, view: View) -> None:
        view.configure()
        async with self._store.transaction() as tx:
            agents = await tx.people.agents()
        for agent in agents:
            view.put_agent(agent)
        # Rules for those who wait may be due at other times now.
        await self._rounds.ask(tuple(view.known))

    async def _offer_some(self, view: View) -> bool:
        """Offer what can be; False when nothing can."""
        now = self._clock.now().timestamp()
        plans: list[OfferPlan] = []
        while len(plans) < MOST_OFFERS and (match := view.acd.next(now)) is not None:
            plans.append(view.plan(match))
        if not plans:
            return False
        try:
            made = await self._lifecycle.offer_all(plans, view.epoch)
        except Superseded:
            raise
        except Conflict as error:
            log.info("offers are made again: %s", error)
            made = {}
        for plan in plans:
            if plan.interaction_id in made:
                view.committed(plan, made[plan.interaction_id])
            else:
                # It moved under our feet: the customer left, or its rules changed.
                view.refused(plan)
        if view.missed:
            missed, view.missed = view.missed, set()
            await self._rounds.ask(missed)
        return True

    async def _move_gates(self, view: View) -> None:
        for gate in view.move_gates(self._clock.now().timestamp()):
            log.info("gate of %s: %s", gate.queue_id, gate.why or "open")
            if gate.shut:
                ringing = view.of_queue(gate.queue_id)
                await self._all(self._withdraw(each.id, gate.why) for each in ringing)
                await self._rounds.ask({each.interaction_id for each in ringing})

    async def _withdraw(self, offer_id: str, why: str) -> None:
        await self._lifecycle.withdraw(offer_id, why)

    async def _fire(self, view: View) -> None:
        """Carry out the timers that are due, side by side."""
        now = self._clock.now()
        due = view.due(now.timestamp())
        await self._all(self._carry_out(view, kind, subject, now) for kind, subject in due)

    async def _all(self, acts: Iterable[Coroutine[None, None, None]]) -> None:
        """Do them side by side; who was too late does not matter."""
        results = await asyncio.gather(*acts, return_exceptions=True)
        for result in results:
            late = isinstance(result, OfferGone | NoSuchOffer | IllegalMove | Conflict)
            if isinstance(result, BaseException) and not late:
                raise result

    async def _carry_out(self, view: View, due: Due, subject: str, now: datetime) -> None:
        if due is Due.OFFER:
            await self._expire(view, subject)
        elif due is Due.WRAP_UP:
            await self._close_wrap_up(subject, now)
        elif due is Due.WATCH:
            for interaction_id in view.name_movers(subject, now.timestamp()):
                self._look_soon(interaction_id)
        elif self._waiting is not None:
            self._look_soon(subject)

    async def _expire(self, view: View, offer_id: str) -> None:
        ringing = view.ringing.get(offer_id)
        if ringing is None:
            return
        try:
            await self._lifecycle.expire(offer_id)
        finally:
            # Do not wait for the facts to come round: the next match must see its place again.
            await self._rounds.ask({ringing.interaction_id}, {ringing.agent_id})

    async def _close_wrap_up(self, interaction_id: str, now: datetime) -> None:
        async with self._store.transaction() as tx:
            interaction = await tx.interactions.get(interaction_id)
        until = interaction.wrap_up_until
        if interaction.state is InteractionState.WRAP_UP and until and until <= now:
            agent_id = interaction.agent_id or ""
            await self._lifecycle.complete_wrap_up(interaction_id, agent_id, NOT_FILED)

    # -- housekeeping ------------------------------------------------------------

    async def _tick_forever(self) -> None:
        while True:
            try:
                async with self._store.transaction() as tx:
                    await tx.log.node_alive(self._node, self._clock.now())
                await self._bus.publish(
                    [events.RouterTicked(at=self._clock.now(), node=self._node)]
                )
            except Exception:
                log.warning("the router's tick did not get through", exc_info=True)
            await asyncio.sleep(TICK_S)

    async def _ticked(self) -> None:
        """Every router's tick comes to the active one, and makes it active after a failure."""
        view = await self._active()
        if view is None:
            return
        try:
            await self._check_lease(view, anyway=True)
        except Superseded:
            self._step_down("another one has taken over")
            return
        self._wake.set()
        now = self._clock.now()
        if self._next_housekeeping is None or now >= self._next_housekeeping:
            self._next_housekeeping = now + timedelta(seconds=HOUSEKEEPING_S)
            await self._retire_lost_agents()
            await self.recover_calls()

    async def _retire_lost_agents(self) -> None:
        since = self._clock.now() - timedelta(seconds=LOST_AGENT_S)
        async with self._store.transaction() as tx:
            silent = await tx.people.silent(since)
        for agent_id in silent:
            await self._lifecycle.set_presence(agent_id, Presence.AWAY, CONNECTION_LOST)

    async def _recover_call(self, interaction: Interaction) -> None:
        waits = interaction.state in (InteractionState.WAITING, InteractionState.OFFERED)
        if waits and interaction.parent_id is None:  # nobody calls a question back
            await self._lifecycle.set_home(interaction.id, "")
            await self._lifecycle.set_meta(interaction.id, call_back=True)
            log.info("call %s lost its process; it keeps its place", interaction.id)
            return
        await self._lifecycle.end(
            interaction.id, EndedBy.SYSTEM, "the process that carried the call stopped"
        )


def _node_of(home: str) -> str:
    return home.partition(".")[2]
