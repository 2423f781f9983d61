"""Which examples resemble what was heard."""

from __future__ import annotations

import pytest

from bots.engines.alike import MOST, Alike

EXAMPLES = (
    "How much is a kilowatt hour?",
    "when are you open",
    "where is my parcel",
    "where is my order",
    "where is my package now",
)


def test_example_that_was_half_heard_is_found() -> None:
    found = Alike(EXAMPLES).to([["how", "much", "is", "a", "flat", "hour"]])
    assert found[0] == ("how", "much", "is", "a", "kilowatt", "hour")


def test_any_of_the_readings_may_be_the_one_that_resembles_it() -> None:
    found = Alike(EXAMPLES).to([["potatoes"], ["then", "are", "you", "hope"]])
    assert found == [("when", "are", "you", "open")]


def test_what_resembles_nothing_finds_nothing() -> None:
    alike = Alike(EXAMPLES)
    assert alike.to([["my", "daughter", "has", "a", "violin", "lesson"]]) == []
    assert alike.to([]) == []
    assert alike.to([()]) == []


def test_few_are_worth_a_second_look() -> None:
    assert len(Alike(EXAMPLES).to([["where", "is", "my"]])) <= MOST


def test_question_without_words_says_so() -> None:
    with pytest.raises(ValueError, match="empty vocabulary"):
        Alike(["?"])
