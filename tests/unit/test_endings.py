"""Where a sentence can end, by the company's own sentences."""

from __future__ import annotations

from bots.engines.endings import Endings, plain, words_of

LINES = [
    line.split()
    for line in (
        "where is my order",
        "where is my parcel",
        "my order is late",
        "i want to cancel my order",
        "is my order late",
        "i have a question",
    )
]


def test_end_of_known_sentences_is_likelier_than_their_middle() -> None:
    endings = Endings(LINES)
    assert endings.likely(["where", "is", "my", "order"]) > 0.4
    assert endings.likely(["where", "is", "my"]) == 0.0
    assert endings.likely(["where", "is"]) < 0.15


def test_pair_that_was_never_together_goes_by_its_last_word() -> None:
    endings = Endings(LINES)
    late = endings.likely(["so", "late"])
    assert late == endings.likely(["late"]) == 1.0
    assert 0 < endings.likely(["cancel", "order"]) < 1


def test_word_that_nobody_uses_and_no_word_tell_nothing() -> None:
    endings = Endings(LINES)
    assert endings.likely(["zebra"]) == 0.0
    assert endings.likely([]) == 0.0
    assert Endings().likely(["order"]) == 0.0


def test_words_are_those_of_a_flows_phrases() -> None:
    assert words_of("I'm here. Where's my order?") == ["i'm", "here", "where's", "my", "order"]
    assert words_of("我要 agent") == ["我", "要", "agent"]
    assert plain(" Billing. ") == "billing"
