"""The agents of a simulation: who is there, who has work, and what their time went into.

Keeps the records that the distributor looks at as the acts keep them in the database: the
end of the last piece of work, and the figures of the day where a strategy needs them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from operator import attrgetter

import numpy as np

from router.acd import Acd
from router.company import Queue
from router.model import Agent, Presence
from router.presence import NO_ANSWER, WRAP_UP
from router.rules import Strategy, WorkDay
from router.simulate.demand import Chance, Floats, Ints
from router.simulate.scenario import Staff

BATCH = 4096
"""Random numbers are drawn so many at once; one at a time would cost more than a decision."""
KEEPS_DAY = frozenset(
    {Strategy.LEAST_OCCUPIED, Strategy.FEWEST_INTERACTIONS, Strategy.LEAST_TALK_TIME}
)
"""Strategies that look at an agent's figures of the day (round-robin's is kept by the Acd)."""
DAY_S = 86400.0

_NAMES = tuple(field.name for field in fields(Agent))
_values = attrgetter(*_NAMES)
IDLE_SINCE, WORK_DAY = _NAMES.index("idle_since"), _NAMES.index("work_day")
NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Spans:
    """Pieces of agents' time: columns of equal length, seconds from the start."""

    agent: Ints
    begin: Floats
    end: Floats


class Worker:
    """One agent: the record that the distributor sees, and the accounts of time."""

    __slots__ = (
        "agent",
        "answers_at_once",
        "available_s",
        "busy_since",
        "duty_since",
        "idle_since",
        "keeps_day",
        "load",
        "on_duty",
        "place",
        "staff",
        "wrapping",
    )

    def __init__(self, agent: Agent, place: int, staff: Staff, keeps_day: bool) -> None:
        self.agent = agent
        self.place = place
        self.staff = staff
        self.keeps_day = keeps_day
        self.answers_at_once = not staff.missed and staff.answer_s.mean == 0
        self.load = 0
        self.wrapping = 0
        self.on_duty = False
        self.idle_since = self.busy_since = self.duty_since = self.available_s = 0.0


class Crew:
    """Everybody who works. ``start`` is the simulation's beginning in seconds since the epoch."""

    def __init__(
        self,
        staff: tuple[Staff, ...],
        queues: Mapping[str, Queue],
        acd: Acd,
        chance: Chance,
        start: float,
    ) -> None:
        self._acd = acd
        self._start = start
        self.workers = list(_hire(staff, queues))
        self.by_id = {worker.agent.id: worker for worker in self.workers}
        self._answers = {group.agent.id: _answer_times(chance, group) for group in staff}
        self._misses = uniforms(chance, "missed offers")
        self._busy: list[tuple[int, float, float]] = []
        self._duty: list[tuple[int, float, float]] = []

    def sign_on(self, worker: Worker, now: float) -> None:
        """The shift begins, or the agent is back."""
        moment = datetime.fromtimestamp(now, UTC)
        if not worker.on_duty and not worker.load:
            worker.duty_since = now
        worker.on_duty = True
        worker.idle_since = now
        worker.agent = replace(worker.agent, idle_since=moment)
        if worker.wrapping:
            self._be(worker, now, Presence.AWAY, WRAP_UP)
        else:
            self._be(worker, now, Presence.AVAILABLE, "")

    def sign_off(self, worker: Worker, now: float) -> None:
        """The shift ends; work in hand is finished first, and paid."""
        self._be(worker, now, Presence.OFFLINE, "")
        worker.on_duty = False
        if not worker.load:
            self._duty.append((worker.place, worker.duty_since, now))

    def miss(self, worker: Worker, now: float) -> None:
        """An offer rang out: the agent is away, as the acts would have it."""
        self._be(worker, now, Presence.AWAY, NO_ANSWER)

    def begin_wrap_up(self, worker: Worker, now: float) -> None:
        """Nothing is offered on any channel until it is filed (``router.acts.wrapup``)."""
        worker.wrapping += 1
        if worker.agent.presence is Presence.AVAILABLE:
            self._be(worker, now, Presence.AWAY, WRAP_UP)

    def end_wrap_up(self, worker: Worker, now: float) -> None:
        """Filed; ``free`` comes after it."""
        worker.wrapping -= 1
        if not worker.wrapping and worker.agent.presence_reason == WRAP_UP:
            self._be(worker, now, Presence.AVAILABLE, "")

    def staffed(self, queue_id: str) -> bool:
        """Whether anybody of that queue is signed in."""
        return any(worker.on_duty and queue_id in worker.agent.queues for worker in self.workers)

    def answer_after(self, worker: Worker) -> float:
        """Seconds until this agent answers an offer; infinite for one that is missed."""
        if worker.answers_at_once:
            return 0.0
        if worker.staff.missed and self._misses() < worker.staff.missed:
            return NEVER
        return next(self._answers[worker.staff.agent.id])

    def take(self, worker: Worker, now: float) -> None:
        """Work begins."""
        if not worker.load:
            worker.busy_since = now
            worker.available_s = now - worker.idle_since
            if not worker.on_duty:
                # It rang before the shift ended and was answered after.
                worker.duty_since = now
        worker.load += 1

    def free(self, worker: Worker, now: float, talk_s: float, handling_s: float) -> None:
        """A piece of work ended; the distributor must have been told to lay it down."""
        agent = worker.agent
        worker.load -= 1
        if not worker.load:
            self._busy.append((worker.place, worker.busy_since, now))
            if not worker.on_duty:
                self._duty.append((worker.place, worker.duty_since, now))
        day = agent.work_day
        if worker.keeps_day:
            day = self._work_day(worker, now, talk_s, handling_s)
        worker.idle_since = now
        worker.agent = _rested(agent, datetime.fromtimestamp(now, UTC), day)
        self._acd.put_agent(worker.agent)

    def _work_day(self, worker: Worker, now: float, talk_s: float, handling_s: float) -> WorkDay:
        """The figures of the day with this piece of work; a new day begins with none."""
        today = f"{int((now - self._start) // DAY_S):05d}"
        day = worker.agent.work_day
        if day.day != today:
            day = WorkDay(day=today)
        available_s, worker.available_s = worker.available_s, 0.0
        return WorkDay(
            day=today,
            handled=day.handled + 1,
            talk_s=day.talk_s + talk_s,
            handling_s=day.handling_s + handling_s,
            available_s=day.available_s + available_s,
        )

    def close(self, now: float) -> tuple[Spans, Spans]:
        """All times of work and of duty; whoever is still there leaves at ``now``."""
        for worker in self.workers:
            if worker.on_duty:
                self._duty.append((worker.place, worker.duty_since, now))
        return self._spans(self._busy), self._spans(self._duty)

    def _be(self, worker: Worker, now: float, presence: Presence, reason: str) -> None:
        worker.agent = replace(
            worker.agent,
            presence=presence,
            presence_reason=reason,
            presence_since=datetime.fromtimestamp(now, UTC),
        )
        self._acd.put_agent(worker.agent)

    def _spans(self, pieces: list[tuple[int, float, float]]) -> Spans:
        columns = np.asarray(pieces, dtype=np.float64).reshape(-1, 3)
        begin, end = columns[:, 1] - self._start, columns[:, 2] - self._start
        return Spans(columns[:, 0].astype(np.int64), begin, end)


def _rested(agent: Agent, idle_since: datetime, day: WorkDay) -> Agent:
    """``replace`` for the one change that happens once per customer, at a third of its cost."""
    values = list(_values(agent))
    values[IDLE_SINCE], values[WORK_DAY] = idle_since, day
    return Agent(*values)


def uniforms(chance: Chance, purpose: str) -> Callable[[], float]:
    """A source of single random numbers in [0, 1), drawn in batches."""
    generator = chance(purpose)

    def endless() -> Iterator[float]:
        while True:
            yield from generator.random(BATCH).tolist()

    return endless().__next__


def _answer_times(chance: Chance, group: Staff) -> Iterator[float]:
    generator = chance(f"{group.agent.id}: answers")
    while True:
        yield from group.answer_s.draw(generator, BATCH).tolist()


def _hire(staff: tuple[Staff, ...], queues: Mapping[str, Queue]) -> Iterator[Worker]:
    """One worker for each of every group; those of a larger group are numbered from 1."""
    place = 0
    for group in staff:
        agent = group.agent
        keeps = any(queues[queue].rules.strategy in KEEPS_DAY for queue in agent.queues)
        width = len(str(group.count))
        for i in range(group.count):
            name = agent.id if group.count == 1 else f"{agent.id}-{i + 1:0{width}d}"
            yield Worker(replace(agent, id=name), place, group, keeps)
            place += 1
