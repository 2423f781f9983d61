"""The bench ``simulate``: how many customers a second of one processor brings through a day.

The simple case: one queue, calls only, equal agents, impatient callers (Erlang A). Counted is
the simulation itself with the real distributor, from the first arrival to the last, in
processor time of this process: the simulator runs on one core and waits for nothing.
"""

from __future__ import annotations

import time
from dataclasses import replace

from evals.agreement import Case, scenario_of
from evals.bench import Bench
from router.simulate.demand import chance_of, draw
from router.simulate.run import simulate
from router.staffing import Traffic

AT_LEAST = {"interactions_per_s": 10_000.0}
CUSTOMERS = 30_000
ROUNDS = 3
SMALL = Case("14 agents", Traffic(200, 180, 300), 14)
LARGE = Case("500 agents", Traffic(9_700, 180, 300), 500)


async def run() -> Bench:
    """Measure both sizes; about half a minute."""
    rate, large = _best(SMALL), _best(LARGE)
    return Bench(
        "simulate",
        {
            "interactions_per_s": round(rate),
            "interactions_per_s_500_agents": round(large),
        },
        {"case": "one queue, voice, longest idle", "clock": "processor time of one core"},
        {"interactions_per_s": f"best of {ROUNDS} rounds of {CUSTOMERS:,} customers"},
    )


def _best(case: Case) -> float:
    """Customers per second in the quickest round: the others were disturbed."""
    scenario = replace(scenario_of(case, CUSTOMERS), warm_up_s=0.0)
    rates = []
    for run in range(ROUNDS):
        chance = chance_of(scenario.seed, run)
        demand = draw(scenario.streams, scenario.duration_s, chance)
        began = time.process_time()
        simulate(scenario, demand, chance)
        rates.append(len(demand) / (time.process_time() - began))
    return max(rates)
