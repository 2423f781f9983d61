"""What agents did today besides work: pauses by reason, refusals, missed offers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from router.events import Fact, OfferExpired, OfferRejected, PresenceChanged
from router.model import Agent, Presence

OTHER = "other"


@dataclass(slots=True)
class AgentDay:
    """Seconds away by reason (the running pause included), and how often offers came to nothing."""

    away_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    rejected: int = 0
    missed: int = 0


def agent_days(
    facts: Iterable[Fact], agents: Iterable[Agent], begin: datetime, now: datetime
) -> Mapping[str, AgentDay]:
    """By agent id, since ``begin`` (midnight). ``facts`` in order of time, of that day only.

    What an agent was at midnight is told by the first change's ``was``; its reason is not
    known then and counts as other. Who never changed is what the record says.
    """
    days: dict[str, AgentDay] = defaultdict(AgentDay)
    standing: dict[str, tuple[Presence, str, datetime]] = {}
    for fact in facts:
        if isinstance(fact, OfferRejected):
            days[fact.agent_id].rejected += 1
        elif isinstance(fact, OfferExpired):
            days[fact.agent_id].missed += 1
        elif isinstance(fact, PresenceChanged):
            was = standing.get(fact.agent_id, (Presence(fact.was), OTHER, begin))
            _count(days[fact.agent_id], was, fact.at)
            standing[fact.agent_id] = Presence(fact.presence), fact.reason or OTHER, fact.at
    for agent in agents:
        since = max(begin, agent.presence_since or begin)
        last = standing.get(agent.id, (agent.presence, agent.presence_reason or OTHER, since))
        _count(days[agent.id], last, now)
    return days


def _count(day: AgentDay, was: tuple[Presence, str, datetime], until: datetime) -> None:
    presence, reason, since = was
    if presence is Presence.AWAY:
        day.away_s[reason] += max(0.0, (until - since).total_seconds())
