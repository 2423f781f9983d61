"""How likely sentences are for a company."""

from __future__ import annotations

import math

import pytest

from bots.engines.word_model import VOCABULARY, WordModel

LINES = [text.split() for text in ("where is my order", "where is my bill", "pay my bill")]


def test_chances_of_all_that_may_follow_make_one() -> None:
    model = WordModel(LINES)
    words = {word for line in LINES for word in line}
    # One word that was never seen stands for all the others.
    after = [model.chance(("<s>", "where", word)) for word in [*words, "</s>"]]
    unseen = model.chance(("<s>", "where", "zebra"))
    assert sum(after) + (VOCABULARY - len(after)) * unseen == pytest.approx(1.0, abs=1e-9)


def test_what_was_seen_is_likelier_than_what_was_not() -> None:
    model = WordModel(LINES)
    seen, swapped, strange = (
        model.log_prob(text.split())
        for text in ("where is my bill", "where my is bill", "where is my zebra")
    )
    assert seen > max(swapped, strange)
    assert model.log_prob(["pay", "my", "order"]) > model.log_prob(["pay", "my", "zebra"])


def test_often_counts_more_than_once() -> None:
    often = WordModel([*LINES, ["pay", "my", "order"], ["pay", "my", "order"]])
    assert often.log_prob(["pay", "my", "order"]) > often.log_prob(["pay", "my", "bill"])


def test_nothing_known_gives_every_word_the_same_small_chance() -> None:
    model = WordModel()
    assert model.log_prob(["a", "b"]) == pytest.approx(3 * math.log(1 / VOCABULARY))
