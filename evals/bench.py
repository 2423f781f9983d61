"""Benches by name: each measures an installation and gives figures with their targets."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evals.report import setup_of_this_machine
from evals.table import GREEN, RED, layout, paint
from router.errors import ParleyError


class NoSuchBench(ParleyError):
    """No bench has this name; the message lists those there are."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a bench measured. ``notes`` say how many observations a figure has."""

    name: str
    figures: Mapping[str, float]
    setup: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A bench that can be run; ``at_most`` and ``at_least`` are its targets by figure."""

    run: Callable[[], Awaitable[Bench]]
    at_most: Mapping[str, float]
    about: str
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_once: Callable[[int], Awaitable[Bench]] | None = None
    """The same with so many customers at once, where that can be chosen."""

    def target(self, figure: str) -> str:
        """What is wanted, as the table shows it; empty for a figure without a target."""
        limits = [f"≥ {self.at_least[figure]:g}"] if figure in self.at_least else []
        limits += [f"≤ {self.at_most[figure]:g}"] if figure in self.at_most else []
        return ", ".join(limits)


Registry = Mapping[str, Entry]


async def measure(registry: Registry, name: str, at_once: int | None = None) -> Bench:
    """Run one, ``at_once`` customers at a time. Raises ``NoSuchBench``."""
    entry = registry.get(name)
    if entry is None:
        raise NoSuchBench(f"no bench {name!r}; there are: {', '.join(sorted(registry))}")
    if at_once is None:
        bench = await entry.run()
    elif entry.at_once is None:
        raise NoSuchBench(f"bench {name!r} has no number of customers to choose")
    else:
        bench = await entry.at_once(at_once)
    return Bench(bench.name, bench.figures, {**setup_of_this_machine(), **bench.setup}, bench.notes)


def missed(bench: Bench, entry: Entry) -> list[str]:
    """The figures beyond their targets, or not measured at all."""
    figures = bench.figures
    high = [name for name, limit in entry.at_most.items() if figures.get(name, math.inf) > limit]
    low = [name for name, limit in entry.at_least.items() if figures.get(name, -math.inf) < limit]
    return list(dict.fromkeys([*high, *low]))


def table(bench: Bench, entry: Entry) -> str:
    """The figures beside their targets."""
    rows, wrong = [], missed(bench, entry)
    for name in {**bench.figures, **entry.at_most, **entry.at_least}:
        value, target = bench.figures.get(name), entry.target(name)
        rows.append(
            (
                name,
                "not measured"
                if value is None
                else f"{value:.3f}"
                if abs(value) < 1
                else f"{value:.1f}",
                target,
                "" if not target else "✗" if name in wrong else "✓",
                bench.notes.get(name, ""),
            )
        )
    lines = layout(("figure", "value", "target", "", ""), rows, right=(1, 2))
    colours = [GREEN if row[3] == "✓" else RED if row[3] == "✗" else "0" for row in rows]
    painted = [paint(line, colour) for line, colour in zip(lines[2:], colours, strict=True)]
    setup = ", ".join(f"{name} {value}" for name, value in bench.setup.items())
    return "\n".join([*lines[:2], *painted, "", setup])


def write_json(bench: Bench, path: Path) -> None:
    """``{"name", "figures": {key: number}, "setup": {…}}``."""
    body = {"name": bench.name, "figures": dict(bench.figures), "setup": dict(bench.setup)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
