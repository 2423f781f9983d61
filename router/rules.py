"""How a queue distributes, as typed data: what ``acd`` and ``waiting`` decide by (docs/acd.md).

Only values and their defaults; ``company_file`` reads them from YAML and ``acd`` obeys them.
All durations are seconds. Proficiencies are 1..5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

RETURNING_WITHIN_S = 60
"""Who drops and comes back within this time keeps the place."""
REJECT_DELAY_S = 30
"""An agent who said no is not asked again for the same interaction so soon."""
EXPECTED_S = 240
"""Handle time of one interaction until the queue's own has been measured."""
ALL_SKILLS = "*"
"""In ``Step.waive``: every skill that the interaction itself asked for."""


class Strategy(StrEnum):
    """Which of the agents who may take it gets the next interaction."""

    LONGEST_IDLE = "longest-idle"
    ROUND_ROBIN = "round-robin"
    LEAST_OCCUPIED = "least-occupied"
    FEWEST_INTERACTIONS = "fewest-interactions"
    LEAST_TALK_TIME = "least-talk-time"
    TOP_DOWN = "top-down"
    RING_ALL = "ring-all"
    RANDOM = "random"
    WEIGHTED = "weighted"


class Evaluation(StrEnum):
    """``all``: who meets the needs is equal. ``best``: the most proficient of them first."""

    ALL = "all"
    BEST = "best"


class When(StrEnum):
    """What makes an interaction leave its queue for something else."""

    CLOSED = "closed"
    UNSTAFFED = "unstaffed"
    FULL = "full"
    WAITED = "waited"
    ESTIMATE = "estimate"


class Way(StrEnum):
    """Where it goes then."""

    QUEUE = "queue"
    BOT = "bot"
    NUMBER = "number"
    VOICEMAIL = "voicemail"
    EMAIL = "email"
    CALLBACK = "callback"
    WAIT = "wait"
    END = "end"


@dataclass(frozen=True, slots=True)
class Step:
    """What is needed from ``after_s`` of waiting on.

    ``need`` replaces the queue's needs of the step before (None leaves them);
    ``waive`` names the skills that the interaction itself asked for and that fall away now.
    """

    after_s: int
    need: Mapping[str, int] | None = None
    waive: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TierOpening:
    """Agents of ``tier`` may be asked after ``after_s``, or at once when no lower tier is there."""

    tier: int
    after_s: int


@dataclass(frozen=True, slots=True)
class Boosts:
    """Head starts in seconds that an interaction earns once (acd.md, priority score)."""

    vip_s: int = 0
    returning_s: int = 0
    transfer_s: int = 0
    callback_s: int = 0


@dataclass(frozen=True, slots=True)
class LastAgent:
    """Who served this customer within ``within_days`` is waited for, at most ``wait_s``."""

    within_days: int
    wait_s: int


@dataclass(frozen=True, slots=True)
class Action:
    """Where an interaction goes; ``target`` is a queue, flow, number or address.

    ``reach`` is the customer's own number or address, where a hand-over's rule names one.
    """

    way: Way
    target: str = ""
    say: str = ""
    reach: str = ""


@dataclass(frozen=True, slots=True)
class Overflow:
    """``over_s`` counts for ``waited`` (seconds waited) and ``estimate`` (seconds expected)."""

    when: When
    action: Action
    over_s: int = 0


@dataclass(frozen=True, slots=True)
class Callback:
    """Offered to callers who have waited ``offer_after_s``; the place is kept."""

    offer_after_s: int
    attempts: int = 2
    retry_after_s: int = 300


@dataclass(frozen=True, slots=True)
class Blend:
    """This queue's (outbound) work is offered only while inbound work is answered in time.

    The share of ``inbound`` queues' interactions answered within ``within_s`` over the last
    ``window_s`` must be at least ``target`` (0..1), and nobody there waits longer than that.
    """

    inbound: tuple[str, ...]
    target: float = 0.8
    within_s: int = 20
    window_s: int = 900


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything about a queue's distribution beyond its name, hours and wrap-up."""

    strategy: Strategy = Strategy.LONGEST_IDLE
    evaluation: Evaluation = Evaluation.ALL
    steps: tuple[Step, ...] = ()
    tiers: tuple[TierOpening, ...] = ()
    boosts: Boosts = Boosts()
    last_agent: LastAgent | None = None
    dedicated_wait_s: int = 0
    overflow: tuple[Overflow, ...] = ()
    callback: Callback | None = None
    blend: Blend | None = None
    most_waiting: int | None = None
    returning_within_s: int = RETURNING_WITHIN_S
    reject_delay_s: int = REJECT_DELAY_S
    expected_s: int = EXPECTED_S
    announce_every_s: int = 0


@dataclass(frozen=True, slots=True)
class Membership:
    """How an agent stands in a queue.

    ``tier`` 1 is asked first; ``order`` is the place for top-down (smaller first);
    ``weight`` counts for weighted; ``vip_only`` keeps the agent for priority customers.
    """

    tier: int = 1
    order: int = 0
    weight: int = 1
    vip_only: bool = False


@dataclass(frozen=True, slots=True)
class WorkDay:
    """An agent's figures of one day (of the company's zone), kept through restarts.

    ``offered_at`` is the time of the last offer in seconds since the epoch (round-robin).
    """

    day: str = ""
    handled: int = 0
    talk_s: float = 0.0
    handling_s: float = 0.0
    available_s: float = 0.0
    offered_at: float = 0.0


def pack_rule(rule: Overflow) -> dict[str, Any]:
    """A rule as plain JSON data."""
    return {**asdict(rule.action), "when": rule.when, "over_s": rule.over_s}


def unpack_rule(raw: Mapping[str, Any]) -> Overflow:
    """A rule of plain JSON data."""
    action = Action(Way(raw["way"]), raw["target"], raw["say"], raw["reach"])
    return Overflow(When(raw["when"]), action, raw["over_s"])


DEFAULT_MEMBERSHIP = Membership()
DEFAULT_RULES = Rules()
NO_WORK_YET = WorkDay()
