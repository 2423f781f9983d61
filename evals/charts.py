"""Plots as inline SVG: lines with confidence bands through a day, and intervals around zero.

No scripts and no colours of their own: the page's style sheet paints the classes (``first``,
``second``, ``band``, ``grid``), so that the same drawing suits a light and a dark screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from evals.statistics import Interval

WIDTH, HEIGHT = 560.0, 230.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 12.0, 30.0
TICKS = 5
LABEL_ROOM = 54.0
"""Two labels of the time axis keep at least this distance."""
PERCENT = 100.0
BAR_WIDTH, BAR_HEIGHT = 150.0, 18.0


@dataclass(frozen=True, slots=True)
class Line:
    """One configuration's values in order; ``style`` is a class of the style sheet."""

    name: str
    style: str
    points: Sequence[Interval]


@dataclass(frozen=True, slots=True)
class Chart:
    """``labels`` name the points; ``unit`` is ``%`` for shares 0..1, else that of the values."""

    title: str
    unit: str
    labels: Sequence[str]
    lines: Sequence[Line]

    @property
    def svg(self) -> Markup:
        """The drawing. Its text alternative says the range of each line."""
        scale = PERCENT if self.unit == "%" else 1.0
        top = PERCENT if self.unit == "%" and self._highest(scale) > 60 else None
        ticks = _ticks(top or self._highest(scale))
        body = [self._grid(ticks), self._times()]
        for line in self.lines:
            body += [self._band(line, scale, ticks[-1]), self._path(line, scale, ticks[-1])]
            body.append(self._dots(line, scale, ticks[-1]))
        return Markup(
            f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
            f'aria-label="{escape(self._words(scale))}">{"".join(body)}</svg>'
        )

    def _highest(self, scale: float) -> float:
        values = [p.value * scale for line in self.lines for p in line.points]
        highs = [p.high * scale for line in self.lines for p in line.points]
        middle = max((v for v in values if math.isfinite(v)), default=1.0)
        # A band of one wild interval must not flatten everything else.
        return max([v for v in highs if math.isfinite(v) and v <= 2.5 * middle] + [middle]) or 1.0

    def _x(self, place: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / max(1, len(self.labels))

    def _y(self, value: float, top: float) -> float:
        share = min(1.0, max(0.0, value / top))
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    def _grid(self, ticks: Sequence[float]) -> str:
        drawn = []
        for tick in ticks:
            y = self._y(tick, ticks[-1])
            drawn.append(
                f'<path class="grid" d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"/>'
                f'<text class="axis" x="{LEFT - 7:g}" y="{y + 4:.1f}" text-anchor="end">'
                f"{tick:g}{'%' if self.unit == '%' else ''}</text>"
            )
        return "".join(drawn)

    def _times(self) -> str:
        room = (WIDTH - LEFT - RIGHT) / max(1, len(self.labels))
        every = max(1, math.ceil(LABEL_ROOM / room))
        return "".join(
            f'<text class="axis" x="{self._x(i):.1f}" y="{HEIGHT - 9:g}" text-anchor="middle">'
            f"{escape(label)}</text>"
            for i, label in enumerate(self.labels)
            if i % every == 0
        )

    def _path(self, line: Line, scale: float, top: float) -> str:
        parts, pen = [], "M"
        for i, point in enumerate(line.points):
            if math.isnan(point.value):
                pen = "M"
                continue
            parts.append(f"{pen}{self._x(i):.1f} {self._y(point.value * scale, top):.1f}")
            pen = "L"
        return f'<path class="line {line.style}" d="{"".join(parts)}"/>'

    def _band(self, line: Line, scale: float, top: float) -> str:
        drawn = []
        for stretch in _stretches(line.points):
            upper = [f"{self._x(i):.1f} {self._y(p.high * scale, top):.1f}" for i, p in stretch]
            lower = [f"{self._x(i):.1f} {self._y(p.low * scale, top):.1f}" for i, p in stretch]
            corners = "L".join([*upper, *reversed(lower)])
            drawn.append(f'<path class="band {line.style}" d="M{corners}Z"/>')
        return "".join(drawn)

    def _dots(self, line: Line, scale: float, top: float) -> str:
        return "".join(
            f'<circle class="{line.style}" cx="{self._x(i):.1f}" '
            f'cy="{self._y(point.value * scale, top):.1f}" r="2.4"><title>'
            f"{escape(line.name)}, {escape(self.labels[i])}: "
            f"{shown(point.value, self.unit)} ({shown(point.low, self.unit)} to "
            f"{shown(point.high, self.unit)})</title></circle>"
            for i, point in enumerate(line.points)
            if not math.isnan(point.value)
        )

    def _words(self, scale: float) -> str:
        said = []
        for line in self.lines:
            values = [p.value for p in line.points if math.isfinite(p.value)]
            if values:
                lowest, highest = shown(min(values), self.unit), shown(max(values), self.unit)
                said.append(f"{line.name}: {lowest} to {highest}")
        return f"{self.title} by time of arrival. {'; '.join(said)}"


def around_zero(change: Interval, joint: Interval, verdict: str) -> Markup:
    """A difference as a dot with its interval, the joint one thinner, and a line at zero."""
    ends = [abs(v) for v in (joint.low, joint.high) if math.isfinite(v)]
    reach = max([*ends, 1e-12]) * 1.08

    def x(value: float) -> float:
        return BAR_WIDTH / 2 * (1 + max(-1.0, min(1.0, value / reach)))

    y = BAR_HEIGHT / 2
    return Markup(
        f'<svg class="zero {verdict}" viewBox="0 0 {BAR_WIDTH:g} {BAR_HEIGHT:g}" '
        f'aria-hidden="true">'
        f'<path class="grid" d="M{BAR_WIDTH / 2:g} 0V{BAR_HEIGHT:g}"/>'
        f'<path class="thin" d="M{x(joint.low):.1f} {y:g}H{x(joint.high):.1f}"/>'
        f'<path class="thick" d="M{x(change.low):.1f} {y:g}H{x(change.high):.1f}"/>'
        f'<circle cx="{x(change.value):.1f}" cy="{y:g}" r="3.6"/></svg>'
    )


def shown(value: float, unit: str, sign: bool = False) -> str:
    """A value as people read it: shares in per cent, seconds with one digit below 100."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    plus = "+" if sign else ""
    if unit == "%":
        return _minus(f"{value * PERCENT:{plus}.1f} %")
    digits = 1 if abs(value) < 100 and unit else 0
    return _minus(f"{value:{plus},.{digits}f}{f' {unit}' if unit else ''}")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _stretches(points: Sequence[Interval]) -> list[list[tuple[int, Interval]]]:
    """Runs of neighbours with a finite interval."""
    found: list[list[tuple[int, Interval]]] = [[]]
    for i, point in enumerate(points):
        if math.isfinite(point.low) and math.isfinite(point.high):
            found[-1].append((i, point))
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if len(stretch) > 1]


def _ticks(highest: float) -> list[float]:
    """From nought to at least ``highest`` in round steps."""
    rough = highest / (TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough * 0.999)
    return [step * i for i in range(math.ceil(highest / step - 1e-9) + 1)]
