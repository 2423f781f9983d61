"""One call of the interpreter: the memory that changes and the actions being made. Pure.

What the rooms of the interpreter share: texts filled in, slots kept and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bots.flow import render
from bots.flow.memory import completed, pack_say
from bots.flow.model import Flow, Slot, Text
from bots.flow.outcome import Action, Memory, Say
from bots.flow.values import values_of
from bots.nlu.entities import Entity
from router.model import Citation

Next = str | None
"""The step to go on with; None when the turn is over: something waits, or all is said."""


class Run:
    """Memory in, memory and actions out; everything here changes one of the two."""

    def __init__(self, flow: Flow, memory: Memory, settings: Mapping[str, Any]) -> None:
        self.flow = flow
        self.memory = completed(memory)
        self.settings = settings
        self.actions: list[Action] = []

    @property
    def confirming(self) -> bool:
        """Whether the open question reads a value back."""
        return bool(self.memory["mode"] == "confirm")

    @property
    def choosing(self) -> bool:
        """Whether the open question is which of two matters is meant."""
        return bool(self.memory["mode"] == "choose")

    def say(self, text: Text) -> None:
        """Say a text, and keep it for "repeat"."""
        self.say_words(self.render(text))

    def say_words(self, words: str) -> None:
        """The same for words that are filled in already."""
        self._said(Say(words, words, step=self.memory["step"]))

    def say_answer(self, text: Text | None, citations: tuple[Citation, ...]) -> None:
        """Say what the knowledge base knows, in the step's own words if it has some."""
        words = self.render(text) if text else self.memory["answer"]
        self._said(Say(words, words, citations, self.memory["step"]))

    def _said(self, say: Say) -> None:
        self.actions.append(say)
        self.memory["said"].append(pack_say(say))

    def render(self, text: Text) -> str:
        """The variant for this language and channel, filled in."""
        language, channel = self.memory["language"], self.memory["channel"]
        return self.fill(text.find(language, channel, self.flow.languages[0]))

    def fill(self, template: str) -> str:
        """A template filled in from the memory. Raises ``jinja2.TemplateError``."""
        return render.text(template, self.values()) if "{" in template else template

    def values(self) -> dict[str, Any]:
        """What templates may use now."""
        return values_of(self.flow, self.memory, self.settings)

    def store(self, slot: Slot, entity: Entity, *, confirmed: bool) -> None:
        """Keep a slot's value."""
        if slot.name in self.memory["done"]:
            self.memory["done"].remove(slot.name)
        self.memory["slots"][slot.name] = {
            "value": entity.value,
            "confidence": entity.confidence,
            "confirmed": confirmed,
        }

    def forget(self, slot: str) -> None:
        """As if it had never been said."""
        self.memory["slots"].pop(slot, None)
        self.memory["answers"].pop(slot, None)

    def tried(self, what: str) -> None:
        """One line for the person who may take over, once."""
        if what not in self.memory["tried"]:
            self.memory["tried"].append(what)
