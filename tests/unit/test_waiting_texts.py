"""What a caller who waits is told."""

import pytest

from gateway import waiting_texts
from gateway.waiting_texts import place_text, said


@pytest.mark.parametrize(
    ("position", "estimate_s", "text"),
    [
        (1, 20, "You are next. It will take about a minute."),
        (2, 170, "You are number 2 in the queue. It will take about 3 minutes."),
        (7, 3600, "You are number 7 in the queue. It may take more than an hour."),
        (3, None, "You are number 3 in the queue."),
        (None, None, ""),
    ],
)
def test_place_and_estimate_in_words(
    position: int | None, estimate_s: float | None, text: str
) -> None:
    assert place_text(position, estimate_s, "en") == text


def test_every_text_is_in_three_languages_with_the_same_places() -> None:
    texts = {name: each for name, each in vars(waiting_texts).items() if isinstance(each, dict)}
    assert len({name for name in texts if name.isupper()}) >= 10
    for name, each in texts.items():
        if name.isupper():
            assert sorted(each) == ["en", "lv", "zh"], name
            assert len({text.count("{") for text in each.values()}) == 1, name


def test_unknown_language_is_answered_in_english() -> None:
    assert said(waiting_texts.NEXT, "fr") == "You are next."
    assert place_text(4, 100, "zh") == "您排在第4位。 预计等待约2分钟。"
