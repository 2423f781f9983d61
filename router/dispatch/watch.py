"""Who waits under a rule that no time sets off: an estimate that grows, people who leave.

1. A queue is looked at every ``LOOK_EVERY_S`` while somebody waits there whom such a rule has
   not moved yet. A look reads nothing: the distributor knows the places and who is there.
2. Only those to whom a rule applies are named. Each of them then costs its transaction, in
   which ``router.acts.waiting`` decides; a look at those who stay costs none.
3. Whoever was named is not watched any more until its row has been read again. At most
   ``MOST`` are named at once; after such a look the next one comes ``SOON_S`` later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from router.acd import Acd
from router.acts.overflow import LOOK_EVERY_S, key_of
from router.rules import Overflow, When

MOST = 250
SOON_S = 1.0


class Watch:
    """By queue and rule: who waits and has not been moved by it."""

    def __init__(self) -> None:
        self._under: dict[str, dict[str, dict[str, None]]] = {}
        self._rules: dict[str, Overflow] = {}
        self._queue_of: dict[str, str] = {}
        self.next_look: dict[str, float] = {}
        """By queue, while somebody is watched there."""

    def put(self, interaction_id: str, queue_id: str, rules: Sequence[Overflow]) -> bool:
        """It waits there under these rules, and no others. True when they are to be looked at."""
        self.drop(interaction_id)
        if not rules:
            return False
        self._queue_of[interaction_id] = queue_id
        under = self._under.setdefault(queue_id, {})
        for rule in rules:
            key = key_of(rule)
            self._rules[key] = rule
            under.setdefault(key, {})[interaction_id] = None
        return True

    def drop(self, interaction_id: str) -> None:
        """It does not wait any more, or has been named."""
        queue_id = self._queue_of.pop(interaction_id, None)
        if queue_id is None:
            return
        under = self._under[queue_id]
        for key in list(under):
            under[key].pop(interaction_id, None)
            if not under[key]:
                del under[key]
        if not under:
            del self._under[queue_id]

    def look(self, queue_id: str, acd: Acd, staffed: Callable[[], bool], now: float) -> list[str]:
        """Those to whom a rule applies now (rule 3)."""
        named: dict[str, None] = {}
        for key, waiting in self._under.get(queue_id, {}).items():
            rule = self._rules[key]
            if rule.when is When.UNSTAFFED:
                applies = (each for each in waiting if each in acd) if not staffed() else iter(())
            else:
                beyond = acd.beyond(queue_id, rule.over_s, now)
                applies = (each for each in beyond if each in waiting and not acd.able(each, now))
            named |= dict.fromkeys(islice(applies, MOST - len(named)))
        for interaction_id in named:
            self.drop(interaction_id)
        return list(named)

    def next_after(self, queue_id: str, named: int, now: float) -> float | None:
        """When to look at the queue again; None when nobody is watched there."""
        self.next_look.pop(queue_id, None)
        if queue_id not in self._under:
            return None
        self.next_look[queue_id] = now + (SOON_S if named >= MOST else LOOK_EVERY_S)
        return self.next_look[queue_id]
