"""Questions that lean on the one before them."""

from __future__ import annotations

import pytest

from bots.followup import leans, whole


@pytest.mark.parametrize(
    ("earlier", "question", "made"),
    [
        ("When are you open?", "and on Sundays?", "When are you open on Sundays?"),
        ("When are you open?", "What about public holidays?", "When are you open public holidays?"),
        (
            "How do I return a parcel?",
            "How much does it cost?",
            "How do I return a parcel? How much does it cost?",
        ),
        (
            "What does a parcel to Norway cost",
            "but 20 kg",
            "What does a parcel to Norway cost 20 kg?",
        ),
        ("Kad jūs strādājat?", "un svētdienās?", "Kad jūs strādājat svētdienās?"),
        ("Cik maksā sūtījums?", "vai to pašu var uz Norvēģiju?", None),
        ("你们几点开门？", "那星期天呢？", "你们几点开门星期天？"),
        ("怎么退包裹？", "这个要多少钱", "怎么退包裹？这个要多少钱？"),
    ],
)
def test_question_that_leans_is_made_whole(earlier: str, question: str, made: str | None) -> None:
    assert leans(question)
    if made is not None:
        assert whole(question, earlier) == made


@pytest.mark.parametrize(
    "question",
    [
        "How do I pay my bill?",
        "My bill is too high, and I would like somebody to explain why that happened this winter",
        "Where is my parcel",
        "Kā samaksāt rēķinu?",
        "怎么修改我的收货地址和电话号码",
        "",
    ],
)
def test_question_that_stands_by_itself_is_left_alone(question: str) -> None:
    assert not leans(question)


def test_nothing_but_the_lead_in_asks_the_same_again() -> None:
    assert whole("and?", "When are you open?") == "When are you open?"
