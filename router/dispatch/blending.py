"""When a queue's outbound work may be offered: only while inbound customers are served in time.

1. A queue with a ``Blend`` has a gate. It is shut while the share of the inbound queues'
   customers who were answered within ``within_s`` over the last ``window_s`` is below
   ``target``, or while somebody there waits longer than ``within_s``.
2. Who gives up within ``SHORT_S`` says nothing; who gives up later was not answered in time.
3. Nobody in the window: the gate is open.
4. A look costs the same however long the window and however many were answered in it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping

from router.company import Queue
from router.events import Fact, InteractionEnded, OfferAccepted
from router.model import EndedBy
from router.once import Once
from router.rules import Blend

SHORT_S = 5.0
"""Abandoning this soon does not count against the level (docs/acd.md, figures)."""


class Level:
    """The share answered within ``within_s`` over the last ``window_s``, by running counts.

    However many there were, asking costs what has left the window since it was asked before.
    """

    def __init__(self, within_s: float, window_s: float) -> None:
        self._within_s = within_s
        self._window_s = window_s
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._in_time = 0

    def note(self, at: float, waited_s: float | None) -> None:
        """How it went for somebody then; None: not answered. Facts may come out of order."""
        in_time = waited_s is not None and waited_s <= self._within_s
        place = len(self._outcomes)
        while place and self._outcomes[place - 1][0] > at:
            place -= 1
        self._outcomes.insert(place, (at, in_time))
        self._in_time += in_time

    def share(self, now: float) -> float | None:
        """From 0 to 1, None when nobody was there; ``now`` never goes back."""
        while self._outcomes and self._outcomes[0][0] < now - self._window_s:
            self._in_time -= self._outcomes.popleft()[1]
        return self._in_time / len(self._outcomes) if self._outcomes else None


class Flow:
    """What an inbound queue's customers met: who waits now, and how it went for the others."""

    def __init__(self) -> None:
        self._outcomes: deque[tuple[float, float | None]] = deque()
        self._levels: list[Level] = []
        self._waiting: dict[str, float] = {}
        self._oldest: list[tuple[float, str]] = []

    def measure(self, levels: list[Level]) -> None:
        """Tell these levels, and no others, what has happened and what will."""
        self._levels = levels
        for at, waited_s in self._outcomes:
            for level in levels:
                level.note(at, waited_s)

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
        self._note(at, waited_s)

    def gave_up(self, at: float, waited_s: float) -> None:
        """Somebody left the queue without an answer (rule 2)."""
        if waited_s > SHORT_S:
            self._note(at, None)

    def _note(self, at: float, waited_s: float | None) -> None:
        self._outcomes.append((at, waited_s))
        for level in self._levels:
            level.note(at, waited_s)

    def longest_since(self) -> float | None:
        """Since when the one who joined first waits."""
        oldest = self._oldest
        while oldest and self._waiting.get(oldest[0][1]) != oldest[0][0]:
            heapq.heappop(oldest)
        return oldest[0][0] if oldest else None

    def forget(self, before: float) -> None:
        """Drop what no gate looks at any more."""
        while self._outcomes and self._outcomes[0][0] < before:
            self._outcomes.popleft()


class Gate:
    """One queue's gate; ``why`` is in words and empty while it is open."""

    def __init__(self, queue_id: str, blend: Blend, why: str = "") -> None:
        self.queue_id = queue_id
        self.blend = blend
        self.why = why
        self.level = Level(blend.within_s, blend.window_s)

    @property
    def shut(self) -> bool:
        """Whether nothing of the queue is offered."""
        return bool(self.why)


class Gates:
    """The gates of all queues, fed with what happens in the inbound ones."""

    def __init__(self, queues: Mapping[str, Queue]) -> None:
        self._gates: dict[str, Gate] = {}
        self._flows: dict[str, Flow] = {}
        self._noted = Once()
        self.configure(queues)

    def configure(self, queues: Mapping[str, Queue]) -> None:
        """New rules; what was measured stays."""
        blends = {queue.id: queue.rules.blend for queue in queues.values() if queue.rules.blend}
        if blends == {gate.queue_id: gate.blend for gate in self._gates.values()}:
            return
        self._gates = {
            queue_id: Gate(queue_id, blend, self.why_shut(queue_id))
            for queue_id, blend in blends.items()
        }
        inbound = {each for gate in self._gates.values() for each in gate.blend.inbound}
        self._flows = {each: self._flows.get(each) or Flow() for each in inbound}
        for queue_id, flow in self._flows.items():
            watching = (gate for gate in self._gates.values() if queue_id in gate.blend.inbound)
            flow.measure([gate.level for gate in watching])

    def note(self, fact: Fact) -> None:
        """How it went for a customer of an inbound queue; the same fact again changes nothing."""
        if not isinstance(fact, OfferAccepted | InteractionEnded):
            return
        flow = self.flow(fact.queue)
        if flow is None or fact in self._noted:
            return
        self._noted.add(fact)
        if isinstance(fact, OfferAccepted):
            flow.answered(fact.at.timestamp(), fact.waited_s)
        elif fact.waited_s is not None and fact.ended_by == EndedBy.CUSTOMER:
            flow.gave_up(fact.at.timestamp(), fact.waited_s)

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
            was, gate.why = gate.shut, self._why(gate, now)
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

    def _why(self, gate: Gate, now: float) -> str:
        blend = gate.blend
        for queue_id in blend.inbound:
            since = self._flows[queue_id].longest_since()
            if since is not None and now - since > blend.within_s:
                return f"somebody in {queue_id} has waited longer than {blend.within_s} s"
        share = gate.level.share(now)
        if share is None or share >= blend.target:
            return ""
        return (
            f"{share:.0%} of {', '.join(blend.inbound)} were answered within {blend.within_s} s,"
            f" {blend.target:.0%} are wanted"
        )
