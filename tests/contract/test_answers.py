"""The demo company's answers with the real encoder: figures that must not fall."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.retrieval import DEMO_ARTICLES, auroc, measure_demo, read_questions
from evals.retrieval import DEMO_QUESTIONS as QUESTIONS
from knowledge.ingest import read_articles


@pytest.mark.slow
async def test_demo_questions_are_found_answered_and_refused(known_vectors: Path) -> None:
    figures = await measure_demo(kept=known_vectors)
    floors = {
        "hit@1": 0.85,
        "hit@3": 0.95,
        "answered": 0.85,
        "cited_right": 0.90,
        "refused_rightly": 0.88,
        "fact_in_answer": 0.60,
        "auroc": 0.93,
    }
    assert {name: figures[name] for name in floors if figures[name] < floors[name]} == {}


def test_question_set_is_large_enough_and_names_real_articles() -> None:
    asked = read_questions(QUESTIONS)
    known = {(article.language, article.id) for article in read_articles(DEMO_ARTICLES)}
    assert sum(bool(one.right) for one in asked) >= 60
    assert sum(not one.right for one in asked) >= 40
    assert all((one.language, right) in known for one in asked for right in one.right)


def test_auroc_counts_ordered_pairs_ties_half() -> None:
    assert auroc([(True, 0.9), (True, 0.5), (False, 0.1)]) == 1.0
    assert auroc([(True, 0.5), (False, 0.5)]) == 0.5
    assert auroc([(True, 0.1), (False, 0.5), (False, 0.0)]) == 0.5
