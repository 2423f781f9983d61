"""A review for people and for programs: lines for a terminal, or JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from bots.flow.review.finding import Finding, Level
from bots.flow.review.review import Review

MARKS = {Level.ERROR: "✖", Level.WARNING: "▲", Level.HINT: "·"}
COLOURS = {Level.ERROR: "31", Level.WARNING: "33", Level.HINT: "36"}
SHOWN = 96
"""Letters of a source line."""
FEWEST_COLUMNS = 60


class Paint:
    """ANSI colours, or none."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, code: str, text: str) -> str:
        """The text in a colour (an SGR code, "1;31")."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._on and text else text


def lines(review: Review, least: Level, paint: Paint, columns: int = 100) -> Iterator[str]:
    """The review as lines for a terminal; nothing that is less than ``least``."""
    source = review.source.splitlines()
    for finding in review.findings:
        if finding.level.rank <= least.rank:
            own = source if finding.path == review.path else []
            yield from _one(finding, own, paint, max(columns, FEWEST_COLUMNS))
            yield ""
    yield _sum(review, least, paint)


def _one(finding: Finding, source: Sequence[str], paint: Paint, columns: int) -> Iterator[str]:
    colour = COLOURS[finding.level]
    where = f"{finding.path}:{finding.line}" if finding.line else finding.path
    head = paint(f"1;{colour}", f"{MARKS[finding.level]} {finding.level}")
    rule = paint("2", f"[{finding.rule}]")
    yield "  ".join(part for part in (head, paint("1", where), finding.place, rule) if part)
    yield from _wrapped(f"{finding.problem}", "  ", columns)
    if 0 < finding.line <= len(source):
        text = source[finding.line - 1].strip()
        shown = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        yield f"  {paint('2', f'{finding.line:>4} │')} {paint('2', shown)}"
    if finding.fix:
        first, *more = _wrapped(finding.fix, "  ", columns - 2)
        yield f"  {paint('32', '→')} {first.strip()}"
        yield from (f"    {line.strip()}" for line in more)


def _wrapped(text: str, indent: str, columns: int) -> list[str]:
    return textwrap.wrap(
        text,
        columns,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent]


def _sum(review: Review, least: Level, paint: Paint) -> str:
    flow = review.flow
    counts = [(level, review.count(level)) for level in Level]
    told = [paint(COLOURS[level], _number(count, str(level))) for level, count in counts if count]
    hidden = sum(count for level, count in counts if level.rank > least.rank)
    tail = f" ({hidden} not shown)" if hidden else ""
    if flow is None:
        return f"{review.path} cannot run: {', '.join(told)}{tail}"
    size = ", ".join(
        (
            _number(len(flow.steps), "step"),
            _number(len(flow.intents), "intent"),
            _number(len(flow.slots), "slot"),
            " ".join(flow.languages),
        )
    )
    verdict = paint("32", "nothing to mend") if not told else ", ".join(told)
    return f"{paint('1', review.path)}: {size}: {verdict}{tail}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def notes(review: Review) -> dict[str, list[str]]:
    """What a picture marks: problem and fix of each step's errors and warnings."""
    found: dict[str, list[str]] = {}
    for finding in review.findings:
        if finding.step and finding.level is not Level.HINT:
            remark = f"▲ {finding.problem} → {finding.fix}"
            found.setdefault(finding.step, []).append(remark)
    return found


def as_data(review: Review) -> dict[str, Any]:
    """The review as JSON data."""
    flow = review.flow
    return {
        "path": review.path,
        "flow": flow.name if flow else None,
        "version": flow.version if flow else None,
        "can_run": review.can_run,
        "counts": {str(level): review.count(level) for level in Level},
        "findings": [
            {
                "rule": finding.rule,
                "level": str(finding.level),
                "line": finding.line,
                "place": finding.place,
                "problem": finding.problem,
                "fix": finding.fix,
            }
            for finding in review.findings
        ],
    }
