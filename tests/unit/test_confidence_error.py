"""How far the recogniser's confidence is from the share of words that are right."""

from __future__ import annotations

import pytest

from bots.ports import Expectation, Hypothesis
from evals.recognition_bench import Result, Spoken, confidence_error


def heard(said: str, text: str, confidence: float) -> Result:
    spoken = Spoken("new", said, b"", Expectation())
    return Result(spoken, Hypothesis(text, confidence))


def test_a_confidence_that_is_the_share_of_right_words_has_no_error() -> None:
    half = [heard("one two", "one", 0.5), heard("one two", "one five", 0.5)]
    sure = [heard("one two", "one two", 1.0)]
    assert confidence_error(half + sure) == 0


def test_too_sure_and_too_unsure_both_count_and_do_not_make_up_for_each_other() -> None:
    too_sure = heard("one two", "four five", 0.8)
    too_unsure = heard("one two", "one two", 0.4)
    assert confidence_error([too_sure]) == pytest.approx(0.8)
    assert confidence_error([too_unsure]) == pytest.approx(0.6)
    assert confidence_error([too_sure, too_unsure]) == pytest.approx(0.7)


def test_more_words_than_were_said_are_not_worse_than_none_right() -> None:
    assert confidence_error([heard("one", "two three four five", 0.0)]) == 0
