"""The bench ``acd``: what one decision costs, and how that grows with those who wait.

A centre of 50 queues is kept under load in virtual time: agents come free, people join,
leave, and are refused. A decision is one such event and all matches that follow from it,
``next`` until None. The same centre is measured with few and with many waiting:

- ``decision_us_p50``, ``decision_us_p99``, ``decision_us_max``: microseconds of processor
  time per decision with 10,000 agents and 100,000 waiting;
- ``growth``: the median with 100,000 waiting over the median with 1,000;
- ``calm_us_p50``, ``calm_us_p99``: the same with nobody waiting and a third of the agents free;
- ``gates_us_p99``: what a decision costs more in a centre that holds outbound work back, with
  45,000 customers answered in the window (50 a second for a quarter of an hour);
- ``life_us``: joining, being matched and finishing in one small queue, as the simulator does;
- ``bytes_per_waiting``, ``bytes_per_agent``: memory, the waiting's own data included;
- ``times_naive``: how many times faster than the same rules written naively
  (200 agents, 1,000 waiting).
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from random import Random

from evals.bench import Bench
from evals.naive_acd import NaiveAcd
from evals.statistics import percentile
from router.acd import Acd, Waiting
from router.company import Queue
from router.dispatch.blending import Gates
from router.model import Agent, Channel, Presence
from router.rules import (
    ALL_SKILLS,
    Blend,
    Evaluation,
    Membership,
    Rules,
    Step,
    Strategy,
    TierOpening,
    WorkDay,
)

AT_MOST = {"decision_us_p99": 1000.0, "gates_us_p99": 100.0, "growth": 2.0}
AT_LEAST = {"times_naive": 10.0}
SEED = 20260105
BEGIN = 1_767_604_000.0
QUEUES, AGENTS, SKILLS = 50, 10_000, 20
MANY, FEW = 100_000, 1_000
EVENTS, WARM_UP, BLOCK = 20_000, 2_000, 500
SMALL = (200, 1_000)
LIVES = 20_000
ANSWERED = 45_000
BLEND = Blend(inbound=("q0",), target=0.8, within_s=20, window_s=900)
MEASURED = 20_000
HANDLE_S = 240.0
REFUSED_S, REFUSING = 30, 0.05
BUSY = 2 / 3
US = 1e6
Work = tuple[str, str]
"""An interaction in the hands of an agent."""
STRATEGIES = list(Strategy)
TEAM = 12
CHANNELS = (Channel.VOICE, Channel.VOICE, Channel.CHAT, Channel.CHAT, Channel.EMAIL, Channel.SMS)
CAPACITY = {Channel.VOICE: 1, Channel.CHAT: 3, Channel.SMS: 3, Channel.EMAIL: 5}


async def run() -> Bench:
    """Measure everything; about two minutes."""
    calm = Centre(AGENTS, 0).calm()
    loaded, lightly = compared(Centre(AGENTS, MANY), Centre(AGENTS, FEW))
    bytes_per_agent, bytes_per_waiting = memory()
    return Bench(
        "acd",
        {
            "decision_us_p50": percentile(loaded, 0.5),
            "decision_us_p99": percentile(loaded, 0.99),
            "decision_us_max": max(loaded),
            "growth": percentile(loaded, 0.5) / percentile(lightly, 0.5),
            "calm_us_p50": percentile(calm, 0.5),
            "calm_us_p99": percentile(calm, 0.99),
            "gates_us_p99": percentile(gates_us(), 0.99),
            "life_us": life_us(),
            "bytes_per_waiting": bytes_per_waiting,
            "bytes_per_agent": bytes_per_agent,
            "times_naive": times_naive(),
        },
        {"queues": str(QUEUES), "agents": str(AGENTS), "waiting": str(MANY)},
        {
            "decision_us_p50": f"{len(loaded)} decisions",
            "growth": f"{MANY} waiting over {FEW}",
            "calm_us_p50": "nobody waits",
        },
    )


def compared(many: Centre, few: Centre) -> tuple[list[float], list[float]]:
    """Both in turns, so that whatever else the machine does falls on both alike."""
    for centre in (many, few):
        centre.under_load(WARM_UP)
    blocks = [(many.under_load(BLOCK), few.under_load(BLOCK)) for _ in range(EVENTS // BLOCK)]
    return [us for block, _ in blocks for us in block], [us for _, block in blocks for us in block]


class Centre:
    """A contact centre in virtual time, with so many agents and so many who wait."""

    def __init__(self, agents: int, waiting: int) -> None:
        self.draw = Random(SEED)
        self.now = BEGIN
        self.made = 0
        self.queues = {queue.id: queue for queue in map(self.queue, range(QUEUES))}
        self.agents = {agent.id: agent for agent in map(self.agent, range(agents))}
        self.acd = Acd(self.queues, self.draw.random)
        self.names = list(self.agents)
        self.in_hand: list[Work] = []
        self.known: dict[str, Waiting] = {}
        for agent in self.agents.values():
            self.acd.put_agent(agent)
        self.fill(waiting)

    # -- who they are ----------------------------------------------------------------

    def queue(self, number: int) -> Queue:
        """Every strategy in turn; a third with steps, a third with tiers."""
        draw = self.draw
        steps = (
            Step(0, {skill(draw): 3}),
            Step(30, {skill(draw): 2}, frozenset({ALL_SKILLS})),
            Step(60, {}),
        )
        rules = Rules(
            strategy=STRATEGIES[number % len(STRATEGIES)],
            evaluation=Evaluation.BEST if draw.random() < 0.2 else Evaluation.ALL,
            steps=steps if draw.random() < 0.3 else (),
            tiers=(TierOpening(2, 20), TierOpening(3, 60)) if draw.random() < 0.3 else (),
        )
        needs = {skill(draw): 1} if draw.random() < 0.2 else {}
        return Queue(f"q{number}", f"Queue {number}", skills=needs, rules=rules)

    def agent(self, number: int) -> Agent:
        """In one to five queues, with three to eight skills."""
        draw = self.draw
        # Ringing all at once is for small teams: these queues have a dozen agents each.
        small = [n for n in range(QUEUES) if STRATEGIES[n % len(STRATEGIES)] is Strategy.RING_ALL]
        drawn = draw.sample([n for n in range(QUEUES) if n not in small], draw.randint(1, 5))
        drawn += [small[number // TEAM]] if number < TEAM * len(small) else []
        queues = tuple(f"q{n}" for n in drawn)
        tiers = {queue: Membership(draw.randint(1, 3)) for queue in queues if draw.random() < 0.3}
        return Agent(
            id=f"agent-{number}",
            name=f"Agent {number}",
            queues=queues,
            skills={skill(draw): draw.randint(1, 5) for _ in range(draw.randint(3, 8))},
            capacity=CAPACITY,
            presence=Presence.AVAILABLE,
            idle_since=datetime.fromtimestamp(BEGIN - draw.random() * 600, UTC),
            standing=tiers,
            work_day=WorkDay("2026-01-05", draw.randint(0, 40), draw.random() * 9000),
        )

    def waiting(self) -> Waiting:
        """Three in ten ask for a skill, one in fifty prefers an agent, one in twenty is a VIP."""
        draw = self.draw
        self.made += 1
        prefers = draw.random() < 0.02
        return Waiting(
            id=f"interaction-{self.made}",
            queues=(f"q{self.any_queue()}",),
            channel=draw.choice(CHANNELS),
            joined_at=self.now,
            asked={skill(draw): draw.randint(1, 5)} if draw.random() < 0.3 else {},
            head_start_s=draw.choice((0, 0, 0, 30)),
            vip=draw.random() < 0.05,
            prefer_agent=draw.choice(self.names) if prefers else None,
            prefer_until=self.now + 30,
        )

    def any_queue(self) -> int:
        """Small teams get as much less as they are fewer."""
        number = self.draw.randrange(QUEUES)
        small = STRATEGIES[number % len(STRATEGIES)] is Strategy.RING_ALL
        rare = self.draw.random() > TEAM * QUEUES / (3 * len(self.names))
        return number + 1 if small and rare else number

    # -- what happens: prepared, so that only the distributor is timed -----------------

    def fill(self, waiting: int) -> None:
        """Everybody has something to do, and so many wait."""
        while self.acd.waiting() < waiting:
            self.pass_time()
            self.join()()

    def pass_time(self) -> None:
        """As much as lies between two events when everybody is busy."""
        self.now += HANDLE_S / len(self.names) / 4

    def join(self) -> Callable[[], None]:
        """Somebody new."""
        waiting = self.waiting()
        self.known[waiting.id] = waiting

        def joins() -> None:
            self.acd.join(waiting)
            self.decide()

        return joins

    def finish(self) -> Callable[[], None]:
        """Somebody finishes something."""
        interaction_id, agent_id = self.take_work()
        self.known.pop(interaction_id, None)
        agent = self.agents[agent_id]
        day = agent.work_day
        agent = self.agents[agent_id] = replace(
            agent,
            idle_since=datetime.fromtimestamp(self.now, UTC),
            work_day=replace(day, handled=day.handled + 1, talk_s=day.talk_s + HANDLE_S),
        )

        def finishes() -> None:
            self.acd.lay_down(interaction_id)
            self.acd.put_agent(agent)
            self.decide()

        return finishes

    def refuse(self) -> Callable[[], None]:
        """Somebody says no: back to its place."""
        interaction_id, agent_id = self.take_work()
        waiting = self.known[interaction_id]

        def refuses() -> None:
            self.acd.lay_down(waiting.id)
            self.acd.bar(waiting.id, agent_id, self.now + REFUSED_S)
            self.acd.join(waiting)
            self.decide()

        return refuses

    def take_work(self) -> Work:
        """Any piece of work in hand, out of the list."""
        index = self.draw.randrange(len(self.in_hand))
        self.in_hand[index], self.in_hand[-1] = self.in_hand[-1], self.in_hand[index]
        return self.in_hand.pop()

    def decide(self) -> None:
        """All that is possible now; of ring-all's agents the first one accepts."""
        while (match := self.acd.next(self.now)) is not None:
            winner, *others = match.agent_ids
            for agent_id in others:
                self.acd.lay_down(match.interaction_id, agent_id)
            self.in_hand.append((match.interaction_id, winner))

    # -- what is measured ----------------------------------------------------------------

    def under_load(self, events: int) -> list[float]:
        """Microseconds per decision while as many join as leave."""
        level = self.acd.waiting()
        return [timed_us(self.loaded_event(level)) for _ in range(events)]

    def loaded_event(self, level: int) -> Callable[[], None]:
        """Join, finish or refuse."""
        self.pass_time()
        if self.acd.waiting() < level:
            return self.join()
        return self.refuse() if self.draw.random() < REFUSING else self.finish()

    def calm(self) -> list[float]:
        """Microseconds per decision while a third of the agents is free."""
        busy = BUSY * len(self.names)
        while len(self.in_hand) < busy:
            self.join()()
        return [timed_us(self.calm_event(busy)) for _ in range(EVENTS)]

    def calm_event(self, busy: float) -> Callable[[], None]:
        """Join or finish, in turns."""
        self.pass_time()
        return self.join() if len(self.in_hand) < busy else self.finish()


def timed_us(event: Callable[[], None]) -> float:
    """Microseconds of processor time."""
    began = time.process_time()
    event()
    return (time.process_time() - began) * US


def skill(draw: Random) -> str:
    """One of the centre's skills."""
    return f"skill-{draw.randrange(SKILLS)}"


def memory() -> tuple[float, float]:
    """Bytes per agent (their records apart) and per waiting interaction (its data included)."""
    centre = Centre(1_000, 0)
    acd = Acd(centre.queues, centre.draw.random)
    tracemalloc.start()
    try:
        for agent in centre.agents.values():
            acd.put_agent(agent)
            acd.carry(agent.id, agent.id, Channel.VOICE)
        per_agent = tracemalloc.get_traced_memory()[0] / len(centre.agents)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(MEASURED):
            acd.join(centre.waiting())
        acd.next(centre.now)
        return per_agent, (tracemalloc.get_traced_memory()[0] - before) / MEASURED
    finally:
        tracemalloc.stop()


def gates_us() -> list[float]:
    """Microseconds for a customer who is answered, and the look at the gates that follows."""
    gates = Gates({"out": Queue("out", "Outbound", rules=Rules(blend=BLEND))})
    flow, draw = gates.flow("q0"), Random(SEED)
    assert flow is not None
    step_s = BLEND.window_s / ANSWERED
    for n in range(ANSWERED):
        flow.answered(BEGIN + n * step_s, draw.random() * 25)

    def answers(now: float, waited_s: float) -> None:
        flow.answered(now, waited_s)
        gates.look(now)

    moments = (BEGIN + (ANSWERED + n) * step_s for n in range(EVENTS))
    return [timed_us(partial(answers, now, draw.random() * 25)) for now in moments]


def life_us() -> float:
    """Microseconds for one call from joining to the end of the work, as a simulation has it."""
    acd = Acd({"q": Queue("q", "Queue")}, Random(SEED).random)
    since = datetime.fromtimestamp(BEGIN, UTC)
    agents = {
        f"agent-{n}": Agent(
            f"agent-{n}", "", ("q",), {}, {Channel.VOICE: 1}, Presence.AVAILABLE, idle_since=since
        )
        for n in range(50)
    }
    for agent in agents.values():
        acd.put_agent(agent)
    began = time.process_time()
    for n in range(LIVES):
        now = BEGIN + n
        acd.join(Waiting(str(n), ("q",), Channel.VOICE, now))
        match = acd.next(now)
        assert match is not None
        acd.lay_down(str(n))
        acd.put_agent(agents[match.agent_ids[0]])
        assert acd.next(now) is None
    return (time.process_time() - began) / LIVES * US


def times_naive() -> float:
    """How many times faster than the rules written naively, at a size that those can bear."""
    centre = Centre(*SMALL)
    ours = percentile(centre.under_load(WARM_UP), 0.5)
    naive = NaiveAcd(centre.queues, dict(centre.agents), room=centre.known)
    for interaction_id, agent_id in centre.in_hand:
        naive.carry(interaction_id, agent_id, Channel.VOICE)
        naive.room.pop(interaction_id, None)

    def decide() -> None:
        naive.next(centre.now)

    return percentile([timed_us(decide) for _ in range(9)], 0.5) / ours
