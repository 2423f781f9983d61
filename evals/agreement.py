"""Does the distributor, simulated, do what queueing theory says? (docs/acd.md, agreement)

Poisson arrivals, exponential talk times and patience, one queue of equal agents: there the
formulas of ``router.staffing`` are exact, so a difference is a mistake in the distributor,
the simulator or the formula. Each case runs many independent days after a warm-up of several
relaxation times; the seed was chosen before the first run and is not changed.

With so many figures some of the 95 % intervals must miss. Therefore every figure also has a
joint interval, wide enough for all of them to hold together at 95 % (Bonferroni): one of
those that misses is a failure.

Most of the difference between two days is that more or less work happened to arrive. How
much should have arrived is known, so that part is taken out of every figure (a control
variate), which narrows the intervals to a half or a third.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evals.simulation import Study, run_study
from evals.statistics import Interval, controlled_ratio
from evals.table import DIM, GREEN, RED, YELLOW, layout, paint
from router.simulate.scenario import Scenario, parse_scenario
from router.simulate.tally import ALL
from router.staffing import HOUR_S, Figures, Traffic, expect

SEED = 1917
"""The year of Erlang's paper."""
RUNS = 20
CUSTOMERS = 5_000
"""Counted customers of a run."""
RELAXATIONS = 4.0
"""So many relaxation times pass before customers count."""
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the staffing table: ``agents`` and the threshold of the service level."""

    name: str
    traffic: Traffic
    agents: int
    within_s: int = 20

    @property
    def expected(self) -> Figures:
        """What the formula says."""
        return expect(self.traffic, self.agents, self.within_s)


FIRST = Traffic(200, 180)
IMPATIENT = Traffic(200, 180, 300)
BUSY = Traffic(48 * 60, 60)
CASES: tuple[Case, ...] = (
    *(Case(f"100 per 30 min, 180 s, N = {n}", FIRST, n) for n in (11, 12, 13, 14, 15)),
    Case("360 per 30 min, 240 s, N = 55", Traffic(720, 240), 55, 15),
    Case("1000 per h, 300 s, N = 91", Traffic(1000, 300), 91),
    Case("60 per h, 300 s, N = 8", Traffic(60, 300), 8),
    Case("48 per min, 60 s, N = 50", BUSY, 50),
    Case("first, patience 5 min, N = 14", IMPATIENT, 14),
    Case("first, patience 5 min, N = 13", IMPATIENT, 13),
    Case("48 per min, patience 2 min, N = 50", Traffic(48 * 60, 60, 120), 50),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of one case: the formula's value and what the simulation says."""

    case: Case
    figure: str
    expected: float
    found: Interval
    joint: Interval

    @property
    def inside(self) -> bool:
        """Within its own 95 % interval."""
        return self.found.covers(self.expected)

    @property
    def agrees(self) -> bool:
        """Within the interval that holds for all figures together."""
        return self.joint.covers(self.expected)


FIGURES: tuple[tuple[str, str, Callable[[Figures], float]], ...] = (
    ("P(wait)", "waited", lambda figures: figures.wait_probability),
    ("service level", "all_level", lambda figures: figures.service_level),
    ("ASA, s", "asa_s", lambda figures: figures.asa_s),
    ("P(abandon)", "abandonment", lambda figures: figures.abandonment),
    ("occupancy", "occupancy", lambda figures: figures.occupancy),
)
"""The title, the measure of the tally, and where the formula has it."""


def scenario_of(case: Case, customers: int = CUSTOMERS, runs: int = RUNS) -> Scenario:
    """One queue, equal agents, everything exponential."""
    traffic = case.traffic
    warm_up_s = max(HOUR_S, RELAXATIONS * relaxation_s(case))
    patience: object = "never"
    if traffic.patience_s is not None:
        patience = {"exponential": traffic.patience_s}
    return parse_scenario(
        {
            "name": case.name,
            "hours": warm_up_s / HOUR_S + customers / traffic.per_hour,
            "warm_up_min": warm_up_s / 60,
            "interval_min": 60_000,
            "runs": runs,
            "seed": SEED,
            "queues": [{"id": "q", "target_s": case.within_s, "wrap_up": {"mode": "none"}}],
            "people": [{"login": "agent", "queues": ["q"]}],
            "staff": {"agent": {"count": case.agents}},
            "demand": [
                {
                    "queue": "q",
                    "per_hour": traffic.per_hour,
                    "talk_s": {"exponential": traffic.aht_s},
                    "patience_s": patience,
                }
            ],
        }
    )


def relaxation_s(case: Case) -> float:
    """How long a queue remembers: ``AHT/(√N − √A)²``, at most the patience where there is one."""
    gap = math.sqrt(case.agents) - math.sqrt(case.traffic.erlangs)
    memory_s = case.traffic.aht_s / gap**2 if gap else math.inf
    return min(memory_s, case.traffic.aht_s + (case.traffic.patience_s or math.inf))


def checks_of(case: Case, study: Study, figures: int) -> list[Check]:
    """Compare; ``figures`` are how many are looked at in all."""
    strict = 1 - (1 - CONFIDENCE) / figures
    expected = case.expected
    more_work = _more_work(case, study)

    def found(key: str, confidence: float) -> Interval:
        return controlled_ratio(*study.sums(ALL, key), more_work, confidence)

    return [
        Check(case, title, value_of(expected), found(key, CONFIDENCE), found(key, strict))
        for title, key, value_of in FIGURES
        if value_of(expected) or case.traffic.patience_s is not None
    ]


def _more_work(case: Case, study: Study) -> list[float]:
    """By run: by which share more work arrived than the rates say; its true mean is 0."""
    scenario = study.scenario
    counted_s = scenario.duration_s - scenario.warm_up_s
    usual_s = case.traffic.erlangs * counted_s
    return [work_s / usual_s - 1 for work_s in study.sums(ALL, "work_s")[0]]


def figures_in(cases: Sequence[Case]) -> int:
    """How many figures are compared: abandonment only where people abandon."""
    return sum(len(FIGURES) - (case.traffic.patience_s is None) for case in cases)


def measure(
    cases: Sequence[Case] = CASES,
    runs: int = RUNS,
    customers: int = CUSTOMERS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Check]:
    """Simulate every case and compare; ten to twenty seconds for each."""
    checks: list[Check] = []
    for case in cases:
        study = run_study(scenario_of(case, customers, runs), progress=progress)
        checks += checks_of(case, study, figures_in(cases))
    return checks


def table(checks: Sequence[Check]) -> str:
    """For the terminal, and as it stands in docs/acd.md."""
    rows, colours = [], []
    for i, check in enumerate(checks):
        digits = 3 if check.figure == "ASA, s" else 5
        same = i and checks[i - 1].case is check.case
        rows.append(
            (
                "" if same else check.case.name,
                check.figure,
                f"{check.expected:.{digits}f}",
                f"{check.found.value:.{digits}f}",
                f"{check.found.low:.{digits}f}",
                f"{check.found.high:.{digits}f}",
                "inside" if check.inside else "jointly" if check.agrees else "OUTSIDE",
            )
        )
        colours.append(GREEN if check.inside else YELLOW if check.agrees else RED)
    header = ("case", "figure", "formula", "simulated", "95 % from", "to", "")
    lines = layout(header, rows, right=(2, 3, 4, 5))
    painted = [paint(line, colour) for line, colour in zip(lines[2:], colours, strict=True)]
    return "\n".join([*lines[:2], *painted, "", paint(_verdict(checks), DIM)])


def _verdict(checks: Sequence[Check]) -> str:
    inside, agree = sum(c.inside for c in checks), sum(c.agrees for c in checks)
    return (
        f"{inside} of {len(checks)} formulas are inside their own 95 % interval "
        f"({CONFIDENCE * len(checks):.0f} are to be expected), {agree} inside the joint one"
    )
