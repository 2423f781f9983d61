"""Where agents' time goes, from their presence and what they have in hand.

1. Every second signed in is in one part: talk, else wrap-up, else ready, else away.
2. Signed out nothing counts, whatever is still in hand.
3. What an agent was before the first change of presence is told by that change's ``was``,
   its reason is not: it counts as ``other``. Until then only work counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from router.events import PresenceChanged
from router.figures.counts import AgentFigures, AgentTime
from router.model import Agent, Presence

OTHER = "other"


@dataclass(slots=True)
class Standing:
    """How an agent stands, counted up to ``since``. ``presence`` is empty while not known."""

    since: datetime
    presence: str = ""
    reason: str = OTHER
    talks: set[str] = field(default_factory=set)
    wraps: set[str] = field(default_factory=set)
    out_s: float = 0.0

    def count(self, time: AgentTime, until: datetime, unpaid: frozenset[str]) -> None:
        """Put the seconds up to ``until`` where they belong."""
        seconds = max(0.0, (until - self.since).total_seconds())
        self.since = max(self.since, until)
        if self.presence == Presence.AWAY:
            time.away_s[self.reason] = time.away_s.get(self.reason, 0.0) + seconds
        if self.presence == Presence.OFFLINE:
            self.out_s += seconds
        elif self.talks:
            time.talk_s += seconds
        elif self.wraps:
            time.wrap_up_s += seconds
        elif self.presence == Presence.AVAILABLE:
            time.ready_s += seconds
        elif self.presence == Presence.AWAY and self.reason in unpaid:
            time.unpaid_away_s += seconds
        elif self.presence == Presence.AWAY:
            time.paid_away_s += seconds


@dataclass(slots=True)
class Shifts:
    """All agents' standings. ``figures`` finds an agent's record of the day."""

    begin: datetime
    unpaid: frozenset[str]
    figures: Callable[[str], AgentFigures]
    standing: dict[str, Standing]

    def out_s(self, agent_id: str, at: datetime) -> float:
        """Seconds signed out so far, as a counter to take differences of."""
        return self._counted(agent_id, at).out_s

    def takes(self, agent_id: str, one: str, at: datetime) -> None:
        """Work comes to hand."""
        self._counted(agent_id, at).talks.add(one)

    def lays_down(self, agent_id: str, one: str, at: datetime, *, wraps: bool = False) -> None:
        """It leaves the hand, for wrap-up or for good."""
        standing = self._counted(agent_id, at)
        standing.talks.discard(one)
        standing.wraps.discard(one)
        if wraps:
            standing.wraps.add(one)

    def moves(self, fact: PresenceChanged) -> None:
        """The presence changes."""
        standing = self._of(fact.agent_id)
        if not standing.presence:
            standing.presence = fact.was
        self._counted(fact.agent_id, fact.at)
        standing.presence, standing.reason = fact.presence, fact.reason or OTHER

    def count_all(self, until: datetime) -> None:
        """Bring everybody up to date."""
        for agent_id in self.standing:
            self._counted(agent_id, until)

    def running(
        self, agents: dict[str, AgentFigures], records: Iterable[Agent], now: datetime
    ) -> dict[str, AgentFigures]:
        """The figures with what is going on until ``now``; nothing here changes.

        ``records`` tell the presence of those of whom no fact does.
        """
        known = {agent.id: agent for agent in records}
        found = {}
        for agent_id in {**agents, **self.standing, **known}:
            figures = agents.get(agent_id, AgentFigures())
            time = replace(figures.time, away_s=dict(figures.time.away_s))
            standing = replace(self.standing.get(agent_id, Standing(self.begin)))
            if not standing.presence and agent_id in known:
                _recorded(standing, known[agent_id])
            standing.count(time, now, self.unpaid)
            if agent_id in agents or time != AgentTime():
                found[agent_id] = replace(figures, time=time)
        return found

    def _of(self, agent_id: str) -> Standing:
        return self.standing.setdefault(agent_id, Standing(self.begin))

    def _counted(self, agent_id: str, at: datetime) -> Standing:
        standing = self._of(agent_id)
        standing.count(self.figures(agent_id).time, at, self.unpaid)
        return standing


def _recorded(standing: Standing, agent: Agent) -> None:
    standing.presence = agent.presence
    standing.reason = agent.presence_reason or OTHER
    standing.since = max(standing.since, agent.presence_since or standing.since)
