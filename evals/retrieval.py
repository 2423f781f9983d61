"""How well the knowledge base finds and refuses: ``python -m evals bench retrieval``.

On the folder of public questions that ``PARLEY_SHARED_DATA`` names (its
``mtrag-un`` part: ``passages.jsonl``, ``tasks.jsonl``), else on the demo
company's own set. The real pipeline is measured: chunking, encoder, index, fusion.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml

from knowledge.answer import KnowledgeBase
from knowledge.embed import MiniLmEncoder
from knowledge.index import QdrantIndex
from knowledge.ingest import read_articles
from knowledge.model import Article

ROOT = Path(__file__).parents[1]
DEMO_ARTICLES = ROOT / "gateway" / "demo" / "articles"
DEMO_QUESTIONS = ROOT / "tests" / "data" / "knowledge_questions.yaml"
SHARED = "PARLEY_SHARED_DATA"
DEPTH = 10

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; ``right`` are the articles that answer it, none when nothing does."""

    question: str
    language: str = "en"
    right: frozenset[str] = frozenset()
    fact: str = ""


async def run() -> Figures:
    """The figures of whichever set is at hand."""
    shared = os.environ.get(SHARED)
    if shared and (Path(shared) / "mtrag-un").is_dir():
        return await measure_retrieval(Path(shared) / "mtrag-un")
    return await measure_demo()


async def measure_retrieval(folder: Path) -> Figures:
    """hit@1, hit@5, MRR@10, nDCG@10 of the last user turn on a folder of public questions."""
    articles = [
        Article(row["id"], "", "en", row["text"]) for row in _rows(folder / "passages.jsonl")
    ]
    asked = [
        Asked(task["turns"][-1]["text"], right=frozenset(task["relevant"]))
        for task in _rows(folder / "tasks.jsonl")
        if task["relevant"]
    ]
    async with _Base(articles) as base:
        return await rank_figures(base, asked)


async def measure_demo(
    articles: Sequence[Article] | None = None, kept: Path | None = None
) -> Figures:
    """Retrieval and refusal on the demo company's set; times are those of warm answers.

    ``kept`` is a folder with vectors of the articles (``MiniLmEncoder``), to be quicker.
    """
    asked = read_questions(DEMO_QUESTIONS)
    async with _Base(articles or read_articles(DEMO_ARTICLES), kept) as base:
        await base.warm()
        figures = await rank_figures(base, [one for one in asked if one.right])
        return figures | await answer_figures(base, asked)


def read_questions(path: Path) -> list[Asked]:
    """Answerable and unanswerable questions of a YAML file."""
    raw = yaml.safe_load(path.read_text("utf-8"))
    return [
        Asked(row["question"], row["language"], frozenset(row["articles"]), row.get("fact", ""))
        for row in raw["answerable"]
    ] + [Asked(row["question"], row["language"]) for row in raw["unanswerable"]]


async def rank_figures(base: KnowledgeBase, asked: Sequence[Asked]) -> Figures:
    """How high the right articles stand in a search, averaged over the questions."""
    rankings = []
    for one in asked:
        found = await base.search(one.question, one.language, DEPTH)
        rankings.append([citation.article_id in one.right for citation in found])
    count = len(asked)
    return {
        "questions": float(count),
        "hit@1": sum(any(row[:1]) for row in rankings) / count,
        "hit@3": sum(any(row[:3]) for row in rankings) / count,
        "hit@5": sum(any(row[:5]) for row in rankings) / count,
        "mrr@10": sum(_reciprocal(row) for row in rankings) / count,
        "ndcg@10": sum(_ndcg(row, len(one.right)) for row, one in zip(rankings, asked, strict=True))
        / count,
    }


async def answer_figures(base: KnowledgeBase, asked: Sequence[Asked]) -> Figures:
    """How often an answer is right, refused rightly, and how fast it is.

    ``auroc`` is the chance that an answerable question gets a higher confidence
    than an unanswerable one, over all languages; ``auroc_en`` in English.
    """
    answers, times = [], []
    for one in asked:
        begun = perf_counter()
        answers.append(await base.answer(one.question, one.language))
        times.append(1000 * (perf_counter() - begun))
    pairs = list(zip(asked, answers, strict=True))
    known = [answer for one, answer in pairs if one.right]
    cited = [
        answer.citations[0].article_id in one.right
        for one, answer in pairs
        if one.right and answer.known
    ]
    facts = [one.fact.lower() in answer.text.lower() for one, answer in pairs if one.fact]
    refused = [not answer.known for one, answer in pairs if not one.right]
    english = [(one, answer.score) for one, answer in pairs if one.language == "en"]
    return {
        "answered": sum(answer.known for answer in known) / len(known),
        "cited_right": sum(cited) / len(cited),
        "fact_in_answer": sum(facts) / len(facts),
        "refused_rightly": sum(refused) / len(refused),
        "auroc": auroc([(bool(one.right), answer.score) for one, answer in pairs]),
        "auroc_en": auroc([(bool(one.right), score) for one, score in english]),
        "answer_ms_p50": sorted(times)[len(times) // 2],
        "answer_ms_p95": sorted(times)[int(len(times) * 0.95)],
    }


def auroc(scored: Sequence[tuple[bool, float]]) -> float:
    """Area under the ROC curve by the Mann-Whitney statistic; ties count half."""
    good = [score for right, score in scored if right]
    bad = [score for right, score in scored if not right]
    wins = sum((g > b) + 0.5 * (g == b) for g in good for b in bad)
    return wins / (len(good) * len(bad))


async def fit_confidence(languages: Sequence[str] = ("en",)) -> Figures:
    """Weights for ``knowledge.extract`` from the demo questions in these languages.

    A balanced logistic regression on sentence, passage and coverage, with the
    area under the ROC curve of five-fold cross-validation beside its own.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    asked = [one for one in read_questions(DEMO_QUESTIONS) if one.language in languages]
    async with _Base(read_articles(DEMO_ARTICLES)) as base:
        found = [(await base.evidence(one.question, one.language))[0] for one in asked]
    rows = [[item.sentence, item.passage, item.coverage] for item in found]
    right = [bool(one.right) for one in asked]
    model = LogisticRegression(C=10, class_weight="balanced")
    folds = StratifiedKFold(5, shuffle=True, random_state=1)
    held_out = cross_val_predict(model, rows, right, cv=folds, method="predict_proba")[:, 1]
    model.fit(rows, right)
    fitted = model.predict_proba(rows)[:, 1]
    names = ("sentence", "passage", "coverage")
    return {name: float(value) for name, value in zip(names, model.coef_[0], strict=True)} | {
        "bias": float(model.intercept_[0]),
        "auroc_cross_validated": auroc(list(zip(right, held_out.tolist(), strict=True))),
        "auroc_fitted": auroc(list(zip(right, fitted.tolist(), strict=True))),
    }


def _reciprocal(row: Sequence[bool]) -> float:
    return next((1 / rank for rank, right in enumerate(row, 1) if right), 0.0)


def _ndcg(row: Sequence[bool], right: int) -> float:
    """Normalised discounted cumulative gain with relevance 0 or 1 (Järvelin & Kekäläinen, 2002)."""
    gain = sum(1 / math.log2(rank + 1) for rank, hit in enumerate(row, 1) if hit)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(right, DEPTH) + 1))
    return gain / ideal


def _rows(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


class _Base:
    """A knowledge base in memory with the real encoder, for one measurement."""

    def __init__(self, articles: Sequence[Article], kept: Path | None = None) -> None:
        self._articles = articles
        self._encoder = MiniLmEncoder(kept=kept)
        self._index = QdrantIndex()
        self._base = KnowledgeBase(self._encoder, self._index)

    async def __aenter__(self) -> KnowledgeBase:
        today: date = datetime.now(UTC).date()
        await self._encoder.recall()
        await self._base.start(self._articles, today)
        return self._base

    async def __aexit__(self, *error: object) -> None:
        await self._base.stop()
        await self._index.stop()
        await self._encoder.stop()
