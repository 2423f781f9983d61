"""An answer in a writer's words, of which every sentence was checked; else the articles' own.

1. Only a question that the articles answer is written about: the threshold decides, no writer.
2. Each sentence names its passages and must pass ``knowledge.grounding``. One that does not ends
   it: what stands is not mixed with what was made up, the articles' own words are the answer.
3. A writer that fails, or has nothing to say, changes nothing.
4. On a call each sentence is told as soon as it holds, while the next is being written. Of what
   was told nothing is taken back: a sentence that fails then ends the answer, and is not told.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from knowledge.chunking import count_words
from knowledge.extract import SPOKEN_WORDS, TEXT_WORDS, within
from knowledge.grounding import Grounded, grounded
from knowledge.model import Answer, Passage
from knowledge.ports import EarlyListener, Writer
from knowledge.spoken import spoken_form
from router.errors import ParleyError
from router.model import Citation

MOST_PASSAGES = 6
WRITTEN, REFUSED, FAILED, SILENT = "written", "refused", "failed", "silent"
CUT = "cut"
"""Its beginning was told, then it failed: that is the answer."""

log = logging.getLogger(__name__)


class Written:
    """Puts answers into a writer's words where every one of them holds."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.outcomes: Counter[str] = Counter()
        """How often which: ``written``, ``refused``, ``failed``, ``silent`` or ``cut``."""

    async def answer(
        self,
        question: str,
        passages: Sequence[Passage],
        known: Answer,
        early: EarlyListener | None = None,
    ) -> Answer:
        """The same answer in better words, or ``known`` as it is.

        ``early`` hears the sentences for the ear as they come (rule 4).
        """
        given = list(passages[:MOST_PASSAGES])
        draft = _Draft(given, early)
        outcome = await self._write(question, draft)
        if not draft.said:
            return self._kept(known, SILENT if outcome == WRITTEN else outcome)
        if outcome != WRITTEN and not draft.told:
            return self._kept(known, outcome)
        answer = _answer(draft.said, given, known)
        if draft.told:
            answer = replace(answer, spoken=_joint(given).join(draft.told))
        return self._kept(answer, WRITTEN if outcome == WRITTEN else CUT)

    async def _write(self, question: str, draft: _Draft) -> str:
        """Have it written until it is whole, or nobody wants more; how that went."""
        if draft.early is None:
            return await self._take(question, draft)
        writing = asyncio.create_task(self._take(question, draft), name="written answer")
        enough = asyncio.create_task(draft.early.enough.wait(), name="enough")
        try:
            await asyncio.wait({writing, enough}, return_when=asyncio.FIRST_COMPLETED)
            return writing.result() if writing.done() else WRITTEN
        finally:
            enough.cancel()
            writing.cancel()
            # The request is over before anybody goes on.
            await asyncio.gather(writing, return_exceptions=True)

    async def _take(self, question: str, draft: _Draft) -> str:
        texts, language = draft.texts, draft.language
        try:
            async with aclosing(self._writer.write(question, texts, language)) as statements:
                async for statement in statements:
                    one = grounded(statement, texts, language)
                    if isinstance(one, str):
                        log.info("a written answer is not used: %s", one)
                        return REFUSED
                    if not draft.take(one):
                        return WRITTEN
        except ParleyError as error:
            log.info("an answer keeps the articles' words: %s", error)
            return FAILED
        return WRITTEN

    def _kept(self, answer: Answer, outcome: str) -> Answer:
        self.outcomes[outcome] += 1
        return answer


class _Draft:
    """What is written so far, and what of it was told."""

    def __init__(self, passages: Sequence[Passage], early: EarlyListener | None) -> None:
        self.texts = [passage.indexed_text for passage in passages]
        self.language = passages[0].language
        self.early = early
        self.said: list[Grounded] = []
        self.told: list[str] = []

    def take(self, one: Grounded) -> bool:
        """Keep a sentence, and tell it; False when the ear can take no more."""
        if self.early is None:
            self.said.append(one)
            return True
        sentence = spoken_form(one.text)
        words = sum(count_words(each) for each in (*self.told, sentence))
        if words > SPOKEN_WORDS:
            return False
        self.said.append(one)
        if sentence not in self.told:
            self.told.append(sentence)
            self.early.tell(sentence)
        return True


def _joint(passages: Sequence[Passage]) -> str:
    return "" if passages[0].language == "zh" else " "


def _answer(said: Sequence[Grounded], passages: Sequence[Passage], known: Answer) -> Answer:
    joint = _joint(passages)
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
