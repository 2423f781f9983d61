"""A question that leans on an earlier one, made whole by a language model.

It is only looked up, never said. Even so it may bring in nothing that the customer did not
write: no number, and not a text of another kind.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from bots.errors import ModelFailed
from bots.ports import LanguageModel, Prompt

PURPOSE = "rewriting"
MOST_WORDS = 40
RULES = """\
The document has two questions of a customer, one after the other. Write the second one so that it
can be understood without the first: replace words like "it" or "and on Sundays" by what they
stand for. Keep its language ({language}), meaning and numbers; add nothing and answer nothing."""
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\d_]{3,}")
_NUMBER = re.compile(r"\d+")


class Whole(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The question that stands by itself."""

    question: Annotated[str, msgspec.Meta(max_length=300)]


class ModelRewriter:
    """Implements ``bots.followup.Rewriter``."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    async def whole(self, question: str, earlier: str, language: str) -> str:
        """Raises ``ModelFailed``, also for what is no such question."""
        prompt = Prompt(
            PURPOSE,
            RULES.format(language=language),
            {"first": earlier[:600], "second": question[:600]},
            most_tokens=120,
        )
        made = (await self._model.fill(prompt, Whole)).question.strip()
        given = f"{earlier}\n{question}".lower()
        new = set(_NUMBER.findall(made)) - set(_NUMBER.findall(given))
        words = set(_WORD.findall(made.lower()))
        shared = words & set(_WORD.findall(given))
        if new or len(made.split()) > MOST_WORDS or len(shared) * 2 < len(words) or not words:
            raise ModelFailed(f"the question made whole is another one: {made[:80]!r}")
        return made
