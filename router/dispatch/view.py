"""What the active dispatcher knows: the distributor's room, what rings, and the timers.

1. It follows the store: an interaction is placed as its row and its ringing offers say,
   and an older row never replaces a newer one.
2. While offers of an interaction are being committed its rows are not looked at: what was
   decided counts until the commit is known.
3. Work in hand is what rings, is handled, or is in a wrap-up that keeps busy. Such a
   wrap-up keeps the agent from every offer (``router.acts.wrapup``).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from router.acd import Acd, Match, waiting_from
from router.acts.consults import ASKED_BY
from router.acts.lifecycle import OfferPlan
from router.acts.wrapup import keeps_busy
from router.company import Company
from router.dispatch.blending import Gate, Gates
from router.dispatch.watch import Watch
from router.events import Fact, OfferRejected
from router.model import Agent, Channel, Interaction, InteractionState, Offer, Presence
from router.presence import WRAP_UP, counts_as_there
from router.rules import Overflow

ASKED_FOR_S = 86_400.0
"""So long a question is kept from the agent who asks it: longer than any question waits."""

OVER = frozenset({InteractionState.NEW, InteractionState.BOT, InteractionState.ENDED})
HANDLED = frozenset({InteractionState.AGENT, InteractionState.WRAP_UP})


class Due(StrEnum):
    """What a timer is for."""

    OFFER = "offer"
    WRAP_UP = "wrap-up"
    LOOK = "look"
    WATCH = "watch"


@dataclass(slots=True)
class Known:
    """What is remembered of an interaction that is not over."""

    version: int
    state: InteractionState
    channel: Channel
    queue: str
    parent_id: str
    looked_at: int = 0
    """The version at which the rules for those who wait were last carried out."""
    look_at: float = 0.0
    """When they are carried out next; other timers for it are left-behind ones."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """An offer that rings."""

    id: str
    interaction_id: str
    agent_id: str
    queue: str


@dataclass
class View:
    """The state of one term of office; ``epoch`` fences its offers."""

    epoch: int
    company: Company
    chance: Callable[[], float]
    acd: Acd = field(init=False)
    gates: Gates = field(init=False)
    watch: Watch = field(default_factory=Watch)
    known: dict[str, Known] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    ringing: dict[str, Ringing] = field(default_factory=dict)
    committing: set[str] = field(default_factory=set)
    """Interactions whose offers are on their way into the store (rule 2)."""
    missed: set[str] = field(default_factory=set)
    """Those of them that have to be read again, because something was heard meanwhile."""
    _by_interaction: dict[str, set[str]] = field(default_factory=dict)
    _carriers: dict[str, set[str]] = field(default_factory=dict)
    _wraps: dict[str, str] = field(default_factory=dict)
    """By interaction: whom its wrap-up keeps busy."""
    _wrapping: Counter[str] = field(default_factory=Counter)
    _timers: list[tuple[float, str, Due, str]] = field(default_factory=list)
    _version: int = 0

    def __post_init__(self) -> None:
        self.acd = Acd(self.company.queues, self.chance)
        self.gates = Gates(self.company.queues)
        self._version = self.company.version

    @property
    def outdated(self) -> bool:
        """Whether the process has adopted rules that this view does not have yet."""
        return self._version != self.company.version

    def configure(self) -> None:
        """Adopt the company's rules; everybody keeps the place."""
        self._version = self.company.version
        self.acd.configure(self.company.queues)
        self.gates.configure(self.company.queues)

    # -- agents ----------------------------------------------------------------------

    def put_agent(self, agent: Agent) -> None:
        """A new or changed record."""
        self.agents[agent.id] = agent
        self._seat(agent.id)

    def _seat(self, agent_id: str) -> None:
        agent = self.agents.get(agent_id)
        if agent is None:
            return
        if self._wrapping[agent_id] and agent.presence is Presence.AVAILABLE:
            agent = replace(agent, presence=Presence.AWAY, presence_reason=WRAP_UP)
        self.acd.put_agent(agent)

    # -- interactions ------------------------------------------------------------------

    def stale(self, item: Interaction) -> bool:
        """Whether this row is older than what is known (rule 1), or not to be looked at."""
        if item.id in self.committing:
            self.missed.add(item.id)
            return True
        known = self.known.get(item.id)
        return known is not None and item.version < known.version

    def differs(self, interaction_id: str, version: int, offers: Iterable[Offer]) -> bool:
        """Whether it stands otherwise in the store, for who is not told of facts."""
        known = self.known.get(interaction_id)
        if known is None or known.version != version:
            return True
        ringing = self._by_interaction.get(interaction_id, set())
        return ringing != {offer.id for offer in offers}

    def place(self, item: Interaction, offers: Sequence[Offer]) -> None:
        """Put an interaction where its row and its ringing offers say."""
        if self.stale(item):
            return
        before = self.known.get(item.id)
        if before is not None and before.state in HANDLED:
            self.learn(item)
        if item.state in OVER:
            self.forget(item.id)
            return
        self._remember(item, before)
        self._ring(item, offers if item.state is InteractionState.OFFERED else ())
        if item.state is InteractionState.WAITING:
            self._lay_down(item.id)
        else:
            self.acd.leave(item.id)
            self.watch.drop(item.id)
            self._hand_out(item, {offer.agent_id for offer in offers})

    def join(self, item: Interaction) -> None:
        """Let a waiting one stand in line."""
        if item.state is InteractionState.WAITING and not self.stale(item):
            waiting = waiting_from(item)
            if item.parent_id and (asker := str(item.meta.get(ASKED_BY, ""))):
                waiting = replace(waiting, asker=asker)
                self.acd.bar(item.id, asker, waiting.joined_at + ASKED_FOR_S)
            self.acd.join(waiting)

    def forget(self, interaction_id: str) -> None:
        """It is over, or a bot has it."""
        self._ring_nowhere(interaction_id)
        self.acd.leave(interaction_id)
        self.watch.drop(interaction_id)
        self._lay_down(interaction_id)
        known = self.known.pop(interaction_id, None)
        if known is not None:
            self._flow(known.queue, interaction_id, None)

    def _remember(self, item: Interaction, before: Known | None) -> None:
        queue = item.queue or ""
        if before is not None and before.queue != queue:
            self._flow(before.queue, item.id, None)
        waits = item.state in (InteractionState.WAITING, InteractionState.OFFERED)
        self._flow(queue, item.id, item.joined_at if waits else None)
        known = Known(item.version, item.state, item.channel, queue, item.parent_id or "")
        if before is not None:
            known.looked_at, known.look_at = before.looked_at, before.look_at
        self.known[item.id] = known

    def _flow(self, queue_id: str, interaction_id: str, since: datetime | None) -> None:
        flow = self.gates.flow(queue_id)
        if flow is None:
            return
        if since is None:
            flow.leave(interaction_id)
        else:
            flow.wait(interaction_id, since.timestamp())

    def _hand_out(self, item: Interaction, rung: set[str]) -> None:
        """Those who have it carry it, and nobody else."""
        offered = item.state is InteractionState.OFFERED
        carriers = set(rung) if offered else set()
        strict = keeps_busy(self.company, item)
        if item.agent_id and (offered or strict or item.state is InteractionState.AGENT):
            carriers.add(item.agent_id)
        # Taken up before others lay it down: nobody looks free in between.
        for agent_id in carriers:
            self.acd.carry(item.id, agent_id, item.channel)
        for agent_id in self._carriers.get(item.id, set()) - carriers:
            self.acd.lay_down(item.id, agent_id)
        self._carriers[item.id] = carriers
        self._wrap_up(item.id, item.agent_id if strict else None)
        if item.state is InteractionState.WRAP_UP and item.wrap_up_until:
            self.at(item.wrap_up_until, Due.WRAP_UP, item.id)

    def _lay_down(self, interaction_id: str) -> None:
        self.acd.lay_down(interaction_id)
        self._carriers.pop(interaction_id, None)
        self._wrap_up(interaction_id, None)

    def _wrap_up(self, interaction_id: str, agent_id: str | None) -> None:
        """It keeps this agent busy now, and nobody else (rule 3)."""
        before = self._wraps.pop(interaction_id, None)
        if agent_id is not None:
            self._wraps[interaction_id] = agent_id
        if before == agent_id:
            return
        for each, step in ((before, -1), (agent_id, 1)):
            if each is not None:
                self._wrapping[each] += step
                self._seat(each)

    def learn(self, item: Interaction) -> None:
        """Take how long it took into the measured handle times, if it is over."""
        over = item.state is InteractionState.ENDED
        if over and item.accepted_at is not None and item.ended_at is not None and item.queue:
            seconds = (item.ended_at - item.accepted_at).total_seconds()
            self.acd.note_handled(item.queue, item.channel, max(0.0, seconds))

    # -- what no row says --------------------------------------------------------------

    def note(self, fact: Fact) -> None:
        """Who said no, and how it went for the customers of inbound queues."""
        if isinstance(fact, OfferRejected):
            queue = self.company.queues.get(fact.queue)
            if queue is not None:
                until = fact.at.timestamp() + queue.rules.reject_delay_s
                self.acd.bar(fact.interaction_id, fact.agent_id, until)
        else:
            self.gates.note(fact)

    def move_gates(self, now: float) -> list[Gate]:
        """Hold back or release outbound work; the gates that have just opened or shut."""
        moved = self.gates.look(now)
        for gate in moved:
            self.acd.gate(gate.queue_id, gate.shut, gate.why)
        return moved

    def pass_time(self, now: float) -> None:
        """What time alone changes, for somebody who only looks on and offers nothing."""
        self.move_gates(now)
        self.acd.settle(now)
        self.due(now)

    # -- offers ------------------------------------------------------------------------

    def plan(self, match: Match) -> OfferPlan:
        """The offers of a match; until ``committed`` nothing else is believed about it."""
        known = self.known[match.interaction_id]
        self.committing.add(match.interaction_id)
        self._carriers[match.interaction_id] = set(match.agent_ids)
        return OfferPlan(
            match.interaction_id,
            known.version,
            known.channel,
            match.queue,
            match.agent_ids,
            match.why,
            known.parent_id,
        )

    def committed(self, plan: OfferPlan, offers: Sequence[Offer]) -> None:
        """They ring."""
        self.committing.discard(plan.interaction_id)
        known = self.known[plan.interaction_id]
        known.version, known.state = plan.version + 1, InteractionState.OFFERED
        for offer in offers:
            self._add(offer)

    def refused(self, plan: OfferPlan) -> None:
        """The store did not take them; the row says how it stands."""
        self.committing.discard(plan.interaction_id)
        self.missed.add(plan.interaction_id)
        self._lay_down(plan.interaction_id)

    def of_queue(self, queue_id: str) -> list[Ringing]:
        """What rings on behalf of a queue."""
        return [ringing for ringing in self.ringing.values() if ringing.queue == queue_id]

    def rings(self, interaction_id: str) -> bool:
        """Whether it rings anywhere, as far as is known."""
        return bool(self._by_interaction.get(interaction_id))

    def _ring(self, item: Interaction, offers: Sequence[Offer]) -> None:
        present = {offer.id for offer in offers}
        for offer_id in self._by_interaction.get(item.id, set()) - present:
            self._drop(offer_id)
        for offer in offers:
            if offer.id not in self.ringing:
                self._add(offer)

    def _ring_nowhere(self, interaction_id: str) -> None:
        for offer_id in tuple(self._by_interaction.get(interaction_id, ())):
            self._drop(offer_id)

    def _add(self, offer: Offer) -> None:
        self.ringing[offer.id] = Ringing(
            offer.id, offer.interaction_id, offer.agent_id, offer.queue
        )
        self._by_interaction.setdefault(offer.interaction_id, set()).add(offer.id)
        self.at(offer.expires_at, Due.OFFER, offer.id)

    def _drop(self, offer_id: str) -> None:
        ringing = self.ringing.pop(offer_id, None)
        if ringing is not None:
            theirs = self._by_interaction[ringing.interaction_id]
            theirs.discard(offer_id)
            if not theirs:
                del self._by_interaction[ringing.interaction_id]

    # -- timers ------------------------------------------------------------------------

    def look(self, interaction_id: str, when: datetime) -> None:
        """The rules for those who wait are due then, and not at the time said before."""
        known = self.known.get(interaction_id)
        if known is not None and known.look_at != when.timestamp():
            known.look_at = when.timestamp()
            self.at(when, Due.LOOK, interaction_id)

    def watch_over(self, interaction_id: str, rules: Sequence[Overflow], now: float) -> None:
        """It waits under these rules without a time (``router.dispatch.watch``)."""
        queue_id = self.known[interaction_id].queue
        watched = self.watch.put(interaction_id, queue_id, rules)
        if watched and queue_id not in self.watch.next_look:
            self._look_at(queue_id, 0, now)

    def name_movers(self, queue_id: str, now: float) -> list[str]:
        """Those of a watched queue to whom a rule applies; the next look is set."""
        named = self.watch.look(queue_id, self.acd, lambda: self._staffed(queue_id), now)
        self._look_at(queue_id, len(named), now)
        return named

    def _look_at(self, queue_id: str, named: int, now: float) -> None:
        moment = self.watch.next_after(queue_id, named, now)
        if moment is not None:
            heapq.heappush(self._timers, (moment, queue_id, Due.WATCH, queue_id))

    def _staffed(self, queue_id: str) -> bool:
        there = (agent for agent in self.agents.values() if queue_id in agent.queues)
        return any(counts_as_there(agent) for agent in there)

    def at(self, when: datetime, due: Due, subject: str) -> None:
        """Something is due then."""
        heapq.heappush(self._timers, (when.timestamp(), subject, due, subject))

    def due(self, now: float) -> list[tuple[Due, str]]:
        """What is due by now, each once."""
        found: dict[tuple[Due, str], None] = {}
        while self._timers and self._timers[0][0] <= now:
            moment, _, due, subject = heapq.heappop(self._timers)
            if self._counts(due, subject, moment):
                found[due, subject] = None
        return list(found)

    def _counts(self, due: Due, subject: str, moment: float) -> bool:
        """Whether the timer still means something; nobody takes one back."""
        if due is Due.OFFER:
            return subject in self.ringing
        if due is Due.WATCH:
            return self.watch.next_look.get(subject) == moment
        known = self.known.get(subject)
        if known is None:
            return False
        if due is Due.WRAP_UP:
            return known.state is InteractionState.WRAP_UP
        return known.look_at == moment

    def wake_at(self, now: float) -> float | None:
        """When time alone makes something possible or necessary."""
        moments: Iterable[float | None] = (
            self._timers[0][0] if self._timers else None,
            self.acd.wake_at(),
            self.gates.wake_at(now),
        )
        return min((moment for moment in moments if moment is not None), default=None)
