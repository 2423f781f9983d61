"""A flow as a graph: what leads where and why, and what each step says. Pure.

1. An exit's label is the key of the step under which the exit is written, so that a new kind of
   step needs no word here: ``check.exits`` lists its exits, its own fields name them.
2. Roots are where a conversation may enter: the start, intents with a ``go``, ``always``,
   ``nobody``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from bots.flow.check import exits
from bots.flow.model import AskStep, Check, Flow, Step, Text

START = "start"
NOT_WAYS = frozenset(
    {"id", "slot", "reason", "queue", "turn", "method", "url", "question", "tried"}
    | {"save", "values", "body", "skills", "agent", "flow", "arguments", "headers", "expects"}
    | {"also", "number", "at", "score", "instead", "reach", "party"}
)
"""Fields of steps whose words name no step, though they may look alike."""


SLOTS = ("slot", "also")
"""Fields that name slots a step fills."""
PARTS = {"code": "verify", "rate": "survey", "return": "end", "outside": "transfer"}
"""Steps that a verb is made into, by the verb."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from a step to another. ``label`` is the key or the value that leads there.

    ``kind`` is the field it stands in: ``next``, ``dtmf``, ``routes``, ``on_error`` …
    """

    source: str
    target: str
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Saying:
    """A text of a step: ``keys`` lead to it in the file, from the top."""

    step: Step
    name: str
    text: Text
    keys: tuple[str | int, ...]


def verb_of(step: Step) -> str:
    """The word of the language that makes this step: ``say``, ``ask``, ``handoff`` …"""
    name = type(step).__name__.removesuffix("Step").lower()
    return PARTS.get(name, name)


def edges(flow: Flow, step: Step) -> Iterator[Edge]:
    """The ways out of a step, each once, in the order of ``check.exits``."""
    listed = _named(step)
    given: set[Edge] = set()
    for target in exits(flow, step):
        found = [edge for edge in listed if edge.target == target]
        # Only a called flow is entered by no step's name.
        for edge in found or [Edge(step.id, target, "flow", "runs")]:
            if edge not in given:
                given.add(edge)
                yield edge


def _named(step: Step) -> list[Edge]:
    found = []
    for field in fields(step):
        value = None if field.name in NOT_WAYS else getattr(step, field.name)
        for label, target in _targets(value):
            found.append(Edge(step.id, target, field.name, label or field.name))
    return found


def _targets(value: Any) -> Iterator[tuple[str, str]]:
    """Label and value of everything in a field that could be the name of a step."""
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, Mapping):
        yield from ((str(key), item) for key, item in value.items() if isinstance(item, str))
    elif isinstance(value, tuple):
        pairs = (item for item in value if isinstance(item, tuple) and len(item) == 2)
        yield from ((str(when), go) for when, go in pairs if isinstance(go, str))


def roots(flow: Flow) -> Iterator[tuple[str, str]]:
    """Why and where a conversation enters: ``start``, an intent's name, ``always NAME``."""
    yield START, flow.start
    yield from ((name, intent.go) for name, intent in flow.intents.items() if intent.go)
    yield from ((f"always {name}", target) for name, target in flow.always.items())
    if flow.nobody:
        yield "nobody", flow.nobody.go


def graph(flow: Flow) -> dict[str, tuple[str, ...]]:
    """Step → the steps that may follow, each once."""
    return {name: tuple(dict.fromkeys(exits(flow, step))) for name, step in flow.steps.items()}


def turned(ways: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """The same graph with every way turned round."""
    back: dict[str, list[str]] = {name: [] for name in ways}
    for name, targets in ways.items():
        for target in targets:
            back[target].append(name)
    return {name: tuple(sources) for name, sources in back.items()}


def reached(
    ways: Mapping[str, Iterable[str]], begin: Iterable[str], stops: Iterable[str] = ()
) -> set[str]:
    """All that can be reached from ``begin``, itself included; nothing behind ``stops``."""
    closed = set(stops)
    ahead, seen = list(begin), set[str]()
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            if name not in closed:
                ahead += ways.get(name, ())
    return seen


def circles(ways: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The groups of steps that lead back to themselves (Tarjan, iterative), in file order."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    for root in ways:
        if root not in order:
            _search(ways, root, order, low, stack, found)
    place = {name: index for index, name in enumerate(ways)}
    return sorted(
        (sorted(group, key=place.__getitem__) for group in found), key=lambda g: place[g[0]]
    )


def _search(
    ways: Mapping[str, Iterable[str]],
    root: str,
    order: dict[str, int],
    low: dict[str, int],
    stack: list[str],
    found: list[list[str]],
) -> None:
    order[root] = low[root] = len(order)
    stack.append(root)
    work = [(root, iter(ways[root]))]
    while work:
        name, ahead = work[-1]
        for target in ahead:
            if target not in order:
                order[target] = low[target] = len(order)
                stack.append(target)
                work.append((target, iter(ways.get(target, ()))))
                break
            if target in stack:
                low[name] = min(low[name], order[target])
        else:
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[name])
            if low[name] == order[name]:
                group = stack[stack.index(name) :]
                del stack[stack.index(name) :]
                if len(group) > 1 or name in tuple(ways.get(name, ())):
                    found.append(group)


def sayings(step: Step) -> Iterator[Saying]:
    """Everything a step may say, with the keys that lead to it in the file."""
    base: tuple[str | int, ...] = ("steps", step.id)
    for field in fields(step):
        value = getattr(step, field.name)
        name = verb_of(step) if field.name == "text" and _is_prompt(step) else field.name
        if isinstance(value, Text):
            yield Saying(step, name, value, (*base, name))
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                text = item.text if isinstance(item, Check) else item
                if isinstance(text, Text):
                    yield Saying(step, name, text, (*base, name, index))


def _is_prompt(step: Step) -> bool:
    """Whether its text is written behind its verb."""
    return verb_of(step) in ("say", "ask")


def is_open(step: Step | None) -> bool:
    """Whether it is an open question: whoever is asked it may begin another matter."""
    return isinstance(step, AskStep) and not step.slot


def fields_named(step: Step, names: Iterable[str]) -> Iterator[str]:
    """Those of ``names`` that stand in a field of the step that holds slots."""
    known = set(names)
    for field in fields(step):
        if field.name in SLOTS:
            value = getattr(step, field.name)
            listed = [value] if isinstance(value, str) else list(value or ())
            yield from (name for name in listed if isinstance(name, str) and name in known)
