"""Picks the sentences that answer a question and judges whether they do. Pure.

Rules:
1. A sentence is as good as its own similarity to the question plus shares of
   its article's and its passage's rank.
2. The answer comes from one article: the best sentence and, in the article's
   order, others that are nearly as good or stand beside it.
3. A sentence that ends with a colon only leads in: what follows comes along.
4. Confidence is a logistic function of three similarities, fitted on
   ``tests/data/knowledge_questions.yaml`` (docs/knowledge.md has the figures).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.chunking import count_words
from knowledge.model import Hit

TEXT_WORDS = 75
SPOKEN_WORDS = 34
SENTENCES = 3
ARTICLE_SHARE = 0.8
PASSAGE_SHARE = 0.15
"""What the ranks (0..1) add to a sentence's similarity."""
NEAR = 0.3
"""A further sentence may be this much worse than the best one."""
BESIDE = 0.1
"""What the sentences of the best one's own section gain: they belong together."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the articles knowing the answer, each about 0..1.

    ``sentence`` and ``passage`` are the best similarities of a single sentence
    and of a whole passage; ``coverage`` is the share of the question's weighty
    words that occur in the articles found.
    """

    sentence: float
    passage: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Weights:
    """Coefficients of the confidence for one language and where "known" begins."""

    sentence: float
    passage: float
    coverage: float
    bias: float
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class Pick:
    """The chosen sentences in reading order; ``hit`` is where the best one stands."""

    hit: Hit
    sentences: tuple[str, ...]
    spoken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Scored:
    """A sentence of hit number ``hit`` at ``place`` in it, with its score."""

    hit: int
    place: int
    score: float

    @property
    def at(self) -> tuple[int, int]:
        return self.hit, self.place


ENGLISH = Weights(sentence=7.6, passage=6.8, coverage=3.9, bias=-8.9)
OTHER = Weights(sentence=3.9, passage=0.0, coverage=6.3, bias=-3.4, threshold=0.4)
"""The encoder knows English only; elsewhere similarity means shared words."""


def confidence(evidence: Evidence, weights: Weights) -> float:
    """0..1; at 0.5 known and unknown were as likely in the fitted set."""
    total = (
        weights.sentence * evidence.sentence
        + weights.passage * evidence.passage
        + weights.coverage * evidence.coverage
        + weights.bias
    )
    return 1.0 / (1.0 + math.exp(-total))


def pick_sentences(hits: Sequence[Hit], similar: Sequence[Sequence[float]]) -> Pick:
    """The answer's sentences; ``similar[i][j]`` is sentence j of hit i against the question.

    ``hits`` must not be empty.
    """
    scored = [
        _Scored(i, j, own + ARTICLE_SHARE * hit.article_score + PASSAGE_SHARE * hit.score)
        for i, (hit, row) in enumerate(zip(hits, similar, strict=True))
        for j, own in enumerate(row)
    ]
    best = max(scored, key=lambda item: (item.score, -item.hit, -item.place))
    chosen = {best.at, *_led_in(hits[best.hit], best)}
    for rival in _rivals(hits, scored, best):
        if len(chosen) >= SENTENCES:
            break
        chosen.add(rival.at)
    order = sorted(chosen, key=lambda at: (hits[at[0]].passage.position, at[1]))
    sentences = within([hits[hit].passage.sentences[place] for hit, place in order], TEXT_WORDS)
    lead = hits[best.hit].passage.sentences[best.place]
    return Pick(hits[best.hit], tuple(sentences), tuple(_for_the_ear(lead, sentences)))


def _led_in(hit: Hit, best: _Scored) -> list[tuple[int, int]]:
    """What follows a sentence that ends with a colon."""
    sentences = hit.passage.sentences
    if not _leads(sentences[best.place]):
        return []
    last = min(len(sentences), best.place + 1 + SENTENCES)
    return [(best.hit, following) for following in range(best.place + 1, last)]


def _rivals(hits: Sequence[Hit], scored: Sequence[_Scored], best: _Scored) -> list[_Scored]:
    """Further sentences of the best one's article that are good enough, best first."""
    article = hits[best.hit].passage.article_id
    found = []
    for item in scored:
        passage = hits[item.hit].passage
        if passage.article_id != article or _leads(passage.sentences[item.place]):
            continue
        score = item.score + (BESIDE if item.hit == best.hit else 0.0)
        if score >= best.score - NEAR:
            found.append(_Scored(item.hit, item.place, score))
    return sorted(found, key=lambda item: (-item.score, item.hit, item.place))


def _leads(sentence: str) -> bool:
    return sentence.endswith((":", "："))


def within(sentences: Sequence[str], words: int) -> list[str]:
    """The first sentences that fit; always at least one."""
    kept: list[str] = []
    for sentence in sentences:
        if kept and count_words(" ".join([*kept, sentence])) > words:
            break
        kept.append(sentence)
    return kept


def _for_the_ear(lead: str, sentences: Sequence[str]) -> list[str]:
    """The best sentence, and the one after it when both are short."""
    if lead not in sentences:
        return within(sentences, SPOKEN_WORDS)[:2]
    at = sentences.index(lead)
    return within(sentences[at : at + 2], SPOKEN_WORDS)
