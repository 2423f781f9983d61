"""What is written, as people say it: a table per language, and what holds for any text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bots.spoken.aligned import Piece, heard, sentences, spoken_of, written_of
from bots.spoken.reading import aligned, spoken
from tests.texts import any_text

TABLES = Path(__file__).parent.parent / "data" / "spoken"
LANGUAGES = ("en", "zh", "lv")
SIGNS = "0123456789.,:;-–/%€$ #*[]()@+&x年月日元gdkmthAMP"


def rows() -> Iterator[tuple[str, str, str]]:
    for language in LANGUAGES:
        for line in (TABLES / f"{language}.tsv").read_text(encoding="utf-8").splitlines():
            written, said = line.split("\t")
            yield language, written, said


@pytest.mark.parametrize(("language", "written", "said"), list(rows()))
def test_written_form_is_said_as_people_say_it(language: str, written: str, said: str) -> None:
    assert spoken(written, language) == said


texts = any_text(60) | st.text(SIGNS, max_size=40)


@given(texts, st.sampled_from(LANGUAGES))
@example("e*.g. 5", "en")
@example("²³①٣", "zh")
def test_no_digit_is_left_to_the_voice_and_nothing_written_is_lost(
    text: str, language: str
) -> None:
    pieces = aligned(text, language)
    assert written_of(pieces) == text
    assert not any(char.isdigit() for char in spoken_of(pieces))


@given(texts, st.sampled_from(LANGUAGES))
def test_what_is_said_is_said_the_same_when_it_is_read_again(text: str, language: str) -> None:
    said = spoken(text, language)
    assert spoken(said, language) == said


@given(texts, st.sampled_from(LANGUAGES), st.integers(0, 1000))
def test_what_was_heard_is_always_a_beginning_of_what_is_written(
    text: str, language: str, played: int
) -> None:
    assert text.startswith(heard(aligned(text, language), played, 1000))


def test_unknown_language_is_left_as_it_is() -> None:
    assert spoken("12 Stück", "de") == "12 Stück"


def test_piece_that_was_cut_in_the_middle_was_not_heard() -> None:
    pieces = aligned("It costs 12.50 EUR today.", "en")
    said = spoken_of(pieces)
    assert said == "It costs twelve euros fifty today."
    whole = len(said)
    assert heard(pieces, said.index("fifty"), whole) == "It costs"
    assert heard(pieces, said.index(" today"), whole) == "It costs 12.50 EUR"
    assert heard(pieces, whole, whole) == "It costs 12.50 EUR today."
    assert heard(pieces, 0, 0) == ""


def test_chinese_is_cut_by_character_around_what_is_written_in_digits() -> None:
    pieces = aligned("您的订单HL-482913已于3月2日发出。", "zh")
    said = spoken_of(pieces)
    assert said == "您的订单H L，四八二，九一三已于三月二日发出。"
    assert heard(pieces, said.index("二日"), len(said)) == "您的订单HL-482913已于"
    assert heard(pieces, 3, len(said)) == "您的订"


def test_sentence_is_not_cut_inside_what_is_said_in_other_words() -> None:
    pieces = aligned("No. 5 is at 9 a.m. Bring 2 kg, e.g. on 2. Thanks!", "en")
    assert [written_of(part) for part in sentences(pieces)] == [
        "No. 5 is at 9 a.m.",
        "Bring 2 kg, e.g. on 2.",
        "Thanks!",
    ]
    parts = sentences(aligned("Tas ir 2026. gada 12. maijā. Labi.", "lv"))
    assert [spoken_of(part) for part in parts] == [
        "Tas ir divi tūkstoši divdesmit sestā gada divpadsmitajā maijā.",
        "Labi.",
    ]


def test_plain_piece_may_be_cut_anywhere() -> None:
    assert Piece("a b", "a b").plain
    assert not Piece("2", "two").plain
