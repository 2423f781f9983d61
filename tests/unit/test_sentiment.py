"""A customer's mood, one utterance at a time and over a conversation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from bots.nlu.sentiment import Mood, Trend, follow, mood, pack_trend, unpack_trend
from evals.moods import mood_figures
from tests.texts import any_text


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ("it is very bad", "it is bad"),
        ("it is bad", "it is not bad"),
        ("I am not happy", "I am happy"),
        ("I AM NOT HAPPY!!!", "i am not happy"),
        ("good service but terrible delivery", "terrible delivery but good service"),
        ("非常失望", "失望"),
        ("nav labi", "labi"),
    ],
)
def test_what_is_around_a_word_decides_what_it_weighs(worse: str, better: str) -> None:
    language = "lv" if "labi" in worse else "en"
    assert mood(worse, language).value < mood(better, language).value


def test_sad_customer_is_not_an_angry_one() -> None:
    assert mood("sadly my parcel is broken").name == "negative"
    assert mood("this is the third time, you incompetent idiots").name == "angry"


@pytest.mark.parametrize("text", ["where is my order", "482913", "", "no", "next Friday at three"])
def test_business_tells_no_mood(text: str) -> None:
    assert mood(text) == Mood(0.0, 0.0)


def test_moods_of_labelled_utterances_are_told() -> None:
    figures = mood_figures()
    assert figures["mood_utterances"] + figures["mood_held_out_utterances"] >= 120
    assert figures["mood_held_out_accuracy"] >= 0.85
    assert figures["mood_held_out_anger_recall"] >= 0.8
    assert figures["mood_held_out_anger_precision"] >= 0.9


@given(any_text(60))
def test_any_text_has_a_mood_within_bounds(text: str) -> None:
    for language in ("en", "zh", "lv"):
        found = mood(text, language)
        assert -1 <= found.value <= 1
        assert 0 <= found.anger <= 1


def _after(*texts: str) -> Trend:
    trend = Trend()
    for text in texts:
        trend = follow(trend, mood(text))
    return trend


def test_conversation_that_goes_wrong_is_worsening() -> None:
    trend = _after(
        "hello, thank you", "my parcel is late", "that is wrong and a problem", "terrible, awful"
    )
    assert trend.name in ("worsening", "angry")
    assert trend.slope < 0
    assert not _after("terrible", "it is bad", "ok fine", "great, thank you").worsening


def test_one_bad_word_is_no_trend() -> None:
    trend = _after("thank you", "great", "that was wrong", "lovely, thanks")
    assert trend.name == "positive"


def test_rage_counts_at_once_and_cools_down() -> None:
    angry = _after("hello", "what the hell, you incompetent thieves, I am furious")
    assert angry.angry
    calm = angry
    for text in ("four eight two", "yes", "tomorrow"):
        calm = follow(calm, mood(text))
    assert not calm.angry


def test_trend_survives_as_json() -> None:
    trend = _after("hello", "this is terrible", "awful")
    assert unpack_trend(json.loads(json.dumps(pack_trend(trend)))) == trend
    assert unpack_trend({}) == Trend()
