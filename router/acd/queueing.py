"""One queue as the decision sees it: who waits in it, who is free, and whom it asks next."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from sortedcontainers import SortedList

from router.acd.lines import Entry, Place, Spot
from router.acd.needs import FIRST_TIER, Needs, Stage, needs_of, stages
from router.acd.pools import Item, Pool, Post
from router.acd.seats import Seat
from router.acd.skillgroups import SkillGroup, SkillGroups
from router.acd.strategies import BY_CHANCE, ORDER, draw
from router.company import Queue
from router.model import Channel
from router.rules import Evaluation, Strategy

TRIES = 16
"""So many draws are made before everybody eligible is looked up."""
COUNTED = 64
"""Among more free agents than this the eligible ones are not worth counting."""
KEPT_PLANS = 512
"""So many combinations of asked skills are remembered with what they need when."""
SLOTS_KEPT_S = 2.0
"""Who works for a queue is counted at most so often for the estimates."""
LEARNING = 0.1
"""Weight of the newest handle time in the measured mean."""

Kind = tuple[bool, int, Pool]
"""Free agents for priority customers only or for all, with these channels free (bits)."""


class Wish(NamedTuple):
    """What somebody who waits asks of a queue's agents now."""

    stage: Stage
    scored: Needs
    bit: int
    vip: bool
    barred: Collection[str]


class Choice(NamedTuple):
    """Whom the queue would ask, at which stage, of how many of that tier (None: many)."""

    items: list[Item]
    stage: Stage
    tier: int
    eligible: int | None


class QueueState:
    """A queue's rules, its people and its agents."""

    def __init__(
        self, queue: Queue, places: Mapping[str, Place], chance: Callable[[], float]
    ) -> None:
        self.queue = queue
        self.strategy = queue.rules.strategy
        self.rank: Any = SortedList()
        self.waiting = 0
        self.mix: dict[Channel, int] = {}
        self.shut: str | None = None
        self.free = 0
        self.groups = SkillGroups(places)
        self.handle_s: dict[Channel, float] = {}
        self._places = places
        self._chance = chance
        self._key = ORDER[self.strategy]
        self._best = queue.rules.evaluation is Evaluation.BEST
        self._pools: dict[tuple[int, bool, int], Pool] = {}
        self._tiers: list[tuple[int, list[Kind]]] = []
        self.lowest_tier = (FIRST_TIER, FIRST_TIER)
        self._signed: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._stages: dict[Needs, tuple[Stage, ...]] = {}
        self._heaviest = 1
        self._measured: tuple[float, dict[Channel, float]] = (math.inf, {})

    # -- those who wait ------------------------------------------------------------

    def stages_of(self, asked: Mapping[str, int]) -> tuple[Stage, ...]:
        """What an interaction that asks for these skills will need here."""
        key = needs_of(asked) if asked else ()
        made = self._stages.get(key)
        if made is None:
            if len(self._stages) > KEPT_PLANS:
                self._stages.clear()
            made = self._stages[key] = stages(self.queue, asked)
        return made

    def scored(self, stages: tuple[Stage, ...]) -> Needs:
        """The needs by which agents are ranked: those of the first stage."""
        return stages[0].needs if self._best else ()

    def admit(self, channel: Channel) -> None:
        """Somebody waits here."""
        self.waiting += 1
        self.mix[channel] = self.mix.get(channel, 0) + 1

    def release(self, channel: Channel) -> None:
        """Somebody does not wait here any more."""
        self.waiting -= 1
        self.mix[channel] -= 1

    def line_up(self, spot: Spot, stage: Stage) -> None:
        """Let somebody stand where the agents find the people of that stage."""
        group = self.groups.find(stage.needs, self.scored(spot.stages))
        group.line(spot.place.channel, spot.place.waiting.vip, stage.tier).stand(spot)

    def inherit(self, old: QueueState) -> None:
        """What is known of the queue beside its rules."""
        self.shut, self.handle_s = old.shut, old.handle_s

    def place(self, entry: Entry) -> int:
        """1 for the first who waits here."""
        return int(self.rank.bisect_left(entry)) + 1

    # -- the agents ------------------------------------------------------------------

    def enrol(self, seat: Seat) -> Post:
        """An agent of this queue, free or not."""
        assert seat.agent is not None
        post = Post(seat, self, seat.agent.membership(self.queue.id))
        self._heaviest = max(self._heaviest, post.standing.weight)
        self.groups.enrol(post)
        return post

    def dismiss(self, post: Post) -> None:
        """Not an agent of this queue any more."""
        self.groups.dismiss(post)

    def sign(self, post: Post, step: int) -> bool:
        """Somebody signed in (1) or out (-1). True when that may open a tier."""
        before, tier = self.lowest_tier, post.standing.tier
        for vip in (True,) if post.standing.vip_only else (False, True):
            here = self._signed[vip]
            here[tier] = here.get(tier, 0) + step
            if not here[tier]:
                del here[tier]
        ordinary, vip_too = (min(here, default=FIRST_TIER) for here in self._signed)
        self.lowest_tier = (ordinary, vip_too)
        return ordinary > before[False] or vip_too > before[True]

    @property
    def posts(self) -> dict[Seat, Post]:
        """All its agents."""
        return self.groups.posts

    def pool(self, post: Post, day: str, now: float) -> None:
        """A free agent stands in the order of the strategy."""
        seat, standing = post.seat, post.standing
        pool = self._pools.get((standing.tier, standing.vip_only, seat.free))
        if pool is None:
            pool = self._open_pool(standing.tier, standing.vip_only, seat.free)
        item = (*self.order_key(post, day, now), seat.agent_id, post)
        pool.add(item)
        post.pool, post.item = pool, item
        self.free += 1

    def _open_pool(self, tier: int, vip_only: bool, free: int) -> Pool:
        pool = self._pools[tier, vip_only, free] = Pool()
        by_tier: dict[int, list[Kind]] = {}
        for (tier, vip_only, free), each in sorted(self._pools.items(), key=lambda kind: kind[0]):
            by_tier.setdefault(tier, []).append((vip_only, free, each))
        self._tiers = list(by_tier.items())
        return pool

    def unpool(self, post: Post) -> None:
        """The agent is not free any more, or in another way."""
        if post.pool is not None and post.item is not None:
            post.pool.remove(post.item)
            post.pool = post.item = None
            self.free -= 1

    def order_key(self, post: Post, day: str, now: float) -> tuple[float, float, float]:
        """Smaller is asked sooner."""
        return self._key(post.seat, post.standing, post.seat.figures(day), now)

    # -- the decision ------------------------------------------------------------------

    def open_tier(self, stage: Stage, vip: bool) -> int:
        """The highest tier that may be asked now."""
        return max(stage.tier, self.lowest_tier[vip])

    def choose(self, wish: Wish) -> Choice | None:
        """Whom to ask: lowest tier, best score, then the strategy. None when nobody can."""
        group, top = None, self.open_tier(wish.stage, wish.vip)
        for tier, kinds in self._tiers:
            if tier > top:
                break
            pools = [
                pool
                for vip_only, free, pool in kinds
                if free & wish.bit and pool.order and (wish.vip or not vip_only)
            ]
            if not pools:
                continue
            group = group or self.groups.find(wish.stage.needs, wish.scored)
            for able in group.ranks():
                items = self._pick(pools, able, wish.barred)
                if items:
                    return Choice(items, wish.stage, tier, _count(pools, group))
        return None

    def _pick(self, pools: list[Pool], able: set[Seat], barred: Collection[str]) -> list[Item]:
        if self.strategy is Strategy.RING_ALL:
            return sorted(item for pool in pools for item in pool.all(able, barred))
        if self.strategy in BY_CHANCE:
            drawn = self._draw(pools, able, barred)
            return [drawn] if drawn else []
        firsts = [item for pool in pools if (item := pool.first(able, barred))]
        return [min(firsts)] if firsts else []

    def _draw(self, pools: list[Pool], able: set[Seat], barred: Collection[str]) -> Item | None:
        weighted = self.strategy is Strategy.WEIGHTED
        free = sum(len(pool.order) for pool in pools)
        for _ in range(TRIES if free > TRIES else 0):
            # Whoever cannot take it is drawn again: the chances of the others stay the same.
            item = _at(pools, int(self._chance() * free))
            if weighted and self._chance() * self._heaviest >= item[4].standing.weight:
                continue
            if item[4].seat in able and item[3] not in barred:
                return item
        everyone = [item for pool in pools for item in pool.all(able, barred)]
        # A set has no order of its own that chance alone would repeat.
        everyone.sort()
        weights = [item[4].standing.weight if weighted else 1.0 for item in everyone]
        return draw(everyone, weights, self._chance)

    # -- the estimate --------------------------------------------------------------------

    def note_handled(self, channel: Channel, seconds: float) -> None:
        """Learn how long an interaction takes: an exponentially weighted mean."""
        known = self.handle_time_s(channel)
        self.handle_s[channel] = known + LEARNING * (seconds - known)

    def handle_time_s(self, channel: Channel) -> float:
        """The mean measured so far, else what the rules expect."""
        return self.handle_s.get(channel, float(self.queue.rules.expected_s))

    def estimate_s(self, place: Place, now: float) -> float | None:
        """Seconds until those up to ``place`` are served; None while nobody works here.

        Each channel's people take ``handle time / slots``, where an agent's slots count by
        the share of the agent's queues in which people wait. Those ahead are assumed to be
        spread over the channels like all who wait here.
        """
        each_s, mean_s = self._paces(now)
        own_s = each_s.get(place.waiting.channel)
        return None if own_s is None else own_s + (self.place(place.entry) - 1) * mean_s

    def beyond(self, over_s: float, now: float) -> Iterator[Place]:
        """Those who wait here, ranked, and whose estimate is more than ``over_s``; in order.

        Costs what it gives: it begins with the first place for which that can be so.
        """
        each_s, mean_s = self._paces(now)
        if not mean_s:
            return
        most = {channel: (over_s - own_s) / mean_s for channel, own_s in each_s.items()}
        begin = max(0, math.floor(min(most.values())))
        for ahead, (_, interaction_id) in enumerate(self.rank.islice(begin), begin):
            place = self._places[interaction_id]
            if ahead > most.get(place.waiting.channel, math.inf):
                yield place

    def _paces(self, now: float) -> tuple[dict[Channel, float], float]:
        """Seconds from one answer to the next: of each channel that is served, and of all."""
        slots = self._slots(now)
        served = {channel: n for channel, n in self.mix.items() if n and slots.get(channel)}
        if not served:
            return {}, 0.0
        each_s = {channel: self.handle_time_s(channel) / slots[channel] for channel in served}
        mean_s = sum(n * each_s[channel] for channel, n in served.items()) / sum(served.values())
        return each_s, mean_s

    def _slots(self, now: float) -> dict[Channel, float]:
        """How much of each channel the available agents can have in hand for this queue."""
        at, slots = self._measured
        if not at <= now < at + SLOTS_KEPT_S:
            slots = {}
            for seat in self.posts:
                if seat.agent is not None and seat.available:
                    share = 1 / max(1, sum(1 for post in seat.posts if post.state.waiting))
                    for channel, number in seat.agent.capacity.items():
                        slots[channel] = slots.get(channel, 0.0) + number * share
            self._measured = now, slots
        return slots


def _at(pools: list[Pool], index: int) -> Item:
    for pool in pools:
        if index < len(pool.order):
            return pool.order[index]
        index -= len(pool.order)
    raise IndexError(f"only {index} people are free")


def _count(pools: list[Pool], group: SkillGroup) -> int | None:
    """How many of the free meet the needs; None when that is not worth counting."""
    free = sum(len(pool.order) for pool in pools)
    if not group.needs:
        return free
    if free > COUNTED:
        return None
    return sum(len(group.able.intersection(pool.items)) for pool in pools)
