"""A small floor for tests of the routing decision: who is there, who waits, who gets whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from router.acd import Acd, Match, Waiting
from router.company import Queue
from router.model import Agent, Channel, Presence
from router.rules import Rules, WorkDay

NOW = 1_767_603_600.0
"""2026-01-05 09:00:00 UTC, in seconds since the epoch."""
TODAY = "2026-01-05"
CAPACITY = {Channel.VOICE: 1, Channel.CHAT: 2, Channel.EMAIL: 5}


def agent(name: str, idle_s: float = 60, **changes: Any) -> Agent:
    """An available agent of the queue ``orders``."""
    values: dict[str, Any] = {
        "queues": ("orders",),
        "skills": {},
        "capacity": CAPACITY,
        "presence": Presence.AVAILABLE,
        "idle_since": datetime.fromtimestamp(NOW - idle_s, UTC),
        "work_day": WorkDay(TODAY),
    }
    return Agent(id=name, name=name.title(), **(values | changes))


def queue(name: str = "orders", rules: Rules | None = None, **changes: Any) -> Queue:
    """A queue with these rules."""
    return Queue(name, name.title(), rules=rules or Rules(), **changes)


def person(name: str, ago_s: float = 0, **changes: Any) -> Waiting:
    """Somebody who came to the chat of ``orders`` so long ago."""
    values: dict[str, Any] = {"queues": ("orders",), "channel": Channel.CHAT}
    return Waiting(id=name, joined_at=NOW - ago_s, **(values | changes))


def no_chance() -> float:
    """For queues in which chance decides nothing."""
    raise AssertionError("nothing was to be drawn")


@dataclass
class Floor:
    """The distributor with a clock of its own."""

    queues: Mapping[str, Queue] = field(default_factory=lambda: {"orders": queue()})
    chance: Callable[[], float] = no_chance
    now: float = NOW

    def __post_init__(self) -> None:
        self.acd = Acd(self.queues, self.chance)
        self.agents: dict[str, Agent] = {}

    @classmethod
    def of(cls, *agents: Agent, rules: Rules | None = None, **changes: Any) -> Floor:
        """One queue, ``orders``, with these agents and rules."""
        floor = cls({"orders": queue(rules=rules, **changes)})
        floor.staff(*agents)
        return floor

    def staff(self, *agents: Agent) -> None:
        """These agents are there."""
        for each in agents:
            self.agents[each.id] = each
            self.acd.put_agent(each)

    def change(self, name: str, **changes: Any) -> None:
        """An agent's record changes."""
        self.staff(replace(self.agents[name], **changes))

    def join(self, *people: Waiting) -> None:
        """These wait."""
        for each in people:
            self.acd.join(each)

    def match(self) -> tuple[str, str] | None:
        """The next pair."""
        match = self.acd.next(self.now)
        return (match.interaction_id, "+".join(match.agent_ids)) if match else None

    def matches(self) -> dict[str, str]:
        """All pairs that are possible now."""
        found: list[Match] = []
        while (match := self.acd.next(self.now)) is not None:
            found.append(match)
        return {match.interaction_id: "+".join(match.agent_ids) for match in found}

    def later(self, seconds: float) -> dict[str, str]:
        """What becomes possible as time goes by."""
        self.now += seconds
        return self.matches()

    def wakes_in(self) -> float | None:
        """Seconds until the distributor wants to be asked again."""
        at = self.acd.wake_at()
        return None if at is None else at - self.now
