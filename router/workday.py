"""What acts add to an agent's figures of the day (docs/acd.md).

1. A day is one of the company's zone: that of the default queue's hours.
2. ``handled`` grows once per interaction and agent, at the first acceptance: what comes
   back to the same agent does not count again, and what another takes counts for both.
3. ``available_s`` is time signed in as available with nothing in hand. It is added when
   it ends: with the next acceptance, or when the presence changes.
4. The figures are columns and grow in one statement: nobody reads, adds and writes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class DayStep:
    """One addition. ``day_began`` is when ``day`` (ISO 8601) began.

    ``offered`` notes the time of an offer. ``busy`` ends the agent's idle time, ``idle``
    begins it: a piece of work was laid down.
    """

    agent_id: str
    at: datetime
    day: str
    day_began: datetime
    handled: int = 0
    talk_s: float = 0.0
    handling_s: float = 0.0
    offered: bool = False
    busy: bool = False
    idle: bool = False


def step_at(agent_id: str, now: datetime, timezone: str) -> DayStep:
    """An empty step of the day that it is in ``timezone``."""
    local = now.astimezone(ZoneInfo(timezone))
    began = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
    return DayStep(agent_id, now, local.date().isoformat(), began)


def together(steps: Iterable[DayStep]) -> list[DayStep]:
    """One step per agent, ordered by agent, that adds what all of theirs add."""
    merged: dict[str, DayStep] = {}
    for step in steps:
        known = merged.get(step.agent_id)
        merged[step.agent_id] = step if known is None else _sum(known, step)
    return [merged[agent_id] for agent_id in sorted(merged)]


def _sum(one: DayStep, other: DayStep) -> DayStep:
    later = one if one.at >= other.at else other
    return replace(
        later,
        handled=one.handled + other.handled,
        talk_s=one.talk_s + other.talk_s,
        handling_s=one.handling_s + other.handling_s,
        offered=one.offered or other.offered,
        busy=one.busy or other.busy,
        idle=one.idle or other.idle,
    )
