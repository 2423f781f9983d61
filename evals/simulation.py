"""Run a scenario many times and say what that shows: figures with intervals, differences.

A scenario file may name a ``base`` whose keys it replaces, and a ``company`` file from which
queues and people come. Where a list of seconds is expected there may be the name of a text
file with one number per line. All names are relative to the file in which they stand.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.statistics import Interval, ratio_difference, ratio_interval
from router.errors import BadConfiguration
from router.simulate.demand import Chance, chance_of, draw
from router.simulate.run import simulate
from router.simulate.scenario import COMPANY_KEYS, Scenario, parse_scenario
from router.simulate.tally import ALL, MEASURES, Measure, Sums, Tally, tally

CONFIDENCE = 0.95
COMPARED = ("service_level", "asa_s", "wait_p90_s", "abandonment", "occupancy", "spread")
TOTAL = 0
"""The place of the total among the intervals of a measure."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Study:
    """All runs of one scenario. ``took_s`` is processor time."""

    scenario: Scenario
    tallies: tuple[Tally, ...]
    interactions: int
    took_s: float

    @property
    def scopes(self) -> list[str]:
        """What there are figures of: all, queues of several streams, streams."""
        return list(self.tallies[0].scopes)

    @property
    def teams(self) -> list[str]:
        """The groups of agents."""
        return list(self.tallies[0].teams)

    def has(self, scope: str, key: str) -> bool:
        """Whether there is such a measure there."""
        return key in self.tallies[0].scopes.get(scope, {})

    def sums(self, scope: str, key: str, place: int = TOTAL) -> tuple[list[float], list[float]]:
        """Parts and wholes by run."""
        found = [self._of(run, scope)[key] for run in self.tallies]
        return [float(s.part[place]) for s in found], [float(s.whole[place]) for s in found]

    def figure(
        self, scope: str, key: str, place: int = TOTAL, confidence: float = CONFIDENCE
    ) -> Interval:
        """A measure with its interval; ``place`` 1.. are the intervals of the day."""
        return ratio_interval(*self.sums(scope, key, place), confidence)

    def course(self, scope: str, key: str) -> list[Interval]:
        """The measure through the day."""
        size = len(self._of(self.tallies[0], scope)[key].part)
        return [self.figure(scope, key, place) for place in range(1, size)]

    @staticmethod
    def _of(run: Tally, scope: str) -> Mapping[str, Sums]:
        return run.scopes.get(scope) or run.teams[scope]


@dataclass(frozen=True, slots=True)
class Difference:
    """The second configuration minus the first. ``joint`` holds for all differences at once."""

    scope: str
    measure: Measure
    first: Interval
    second: Interval
    change: Interval
    joint: Interval

    @property
    def real(self) -> bool:
        """Not to be explained by chance, even though many figures were looked at."""
        return not math.isnan(self.joint.value) and not self.joint.covers(0.0)

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``differs`` or ``unsure``."""
        if not self.real:
            return "unsure"
        gain = self.change.value * self.measure.better
        return "better" if gain > 0 else "worse" if gain < 0 else "differs"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two configurations under the same demand."""

    first: Study
    second: Study
    differences: tuple[Difference, ...]


def run_study(
    scenario: Scenario,
    runs: int | None = None,
    chances: Callable[[int], Chance] | None = None,
    progress: Progress = lambda _: None,
) -> Study:
    """Simulate so many independent days. The same seed meets every scenario with the same days."""
    runs = runs or scenario.runs
    tallies, interactions, began = [], 0, time.process_time()
    for run in range(runs):
        progress(f"{scenario.name}: run {run + 1} of {runs}")
        chance = chances(run) if chances else chance_of(scenario.seed, run)
        demand = draw(scenario.streams, scenario.duration_s, chance)
        tallies.append(tally(scenario, demand, simulate(scenario, demand, chance)))
        interactions += len(demand)
    progress("")
    return Study(scenario, tuple(tallies), interactions, time.process_time() - began)


def compare(first: Study, second: Study) -> Comparison:
    """Differences in pairs of runs (common random numbers), with a joint confidence of 95 %.

    The joint intervals are Bonferroni's: with m differences each is held to 1 − 5 %/m.
    Raises ``BadConfiguration`` when the numbers of runs differ.
    """
    if len(first.tallies) != len(second.tallies):
        raise BadConfiguration("a comparison needs the same number of runs of both")
    pairs = list(_comparable(first, second))
    strict = 1 - (1 - CONFIDENCE) / max(1, len(pairs))
    return Comparison(
        first, second, tuple(_difference(first, second, *pair, strict) for pair in pairs)
    )


def _comparable(first: Study, second: Study) -> Sequence[tuple[str, Measure]]:
    """Figures that both have, without those that never move from nought."""
    chosen = []
    for scope in first.scopes:
        for measure in MEASURES:
            both = first.has(scope, measure.key) and second.has(scope, measure.key)
            if measure.key in COMPARED and both:
                parts = [study.sums(scope, measure.key)[0] for study in (first, second)]
                if any(map(any, parts)):
                    chosen.append((scope, measure))
    return chosen


def _difference(
    first: Study, second: Study, scope: str, measure: Measure, strict: float
) -> Difference:
    sums = first.sums(scope, measure.key), second.sums(scope, measure.key)
    return Difference(
        scope,
        measure,
        first.figure(scope, measure.key),
        second.figure(scope, measure.key),
        ratio_difference(*sums, CONFIDENCE),
        ratio_difference(*sums, strict),
    )


# -- files -------------------------------------------------------------------------------


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises ``BadConfiguration`` naming the file and the place."""
    try:
        return parse_scenario(_read(path))
    except BadConfiguration as error:
        raise BadConfiguration(f"{path}: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    raw = _yaml(path)
    merged: dict[str, Any] = {}
    if "base" in raw:
        merged |= _read(path.parent / str(raw.pop("base")))
    if "company" in raw:
        company = _yaml(path.parent / str(raw.pop("company")))
        merged |= {key: company[key] for key in COMPANY_KEYS & set(company)}
    return merged | {key: _with_numbers(value, path.parent) for key, value in raw.items()}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise BadConfiguration(f"not YAML: {error}") from None
    if not isinstance(raw, dict):
        raise BadConfiguration(f"expected a mapping, found {type(raw).__name__}")
    return raw


def _with_numbers(value: Any, folder: Path) -> Any:
    """The same with every named list of seconds read from its file."""
    if isinstance(value, list):
        return [_with_numbers(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _seconds(folder / item)
        if key in ("arrivals_s", "values") and isinstance(item, str)
        else _with_numbers(item, folder)
        for key, item in value.items()
    }


def _seconds(path: Path) -> list[float]:
    try:
        return [float(line) for line in path.read_text(encoding="utf-8").split()]
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"{path}: expected one number per line: {error}") from None


def as_json(study: Study) -> dict[str, Any]:
    """Every figure with its interval, and its course through the day; null for no value."""
    return {
        "scenario": study.scenario.name,
        "runs": len(study.tallies),
        "interactions": study.interactions,
        "interval_s": study.scenario.interval_s,
        "figures": {
            scope: {
                measure.key: {
                    **_plain(study.figure(scope, measure.key)),
                    "by_interval": [_plain(each) for each in study.course(scope, measure.key)],
                }
                for measure in MEASURES
                if study.has(scope, measure.key)
            }
            for scope in study.scopes
        },
        "teams": {team: _plain(study.figure(team, "occupancy")) for team in study.teams},
    }


def comparison_json(comparison: Comparison) -> list[dict[str, Any]]:
    """Every difference: ``change`` with its own and the joint interval, and the verdict."""
    return [
        {
            "scope": each.scope,
            "measure": each.measure.key,
            "change": _plain(each.change),
            "joint": _plain(each.joint),
            "verdict": each.verdict,
        }
        for each in comparison.differences
    ]


def _plain(interval: Interval) -> dict[str, float | None]:
    values = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {
        name: round(value, 6) if math.isfinite(value) else None for name, value in values.items()
    }


__all__ = [
    "ALL",
    "Comparison",
    "Difference",
    "Study",
    "as_json",
    "compare",
    "comparison_json",
    "load_scenario",
    "run_study",
]
