"""What a run of a suite looks like: a table, an HTML page, JUnit XML."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.judges import P95, Verdict, answer_times
from evals.statistics import Share, percentile, wilson
from evals.suite import CHANNELS, Suite
from evals.table import DIM, GREEN, RED, layout, paint

TEMPLATES = Path(__file__).parent / "templates"
BAR_FULL_MS = {"chat": 300.0, "voice": 2000.0}
"""Answer time at which a bar of the page is full, by channel."""
# XML 1.0 §2.2: these cannot stand in a document at all.
FORBIDDEN = {code: " " for code in range(32) if code not in (9, 10, 13)}


@dataclass(frozen=True, slots=True)
class Times:
    """Answer times of one channel, milliseconds."""

    channel: str
    count: int
    median: float
    p95: float
    slowest: float


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run: verdicts in the suite's order and the gates that failed."""

    suite: Suite
    verdicts: tuple[Verdict, ...]
    gates: tuple[str, ...]
    started_at: datetime
    took_s: float
    setup: dict[str, str]

    @property
    def share(self) -> Share:
        """How many conversations passed."""
        return wilson(sum(item.passed for item in self.verdicts), len(self.verdicts))

    @property
    def times(self) -> list[Times]:
        """Answer times of each channel that has any."""
        listed = []
        for channel in CHANNELS:
            values = answer_times(self.verdicts, channel)
            if values:
                middle, late = percentile(values, 0.5), percentile(values, P95)
                listed.append(Times(channel, len(values), middle, late, max(values)))
        return listed


def setup_of_this_machine() -> dict[str, str]:
    """What a figure depends on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count() or 1),
    }


def text_report(result: Result) -> str:
    """The table for a terminal, with the reasons of failures below it."""
    rows = [_row(verdict) for verdict in result.verdicts]
    header = ("", "conversation", "channel", "outcome", "turns", "slowest", "took")
    lines = layout(header, rows, right=(4, 5, 6))
    lines[2:] = [
        paint(line, GREEN if verdict.passed else RED)
        for line, verdict in zip(lines[2:], result.verdicts, strict=True)
    ]
    for verdict in result.verdicts:
        for check in verdict.failures:
            lines.append(f"{paint('✗', RED)} {verdict.script.name}: {check.name}")
            if check.detail:
                lines.append(paint(f"    {check.detail}", DIM))
    lines.append("")
    lines.append(f"passed {result.share}")
    for times in result.times:
        lines.append(
            f"{times.channel} answers: median {times.median:.0f} ms, "
            f"95th percentile {times.p95:.0f} ms, slowest {times.slowest:.0f} ms ({times.count})"
        )
    for gate in result.gates:
        lines.append(f"{paint('gate', RED)}: {gate}")
    if not result.gates:
        lines.append(paint("all gates passed", GREEN))
    return "\n".join(lines)


def _row(verdict: Verdict) -> tuple[str, ...]:
    played = verdict.played
    times = [item.answer_ms for item in played.exchanges[1:] if item.answer_ms is not None]
    outcome = f"{played.outcome} → {played.queue}" if played.queue else played.outcome
    return (
        "✓" if verdict.passed else "✗",
        verdict.script.name,
        verdict.script.channel,
        outcome or "-",
        str(max(0, len(played.exchanges) - 1)),
        f"{max(times):.0f} ms" if times else "-",
        f"{played.took_s:.1f} s",
    )


def html_report(result: Result) -> str:
    """A self-contained page: no scripts, fonts or pictures from elsewhere."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        result=result,
        full_ms=BAR_FULL_MS,
        checks=sum(len(item.checks) for item in result.verdicts),
        failed=[item for item in result.verdicts if not item.passed],
    )


def junit_report(result: Result) -> str:
    """JUnit XML as CI servers read it: one case per conversation, one per failed gate."""
    root = ElementTree.Element("testsuites", name="parley")
    failed = sum(not item.passed for item in result.verdicts)
    body = ElementTree.SubElement(
        root,
        "testsuite",
        name=result.suite.name,
        tests=str(len(result.verdicts) + 1),
        failures=str(failed + bool(result.gates)),
        errors="0",
        time=f"{result.took_s:.3f}",
        timestamp=result.started_at.isoformat(timespec="seconds"),
    )
    for verdict in result.verdicts:
        case = _case(body, verdict.script.name, result.suite.name, verdict.played.took_s)
        if not verdict.passed:
            _fail(case, [f"{check.name}: {check.detail}" for check in verdict.failures])
        spoken = "\n".join(f"{who}: {text}" for who, text in transcript(verdict))
        ElementTree.SubElement(case, "system-out").text = spoken.translate(FORBIDDEN)
    gates = _case(body, "gates", result.suite.name, 0.0)
    if result.gates:
        _fail(gates, result.gates)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def transcript(verdict: Verdict) -> list[tuple[str, str]]:
    """Who said what, from the customer's side."""
    lines = []
    for exchange in verdict.played.exchanges:
        if exchange.said:
            lines.append(("customer", exchange.said))
        lines.extend(("bot", reply) for reply in exchange.replies)
    return lines


def _case(body: ElementTree.Element, name: str, suite: str, took_s: float) -> ElementTree.Element:
    return ElementTree.SubElement(
        body, "testcase", name=name, classname=suite, time=f"{took_s:.3f}"
    )


def _fail(case: ElementTree.Element, reasons: Sequence[str]) -> None:
    first = reasons[0].translate(FORBIDDEN)
    failure = ElementTree.SubElement(case, "failure", message=first)
    failure.text = "\n".join(reasons).translate(FORBIDDEN)
