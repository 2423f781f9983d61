"""Why somebody still waits, and why a decision fell as it did, in words.

Every process can answer: it makes the dispatcher's view of the store for itself
(``router.dispatch.loading``) and asks that one's ``Acd``.

Of several things in an agent's way the one is named that is the furthest from going away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from router.acd.lines import Waiting
from router.acd.needs import FIRST_TIER, Needs, Stage, meets, stage_at, stages
from router.acd.queueing import Choice
from router.acd.seats import BIT, Room, counted
from router.acd.strategies import deciding_figure
from router.company import Queue
from router.model import Agent, Channel, Presence
from router.presence import WRAP_UP

NAMED = 12
"""So many of a queue's agents are named one by one; the counts cover all."""


class Obstacle(StrEnum):
    """Why an agent of the queue does not get it now. Whoever comes first is the nearest."""

    BUSY = "busy"
    WRAP_UP = "in wrap-up"
    SAID_NO = "said no"
    PREFERENCE = "another agent is waited for"
    TIER = "tier not open yet"
    RESERVED = "kept for priority customers"
    AWAY = "away"
    SIGNED_OUT = "signed out"
    UNSKILLED = "not skilled enough"
    ASKS = "asks this question"


FAR = list(Obstacle)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent of the queue; ``obstacle`` is None when nothing is in the way.

    ``until`` is when the obstacle ends by itself, where time alone ends it. Whoever is
    ``free`` is available and has room for the channel. Those who are signed in come first.
    """

    agent_id: str
    name: str
    obstacle: Obstacle | None
    detail: str = ""
    until: datetime | None = None
    free: bool = False
    signed_in: bool = True


@dataclass(frozen=True, slots=True)
class QueueView:
    """How it waits in one queue: the needs and the highest tier open now, and what comes next.

    ``nobody``: there are needs, and nobody who is signed in meets them.
    """

    queue_id: str
    name: str
    needs: Needs
    tier: int
    candidates: tuple[Candidate, ...]
    next_at: datetime | None = None
    next_needs: Needs = ()
    next_tier: int = FIRST_TIER
    gate: str | None = None
    nobody: bool = False

    @property
    def able(self) -> int:
        """How many could take it now; none while nothing is offered."""
        return 0 if self.gate is not None else self.unhindered

    @property
    def unhindered(self) -> int:
        """How many agents have nothing in their own way."""
        return sum(each.obstacle is None for each in self.candidates)

    @property
    def counts(self) -> Mapping[Obstacle, int]:
        """How many agents each obstacle keeps away."""
        found = Counter(each.obstacle for each in self.candidates if each.obstacle)
        return {obstacle: found[obstacle] for obstacle in Obstacle if found[obstacle]}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an interaction waits at ``at``. ``position`` and ``estimate_s`` where known."""

    interaction_id: str
    at: datetime
    waited_s: float
    queues: tuple[QueueView, ...]
    position: int | None = None
    estimate_s: float | None = None
    prefers: str | None = None
    prefers_until: datetime | None = None

    def lines(self, zone: tzinfo) -> list[str]:
        """In English, one thought a line, with the times of that zone."""
        said = [self._wait()]
        if self.prefers is not None:
            until = f" until {self._when(self.prefers_until, zone)}" if self.prefers_until else ""
            said.append(f"Only {self.prefers} is asked{until}.")
        for view in self.queues:
            said += self._queue(view, zone)
        return said

    def _wait(self) -> str:
        place = f", place {self.position}" if self.position is not None else ""
        left = f"; about {duration(self.estimate_s)} to go" if self.estimate_s else ""
        names = " and ".join(view.name for view in self.queues)
        return f"Waits {duration(self.waited_s)} in {names}{place}{left}."

    def _queue(self, view: QueueView, zone: tzinfo) -> list[str]:
        where = f"{view.name}: " if len(self.queues) > 1 else ""
        said = []
        if view.gate is not None:
            said.append(f"{where}nothing is offered now, {view.gate or 'the queue is shut'}.")
        said.append(f"{where}needs {in_words(view.needs)}{self._next_step(view, zone)}.")
        if view.next_at is not None and view.next_tier > view.tier:
            then = self._when(view.next_at, zone)
            said.append(f"{where}tier {view.next_tier} opens at {then}.")
        said.append(f"{where}{self._people(view)}.")
        said += (
            f"{where}{each.name}: {self._candidate(each, view, zone)}."
            for each in view.candidates[:NAMED]
        )
        return said

    def _next_step(self, view: QueueView, zone: tzinfo) -> str:
        step = ""
        if view.next_at is not None and view.next_needs != view.needs:
            step = f" until {self._when(view.next_at, zone)}, then {in_words(view.next_needs)}"
        return f"{step}; nobody signed in has it" if view.nobody else step

    def _people(self, view: QueueView) -> str:
        counts = view.counts
        held_back = view.unhindered - view.able
        parts = [f"{view.able} could take it now"] if view.able else []
        parts += [f"{held_back} free"] if held_back else []
        parts += [f"{number} {obstacle}" for obstacle, number in counts.items()]
        if not parts:
            return "no agents"
        number = len(view.candidates)
        return f"of {number} agent{'s' if number > 1 else ''}: {', '.join(parts)}"

    def _candidate(self, each: Candidate, view: QueueView, zone: tzinfo) -> str:
        if each.obstacle is None:
            return "could take it now" if view.gate is None else "free"
        free = "free, but " if each.free else ""
        until = f" until {self._when(each.until, zone)}" if each.until else ""
        return f"{free}{each.obstacle}{f' ({each.detail})' if each.detail else ''}{until}"

    def _when(self, moment: datetime | None, zone: tzinfo) -> str:
        if moment is None:
            return "no set time"
        left = duration((moment - self.at).total_seconds())
        return f"{moment.astimezone(zone):%H:%M:%S} (in {left})"


@dataclass(frozen=True, slots=True)
class Scene:
    """What an explanation is made from. ``barred`` are this interaction's refusals by agent."""

    queues: Sequence[Queue]
    agents: Sequence[Agent]
    in_hand: Mapping[str, Mapping[Channel, int]]
    barred: Mapping[str, float]
    gates: Mapping[str, str] = field(default_factory=dict)


class Ground(NamedTuple):
    """What a decision was made from; its words are made when somebody asks.

    ``choice`` is None when the agent whom it preferred got it.
    """

    now: float
    waiting: Waiting
    queue: Queue
    stages: tuple[Stage, ...]
    choice: Choice | None

    def __repr__(self) -> str:
        """The words say it all, in a line of log too."""
        return f"<{words_of(self)}>"


def words_of(ground: Ground) -> str:
    """Why this one got it: the wait, the needs, and what decided among the agents."""
    waiting, queue = ground.waiting, ground.queue
    waited = f"waited {duration(ground.now - waiting.joined_at)} in {queue.id}"
    choice = ground.choice
    if choice is None:
        return f"{waited}; the agent it was kept for"
    said = [waited, f"needs {in_words(choice.stage.needs)}{_step(ground.stages, choice.stage)}"]
    if choice.tier > FIRST_TIER:
        said.append(f"tier {choice.tier}")
    strategy = queue.rules.strategy
    figure = deciding_figure(strategy, choice.items[0][:3], ground.now)
    many = "many" if choice.eligible is None else str(choice.eligible)
    others = "the only one free" if choice.eligible == 1 else f"{strategy} of {many}"
    return "; ".join([*said, f"{others} ({figure})"])


def explain(waiting: Waiting, scene: Scene, now: float) -> Explanation:
    """Why it waits in this scene; ``now`` in seconds since the epoch."""
    favourite = _favourite(waiting, scene, now)
    until = waiting.prefer_until if favourite else None
    return Explanation(
        interaction_id=waiting.id,
        at=moment(now),
        waited_s=now - waiting.joined_at,
        queues=tuple(_view(waiting, queue, scene, now) for queue in scene.queues),
        prefers=favourite.name if favourite else None,
        prefers_until=moment(until) if until is not None else None,
    )


def moment(at: float) -> datetime:
    """Seconds since the epoch as a UTC datetime."""
    return datetime.fromtimestamp(at, UTC)


def duration(seconds: float) -> str:
    """ "42 s", "12 min" or "3 h"."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"


def in_words(needs: Needs) -> str:
    """ "latvian ≥ 3, billing ≥ 2" or "no skill"."""
    return ", ".join(f"{name} ≥ {level}" for name, level in needs) or "no skill"


def _step(all_stages: tuple[Stage, ...], stage: Stage) -> str:
    index = all_stages.index(stage)
    return f" (step {index + 1} of {len(all_stages)})" if len(all_stages) > 1 else ""


def _favourite(waiting: Waiting, scene: Scene, now: float) -> Agent | None:
    if waiting.prefer_agent is None:
        return None
    if waiting.prefer_until is not None and now >= waiting.prefer_until:
        return None
    if scene.barred.get(waiting.prefer_agent, now) > now:
        return None
    named = (agent for agent in scene.agents if agent.id == waiting.prefer_agent)
    return next((agent for agent in named if agent.presence is Presence.AVAILABLE), None)


def _view(waiting: Waiting, queue: Queue, scene: Scene, now: float) -> QueueView:
    plan = stages(queue, waiting.asked)
    index = stage_at(plan, waiting.joined_at, now)
    later = plan[index + 1] if index + 1 < len(plan) else None
    staff = [agent for agent in scene.agents if queue.id in agent.queues]
    lower = [
        agent.membership(queue.id).tier
        for agent in staff
        if agent.presence is not Presence.OFFLINE
        and (waiting.vip or not agent.membership(queue.id).vip_only)
    ]
    sight = _Sight(waiting, queue, plan, index, max(plan[index].tier, min(lower, default=0)), now)
    favourite = _favourite(waiting, scene, now)
    found = [_candidate(agent, sight, scene, favourite) for agent in staff]
    found.sort(key=_nearness)
    return QueueView(
        queue_id=queue.id,
        name=queue.name,
        needs=plan[index].needs,
        tier=sight.tier,
        candidates=tuple(found),
        next_at=moment(waiting.joined_at + later.after_s) if later else None,
        next_needs=later.needs if later else (),
        next_tier=later.tier if later else FIRST_TIER,
        gate=scene.gates.get(queue.id),
        nobody=bool(plan[index].needs) and not any(_has_it(each, plan[index]) for each in staff),
    )


def _has_it(agent: Agent, stage: Stage) -> bool:
    """Whether somebody signed in has the skills."""
    return agent.presence is not Presence.OFFLINE and meets(agent.skills, stage.needs)


class _Sight(NamedTuple):
    """One queue as the interaction sees it now; ``tier`` is the highest one open."""

    waiting: Waiting
    queue: Queue
    plan: tuple[Stage, ...]
    step: int
    tier: int
    now: float


def _candidate(agent: Agent, sight: _Sight, scene: Scene, favourite: Agent | None) -> Candidate:
    waiting = sight.waiting
    mine = favourite is not None and agent.id == favourite.id
    work = scene.in_hand.get(agent.id, {})
    has_room = bool(Room.of(agent).free(counted(work)) & BIT[waiting.channel])
    obstacle, detail, until = None, "", None
    if not mine:
        obstacle, detail, until = _not_able(agent, sight)
    if obstacle is None:
        obstacle, detail = _not_there(agent)
    if obstacle is None and not mine:
        obstacle, detail, until = _not_yet(agent, sight)
    if obstacle is None and favourite is not None and not mine:
        obstacle, until = Obstacle.PREFERENCE, waiting.prefer_until
    if obstacle is None and scene.barred.get(agent.id, 0.0) > sight.now:
        obstacle, until = Obstacle.SAID_NO, scene.barred[agent.id]
    if obstacle is None and not has_room:
        obstacle, detail = Obstacle.BUSY, _work(work)
    ends = moment(until) if until is not None else None
    free = has_room and agent.presence is Presence.AVAILABLE
    signed_in = agent.presence is not Presence.OFFLINE
    return Candidate(agent.id, agent.name, obstacle, detail, ends, free, signed_in)


def _nearness(each: Candidate) -> tuple[bool, int, bool]:
    """Whoever comes first could take it the soonest."""
    obstacle = -1 if each.obstacle is None else FAR.index(each.obstacle)
    return not each.signed_in, obstacle, not each.free


def _not_able(agent: Agent, sight: _Sight) -> tuple[Obstacle | None, str, float | None]:
    """Because of the question or of skills."""
    if agent.id == sight.waiting.asker:
        return Obstacle.ASKS, "", None
    needs, joined_at = sight.plan[sight.step].needs, sight.waiting.joined_at
    if meets(agent.skills, needs):
        return None, "", None
    has = ", ".join(f"{n} {agent.skills.get(n, 0)}" for n, _ in needs)
    later = sight.plan[sight.step + 1 :]
    eased = next((each.after_s for each in later if meets(agent.skills, each.needs)), None)
    return Obstacle.UNSKILLED, f"has {has}", None if eased is None else joined_at + eased


def _not_yet(agent: Agent, sight: _Sight) -> tuple[Obstacle | None, str, float | None]:
    """By reservation or tier."""
    standing = agent.membership(sight.queue.id)
    if standing.vip_only and not sight.waiting.vip:
        return Obstacle.RESERVED, "", None
    if standing.tier <= sight.tier:
        return None, "", None
    later = sight.plan[sight.step + 1 :]
    opens = next((each.after_s for each in later if each.tier >= standing.tier), None)
    until = None if opens is None else sight.waiting.joined_at + opens
    return Obstacle.TIER, f"tier {standing.tier}", until


def _not_there(agent: Agent) -> tuple[Obstacle | None, str]:
    if agent.presence is Presence.OFFLINE:
        return Obstacle.SIGNED_OUT, ""
    if agent.presence is not Presence.AWAY:
        return None, ""
    if agent.presence_reason == WRAP_UP:
        return Obstacle.WRAP_UP, ""
    return Obstacle.AWAY, agent.presence_reason


def _work(in_hand: Mapping[Channel, int]) -> str:
    return ", ".join(f"{number} {channel}" for channel, number in in_hand.items() if number)
