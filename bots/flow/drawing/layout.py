"""Where the boxes of a flow's picture stand. Pure.

1. A lane per place where conversations enter; a step belongs to the first lane that reaches it.
2. Within a lane a step's column is the fewest steps from the entry, so that every line leads one
   column to the right; what leads elsewhere is a label in the box and no line.
3. The order in a column follows the middle of the lines that come in, both ways, a few times.
4. Lanes that are shorter than the longest one stand beside each other.
5. Heights are the least-squares ones: each box as near to its lines as its neighbours allow
   (pool adjacent violators).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Box:
    """A step's size in pixels and its exits: target → how far below its top the line leaves."""

    name: str
    height: float
    ports: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spacing:
    """Pixels between things."""

    column: float = 320.0
    gap: float = 22.0
    lane: float = 44.0
    entry: float = 14.0
    """How far below a box's top a line arrives."""


@dataclass(frozen=True, slots=True)
class Place:
    """Top left corner of a box, and its column from 0."""

    x: float
    y: float
    column: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Places by step, the lines to draw (source, target), and the height of all."""

    places: Mapping[str, Place]
    lines: tuple[tuple[str, str], ...]
    height: float


def arrange(
    boxes: Mapping[str, Box], entries: Sequence[str], most_lines: int, spacing: Spacing
) -> Layout:
    """Places for all boxes. ``most_lines`` is how many lines one box may get from the left."""
    places: dict[str, Place] = {}
    lines: list[tuple[str, str]] = []
    lanes = _lanes(boxes, entries)
    widest = max(map(len, lanes), default=0)
    top = bottom = 0.0
    used = 0
    for lane in lanes:
        if used + len(lane) > widest:
            top, used = bottom + spacing.lane, 0
        drawn = _lines(boxes, lane, most_lines)
        tops = _heights(boxes, lane, drawn, spacing)
        for column, names in enumerate(lane, start=used):
            for name in names:
                places[name] = Place(column * spacing.column, top + tops[name], column)
                bottom = max(bottom, top + tops[name] + boxes[name].height)
        lines += drawn
        used += len(lane)
    return Layout(places, tuple(lines), bottom)


Lane = list[list[str]]


def _lanes(boxes: Mapping[str, Box], entries: Sequence[str]) -> list[Lane]:
    """Columns of names per lane; what no entry reaches comes last, one lane each."""
    seen: set[str] = set()
    lanes: list[Lane] = []
    for entry in (*entries, *boxes):
        if entry in seen or entry not in boxes:
            continue
        seen.add(entry)
        lane, column = [], [entry]
        while column:
            lane.append(column)
            ahead = dict.fromkeys(t for name in column for t in boxes[name].ports)
            column = [target for target in ahead if target in boxes and target not in seen]
            seen.update(column)
        lanes.append(lane)
    return lanes


def _lines(boxes: Mapping[str, Box], lane: Lane, most: int) -> list[tuple[str, str]]:
    """The exits that are drawn as lines: to the next column, the first few of each target."""
    found: list[tuple[str, str]] = []
    for column, ahead in pairwise(lane):
        counts = dict.fromkeys(ahead, 0)
        for name in column:
            for target in boxes[name].ports:
                if target in counts and counts[target] < most:
                    counts[target] += 1
                    found.append((name, target))
    return found


def _heights(
    boxes: Mapping[str, Box], lane: Lane, lines: Sequence[tuple[str, str]], spacing: Spacing
) -> dict[str, float]:
    """The tops of a lane's boxes, the highest at 0; sorts its columns on the way."""
    tops: dict[str, float] = {}
    for column in lane:
        _stack(boxes, column, dict.fromkeys(column, 0.0), tops, spacing.gap)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for column in lane if forward else reversed(lane):
            wanted = {
                name: _wanted(boxes, lines, tops, name, forward, spacing.entry) for name in column
            }
            if sweep < SWEEPS - 2:
                column.sort(key=wanted.__getitem__)
            _stack(boxes, column, wanted, tops, spacing.gap)
    highest = min(tops.values())
    return {name: top - highest for name, top in tops.items()}


def _wanted(
    boxes: Mapping[str, Box],
    lines: Sequence[tuple[str, str]],
    tops: Mapping[str, float],
    name: str,
    forward: bool,
    entry: float,
) -> float:
    """Where a box's top would be best for its lines on one side."""
    if forward:
        ends = [tops[s] + boxes[s].ports[name] - entry for s, t in lines if t == name]
    else:
        ends = [tops[t] + entry - boxes[name].ports[t] for s, t in lines if s == name]
    return sum(ends) / len(ends) if ends else tops[name]


def _stack(
    boxes: Mapping[str, Box],
    column: Sequence[str],
    wanted: Mapping[str, float],
    tops: dict[str, float],
    gap: float,
) -> None:
    """Put a column's boxes as near to where they want to be as their order allows."""
    blocks: list[tuple[float, int]] = []
    offsets, below = [], 0.0
    for name in column:
        offsets.append(below)
        blocks.append((wanted[name] - below, 1))
        below += boxes[name].height + gap
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (one, n), (two, m) = blocks[-2:]
            blocks[-2:] = [((one * n + two * m) / (n + m), n + m)]
    values = [value for value, count in blocks for _ in range(count)]
    for name, value, offset in zip(column, values, offsets, strict=True):
        tops[name] = value + offset
