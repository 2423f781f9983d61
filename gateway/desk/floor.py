"""The floor as a supervisor sees it: queues and agents now, figures of today.

A view costs what is live and what is new: the day's figures are the ledger's running sums.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway.desk.ledger import Ledger
from gateway.desk.routing import needs_view
from gateway.desk.views import View, agent_view, iso, shown_address
from gateway.waiting_room import WAITS, Look, WaitingRoom
from router.acd.needs import needs_at
from router.company import Company, Queue
from router.figures.counts import AgentFigures, BotFigures, QueueFigures, added
from router.figures.terms import target_of
from router.model import Agent, Customer, Interaction, InteractionState, Presence
from router.ports import Clock, Store

FRESH_S = 1.0
LIVE = (
    InteractionState.BOT,
    InteractionState.WAITING,
    InteractionState.OFFERED,
    InteractionState.AGENT,
    InteractionState.WRAP_UP,
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The floor at one moment."""

    at: datetime
    view: View
    text: str


class Floor:
    """Makes the floor's view, at most once a second however many pages watch."""

    def __init__(self, store: Store, company: Company, clock: Clock, room: WaitingRoom) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._room = room
        self.ledger = Ledger(store, company, clock)
        self._last: Drawn | None = None
        self._making = asyncio.Lock()

    async def view(self) -> View:
        """Queues, agents, live work and today's figures."""
        return (await self._drawn()).view

    async def text(self) -> str:
        """The view as JSON, written once for all pages that watch."""
        return (await self._drawn()).text

    async def _drawn(self) -> Drawn:
        async with self._making:
            now = self._clock.now()
            drawn = self._last
            if drawn is None or (now - drawn.at).total_seconds() >= FRESH_S:
                view = await self._make(now)
                drawn = self._last = Drawn(now, view, msgspec.json.encode(view).decode())
            return drawn

    async def _make(self, now: datetime) -> View:
        tally = await self.ledger.today()
        async with self._store.transaction() as tx:
            live = await tx.interactions.in_states(LIVE)
            agents = await tx.people.agents()
            customers = await tx.people.customers({item.customer_id for item in live})
            look = await self._room.look(tx)
        day = tally.at(now, agents)
        work = [_work_view(item, customers, self._company, look) for item in live]
        by_queue: dict[str, list[Interaction]] = defaultdict(list)
        on_hand: dict[str, list[View]] = defaultdict(list)
        for item, view in zip(live, work, strict=True):
            if is_customers(item):
                by_queue[item.queue or ""].append(item)
            if item.agent_id and item.state is not InteractionState.OFFERED:
                on_hand[item.agent_id].append(view)
        return {
            "type": "floor",
            "now": iso(now),
            "queues": [
                _queue_view(queue, by_queue[queue.id], day.queues.get(queue.id, {}), now)
                for queue in self._company.queues.values()
            ],
            "agents": [
                {
                    **agent_view(each),
                    "work": on_hand[each.id],
                    "today": _day_view(day.agents.get(each.id, AgentFigures())),
                }
                for each in agents
            ],
            "live": work,
            "bot": bot_figures_view(day.bot),
            "totals": _totals(live, agents),
        }


def is_customers(item: Interaction) -> bool:
    """Whether a customer takes part: a question between agents is nobody's waiting."""
    return item.parent_id is None


def _queue_view(
    queue: Queue, mine: list[Interaction], channels: Mapping[str, QueueFigures], now: datetime
) -> View:
    waiting = [
        item for item in mine if item.state in (InteractionState.WAITING, InteractionState.OFFERED)
    ]
    joined = [item.joined_at for item in waiting if item.joined_at is not None]
    return {
        "id": queue.id,
        "name": queue.name,
        "open": queue.hours.open_at(now),
        "target_s": queue.target_s,
        "service_level_form": queue.service_level,
        "service_level_formula": target_of(queue).text,
        "waiting": len(waiting),
        "with_agent": sum(item.state is InteractionState.AGENT for item in mine),
        "longest_since": iso(min(joined)) if joined else None,
        "figures": queue_figures_view(added(QueueFigures, channels.values())),
    }


SHOWN = (
    "arrived",
    "answered",
    "abandoned",
    "short_abandoned",
    "within_target",
    "service_level",
    "asa_s",
    "abandonment",
    "long_abandonment",
    "overflowed",
    "callbacks",
    "handled",
    "aht_s",
    "aht_wait_s",
    "transferred",
    "transfer_rate",
    "first_response_s",
    "reply_s",
    "fcr",
    "response_rate",
    "nps_response_rate",
)


def queue_figures_view(figures: QueueFigures) -> View:
    """A queue's figures as JSON; ratios 0..1, times in seconds, None for no data."""
    shown = {name: getattr(figures, name) for name in SHOWN}
    return {**shown, "csat": figures.scores.csat, "nps": figures.scores.nps}


def bot_figures_view(figures: BotFigures) -> View:
    """The bots' figures as JSON."""
    return {
        "started": figures.started,
        "contained": figures.contained,
        "handed_off": figures.handed_off,
        "abandoned": figures.abandoned,
        "containment": figures.containment,
    }


def _work_view(
    item: Interaction, customers: Mapping[str, Customer], company: Company, look: Look
) -> View:
    # A record that has been merged away is a nameless customer.
    customer = customers.get(item.customer_id, Customer(id=item.customer_id, name=""))
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


def _day_view(day: AgentFigures) -> View:
    away = sorted(day.time.away_s.items(), key=lambda each: -each[1])
    return {
        "rejected": day.rejected,
        "missed": day.missed,
        "away": [{"reason": reason, "s": round(seconds)} for reason, seconds in away],
        "occupancy": day.time.occupancy,
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
