"""Those who are free: agents of a queue in the order in which its strategy asks them.

Agents with the same tier, the same channels free and the same reservation for priority
customers are one pool, so that a search never walks over people who cannot be asked.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from router.acd.seats import CHANNELS_OF, Seat
from router.rules import Membership

if TYPE_CHECKING:
    from router.acd.lines import Entry, Spot
    from router.acd.queueing import QueueState
    from router.acd.skillgroups import SkillGroup

Item = tuple[float, float, float, str, "Post"]
"""The order key and the agent's id, which no two in a pool share."""
NOBODY: frozenset[str] = frozenset()
WALK = 32
"""So many steps down the order are cheaper than comparing whole sets."""


class Post:
    """An agent's place in one queue. ``groups`` are the skill groups whose needs are met."""

    __slots__ = ("groups", "item", "pool", "seat", "signed", "standing", "state")

    def __init__(self, seat: Seat, state: QueueState, standing: Membership) -> None:
        self.seat = seat
        self.state = state
        self.standing = standing
        self.groups: list[SkillGroup] = []
        self.pool: Pool | None = None
        self.item: Item | None = None
        self.signed = False

    def earliest(self, limit: Entry, passes: Callable[[str], bool] | None) -> Spot | None:
        """The first before ``limit`` whom this agent could take now; ``passes`` sees the ids."""
        channels = CHANNELS_OF[self.seat.free]
        found = None
        for group in self.groups:
            bounds = group.bounds
            for channel in channels:
                if bounds[channel] <= limit[0]:
                    spot = self._first_of(group, channel, limit, passes)
                    if spot is not None:
                        found, limit = spot, spot.place.entry
        return found

    def _first_of(
        self, group: SkillGroup, channel: int, limit: Entry, passes: Callable[[str], bool] | None
    ) -> Spot | None:
        tier, vip_only = self.standing.tier, self.standing.vip_only
        lowest = self.state.lowest_tier
        found = None
        for line in group.tighten(channel):
            if (line.vip or not vip_only) and (tier <= line.tier or tier <= lowest[line.vip]):
                spot = line.first(passes)
                if spot is not None and spot.place.entry < limit:
                    found, limit = spot, spot.place.entry
        return found


class Pool:
    """Free agents in order. A change costs a search in O(log n) and a move of memory."""

    __slots__ = ("items", "order")

    def __init__(self) -> None:
        self.order: list[Item] = []
        self.items: dict[Seat, Item] = {}

    def add(self, item: Item) -> None:
        """Stand in the order."""
        insort(self.order, item)
        self.items[item[4].seat] = item

    def remove(self, item: Item) -> None:
        """Step out."""
        del self.order[bisect_left(self.order, item)]
        del self.items[item[4].seat]

    def first(self, able: set[Seat], barred: Collection[str] = NOBODY) -> Item | None:
        """The first in order who is able and not barred."""
        for item in self.order[:WALK]:
            if item[4].seat in able and item[3] not in barred:
                return item
        if len(self.order) <= WALK:
            return None
        return min(self.all(able, barred), default=None)

    def all(self, able: set[Seat], barred: Collection[str] = NOBODY) -> list[Item]:
        """Everybody able and not barred, in no order."""
        items = self.items
        both = (items[seat] for seat in able.intersection(items))
        return [item for item in both if item[3] not in barred]
