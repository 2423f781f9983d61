"""Those who wait, in lines of people who are alike for every agent.

1. Who waits in the same queue with the same needs, on the same channel, with the same
   priority and tier open, stands in one line.
2. A line is a heap that forgets lazily; only its head can be next, save for an agent who
   said no to the head.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.acd.needs import Stage
from router.acd.seats import INDEX
from router.model import Channel, Interaction

if TYPE_CHECKING:
    from router.acd.queueing import QueueState
    from router.acd.skillgroups import SkillGroup

Entry = tuple[float, str]
"""The place in every order: joined minus head start in seconds, then the id."""
SLACK = 32
"""A heap may hold this many left-behind entries beyond one per person standing."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the decision needs to know of a waiting interaction.

    ``queues`` begins with its own; in the others it waits at the same time. ``asked`` are
    the skills that the interaction itself asks for, without the queue's. Times are seconds
    since the epoch. ``prefer_agent`` alone may take it until ``prefer_until`` (None: as long
    as that agent is there). ``asker`` asks it, if it is a question, and is refused by ``bar``.
    """

    id: str
    queues: tuple[str, ...]
    channel: Channel
    joined_at: float
    asked: Mapping[str, int] = field(default_factory=dict)
    head_start_s: float = 0
    vip: bool = False
    prefer_agent: str | None = None
    prefer_until: float | None = None
    asker: str | None = None

    @property
    def entry(self) -> Entry:
        """Smaller is sooner; the id settles a tie the same way every time."""
        return self.joined_at - self.head_start_s, self.id


def waiting_from(interaction: Interaction) -> Waiting:
    """The waiting view of an interaction that has joined a queue."""
    joined_at = interaction.joined_at or interaction.created_at
    until = interaction.prefer_until
    return Waiting(
        id=interaction.id,
        queues=(interaction.queue or "", *interaction.also_queues),
        channel=interaction.channel,
        asked=interaction.skills,
        joined_at=joined_at.timestamp(),
        head_start_s=interaction.head_start_s,
        vip=interaction.vip,
        prefer_agent=interaction.prefer_agent,
        prefer_until=until.timestamp() if until else None,
    )


class Place:
    """An interaction in the room. ``due`` is when time alone changes something for it.

    ``fresh`` says that it has not been compared with the free agents since it changed;
    otherwise it stands in its lines.
    """

    __slots__ = ("channel", "due", "entry", "fresh", "ranked", "spots", "waiting")

    def __init__(self, waiting: Waiting) -> None:
        self.waiting = waiting
        self.entry = waiting.entry
        self.channel = INDEX[waiting.channel]
        self.spots: tuple[Spot, ...] = ()
        self.due: float | None = None
        self.fresh = False
        self.ranked = False

    def rank(self) -> None:
        """Take the place in the order of every queue. Whoever is served at once needs none."""
        if not self.ranked:
            self.ranked = True
            for spot in self.spots:
                spot.state.rank.add(self.entry)

    def step_out(self) -> None:
        """Leave the lines; the place in the order stays."""
        self.due = None
        for spot in self.spots:
            if spot.line is not None:
                spot.line.step_out(spot)


class Spot:
    """How an interaction waits in one of its queues; ``line`` is where it stands, if it does."""

    __slots__ = ("line", "place", "stages", "state")

    def __init__(self, place: Place, state: QueueState, stages: tuple[Stage, ...]) -> None:
        self.place = place
        self.state = state
        self.stages = stages
        self.line: Line | None = None


class Line:
    """People in order of place. Joining and leaving cost O(log n).

    ``places`` is the room, by which the heap's entries that were left behind are told.
    """

    __slots__ = ("channel", "group", "heap", "places", "standing", "tier", "vip")

    def __init__(
        self,
        places: Mapping[str, Place],
        channel: int,
        group: SkillGroup | None = None,
        vip: bool = False,
        tier: int = 0,
    ) -> None:
        self.places = places
        self.channel = channel
        self.group = group
        self.vip = vip
        self.tier = tier
        self.heap: list[Entry] = []
        self.standing = 0

    def stand(self, spot: Spot) -> None:
        """Join the line."""
        entry = spot.place.entry
        heapq.heappush(self.heap, entry)
        spot.line = self
        self.standing += 1
        if self.group is not None and entry[0] < self.group.bounds[self.channel]:
            self.group.bounds[self.channel] = entry[0]

    def step_out(self, spot: Spot) -> None:
        """Leave the line; an empty one is forgotten by its group."""
        spot.line = None
        self.standing -= 1
        if not self.standing:
            self.heap.clear()
            if self.group is not None:
                self.group.forget(self)
        elif len(self.heap) > 2 * self.standing + SLACK:
            self.heap = [entry for entry in set(self.heap) if self._spot(entry)]
            heapq.heapify(self.heap)

    def first(self, passes: Callable[[str], bool] | None = None) -> Spot | None:
        """The head; with ``passes`` the first whose id it accepts. The others stay."""
        heap, aside = self.heap, []
        found = None
        while heap:
            entry = heap[0]
            found = self._spot(entry)
            if found is None:
                heapq.heappop(heap)
            elif passes is not None and not passes(entry[1]):
                aside.append(heapq.heappop(heap))
                found = None
            else:
                break
        for entry in aside:
            heapq.heappush(heap, entry)
        return found

    def _spot(self, entry: Entry) -> Spot | None:
        """Who stands here by this entry, None when it was left behind."""
        place = self.places.get(entry[1])
        if place is None or place.entry != entry:
            return None
        return next((spot for spot in place.spots if spot.line is self), None)
