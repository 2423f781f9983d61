"""The floor as a supervisor sees it: queues and agents now, figures of today.

Facts of the day are read from the log in steps (each with an overlap, told
apart by id), so a page that is open all day costs the store a few rows a second.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.desk.pauses import AgentDay, agent_days
from gateway.desk.routing import needs_view
from gateway.desk.views import View, agent_view, customer_of, iso, shown_address
from gateway.waiting_room import WAITS, Look, WaitingRoom
from router import kpi
from router.acd.needs import needs_at
from router.company import Company, Queue
from router.events import (
    BotStarted,
    CallbackFailed,
    CallbackRequested,
    CallbackScheduled,
    Fact,
    HandoffRequested,
    HoldEnded,
    HoldStarted,
    InteractionArrived,
    InteractionEnded,
    InteractionOverflowed,
    InteractionQueued,
    InteractionTransferred,
    OfferAccepted,
    OfferExpired,
    OfferMade,
    OfferRejected,
    OfferWithdrawn,
    PresenceChanged,
    SurveyAnswered,
    VoicemailLeft,
    WrapUpCompleted,
)
from router.model import Agent, Interaction, InteractionState, Presence
from router.ports import Clock, Store, Transaction

FRESH_S = 1.0
OVERLAP_S = 60
LIVE = (
    InteractionState.BOT,
    InteractionState.WAITING,
    InteractionState.OFFERED,
    InteractionState.AGENT,
    InteractionState.WRAP_UP,
)
COUNTED: tuple[type[Fact], ...] = (
    InteractionArrived,
    BotStarted,
    HandoffRequested,
    InteractionQueued,
    OfferMade,
    OfferRejected,
    OfferExpired,
    OfferWithdrawn,
    OfferAccepted,
    HoldStarted,
    HoldEnded,
    InteractionTransferred,
    InteractionOverflowed,
    CallbackRequested,
    CallbackScheduled,
    CallbackFailed,
    VoicemailLeft,
    InteractionEnded,
    WrapUpCompleted,
    SurveyAnswered,
    PresenceChanged,
)


def zone_of(company: Company) -> ZoneInfo:
    """The company's zone: that of its default queue."""
    return ZoneInfo(company.queue(company.default_queue).hours.timezone)


def day_start(now: datetime, company: Company) -> datetime:
    """Midnight of the company's day, in UTC."""
    zone = zone_of(company)
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def targets(company: Company) -> dict[str, int]:
    """The service-level threshold of each queue in seconds."""
    return {queue.id: queue.target_s for queue in company.queues.values()}


class DayFacts:
    """The facts that figures need since the day began, kept up to date step by step."""

    def __init__(self, store: Store, company: Company, clock: Clock) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._since: datetime | None = None
        self._read_to: datetime | None = None
        self._facts: dict[str, Fact] = {}

    async def today(self) -> list[Fact]:
        """All of them, oldest first."""
        now = self._clock.now()
        begin = day_start(now, self._company)
        if begin != self._since or self._read_to is None:
            self._since, self._read_to, self._facts = begin, begin, {}
        since = max(begin, self._read_to - timedelta(seconds=OVERLAP_S))
        async with self._store.transaction() as tx:
            fresh = await tx.log.facts(since=since, types=COUNTED)
        self._read_to = now
        new = {fact.id: fact for fact in fresh if fact.id not in self._facts}
        if new:
            self._facts.update(new)
        return sorted(self._facts.values(), key=lambda fact: fact.at)


class Floor:
    """Makes the floor's view, at most once a second however many pages watch."""

    def __init__(self, store: Store, company: Company, clock: Clock, room: WaitingRoom) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._room = room
        self._facts = DayFacts(store, company, clock)
        self._view: View | None = None
        self._made_at: datetime | None = None
        self._making = asyncio.Lock()

    async def view(self) -> View:
        """Queues, agents, live work and today's figures."""
        async with self._making:
            now = self._clock.now()
            fresh = self._made_at and (now - self._made_at).total_seconds() < FRESH_S
            if self._view is None or not fresh:
                self._view = await self._make(now)
                self._made_at = now
            return self._view

    async def _make(self, now: datetime) -> View:
        facts = await self._facts.today()
        figures = kpi.queue_figures(facts, targets=targets(self._company))
        async with self._store.transaction() as tx:
            live = await tx.interactions.in_states(LIVE)
            agents = await tx.people.agents()
            look = await self._room.look(tx)
            work = [await _work_view(tx, item, self._company, look) for item in live]
        days = agent_days(facts, agents, day_start(now, self._company), now)
        on_hand: dict[str, list[View]] = {}
        for item, view in zip(live, work, strict=True):
            if item.agent_id and item.state is not InteractionState.OFFERED:
                on_hand.setdefault(item.agent_id, []).append(view)
        return {
            "type": "floor",
            "now": iso(now),
            "queues": [
                _queue_view(queue, live, figures.get(queue.id, kpi.QueueFigures()), now)
                for queue in self._company.queues.values()
            ],
            "agents": [
                {**agent_view(a), "work": on_hand.get(a.id, []), "today": _day_view(days[a.id])}
                for a in agents
            ],
            "live": work,
            "bot": bot_figures_view(kpi.bot_figures(facts)),
            "totals": _totals(live, agents),
        }


def is_customers(item: Interaction) -> bool:
    """Whether a customer takes part: a question between agents is nobody's waiting."""
    return item.parent_id is None


def _queue_view(
    queue: Queue, live: list[Interaction], figures: kpi.QueueFigures, now: datetime
) -> View:
    mine = [item for item in live if item.queue == queue.id and is_customers(item)]
    waiting = [
        item for item in mine if item.state in (InteractionState.WAITING, InteractionState.OFFERED)
    ]
    joined = [item.joined_at for item in waiting if item.joined_at is not None]
    return {
        "id": queue.id,
        "name": queue.name,
        "open": queue.hours.open_at(now),
        "target_s": queue.target_s,
        "waiting": len(waiting),
        "with_agent": sum(item.state is InteractionState.AGENT for item in mine),
        "longest_since": iso(min(joined)) if joined else None,
        "figures": queue_figures_view(figures),
    }


def queue_figures_view(figures: kpi.QueueFigures) -> View:
    """A queue's figures as JSON; ratios 0..1, times in seconds, None for no data."""
    return {
        "arrived": figures.arrived,
        "answered": figures.answered,
        "abandoned": figures.abandoned,
        "short_abandoned": figures.short_abandoned,
        "within_target": figures.within_target,
        "service_level": figures.service_level,
        "asa_s": figures.asa_s,
        "aht_s": figures.aht_s,
        "abandonment": figures.abandonment,
        "transferred": figures.transferred,
        "overflowed": figures.overflowed,
        "callbacks": figures.callbacks,
    }


def bot_figures_view(figures: kpi.BotFigures) -> View:
    """The bots' figures as JSON."""
    return {
        "started": figures.started,
        "contained": figures.contained,
        "handed_off": figures.handed_off,
        "abandoned": figures.abandoned,
        "containment": figures.containment,
    }


async def _work_view(tx: Transaction, item: Interaction, company: Company, look: Look) -> View:
    customer = await customer_of(tx, item.customer_id)
    queue = company.queues.get(item.queue or "")
    return {
        "id": item.id,
        "channel": item.channel,
        "direction": item.direction,
        "state": item.state,
        "customer": customer.name or shown_address(item.address),
        "vip": customer.vip,
        "queue": item.queue,
        "queue_name": queue.name if queue else item.queue,
        "agent_id": item.agent_id,
        "reason": item.handoff.reason if item.handoff else "",
        "since": iso(_since(item)),
        **(_wait_view(item, queue, look) if item.state in WAITS and is_customers(item) else {}),
    }


def _wait_view(item: Interaction, queue: Queue | None, look: Look) -> View:
    """Of one that waits: its place, what is left, and what its queue asks for now."""
    waited_s = (look.at - (item.joined_at or item.created_at)).total_seconds()
    estimate_s = look.estimate_s(item.id)
    return {
        "position": look.position(item.id),
        "estimate_s": round(estimate_s) if estimate_s is not None else None,
        "needs": needs_view(needs_at(queue, item.skills, waited_s)) if queue else [],
        "target_s": queue.target_s if queue else 0,
        "call_back": bool(item.meta.get("call_back")),
    }


def _day_view(day: AgentDay) -> View:
    away = sorted(day.away_s.items(), key=lambda each: -each[1])
    return {
        "rejected": day.rejected,
        "missed": day.missed,
        "away": [{"reason": reason, "s": round(seconds)} for reason, seconds in away],
    }


def _since(item: Interaction) -> datetime | None:
    """When the present state began, as well as the record tells."""
    if item.state is InteractionState.AGENT:
        return item.accepted_at
    if item.state is InteractionState.WRAP_UP:
        return item.left_at
    if item.state is InteractionState.BOT:
        return item.created_at
    return item.joined_at


def _totals(live: list[Interaction], agents: list[Agent]) -> View:
    states = [item.state for item in live if is_customers(item)]
    presence = [agent.presence for agent in agents]
    return {
        "with_bot": states.count(InteractionState.BOT),
        "waiting": states.count(InteractionState.WAITING) + states.count(InteractionState.OFFERED),
        "with_agent": states.count(InteractionState.AGENT),
        "wrap_up": states.count(InteractionState.WRAP_UP),
        "available": presence.count(Presence.AVAILABLE),
        "away": presence.count(Presence.AWAY),
        "offline": presence.count(Presence.OFFLINE),
    }
