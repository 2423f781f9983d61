"""Calls on which speech cannot be recognised: other engines, then keys, then a person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from bots.engines.breaker import Breaker
from bots.engines.choice import Engines
from bots.engines.fallback import FallbackTranscriber, Tier
from bots.keys import HINTS, SPEECH_FAILED
from bots.ports import Expectation, Transcriber
from bots.voice import VoiceBot, VoiceOutcome
from router.events import SpeechFellBack
from tests.scripted import ScriptedClock, ScriptedTranscriber
from tests.unit.test_voice import Phone, asks, ends, hands_off

PERSON = "bot: I am getting you a person."


@pytest.fixture
async def phones() -> AsyncIterator[list[Phone]]:
    """Those that the test has started; they are hung up at its end."""
    started: list[Phone] = []
    yield started
    for phone in started:
        assert phone.outcome is not None
        phone.leg.end(16)
        await phone.outcome


async def deaf_phone(phones: list[Phone], phone: Phone) -> Phone:
    phone.hears.broken = True
    phones.append(phone)
    await phone.start()
    await phone.until_bot_is_silent()
    return phone


def fell_back(phone: Phone) -> list[SpeechFellBack]:
    return [fact for fact in phone.records.facts if isinstance(fact, SpeechFellBack)]


def hint(kind: str, language: str = "en") -> str:
    return f"bot: {HINTS[kind][language]}"


async def test_order_number_that_cannot_be_heard_is_typed(phones: list[Phone]) -> None:
    question = "Your order number?"
    phone = await deaf_phone(phones, Phone([asks(question, "order-number", 6), ends("Thanks.")]))
    await phone.says("", seconds=0.8, then_silent=1.6)
    await phone.until_bot_is_silent()
    for digit in "482913":
        phone.leg.key(digit)
        await phone.silent(0.3)
    await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert [heard.digits for heard in phone.dialogue.heard] == ["482913"]
    assert phone.records.transcript == [
        f"bot: {question}",
        "customer: [unclear]",
        hint("digits"),
        f"bot: {question}",
        "customer: 482913",
        "bot: Thanks.",
    ]


async def test_question_that_is_not_answered_by_keys_goes_to_a_person_the_third_time(
    phones: list[Phone],
) -> None:
    phone = await deaf_phone(phones, Phone([asks("Is that right?", "yes-no", 1)]))
    for _ in range(3):
        await phone.says("", seconds=0.8)
        await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.HANDED_OFF
    assert phone.records.handoff is not None
    assert phone.records.handoff.packet.reason == SPEECH_FAILED
    assert phone.records.transcript.count(hint("yes-no")) == 2
    assert phone.records.transcript[-1] == PERSON
    assert phone.dialogue.heard == []
    assert not phone.leg.closed.is_set()
    (fact,) = fell_back(phone)
    assert (fact.heard_by, fact.instead_of) == ("DTMF", "the scripted recogniser is broken")


async def test_open_question_is_asked_once_more_then_a_person_takes_over(
    phones: list[Phone],
) -> None:
    phone = await deaf_phone(phones, Phone([asks("How can I help?")]))
    for _ in range(2):
        await phone.says("", seconds=0.8)
        await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert phone.records.transcript.count(hint("open")) == 1
    assert phone.records.transcript[-1] == PERSON


async def test_recogniser_that_recovers_the_conversation_goes_on_and_the_count_begins_anew(
    phones: list[Phone],
) -> None:
    turns = [asks("How can I help?"), asks("Anything else?"), ends("Goodbye.")]
    phone = await deaf_phone(phones, Phone(turns))
    await phone.says("", seconds=0.8)
    await phone.until_bot_is_silent()
    phone.hears.broken = False
    await phone.says("where is my order")
    await phone.until_bot_is_silent()
    phone.hears.broken = True
    await phone.says("", seconds=0.8)
    await phone.until_bot_is_silent()
    assert [heard.text for heard in phone.dialogue.heard] == ["where is my order"]
    assert phone.records.transcript.count(hint("open")) == 1
    assert phone.records.handoff is None


async def test_key_after_a_false_alarm_of_a_broken_recogniser_is_an_answer(
    phones: list[Phone],
) -> None:
    menu = asks("Press one for orders.", "choice", 1)
    phone = await deaf_phone(phones, Phone([menu, ends("Goodbye.")]))
    await phone.says("", seconds=0.3, then_silent=1.0)
    assert phone.hears.opened
    phone.leg.key("1")
    await phone.silent(0.1)
    assert [heard.digits for heard in phone.dialogue.heard] == ["1"]
    assert fell_back(phone) == []


async def test_words_over_a_prompt_that_nobody_recognised_are_not_taken_for_nothing(
    phones: list[Phone],
) -> None:
    phone = Phone([asks("Please listen to all of this long prompt. " * 3), hands_off(".")])
    phone.hears.broken = True
    phones.append(phone)
    await phone.start()
    await phone.silent(1.0)
    await phone.says("", seconds=1.0)
    await phone.until_bot_is_silent()
    assert phone.records.transcript[1] == "customer: [unclear]"
    assert phone.records.transcript[0].endswith("—")


async def test_language_of_the_question_is_the_language_of_the_hint(phones: list[Phone]) -> None:
    turn = replace(asks("Vai tas ir pareizi?"), expectation=Expectation("yes-no", (), "lv"))
    phone = await deaf_phone(phones, Phone([turn]))
    await phone.says("", seconds=0.8)
    await phone.until_bot_is_silent()
    await phone.says("", seconds=0.8)
    assert hint("yes-no", "lv") in phone.records.transcript


async def test_every_hint_is_there_in_every_language() -> None:
    assert {tuple(texts) for texts in HINTS.values()} == {("en", "zh", "lv")}


def hearing_by(phone: Phone, tiers: Sequence[Tier[Transcriber]]) -> Phone:
    """The phone's bot with these recognisers, the best first."""
    phone.bot = VoiceBot(
        phone.dialogue,
        Engines(FallbackTranscriber(tiers, phone.leg.seconds), phone.voice),
        phone.records,
        phone.records.load,
        ScriptedClock(phone.leg),
        phone.leg.seconds,
    )
    return phone


async def test_second_engine_hears_the_turn_and_the_record_says_why(phones: list[Phone]) -> None:
    broken, works = ScriptedTranscriber(), ScriptedTranscriber()
    broken.broken = True
    broken.name, works.name = "remote", "offline"
    works.script = ["where is my order"]
    tiers = [Tier(broken, 3600.0, Breaker()), Tier(works, 3600.0, Breaker())]
    phone = hearing_by(Phone([asks("How can I help?"), ends("Goodbye.")]), tiers)
    phones.append(phone)
    await phone.start()
    await phone.until_bot_is_silent()
    await phone.says("")
    await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert [heard.text for heard in phone.dialogue.heard] == ["where is my order"]
    (fact,) = fell_back(phone)
    assert (fact.heard_by, fact.instead_of) == (
        "offline",
        "remote: the scripted recogniser is broken",
    )
    assert works.finished[0].fed_ms == broken.opened[0].fed_ms >= 1000


class BusyTranscriber(ScriptedTranscriber):
    """One for which more waits than it can do in time."""

    name = "whisper"
    wait_s = 8.5


async def test_the_call_goes_down_the_whole_chain_and_the_record_says_why(
    phones: list[Phone],
) -> None:
    """Server broken, Whisper overloaded: offline; offline broken, too: keys, then a person."""
    remote, whisper, offline = ScriptedTranscriber(), BusyTranscriber(), ScriptedTranscriber()
    remote.broken = True
    remote.name, offline.name = "remote", "offline"
    offline.script = ["where is my order"]
    tiers = [Tier(remote, 3.5), Tier(whisper, 8.0), Tier(offline, 10.0)]
    phone = hearing_by(Phone([asks("How can I help?"), asks("Is that right?", "yes-no", 1)]), tiers)
    phones.append(phone)
    await phone.start()
    await phone.until_bot_is_silent()
    await phone.says("")
    await phone.until_bot_is_silent()
    offline.broken = True
    for _ in range(3):
        await phone.says("", seconds=0.8)
        await phone.until_bot_is_silent()
    await phone.silent(0.1)
    broken = "the scripted recogniser is broken"
    assert [(fact.heard_by, fact.instead_of) for fact in fell_back(phone)][:2] == [
        ("offline", f"remote: {broken}; whisper: overloaded"),
        ("DTMF", f"remote: {broken}; whisper: overloaded; offline: {broken}"),
    ]
    assert whisper.opened == []
    assert phone.records.transcript.count(hint("yes-no")) == 2
    assert phone.records.transcript[-1] == PERSON
