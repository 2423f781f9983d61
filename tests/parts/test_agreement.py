"""The distributor in virtual time against queueing theory (docs/acd.md, agreement).

A short version of ``python -m evals simulate --agreement``: two cases, and that mistakes
of the kinds that matter would not go unnoticed.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.agreement import IMPATIENT, Case, checks_of, figures_in, scenario_of
from evals.simulation import Study, run_study
from router.acd import Acd, Waiting
from router.simulate.demand import chance_of, draw
from router.simulate.run import simulate
from router.simulate.scenario import Scenario
from router.simulate.tally import tally
from router.staffing import Traffic

FIRST = Case("first, N = 14", Traffic(200, 180), 14)
SECOND = Case("impatient, N = 13", IMPATIENT, 13)
RUNS, CUSTOMERS = 12, 1_500
FEW_RUNS, FEW_CUSTOMERS = 12, 900


class LastFirst(Acd):
    """A distributor with a mistake: who came last is served first."""

    def join(self, waiting: Waiting) -> None:
        super().join(replace(waiting, joined_at=-waiting.joined_at))


class TestAgreementWithTheory:
    """Where the formulas are exact the simulation must give their figures."""

    @pytest.mark.parametrize("case", [FIRST, SECOND], ids=lambda case: case.name)
    def test_formula_is_within_the_interval(self, case: Case) -> None:
        study = run_study(scenario_of(case, CUSTOMERS, RUNS))
        for check in checks_of(case, study, figures_in([FIRST, SECOND])):
            assert check.agrees, f"{check.figure}: {check.expected} is not in {check.joint}"

    def test_one_agent_fewer_falls_outside(self) -> None:
        fewer = scenario_of(replace(FIRST, agents=13), FEW_CUSTOMERS, FEW_RUNS)
        assert {"service level", "occupancy"} <= missed(FIRST, run_study(fewer))

    def test_serving_the_last_first_falls_outside(self) -> None:
        found = scenario_of(FIRST, FEW_CUSTOMERS, FEW_RUNS)
        assert "service level" in missed(FIRST, mistaken(found))


def missed(case: Case, study: Study) -> set[str]:
    """The figures whose formula is outside the joint interval."""
    checks = checks_of(case, study, figures_in([FIRST, SECOND]))
    return {check.figure for check in checks if not check.agrees}


def mistaken(found: Scenario) -> Study:
    """All runs with the wrong distributor."""
    tallies = []
    for run in range(found.runs):
        chance = chance_of(found.seed, run)
        demand = draw(found.streams, found.duration_s, chance)
        tallies.append(tally(found, demand, simulate(found, demand, chance, LastFirst)))
    return Study(found, tuple(tallies), 0, 0.0)
