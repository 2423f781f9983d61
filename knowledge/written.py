"""An answer in a writer's words, of which every sentence was checked; else the articles' own.

1. Only a question that the articles answer is written about: the threshold decides, no writer.
2. Each sentence names its passages and must pass ``knowledge.grounding``. One that does not ends
   it: what stands is not mixed with what was made up, the articles' own words are the answer.
3. A writer that fails, or has nothing to say, changes nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from knowledge.chunking import count_words
from knowledge.extract import SPOKEN_WORDS, TEXT_WORDS, within
from knowledge.grounding import Grounded, grounded
from knowledge.model import Answer, Passage
from knowledge.ports import Writer
from knowledge.spoken import spoken_form
from router.errors import ParleyError
from router.model import Citation

MOST_PASSAGES = 6
WRITTEN, REFUSED, FAILED, SILENT = "written", "refused", "failed", "silent"

log = logging.getLogger(__name__)


class Written:
    """Puts answers into a writer's words where every one of them holds."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.outcomes: Counter[str] = Counter()
        """How often which: ``written``, ``refused``, ``failed`` or ``silent``."""

    async def answer(self, question: str, passages: Sequence[Passage], known: Answer) -> Answer:
        """The same answer in better words, or ``known`` as it is."""
        given = list(passages[:MOST_PASSAGES])
        texts = [passage.indexed_text for passage in given]
        language = given[0].language
        said: list[Grounded] = []
        try:
            async with aclosing(self._writer.write(question, texts, language)) as statements:
                async for statement in statements:
                    one = grounded(statement, texts, language)
                    if isinstance(one, str):
                        log.info("a written answer is not used: %s", one)
                        return self._kept(known, REFUSED)
                    said.append(one)
        except ParleyError as error:
            log.info("an answer keeps the articles' words: %s", error)
            return self._kept(known, FAILED)
        if not said:
            return self._kept(known, SILENT)
        return self._kept(_answer(said, given, known), WRITTEN)

    def _kept(self, answer: Answer, outcome: str) -> Answer:
        self.outcomes[outcome] += 1
        return answer


def _answer(said: Sequence[Grounded], passages: Sequence[Passage], known: Answer) -> Answer:
    joint = "" if passages[0].language == "zh" else " "
    kept = within(list(dict.fromkeys(one.text for one in said)), TEXT_WORDS)
    short = [text for text in within(kept, SPOKEN_WORDS) if count_words(text) <= SPOKEN_WORDS]
    return replace(
        known,
        text=joint.join(kept),
        # What is too long for the ear stays as the articles say it.
        spoken=spoken_form(joint.join(short)) or known.spoken,
        citations=_citations([one for one in said if one.text in kept], passages, known),
    )


def _citations(
    said: Sequence[Grounded], passages: Sequence[Passage], known: Answer
) -> tuple[Citation, ...]:
    """The articles the sentences are taken from, in their order, then those found beside them."""
    quoted: dict[str, list[str]] = {}
    for one in said:
        for place in one.passages:
            quoted.setdefault(passages[place].article_id, []).append(one.text)
    of = {citation.article_id: citation for citation in known.citations}
    first = [
        replace(_citation_of(article_id, passages, of), quote=" ".join(dict.fromkeys(texts)))
        for article_id, texts in quoted.items()
    ]
    rest = [citation for citation in known.citations if citation.article_id not in quoted]
    return (*first, *rest)[: max(len(known.citations), len(first))]


def _citation_of(article_id: str, passages: Sequence[Passage], of: dict[str, Citation]) -> Citation:
    if article_id in of:
        return of[article_id]
    passage = next(passage for passage in passages if passage.article_id == article_id)
    url = f"/help/{passage.language}/{article_id}"
    return Citation(article_id=article_id, title=passage.title, url=url, quote="", score=0.0)
