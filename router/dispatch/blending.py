"""When a queue's outbound work may be offered: only while inbound customers are served in time.

1. A queue with a ``Blend`` has a gate. It is shut while the share of the inbound queues'
   customers who were answered within ``within_s`` over the last ``window_s`` is below
   ``target``, or while somebody there waits longer than ``within_s``.
2. Who gives up within ``SHORT_S`` says nothing; who gives up later was not answered in time.
3. Nobody in the window: the gate is open.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from router.company import Queue
from router.rules import Blend

SHORT_S = 5.0
"""Abandoning this soon does not count against the level (docs/acd.md, figures)."""


class Flow:
    """What an inbound queue's customers met: who waits now, and how it went for the others."""

    def __init__(self) -> None:
        self._outcomes: deque[tuple[float, float | None]] = deque()
        self._waiting: dict[str, float] = {}
        self._oldest: list[tuple[float, str]] = []

    def wait(self, interaction_id: str, joined_at: float) -> None:
        """Somebody waits here since then."""
        if self._waiting.get(interaction_id) != joined_at:
            self._waiting[interaction_id] = joined_at
            heapq.heappush(self._oldest, (joined_at, interaction_id))

    def leave(self, interaction_id: str) -> None:
        """Not any more."""
        self._waiting.pop(interaction_id, None)

    def answered(self, at: float, waited_s: float) -> None:
        """Somebody was answered."""
        self._outcomes.append((at, waited_s))

    def gave_up(self, at: float, waited_s: float) -> None:
        """Somebody left the queue without an answer (rule 2)."""
        if waited_s > SHORT_S:
            self._outcomes.append((at, None))

    def longest_since(self) -> float | None:
        """Since when the one who joined first waits."""
        oldest = self._oldest
        while oldest and self._waiting.get(oldest[0][1]) != oldest[0][0]:
            heapq.heappop(oldest)
        return oldest[0][0] if oldest else None

    def outcomes(self, since: float) -> Iterable[float | None]:
        """Seconds waited for an answer, None without one; of those since then."""
        return [waited for at, waited in self._outcomes if at >= since]

    def forget(self, before: float) -> None:
        """Drop what no gate looks at any more."""
        while self._outcomes and self._outcomes[0][0] < before:
            self._outcomes.popleft()


@dataclass(slots=True)
class Gate:
    """One queue's gate; ``why`` is in words and empty while it is open."""

    queue_id: str
    blend: Blend
    why: str = ""

    @property
    def shut(self) -> bool:
        """Whether nothing of the queue is offered."""
        return bool(self.why)


class Gates:
    """The gates of all queues, fed with what happens in the inbound ones."""

    def __init__(self, queues: Mapping[str, Queue]) -> None:
        self._gates: dict[str, Gate] = {}
        self._flows: dict[str, Flow] = {}
        self.configure(queues)

    def configure(self, queues: Mapping[str, Queue]) -> None:
        """New rules; what was measured stays."""
        blends = {queue.id: queue.rules.blend for queue in queues.values()}
        self._gates = {
            queue_id: Gate(queue_id, blend, self._gates[queue_id].why)
            if queue_id in self._gates
            else Gate(queue_id, blend)
            for queue_id, blend in blends.items()
            if blend is not None
        }
        inbound = {each for gate in self._gates.values() for each in gate.blend.inbound}
        self._flows = {each: self._flows.get(each) or Flow() for each in inbound}

    @property
    def longest_window_s(self) -> int:
        """How far back the gates look; 0 when there are none."""
        return max((gate.blend.window_s for gate in self._gates.values()), default=0)

    def flow(self, queue_id: str) -> Flow | None:
        """The inbound queue's, None when no gate looks at it."""
        return self._flows.get(queue_id)

    def why_shut(self, queue_id: str) -> str:
        """In words why a queue's gate is shut; empty when it is open or has none."""
        gate = self._gates.get(queue_id)
        return gate.why if gate else ""

    def look(self, now: float) -> list[Gate]:
        """The gates that have just opened or shut."""
        for flow in self._flows.values():
            flow.forget(now - self.longest_window_s)
        changed = []
        for gate in self._gates.values():
            was, gate.why = gate.shut, self._why(gate.blend, now)
            if gate.shut != was:
                changed.append(gate)
        return changed

    def wake_at(self, now: float) -> float | None:
        """When time alone shuts an open gate: somebody has waited too long by then."""
        moments = [
            since + gate.blend.within_s
            for gate in self._gates.values()
            for queue_id in gate.blend.inbound
            if (since := self._flows[queue_id].longest_since()) is not None
        ]
        return min((moment for moment in moments if moment > now), default=None)

    def _why(self, blend: Blend, now: float) -> str:
        flows = [(queue_id, self._flows[queue_id]) for queue_id in blend.inbound]
        for queue_id, flow in flows:
            since = flow.longest_since()
            if since is not None and now - since > blend.within_s:
                return f"somebody in {queue_id} has waited longer than {blend.within_s} s"
        waits = [wait for _, flow in flows for wait in flow.outcomes(now - blend.window_s)]
        if not waits:
            return ""
        level = sum(wait is not None and wait <= blend.within_s for wait in waits) / len(waits)
        if level >= blend.target:
            return ""
        return (
            f"{level:.0%} of {', '.join(blend.inbound)} were answered within {blend.within_s} s,"
            f" {blend.target:.0%} are wanted"
        )
