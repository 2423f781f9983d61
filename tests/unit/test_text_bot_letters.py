"""Texts for the eye: two SMS segments at most, the link kept, nothing cut in a word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bots.segments import SMS_UNITS, SMS_WIDE, absolute, fit, units
from router.model import Citation
from tests.texts import any_text

LINK = " https://care.test/help/en/opening-hours"


def test_a_long_text_is_cut_at_a_sentence_and_keeps_its_link() -> None:
    text = "This is a sentence of the answer. " * 20
    cut = fit(text, LINK)
    assert cut.endswith("answer." + LINK)
    assert (units(cut) or 0) <= SMS_UNITS


def test_other_alphabets_have_less_room() -> None:
    cut = fit("您的订单正在运输途中。" * 30, "")
    assert len(cut) <= SMS_WIDE
    assert cut.endswith("。")


def test_the_euro_sign_counts_twice_and_chinese_is_not_gsm() -> None:
    assert units("5 €") == 4
    assert units("好") is None


@given(any_text(500), st.sampled_from(["", LINK]))
def test_it_always_fits_two_segments(text: str, link: str) -> None:
    cut = fit(text, link)
    gsm = units(cut)
    assert (gsm is not None and gsm <= SMS_UNITS) or len(cut.encode("utf-16-le")) // 2 <= SMS_WIDE


def test_only_local_addresses_get_our_base() -> None:
    assert absolute(Citation("a", "A", "/help/en/a"), "https://x.test/") == (
        "https://x.test/help/en/a"
    )
    assert absolute(Citation("a", "A", "https://y.test/a"), "https://x.test") == "https://y.test/a"


def test_more_segments_hold_a_reminder_with_its_question() -> None:
    ask = "Atbildiet 1, lai apstiprinātu, 2, lai pārceltu, 3, lai atceltu."
    text = f"Labdien, Bert! Harbourline atgādina par vizīti 3. decembrī, pēc diviem pusdienā. {ask}"
    assert not fit(text).endswith(ask)
    assert fit(text, segments=4) == text
