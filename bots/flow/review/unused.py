"""What is declared and never used, or used and never filled."""

from __future__ import annotations

from collections.abc import Iterator

from bots.flow import fallback
from bots.flow.check import templates
from bots.flow.graph import fields_named
from bots.flow.model import DoStep, SetStep
from bots.flow.render import names_in
from bots.flow.review.finding import Finding, Level
from bots.flow.review.subject import Subject


def rules(subject: Subject) -> Iterator[Finding]:
    """Everything about names."""
    used = _used(subject)
    yield from _slots(subject, used)
    for name in subject.flow.variables:
        if name not in used:
            yield subject.at(
                ("variables", name),
                "unused-variable",
                Level.HINT,
                f"no text and no step uses the variable {name!r}",
                "use it or remove it",
            )
    yield from _results(subject, used)
    if subject.flow.words and "words" not in used:
        yield subject.at(
            ("words",),
            "unused-words",
            Level.HINT,
            "no text uses words[…]",
            "write {{ words[CODE] }} where a code is said, or remove the list",
        )


def _used(subject: Subject) -> set[str]:
    used: set[str] = set()
    for step in subject.flow.steps.values():
        for template in templates(step):
            used |= names_in(template)
    for written in subject.written:
        for variant in written.text.variants.values():
            used |= names_in(variant)
    return used


def _slots(subject: Subject, used: set[str]) -> Iterator[Finding]:
    flow = subject.flow
    asked = {name for step in flow.steps.values() for name in fields_named(step, flow.slots)}
    made = {
        name for step in flow.steps.values() if isinstance(step, SetStep) for name in step.values
    }
    for name, slot in flow.slots.items():
        if name in fallback.SLOTS:
            continue
        keys = ("slots", name)
        filled = name in asked or slot.prefill or name in made
        if not filled:
            in_use = name in used
            yield subject.at(
                keys,
                "never-filled" if in_use else "unused-slot",
                Level.WARNING,
                "nothing asks for this slot" + (", but it is used" if in_use else ""),
                f"add a step with 'ask:' and 'slot: {name}', or remove the slot",
            )
        elif name not in used and not slot.answer and not slot.implies and name not in made:
            yield subject.at(
                keys,
                "unused-slot",
                Level.HINT,
                "no step uses its value (the person who takes over sees it)",
                "use it in an action, a branch or a text, or do not ask for it",
            )


def _results(subject: Subject, used: set[str]) -> Iterator[Finding]:
    built_in = {"queue", "intent", "language", *subject.flow.slots}
    for step in subject.flow.steps.values():
        key, names = "", list[str]()
        if isinstance(step, DoStep):
            key, names = "save", list(step.save)
        elif isinstance(step, SetStep):
            key, names = "set", list(step.values)
        for name in names:
            if name not in used and name not in built_in:
                yield subject.at(
                    ("steps", step.id, key, name),
                    "unused-value",
                    Level.HINT,
                    f"nothing uses {name!r}",
                    "use it or remove it",
                )
