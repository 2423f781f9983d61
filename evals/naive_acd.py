"""The distributor's rules written to be read: every decision walks over everyone (docs/acd.md).

The yardstick for ``router.acd.core``: the tests hold its decisions against these, and the bench
says how many times faster it comes to them. It shares no code with it beyond the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from router.acd import Waiting
from router.company import Queue
from router.model import Agent, Channel, Presence
from router.rules import ALL_SKILLS, NO_WORK_YET, Evaluation, Strategy

Figures = tuple[float, ...]
UNORDERED = frozenset({Strategy.RANDOM, Strategy.WEIGHTED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who must be served next, through which queue, and the agents who may be chosen.

    Several are right where chance decides; ring-all takes all of them.
    """

    interaction_id: str
    queue: str
    agent_ids: frozenset[str]


@dataclass
class NaiveAcd:
    """Everything in plain dictionaries."""

    queues: Mapping[str, Queue]
    agents: dict[str, Agent] = field(default_factory=dict)
    in_hand: dict[str, dict[str, Channel]] = field(default_factory=dict)
    asked_at: dict[str, float] = field(default_factory=dict)
    room: dict[str, Waiting] = field(default_factory=dict)
    barred: dict[tuple[str, str], float] = field(default_factory=dict)
    shut: set[str] = field(default_factory=set)

    def next(self, now: float) -> Verdict | None:
        """The best pair. Nothing is applied: ``apply`` does that with the choice made."""
        for waiting in sorted(self.room.values(), key=lambda w: w.entry):
            for queue_id in waiting.queues:
                able = self.able(waiting, queue_id, now)
                if able:
                    return Verdict(waiting.id, queue_id, self.best(able, waiting, queue_id, now))
        return None

    def apply(self, interaction_id: str, agent_ids: tuple[str, ...], now: float) -> None:
        """The interaction is in these hands."""
        waiting = self.room.pop(interaction_id)
        for agent_id in agent_ids:
            self.carry(interaction_id, agent_id, waiting.channel)
            self.asked_at[agent_id] = now

    def carry(self, interaction_id: str, agent_id: str, channel: Channel) -> None:
        """Work in hand, by agent."""
        self.in_hand.setdefault(agent_id, {})[interaction_id] = channel

    def lay_down(self, interaction_id: str) -> None:
        """In nobody's hands."""
        for work in self.in_hand.values():
            work.pop(interaction_id, None)

    def able(self, waiting: Waiting, queue_id: str, now: float) -> list[Agent]:
        """Everybody who may take it in this queue."""
        if queue_id in self.shut:
            return []
        favourite = self.favourite(waiting, now)
        if favourite is not None:
            return [favourite] if self.fits(favourite, waiting.channel) else []
        queue = self.queues[queue_id]
        needs, tier = needs_at(queue, waiting, now), self.open_tier(queue, waiting, now)
        return [
            agent
            for agent in self.agents.values()
            if queue_id in agent.queues
            and all(agent.skills.get(skill, 0) >= level for skill, level in needs.items())
            and agent.membership(queue_id).tier <= tier
            and (waiting.vip or not agent.membership(queue_id).vip_only)
            and self.barred.get((waiting.id, agent.id), now) <= now
            and self.fits(agent, waiting.channel)
        ]

    def favourite(self, waiting: Waiting, now: float) -> Agent | None:
        """The agent whom alone it waits for."""
        agent = self.agents.get(waiting.prefer_agent or "")
        over = waiting.prefer_until is not None and now >= waiting.prefer_until
        if agent is None or over or agent.presence is not Presence.AVAILABLE:
            return None
        return agent if self.barred.get((waiting.id, agent.id), now) <= now else None

    def open_tier(self, queue: Queue, waiting: Waiting, now: float) -> int:
        """The highest tier open by time, or the lowest of which somebody is signed in."""
        by_time = [
            opening.tier
            for opening in queue.rules.tiers
            if waiting.joined_at + opening.after_s <= now
        ]
        standings = [
            agent.membership(queue.id)
            for agent in self.agents.values()
            if queue.id in agent.queues and agent.presence is not Presence.OFFLINE
        ]
        here = [each.tier for each in standings if waiting.vip or not each.vip_only]
        return max([1, *by_time, min(here, default=1)])

    def fits(self, agent: Agent, channel: Channel) -> bool:
        """Presence and capacity."""
        mine = list(self.in_hand.get(agent.id, {}).values())
        limits = agent.limits
        if agent.presence is not Presence.AVAILABLE:
            return False
        if limits.total is not None and len(mine) >= limits.total:
            return False
        if mine.count(channel) >= agent.capacity.get(channel, 0):
            return False
        if channel is Channel.VOICE:
            return all(each in limits.interruptible and each is not channel for each in mine)
        return Channel.VOICE not in mine or channel in limits.beside_voice

    def best(
        self, able: list[Agent], waiting: Waiting, queue_id: str, now: float
    ) -> frozenset[str]:
        """Of these, whom the tiers, the scores and the strategy put first."""
        if self.favourite(waiting, now) is not None:
            return frozenset(agent.id for agent in able)
        queue = self.queues[queue_id]
        tier = min(agent.membership(queue_id).tier for agent in able)
        able = [agent for agent in able if agent.membership(queue_id).tier == tier]
        if queue.rules.evaluation is Evaluation.BEST:
            names = list(needs_at(queue, waiting, waiting.joined_at))
            able = _least(able, lambda a: (-sum(a.skills.get(name, 0) for name in names),))
        strategy = queue.rules.strategy
        if strategy in UNORDERED or strategy is Strategy.RING_ALL:
            return frozenset(agent.id for agent in able)
        if strategy is Strategy.LEAST_OCCUPIED:
            # The order by occupancy may be a minute old: any of the least loaded is right.
            return frozenset(a.id for a in _least(able, lambda a: (self.load(a),)))
        first = min(able, key=lambda agent: (self.figures(agent, queue), agent.id))
        return frozenset({first.id})

    def load(self, agent: Agent) -> int:
        """All work in hand."""
        return len(self.in_hand.get(agent.id, {}))

    def figures(self, agent: Agent, queue: Queue) -> Figures:
        """What the strategy compares; smaller is asked sooner."""
        load = self.load(agent)
        since = agent.idle_since or agent.presence_since
        idle = since.timestamp() if since else 0.0
        today = max(each.work_day.day for each in self.agents.values())
        day = agent.work_day if agent.work_day.day == today else NO_WORK_YET
        asked = max(self.asked_at.get(agent.id, 0.0), agent.work_day.offered_at)
        by_strategy: dict[Strategy, Figures] = {
            Strategy.LONGEST_IDLE: (load, idle),
            Strategy.ROUND_ROBIN: (asked, load),
            Strategy.FEWEST_INTERACTIONS: (day.handled + load, load, idle),
            Strategy.LEAST_TALK_TIME: (load, day.talk_s, idle),
            Strategy.TOP_DOWN: (agent.membership(queue.id).order, load),
        }
        return by_strategy[queue.rules.strategy]


def needs_at(queue: Queue, waiting: Waiting, now: float) -> dict[str, int]:
    """Skills with their least proficiency at that time."""
    need, asked = dict(queue.skills), dict(waiting.asked)
    for step in sorted(queue.rules.steps, key=lambda step: step.after_s):
        if waiting.joined_at + step.after_s <= now:
            need = dict(step.need) if step.need is not None else need
            waived = asked.keys() if ALL_SKILLS in step.waive else step.waive
            asked = {name: level for name, level in asked.items() if name not in waived}
    names = need.keys() | asked.keys()
    return {name: max(need.get(name, 0), asked.get(name, 0)) for name in names}


def _least(agents: list[Agent], figure: Callable[[Agent], Figures]) -> list[Agent]:
    least = min(map(figure, agents))
    return [agent for agent in agents if figure(agent) == least]
