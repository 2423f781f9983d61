"""What customers felt of a fault: for how long nothing was offered, how long they waited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from router.events import Fact, InteractionQueued, OfferAccepted, OfferMade
from tests.load.fleet import Fault
from tests.load.verdict import History

AGAIN_S = 15.0
"""Offers go on within this time after a fault is mended, on a machine with all of it to do ..."""
AGAIN_WITHIN_S = {
    "dispatcher killed": 10.0,
    "dispatcher stopped": 10.0,
    "bus connections cut": 10.0,
    "store connections cut": 10.0,
}
"""... and sooner where no server has to start again. What is expected is 5 s (docs/acd.md)."""

AFTER_S = 20.0
"""A pause that begins this long after a fault is not counted as its own."""


def pause_s(facts: Sequence[Fact], since: datetime, until: datetime) -> float:
    """The longest time without an offer that began, or went on, between the two."""
    made = [fact.at for fact in facts if isinstance(fact, OfferMade)]
    before = max((at for at in made if at <= since), default=since)
    after = [at for at in made if at > since]
    longest = 0.0
    for at in after:
        longest = max(longest, (at - before).total_seconds())
        before = at
        if at > until:
            break
    return longest


@dataclass(frozen=True, slots=True)
class Felt:
    """What one fault did: for how long it was broken, and for how long nothing was offered."""

    fault: str
    down_s: float
    pause_s: float

    def __str__(self) -> str:
        return f"{self.fault}: down {self.down_s:.1f} s, no offer for {self.pause_s:.2f} s"

    @property
    def too_long(self) -> bool:
        """Whether offers paused longer than it was broken and :data:`AGAIN_WITHIN_S` says."""
        return self.pause_s > self.down_s + AGAIN_WITHIN_S.get(self.fault, AGAIN_S)


def each_felt(history: History, faults: Sequence[Fault]) -> list[Felt]:
    """One for each fault, in their order."""
    facts = sorted(history.facts, key=lambda fact: fact.at)
    found = []
    for fault, after in zip_longest(faults, faults[1:]):
        until = fault.over + timedelta(seconds=AFTER_S)
        pause = pause_s(facts, fault.began, min(until, after.began) if after else until)
        found.append(Felt(fault.name, (fault.over - fault.began).total_seconds(), pause))
    return found


def waited(history: History) -> str:
    """How long customers waited in the whole run."""
    waits = sorted(fact.waited_s for fact in history.facts if isinstance(fact, OfferAccepted))
    p50, p95 = (waits[int(len(waits) * share)] if waits else 0.0 for share in (0.5, 0.95))
    return (
        f"{len(history.interactions)} interactions, {len(history.facts)} facts; "
        f"waited p50 {p50:.1f} s, p95 {p95:.1f} s, at most {max(waits, default=0.0):.1f} s"
    )


def heard_after(history: History) -> str:
    """How long it took until the distributor knew of those who had joined: commit to view."""
    joined = {
        fact.interaction_id: fact.at
        for fact in history.facts
        if isinstance(fact, InteractionQueued)
    }
    lags = sorted(
        (next(at for at in times if at >= joined[one]) - joined[one]).total_seconds()
        for one, times in history.heard.items()
        if one in joined and times[-1] >= joined[one]
    )
    p50, p99 = (lags[int(len(lags) * share)] * 1000 if lags else 0.0 for share in (0.5, 0.99))
    longest = max(lags, default=0.0)
    return f"heard of after p50 {p50:.0f} ms, p99 {p99:.0f} ms, at most {longest:.1f} s"


def after_which(history: History, faults: Sequence[Fault], about: str) -> str:
    """The last fault before the last that was heard of an interaction or an agent."""
    last = max(
        (fact.at for fact in history.facts if about in (fact.interaction_id, _agent(fact))),
        default=None,
    )
    before = [fault.name for fault in faults if last is not None and fault.began <= last]
    return f"after {before[-1]}" if before else "before any fault"


def _agent(fact: Fact) -> str:
    return getattr(fact, "agent_id", "")
