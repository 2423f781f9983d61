"""How an interaction came to where it is: every offer, step and transfer, and why it still waits.

Made from the event log, the company's rules and the waiting room; nobody else is asked. Steps
of skills and tiers leave no fact: they are worked out from the rules that are in force now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from gateway.desk.views import View, iso
from gateway.waiting_room import WaitingRoom
from router import events
from router.acd.explain import Candidate, Explanation, QueueView
from router.acd.needs import Needs, Stage, stages
from router.company import Company
from router.events import Fact
from router.model import Interaction, InteractionState, OfferState
from router.ports import Transaction

OFFERS: tuple[type[Fact], ...] = (
    events.OfferMade,
    events.OfferAccepted,
    events.OfferRejected,
    events.OfferExpired,
    events.OfferWithdrawn,
)
SETTLED: Mapping[type[Fact], OfferState] = {
    events.OfferAccepted: OfferState.ACCEPTED,
    events.OfferRejected: OfferState.REJECTED,
    events.OfferExpired: OfferState.EXPIRED,
    events.OfferWithdrawn: OfferState.WITHDRAWN,
}
MOVES: tuple[type[Fact], ...] = (
    events.BotStarted,
    events.HandoffRequested,
    events.InteractionQueued,
    events.InteractionOverflowed,
    events.InteractionTransferred,
    events.TransferFailed,
    events.ConsultStarted,
    events.ConsultAnswered,
    events.ConsultEnded,
    events.PartyJoined,
    events.CallbackRequested,
    events.CallbackScheduled,
    events.CallbackFailed,
    events.CallbackCancelled,
    events.VoicemailLeft,
    events.CustomerMarked,
    events.InteractionEnded,
)
ENDS_STAY = (
    events.InteractionQueued,
    events.OfferAccepted,
    events.BotStarted,
    events.CallbackScheduled,
    events.InteractionEnded,
)


@dataclass(frozen=True, slots=True)
class OfferStory:
    """One offer, from its ring to its end. ``settled_at`` is None while it rings."""

    offer_id: str
    agent_id: str
    queue: str
    why: str
    made_at: datetime
    outcome: OfferState = OfferState.RINGING
    settled_at: datetime | None = None
    reason: str = ""
    waited_s: float | None = None

    @property
    def rang_s(self) -> float | None:
        """How long it rang; None while it does."""
        if self.settled_at is None:
            return None
        return (self.settled_at - self.made_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Eased:
    """From then on less was needed, or a further tier was open, in that queue."""

    queue: str
    stage: Stage
    before: Stage


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story: an offer, a step, or a fact."""

    at: datetime
    what: OfferStory | Eased | Fact


@dataclass(frozen=True, slots=True)
class Routing:
    """The whole story; ``explanation`` while it waits."""

    item: Interaction
    entries: tuple[Entry, ...]
    explanation: Explanation | None


async def routing_of(
    tx: Transaction, item: Interaction, company: Company, room: WaitingRoom, now: datetime
) -> Routing:
    """The story of one interaction up to now."""
    facts = await tx.log.facts(interaction_id=item.id, types=[*OFFERS, *MOVES])
    explanation = None
    if item.state is InteractionState.WAITING:  # one that rings has no place
        explanation = (await room.look(tx)).explanation(item, facts, now)
    return Routing(item, entries_of(facts, item, company, now), explanation)


def entries_of(
    facts: Sequence[Fact], item: Interaction, company: Company, now: datetime
) -> tuple[Entry, ...]:
    """Offers with their outcomes, steps, and the moves between, in order of time."""
    entries = [Entry(fact.at, fact) for fact in facts if isinstance(fact, MOVES)]
    entries += [Entry(story.made_at, story) for story in offers_of(facts)]
    entries += [
        Entry(joined + timedelta(seconds=stage.after_s), Eased(queue_id, stage, before))
        for joined, left, queue_id in _stays(facts, now)
        for before, stage in _later_stages(company, queue_id, item)
        if joined + timedelta(seconds=stage.after_s) <= left
    ]
    return tuple(sorted(entries, key=lambda entry: entry.at))


def offers_of(facts: Sequence[Fact]) -> list[OfferStory]:
    """Every offer, told by its facts; oldest first."""
    stories: dict[str, OfferStory] = {}
    for fact in facts:
        if isinstance(fact, events.OfferMade):
            stories[fact.offer_id] = OfferStory(
                fact.offer_id, fact.agent_id, fact.queue, fact.why, fact.at
            )
        elif type(fact) in SETTLED:
            known = stories.get(getattr(fact, "offer_id", ""))
            if known is not None:
                stories[known.offer_id] = replace(
                    known,
                    outcome=SETTLED[type(fact)],
                    settled_at=fact.at,
                    reason=getattr(fact, "reason", ""),
                    waited_s=getattr(fact, "waited_s", None),
                )
    return list(stories.values())


def _stays(facts: Sequence[Fact], now: datetime) -> Iterator[tuple[datetime, datetime, str]]:
    """When it waited, from and until, and in which queue."""
    begun: events.InteractionQueued | None = None
    for fact in facts:
        if begun is not None and isinstance(fact, ENDS_STAY):
            yield begun.at, fact.at, begun.queue
            begun = None
        if isinstance(fact, events.InteractionQueued):
            begun = fact
    if begun is not None:
        yield begun.at, now, begun.queue


def _later_stages(company: Company, queue_id: str, item: Interaction) -> list[tuple[Stage, Stage]]:
    queue = company.queues.get(queue_id)
    return list(pairwise(stages(queue, item.skills))) if queue else []


# -- as JSON ------------------------------------------------------------------------------


def routing_view(routing: Routing, names: Mapping[str, str], zone: tzinfo) -> View:
    """The story as the API tells it. ``names`` of agents and queues by id; times of ``zone``."""
    found = routing.explanation
    return {
        "interaction_id": routing.item.id,
        "state": routing.item.state,
        "waiting": explanation_view(found, zone) if found else None,
        "story": [_entry_view(entry, names) for entry in routing.entries],
    }


def explanation_view(found: Explanation, zone: tzinfo) -> View:
    """Why it waits: place, estimate, and per queue who could take it and who cannot.

    ``words`` says the same in English, a line for each thought.
    """
    return {
        "words": found.lines(zone),
        "at": iso(found.at),
        "waited_s": round(found.waited_s, 1),
        "position": found.position,
        "estimate_s": round(found.estimate_s) if found.estimate_s is not None else None,
        "prefers": found.prefers,
        "prefers_until": iso(found.prefers_until),
        "queues": [_queue_view(queue) for queue in found.queues],
    }


def needs_view(needs: Needs) -> list[View]:
    """Skills with the least proficiency asked for."""
    return [{"skill": name, "level": level} for name, level in needs]


def _queue_view(queue: QueueView) -> View:
    then = {
        "at": iso(queue.next_at),
        "needs": needs_view(queue.next_needs),
        "tier": queue.next_tier,
    }
    return {
        "id": queue.queue_id,
        "name": queue.name,
        "needs": needs_view(queue.needs),
        "nobody_has_it": queue.nobody,
        "tier": queue.tier,
        "next": then if queue.next_at else None,
        "shut": queue.gate,
        "able": queue.able,
        "counts": {obstacle.name.lower(): n for obstacle, n in queue.counts.items()},
        "agents": [_candidate_view(each) for each in queue.candidates],
    }


def _candidate_view(each: Candidate) -> View:
    return {
        "id": each.agent_id,
        "name": each.name,
        "free": each.free,
        "obstacle": each.obstacle.name.lower() if each.obstacle else None,
        "detail": each.detail,
        "until": iso(each.until),
    }


def _entry_view(entry: Entry, names: Mapping[str, str]) -> View:
    match entry.what:
        case OfferStory() as story:
            return {
                "at": iso(entry.at),
                "type": "offer",
                **_named(asdict(story), names),
                "rang_s": story.rang_s,
            }
        case Eased(queue, stage, _):
            known = {"queue": queue, "needs": needs_view(stage.needs), "tier": stage.tier}
            return {"at": iso(entry.at), "type": "step", **_named(known, names)}
        case fact:
            kind = type(fact).__name__
            return {"at": iso(entry.at), "type": kind, **_named(asdict(fact), names)}


def _named(values: dict[str, Any], names: Mapping[str, str]) -> View:
    """Without what every entry has; agents and queues also by name."""
    kept: View = {
        name: iso(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if name not in ("at", "interaction_id", "id") and value not in ("", None)
    }
    for name in ("agent_id", "queue"):
        if name in kept:
            kept[name.removesuffix("_id") + "_name"] = names.get(kept[name], kept[name])
    return kept
