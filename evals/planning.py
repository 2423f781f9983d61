"""``python -m evals simulate`` and ``python -m evals staff``: what the options mean."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals import agreement
from evals.simulation import as_json, compare, comparison_json, load_scenario, run_study
from evals.simulation_report import text_report, write_report
from evals.table import layout
from router.errors import BadConfiguration
from router.simulate.scenario import Scenario
from router.staffing import Requirement, Target, Traffic, expect, required

AROUND = 3
"""The staffing table shows so many agents fewer and more than are required."""

Act = Callable[[argparse.Namespace], int]


def add_parsers(acts: Any) -> None:
    """Describe both sub-commands; ``acts`` is what ``add_subparsers`` gave."""
    simulate = acts.add_parser("simulate", help="run a scenario in virtual time")
    simulate.add_argument("scenario", type=Path, nargs="?", help="a YAML file")
    simulate.add_argument("--against", type=Path, help="another one for the same customers")
    simulate.add_argument("--runs", type=int, help="how many days to simulate")
    simulate.add_argument("--report", type=Path, help="write a page")
    simulate.add_argument("--json", type=Path, help="write the figures")
    simulate.add_argument(
        "--agreement", action="store_true", help="compare the simulated figures with the formulas"
    )
    simulate.add_argument(
        "--customers", type=int, default=agreement.CUSTOMERS, help="of a run, for --agreement"
    )
    simulate.set_defaults(plan=_simulate)
    staff = acts.add_parser("staff", help="how many people a load needs (Erlang C and A)")
    staff.add_argument("--per-hour", type=float, required=True, help="interactions per hour")
    staff.add_argument("--aht", type=float, required=True, help="handle time, seconds")
    staff.add_argument("--patience", type=float, help="mean patience, seconds (else endless)")
    staff.add_argument("--share", type=float, default=0.8, help="to be answered in time, 0 to 1")
    staff.add_argument("--within", type=float, default=20.0, help="in time: seconds")
    staff.add_argument("--shrinkage", type=float, default=0.0, help="paid but not there, 0 to 1")
    staff.add_argument("--occupancy", type=float, default=1.0, help="at most, 0 to 1")
    staff.set_defaults(plan=_staff)


def _simulate(options: argparse.Namespace) -> int:
    if options.agreement:
        return _agreement(options.runs or agreement.RUNS, options.customers)
    if options.scenario is None:
        raise BadConfiguration("simulate: expected a scenario file, or --agreement")
    first = _load(options.scenario, options.runs)
    study = run_study(first, progress=_progress)
    comparison = None
    if options.against is not None:
        second = replace(_load(options.against, first.runs), seed=first.seed)
        comparison = compare(study, run_study(second, progress=_progress))
    print(text_report(study, comparison))
    if options.report is not None:
        write_report(options.report, study, comparison)
    if options.json is not None:
        body = as_json(study)
        if comparison is not None:
            body["against"] = as_json(comparison.second)
            body["differences"] = comparison_json(comparison)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    return 0


def _agreement(runs: int, customers: int) -> int:
    checks = agreement.measure(runs=runs, customers=customers, progress=_progress)
    print(agreement.table(checks))
    return 0 if all(check.agrees for check in checks) else 1


def _load(path: Path, runs: int | None) -> Scenario:
    scenario = load_scenario(path)
    return replace(scenario, runs=max(2, runs)) if runs else scenario


def _staff(options: argparse.Namespace) -> int:
    traffic = Traffic(options.per_hour, options.aht, options.patience)
    target = Target(options.share, options.within, options.occupancy)
    print(staffing_table(traffic, target, required(traffic, target, options.shrinkage)))
    return 0


def staffing_table(traffic: Traffic, target: Target, found: Requirement) -> str:
    """The requirement in words, and what a few agents fewer or more would achieve."""
    rows = []
    for agents in range(max(1, found.agents - AROUND), found.agents + AROUND + 1):
        figures = expect(traffic, agents, target.within_s)
        rows.append(
            (
                "→" if agents == found.agents else "",
                str(agents),
                f"{figures.service_level:.1%}",
                f"{figures.asa_s:.1f} s",
                f"{figures.wait_probability:.1%}",
                f"{figures.abandonment:.2%}",
                f"{figures.occupancy:.1%}",
            )
        )
    header = ("", "agents", f"in {target.within_s:g} s", "ASA", "wait", "abandon", "occupancy")
    said = f"{found.agents} agents at work, {found.people} people ({traffic.erlangs:.2f} erlangs)"
    return "\n".join([said, "", *layout(header, rows, right=range(1, 7))])


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="" if text else "\r", file=sys.stderr, flush=True)
