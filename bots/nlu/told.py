"""A training report for people and for programs: lines for a terminal, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from bots.flow.review.report import Paint
from bots.nlu.fitting import Report

SHOWN = 8
"""So many confusions, and so many phrases, are shown; JSON has them all."""


def lines(name: str, reports: Mapping[str, Report], paint: Paint) -> Iterator[str]:
    """What training found out about a flow, language by language."""
    yield paint("1", f"what the examples of {name} teach")
    if not reports:
        yield "  no intent has examples"
    for report in reports.values():
        yield from _of_language(report, paint)


def _of_language(report: Report, paint: Paint) -> Iterator[str]:
    count = sum(report.examples.values())
    size = f"{len(report.examples)} intents, {count} examples"
    if not report.tried:
        yield f"  {report.language}: {size}: too few to keep any back"
        return
    told = f"{report.accuracy:.0%} understood of {report.tried} examples kept back"
    yield f"  {report.language}: {size}: {told}"
    yield (
        f"    accept {report.accept:.2f}: a sentence below is none of them, as are "
        f"{report.lost:.0%} of the examples and {report.refused:.0%} of those of intents kept back"
    )
    yield (
        f"    clear {report.clear:.2f}: a second intent with this share of the first's score is "
        "asked about"
    )
    if report.confused:
        yield f"    {paint('33', 'taken for each other')}, more different examples help:"
        for pair in report.confused[:SHOWN]:
            yield f"      {pair.first} and {pair.second}, {pair.times} ×"
    if report.doubtful:
        yield f"    {paint('33', 'looks misplaced')}, move or reword it:"
        for one in report.doubtful[:SHOWN]:
            yield f"      “{one.phrase}” of {one.intent}, like {one.rather}"


def as_data(reports: Mapping[str, Report]) -> dict[str, Any]:
    """The reports as JSON data, by language."""
    return {language: asdict(report) for language, report in reports.items()}
