"""Whole answers by their type, and the names, addresses and times that people say."""

from __future__ import annotations

import pytest

from bots.complete import is_complete
from bots.nlu.values.addresses import emails
from bots.nlu.values.clock import times
from bots.nlu.values.found import Plain
from bots.nlu.values.people import introduces, is_spelled_out, names
from bots.ports import Expectation, Partial


@pytest.mark.parametrize(
    ("kind", "language", "whole", "unfinished"),
    [
        (
            "date",
            "en",
            ["tomorrow", "march 3", "next monday", "2026-03-03"],
            ["march", "the third"],
        ),
        ("date", "zh", ["明天", "3月4号", "星期五"], ["下个"]),
        ("date", "lv", ["rit", "piektdien"], ["varbut"]),
        ("time", "en", ["three pm", "half past two", "15:30", "at noon"], ["three", "half"]),
        ("time", "zh", ["下午三点半", "十点"], ["下午"]),
        ("time", "lv", ["pusčetros", "pulksten trijos"], ["pulksten"]),
        ("amount", "en", ["twelve euros fifty", "€ 12.50", "twelve pounds"], ["twelve", "euros"]),
        ("amount", "zh", ["十二元"], ["十二"]),
        ("amount", "lv", ["divpadsmit eiro"], ["divpadsmit"]),
        ("email", "en", ["ann@example.com", "ann at example dot com"], ["ann at example", "ann"]),
        ("email", "lv", ["anna at piemers punkts lv"], ["anna at piemers punkts"]),
        ("name", "en", ["smith s m i t h"], ["smith", "smith s m i", "s m i t h"]),
        ("spelling", "lv", ["ozols o z o l s"], ["ozols o z o"]),
        ("order-number", "en", ["four eight two nine one three"], ["four eight two"]),
        ("yes-no", "en", ["yeah"], ["well"]),
        ("something", "en", [], ["anything"]),
    ],
)
def test_answer_is_whole_by_its_type(
    kind: str, language: str, whole: list[str], unfinished: list[str]
) -> None:
    expect = Expectation(kind, (), language)
    assert [text for text in whole if not is_complete(expect, Partial(text))] == []
    assert [text for text in [*unfinished, ""] if is_complete(expect, Partial(text))] == []


def test_number_is_whole_at_the_length_that_is_expected() -> None:
    expect = Expectation("digits", length=4)
    assert is_complete(expect, Partial("four eight two nine"))
    assert not is_complete(expect, Partial("four eight two"))
    assert is_complete(Expectation("digits"), Partial("one two three"), max_digits=3)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("ann dot lee at example dot com", "ann.lee@example.com"),
        ("It is Ann.Lee@Example.com, thanks", "ann.lee@example.com"),
        ("it's j o h n one two at mail dot example dot lv", "john12@mail.example.lv"),
        ("anna punkts kalniņa et example punkts lv", "anna.kalnina@example.lv"),
        ("big dash shop at example dot org", "big-shop@example.org"),
        ("write to me at home", ""),
        ("", ""),
    ],
)
def test_address_is_read_as_people_say_it(said: str, meant: str) -> None:
    assert [one.value for one in emails(Plain(said).text)] == ([meant] if meant else [])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("my name is ann lee", "Ann Lee"),
        ("S M I T H", "Smith"),
        ("smith, s, m, i, t, h.", "Smith"),
        ("Mani sauc Jānis Bērziņš", "Jānis Bērziņš"),
        ("我叫王小明", "王小明"),
        ("McDonald", "McDonald"),
    ],
)
def test_name_is_taken_without_what_leads_up_to_it(said: str, meant: str) -> None:
    assert [one.value for one in names(Plain(said))] == [meant]


def test_name_is_taken_from_any_sentence_only_where_it_is_told() -> None:
    assert introduces("Hello, my name is Ann Lee")
    assert introduces("mani sauc Anna")
    assert not introduces("where is my parcel")


def test_spelled_name_is_over_with_its_last_letter() -> None:
    assert [is_spelled_out(f"lee {letters}") for letters in ("l", "l e", "l e e")] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("three pm", "15:00"),
        ("half past three", "03:30"),
        ("quarter to five in the afternoon", "16:45"),
        ("ten past two", "02:10"),
        ("three thirty p m", "15:30"),
        ("at 15:30", "15:30"),
        ("noon", "12:00"),
        ("twelve a m", "00:00"),
        ("下午三点半", "15:30"),
        ("pusčetros", "03:30"),
        ("pulksten trijos", "03:00"),
        ("three", ""),
        ("my order is late", ""),
        ("", ""),
    ],
)
def test_time_is_read_in_24_hours(said: str, meant: str) -> None:
    assert [one.value for one in times(Plain(said).text)] == ([meant] if meant else [])
