"""Calls on which the voice does not work: the caller is never left in silence (virtual time)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest

from bots.conversation import Turn
from bots.engines.choice import Engines
from bots.engines.fallback import FallbackVoice, Tier
from bots.ports import Voice
from bots.spare import APOLOGIES, VOICE_FAILED, beeps
from bots.speech import Prompts
from bots.voice import VoiceBot, VoiceOutcome
from router.events import VoiceFellBack
from router.model import EndedBy
from tests.scripted import RATE, ScriptedClock, ScriptedDialogue, ScriptedVoice
from tests.unit.test_voice import Phone, asks, ends, hands_off

ANSWER = "Well then. Broken one. How can I help?"


class TroubledVoice(ScriptedVoice):
    """Does with the text in ``broken`` what ``trouble`` says."""

    def __init__(self, trouble: str = "fails") -> None:
        super().__init__()
        self.trouble = trouble
        self.ready = asyncio.Event()

    async def speak(self, text: str, language: str) -> AsyncIterator[bytes]:
        if text in self.broken and self.trouble == "crashes":
            raise ZeroDivisionError("in the vocoder")
        if text in self.broken and self.trouble in ("hangs", "is slow"):
            await self.ready.wait()
            self.broken.clear()
        async for pcm in super().speak(text, language):
            yield pcm


@dataclass
class MutePhone(Phone):
    """A caller of a bot whose voice has its troubles."""

    mouth: Voice = field(default_factory=TroubledVoice)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.talk_through(self.dialogue)

    def talk_through(self, dialogue: ScriptedDialogue) -> None:
        """Let the bot talk this dialogue through, with its mouth."""
        self.bot = VoiceBot(
            dialogue,
            Engines(self.hears, self.mouth),
            self.records,
            self.records.load,
            ScriptedClock(self.leg),
            self.leg.seconds,
        )

    @property
    def fell_back(self) -> list[VoiceFellBack]:
        return [fact for fact in self.records.facts if isinstance(fact, VoiceFellBack)]


@pytest.fixture
async def phones() -> AsyncIterator[list[MutePhone]]:
    """Those that the test has started; they are hung up at its end."""
    started: list[MutePhone] = []
    yield started
    for phone in started:
        phone.leg.end(16)
        assert phone.outcome is not None
        await phone.outcome


async def told_something_broken(
    phones: list[MutePhone], *turns: Turn, trouble: str = "fails", spare: bool = True
) -> MutePhone:
    """Up to the caller's words, the answer to which cannot be said."""
    voice = TroubledVoice(trouble)
    voice.broken.add("Broken one.")
    phone = MutePhone([asks("Hello?"), *turns], mouth=voice)
    phone.bot.prompts = Prompts(voice, patience_s=0.05 if trouble == "hangs" else 15)
    phones.append(phone)
    if spare:
        await phone.bot.prompts.keep_spare("en", RATE)
    await phone.start()
    await phone.until_bot_is_silent()
    await phone.says("hello")
    return phone


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("fails", "cannot say 'Broken one.'"),
        ("crashes", "scripted: ZeroDivisionError: in the vocoder"),
        ("hangs", "scripted: not done within 0.05 s"),
    ],
)
async def test_what_no_voice_can_say_a_prepared_sentence_stands_in_for_then_a_person(
    phones: list[MutePhone], trouble: str, reason: str
) -> None:
    phone = await told_something_broken(phones, asks(ANSWER), trouble=trouble)
    await asyncio.sleep(0.06 if trouble == "hangs" else 0)
    await phone.silent(6)
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.HANDED_OFF
    assert phone.records.transcript == [
        "bot: Hello?",
        "customer: hello",
        "bot: Well then. —",
        f"bot: {APOLOGIES['en']}",
    ]
    assert phone.records.lines[3].meta == {"prepared": True}
    assert phone.records.handoff is not None
    assert phone.records.handoff.packet.reason == VOICE_FAILED
    assert [(f.spoken_by, f.instead_of) for f in phone.fell_back] == [("prepared sentence", reason)]


async def test_without_a_prepared_sentence_two_tones_tell_that_somebody_is_there(
    phones: list[MutePhone],
) -> None:
    phone = await told_something_broken(phones, asks("Broken one."), spare=False)
    asked = phone.leg.now
    await phone.silent(2)
    sounded = [at for at, sound in phone.leg.sent if sound and at >= asked - 0.8]
    assert len(sounded) * 20 == len(beeps(RATE)) // (2 * RATE // 1000)
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.HANDED_OFF
    assert phone.records.transcript == ["bot: Hello?", "customer: hello"]
    assert phone.fell_back[0].spoken_by == "tone"


async def test_who_was_to_get_an_answer_and_a_goodbye_gets_a_person_instead(
    phones: list[MutePhone],
) -> None:
    phone = await told_something_broken(phones, ends("Broken one. Goodbye."))
    await phone.silent(6)
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.HANDED_OFF
    assert phone.records.ended is None
    assert not phone.leg.closed.is_set()


async def test_a_hand_over_that_cannot_be_announced_is_one_all_the_same(
    phones: list[MutePhone],
) -> None:
    phone = await told_something_broken(phones, hands_off("Broken one."))
    await phone.silent(6)
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.HANDED_OFF
    assert phone.records.handoff is not None
    assert phone.records.handoff.packet.reason == "asked"


async def test_a_flow_that_has_only_questions_for_who_cannot_be_asked_ends_the_call(
    phones: list[MutePhone],
) -> None:
    class Asking(ScriptedDialogue):
        async def give_up(self, memory: Mapping[str, Any], reason: str) -> Turn:
            return asks("Broken one.")

    voice = TroubledVoice()
    voice.broken.add("Broken one.")
    phone = MutePhone([asks("Broken one.")], mouth=voice)
    phone.talk_through(Asking(phone.turns))
    phones.append(phone)
    await phone.start()
    await phone.silent(8)
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.ENDED
    assert phone.records.ended == (EndedBy.BOT, VOICE_FAILED)
    assert len(phone.fell_back) == 1


async def test_stand_in_voice_is_told_once_in_a_call(phones: list[MutePhone]) -> None:
    first, second = ScriptedVoice(), ScriptedVoice()
    first.name, second.name = "remote", "espeak"
    first.broken = {"Hello?", "Anything else?", "Bye."}
    mouth = FallbackVoice([Tier(first, 5), Tier(second, 5)])
    phone = MutePhone([asks("Hello?"), asks("Anything else?"), ends("Bye.")], mouth=mouth)
    phones.append(phone)
    await phone.start()
    for _ in range(2):
        await phone.until_bot_is_silent()
        await phone.says("hello")
    await phone.until_bot_is_silent()
    reasons = [(fact.spoken_by, fact.instead_of) for fact in phone.fell_back]
    assert reasons[0] == ("espeak", "remote: cannot say 'Hello?'")
    assert len(reasons) == len(set(reasons)) == 3


async def test_who_waits_long_for_a_sentence_hears_tones_until_it_comes(
    phones: list[MutePhone],
) -> None:
    phone = await told_something_broken(
        phones, asks("Broken one."), ends("Bye."), trouble="is slow"
    )
    asked = phone.leg.now
    await phone.silent(6)
    voice = phone.mouth
    assert isinstance(voice, TroubledVoice)
    assert phone.fell_back == []
    sounded = [at for at, sound in phone.leg.sent if sound and at >= asked]
    silences = [later - earlier for earlier, later in pairwise(sounded)]
    assert len([silence for silence in silences if silence > 0.1]) == 1
    assert max(*silences, sounded[0] - asked, phone.leg.now - sounded[-1]) < 2.8
    voice.ready.set()
    await phone.until_bot_is_silent()
    await phone.says("thanks")
    assert phone.records.transcript[2] == "bot: Broken one."


async def test_filler_that_cannot_be_said_is_left_out(phones: list[MutePhone]) -> None:
    voice = TroubledVoice()
    voice.broken.add("One moment.")
    turn = replace(asks("Hello?"), fillers=("One moment.",))
    phone = MutePhone([turn, ends("Goodbye.")], mouth=voice)
    phone.hears.slow = asyncio.Event()
    phones.append(phone)
    await phone.bot.prompts.keep_spare("en", RATE)
    await phone.start()
    await phone.until_bot_is_silent()
    await phone.says("hello", then_silent=4)
    phone.hears.slow.set()
    await phone.until_bot_is_silent()
    await phone.silent(0.2)
    assert phone.records.ended == (EndedBy.BOT, "done")
    assert phone.records.transcript == ["bot: Hello?", "customer: hello", "bot: Goodbye."]
    assert phone.fell_back == []
