"""Typed values in the sentences of ``evals/utterances/entities.yaml``, those held out."""

from __future__ import annotations

import pytest

from evals.entities import GROUPS, PER_HALF, cases, check_cases

AT_LEAST = 0.93
"""Of the utterances nobody looked at; docs/flows.md has the figures."""


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_values_are_understood_in_sentences_that_were_held_out(group: str) -> None:
    held_out = cases(group, held_out=True)
    assert len(held_out) == PER_HALF >= 300
    assert sum(case.expected is None for case in held_out) >= 10
    wrong = [(case.text, case.expected, case.found) for case in held_out if not case.right]
    assert len(wrong) <= (1 - AT_LEAST) * PER_HALF, wrong


def test_development_and_held_out_utterances_differ() -> None:
    texts = [{case.text for case in cases("times", held_out)} for held_out in (False, True)]
    assert len(texts[0] & texts[1]) < PER_HALF / 20


def test_values_are_understood_in_sentences_by_hand() -> None:
    by_hand = check_cases()
    assert len(by_hand) >= 400
    wrong = [(case.text, case.expected, case.found) for case in by_hand if not case.right]
    assert len(wrong) <= 0.05 * len(by_hand), wrong
