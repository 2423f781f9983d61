"""A language model is asked what the customer meant, where we did not understand.

1. Only where the built-in understanding found nothing: no intent at an open question, or an
   answer that fits no slot. Never at a yes or no, never against a fixed phrase.
2. It gets the flow's intents and the open slot as a closed list and may answer with one of them,
   or none, and has to quote the customer's words for it. A quote that is not there is no answer.
3. A value is read by our own parser from the quoted words. A choice is one of the listed.
4. It decides nothing that cannot be taken back. An intent behind which an action changes
   something is only offered ("is it about …, or …?"); a value is only taken where it is read
   back before use, or nothing changes behind it.
5. Without an answer, or in time, everything stays as it was understood.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import msgspec

from bots.advice.consequences import changes_something
from bots.errors import ModelFailed
from bots.flow.meaning import Unclear, Wants, read
from bots.flow.model import AskStep, Flow, Slot
from bots.flow.outcome import Understood
from bots.nlu.entities import parse
from bots.ports import LanguageModel, Prompt

PURPOSE = "understanding"
ADVISED = 0.3
"""The confidence of an intent that a model named: below every value found in the same words."""
MOST_INTENTS = 60
EXAMPLES = 3
WORDS_CHARACTERS = 800
AGENT = "agent"
AGENT_LABEL = "to talk to a person"
RULES = """\
You help to understand a customer of a company. The document has what the customer wrote or said
(a recogniser may have misheard it), the question that was open, and closed lists.
- "intent": the one listed intent that the words clearly ask for, or null.
- "next": the other listed intent that comes nearest, however unlikely; null without an intent.
- "quote": the customer's words, copied exactly, that show it; empty without an intent.
- "value": only if a slot is open: the customer's words, copied exactly, that answer it, and
  nothing else; empty if they do not.
- "choice": only if the slot has choices: the one they mean, or null."""

log = logging.getLogger(__name__)
WORDY = re.compile(r"[^\W\u3400-\u9fff]")
"""A character that is part of a word; Chinese has no spaces between them."""
Words = Annotated[str, msgspec.Meta(max_length=WORDS_CHARACTERS)]


@dataclass(frozen=True, slots=True)
class _Open:
    """What is asked: an open question, or a slot."""

    flow: Flow
    step: AskStep
    language: str

    @property
    def slot(self) -> Slot | None:
        return self.flow.slots.get(self.step.slot)

    @property
    def intents(self) -> list[dict[str, Any]]:
        """The closed list; small talk is no matter."""
        listed = [
            {
                "name": intent.name,
                "label": intent.label,
                "examples": list(intent.examples.get(self.language, ()))[:EXAMPLES],
            }
            for intent in self.flow.intents.values()
            if not intent.small_talk
        ]
        return [*listed[:MOST_INTENTS], {"name": AGENT, "label": AGENT_LABEL, "examples": []}]

    @property
    def choices(self) -> list[str]:
        slot = self.slot
        return [choice.value for choice in slot.choices] if slot else []


class SecondOpinion:
    """Implements ``bots.conversation.Adviser``."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    async def on(self, flow: Flow, memory: Mapping[str, Any], given: Understood) -> Understood:
        """``given``, or what the model made of it. Never raises for the model's sake."""
        step = flow.steps.get(memory["step"])
        if not isinstance(step, AskStep) or not _puzzled(flow, step, memory, given):
            return given
        language = given.language or memory["language"]
        open_ = _Open(flow, step, language)
        prompt = Prompt(PURPOSE, RULES, _document(open_, memory, given.text), most_tokens=200)
        try:
            said = await self._model.fill(prompt, _shape(open_))
        except ModelFailed as error:
            log.info("no second opinion: %s", error)
            return given
        return _checked(open_, given, said)


def _puzzled(flow: Flow, step: AskStep, memory: Mapping[str, Any], given: Understood) -> bool:
    """Rule 1."""
    asks = memory["mode"] == "ask" and given.text.strip() and not given.sure
    if not asks or given.between:
        return False
    slot = flow.slots.get(step.slot)
    if slot is not None and (slot.consent or slot.type == "yes-no"):
        return False
    meaning = read(flow, step, memory, given)
    if slot is not None:
        return isinstance(meaning, Unclear)
    return given.intent is None and meaning == Wants(step.otherwise)


def _document(open_: _Open, memory: Mapping[str, Any], text: str) -> dict[str, Any]:
    slot = open_.slot
    asked = {"name": slot.name, "type": slot.type, "choices": open_.choices} if slot else None
    return {
        "customer": text[:WORDS_CHARACTERS],
        "language": open_.language,
        "open_question": memory["asked"],
        "slot": asked,
        "intents": open_.intents,
    }


def _shape(open_: _Open) -> type[Any]:
    """The answer, closed: only what the flow has can be said in it."""
    intents = tuple(str(intent["name"]) for intent in open_.intents)
    choices = tuple(open_.choices)
    named, chosen = _one_of(intents), _one_of(choices) if choices else None
    return msgspec.defstruct(
        "Opinion",
        [
            ("intent", named),
            ("next", named),
            ("quote", Words),
            ("value", Words),
            ("choice", chosen),
        ],
        forbid_unknown_fields=True,
    )


def _one_of(names: tuple[str, ...]) -> Any:
    """A literal of names that only the flow knows, or null."""
    literal: Any = Literal
    return literal[names] | None


def _checked(open_: _Open, given: Understood, said: Any) -> Understood:
    found = _value(open_, given, said) if open_.slot else ""
    if found:
        return replace(given, alternatives=(found, *given.alternatives))
    if said.intent is None or not _quoted(said.quote, given.text):
        return given
    return _wanted(open_, given, said)


def _value(open_: _Open, given: Understood, said: Any) -> str:
    """Words in which our parser finds the slot's value; empty for none (rules 3 and 4)."""
    slot = open_.slot
    if slot is None or not _quoted(said.value, given.text):
        return ""
    if slot.confirm == "never" and changes_something(open_.flow, open_.step.next):
        return ""
    if said.choice is not None:
        return _phrase(slot, said.choice, open_.language)
    return said.value if parse(slot, said.value, open_.language, given.today) else ""


def _phrase(slot: Slot, value: str, language: str) -> str:
    """How the customer would have named this choice plainly."""
    chosen = next(choice for choice in slot.choices if choice.value == value)
    phrases = chosen.phrases.get(language) or next(iter(chosen.phrases.values()), ())
    found = (one for one in (*phrases, value) if _means(slot, one, language, value))
    return next(found, "")


def _means(slot: Slot, phrase: str, language: str, value: str) -> bool:
    entity = parse(slot, phrase, language, None)
    return entity is not None and entity.value == value


def _wanted(open_: _Open, given: Understood, said: Any) -> Understood:
    """The intent, or the question whether it is meant (rule 4)."""
    intents = open_.flow.intents
    known = intents.get(said.intent)
    go = open_.step.routes.get(said.intent, known.go if known else "")
    if not go or not changes_something(open_.flow, go):
        return replace(given, intent=said.intent, confidence=ADVISED)
    if said.next in intents and said.next != said.intent:
        return replace(given, between=(said.intent, said.next))
    return given


def _quoted(quote: str, text: str) -> bool:
    """Whether these are whole words of the customer's, spaces and case aside."""
    plain = " ".join(quote.lower().split())
    if not plain:
        return False
    before = r"(?<![^\W\u3400-\u9fff])" if WORDY.match(plain[0]) else ""
    behind = r"(?![^\W\u3400-\u9fff])" if WORDY.match(plain[-1]) else ""
    found = re.search(before + re.escape(plain) + behind, " ".join(text.lower().split()))
    return found is not None
