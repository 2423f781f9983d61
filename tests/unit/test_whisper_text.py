"""Which of Whisper's texts nobody said."""

from __future__ import annotations

import pytest

from bots.engines.whisper_text import Decoded, hypothesis_of, invented
from bots.ports import Hypothesis

SURE, UNSURE = -0.2, -1.4


def said(text: str, spoken_s: float = 4.0, *, log: float = SURE, silent: float = 0.0) -> str:
    return invented(Decoded(text, log, silent, spoken_s))


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "no no no no no",
        "zero zero zero zero zero zero zero",
        "one two one two one two",
        "I want to know where my order is, please, I have been waiting for two weeks.",
        "我想知道我的包裹在哪里，已经等了两个星期了。",
        "Kur ir mans sūtījums? Es gaidu jau divas nedēļas.",
        "",
    ],
)
def test_what_people_say_is_kept(text: str) -> None:
    assert said(text) == ""


def test_model_that_hears_no_speech_and_is_unsure_invents() -> None:
    assert said("thank you", log=UNSURE, silent=0.9) == "no speech"
    assert said("thank you", log=SURE, silent=0.9) == ""
    assert said("thank you", log=UNSURE, silent=0.3) == ""


def test_text_that_compresses_far_better_than_speech_is_a_loop() -> None:
    text = "Subtitles were made by the community of viewers. " * 3
    assert said(text, 30) == "compresses like a loop"


@pytest.mark.parametrize("text", ["and you " * 5, "好的" * 6, "a b c " * 5])
def test_few_words_again_and_again_are_a_loop_however_short(text: str) -> None:
    assert said(text, 30) == "the same again and again"


def test_more_words_than_a_mouth_can_say_are_invented() -> None:
    assert said("thank you very much for watching", 0.4) == "6 words in 0.4 s"
    assert said("no thank you", 0.4) == ""


def test_pieces_are_one_text_with_the_mean_of_their_confidence() -> None:
    pieces = [
        Decoded("my number is", -0.1, 0, 1),
        Decoded("", -3.0, 0.9, 1),
        Decoded("four two", -0.3, 0, 1),
    ]
    assert hypothesis_of(pieces) == Hypothesis("my number is four two", 0.819)
    assert hypothesis_of([]) == Hypothesis("", 0.0)
