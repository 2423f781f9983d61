"""What customers felt of a fault: for how long nothing was offered, how long they waited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from router.events import Fact, OfferAccepted, OfferMade
from tests.load.fleet import Fault
from tests.load.verdict import History

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


def felt(history: History, faults: Sequence[Fault]) -> str:
    """A line for each fault and one for the whole run."""
    facts = sorted(history.facts, key=lambda fact: fact.at)
    lines = []
    for fault, after in zip_longest(faults, faults[1:]):
        until = fault.over + timedelta(seconds=AFTER_S)
        pause = pause_s(facts, fault.began, min(until, after.began) if after else until)
        down = (fault.over - fault.began).total_seconds()
        lines.append(f"{fault.name}: down {down:.1f} s, no offer for {pause:.2f} s")
    waits = sorted(fact.waited_s for fact in facts if isinstance(fact, OfferAccepted))
    if waits:
        p50, p95 = waits[len(waits) // 2], waits[int(len(waits) * 0.95)]
        lines.append(
            f"{len(history.interactions)} interactions, {len(facts)} facts; "
            f"waited p50 {p50:.1f} s, p95 {p95:.1f} s, at most {waits[-1]:.1f} s"
        )
    return "\n".join(lines)
