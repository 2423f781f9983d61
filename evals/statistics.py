"""What a number of observations says: shares with their uncertainty, percentiles. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Z_95 = 1.959964
"""The normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``total`` with the interval ``low``..``high``, all 0..1."""

    hits: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The observed share; 0 for no observations."""
        return self.hits / self.total if self.total else 0.0

    def __str__(self) -> str:
        return f"{self.value:.0%} (95 %: {self.low:.0%}–{self.high:.0%}, n = {self.total})"


def wilson(hits: int, total: int, z: float = Z_95) -> Share:
    """The Wilson score interval of a share (E. B. Wilson, JASA 22, 1927).

    Unlike the textbook interval it is right for few observations and near 0 and 1.
    Raises ``ValueError`` unless ``0 <= hits <= total``.
    """
    if not 0 <= hits <= total:
        raise ValueError(f"hits must be 0 to {total}, got {hits}")
    if total == 0:
        return Share(0, 0, 0.0, 1.0)
    share = hits / total
    weight = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / weight
    spread = z / weight * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # At the ends the formula is exact only up to rounding.
    low = 0.0 if hits == 0 else max(0.0, centre - spread)
    high = 1.0 if hits == total else min(1.0, centre + spread)
    return Share(hits, total, low, high)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0..1) of ``values`` lie, linear between neighbours.

    Raises ``ValueError`` for no values.
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    lower = math.floor(place)
    upper = math.ceil(place)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (place - lower)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the interval ``low``..``high``; all NaN when there is nothing to say."""

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of its width."""
        return (self.high - self.low) / 2

    def covers(self, value: float) -> bool:
        """Whether that value is within."""
        return self.low <= value <= self.high


UNKNOWN = Interval(math.nan, math.nan, math.nan)


def ratio_interval(
    parts: Sequence[float], wholes: Sequence[float], confidence: float = 0.95
) -> Interval:
    """The ratio of two sums over independent runs (W. Cochran, "Sampling Techniques", ch. 6).

    Runs with a larger whole count for more, and a run with none does no harm. A single run
    gives an endless interval.
    """
    whole = sum(wholes)
    if not whole:
        return UNKNOWN
    value = sum(parts) / whole
    return _around(value, _residuals(parts, wholes, value), confidence)


def controlled_ratio(
    parts: Sequence[float],
    wholes: Sequence[float],
    control: Sequence[float],
    confidence: float = 0.95,
) -> Interval:
    """The ratio with what is known about each run taken out (a control variate).

    ``control`` is something observed in every run whose true mean is 0, say by how much more
    came than was to be expected. What the ratio owes to it by linear regression is removed,
    which leaves a far narrower interval (A. Law, "Simulation Modeling and Analysis", ch. 11).
    """
    whole, runs = sum(wholes), len(control)
    middle = sum(control) / max(1, runs)
    spread = sum((x - middle) ** 2 for x in control)
    if not whole or not spread or runs < 3:
        return ratio_interval(parts, wholes, confidence)
    value = sum(parts) / whole
    residuals = _residuals(parts, wholes, value)
    slope = sum((x - middle) * e for x, e in zip(control, residuals, strict=True)) / spread
    left = [e - slope * (x - middle) for x, e in zip(control, residuals, strict=True)]
    variance = sum(e * e for e in left) / (runs - 2)
    half = t_quantile(confidence, runs - 2) * math.sqrt(
        variance * (1 / runs + middle * middle / spread)
    )
    value -= slope * middle
    return Interval(value, value - half, value + half)


def ratio_difference(
    first: tuple[Sequence[float], Sequence[float]],
    second: tuple[Sequence[float], Sequence[float]],
    confidence: float = 0.95,
) -> Interval:
    """The second ratio minus the first, run by run in pairs: what both met cancels out."""
    (parts_a, wholes_a), (parts_b, wholes_b) = first, second
    if not sum(wholes_a) or not sum(wholes_b):
        return UNKNOWN
    value_a, value_b = sum(parts_a) / sum(wholes_a), sum(parts_b) / sum(wholes_b)
    residuals = [
        b - a
        for a, b in zip(
            _residuals(parts_a, wholes_a, value_a),
            _residuals(parts_b, wholes_b, value_b),
            strict=True,
        )
    ]
    return _around(value_b - value_a, residuals, confidence)


def _residuals(parts: Sequence[float], wholes: Sequence[float], value: float) -> list[float]:
    """How far each run is from the ratio, in units of the ratio."""
    mean = sum(wholes) / len(wholes)
    return [(part - value * whole) / mean for part, whole in zip(parts, wholes, strict=True)]


def _around(value: float, residuals: Sequence[float], confidence: float) -> Interval:
    runs = len(residuals)
    if runs < 2:
        return Interval(value, -math.inf, math.inf)
    variance = sum(each * each for each in residuals) / (runs - 1)
    half = t_quantile(confidence, runs - 1) * math.sqrt(variance / runs)
    return Interval(value, value - half, value + half)


def t_quantile(confidence: float, freedom: int) -> float:
    """Student's t: a deviate is within ± this with that probability.

    Raises ``ValueError`` unless ``0 < confidence < 1`` and ``freedom >= 1``.
    """
    if not 0 < confidence < 1 or freedom < 1:
        raise ValueError(f"confidence 0 to 1, freedom from 1; got {confidence}, {freedom}")
    return _solve(lambda t: _t_within(t, freedom), confidence)


def _t_within(t: float, freedom: int) -> float:
    """P(|T| < t) for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for i in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine * cosine * (i - 1) / i
        total += term
    if odd:
        return 2 / math.pi * (angle + sine * total)
    return sine * total


def _solve(rising: Callable[[float], float], wanted: float) -> float:
    """Where a rising function of x ≥ 0 takes the wanted value."""
    low, high = 0.0, 1.0
    while rising(high) < wanted:
        low, high = high, 2 * high
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return high


def word_errors(spoken: str, heard: str) -> int:
    """Words wrong, missing and too many: the edit distance of the two in words."""
    said, written = spoken.split(), heard.split()
    row = list(range(len(written) + 1))
    for number, word in enumerate(said, 1):
        diagonal, row[0] = row[0], number
        for place, other in enumerate(written, 1):
            change = diagonal + (word != other)
            diagonal, row[place] = row[place], min(change, row[place] + 1, row[place - 1] + 1)
    return row[-1]
