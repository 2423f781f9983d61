"""Another bot is recognised; an annoyed person is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bots.flow.schema import parse_flow
from bots.loops import is_bot, noted
from router.model import Channel
from tests.talking import Talk, demo_flow

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OOO = "Automatic reply: I am out of the office until Monday and read no mail."
ECHO = parse_flow(
    """
flow: patient
start: hello
languages: [en]
steps:
  hello: {ask: "How can I help?", otherwise: again, routes: {goodbye: bye}}
  again: {say: "I am listening.", next: hello}
  bye: {end: resolved}
"""
)
MENU = "Welcome to Acme. Press one for sales, press two for support."


def heard(
    texts: Sequence[str], *, every_s: float = 20, spoken: bool = False, ours: Sequence[str] = ()
) -> str:
    memory: dict[str, Any] = {}
    for place, text in enumerate(texts):
        now = NOW + timedelta(seconds=place * every_s)
        memory = noted(memory, text, spoken=spoken, ours=ours, now=now)
    return is_bot(memory)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ([OOO, OOO], "itself"),
        (["Šī ir automātiskā atbilde, esmu prombūtnē."] * 2, "itself"),
        (["您好，这是自动回复，请稍后。"] * 2, "itself"),
        (["Thank you for contacting Acme, please choose a topic."] * 4, "same"),
        ([OOO], ""),
        (["I got your automatic reply, but where is my parcel?"], ""),
        (["where is my parcel"] * 9, ""),
        (["agent", "agent!", "AGENT", "agent please"] * 3, ""),
        (["yes", "no", "482913", "1"] * 5, ""),
        (["Where on earth is my parcel HL-482913?"] * 3, ""),
    ],
)
def test_texts_of_bots_and_people(texts: list[str], why: str) -> None:
    assert heard(texts) == why


def test_long_texts_faster_than_anybody_types_are_of_a_bot() -> None:
    texts = [f"Thank you, your request number {n} is being processed now." for n in range(6)]
    assert heard(texts, every_s=0.5) == "fast"
    assert heard(texts, every_s=15) == ""
    assert heard(texts, every_s=0.5, spoken=True) == ""


def test_our_own_words_said_back_twice_are_of_a_bot() -> None:
    ours = ["Sorry, I did not understand that. How can I help you?"]
    assert heard(ours * 2, ours=ours) == "echoes"
    assert heard(ours, ours=ours) == ""


def test_a_menu_on_the_telephone_is_one_at_once() -> None:
    assert heard([MENU], spoken=True) == "itself"
    assert heard([MENU]) == ""


@pytest.mark.parametrize("channel", Channel)
async def test_two_bots_part_politely_and_a_letter_gets_no_answer(channel: Channel) -> None:
    talk = await Talk.begin(ECHO, channel)
    turns = 0
    while talk.turn.ended is None and turns < 6:
        await talk.say(OOO if turns % 2 else f"{OOO} Thank you.")
        turns += 1
    assert talk.turn.ended == "bot-loop"
    assert turns <= 2
    assert ("automatic system" in talk.words) is (channel is not Channel.EMAIL)
    assert talk.turn.memory["over"] == "end"


async def test_a_menu_is_left_in_the_first_turn_of_a_call() -> None:
    talk = await Talk.begin(demo_flow("front-desk"), Channel.VOICE)
    await talk.say(MENU, 0.8)
    assert talk.turn.ended == "bot-loop"
