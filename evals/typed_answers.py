"""Answers to typed questions, spoken, and whether the value that the flow takes from them is right.

``evals/utterances/answers.yaml`` has dates, times, amounts and spelled names with their values.
What counts is the value: "march third" and "the third of march" are the same day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from bots.flow.model import Slot
from bots.nlu.entities import parse

ANSWERS = Path(__file__).parent / "utterances" / "answers.yaml"
TODAY = date(2026, 3, 2)
SLOT_TYPES = {"spelling": "name"}
"""Of kinds of questions that are no slot types themselves."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``text`` is said to a question of this ``kind`` and means ``value``."""

    kind: str
    text: str
    value: str

    @property
    def aloud(self) -> str:
        """As a speech synthesiser has to be told it: letters by their names."""
        return ", ".join(self.text.upper().split()) if self.kind == "spelling" else self.text

    def is_right(self, heard: str) -> bool:
        """Whether the flow would take this value from what was heard."""
        slot = Slot("answer", SLOT_TYPES.get(self.kind, self.kind))
        found = parse(slot, heard, "en", TODAY)
        return found is not None and found.value == self.value


def answers() -> list[Answer]:
    """All of the file."""
    listed: Mapping[str, list[list[object]]] = yaml.safe_load(ANSWERS.read_text(encoding="utf-8"))
    return [
        Answer(kind, str(text), str(value))
        for kind, pairs in listed.items()
        for text, value in pairs
    ]
