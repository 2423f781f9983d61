"""The knowledge base: articles in, passages found, answers with their source out.

Rules:
1. Retrieval joins two rankings, vectors (Qdrant) and BM25, by min-max fusion.
2. An answer is made of the articles' own sentences; nothing is invented. A writer may put it
   into better words, of which every sentence is checked (``knowledge.written``).
3. Below the threshold ``known`` is False and there is no text.
4. A question in a language without articles is looked up in English; one that
   its language's articles cannot answer is tried in English as well.
5. All computing happens on threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from knowledge.chunking import count_words, plain_text, split_article, split_sentences
from knowledge.errors import NoSuchArticle
from knowledge.extract import (
    ENGLISH,
    OTHER,
    Evidence,
    Pick,
    Weights,
    confidence,
    pick_sentences,
)
from knowledge.lexical import LexicalIndex, fuse_min_max
from knowledge.model import FALLBACK_LANGUAGE, Answer, Article, Hit, Passage
from knowledge.ports import EarlyListener, Encoder, VectorIndex
from knowledge.spoken import spoken_form
from knowledge.written import Written
from router.errors import ParleyError
from router.model import Citation

Result = TypeVar("Result")
Vectors = npt.NDArray[np.float32]

POOL = 100
"""Passages taken from each ranking before they are joined."""
DENSE_SHARE = 0.65
OTHER_DENSE_SHARE = 0.3
"""The encoder is trained on English, so elsewhere words count more."""
READ_ARTICLES = 2
"""Articles whose sentences may become the answer."""
CITED = 3
LONG_QUESTION_WORDS = 40
WARM_BATCH = 4
"""Whoever asks meanwhile waits for one of these at most."""
READY = "ready"
"""Embedded first, to find a model that cannot be loaded."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What loading the articles changed in the index, in passages."""

    added: int
    removed: int
    kept: int


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Everything in memory about one state of the articles; replaced as a whole."""

    articles: Mapping[tuple[str, str], Article]
    passages: Mapping[str, Passage]
    texts: Mapping[tuple[str, str], Sequence[Passage]]
    said: Mapping[tuple[str, str], str]
    lexical: Mapping[str, LexicalIndex]
    told: dict[str, Vectors] = field(default_factory=dict)
    """The vectors of a passage's sentences in their context, once they have been needed."""


class KnowledgeBase:
    """Answers questions from articles; ``bots.ports.Knowledge``.

    ``encoder`` and ``index`` are started by :meth:`start` and stay the
    caller's to stop.
    """

    def __init__(
        self, encoder: Encoder, index: VectorIndex, written: Written | None = None
    ) -> None:
        """Without ``written`` answers keep the articles' own words."""
        self._encoder = encoder
        self._index = index
        self.written = written
        self._shelf = _Shelf({}, {}, {}, {}, {})
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="knowledge")
        self._caught_up = asyncio.Event()
        self._failure: ParleyError | None = None
        self._english_weights = ENGLISH
        self._other_weights = OTHER

    async def start(self, articles: Sequence[Article], today: date) -> Refreshed:
        """Open the index and bring it up to these articles; only changes are embedded.

        Raises ``ModelUnavailable``, ``IndexLocked``, ``IndexMismatch``, ``IndexUnavailable``.
        """
        await self.shelve(articles, today)
        return await self.catch_up()

    async def shelve(self, articles: Sequence[Article], today: date) -> None:
        """Make the articles readable at once; answers wait for :meth:`catch_up`."""
        self._shelf = await self._off_loop(lambda: _shelve(articles, today))

    async def catch_up(self) -> Refreshed:
        """The slow half of :meth:`start`: load the model, index what is new.

        Whoever asks meanwhile waits; when this fails they get the same error.
        """
        try:
            await self._encoder.embed([READY])
            await self._index.start(self._encoder.name, self._encoder.dimensions)
            return await self._refresh(self._shelf)
        except ParleyError as error:
            self._failure = error
            raise
        finally:
            self._caught_up.set()

    async def load(self, articles: Sequence[Article], today: date) -> Refreshed:
        """Replace all articles, those that have expired left out."""
        shelf = await self._off_loop(lambda: _shelve(articles, today))
        refreshed = await self._refresh(shelf)
        self._shelf = shelf
        return refreshed

    async def _refresh(self, shelf: _Shelf) -> Refreshed:
        stored = await self._index.digests()
        changed = [
            passage for key, passage in shelf.passages.items() if stored.get(key) != passage.digest
        ]
        gone = [key for key in stored if key not in shelf.passages]
        vectors = await self._encoder.embed([passage.indexed_text for passage in changed])
        await self._index.put(changed, vectors)
        await self._index.delete(gone)
        return Refreshed(len(changed), len(gone), len(shelf.passages) - len(changed))

    async def stop(self) -> None:
        """End the thread. Safe to call twice."""
        self._worker.shutdown(wait=False)

    async def warm(self) -> None:
        """Embed every public sentence once, in small batches, so that answers find them ready."""
        sentences = self._public_sentences()
        for start in range(0, len(sentences), WARM_BATCH):
            await self._encoder.embed(sentences[start : start + WARM_BATCH])

    def texts(self) -> list[str]:
        """Everything of the articles that is ever embedded."""
        passages = (passage.indexed_text for passage in self._shelf.passages.values())
        return [READY, *passages, *self._public_sentences()]

    def _public_sentences(self) -> list[str]:
        return [
            in_context(passage, sentence)
            for passage in self._shelf.passages.values()
            for sentence in passage.sentences
            if passage.language == "en" and self._article_of(passage).audience == "public"
        ]

    @property
    def tells_early(self) -> bool:
        """Whether answers are written, so that the first sentence comes before the last."""
        return self.written is not None

    async def answer(self, question: str, language: str = "en") -> Answer:
        """The articles' answer in that language, in English where there is none."""
        return await self._answer(question, language)

    async def answer_aloud(self, question: str, language: str, early: EarlyListener) -> Answer:
        """The same; ``early`` hears each sentence as soon as it is written and checked."""
        return await self._answer(question, language, early)

    async def _answer(
        self, question: str, language: str, early: EarlyListener | None = None
    ) -> Answer:
        asked = focus(question)
        if not asked:
            return Answer(known=False)
        first = self._language(language)
        answer = await self._answer_in(asked, first, early)
        if answer.known or first == FALLBACK_LANGUAGE:
            return answer
        other = await self._answer_in(asked, FALLBACK_LANGUAGE, early)
        return other if other.known else answer

    async def search(
        self, words: str, language: str = "en", limit: int = 5, audience: str | None = None
    ) -> list[Citation]:
        """The best articles for an agent, best first, ``quote`` being the passage.

        ``audience`` None searches all of them, ``public`` what customers may see.
        """
        asked = focus(words)
        if not asked:
            return []
        vector = await self._vector_of(asked)
        shelf, spoken = self._shelf, self._language(language)
        found = await self._find(asked, vector, spoken, audience)

        def cite() -> list[Citation]:
            near = [_hits(shelf, asked, [one], spoken) for one in found[:limit]]
            return [_citation(hits[0], hits[0].passage.text) for hits in near]

        return await self._off_loop(cite)

    async def evidence(self, question: str, language: str = "en") -> tuple[Evidence, list[str]]:
        """What the confidence is computed from and the articles found: for measuring."""
        read = await self._read(focus(question), self._language(language))
        if read is None:
            return Evidence(0.0, 0.0, 0.0), []
        return read.evidence, [found.article_id for found in read.found]

    def article(self, article_id: str, language: str = "en") -> Article:
        """The article in that language, else in English. Raises ``NoSuchArticle``."""
        for wanted in (language, FALLBACK_LANGUAGE):
            article = self._shelf.articles.get((wanted, article_id))
            if article is not None:
                return article
        raise NoSuchArticle(f"no article {article_id!r} in {language!r} or in English")

    def articles(self, language: str = "en", audience: str | None = "public") -> list[Article]:
        """All articles as that language's help centre lists them, English filling the gaps."""
        by_id: dict[str, Article] = {}
        for (spoken, article_id), article in self._shelf.articles.items():
            if audience is not None and article.audience != audience:
                continue
            if spoken == language or (spoken == FALLBACK_LANGUAGE and article_id not in by_id):
                by_id[article_id] = article
        return sorted(by_id.values(), key=lambda article: article.title.casefold())

    def languages(self) -> set[str]:
        """The languages that have articles of their own."""
        return set(self._shelf.lexical)

    def corpus(self, language: str = "en") -> list[str]:
        """Titles, phrasings and sentences of the public articles: what callers may talk about."""
        lines: list[str] = []
        for article in self.articles(language):
            if article.language == language:
                lines.extend([article.title, *article.asked])
        for passage in self._shelf.passages.values():
            if passage.language == language and self._article_of(passage).audience == "public":
                lines.extend(passage.sentences)
        return list(dict.fromkeys(lines))

    def _language(self, language: str) -> str:
        own = language.split("-")[0]
        return own if own in self._shelf.lexical else FALLBACK_LANGUAGE

    def _article_of(self, passage: Passage) -> Article:
        return self._shelf.articles[passage.language, passage.article_id]

    async def _answer_in(self, asked: str, language: str, early: EarlyListener | None) -> Answer:
        read = await self._read(asked, language)
        if read is None:
            return Answer(known=False)
        shelf = self._shelf
        weights = self._english_weights if language == "en" else self._other_weights
        answer = await self._off_loop(lambda: _compose(shelf, read, weights, language))
        if self.written is None or not answer.known:
            return answer
        passages = [hit.passage for hit in read.near]
        return await self.written.answer(asked, passages, answer, early)

    async def _read(self, asked: str, language: str) -> _Read | None:
        """Find articles and compare the sentences of the best with the question."""
        vector = await self._vector_of(asked)
        dense = await self._index.nearest(vector, language, POOL)
        shelf = self._shelf

        def look() -> tuple[list[_Found], list[Hit]]:
            found = _rank(shelf, asked, dense, language, "public")
            return found, _hits(shelf, asked, found[:READ_ARTICLES], language)

        found, near = await self._off_loop(look)
        if not found:
            return None
        if language == "en":
            await self._embed_told(shelf, near)

        def weigh() -> _Read:
            lexical = shelf.lexical[language]
            rows = (
                _similar(shelf, vector, near)
                if language == "en"
                else _shared_words(lexical, asked, near)
            )
            return _Read(found, near, rows, _weigh(lexical, asked, found, rows))

        return await self._off_loop(weigh)

    async def _embed_told(self, shelf: _Shelf, hits: Sequence[Hit]) -> None:
        """Have the vectors of these passages' sentences on the shelf."""
        new = [hit.passage for hit in hits if hit.passage.id not in shelf.told]
        told = [in_context(passage, line) for passage in new for line in passage.sentences]
        if told:
            rows = iter(await self._encoder.embed(told))
            for passage in new:
                listed = [next(rows) for _ in passage.sentences]
                shelf.told[passage.id] = np.array(listed, dtype=np.float32)

    async def _vector_of(self, asked: str) -> list[float]:
        await self._caught_up.wait()
        if self._failure is not None:
            raise self._failure
        [vector] = await self._encoder.embed([asked])
        return vector

    async def _find(
        self, asked: str, vector: Sequence[float], language: str, audience: str | None
    ) -> list[_Found]:
        dense = await self._index.nearest(vector, language, POOL)
        shelf = self._shelf
        return await self._off_loop(lambda: _rank(shelf, asked, dense, language, audience))

    async def _off_loop(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)


@dataclass(frozen=True, slots=True)
class _Found:
    """An article found: its fused ``score``, and the cosine of each of its passages that came up.

    ``nearest`` is the best of them, the ``asked`` phrasings included.
    """

    article_id: str
    score: float
    nearest: float
    cosines: Mapping[str, float]
    said: str


@dataclass(frozen=True, slots=True)
class _Read:
    """All articles found, the passages of the best, the worth of their sentences."""

    found: Sequence[_Found]
    near: Sequence[Hit]
    similar: Sequence[Sequence[float]]
    evidence: Evidence


def in_context(passage: Passage, sentence: str) -> str:
    """A sentence as it is compared: with what it is about, which it often leaves unsaid."""
    return f"{passage.heading or passage.title}: {sentence}"


def focus(question: str) -> str:
    """The question itself: of a long message only the sentences that ask."""
    text = " ".join(plain_text(question).split())
    if count_words(text) <= LONG_QUESTION_WORDS:
        return text
    asking = [line for line in split_sentences(text) if line.endswith(("?", "？"))]
    return " ".join(asking) or text


def _shelve(articles: Sequence[Article], today: date) -> _Shelf:
    shown = [article for article in articles if article.shown_on(today)]
    passages = {passage.id: passage for article in shown for passage in split_article(article)}
    texts: dict[tuple[str, str], list[Passage]] = {}
    for passage in passages.values():
        if passage.sentences:
            texts.setdefault((passage.language, passage.article_id), []).append(passage)
    said = {
        (article.language, article.id): _everything_said(
            article, texts.get((article.language, article.id), ())
        )
        for article in shown
    }
    words: dict[str, dict[str, str]] = {}
    for (language, article_id), text in said.items():
        words.setdefault(language, {})[article_id] = text
    return _Shelf(
        articles={(article.language, article.id): article for article in shown},
        passages=passages,
        texts=texts,
        said=said,
        lexical={language: LexicalIndex(group, language) for language, group in words.items()},
    )


def _everything_said(article: Article, passages: Sequence[Passage]) -> str:
    """An article as words are searched in it: the title counts twice."""
    body = [f"{passage.heading} {passage.text}" for passage in passages]
    return " ".join([article.title, article.title, *article.asked, *body])


def _rank(
    shelf: _Shelf,
    asked: str,
    dense: Sequence[tuple[str, float]],
    language: str,
    audience: str | None,
) -> list[_Found]:
    """Articles by vectors and words together, best first."""
    lexical = shelf.lexical.get(language)
    if lexical is None:
        return []
    cosines: dict[str, dict[str, float]] = {}
    for key, cosine in dense:
        # The index may still hold a passage that was dropped a moment ago.
        passage = shelf.passages.get(key)
        if passage is not None:
            cosines.setdefault(passage.article_id, {})[key] = cosine
    by_vector = [(article_id, max(own.values())) for article_id, own in cosines.items()]
    share = DENSE_SHARE if language == "en" else OTHER_DENSE_SHARE
    found = []
    for article_id, score in fuse_min_max(by_vector, lexical.search(asked, POOL), share):
        article = shelf.articles[language, article_id]
        if (language, article_id) in shelf.texts and audience in (None, article.audience):
            own = cosines.get(article_id, {})
            said = shelf.said[language, article_id]
            found.append(_Found(article_id, score, max(own.values(), default=0.0), own, said))
    return found


def _hits(shelf: _Shelf, asked: str, found: Sequence[_Found], language: str) -> list[Hit]:
    """The passages of these articles, each article's best first."""
    lexical = shelf.lexical[language]
    hits: list[Hit] = []
    for one in found:
        scored = [
            Hit(passage, one.cosines.get(passage.id, 0.0), one.score)
            if language == "en"
            else Hit(passage, lexical.overlap(asked, passage.indexed_text), one.score)
            for passage in shelf.texts[language, one.article_id]
        ]
        hits.extend(sorted(scored, key=lambda hit: (-hit.score, hit.passage.position)))
    return hits


def _similar(shelf: _Shelf, vector: Sequence[float], hits: Sequence[Hit]) -> list[list[float]]:
    """Cosines of each hit's sentences, read in their context, with the question."""
    asked = np.array(vector, dtype=np.float32)
    return [(shelf.told[hit.passage.id] @ asked).tolist() for hit in hits]


def _shared_words(lexical: LexicalIndex, asked: str, hits: Sequence[Hit]) -> list[list[float]]:
    """How much of the question each sentence says, its heading counting half."""
    rows = []
    for hit in hits:
        heading = lexical.overlap(asked, hit.passage.heading or hit.passage.title)
        rows.append([lexical.overlap(asked, line) + heading / 2 for line in hit.passage.sentences])
    return rows


def _weigh(
    lexical: LexicalIndex,
    asked: str,
    found: Sequence[_Found],
    similar: Sequence[Sequence[float]],
) -> Evidence:
    return Evidence(
        sentence=max(max(row) for row in similar),
        passage=max(one.nearest for one in found[:READ_ARTICLES]),
        coverage=max(lexical.overlap(asked, one.said) for one in found[:READ_ARTICLES]),
    )


def _compose(shelf: _Shelf, read: _Read, weights: Weights, language: str) -> Answer:
    pick = pick_sentences(read.near, read.similar)
    score = confidence(read.evidence, weights)
    citations = _citations(shelf, read, pick)
    if score < weights.threshold:
        return Answer(known=False, citations=citations, score=score)
    joint = "" if language == "zh" else " "
    return Answer(
        known=True,
        text=joint.join(pick.sentences),
        spoken=spoken_form(joint.join(pick.spoken)),
        citations=citations,
        score=score,
    )


def _citations(shelf: _Shelf, read: _Read, pick: Pick) -> tuple[Citation, ...]:
    """The article answered from, then the next best ones, each once."""
    cited = [_citation(pick.hit, " ".join(pick.sentences))]
    language = pick.hit.passage.language
    for one in read.found:
        if len(cited) < CITED and one.article_id != pick.hit.passage.article_id:
            first = shelf.texts[language, one.article_id][0]
            cited.append(_citation(Hit(first, 0.0, one.score), first.sentences[0]))
    return tuple(cited)


def _citation(hit: Hit, quote: str) -> Citation:
    passage = hit.passage
    return Citation(
        article_id=passage.article_id,
        title=passage.title,
        url=f"/help/{passage.language}/{passage.article_id}",
        quote=quote,
        score=round(hit.article_score, 4),
    )
