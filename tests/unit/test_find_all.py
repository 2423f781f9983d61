"""Several values in one sentence, and values that were taken back."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given

from bots.flow.model import Choice, Slot
from bots.nlu.entities import find_all, parse
from tests.texts import any_text

TODAY = date(2026, 3, 2)  # a Monday
ORDER = Slot("order_number", "order-number", prefix="HL", length=6)
PICKUP, DELIVERY = Slot("pickup_day", "date"), Slot("delivery_day", "date")
AT = Slot("at", "time", low=8, high=18)
MAIL, PHONE = Slot("mail", "email"), Slot("phone", "phone", country="LV")
PEOPLE, PRICE, NAME = Slot("people", "integer"), Slot("price", "amount"), Slot("name", "name")
CODE = Slot("code", "code", pattern=r"[A-Z]{2}\d{4}")
WAY = Slot("way", "choice", choices=(Choice("locker", "1", {"en": ("parcel locker", "locker")}),))
ALL = (ORDER, PICKUP, DELIVERY, AT, MAIL, PHONE, PEOPLE, PRICE, NAME, CODE, WAY)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "my name is Ann Lee, order HL482913, please bring it on Friday at three",
            {
                "name": "Ann Lee",
                "order_number": "HL-482913",
                "pickup_day": "2026-03-06",
                "at": "15:00",
            },
        ),
        (
            "delivery on Friday and pickup tomorrow",
            {"delivery_day": "2026-03-06", "pickup_day": "2026-03-03"},
        ),
        (
            "from Tuesday to Thursday",
            {"pickup_day": "2026-03-03", "delivery_day": "2026-03-05"},
        ),
        (
            "call me at 26 123 456 or ann dot lee at example dot com",
            {"phone": "+37126123456", "mail": "ann.lee@example.com"},
        ),
        (
            "a table for four tomorrow at noon for 12 euros fifty",
            {"people": "4", "pickup_day": "2026-03-03", "at": "12:00", "price": "12.50"},
        ),
        (
            "the code is a b one two three four, to the parcel locker",
            {"code": "AB1234", "way": "locker"},
        ),
        (
            "order four eight two nine one three, no, four eight two nine one four, for two people",
            {"order_number": "HL-482914", "people": "2"},
        ),
        ("where is my parcel", {}),
        ("yes please", {}),
    ],
)
def test_every_value_of_a_sentence_goes_to_its_slot(text: str, values: dict[str, str]) -> None:
    found = find_all(ALL, text, "en", TODAY)
    assert {slot.name: entity.value for slot, entity, _ in found} == values


def test_places_are_those_of_the_customers_own_words() -> None:
    text = "Jā, ½ — my e-mail is Ann.Lee@Example.com, thanks"
    ((slot, entity, (start, end)),) = find_all([MAIL], text, "lv", TODAY)
    assert (slot, entity.value) == (MAIL, "ann.lee@example.com")
    assert text[start:end] == "Ann.Lee@Example.com"


@given(any_text(80))
def test_no_words_serve_two_slots_whatever_is_said(text: str) -> None:
    taken: set[int] = set()
    for _, _, (start, end) in find_all(ALL, text, "en", TODAY):
        assert 0 <= start < end <= len(text)
        assert taken.isdisjoint(range(start, end))
        taken |= set(range(start, end))


@pytest.mark.parametrize(
    ("slot", "text", "value"),
    [
        (PEOPLE, "fifteen, no, fifty", "50"),
        (PEOPLE, "I said fifteen, not fifty", "15"),
        (PEOPLE, "fifteen, sorry", "15"),
        (PICKUP, "the third, sorry, the fourth", "2026-03-04"),
        (PICKUP, "not Tuesday, Thursday", "2026-03-05"),
        (PICKUP, "三号，不对，四号", "2026-03-03"),
        (AT, "at three, no, half past four", "16:30"),
        (MAIL, "ann@example.com, no, bob at example dot com", "bob@example.com"),
        (PRICE, "twelve euros, I mean twenty", "20.00"),
        (PEOPLE, "divi, nē, trīs", "3"),
    ],
)
def test_value_that_was_taken_back_counts_for_nothing(slot: Slot, text: str, value: str) -> None:
    if "三号" in text:
        value = "2026-03-04"
    found = parse(slot, text, "en", TODAY)
    assert found is not None
    assert found.value == value


def test_only_value_that_is_denied_is_none() -> None:
    assert parse(PEOPLE, "not fifteen", "en", TODAY) is None


def test_hours_of_the_slot_tell_morning_from_afternoon() -> None:
    open_slot = Slot("at", "time")
    values = [parse(slot, "at three", "en", TODAY) for slot in (AT, open_slot)]
    assert [found.value for found in values if found] == ["15:00", "03:00"]
    assert parse(AT, "at seven in the evening", "en", TODAY) is None


def test_time_is_told_from_now_where_the_time_is_known() -> None:
    found = parse(Slot("at", "time"), "in two hours", "en", datetime(2026, 3, 2, 10, 15))
    assert found is not None
    assert found.value == "12:15"
    assert parse(Slot("at", "time"), "in two hours", "en", TODAY) is None


def test_past_and_month_first_are_the_companys_convention() -> None:
    born = Slot("born", "date", past=True)
    american = Slot("day", "date", month_first=True)
    values = [
        parse(slot, text, "en", TODAY)
        for slot, text in (
            (born, "the fourth of July"),
            (born, "4.7.82"),
            (american, "03/04/2026"),
            (PICKUP, "03/04/2026"),
        )
    ]
    assert [found.value for found in values if found] == [
        "2025-07-04",
        "1982-07-04",
        "2026-03-04",
        "2026-04-03",
    ]


def test_next_friday_is_a_guess_and_next_week_no_day() -> None:
    guessed, named = (
        parse(PICKUP, text, "en", TODAY) for text in ("next Friday", "Friday next week")
    )
    assert guessed
    assert named
    assert guessed.value == named.value == "2026-03-13"
    assert guessed.confidence < named.confidence
    assert parse(PICKUP, "next week", "en", TODAY) is None


def test_amount_of_another_currency_is_none() -> None:
    euros = Slot("price", "amount", currency="EUR")
    assert parse(euros, "twenty dollars") is None
    found = parse(euros, "twenty euros")
    assert found
    assert (found.value, found.unit) == ("20.00", "EUR")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("an hour and a half", "PT1H30M"),
        ("two weeks", "P2W"),
        ("half an hour", "PT30M"),
        ("ninety minutes", "PT1H30M"),
        ("two hours and ten minutes", "PT2H10M"),
        ("三天", "P3D"),
        ("两个小时", "PT2H"),
        ("divas nedēļas", "P2W"),
    ],
)
def test_lengths_of_time(text: str, value: str) -> None:
    found = parse(Slot("long", "duration"), text)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Kathryn Jones", "Catherine Jones"),
        ("jones please", "Catherine Jones"),
        ("with peter smith", "Peter Smyth"),
        ("somebody from billing", ""),
        ("kate or mary", ""),
    ],
)
def test_name_of_a_list_may_only_sound_alike(said: str, meant: str) -> None:
    slot = Slot("who", "name", among=("Catherine Jones", "Peter Smyth", "Ilze Ozola"))
    found = parse(slot, said)
    assert (found.value if found else "") == meant


def test_names_that_sound_as_well_are_asked_again() -> None:
    slot = Slot("who", "name", among=("Ann Smith", "Anne Smyth"))
    assert parse(slot, "an smithe") is None


def test_choice_is_meant_by_its_place_or_its_sound() -> None:
    slot = Slot(
        "way",
        "choice",
        choices=(
            Choice("express", "1", {"en": ("express delivery",)}),
            Choice("locker", "2", {"en": ("parcel locker",)}),
        ),
    )
    said = ("the second one", "expres delivery", "the last", "not express delivery, parcel locker")
    values = [parse(slot, text) for text in said]
    assert [found.value if found else None for found in values] == [
        "locker",
        "express",
        "locker",
        "locker",
    ]
    assert parse(slot, "what is the difference") is None
