"""Addresses in one form."""

import pytest
from hypothesis import given

from channels.identity import guess_language, normalise_mail, normalise_phone, visitor_key
from channels.text_errors import BadAddress
from tests.texts import any_text


@pytest.mark.parametrize(
    "raw",
    [
        "+37160000100",
        "+371 6000 0100",
        "0037160000100",
        "60000100",
        "(+371) 60-000-100",
        "tel:+371-6000-0100",
        "sip:+37160000100@gw.example;user=phone",
        "+371 (0) 60000100",
    ],
)
def test_one_number_in_all_its_spellings(raw: str) -> None:
    assert normalise_phone(raw) == "+37160000100"


def test_national_zero_goes() -> None:
    assert normalise_phone("020 7946 0958", country="44") == "+442079460958"


@pytest.mark.parametrize(
    "raw", ["", "BANK", "+", "+12", "+1234567890123456", "+0123456789", "１２３４５６７８"]
)
def test_what_is_no_number_is_refused(raw: str) -> None:
    with pytest.raises(BadAddress):
        normalise_phone(raw)


@given(any_text(40))
def test_normalising_twice_changes_nothing(raw: str) -> None:
    try:
        once = normalise_phone(raw)
    except BadAddress:
        return
    assert normalise_phone(once) == once


def test_mail_address_is_lower_case_without_brackets() -> None:
    assert normalise_mail(" <Anna@Example.ORG> ") == "anna@example.org"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "anna",
        "a@b@c",
        "a b@c",
        "a@b\r\nBcc: x@y",
        "=?utf-8?q?x=0d=0abcc?=@a.b",
        "x" * 255 + "@a.b",
    ],
)
def test_what_is_no_mail_address_is_refused(raw: str) -> None:
    with pytest.raises(BadAddress):
        normalise_mail(raw)


def test_visitor_key_does_not_show_the_secret() -> None:
    assert visitor_key("secret") not in ("secret", visitor_key("secret2"))
    assert len(visitor_key("secret")) == 32


@pytest.mark.parametrize(
    ("text", "language"), [("包裹在哪里", "zh"), ("Kur ir mana paka? Sūtījums", "lv"), ("Hi", None)]
)
def test_language_by_letters(text: str, language: str | None) -> None:
    assert guess_language(text) == language
