"""What a caller hears while the answer takes its time, and at what pace (virtual time)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bots.conversation import Heard, Turn
from bots.engines.choice import Engines
from bots.voice import VoiceBot, VoiceOutcome
from router.events import TurnTimed
from tests.scripted import (
    SILENCE,
    SPEECH,
    PacedScriptedVoice,
    ScriptedClock,
    ScriptedDialogue,
    ScriptedVoice,
)
from tests.unit.test_voice import Phone, asks, ends

FILLERS = ("One moment, I am looking.", "Just a second, please.")
QUESTION = "How can I help you?"
ANSWER = "It comes this afternoon. Anything else?"
S_PER_CHAR = 0.05


class SlowDialogue(ScriptedDialogue):
    """Answers only when it is let."""

    def __init__(self, turns: list[Turn]) -> None:
        super().__init__(turns)
        self.let = asyncio.Event()

    async def hear(self, memory: Mapping[str, Any], heard: Heard) -> Turn:
        await self.let.wait()
        self.let.clear()
        return await super().hear(memory, heard)


class SlowVoice(ScriptedVoice):
    """Takes its time for the texts in ``slow``."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.slow = slow
        self.ready = asyncio.Event()

    async def speak(self, text: str, language: str) -> AsyncIterator[bytes]:
        if text == self.slow:
            await self.ready.wait()
        async for pcm in super().speak(text, language):
            yield pcm


@dataclass
class SlowPhone(Phone):
    """A caller of a bot that has to look things up."""

    voice: ScriptedVoice = field(default_factory=ScriptedVoice)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dialogue = self.slow = SlowDialogue(self.turns)
        self.talk_through(self.slow)

    def talk_through(self, dialogue: SlowDialogue) -> None:
        """Let the bot talk this dialogue through."""
        self.slow = dialogue
        self.bot = VoiceBot(
            dialogue,
            Engines(self.hears, self.voice),
            self.records,
            self.records.load,
            ScriptedClock(self.leg),
            self.leg.seconds,
        )

    async def asks_something(self, text: str = "where is my parcel") -> None:
        """Up to the moment at which the turn ends."""
        await self.until_bot_is_silent()
        self.hears.script.append(text)
        await self.leg.run_for(1.0, SPEECH)
        await self.leg.run_for(0.6, SILENCE)

    @property
    def said(self) -> list[str]:
        """What was synthesised so far."""
        return self.voice.made


def turns() -> list[Turn]:
    ask = replace(asks(QUESTION), fillers=FILLERS)
    return [ask, replace(asks(ANSWER), fillers=FILLERS), ends("Goodbye.")]


Begin = Callable[..., Awaitable[SlowPhone]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    phones: list[SlowPhone] = []

    async def call(
        voice: ScriptedVoice | None = None, listed: list[Turn] | None = None
    ) -> SlowPhone:
        phone = SlowPhone(listed or turns(), voice=voice or ScriptedVoice())
        phones.append(phone)
        await phone.start()
        return phone

    yield call
    for phone in phones:
        assert phone.outcome is not None
        phone.slow.let.set()
        phone.leg.end(16)
        await phone.outcome


async def test_quick_answer_needs_no_filler(begin: Begin) -> None:
    phone = await begin()
    await phone.asks_something()
    await phone.silent(0.8)
    phone.slow.let.set()
    await phone.until_bot_is_silent()
    assert phone.said == [QUESTION, "It comes this afternoon.", "Anything else?"]


async def test_slow_answer_is_bridged_once_and_the_transcript_is_in_order(begin: Begin) -> None:
    phone = await begin()
    await phone.asks_something()
    ended = phone.leg.now
    await phone.silent(9.0)
    sounded = [at for at, sound in phone.leg.sent if sound and at >= ended]
    assert 0.8 <= sounded[0] - ended <= 1.0
    assert phone.said == [QUESTION, FILLERS[0]]
    phone.slow.let.set()
    await phone.until_bot_is_silent()
    await phone.asks_something("no that is all")
    phone.slow.let.set()
    await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert phone.records.transcript == [
        f"bot: {QUESTION}",
        "customer: where is my parcel",
        f"bot: {FILLERS[0]}",
        f"bot: {ANSWER}",
        "customer: no that is all",
        "bot: Goodbye.",
    ]
    assert phone.records.lines[2].meta == {"filler": True}


async def test_recognition_that_takes_long_is_bridged_and_the_answer_needs_no_second(
    begin: Begin,
) -> None:
    phone = await begin()
    phone.hears.slow = asyncio.Event()
    await phone.asks_something()
    ended = phone.leg.now
    await phone.silent(4.0)
    sounded = [at for at, sound in phone.leg.sent if sound and at >= ended]
    assert 0.8 <= sounded[0] - ended <= 1.0
    phone.hears.slow.set()
    await phone.silent(4.0)
    assert phone.said == [QUESTION, FILLERS[0]]
    phone.slow.let.set()
    await phone.until_bot_is_silent()
    phone.leg.end(16)
    assert phone.outcome is not None
    await phone.outcome
    assert phone.records.transcript == [
        f"bot: {QUESTION}",
        "customer: where is my parcel",
        f"bot: {FILLERS[0]}",
        f"bot: {ANSWER}",
    ]
    (timed,) = [fact for fact in phone.records.facts if isinstance(fact, TurnTimed)]
    assert timed.recognition_ms == pytest.approx(4050, abs=41)


async def test_recognition_and_answer_share_one_patience(begin: Begin) -> None:
    phone = await begin()
    phone.hears.slow = asyncio.Event()
    await phone.asks_something()
    ended = phone.leg.now
    await phone.silent(0.5)
    phone.hears.slow.set()
    await phone.silent(1.0)
    sounded = [at for at, sound in phone.leg.sent if sound and at >= ended]
    assert 0.8 <= sounded[0] - ended <= 1.0


async def test_prompt_stopped_by_what_meant_nothing_goes_on_behind_the_filler(
    begin: Begin,
) -> None:
    phone = await begin()
    phone.hears.slow = asyncio.Event()
    await phone.silent(0.5)
    phone.hears.script.append("okay")
    await phone.leg.run_for(0.5, SPEECH)
    await phone.silent(3.0)
    phone.hears.slow.set()
    await phone.until_bot_is_silent()
    await phone.silent(1.0)
    phone.leg.end(16)
    assert phone.outcome is not None
    await phone.outcome
    assert phone.records.transcript == [f"bot: {QUESTION}", f"bot: {FILLERS[0]}"]


async def test_caller_who_leaves_while_words_are_recognised_heard_so_much_of_the_filler(
    begin: Begin,
) -> None:
    phone = await begin()
    phone.hears.slow = asyncio.Event()
    await phone.asks_something()
    await phone.silent(0.9 + len("One moment, I") * S_PER_CHAR)
    await phone.leg.hang_up()
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.CALLER_LEFT
    assert phone.records.transcript == [f"bot: {QUESTION}", "bot: One moment, I —"]
    assert phone.dialogue.heard == []


async def test_next_filler_of_the_call_is_another(begin: Begin) -> None:
    phone = await begin()
    for _ in range(2):
        await phone.asks_something()
        await phone.silent(4.0)
        phone.slow.let.set()
    assert [text for text in phone.said if text in FILLERS] == list(FILLERS)


async def test_answer_that_comes_during_the_filler_follows_it(begin: Begin) -> None:
    phone = await begin()
    await phone.asks_something()
    await phone.silent(1.2)
    phone.slow.let.set()
    await phone.silent(len(FILLERS[0]) * S_PER_CHAR)
    assert phone.said == [QUESTION, FILLERS[0], "It comes this afternoon.", "Anything else?"]
    await phone.until_bot_is_silent()
    await phone.asks_something("thanks")
    assert phone.records.transcript[2:4] == [f"bot: {FILLERS[0]}", f"bot: {ANSWER}"]


async def test_answer_that_is_there_before_the_filler_sounds_takes_its_place(begin: Begin) -> None:
    voice = SlowVoice(FILLERS[0])
    phone = await begin(voice)
    await phone.asks_something()
    await phone.silent(2.0)
    phone.slow.let.set()
    await phone.until_bot_is_silent()
    assert phone.said == [QUESTION, "It comes this afternoon.", "Anything else?"]
    voice.ready.set()
    await phone.asks_something("thanks")
    assert not any("moment" in line for line in phone.records.transcript)


async def test_caller_who_leaves_during_the_filler_heard_only_its_beginning(begin: Begin) -> None:
    phone = await begin()
    await phone.asks_something()
    await phone.silent(0.9 + len("One moment, I") * S_PER_CHAR)
    await phone.leg.hang_up()
    phone.slow.let.set()
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.CALLER_LEFT
    assert phone.records.transcript[1:] == [
        "customer: where is my parcel",
        "bot: One moment, I —",
    ]


async def test_caller_who_asked_for_slower_speech_gets_it_from_then_on(begin: Begin) -> None:
    memory = {"language": "en", "pace": 0.8}
    slow = replace(asks("Say it slowly."), fillers=FILLERS, memory=memory)
    last = replace(ends("Goodbye."), memory=memory)
    phone = await begin(PacedScriptedVoice(), [asks(QUESTION), slow, last])
    await phone.asks_something("slower please")
    phone.slow.let.set()
    await phone.asks_something("thanks")
    await phone.silent(3.0)
    phone.slow.let.set()
    await phone.until_bot_is_silent()
    assert phone.said == [
        QUESTION,
        "Say it slowly. @0.8",
        f"{FILLERS[0]} @0.8",
        "Goodbye. @0.8",
    ]


async def test_answer_that_fails_brings_a_person_behind_the_filler() -> None:
    class Broken(SlowDialogue):
        async def hear(self, memory: Mapping[str, Any], heard: Heard) -> Turn:
            await self.let.wait()
            raise RuntimeError("no answer")

    phone = SlowPhone(turns())
    phone.talk_through(Broken(phone.turns))
    await phone.start()
    await phone.asks_something()
    await phone.silent(3.0)
    phone.slow.let.set()
    await phone.silent(3.0)
    assert phone.outcome is not None
    async with asyncio.timeout(5):
        assert await phone.outcome is VoiceOutcome.HANDED_OFF
    assert phone.said[-1] == "Something went wrong."
