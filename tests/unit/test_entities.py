"""Typed values as customers say and write them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.flow.model import Choice, Slot
from bots.nlu.entities import parse, parse_keys
from bots.nlu.numbers import digit_string
from bots.nlu.values.numerals import integer
from bots.nlu.yes_no import yes_or_no
from tests.texts import any_text

ORDER = Slot("order_number", "order-number", prefix="HL", length=6)
SCORE = Slot("score", "integer", low=1, high=5)
DAY = Slot("day", "date")
MONEY = Slot("amount", "amount")
MOVE = Slot(
    "decision",
    "choice",
    choices=(
        Choice("confirm", "1", {"en": ("yes", "i confirm"), "zh": ("确认",)}),
        Choice("move", "2", {"en": ("another day", "move"), "lv": ("cita diena",)}),
        Choice("cancel", "3", {"en": ("no", "cannot come")}),
    ),
)
TODAY = date(2026, 3, 2)  # a Monday
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.mark.parametrize(
    "text",
    [
        "HL-482913",
        "hl482913",
        "my number is HL 482 913 thanks",
        "H L 4 8 2 9 1 3",
        "Where is order Hl–482913?",
        "four eight two nine one three",
        "it's four eight two, nine one three",
        "h l four eight two nine one three please",
        "forty-eight twenty-nine thirteen",
        "four hundred eighty two nine hundred thirteen",
        "482913",
        "订单号是四八二九一三",
        "四八二九幺三",
        "četri astoņi divi deviņi viens trīs",
        "cetri astoni divi devini viens tris",
        "４８２９１３",
    ],
)
def test_order_number_said_in_many_ways_is_one_value(text: str) -> None:
    found = parse(ORDER, text)
    assert found is not None
    assert found.value == "HL-482913"


@pytest.mark.parametrize("text", ["EN-482913", "my contract is en-482913", "AB-482913 please"])
def test_number_of_another_kind_is_no_order_number(text: str) -> None:
    assert parse(ORDER, text) is None


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("six one nine oh two four", "619024"),
        ("seven seven four one zero eight", "774108"),
        ("double four one triple nine", "44" + "1" + "999"),
        ("two five zero three double six", "250366"),
        ("nine one eight two four five", "918245"),
        ("twenty one thirty five nineteen", "213519"),
        ("one oh oh two three oh", "100230"),
    ],
)
def test_spoken_digits_doubles_and_ohs_join(text: str, digits: str) -> None:
    assert digit_string(text) == [digits]


@pytest.mark.parametrize(
    "text", ["four eight two nine one", "12345678", "I do not know", "I want to go to town"]
)
def test_other_lengths_are_no_order_number(text: str) -> None:
    assert parse(ORDER, text) is None


def test_a_marked_order_number_is_surer_than_a_bare_one() -> None:
    marked, bare = parse(ORDER, "HL-482913"), parse(ORDER, "482913")
    assert marked
    assert bare
    assert marked.confidence > bare.confidence


@given(st.lists(st.integers(0, 9), min_size=6, max_size=6))
def test_any_six_spoken_digits_come_back(numbers: list[int]) -> None:
    spoken = " ".join(WORDS[number] for number in numbers)
    found = parse(ORDER, spoken)
    assert found is not None
    assert found.value == "HL-" + "".join(map(str, numbers))


@given(any_text(60))
def test_no_text_breaks_a_parser(text: str) -> None:
    for slot in (ORDER, SCORE, DAY, MONEY, MOVE, Slot("a", "yes-no"), Slot("b", "digits")):
        parse(slot, text, "en", TODAY)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("five", 5),
        ("twenty-five", 25),
        ("one thousand two hundred and six", 1206),
        ("1,250 euros", 1250),
        ("两百零五", 205),
        ("三万五千", 35000),
        ("十二", 12),
        ("divdesmit pieci", 25),
        ("none of them", None),
    ],
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert integer(text) == number


def test_a_score_outside_its_range_is_none() -> None:
    assert parse(SCORE, "seven") is None
    found = parse(SCORE, "I would say four")
    assert found
    assert found.value == "4"


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "Yeah, sure",
        "yep",
        "that's right",
        "that is correct",
        "correct",
        "please do",
        "of course",
        "ok",
        "no problem",
        "why not",
        "it did",
        "no, that's right",
        "I do",
        "absolutely",
    ],
)
def test_english_yes(text: str) -> None:
    assert yes_or_no(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "Nope.",
        "no thank you",
        "not really",
        "I don't think so",
        "that's not right",
        "wrong",
        "it didn’t",
        "never",
        "yes... no, that is wrong",
        "nah",
    ],
)
def test_english_no(text: str) -> None:
    assert yes_or_no(text) is False


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("是的", "zh", True),
        ("对", "zh", True),
        ("好的", "zh", True),
        ("没错", "zh", True),
        ("不是", "zh", False),
        ("不对", "zh", False),
        ("没有了，谢谢", "zh", False),
        ("jā", "lv", True),
        ("jā, pareizi", "lv", True),
        ("protams", "lv", True),
        ("nē", "lv", False),
        ("nē paldies", "lv", False),
        ("nepareizi", "lv", False),
    ],
)
def test_yes_and_no_in_other_languages(text: str, language: str, answer: bool) -> None:
    assert yes_or_no(text, language) is answer


@pytest.mark.parametrize("text", ["where is my order", "I would like a pizza", "hello", "四八二"])
def test_other_sentences_are_neither(text: str) -> None:
    assert yes_or_no(text) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-04-01", "2026-04-01"),
        ("on 5.3.2026", "2026-03-05"),
        ("the 5th of March", "2026-03-05"),
        ("March 1", "2027-03-01"),
        ("tomorrow", "2026-03-03"),
        ("the day after tomorrow please", "2026-03-04"),
        ("on Friday", "2026-03-06"),
        ("Monday", "2026-03-09"),
        ("明天", "2026-03-03"),
        ("三月不行，3月5日", "2026-03-05"),
        ("星期五", "2026-03-06"),
        ("rīt", "2026-03-03"),
        ("piektdien", "2026-03-06"),
        ("5. martā", "2026-03-05"),
        ("the third of march", "2026-03-03"),
        ("on March the twenty-first please", "2026-03-21"),
        ("march thirty one", "2026-03-31"),
        ("the twelfth of April", "2026-04-12"),
        ("三月三号", "2026-03-03"),
        ("十二月二十一日", "2026-12-21"),
        ("trešajā martā", "2026-03-03"),
        ("divdesmit pirmajā aprīlī", "2026-04-21"),
    ],
)
def test_dates_are_read_from_today(text: str, day: str) -> None:
    found = parse(DAY, text, "en", TODAY)
    assert found is not None
    assert found.value == day


def test_an_impossible_date_is_none() -> None:
    assert parse(DAY, "2026-02-30", "en", TODAY) is None


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12.50", "12.50"),
        ("12,5 euro", "12.50"),
        ("1,200 euros", "1200.00"),
        ("twenty five euros and ten", "25.10"),
        ("fifteen", "15.00"),
    ],
)
def test_amounts(text: str, amount: str) -> None:
    found = parse(MONEY, text)
    assert found is not None
    assert found.value == amount


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("yes I confirm", "confirm"),
        ("no, I need another day", "move"),
        ("no I cannot come", "cancel"),
        ("好的，确认", "confirm"),
        ("labāk cita diena", "move"),
    ],
)
def test_the_longest_phrase_decides_a_choice(text: str, choice: str) -> None:
    found = parse(MOVE, text)
    assert found is not None
    assert found.value == choice


def test_keys_make_values() -> None:
    assert parse_keys(MOVE, "2") is not None
    assert parse_keys(MOVE, "7") is None
    number = parse_keys(ORDER, "482913")
    assert number
    assert number.value == "HL-482913"
    assert parse_keys(ORDER, "48") is None
    yes = parse_keys(Slot("ok", "yes-no"), "1")
    assert yes
    assert yes.value == "yes"
