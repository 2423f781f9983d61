"""The trigrams of a company's lines with everyday English below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from bots.engines.language import END, START, Everyday, arpa_above, everyday

LINES = [
    ["where", "is", "my", "order"],
    ["where", "is", "my", "parcel"],
    ["where", "is", "my", "parcel"],
    ["i", "want", "to", "cancel", "my", "order"],
]
Grams = Mapping[tuple[str, ...], tuple[float, float]]


def read(arpa: str) -> Grams:
    """N-grams with their chance and back-off weight."""
    grams: dict[tuple[str, ...], tuple[float, float]] = {}
    order = 0
    for line in arpa.splitlines():
        if line.startswith("\\"):
            order = int(line[1]) if line[1].isdigit() else 0
        elif line and order:
            fields = line.split()
            weight = 10 ** float(fields[1 + order]) if len(fields) > 1 + order else 1.0
            grams[tuple(fields[1 : 1 + order])] = (10 ** float(fields[0]), weight)
    return grams


def chance(grams: Grams, history: Sequence[str], word: str) -> float:
    """As every reader of the format reckons it."""
    whole = (*history, word)
    if whole in grams:
        return grams[whole][0]
    if not history:
        return 0.0
    return grams.get(tuple(history), (0.0, 1.0))[1] * chance(grams, history[1:], word)


@pytest.mark.parametrize(
    "history", [(), ("my",), ("to",), (START,), ("is", "my"), (START, "where"), ("want", "order")]
)
def test_the_chances_behind_any_words_add_up_to_one(history: tuple[str, ...]) -> None:
    grams = read(arpa_above(LINES, everyday()))
    words = {word for (word, *others) in grams if not others} - {START}
    assert sum(chance(grams, history, word) for word in words) == pytest.approx(1, abs=0.01)


def test_what_a_company_says_comes_before_what_everybody_says() -> None:
    grams = read(arpa_above(LINES, everyday()))
    assert chance(grams, ("is", "my"), "parcel") > chance(grams, ("is", "my"), "order") > 0.1
    assert chance(grams, ("is", "my"), "parcel") > 5 * chance(grams, ("is", "my"), "want")


def test_words_that_no_line_has_together_follow_each_other_as_in_everyday_english() -> None:
    words = ("is", "my", "to", START, END)
    even, none = np.full(len(words), 0.1), np.zeros(0, int)
    apart = Everyday(words, even, none, none, np.zeros(0), np.ones(len(words)))
    one = np.array([words.index("is")]), np.array([words.index("to")]), np.array([0.8])
    paired = Everyday(words, even, *one, np.array([0.2, 1, 1, 1, 1]))
    without, grams = read(arpa_above(LINES, apart)), read(arpa_above(LINES, paired))
    assert chance(grams, ("is",), "to") > 1.5 * chance(without, ("is",), "to")
    assert chance(grams, ("my",), "to") == pytest.approx(chance(without, ("my",), "to"), rel=0.01)


def test_a_word_that_may_be_said_and_is_in_no_line_can_be_heard() -> None:
    without = read(arpa_above(LINES, everyday()))
    grams = read(arpa_above(LINES, everyday(), ["kettle"]))
    assert ("kettle",) not in without
    assert 0 < chance(grams, ("my",), "kettle") < chance(grams, ("my",), "order")


def test_the_most_frequent_words_come_first_and_are_words() -> None:
    frequent = everyday().frequent(1500)
    assert len(set(frequent)) == 1500
    assert {"the", "and", "to"} <= set(frequent[:10])
    assert {START, END}.isdisjoint(frequent)
    assert everyday().frequent(10) == frequent[:10]


def test_a_model_without_lines_is_everyday_english() -> None:
    grams = read(arpa_above([], everyday(), ["good", "morning", "to"]))
    assert chance(grams, ("good",), "morning") > chance(grams, ("to",), "morning")


def test_words_that_everyday_english_does_not_know_are_no_problem() -> None:
    nothing = Everyday((START, END), np.ones(2), *(np.zeros(0, int),) * 2, np.zeros(0), np.ones(2))
    grams = read(arpa_above([["zxq", "vbn"], ["zxq"]], nothing))
    behind = {word: chance(grams, ("zxq",), word) for word in ("zxq", "vbn", END)}
    assert sum(behind.values()) == pytest.approx(1, abs=0.01)
    assert min(behind["vbn"], behind[END]) > behind["zxq"]
