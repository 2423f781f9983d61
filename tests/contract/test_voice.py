"""The voice's contract: espeak-ng, Piper, speech servers, one behind the other, the script.

Piper speaks with the small voice of ``tests/models``: the true format, English only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bots.detect import levels_db
from bots.engines.espeak import EspeakVoice, ipa
from bots.engines.fallback import FallbackVoice, Tier
from bots.engines.piper import PiperVoice
from bots.engines.remote import RemoteSpeech, parse_server
from bots.engines.remote_api import ApiVoice
from bots.engines.remote_wyoming import WyomingVoice
from bots.errors import SynthesisFailed
from bots.ports import Timed, Voice
from tests.fakes.fake_speech_api import FakeSpeechApi
from tests.fakes.fake_speech_server import Trouble
from tests.fakes.fake_wyoming import FakeWyoming
from tests.models import PIPER
from tests.scripted import ScriptedVoice

TEXTS = {
    "en": "Your parcel comes tomorrow morning.",
    "zh": "您的包裹明天上午送到。",
    "lv": "Jūsu sūtījums būs rīt no rīta.",
}


async def said(voice: Voice, text: str, language: str = "en") -> bytes:
    return b"".join([piece async for piece in voice.speak(text, language)])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def piper() -> AsyncIterator[PiperVoice]:
    voice = PiperVoice({"en": PIPER}, threads=1)
    await voice.start()
    yield voice
    await voice.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wyoming() -> AsyncIterator[WyomingVoice]:
    fake = FakeWyoming()
    await fake.start()
    named = dict.fromkeys(TEXTS, "fake")
    voice = WyomingVoice(parse_server(fake.url), RemoteSpeech(voices=named))
    await voice.start()
    yield voice
    await voice.stop()
    await fake.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broken() -> AsyncIterator[ApiVoice]:
    """A server that answers, but without a sound."""
    fake = FakeSpeechApi(trouble=Trouble.NO_SOUND)
    await fake.start()
    voice = ApiVoice(parse_server(fake.url), RemoteSpeech())
    await voice.start()
    yield voice
    await voice.stop()
    await fake.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speech_api() -> AsyncIterator[ApiVoice]:
    fake = FakeSpeechApi()
    await fake.start()
    voice = ApiVoice(parse_server(fake.url), RemoteSpeech())
    await voice.start()
    yield voice
    await voice.stop()
    await fake.stop()


@pytest.fixture(params=["espeak", "wyoming", "speech api", "fallback", "broken first", "scripted"])
def voice(
    request: pytest.FixtureRequest,
    piper: PiperVoice,
    wyoming: WyomingVoice,
    speech_api: ApiVoice,
    broken: ApiVoice,
) -> Voice:
    local: list[Tier[Voice]] = [Tier(piper, 10), Tier(EspeakVoice(), 10)]
    voices: dict[str, Voice] = {
        "espeak": EspeakVoice(),
        "wyoming": wyoming,
        "speech api": speech_api,
        "fallback": FallbackVoice(local),
        "broken first": FallbackVoice([Tier(broken, 10), *local]),
        "scripted": ScriptedVoice(),
    }
    return voices[request.param]


class TestVoiceContract:
    @pytest.mark.parametrize("language", sorted(TEXTS))
    async def test_text_becomes_audible_speech_of_a_likely_length(
        self, voice: Voice, language: str
    ) -> None:
        pcm = await said(voice, TEXTS[language], language)
        seconds = len(pcm) / 2 / voice.sample_rate
        assert 0.4 < seconds < 6
        assert max(levels_db(pcm, voice.sample_rate)) > -25

    async def test_several_at_once_are_kept_apart(self, voice: Voice) -> None:
        short, long = await asyncio.gather(
            said(voice, "Yes."), said(voice, "This is a much longer sentence about parcels.")
        )
        assert len(long) > 2 * len(short)
        assert len(await said(voice, "Yes.")) == pytest.approx(len(short), rel=0.05)

    @pytest.mark.parametrize("language", sorted(TEXTS))
    async def test_word_times_where_there_are_any_go_through_the_text_and_the_sound(
        self, voice: Voice, language: str
    ) -> None:
        text = TEXTS[language]
        speech = voice.speak(text, language)
        sound = b"".join([piece async for piece in speech])
        marks = list(speech.marks) if isinstance(speech, Timed) else []
        assert marks == sorted(marks, key=lambda mark: (mark.upto, mark.ms))
        assert sorted(mark.ms for mark in marks) == [mark.ms for mark in marks]
        if marks:
            assert len(text) - 1 <= marks[-1].upto <= len(text)
            assert 0 < marks[0].ms < marks[-1].ms <= len(sound) * 500 / voice.sample_rate

    async def test_left_half_way_the_next_is_served(self, voice: Voice) -> None:
        async for _ in voice.speak(TEXTS["en"], "en"):
            break
        assert await said(voice, "Yes.")


async def test_espeak_speaks_at_the_telephones_rate_without_long_silence_around() -> None:
    voice = EspeakVoice()
    assert voice.sample_rate == 8000
    levels = levels_db(await said(voice, "Hello."), 8000)
    assert max(levels[:3]) > -45
    assert max(levels[-10:]) > -45


async def test_language_without_a_voice_is_refused(piper: PiperVoice) -> None:
    with pytest.raises(SynthesisFailed, match="no espeak-ng voice for 'xx'"):
        await said(EspeakVoice(), "Hello.", "xx")
    with pytest.raises(SynthesisFailed, match=r"no Piper voice for 'lv'; have \['en'\]"):
        await said(piper, "Labdien!", "lv")


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "Yes, your parcel is on the van.", 6),
        ("zh", "是的，您的包裹明天送到。", 8),
        ("lv", "Jā, jūsu sūtījums ir ceļā.", 5),
    ],
)
async def test_espeak_tells_when_each_word_was_said(language: str, text: str, words: int) -> None:
    speech = EspeakVoice().speak(text, language)
    pcm = b"".join([piece async for piece in speech])
    assert len({mark.upto for mark in speech.marks}) >= words
    # The first word ends at the comma, before a pause that belongs to no word.
    comma = next(place for place, char in enumerate(text) if char in ",，")
    first = next(mark for mark in speech.marks if mark.upto > comma)
    levels = levels_db(pcm, 8000)
    frame = int(first.ms // 20)
    assert max(levels[:frame]) > -30
    assert max(levels[frame + 1 : frame + 4]) < -50


async def test_espeak_tells_how_words_are_pronounced() -> None:
    assert "p" in ipa("parcel")
