"""Answers in a language model's words; implements ``knowledge.ports.Writer``.

What it writes is believed by nobody: ``knowledge.grounding`` checks every sentence.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated

import msgspec

from bots.ports import LanguageModel, Prompt

PURPOSE = "answer"
MOST_SENTENCES = 4
PASSAGE_CHARACTERS = 1_500
QUESTION_CHARACTERS = 600
NAMES = {"en": "English", "lv": "Latvian", "zh": "Chinese"}
RULES = """\
You word answers of a company's customer service. The document has a customer's question and
numbered passages of the company's help articles.
- Use only what the passages say, in their own words where you can. Add nothing: no number, name,
  promise or advice that is not in them. Keep every condition ("if", "only", "unless").
- Answer the question first, in at most {most} short sentences, to be read aloud. No greeting, no
  "yes" alone, no lists.
- Each item is one sentence, with the numbers of the passages it is taken from in "sources".
- Write in {language}. If the passages do not answer the question, give no items."""


class Sentence(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One sentence of an answer and the passages it is taken from, from 1."""

    text: Annotated[str, msgspec.Meta(max_length=400)]
    sources: Annotated[list[int], msgspec.Meta(max_length=4)]


class ModelWriter:
    """Words answers by a language model."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    async def write(
        self, question: str, passages: Sequence[str], language: str
    ) -> AsyncGenerator[Sentence, None]:
        """Sentence by sentence. Raises ``bots.errors.ModelFailed``."""
        prompt = Prompt(
            PURPOSE,
            RULES.format(most=MOST_SENTENCES, language=NAMES.get(language, language)),
            {
                "question": question[:QUESTION_CHARACTERS],
                "passages": [
                    {"number": number, "text": text[:PASSAGE_CHARACTERS]}
                    for number, text in enumerate(passages, start=1)
                ],
            },
        )
        async with aclosing(self._model.each(prompt, Sentence)) as items:
            async for sentence in items:
                yield sentence
