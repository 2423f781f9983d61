"""Which of the agents who may take it: the order keys of the nine strategies (docs/acd.md).

A key is three numbers; smaller comes first, and the agent's id settles what is left. Work in
hand counts in every key, since no figure knows of it yet: otherwise a burst would all go to
the one agent whose figures are the best at its beginning.

1. longest-idle, least-occupied, least-talk-time: less work in hand first, then the figure.
2. fewest-interactions: handled and in hand together.
3. round-robin: whoever was asked the longest ago; being asked now counts at once.
4. top-down: the place in the queue, strictly.
5. ring-all: everybody of the lowest tier that has somebody free, longest idle named first.
6. random, weighted: drawn afresh for each decision; weight 2 is drawn twice as often.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from router.acd.seats import Seat
from router.rules import Membership, Strategy, WorkDay

Key = tuple[float, float, float]
Drawn = TypeVar("Drawn")

OCCUPANCY_KEPT_S = 60.0
"""An idle agent's occupancy falls by the second; the order follows at most this much later."""
BY_CHANCE = frozenset({Strategy.RANDOM, Strategy.WEIGHTED})
EVERYBODY_EQUAL: Key = (0.0, 0.0, 0.0)


def occupancy(seat: Seat, figures: WorkDay, now: float) -> float:
    """The share 0..1 of today's working time spent handling; idle time until now counts."""
    idle_s = max(0.0, now - seat.idle_since) if seat.idle_since and not seat.total else 0.0
    worked_s = figures.handling_s + figures.available_s + idle_s
    return figures.handling_s / worked_s if worked_s > 0 else 0.0


def longest_idle(seat: Seat, standing: Membership, figures: WorkDay, now: float) -> Key:
    """No work in hand and idle the longest."""
    return seat.total, seat.idle_since, 0.0


def round_robin(seat: Seat, standing: Membership, figures: WorkDay, now: float) -> Key:
    """Asked the longest ago."""
    return seat.asked_at, seat.total, 0.0


def least_occupied(seat: Seat, standing: Membership, figures: WorkDay, now: float) -> Key:
    """The lowest occupancy today."""
    return seat.total, occupancy(seat, figures, now), seat.idle_since


def fewest_interactions(seat: Seat, standing: Membership, figures: WorkDay, now: float) -> Key:
    """The fewest today, with those in hand."""
    return figures.handled + seat.total, seat.total, seat.idle_since


def least_talk_time(seat: Seat, standing: Membership, figures: WorkDay, now: float) -> Key:
    """The least talking today."""
    return seat.total, figures.talk_s, seat.idle_since


def top_down(seat: Seat, standing: Membership, figures: WorkDay, now: float) -> Key:
    """The first place that is free."""
    return standing.order, seat.total, 0.0


def by_chance(seat: Seat, standing: Membership, figures: WorkDay, now: float) -> Key:
    """No order: it is drawn."""
    return EVERYBODY_EQUAL


ORDER: dict[Strategy, Callable[[Seat, Membership, WorkDay, float], Key]] = {
    Strategy.LONGEST_IDLE: longest_idle,
    Strategy.ROUND_ROBIN: round_robin,
    Strategy.LEAST_OCCUPIED: least_occupied,
    Strategy.FEWEST_INTERACTIONS: fewest_interactions,
    Strategy.LEAST_TALK_TIME: least_talk_time,
    Strategy.TOP_DOWN: top_down,
    Strategy.RING_ALL: longest_idle,
    Strategy.RANDOM: by_chance,
    Strategy.WEIGHTED: by_chance,
}


def draw(
    among: Sequence[Drawn], weights: Sequence[float], chance: Callable[[], float]
) -> Drawn | None:
    """One of them, each as likely as its weight says; None of nobody.

    An exponential race: who draws the smallest ``-ln(u) / weight`` wins, ``u`` from (0, 1].
    """
    best, chosen = math.inf, None
    for one, weight in zip(among, weights, strict=True):
        time = -math.log(1.0 - chance()) / weight if weight > 0 else math.inf
        if time < best or chosen is None:
            best, chosen = time, one
    return chosen


def deciding_figure(strategy: Strategy, key: Key, now: float) -> str:
    """What put this agent before the others, in words, read from the order key."""
    match strategy:
        case Strategy.LONGEST_IDLE:
            return f"idle {_duration(now - key[1])}" if key[1] else "first work today"
        case Strategy.ROUND_ROBIN:
            return f"last asked {_duration(now - key[0])} ago" if key[0] else "not asked before"
        case Strategy.LEAST_OCCUPIED:
            return f"occupied {key[1]:.0%} of today"
        case Strategy.FEWEST_INTERACTIONS:
            return f"{key[0]:g} today, with those in hand"
        case Strategy.LEAST_TALK_TIME:
            return f"talked {_duration(key[1])} today"
        case Strategy.TOP_DOWN:
            return f"place {key[0]:g}"
        case Strategy.RING_ALL:
            return "who accepts first"
        case Strategy.RANDOM:
            return "by chance"
        case Strategy.WEIGHTED:
            return "by chance and weight"


def _duration(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole} s" if whole < 120 else f"{whole // 60} min"
