"""What the offline recogniser believes where digits are asked for."""

from __future__ import annotations

import random

from bots.engines.phrases import beside_one_digit, digits_grammar, question_lines
from bots.ports import Expectation


def test_oh_is_a_digit_among_others_and_not_alone() -> None:
    assert " oh " in digits_grammar(6)
    assert " oh " in digits_grammar()
    assert " oh " not in digits_grammar(1)
    alone = {line[-1] for line in question_lines(Expectation("digits", length=1))}
    assert "oh" not in alone
    assert {"zero", "nine"} <= alone


def test_short_commands_are_believed_beside_one_digit_and_what_sounds_like_one_is_not() -> None:
    beside = set(beside_one_digit())
    assert {"agent", "help", "go back", "yes", "no"} <= beside
    assert beside.isdisjoint({"bye", "hello", "zero", "five"})
    assert max(len(line.split()) for line in beside) == 2


def test_the_same_digits_are_in_the_model_at_every_start() -> None:
    random.seed(1)
    first = question_lines(Expectation("digits", length=4))
    random.seed(2)
    assert question_lines(Expectation("digits", length=4)) == first
