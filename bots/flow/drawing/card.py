"""What stands in a step's box: its name, its words, its exits. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bots.flow.graph import edges, roots, sayings, verb_of
from bots.flow.model import (
    AskStep,
    CallbackStep,
    CallStep,
    DoStep,
    Flow,
    OutsideStep,
    SetStep,
    Step,
    is_command,
)

COLUMNS, ROWS = 35, 3
"""Letters in a line of a box, and lines of its text."""
TARGET_COLUMNS = 20
WIDE = 1.75
"""How many letters a Chinese character takes."""


@dataclass(frozen=True, slots=True)
class Exit:
    """One way out: what leads there, and where to."""

    label: str
    target: str


@dataclass(frozen=True, slots=True)
class Card:
    """The content of a box. ``whole`` is all of its text, ``entries`` why people come here."""

    name: str
    verb: str
    lines: tuple[str, ...]
    exits: tuple[Exit, ...]
    note: str
    entries: tuple[str, ...]
    whole: str


def cards(flow: Flow, language: str) -> dict[str, Card]:
    """A card per step, its text in this language."""
    entries: dict[str, list[str]] = {}
    for why, target in roots(flow):
        entries.setdefault(target, []).append(why)
    return {
        name: _card(flow, step, language, tuple(entries.get(name, ())))
        for name, step in flow.steps.items()
    }


def _card(flow: Flow, step: Step, language: str, entries: tuple[str, ...]) -> Card:
    whole = _words(flow, step, language)
    return Card(
        step.id,
        verb_of(step),
        tuple(wrapped(whole)),
        tuple(_exits(flow, step)),
        _note(step),
        entries,
        whole,
    )


def _words(flow: Flow, step: Step, language: str) -> str:
    """What the step says or does, in a few words."""
    for saying in sayings(step):
        for channel in ("voice", "chat"):
            text = saying.text.find(language, channel, flow.languages[0])
            if text:
                return " ".join(text.split())
    match step:
        case DoStep():
            return f"{step.method} {step.url}"
        case SetStep():
            return ", ".join(f"{name} = {value or '∅'}" for name, value in step.values.items())
        case CallStep():
            return f"flow {step.flow}"
        case CallbackStep():
            return f"{step.number} {step.at or 'as soon as possible'}"
    reason = getattr(step, "reason", "") or getattr(step, "question", "")
    return str(reason)


def _note(step: Step) -> str:
    """One muted line: the slot, the keys that are wishes, the queue."""
    parts = []
    if isinstance(step, AskStep):
        if step.slot:
            parts.append(f"slot {', '.join((step.slot, *step.also))}")
        wishes = [
            f"{key} {target.removeprefix('language:')}"
            for key, target in step.dtmf.items()
            if is_command(target)
        ]
        parts += wishes
    queue = getattr(step, "queue", "")
    if queue:
        parts.append(f"queue {queue}")
    if isinstance(step, OutsideStep):
        parts.append(f"outside {step.party}")
    return " · ".join(parts)


NAMES = {"next": "", "otherwise": "else", "on_error": "failed", "unknown": "not known"}
"""Keys of the language as the picture calls them."""


def _exits(flow: Flow, step: Step) -> Iterator[Exit]:
    labels: dict[str, list[str]] = {}
    for edge in edges(flow, step):
        label = NAMES.get(edge.label, edge.label)
        label = f"key {label}" if edge.kind == "dtmf" else label
        known = labels.setdefault(edge.target, [])
        if label and label not in known:
            known.append(label)
    for target, found in labels.items():
        yield Exit(", ".join(found), target)


def wrapped(text: str, columns: int = COLUMNS, rows: int = ROWS) -> list[str]:
    """The text in lines of about so many letters, the last one cut."""
    lines: list[str] = []
    line = ""
    for word in _pieces(text):
        if line and width(line + word.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        line += word
    if line.strip():
        lines.append(line.rstrip())
    lines = [cut(each, columns) for each in lines]
    if len(lines) > rows:
        lines = [*lines[: rows - 1], cut(f"{lines[rows - 1]} …", columns)]
    return lines


def _pieces(text: str) -> Iterator[str]:
    word = ""
    for char in text:
        word += char
        if char == " " or _letters(char) > 1:
            yield word
            word = ""
    if word:
        yield word


def width(text: str) -> float:
    """How many letters wide it is."""
    return sum(_letters(char) for char in text)


def _letters(char: str) -> float:
    return WIDE if "\u2e80" <= char <= "\uffef" else 1.0


def cut(text: str, columns: int) -> str:
    """The text, with three dots where it would be wider than so many letters."""
    if width(text) <= columns:
        return text
    kept = text
    while kept and width(kept) > columns - 1:
        kept = kept[:-1]
    return f"{kept.rstrip(' …')}…"
