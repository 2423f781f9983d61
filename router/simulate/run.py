"""A day in virtual time with the distributor that the real day has (docs/acd.md, simulation).

1. ``router.acd.core.Acd`` decides, as in production; nothing here knows its rules. What is
   simulated is the world around it: customers come, wait, give up; agents sign in, answer
   after a while or not at all, talk, wrap up, go home.
2. The next thing to happen is the next arrival, the next event of a heap, or the moment at
   which time alone makes a match possible (``Acd.wake_at``). After each, the distributor
   is asked until it has no more.
3. An agent whose shift ends finishes the work in hand. When all is over, whoever still
   waits is counted as unserved.

Times inside are seconds since the epoch; those of the record count from the start.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from router.acd import Acd, Match, Waiting
from router.acts.wrapup import STRICT, TIMED
from router.company import Queue
from router.model import Channel
from router.rules import When
from router.simulate.crew import Crew, Spans, Worker, uniforms
from router.simulate.demand import Chance, Demand, Flags, Floats, Ints, Stream
from router.simulate.detours import Detours, applies
from router.simulate.scenario import Scenario

Distributor = Callable[[Mapping[str, Queue], Callable[[], float]], Acd]
COMING, WAITING, RINGING, GONE = range(4)
"""Where a customer stands."""
NOBODY = -1


class Outcome(IntEnum):
    """How it ended for a customer. ``ELSEWHERE``: an overflow rule sent them away."""

    UNSERVED = 0
    ANSWERED = 1
    ABANDONED = 2
    ELSEWHERE = 3


@dataclass(frozen=True, slots=True)
class Record:
    """What happened. Columns by customer in the demand's order, then the agents' time.

    ``wait_s`` is the time until answered, given up or sent elsewhere; ``queued``: nobody was
    free on arrival; ``agent`` is the place in ``agents``, -1 for none; ``handle_s`` is talk
    and wrap-up. ``busy`` are times with at least one piece of work, ``duty`` times signed in,
    work after the shift included.
    """

    outcome: Ints
    wait_s: Floats
    queued: Flags
    agent: Ints
    handle_s: Floats
    agents: tuple[str, ...]
    busy: Spans
    duty: Spans


def simulate(
    scenario: Scenario, demand: Demand, chance: Chance, distributor: Distributor = Acd
) -> Record:
    """Put this demand before the scenario's agents and rules; the same input, the same record."""
    floor = _Floor(scenario, demand, chance, distributor)
    floor.run()
    return floor.record()


@dataclass(frozen=True, slots=True)
class _Entry:
    """How a stream's customers enter: what is the same for all of them.

    ``boost_s`` is the head start of a priority customer beyond the others'. ``rules`` says
    whether anything may send them elsewhere.
    """

    stream: Stream
    queues: tuple[str, ...]
    head_start_s: int
    boost_s: int
    rules: bool


class _Floor:
    """The event loop. ``_events`` holds ``(time, number, what to do, with what)``."""

    def __init__(
        self, scenario: Scenario, demand: Demand, chance: Chance, distributor: Distributor
    ) -> None:
        self._scenario = scenario
        self._now = scenario.start
        self._acd = distributor(scenario.queues, uniforms(chance, "distributor"))
        self._crew = Crew(scenario.staff, scenario.queues, self._acd, chance, scenario.start)
        self._detours = Detours(scenario.company, self._acd, self._crew)
        queues = scenario.queues
        self._entries = [_entry(stream, queues[stream.queue]) for stream in scenario.streams]
        self._estimates = any(_estimates(queue) for queue in queues.values())
        # Who only has calls has one thing in hand, and a wrap-up keeps from nothing else.
        self._several_at_once = any(s.channel is not Channel.VOICE for s in scenario.streams)
        self._wrapping: set[int] = set()
        self._wrap_up_limit_s = {name: _longest_wrap_up_s(q) for name, q in queues.items()}
        self._events: list[tuple[float, int, Callable[..., None], tuple[int, ...]]] = []
        self._number = 0
        # Lists and not arrays: single values are read, and Python reads those faster.
        self._at: list[float] = (demand.at + scenario.start).tolist()
        self._stream: list[int] = demand.stream.tolist()
        self._talk_s: list[float] = demand.talk_s.tolist()
        self._wrap_up_s: list[float] = demand.wrap_up_s.tolist()
        self._patience_s: list[float] = demand.patience_s.tolist()
        self._vip: list[bool] = demand.vip.tolist()
        count = len(demand)
        self._ids = [f"{i:09d}" for i in range(count)]
        self._state = [COMING] * count
        self._outcome = [int(Outcome.UNSERVED)] * count
        self._left_at = list(self._at)
        self._queued = [False] * count
        self._agent = [NOBODY] * count
        self._handle_s = [0.0] * count
        self._ringing: dict[int, tuple[str, ...]] = {}
        self._rings_in: dict[int, str] = {}

    # -- the loop --------------------------------------------------------------------

    def run(self) -> None:
        """From the first sign-on until nothing can happen any more."""
        self._plan_shifts()
        events, at, acd = self._events, self._at, self._acd
        coming, count = 0, len(at)
        while True:
            arrival = at[coming] if coming < count else math.inf
            due = events[0][0] if events else math.inf
            wake = acd.wake_at()
            if wake is not None and self._now < wake < min(arrival, due):
                self._now = wake
            elif due <= arrival:
                if due == math.inf:
                    return
                self._now, _, act, subject = heapq.heappop(events)
                act(*subject)
            else:
                self._now = arrival
                self._arrive(coming)
                coming += 1
                continue
            self._settle()

    def record(self) -> Record:
        """Everything as arrays. Whoever still waits has waited until now."""
        end = max(self._now, self._scenario.start + self._scenario.duration_s)
        left_at = np.asarray(self._left_at)
        outcome = np.asarray(self._outcome, dtype=np.int64)
        left_at[outcome == Outcome.UNSERVED] = end
        busy, duty = self._crew.close(end)
        return Record(
            outcome=outcome,
            wait_s=left_at - np.asarray(self._at),
            queued=np.asarray(self._queued, dtype=bool),
            agent=np.asarray(self._agent, dtype=np.int64),
            handle_s=np.asarray(self._handle_s),
            agents=tuple(worker.agent.id for worker in self._crew.workers),
            busy=busy,
            duty=duty,
        )

    def _later(self, when: float, act: Callable[..., None], *subject: int) -> None:
        self._number += 1
        heapq.heappush(self._events, (when, self._number, act, subject))

    def _settle(self) -> None:
        """Rule 2: ask until there is no more."""
        ask, now = self._acd.next, self._now
        while (match := ask(now)) is not None:
            self._offer(match)

    # -- customers ---------------------------------------------------------------------

    def _arrive(self, i: int) -> None:
        waiting = self._waiting(i)
        self._state[i] = WAITING
        if self._entries[self._stream[i]].rules:
            self._detours.enter(waiting, self._now)
            self._follow_rules(i)
        else:
            self._acd.join(waiting)
        self._settle()
        state, patience_s = self._state[i], self._patience_s[i]
        if state == WAITING:
            self._queued[i] = True
        if state != GONE and patience_s != math.inf:
            self._later(self._now + patience_s, self._give_up, i)

    def _waiting(self, i: int) -> Waiting:
        entry, vip = self._entries[self._stream[i]], self._vip[i]
        return Waiting(
            self._ids[i],
            entry.queues,
            entry.stream.channel,
            self._at[i],
            entry.stream.asked,
            entry.head_start_s + entry.boost_s if vip else entry.head_start_s,
            vip,
        )

    def _give_up(self, i: int) -> None:
        if self._state[i] == WAITING:
            self._acd.leave(self._ids[i])
        elif self._state[i] == RINGING:
            self._release(i, self._ringing.pop(i))
        else:
            return
        self._gone(i, Outcome.ABANDONED)

    def _gone(self, i: int, outcome: Outcome) -> None:
        self._state[i] = GONE
        self._outcome[i] = outcome
        self._left_at[i] = self._now

    def _follow_rules(self, i: int) -> None:
        """Everything that the overflow rules want now; then a timer for the next time."""
        name = self._ids[i]
        while (due := self._detours.look_at(name, self._now)) is not None:
            if due > self._now:
                self._later(due, self._look, i)
                return
            if self._detours.look(name, self._now):
                self._sent_elsewhere(i)
                return

    def _look(self, i: int) -> None:
        if self._state[i] != WAITING:
            return
        if self._detours.look(self._ids[i], self._now):
            self._sent_elsewhere(i)
        else:
            self._follow_rules(i)

    def _sent_elsewhere(self, i: int) -> None:
        self._acd.leave(self._ids[i])
        self._gone(i, Outcome.ELSEWHERE)

    # -- agents ------------------------------------------------------------------------

    def _plan_shifts(self) -> None:
        for worker in self._crew.workers:
            if not worker.staff.shifts:
                self._crew.sign_on(worker, self._now)
            for begin, end in worker.staff.shifts:
                start = self._scenario.start
                self._later(start + begin, self._sign_on, worker.place)
                self._later(start + end, self._sign_off, worker.place)

    def _sign_on(self, place: int) -> None:
        self._crew.sign_on(self._crew.workers[place], self._now)

    def _sign_off(self, place: int) -> None:
        self._crew.sign_off(self._crew.workers[place], self._now)

    def _come_back(self, place: int) -> None:
        worker = self._crew.workers[place]
        if worker.on_duty:
            self._crew.sign_on(worker, self._now)

    def _offer(self, match: Match) -> None:
        i = int(match.interaction_id)
        if len(match.agent_ids) == 1:
            worker = self._crew.by_id[match.agent_ids[0]]
            if worker.answers_at_once:
                self._answer(i, worker, match.queue)
                return
        workers = [self._crew.by_id[agent_id] for agent_id in match.agent_ids]
        delays = [self._crew.answer_after(worker) for worker in workers]
        first = min(range(len(delays)), key=delays.__getitem__)
        if not delays[first]:
            self._release(i, match.agent_ids, but=workers[first])
            self._answer(i, workers[first], match.queue)
            return
        self._state[i] = RINGING
        self._ringing[i] = match.agent_ids
        self._rings_in[i] = match.queue
        channel = self._entries[self._stream[i]].stream.channel
        offer_s = self._scenario.queues[match.queue].offer_s[channel]
        if delays[first] < offer_s:
            self._later(self._now + delays[first], self._picked_up, i, workers[first].place)
        else:
            self._later(self._now + offer_s, self._rang_out, i)

    def _picked_up(self, i: int, place: int) -> None:
        if self._state[i] == RINGING:
            worker = self._crew.workers[place]
            self._release(i, self._ringing.pop(i), but=worker)
            self._answer(i, worker, self._rings_in[i])

    def _rang_out(self, i: int) -> None:
        """Nobody answered: they are away, and the customer keeps the place."""
        if self._state[i] != RINGING:
            return
        agent_ids = self._ringing.pop(i)
        self._release(i, agent_ids)
        for agent_id in agent_ids:
            worker = self._crew.by_id[agent_id]
            self._crew.miss(worker, self._now)
            self._later(self._now + worker.staff.back_after_s, self._come_back, worker.place)
        self._state[i] = WAITING
        if self._entries[self._stream[i]].rules:
            self._detours.rejoin(self._ids[i])
            self._follow_rules(i)
        else:
            self._acd.join(self._waiting(i))

    def _release(self, i: int, agent_ids: tuple[str, ...], but: Worker | None = None) -> None:
        """It does not ring there any more."""
        for agent_id in agent_ids:
            if but is None or agent_id != but.agent.id:
                self._acd.lay_down(self._ids[i], agent_id)

    def _answer(self, i: int, worker: Worker, queue_id: str) -> None:
        self._gone(i, Outcome.ANSWERED)
        self._agent[i] = worker.place
        wrap_up_s = min(self._wrap_up_s[i], self._wrap_up_limit_s[queue_id])
        handle_s = self._handle_s[i] = self._talk_s[i] + wrap_up_s
        self._crew.take(worker, self._now)
        if wrap_up_s and self._several_at_once:
            self._later(self._now + self._talk_s[i], self._wrap_up, i, worker.place)
            self._wrapping.add(i)
        self._later(self._now + handle_s, self._finish, i, worker.place)

    def _wrap_up(self, i: int, place: int) -> None:
        self._crew.begin_wrap_up(self._crew.workers[place], self._now)

    def _finish(self, i: int, place: int) -> None:
        worker = self._crew.workers[place]
        self._acd.lay_down(self._ids[i], worker.agent.id)
        if self._estimates:
            stream = self._entries[self._stream[i]].stream
            self._acd.note_handled(stream.queue, stream.channel, self._handle_s[i])
        if i in self._wrapping:
            self._wrapping.remove(i)
            self._crew.end_wrap_up(worker, self._now)
        self._crew.free(worker, self._now, self._talk_s[i], self._handle_s[i])


def _entry(stream: Stream, queue: Queue) -> _Entry:
    return _Entry(
        stream=stream,
        queues=(queue.id,),
        head_start_s=queue.base_s + stream.head_start_s,
        boost_s=queue.rules.boosts.vip_s,
        rules=applies(queue),
    )


def _longest_wrap_up_s(queue: Queue) -> float:
    """An optional one keeps nobody from work, as if there were none (``router.acts.wrapup``)."""
    mode = queue.wrap_up.mode
    if mode not in STRICT:
        return 0.0
    return float(queue.wrap_up.limit_s) if mode in TIMED else math.inf


def _estimates(queue: Queue) -> bool:
    return any(rule.when is When.ESTIMATE for rule in queue.rules.overflow)
