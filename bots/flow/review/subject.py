"""What every rule of a review looks at: the flow, its lines, and its texts as they would sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bots.flow import render
from bots.flow.document import Keys, Lines, Section
from bots.flow.graph import Saying, graph, sayings, turned
from bots.flow.memory import fresh
from bots.flow.model import PART, Flow, Step, Text
from bots.flow.outcome import Context
from bots.flow.review.finding import Finding, Level
from bots.flow.values import values_of

SAMPLES: Mapping[str, str] = {
    "order-number": "HL-482913",
    "digits": "482913",
    "integer": "3",
    "amount": "125.50",
    "date": "2026-03-04",
    "time": "15:30",
    "name": "Anna Liepa",
    "email": "anna@example.org",
    "yes-no": "yes",
}
"""A value of each type of slot, to see how long a text becomes."""
SAMPLE = "example"
NAME = "Anna Liepa"


@dataclass(frozen=True)
class Written:
    """A text with the place where it stands. ``step`` is None for a text of the whole flow."""

    text: Text
    keys: Keys
    place: str
    step: Step | None = None
    name: str = ""


class Subject:
    """A flow that can run, as the rules of a review see it."""

    def __init__(self, flow: Flow, top: Section) -> None:
        self.flow = flow
        self.top = top
        self.lines = Lines(top)

    @cached_property
    def ways(self) -> Mapping[str, tuple[str, ...]]:
        """Step → the steps that may follow."""
        return graph(self.flow)

    @cached_property
    def ways_back(self) -> Mapping[str, tuple[str, ...]]:
        """Step → the steps that may come before."""
        return turned(self.ways)

    @cached_property
    def sayings(self) -> Mapping[str, tuple[Saying, ...]]:
        """Step → all it may say."""
        return {name: tuple(sayings(step)) for name, step in self.flow.steps.items()}

    @cached_property
    def written(self) -> tuple[Written, ...]:
        """Every text of the flow."""
        return tuple(self._written())

    def _written(self) -> Iterator[Written]:
        for name, said in self.sayings.items():
            for saying in said:
                place = f"step {name!r}"
                yield Written(saying.text, saying.keys, place, saying.step, saying.name)
        flow = self.flow
        for key, listed in (
            ("no_match", flow.no_match),
            ("no_input", flow.no_input),
            ("filler", flow.filler),
        ):
            if key in self.top:
                for index, text in enumerate(listed):
                    yield Written(text, (key, index), key)
        if flow.confirm:
            yield Written(flow.confirm, ("confirm",), "confirm")
        if flow.letter:
            yield Written(flow.letter.opening, ("letter", "opening"), "letter")
            yield Written(flow.letter.closing, ("letter", "closing"), "letter")
        yield from self._declared()
        for code, text in flow.words.items():
            yield Written(text, ("words", code), f"word {code!r}")

    def _declared(self) -> Iterator[Written]:
        """The texts of slots and intents."""
        for slot in self.flow.slots.values():
            place = f"slot {slot.name!r}"
            for index, check in enumerate(slot.checks):
                yield Written(check.text, ("slots", slot.name, "check", index), place)
            if slot.label:
                yield Written(slot.label, ("slots", slot.name, "label"), place)
        for name, intent in self.flow.intents.items():
            if intent.about:
                yield Written(intent.about, ("intents", name, "about"), f"intent {name!r}")

    def at(self, keys: Keys, rule: str, level: Level, problem: str, fix: str) -> Finding:
        """A finding at the place these keys lead to."""
        keys = self._as_written(keys)
        line = self.lines.of(keys)
        return Finding(rule, level, problem, fix, _place(keys), line, self.flow.path)

    def _as_written(self, keys: Keys) -> Keys:
        """The keys of a part of a step as those of the step that it was made of."""
        if keys[0] != "steps" or str(keys[1]) in self.top["steps"]:
            return keys
        return ("steps", str(keys[1]).split(PART)[0], *keys[2:])

    def at_step(self, name: str, rule: str, level: Level, problem: str, fix: str) -> Finding:
        """A finding about a whole step."""
        return self.at(("steps", name), rule, level, problem, fix)

    def shown(self, text: Text, language: str, channel: str) -> str:
        """The text with sample values, as a customer on this channel gets it."""
        template = text.find(language, channel, self.flow.languages[0])
        if "{" not in template:
            return template
        try:
            return render.text(template, self._values(language, channel))
        except (render.TemplateError, TypeError, ValueError, ArithmeticError):
            return template

    def _values(self, language: str, channel: str) -> dict[str, Any]:
        flow = self.flow
        values = values_of(flow, fresh(flow, Context(channel, language, NAME)), {})
        own = {name: SAMPLES.get(slot.type, SAMPLE) for name, slot in flow.slots.items()}
        empty = {name: SAMPLE for name, value in values.items() if value == ""}
        return values | empty | own


def _place(keys: Keys) -> str:
    if len(keys) > 1 and keys[0] in ("steps", "slots", "intents", "words"):
        return f"{str(keys[0])[:-1]} {str(keys[1])!r}"
    return str(keys[0]) if keys else ""


def listed(names: object) -> str:
    """``'a', 'b' and 'c'``."""
    assert isinstance(names, list | tuple)
    quoted = [repr(str(name)) for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
