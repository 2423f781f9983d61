"""What a simulation showed: a table for the terminal and a page to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.charts import Chart, Line, around_zero, shown
from evals.report import TEMPLATES, setup_of_this_machine
from evals.simulation import ALL, Comparison, Difference, Study
from evals.statistics import Interval
from evals.table import BOLD, DIM, GREEN, RED, YELLOW, layout, paint
from router.simulate.scenario import Scenario
from router.simulate.tally import BY_KEY, MEASURES, Measure, edges

TILES = ("service_level", "asa_s", "abandonment", "occupancy")
CHARTS = ("service_level", "asa_s", "abandonment", "occupancy", "arrived", "signed_in")
COLOURS = {"better": GREEN, "worse": RED, "differs": YELLOW, "unsure": DIM}
SAID = {
    "better": "better",
    "worse": "worse",
    "differs": "differs",
    "unsure": "may be chance",
}


def text_report(study: Study, comparison: Comparison | None = None) -> str:
    """Figures by scope with half of their 95 % interval; then the differences, if any."""
    lines = [paint(study.scenario.name, BOLD), *_table(study)]
    if comparison is not None:
        lines += ["", paint(comparison.second.scenario.name, BOLD), *_table(comparison.second)]
        lines += ["", *_differences(comparison)]
    runs = len(study.tallies)
    lines += ["", paint(f"{runs} runs; ± is half of the 95 % interval of the mean", DIM)]
    lines.append(paint(speed(study), DIM))
    return "\n".join(lines)


def _table(study: Study) -> list[str]:
    measures = [measure for measure in MEASURES if _moves(study, measure)]
    rows = []
    for scope in study.scopes:
        cells = [_cell(study, scope, measure) for measure in measures]
        rows.append((scope, *cells))
    header = ("", *[measure.short for measure in measures])
    lines = layout(header, rows, right=range(1, len(header)))
    if len(study.teams) > 1:
        lines += ["", *_team_table(study)]
    return lines


def _team_table(study: Study) -> list[str]:
    keys = ("occupancy", "spread")
    rows = [
        (team, *[_with_half(study.figure(team, key), BY_KEY[key].unit) for key in keys])
        for team in study.teams
    ]
    return layout(("agents", *[BY_KEY[key].title for key in keys]), rows, right=(1, 2))


def _differences(comparison: Comparison) -> list[str]:
    rows, colours = [], []
    for each in comparison.differences:
        unit = each.measure.unit
        rows.append(
            (
                each.scope,
                each.measure.title,
                shown(each.first.value, unit),
                shown(each.second.value, unit),
                changed(each.change.value, unit),
                f"{changed(each.change.low, unit)} to {changed(each.change.high, unit)}",
                SAID[each.verdict],
            )
        )
        colours.append(COLOURS[each.verdict])
    header = ("", "figure", "first", "second", "change", "95 % interval", "")
    lines = layout(header, rows, right=(2, 3, 4))
    painted = [paint(line, colour) for line, colour in zip(lines[2:], colours, strict=True)]
    return [*lines[:2], *painted, "", *summary(comparison)]


def summary(comparison: Comparison) -> list[str]:
    """What may be said: the real differences by scope, and how many are not known to be."""
    said = []
    for scope in comparison.first.scopes:
        real = [each for each in comparison.differences if each.scope == scope and each.real]
        if real:
            who = "Everybody" if scope == ALL else scope
            said.append(f"{who}: {'; '.join(_phrase(each) for each in real)}.")
    unsure = sum(not each.real for each in comparison.differences)
    if unsure:
        runs = len(comparison.first.tallies)
        said.append(f"{unsure} of {len(comparison.differences)} may be chance after {runs} runs.")
    return said


def _phrase(each: Difference) -> str:
    unit, title = each.measure.unit, each.measure.title
    first, second = shown(each.first.value, unit), shown(each.second.value, unit)
    name = title[0].lower() + title[1:]
    return f"{name} {changed(each.change.value, unit)}, {SAID[each.verdict]} ({first} → {second})"


def changed(value: float, unit: str) -> str:
    """A change with its sign; of shares in percentage points."""
    return shown(value, unit, sign=True).replace(" %", " pt")


def _cell(study: Study, scope: str, measure: Measure) -> str:
    if not study.has(scope, measure.key):
        return ""
    return _with_half(study.figure(scope, measure.key), measure.unit)


def _with_half(found: Interval, unit: str) -> str:
    if math.isnan(found.value):
        return "–"
    half = shown(found.half, unit).replace(" %", "").replace(f" {unit}", "") if unit else ""
    return f"{shown(found.value, unit)} ±{half}" if half else shown(found.value, unit)


def _moves(study: Study, measure: Measure) -> bool:
    """Whether any scope has anything but nought to say of it."""
    return any(
        any(study.sums(scope, measure.key)[0])
        for scope in study.scopes
        if study.has(scope, measure.key)
    )


def speed(study: Study) -> str:
    """How much was simulated in which time."""
    rate = study.interactions / study.took_s if study.took_s else 0.0
    took = f"{study.took_s:.1f} s of one processor ({rate:,.0f} per second)"
    return f"{study.interactions:,} interactions in {took}"


# -- the page -------------------------------------------------------------------------------


def html_report(study: Study, comparison: Comparison | None = None) -> str:
    """A self-contained page: no scripts, fonts or pictures from elsewhere."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "shown": shown,
        "changed": changed,
        "around_zero": around_zero,
        "with_half": _with_half,
    }
    studies = [study] if comparison is None else [comparison.first, comparison.second]
    return environment.get_template("simulation.html").render(
        studies=studies,
        comparison=comparison,
        said=SAID,
        summary=summary(comparison) if comparison else [],
        tiles=[BY_KEY[key] for key in TILES],
        measures=[m for m in MEASURES if any(_moves(each, m) for each in studies)],
        sections=_sections(studies),
        targets=_targets(studies),
        began=_began(study.scenario),
        speed=speed(study),
        setup=setup_of_this_machine(),
    )


def _sections(studies: Sequence[Study]) -> list[tuple[str, list[tuple[Measure, Chart]]]]:
    """The plots by scope: those of everybody, then those that both studies have."""
    scopes = [s for s in studies[0].scopes if all(s in study.scopes for study in studies)]
    sections = []
    for scope in scopes:
        keys = [key for key in CHARTS if _drawn(studies, scope, key)]
        sections.append((scope, [(BY_KEY[key], _chart(studies, scope, key)) for key in keys]))
    return sections


def _drawn(studies: Sequence[Study], scope: str, key: str) -> bool:
    return all(study.has(scope, key) for study in studies) and any(
        any(study.sums(scope, key)[0]) for study in studies
    )


def _chart(studies: Sequence[Study], scope: str, key: str) -> Chart:
    measure = BY_KEY[key]
    lines = [
        Line(study.scenario.name, style, study.course(scope, key))
        for study, style in zip(studies, ("first", "second"), strict=False)
    ]
    return Chart(measure.title, measure.unit, _labels(studies[0].scenario), lines)


def _labels(scenario: Scenario) -> list[str]:
    """The local time at which each interval begins; with the day when there are several."""
    zone = ZoneInfo(scenario.timezone)
    form = "%a %H:%M" if scenario.duration_s > 26 * 3600 else "%H:%M"
    return [
        datetime.fromtimestamp(scenario.start + float(cut), zone).strftime(form)
        for cut in edges(scenario)[:-1]
    ]


def _began(scenario: Scenario) -> str:
    begin = datetime.fromtimestamp(scenario.start, ZoneInfo(scenario.timezone))
    hours = f"{scenario.duration_s / 3600:g} h from {begin:%A %H:%M} ({scenario.timezone})"
    warm_up = scenario.warm_up_s / 60
    return f"{hours}, the first {warm_up:g} min not counted" if warm_up else hours


def _targets(studies: Sequence[Study]) -> str:
    """The queues' targets, which the service level is measured by."""
    found = {
        f"{queue.name} {queue.target_s} s"
        for study in studies
        for queue in study.scenario.queues.values()
    }
    return ", ".join(sorted(found))


def write_report(path: Path, study: Study, comparison: Comparison | None) -> None:
    """Write the page, and the folder for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html_report(study, comparison), encoding="utf-8")
