"""What a flow believes to have been said is what was heard (lessons.md 14)."""

from __future__ import annotations

import pytest

from bots.flow.playout import Played, believed, question_heard, value_heard
from router.model import Citation

BILL = Citation("bill", "Why is my bill so high?", "/help/en/bill")
SAYS = "Compare kilowatt hours first."


def memory(asked: str = "", value: str = "") -> dict[str, object]:
    return {"asked": asked, "value": value, "articles": [], "tried": []}


def answer(heard: str) -> Played:
    return Played(SAYS, heard, "tell", (BILL,))


def test_an_answer_that_nobody_heard_was_neither_given_nor_shown() -> None:
    kept = believed(memory(), [answer("")])
    assert (kept["articles"], kept["tried"]) == ([], [])
    assert kept["heard"] == {"tell": False}
    assert kept["unheard"] == [SAYS]


def test_an_answer_cut_off_was_shown_but_is_no_answer_until_it_is_heard_whole() -> None:
    cut = believed(memory(), [answer("Compare")])
    assert [article["article_id"] for article in cut["articles"]] == ["bill"]
    assert cut["tried"] == ["the answer from “Why is my bill so high?” was cut off"]
    again = believed(cut, [answer(SAYS)])
    assert len(again["articles"]) == 1
    assert again["tried"] == ["answered from “Why is my bill so high?”"]
    assert believed(again, [answer("Compare")])["tried"] == again["tried"]


def test_a_step_counts_as_said_when_all_of_it_was_heard() -> None:
    first, second = Played("One.", "One.", "notice"), Played("Two.", "", "notice")
    assert believed(memory(), [first, second])["heard"] == {"notice": False}
    whole = believed(memory(), [first, Played("Two.", "Two.", "notice")])
    assert whole["heard"] == {"notice": True}
    assert believed(whole, [Played("Else.", "Else.", "else")])["heard"]["notice"]


def test_the_memory_given_stays_as_it_was() -> None:
    given = memory()
    believed(given, [answer(SAYS)])
    assert given == memory()


@pytest.mark.parametrize(
    ("asked", "value", "heard", "fine"),
    [
        ("I have 4 8 2 1. Is that right?", "4821", "I have 4 8", False),
        ("I have HL-482913. Is that right?", "HL-482913", "I have", False),
        ("I have HL-482913. Is that right?", "HL-482913", "I have HL-482913. Is", True),
        ("I have Monday 2 March. Is that right?", "2026-03-02", "I have Monday 2 March. Is", True),
        ("I have Monday 2 March. Is that right?", "2026-03-02", "I have Monday", False),
        ("Monday 2 March, right?", "2026-03-02", "Monday 2 March,", False),
        ("订单号是HL-482913，对吗？", "HL-482913", "订单号是HL-482913，对", True),
    ],
)
def test_a_value_was_read_back_when_it_was_heard(
    asked: str, value: str, heard: str, fine: bool
) -> None:
    question = Played(asked, heard, "number", question=True)
    kept = believed(memory(asked, value), [question])
    assert not question_heard(kept)
    assert value_heard(kept) is fine
    assert value_heard(believed(kept, [Played(asked, asked, "number", question=True)]))
