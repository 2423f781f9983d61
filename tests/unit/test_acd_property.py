"""The distributor decides as its rules say, whatever happens in whatever order."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.naive_acd import NaiveAcd
from router.acd import Acd, Waiting
from router.company import Queue
from router.model import Agent, Channel, Limits, Presence
from router.rules import (
    ALL_SKILLS,
    Evaluation,
    Membership,
    Rules,
    Step,
    Strategy,
    TierOpening,
    WorkDay,
)

BEGIN = 1_767_604_000.1
"""Not a whole number, so that sums and differences of times round."""
QUEUES = ("orders", "billing", "vip")
SKILLS = ("lv", "en")
CHANNELS = (Channel.VOICE, Channel.CHAT, Channel.EMAIL)
PRESENCES = (Presence.AVAILABLE, Presence.AVAILABLE, Presence.AWAY, Presence.OFFLINE)
LIMITS = (Limits(), Limits(total=2), Limits(None, frozenset({Channel.CHAT}), frozenset()))
LASTING_S = (5, 10, 30.3)


def rules(draw: random.Random) -> Rules:
    """Any strategy, with or without steps and tiers."""
    steps = (
        Step(0, {"lv": 3}),
        Step(10, {"lv": 1}, frozenset({"en"})),
        Step(30, {}, frozenset({ALL_SKILLS})),
    )
    return Rules(
        strategy=draw.choice(list(Strategy)),
        evaluation=draw.choice(list(Evaluation)),
        steps=steps[: draw.randint(0, 3)],
        tiers=(TierOpening(2, 10), TierOpening(3, 20))[: draw.randint(0, 2)],
    )


def queues(draw: random.Random) -> dict[str, Queue]:
    return {
        name: Queue(name, name, skills={"en": 2} if draw.random() < 0.3 else {}, rules=rules(draw))
        for name in QUEUES
    }


def some(draw: random.Random, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(draw.sample(names, draw.randint(1, len(names))))


def levels(draw: random.Random) -> dict[str, int]:
    return {skill: draw.randint(1, 5) for skill in some(draw, SKILLS)}


@dataclass
class Double:
    """The distributor and its yardstick, told the same things."""

    draw: random.Random
    now: float = BEGIN
    made: int = 0
    matched: list[tuple[str, Waiting]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.naive = NaiveAcd(queues(self.draw))
        self.acd = Acd(self.naive.queues, self.draw.random)

    # -- what may happen

    def put_agent(self) -> None:
        draw = self.draw
        standing = {
            queue: Membership(
                draw.randint(1, 3), draw.randint(0, 2), draw.randint(1, 3), draw.random() < 0.2
            )
            for queue in some(draw, QUEUES)
        }
        agent = Agent(
            id=f"a{draw.randint(0, 5)}",
            name="",
            queues=some(draw, QUEUES),
            skills=levels(draw),
            capacity={Channel.VOICE: 1, Channel.CHAT: draw.randint(0, 2), Channel.EMAIL: 2},
            presence=draw.choice(PRESENCES),
            idle_since=datetime.fromtimestamp(int(BEGIN) - draw.randint(0, 99), UTC),
            standing=standing if draw.random() < 0.6 else {},
            limits=draw.choice(LIMITS),
            work_day=WorkDay("2026-01-05", draw.randint(0, 3), draw.randint(0, 9), 50, 50),
        )
        self.acd.put_agent(agent)
        self.naive.agents[agent.id] = agent

    def change_presence(self) -> None:
        if self.naive.agents:
            agent = self.draw.choice(list(self.naive.agents.values()))
            agent = replace(agent, presence=self.draw.choice(PRESENCES))
            self.acd.put_agent(agent)
            self.naive.agents[agent.id] = agent

    def drop_agent(self) -> None:
        if self.naive.agents and self.draw.random() < 0.3:
            agent_id = self.draw.choice(list(self.naive.agents))
            self.acd.drop_agent(agent_id)
            del self.naive.agents[agent_id]

    def join(self) -> None:
        draw = self.draw
        self.made += 1
        prefers = draw.random() < 0.3
        waiting = Waiting(
            id=f"i{self.made}",
            queues=some(draw, QUEUES),
            channel=draw.choice(CHANNELS),
            joined_at=self.now - draw.choice((0, 0, 3, 10)),
            asked=levels(draw) if draw.random() < 0.4 else {},
            head_start_s=draw.choice((0, 0, 7)),
            vip=draw.random() < 0.3,
            prefer_agent=f"a{draw.randint(0, 5)}" if prefers else None,
            prefer_until=self.now + draw.choice(LASTING_S) if prefers else None,
        )
        self.acd.join(waiting)
        self.naive.room[waiting.id] = waiting

    def leave(self) -> None:
        if self.naive.room:
            interaction_id = self.draw.choice(list(self.naive.room))
            self.acd.leave(interaction_id)
            del self.naive.room[interaction_id]

    def lay_down(self) -> None:
        held = [(i, agent_id) for agent_id, work in self.naive.in_hand.items() for i in work]
        if held:
            interaction_id, agent_id = self.draw.choice(held)
            self.acd.lay_down(interaction_id, agent_id)
            del self.naive.in_hand[agent_id][interaction_id]

    def carry(self) -> None:
        self.made += 1
        agent_id, channel = f"a{self.draw.randint(0, 5)}", self.draw.choice(CHANNELS)
        for _ in range(2):
            self.acd.carry(f"c{self.made}", agent_id, channel)
        self.naive.carry(f"c{self.made}", agent_id, channel)

    def bar(self) -> None:
        if self.naive.room:
            interaction_id = self.draw.choice(list(self.naive.room))
            agent_id, until = f"a{self.draw.randint(0, 5)}", self.now + self.draw.choice(LASTING_S)
            self.acd.bar(interaction_id, agent_id, until)
            self.naive.barred[interaction_id, agent_id] = until

    def reject(self) -> None:
        """The last match comes to nothing: back to its place, with the agent barred."""
        if self.matched:
            agent_id, waiting = self.matched.pop()
            self.acd.lay_down(waiting.id)
            self.acd.bar(waiting.id, agent_id, self.now + 10)
            self.acd.join(waiting)
            self.naive.lay_down(waiting.id)
            self.naive.barred[waiting.id, agent_id] = self.now + 10
            self.naive.room[waiting.id] = waiting

    def gate(self) -> None:
        queue, shut = self.draw.choice(QUEUES), self.draw.random() < 0.5
        self.acd.gate(queue, shut, "inbound first")
        (self.naive.shut.add if shut else self.naive.shut.discard)(queue)

    def configure(self) -> None:
        if self.draw.random() < 0.3:
            self.naive.queues = queues(self.draw)
            self.acd.configure(self.naive.queues)

    def advance(self) -> None:
        wake_at = self.acd.wake_at()
        if wake_at is not None and self.draw.random() < 0.5:
            self.now = max(self.now, wake_at)
        else:
            self.now += self.draw.choice((0.7, 5, 10))

    def decide(self) -> None:
        """Every decision is right, and at the end nobody waits while somebody could serve."""
        while (verdict := self.naive.next(self.now)) is not None:
            match = self.acd.next(self.now)
            assert match is not None, f"nobody for {verdict}"
            assert (match.interaction_id, match.queue) == (verdict.interaction_id, verdict.queue)
            chosen = frozenset(match.agent_ids)
            if self.naive.queues[match.queue].rules.strategy is Strategy.RING_ALL:
                assert chosen == verdict.agent_ids
            else:
                assert chosen <= verdict.agent_ids
                assert len(chosen) == 1
            assert match.why
            self.matched.append((match.agent_ids[0], self.naive.room[match.interaction_id]))
            self.naive.apply(match.interaction_id, match.agent_ids, self.now)
        assert self.acd.next(self.now) is None
        self.check_wake_at()
        self.check_places()

    def check_wake_at(self) -> None:
        """Nothing becomes possible by time alone before the distributor asks to be woken."""
        moments = set(self.naive.barred.values())
        for waiting in self.naive.room.values():
            moments |= {waiting.joined_at + after_s for after_s in (0, 10, 20, 30)}
            moments.add(waiting.prefer_until or 0.0)
        wake_at = self.acd.wake_at()
        assert wake_at is None or wake_at > self.now
        possible = (at for at in sorted(moments) if at > self.now and self.naive.next(at))
        first = next(possible, None)
        assert first is None or (wake_at is not None and wake_at <= first)

    def check_places(self) -> None:
        for waiting in self.naive.room.values():
            ahead = [
                other
                for other in self.naive.room.values()
                if waiting.queues[0] in other.queues and other.entry < waiting.entry
            ]
            assert self.acd.position(waiting.id) == len(ahead) + 1
            explained = self.acd.explain(waiting.id, self.now)
            assert explained is not None
            assert not any(
                each.obstacle is None and view.gate is None
                for view in explained.queues
                for each in view.candidates
            ), "the explanation says that somebody could take it"


ACTS: tuple[tuple[Callable[[Double], None], int], ...] = (
    (Double.put_agent, 4),
    (Double.change_presence, 2),
    (Double.drop_agent, 1),
    (Double.join, 8),
    (Double.leave, 1),
    (Double.lay_down, 3),
    (Double.carry, 1),
    (Double.bar, 2),
    (Double.reject, 2),
    (Double.gate, 1),
    (Double.configure, 1),
    (Double.advance, 3),
    (Double.decide, 6),
)
ANY_ACT = [act for act, weight in ACTS for _ in range(weight)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(20, 80))
def test_decides_like_the_rules_written_naively(seed: int, length: int) -> None:
    double = Double(random.Random(seed))
    for _ in range(5):
        double.put_agent()
    for _ in range(length):
        double.draw.choice(ANY_ACT)(double)
    double.decide()
    assert double.acd.waiting() == len(double.naive.room)
