"""Redaction: what must not be kept goes, whatever its shape; everything else stays."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from router.redaction import checks
from router.redaction.finding import find
from router.redaction.policy import Kind, Policy, Treatment
from router.redaction.redact import redact, redact_data, redact_next
from tests.texts import any_text

CORPUS = Path(__file__).parents[1] / "data" / "redaction.yaml"
ALL = frozenset(Kind)
EVERYTHING = Policy(social_security=Treatment.HIDE, email=Treatment.HIDE, phone=Treatment.LAST4)
CARD = "4111111111111111"
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
RECALL = 0.98


def rows() -> list[tuple[str, str, str]]:
    return [tuple(row) for row in yaml.safe_load(CORPUS.read_text("utf-8"))]


def test_of_the_corpus_hardly_anything_stays_and_nothing_else_goes() -> None:
    wanted, right, wrong = Counter[str](), Counter[str](), []
    for kind, text, secret in rows():
        found = [(each.kind.value, text[each.start : each.end]) for each in find(text, ALL)]
        if kind != "none":
            wanted[kind] += 1
            right[kind] += (kind, secret) in found
        wrong += [(text, each) for each in found if each != (kind, secret)]
    assert wrong == []
    assert sum(wanted.values()) > 150
    assert {kind for kind in Kind if right[kind] < RECALL * wanted[kind]} == set()


def test_most_of_the_corpus_is_what_must_stay() -> None:
    kept = [text for kind, text, _ in rows() if kind == "none"]
    assert len(kept) > 150
    assert [text for text in kept if redact(text, EVERYTHING) != text] == []


@pytest.mark.parametrize(
    ("text", "policy", "left"),
    [
        (f"pay {CARD} now", Policy(), "pay [card …1111] now"),
        (f"pay {CARD} now", Policy(card=Treatment.HIDE), "pay [card] now"),
        (f"pay {CARD} now", Policy(card=Treatment.KEEP), f"pay {CARD} now"),
        ("ann@example.com", Policy(), "ann@example.com"),
        ("ann@example.com", Policy(email=Treatment.HIDE), "[e-mail]"),
        ("+371 20000001", Policy(phone=Treatment.LAST4), "[phone …0001]"),
        ("kods 161175-19997", Policy(), "kods [personal code]"),
        ("cvv 123", Policy(), "cvv [security code]"),
    ],
)
def test_the_policy_says_what_becomes_of_it(text: str, policy: Policy, left: str) -> None:
    assert redact(text, policy) == left


def test_a_code_alone_goes_when_it_was_asked_for_and_stays_when_not() -> None:
    assert redact("it is 123", asked="What is the security code?") == "it is [security code]"
    assert redact("it is 123", asked="How many parcels?") == "it is 123"


@pytest.mark.parametrize(
    ("earlier", "text", "lines"),
    [
        (["4111 1111"], "1111 1111", ["[…]", "[card …1111]"]),
        (["my card is 4111 1111"], "1111 1111 thanks", ["my card is […]", "[card …1111] thanks"]),
        (["4111", "1111", "1111"], "1111", ["[…]", "[…]", "[…]", "[card …1111]"]),
        (["four one one one"], "and " + "one " * 12, ["[…]", "[card …1111] "]),
        (["hello", "LV80 BANK 0000"], "4351 9500 1", ["hello", "[…]", "[IBAN …5001]"]),
        (["161175"], "19997", ["[…]", "[personal code]"]),
        (["482913"], "482914", ["482913", "482914"]),
        (["26123456"], "26654321", ["26123456", "26654321"]),
        (["4111 1111"], "where is it", ["4111 1111", "where is it"]),
    ],
)
def test_a_number_in_several_lines_goes_from_all_of_them(
    earlier: list[str], text: str, lines: list[str]
) -> None:
    before, last = redact_next(earlier, text)
    assert [*before, last] == lines


def test_data_keeps_its_shape_and_its_keys() -> None:
    packed = {"slots": {"note": {"value": f"card {CARD}", "confidence": 0.8}}, "tried": [CARD, 1]}
    assert redact_data(packed) == {
        "slots": {"note": {"value": "card [card …1111]", "confidence": 0.8}},
        "tried": ["[card …1111]", 1],
    }


@given(any_text(max_size=120))
def test_any_text_can_be_redacted_and_once_is_enough(text: str) -> None:
    once = redact(text, EVERYTHING)
    assert redact(once, EVERYTHING) == once


@st.composite
def cards(draw: st.DrawFn) -> str:
    prefix, length = draw(st.sampled_from([("4", 16), ("52", 16), ("37", 15), ("6011", 16)]))
    body = prefix + "".join(
        draw(st.lists(st.sampled_from("0123456789"), min_size=length, max_size=length))
    )
    body = body[: length - 1]
    return next(body + last for last in "0123456789" if checks.luhn(body + last))


@given(cards(), st.sampled_from(["", " ", "-", ".", "\u00a0", "words", "pairs"]), any_text(8))
def test_no_card_stays_however_it_is_given(card: str, way: str, around: str) -> None:
    if way == "words":
        given_as = " ".join(WORDS[int(digit)] for digit in card)
    elif way == "pairs":
        given_as = " ".join(card[i : i + 2] for i in range(0, len(card), 2))
    else:
        cut = (4, 10, 15) if len(card) == 15 else (4, 8, 12, 16)
        ends = (0, *cut)
        given_as = way.join(card[a:b] for a, b in pairwise(ends))
    frame = "".join(char for char in around if char.isalpha() and ord(char) < 128)
    left = redact(f"{frame}, my card: {given_as}, {frame}")
    assert given_as not in left
    assert f"…{card[-4:]}]" in left


ORDINARY = st.one_of(
    st.integers(0, 999_999).map(lambda n: f"HL-{n:06}"),
    st.integers(0, 999_999).map(lambda n: f"{n:06}"),
    st.dates().map(lambda day: day.isoformat()),
    st.dates().map(lambda day: f"{day:%d.%m.%Y}"),
    st.times().map(lambda at: f"{at:%H:%M}"),
    st.decimals(0, 99_999, places=2).map(lambda amount: f"{amount} EUR"),
)


@given(st.lists(ORDINARY, min_size=1, max_size=6), st.sampled_from([", ", " and ", " for ", "\n"]))
def test_order_numbers_dates_and_amounts_in_a_row_stay(items: list[str], between: str) -> None:
    text = "about " + between.join(items)
    assert redact(text) == text
