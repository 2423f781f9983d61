"""Who speaks while the bot thinks, or just as it begins to answer (lessons.md 15; virtual time)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from bots.conversation import Turn
from tests.scripted import SILENCE, SPEECH
from tests.unit.test_filler import FILLERS, SlowPhone
from tests.unit.test_voice import asks, ends

QUESTION = "How can I help you?"
ANSWER = "It comes this afternoon. Anything else?"


def turns(*answers: Turn) -> list[Turn]:
    return [replace(turn, fillers=FILLERS) for turn in (asks(QUESTION), *answers)]


Begin = Callable[..., Awaitable[SlowPhone]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    phones: list[SlowPhone] = []

    async def call(*answers: Turn) -> SlowPhone:
        phone = SlowPhone(turns(*answers))
        phones.append(phone)
        await phone.start()
        await phone.asks_something("where is my parcel")
        return phone

    yield call
    for phone in phones:
        assert phone.outcome is not None
        phone.leg.end(16)
        phone.slow.let.set()
        await phone.outcome


async def adds(phone: SlowPhone, text: str, seconds: float = 0.6) -> None:
    """The caller says more, and is silent."""
    phone.hears.script.append(text)
    await phone.leg.run_for(seconds, SPEECH)
    await phone.leg.run_for(0.6, SILENCE)


async def answer(phone: SlowPhone) -> None:
    phone.slow.let.set()
    await phone.silent(0.04)


def heard(phone: SlowPhone) -> list[str]:
    return [one.text or one.digits for one in phone.dialogue.heard]


async def test_words_added_while_the_answer_is_made_belong_to_the_same_turn(begin: Begin) -> None:
    phone = await begin(asks("Which parcel?"), asks(ANSWER), ends("Goodbye."))
    await adds(phone, "the blue one")
    await answer(phone)
    await answer(phone)
    assert heard(phone) == ["where is my parcel", "where is my parcel the blue one"]
    await phone.until_bot_is_silent()
    await phone.asks_something("no thanks")
    assert phone.records.transcript == [
        f"bot: {QUESTION}",
        "customer: where is my parcel the blue one",
        f"bot: {ANSWER}",
    ]


async def test_answer_waits_until_the_caller_has_finished(begin: Begin) -> None:
    phone = await begin(asks("Which parcel?"), asks(ANSWER), ends("."))
    phone.hears.script.append("the blue one")
    await phone.leg.run_for(0.4, SPEECH)
    await answer(phone)
    await phone.leg.run_for(0.6, SPEECH)
    assert not any(sound for at, sound in phone.leg.sent if at > phone.leg.now - 0.9)
    await phone.silent(0.6)
    await answer(phone)
    await phone.until_bot_is_silent()
    assert heard(phone)[-1] == "where is my parcel the blue one"


async def test_answer_that_has_changed_something_stands_and_the_words_begin_the_next_turn(
    begin: Begin,
) -> None:
    phone = await begin(replace(asks(ANSWER), changed=True), ends("Goodbye."))
    await adds(phone, "and send a bill")
    await answer(phone)
    await phone.until_bot_is_silent()
    assert heard(phone) == ["where is my parcel"]
    await phone.asks_something("to my new address")
    await answer(phone)
    assert heard(phone)[-1] == "and send a bill to my new address"


async def test_carried_words_are_the_answer_of_a_caller_who_says_no_more(begin: Begin) -> None:
    phone = await begin(replace(asks(ANSWER), changed=True), ends("Goodbye."))
    await adds(phone, "and send a bill")
    await answer(phone)
    await phone.until_bot_is_silent()
    await phone.silent(5.1)
    await answer(phone)
    assert heard(phone)[-1] == "and send a bill"


@pytest.mark.parametrize(("text", "seconds"), [("okay", 0.5), ("", 0.2), ("", 0.6)])
async def test_backchannel_cough_or_noise_while_thinking_changes_nothing(
    begin: Begin, text: str, seconds: float
) -> None:
    phone = await begin(asks(ANSWER), ends("."))
    await adds(phone, text, seconds)
    await answer(phone)
    await phone.until_bot_is_silent()
    assert heard(phone) == ["where is my parcel"]
    assert phone.said[-2:] == ["It comes this afternoon.", "Anything else?"]


async def test_filler_stops_at_once_when_the_caller_speaks_and_is_kept_as_heard(
    begin: Begin,
) -> None:
    phone = await begin(asks("Which parcel?"), asks(ANSWER), ends("."))
    await phone.silent(1.2)
    assert phone.said[-1] == FILLERS[0]
    began = phone.leg.now
    await adds(phone, "the blue one")
    last_sound = max(at for at, sound in phone.leg.sent if sound)
    assert 0.3 <= last_sound - began <= 0.35 + 0.06
    await answer(phone)
    await answer(phone)
    await phone.until_bot_is_silent()
    await phone.asks_something("thanks")
    assert phone.records.transcript[1:4] == [
        "customer: where is my parcel the blue one",
        "bot: One moment, I —",
        f"bot: {ANSWER}",
    ]


async def test_cough_lets_the_filler_go_on(begin: Begin) -> None:
    phone = await begin(asks(ANSWER), ends("."))
    await phone.silent(1.0)
    await phone.leg.run_for(0.2, SPEECH)
    await phone.silent(2.0)
    await answer(phone)
    await phone.until_bot_is_silent()
    await phone.asks_something("thanks")
    assert f"bot: {FILLERS[0]}" in phone.records.transcript


async def test_key_stops_the_filler_and_answers_the_next_prompt(begin: Begin) -> None:
    phone = await begin(asks("Press one for a person.", "choice", 1), ends("Goodbye."))
    await phone.silent(1.0)
    phone.leg.key("1")
    pressed = phone.leg.now
    await phone.silent(0.5)
    assert not any(sound for at, sound in phone.leg.sent if at > pressed + 0.02)
    await answer(phone)
    await answer(phone)
    assert heard(phone) == ["where is my parcel", "1"]


async def test_key_pressed_while_speaking_wins_and_the_call_goes_on(begin: Begin) -> None:
    phone = await begin(asks("Press one for a person.", "choice", 1), ends("Goodbye."))
    phone.hears.script.append("I mean")
    await phone.leg.run_for(0.4, SPEECH)
    phone.leg.key("1")
    await answer(phone)
    await answer(phone)
    assert heard(phone) == ["where is my parcel", "1"]


async def test_sentence_that_goes_on_as_the_answer_begins_is_answered_as_one(
    begin: Begin,
) -> None:
    phone = await begin(asks(ANSWER), asks("The blue one is here."), ends("."))
    await answer(phone)
    await phone.silent(0.1)
    await adds(phone, "the blue one")
    await answer(phone)
    assert heard(phone) == ["where is my parcel", "where is my parcel the blue one"]
    await phone.until_bot_is_silent()
    await phone.asks_something("thanks")
    assert phone.records.transcript[1:] == [
        "customer: where is my parcel",
        "bot: It comes —",
        "customer: the blue one",
        "bot: The blue one is here.",
    ]


async def test_answer_to_the_question_itself_is_not_glued_to_the_words_before(
    begin: Begin,
) -> None:
    phone = await begin(asks(ANSWER), ends("."))
    await answer(phone)
    await phone.silent(1.0)
    await adds(phone, "the blue one")
    await answer(phone)
    assert heard(phone) == ["where is my parcel", "the blue one"]


async def test_number_cut_in_two_by_a_long_pause_is_one_number(begin: Begin) -> None:
    number = replace(asks("Your order number?", "order-number", 6), fillers=())
    phone = await begin(number, asks("I need six digits.", "order-number", 6), ends("Thanks."))
    await answer(phone)
    await phone.until_bot_is_silent()
    phone.hears.script.append("four eight two")
    await phone.leg.run_for(0.8, SPEECH)
    await phone.silent(1.3)
    await answer(phone)
    phone.hears.script.append("nine one three")
    await phone.leg.run_for(0.8, SPEECH)
    await phone.silent(1.4)
    await answer(phone)
    assert heard(phone)[-1] == "four eight two nine one three"
