"""Who gets what: the pure decision over those who wait and those who are free (docs/acd.md).

1. Interactions are served by ``joined - head start``: everybody ages at the same rate, so
   the order never changes while they wait. The first who can be served is served.
2. An agent may take it by presence, room for the channel, skills at the present step, tier
   open, and reservation for priority customers; the queue's strategy chooses among them.
3. While somebody prefers an agent who is there, only that agent gets it, whatever the queue,
   skills and tier say: whoever named the agent has checked that. Who said no is not waited for.
4. After ``next`` has said None no pair is possible, until something changes. So only what has
   changed since is looked at: the fresh (people who joined or whose needs eased, agents who
   came or have more room). A decision never walks over all who wait or all who are free.
5. Time alone changes something only at a step, a tier, the end of a refusal or of a
   preference. One timer per person says when; ``wake_at`` is the first.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count

from router.acd.explain import Explanation, Ground, Scene, explain
from router.acd.lines import Entry, Line, Place, Spot, Waiting, waiting_from
from router.acd.matches import Match, Pairing
from router.acd.needs import stage_at
from router.acd.pools import Post
from router.acd.queueing import QueueState, Wish
from router.acd.seats import BITS, Seat, moved_between
from router.acd.strategies import OCCUPANCY_KEPT_S
from router.company import Queue
from router.model import Agent, Channel
from router.rules import Strategy

__all__ = ["Acd", "Match", "Waiting", "waiting_from"]

FIRST_OF_ALL: Entry = (-math.inf, "")
LAST_OF_ALL: Entry = (math.inf, "")
REORDERED_AT_ONCE = 16
"""At most so many idle agents' occupancies are looked at again in one decision."""


class Acd:
    """Everybody who waits and everybody who could take something.

    Times are seconds since the epoch. ``chance`` gives numbers from [0, 1). Queues and agents
    may be named before they are known: a queue without rules has the defaults.
    """

    def __init__(self, queues: Mapping[str, Queue], chance: Callable[[], float]) -> None:
        self._config = queues
        self._chance = chance
        self._carried: dict[str, dict[str, Channel]] = {}
        self._bars: dict[str, dict[str, float]] = {}
        self._bar_ends: list[tuple[float, str, str]] = []
        self._day = ""
        self._clear()

    def _clear(self) -> None:
        self._queues: dict[str, QueueState] = {}
        self._seats: dict[str, Seat] = {}
        self._places: dict[str, Place] = {}
        self._wishers: dict[str, dict[str, Place]] = {}
        self._newcomers: list[Entry] = []
        self._unranked = False
        self._touched: list[Seat] = []
        self._freed: list[tuple[Entry, int, Seat]] = []
        self._turns = count(1)
        self._timers: list[tuple[float, str]] = []
        self._weighed: deque[tuple[float, Seat]] = deque()

    def configure(self, queues: Mapping[str, Queue]) -> None:
        """New rules. Everybody keeps the place, the work in hand and what was measured."""
        places, seats, states = self._places, self._seats, self._queues
        self._config = queues
        self._clear()
        for queue_id, state in states.items():
            self._state(queue_id).inherit(state)
        for old in seats.values():
            seat = self._seat(old.agent_id)
            seat.take_over(old)
            if old.agent is not None:
                self.put_agent(old.agent)
        for place in places.values():
            self.join(place.waiting)

    # -- agents --------------------------------------------------------------------------

    def put_agent(self, agent: Agent) -> None:
        """A new or changed record; the work in hand is kept."""
        seat = self._seat(agent.id)
        before, was_available = seat.agent, seat.available
        self._unpool(seat)
        moved = before is None or moved_between(before, agent)
        if moved:
            self._resign(seat)
        seat.adopt(agent)
        if moved:
            seat.posts = tuple(
                self._state(queue_id).enrol(seat) for queue_id in _each(agent.queues)
            )
        self._sign(seat)
        if agent.work_day.day > self._day:
            self._begin_day(agent.work_day.day)
        if was_available != seat.available:
            self._freshen_wishers(agent.id)
        self._touch(seat)

    def drop_agent(self, agent_id: str) -> None:
        """Not an agent any more; work in hand is remembered for a return."""
        seat = self._seats.get(agent_id)
        if seat is None:
            return
        self._unpool(seat)
        self._resign(seat)
        seat.forget()
        self._freshen_wishers(agent_id)

    def carry(self, interaction_id: str, agent_id: str, channel: Channel) -> None:
        """It rings, is talked with or wrapped up; the same again changes nothing."""
        carriers = self._carried.setdefault(interaction_id, {})
        if carriers.get(agent_id) is channel:
            return
        if agent_id in carriers:
            self.lay_down(interaction_id, agent_id)
            carriers = self._carried.setdefault(interaction_id, {})
        carriers[agent_id] = channel
        seat = self._seat(agent_id)
        self._unpool(seat)
        seat.add(channel, 1)
        self._touch(seat)

    def lay_down(self, interaction_id: str, agent_id: str | None = None) -> None:
        """Not in this agent's hands any more, or in nobody's."""
        carriers = self._carried.get(interaction_id)
        if carriers is None:
            return
        for each in (agent_id,) if agent_id is not None else tuple(carriers):
            channel = carriers.pop(each, None)
            if channel is not None:
                seat = self._seat(each)
                self._unpool(seat)
                seat.add(channel, -1)
                self._touch(seat)
        if not carriers:
            del self._carried[interaction_id]

    # -- those who wait ------------------------------------------------------------------

    def join(self, waiting: Waiting) -> None:
        """Stand in line; the same again changes nothing, something else replaces it."""
        known = self._places.get(waiting.id)
        if known is not None:
            if known.waiting == waiting:
                return
            self.leave(waiting.id)
        place = Place(waiting)
        states = [self._state(queue_id) for queue_id in _each(waiting.queues)]
        place.spots = tuple(Spot(place, s, s.stages_of(waiting.asked)) for s in states)
        self._places[waiting.id] = place
        self._unranked = True
        for state in states:
            state.admit(waiting.channel)
        if waiting.prefer_agent is not None:
            self._wishers.setdefault(waiting.prefer_agent, {})[waiting.id] = place
        self._freshen(place)

    def leave(self, interaction_id: str) -> None:
        """Step out of every line."""
        place = self._places.pop(interaction_id, None)
        if place is None:
            return
        place.step_out()
        for spot in place.spots:
            spot.state.release(place.waiting.channel)
            if place.ranked:
                spot.state.rank.remove(place.entry)
        # Place and spots name each other: apart, they are forgotten at once, not by the collector.
        place.spots = ()
        wished = place.waiting.prefer_agent
        if wished is not None:
            wishers = self._wishers[wished]
            del wishers[interaction_id]
            if not wishers:
                del self._wishers[wished]

    def bar(self, interaction_id: str, agent_id: str, until: float) -> None:
        """This agent said no to it and is not asked again before ``until``."""
        self._bars.setdefault(interaction_id, {})[agent_id] = until
        self._seat(agent_id).barred[interaction_id] = until
        heapq.heappush(self._bar_ends, (until, interaction_id, agent_id))
        place = self._places.get(interaction_id)
        if place is not None:
            self._freshen(place)

    def gate(self, queue_id: str, shut: bool, why: str = "") -> None:
        """Offer nothing of this queue (``shut``), or offer it again."""
        state = self._state(queue_id)
        was, state.shut = state.shut, why if shut else None
        if was is not None and not shut:
            self._retry(state)
            for wishers in self._wishers.values():
                for place in wishers.values():
                    if queue_id in place.waiting.queues:
                        self._freshen(place)

    def note_handled(self, queue_id: str, channel: Channel, seconds: float) -> None:
        """An interaction of this queue took so long from acceptance to the end of wrap-up."""
        self._state(queue_id).note_handled(channel, seconds)

    # -- decisions -----------------------------------------------------------------------

    def next(self, now: float) -> Match | None:
        """The best pair, applied: it has left the room and its agents carry it.

        None when no pair is possible. To undo: ``lay_down`` and ``join``.
        """
        self._fire(now)
        self._pool_touched(now)
        newcomer = self._first_newcomer(now)
        limit = newcomer.spot.place.entry if newcomer else None
        earlier = self._first_for_freed(now, limit)
        pairing = self._pair(earlier, now) if earlier else newcomer
        return self._apply(pairing, now) if pairing else None

    def settle(self, now: float) -> None:
        """Let time pass without deciding, where somebody only looks on: all stand in line."""
        self._fire(now)
        self._pool_touched(now)
        self._freed.clear()
        newcomers, self._newcomers = self._newcomers, []
        for entry in newcomers:
            place = self._places.get(entry[1])
            if place is not None and place.fresh and place.entry == entry:
                self._settle(place, now)

    def wake_at(self) -> float | None:
        """When time alone may make a match possible; None when never."""
        timers = self._timers
        while timers:
            due, interaction_id = timers[0]
            place = self._places.get(interaction_id)
            if place is not None and place.due == due:
                return due
            heapq.heappop(timers)
        return None

    def _fire(self, now: float) -> None:
        timers, ends, weighed = self._timers, self._bar_ends, self._weighed
        while timers and timers[0][0] <= now:
            due, interaction_id = heapq.heappop(timers)
            place = self._places.get(interaction_id)
            if place is not None and place.due == due:
                self._freshen(place)
        while ends and ends[0][0] <= now:
            self._unbar(*heapq.heappop(ends))
        for _ in range(REORDERED_AT_ONCE):
            if not weighed or weighed[0][0] + OCCUPANCY_KEPT_S > now:
                break
            pooled_at, seat = weighed.popleft()
            if seat.pooled and seat.pooled_at == pooled_at:
                self._unpool(seat)
                self._pool(seat, now)

    def _unbar(self, until: float, interaction_id: str, agent_id: str) -> None:
        bars = self._bars.get(interaction_id, {})
        if bars.get(agent_id) == until:
            del bars[agent_id]
            self._seat(agent_id).barred.pop(interaction_id, None)
            if not bars:
                del self._bars[interaction_id]

    def _first_newcomer(self, now: float) -> Pairing | None:
        """The first of the fresh who can be served; those before it stand in line now."""
        newcomers = self._newcomers
        while newcomers:
            place = self._places.get(newcomers[0][1])
            if place is not None and place.fresh and place.entry == newcomers[0]:
                pairing = self._pair(place, now)
                if pairing is not None:
                    return pairing
                self._settle(place, now)
            heapq.heappop(newcomers)
        return None

    def _first_for_freed(self, now: float, limit: Entry | None) -> Place | None:
        """The first before ``limit`` whom an agent that came free could take.

        What an agent could take last time bounds what there is now: it can only have got worse.
        """
        freed = self._freed
        while freed:
            bound, turn, seat = freed[0]
            if seat.turn != turn or not seat.pooled:
                heapq.heappop(freed)
                continue
            if limit is not None and bound > limit:
                return None
            place = self._earliest(seat, now)
            if place is None:
                heapq.heappop(freed)
            elif place.entry == bound:
                return place
            else:
                heapq.heapreplace(freed, (place.entry, turn, seat))
        return None

    def _earliest(self, seat: Seat, now: float) -> Place | None:
        """The first in line whom this agent could take."""
        refused = seat.barred
        passes = (lambda each: refused.get(each, now) <= now) if refused else None
        best, limit = None, LAST_OF_ALL
        for channel, line in seat.own_lines.items():
            spot = line.first(self._open) if BITS[channel] & seat.free else None
            if spot is not None and spot.place.entry < limit:
                best, limit = spot, spot.place.entry
        for post in seat.posts:
            if post.state.shut is None and post.state.waiting:
                spot = post.earliest(limit, passes)
                if spot is not None:
                    best, limit = spot, spot.place.entry
        return best.place if best else None

    def _open(self, interaction_id: str) -> bool:
        return _open_spot(self._places[interaction_id]) is not None

    def _pair(self, place: Place, now: float) -> Pairing | None:
        """Who takes it: the one it prefers, else of its queues the first that has somebody."""
        favourite = self._favourite(place, now)
        if favourite is not None:
            spot = _open_spot(place)
            if spot is not None and favourite.free & BITS[place.channel]:
                return Pairing(spot, (favourite,), None)
            return None
        for spot in place.spots:
            state = spot.state
            if not state.free or state.shut is not None:
                continue
            choice = state.choose(self._wish(spot, now))
            if choice is not None:
                seats = tuple(item[4].seat for item in choice.items)
                return Pairing(spot, seats, choice)
        return None

    def _wish(self, spot: Spot, now: float) -> Wish:
        place = spot.place
        waiting = place.waiting
        stage = spot.stages[stage_at(spot.stages, waiting.joined_at, now)]
        bars = self._bars.get(waiting.id)
        barred = frozenset(each for each, until in bars.items() if until > now) if bars else ()
        return Wish(stage, spot.state.scored(spot.stages), BITS[place.channel], waiting.vip, barred)

    def _favourite(self, place: Place, now: float) -> Seat | None:
        """The agent whom alone it waits for now (rule 3)."""
        waiting = place.waiting
        if waiting.prefer_agent is None:
            return None
        if waiting.prefer_until is not None and now >= waiting.prefer_until:
            return None
        seat = self._seats.get(waiting.prefer_agent)
        if seat is None or not seat.available or seat.barred.get(waiting.id, now) > now:
            return None
        return seat

    def _apply(self, pairing: Pairing, now: float) -> Match:
        spot, seats, choice = pairing
        waiting = spot.place.waiting
        ground = Ground(now, waiting, spot.state.queue, spot.stages, choice)
        self.leave(waiting.id)
        carriers = self._carried.setdefault(waiting.id, {})
        for seat in seats:
            if seat.agent_id not in carriers:
                carriers[seat.agent_id] = waiting.channel
                self._unpool(seat)
                seat.add(waiting.channel, 1)
                seat.asked_at = now
                if seat.free:
                    self._pool(seat, now)
        agent_ids = tuple(seat.agent_id for seat in seats)
        return Match(waiting.id, spot.state.queue.id, agent_ids, ground)

    # -- what has changed ------------------------------------------------------------------

    def _freshen(self, place: Place) -> None:
        """It may have become possible to serve this one."""
        if not place.fresh:
            place.step_out()
            place.fresh = True
            heapq.heappush(self._newcomers, place.entry)

    def _freshen_wishers(self, agent_id: str) -> None:
        for place in self._wishers.get(agent_id, {}).values():
            self._freshen(place)

    def _settle(self, place: Place, now: float) -> None:
        """Nobody can serve it now: stand in line, with a timer for what time will change."""
        place.fresh = False
        place.rank()
        waiting = place.waiting
        favourite = self._favourite(place, now)
        moments: list[float] = []
        if favourite is not None:
            line = Line(self._places, place.channel)
            favourite.own_lines.setdefault(place.channel, line).stand(place.spots[0])
            if waiting.prefer_until is not None:
                moments.append(waiting.prefer_until)
        else:
            for spot in place.spots:
                index = stage_at(spot.stages, waiting.joined_at, now)
                spot.state.line_up(spot, spot.stages[index])
                if index + 1 < len(spot.stages):
                    moments.append(waiting.joined_at + spot.stages[index + 1].after_s)
        moments += (until for until in self._bars.get(waiting.id, {}).values() if until > now)
        if moments:
            place.due = min(moments)
            heapq.heappush(self._timers, (place.due, waiting.id))

    def _touch(self, seat: Seat) -> None:
        """This agent may have become able to take something."""
        if seat.free and not seat.touched:
            seat.touched = True
            self._touched.append(seat)

    def _pool_touched(self, now: float) -> None:
        for seat in self._touched:
            seat.touched = False
            if seat.free and not seat.pooled:
                self._pool(seat, now)
                seat.turn = next(self._turns)
                heapq.heappush(self._freed, (FIRST_OF_ALL, seat.turn, seat))
        self._touched.clear()

    def _pool(self, seat: Seat, now: float) -> None:
        seat.pooled, seat.pooled_at = True, now
        aging = False
        for post in seat.posts:
            post.state.pool(post, self._day, now)
            aging = aging or post.state.strategy is Strategy.LEAST_OCCUPIED
        if aging:
            self._weighed.append((now, seat))

    def _unpool(self, seat: Seat) -> None:
        if seat.pooled:
            seat.pooled = False
            for post in seat.posts:
                post.state.unpool(post)

    def _retry(self, state: QueueState) -> None:
        """Compare this queue's free agents with those who wait once more."""
        for seat in state.posts:
            if seat.free:
                self._unpool(seat)
                self._touch(seat)

    def _sign(self, seat: Seat) -> None:
        """Keep count of who is signed in; a tier may open when its lower ones go."""
        for post in seat.posts:
            if post.signed != seat.signed_in:
                self._count(post, seat.signed_in)

    def _count(self, post: Post, signed: bool) -> None:
        post.signed = signed
        if post.state.sign(post, 1 if signed else -1):
            self._retry(post.state)

    def _resign(self, seat: Seat) -> None:
        """Leave every queue."""
        for post in seat.posts:
            post.state.dismiss(post)
            if post.signed:
                self._count(post, False)
        seat.posts = ()

    def _begin_day(self, day: str) -> None:
        """The figures of the day before do not count any more."""
        self._day = day
        for seat in self._seats.values():
            self._unpool(seat)
            self._touch(seat)

    def _state(self, queue_id: str) -> QueueState:
        state = self._queues.get(queue_id)
        if state is None:
            queue = self._config.get(queue_id) or Queue(queue_id, queue_id)
            state = self._queues[queue_id] = QueueState(queue, self._places, self._chance)
        return state

    def _seat(self, agent_id: str) -> Seat:
        seat = self._seats.get(agent_id)
        if seat is None:
            seat = self._seats[agent_id] = Seat(agent_id)
        return seat

    # -- for people --------------------------------------------------------------------------

    def __contains__(self, interaction_id: str) -> bool:
        return interaction_id in self._places

    def waiting(self) -> int:
        """How many wait."""
        return len(self._places)

    def waiting_in(self, queue_id: str) -> int:
        """How many wait in that queue, also those who wait elsewhere too."""
        state = self._queues.get(queue_id)
        return state.waiting if state else 0

    def position(self, interaction_id: str) -> int | None:
        """1 for the first in its own queue, None when it does not wait."""
        place = self._places.get(interaction_id)
        if place is None:
            return None
        self._rank_newcomers()
        return place.spots[0].state.place(place.entry)

    def estimate_s(self, interaction_id: str, now: float) -> float | None:
        """Seconds until it is probably served: 0 when somebody could take it, None unknown.

        While its queues are shut nobody knows.
        """
        place = self._places.get(interaction_id)
        if place is None or _open_spot(place) is None:
            return None
        if self.able(interaction_id, now):
            return 0.0
        return place.spots[0].state.estimate_s(place, now)

    def able(self, interaction_id: str, now: float) -> bool:
        """Whether somebody could take it at once."""
        place = self._places.get(interaction_id)
        self._pool_touched(now)
        return place is not None and self._pair(place, now) is not None

    def beyond(self, queue_id: str, over_s: float, now: float) -> Iterator[str]:
        """Those whose own queue this is and whose estimate is over so many seconds, in order.

        The room must not change meanwhile. Nobody is while the queue is shut.
        """
        state = self._queues.get(queue_id)
        if state is None or state.shut is not None:
            return
        self._rank_newcomers()
        for place in state.beyond(over_s, now):
            if place.spots[0].state is state:
                yield place.waiting.id

    def _rank_newcomers(self) -> None:
        """Everybody has a place, also who has not been compared with the free agents yet."""
        if self._unranked:
            self._unranked = False
            for _, newcomer in self._newcomers:
                if newcomer in self._places:
                    self._places[newcomer].rank()

    def explain(self, interaction_id: str, now: float) -> Explanation | None:
        """Why it still waits; None when it does not."""
        place = self._places.get(interaction_id)
        if place is None:
            return None
        states = [spot.state for spot in place.spots]
        seats = dict.fromkeys(seat for state in states for seat in state.posts)
        favourite = self._favourite(place, now)
        if favourite is not None:
            seats[favourite] = None
        scene = Scene(
            queues=[state.queue for state in states],
            agents=[seat.agent for seat in seats if seat.agent],
            in_hand={seat.agent_id: seat.in_hand() for seat in seats},
            barred=self._bars.get(interaction_id, {}),
            gates={state.queue.id: state.shut for state in states if state.shut is not None},
        )
        return replace(
            explain(place.waiting, scene, now),
            position=self.position(interaction_id),
            estimate_s=self.estimate_s(interaction_id, now),
        )


def _each(queue_ids: tuple[str, ...]) -> Iterable[str]:
    return queue_ids if len(queue_ids) < 2 else dict.fromkeys(queue_ids)


def _open_spot(place: Place) -> Spot | None:
    return next((spot for spot in place.spots if spot.state.shut is None), None)
