"""What callers may say to a typed question: lines for models, and the bench's answers to it."""

from __future__ import annotations

import pytest

from bots.engines.phrases import is_closed, question_lines
from bots.engines.typed_lines import KINDS, typed_lines
from bots.ports import Expectation
from evals.typed_answers import Answer, answers


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_lines_are_words_only_and_the_same_at_every_start(kind: str) -> None:
    lines = typed_lines(kind)
    assert lines == typed_lines(kind)
    assert len({tuple(line) for line in lines}) > 150
    said = {word for line in lines for word in line}
    assert all(word.replace("'", "").replace("-", "").isalpha() for word in said)


def test_other_kinds_have_none() -> None:
    assert typed_lines("open") == []


@pytest.mark.parametrize("kind", ["date", "time", "amount"])
def test_words_of_usual_answers_are_in_them(kind: str) -> None:
    known = {word for line in typed_lines(kind) for word in line}
    usual = {word for one in answers() if one.kind == kind for word in one.text.split()}
    assert usual <= known | {"that", "would", "like"}


def test_typed_question_is_heard_as_a_closed_one() -> None:
    date = Expectation("date", ("the day it came",))
    assert is_closed(date)
    assert ["the", "day", "it", "came"] in question_lines(date)


@pytest.mark.parametrize("answer", answers(), ids=lambda one: f"{one.kind}-{one.text}")
def test_what_the_bench_says_means_what_it_expects(answer: Answer) -> None:
    assert answer.is_right(answer.text)


def test_wrong_value_is_not_right() -> None:
    assert not Answer("date", "the third of march", "2026-03-04").is_right("the third of march")
    assert not Answer("amount", "ten euros", "10.00").is_right("good evening")
