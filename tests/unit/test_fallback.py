"""Engines one behind the other, with scripted ones on a scripted clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bots.engines.breaker import Breaker, Circuit, Tolerance
from bots.engines.fallback import FallbackTranscriber, FallbackVoice, Tier
from bots.errors import (
    LanguageNotHeard,
    LanguageNotSpoken,
    RecognitionFailed,
    SynthesisFailed,
)
from bots.ports import Expectation, Hypothesis, Mark, Partial, Stopgap
from bots.speech import Prompts
from tests.scripted import RATE, SPEECH, settle

QUICK = Tolerance(most_failures=2, window_s=30, rest_s=10)
EVER = 3600.0
AT_ONCE = 0.01


@dataclass
class Ear:
    """A recogniser that does what its ``trouble`` says."""

    name: str
    trouble: str = ""
    languages: tuple[str, ...] = ("en", "lv")
    sample_rate: int = RATE
    prepared: list[Expectation] = field(default_factory=list)
    opened: list[EarRecognition] = field(default_factory=list)

    def prepare(self, expect: Expectation) -> None:
        self.prepared.append(expect)

    def open(self, expect: Expectation) -> EarRecognition:
        if expect.language not in self.languages:
            raise LanguageNotHeard(f"{self.name} does not hear {expect.language!r}")
        if self.trouble == "refuses":
            raise RecognitionFailed("not started")
        self.opened.append(EarRecognition(self))
        return self.opened[-1]


@dataclass
class EarRecognition:
    owner: Ear
    heard: bytes = b""
    cancelled: bool = False

    @property
    def failure(self) -> RecognitionFailed | None:
        early = self.owner.trouble == "breaks" and len(self.heard) > 5 * len(SPEECH)
        return RecognitionFailed("connection lost") if early else None

    def feed(self, pcm: bytes) -> None:
        self.heard += pcm

    def partial(self) -> Partial:
        return Partial(f"{self.owner.name} hears")

    async def finish(self) -> Hypothesis:
        if self.owner.trouble == "hangs":
            await asyncio.Event().wait()
        if self.owner.trouble:
            raise RecognitionFailed("out of memory")
        return Hypothesis(f"said to {self.owner.name}", 0.9)

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Bench:
    """Recognisers in their order, and a clock that is moved by the test."""

    ears: list[Ear]
    patience_s: float = EVER
    now: float = 0.0

    def __post_init__(self) -> None:
        self.tiers = [Tier(ear, self.patience_s, Breaker(QUICK)) for ear in self.ears]
        self.transcriber = FallbackTranscriber(self.tiers, lambda: self.now)

    async def utterance(self, language: str = "en") -> Hypothesis:
        recognition = self.transcriber.open(Expectation(language=language))
        for _ in range(10):
            recognition.feed(SPEECH)
        return await recognition.finish()


async def test_first_engine_works_nobody_else_is_asked_and_nothing_is_said_of_it() -> None:
    bench = Bench([Ear("remote"), Ear("offline")])
    assert await bench.utterance() == Hypothesis("said to remote", 0.9)
    assert not bench.ears[1].opened
    assert bench.transcriber.name == "remote, else offline"


@pytest.mark.parametrize("trouble", ["fails", "refuses", "breaks", "hangs"])
async def test_next_engine_hears_the_utterance_from_its_beginning(trouble: str) -> None:
    bench = Bench([Ear("remote", trouble), Ear("offline")])
    bench.tiers[0].patience_s = AT_ONCE
    heard = await bench.utterance()
    assert (heard.text, heard.heard_by) == ("said to offline", "offline")
    assert heard.instead_of.startswith("remote: ")
    assert bench.ears[1].opened[0].heard == SPEECH * 10


async def test_engine_that_breaks_is_replaced_while_the_caller_still_speaks() -> None:
    bench = Bench([Ear("remote", "breaks"), Ear("offline")])
    recognition = bench.transcriber.open(Expectation())
    assert recognition.partial().text == "remote hears"
    for _ in range(10):
        recognition.feed(SPEECH)
    assert recognition.partial().text == "offline hears"
    assert bench.ears[0].opened[0].cancelled


async def test_late_engine_is_cancelled_and_its_reason_given() -> None:
    bench = Bench([Ear("remote", "hangs"), Ear("offline")])
    bench.tiers[0].patience_s = AT_ONCE
    assert (await bench.utterance()).instead_of == "remote: not done within 0.01 s"
    assert bench.ears[0].opened[0].cancelled


async def test_all_fail_the_error_names_each_with_its_reason_once() -> None:
    bench = Bench([Ear("remote", "breaks"), Ear("whisper", "fails"), Ear("offline", "refuses")])
    with pytest.raises(RecognitionFailed) as failed:
        await bench.utterance()
    assert str(failed.value) == (
        "remote: connection lost; whisper: out of memory; offline: not started"
    )


async def test_engine_that_fails_again_and_again_rests_and_is_tried_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench([Ear("remote", "fails"), Ear("offline")])
    for _ in range(4):
        heard = await bench.utterance()
    assert len(bench.ears[0].opened) == 2
    assert heard.instead_of == "remote: rests after failures"
    assert "remote rests for 10 s" in caplog.text
    bench.now = 10
    bench.ears[0].trouble = ""
    assert (await bench.utterance()).text == "said to remote"
    assert "remote is back" in caplog.text
    assert (await bench.utterance()).heard_by == ""


async def test_only_one_utterance_tries_an_engine_that_rested() -> None:
    bench = Bench([Ear("remote", "fails"), Ear("offline")])
    for _ in range(2):
        await bench.utterance()
    bench.now = 10
    bench.ears[0].trouble = ""
    first = bench.transcriber.open(Expectation())
    second = bench.transcriber.open(Expectation())
    assert (first.partial().text, second.partial().text) == ("remote hears", "offline hears")
    first.cancel()
    assert bench.transcriber.open(Expectation()).partial().text == "remote hears"


async def test_all_rest_the_call_is_told_at_once_instead_of_kept_waiting() -> None:
    bench = Bench([Ear("remote", "fails"), Ear("offline", "fails")])
    for _ in range(2):
        with pytest.raises(RecognitionFailed):
            await bench.utterance()
    with pytest.raises(RecognitionFailed, match=r"remote: rests.*offline: rests"):
        bench.transcriber.open(Expectation())


async def test_unknown_language_is_passed_over_and_is_no_failure() -> None:
    bench = Bench([Ear("remote", languages=("en",)), Ear("offline")])
    for _ in range(5):
        heard = await bench.utterance("lv")
    assert (heard.text, heard.heard_by) == ("said to offline", "")
    assert bench.tiers[0].breaker.state is Circuit.CLOSED
    with pytest.raises(RecognitionFailed, match="remote does not hear 'zh'; offline does not"):
        await bench.utterance("zh")


async def test_cancelled_is_empty_and_neither_good_nor_bad_for_the_engine() -> None:
    bench = Bench([Ear("remote", "hangs"), Ear("offline")])
    recognition = bench.transcriber.open(Expectation())
    recognition.feed(SPEECH)
    recognition.cancel()
    recognition.cancel()
    recognition.feed(SPEECH)
    assert bench.ears[0].opened[0].cancelled
    waiting = bench.transcriber.open(Expectation())
    finishing = asyncio.create_task(waiting.finish())
    await settle()
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert bench.ears[0].opened[1].cancelled
    assert not bench.ears[1].opened


async def test_every_engine_prepares_for_the_question() -> None:
    bench = Bench([Ear("remote"), Ear("offline")])
    bench.transcriber.prepare(Expectation("digits"))
    assert [ear.prepared for ear in bench.ears] == [[Expectation("digits")]] * 2


async def test_engines_of_different_rates_each_get_their_own() -> None:
    bench = Bench([Ear("remote", "fails", sample_rate=16000), Ear("offline", sample_rate=8000)])
    assert bench.transcriber.sample_rate == 16000
    await bench.utterance()
    fed, again = bench.ears[0].opened[0].heard, bench.ears[1].opened[0].heard
    assert len(again) == pytest.approx(len(fed) / 2, abs=8)


@dataclass
class Mouth:
    """A voice that does what its ``trouble`` says."""

    name: str
    trouble: str = ""
    languages: tuple[str, ...] = ("en",)
    sample_rate: int = RATE
    asked: list[str] = field(default_factory=list)
    left: int = 0

    async def speak(self, text: str, language: str) -> AsyncIterator[bytes]:
        if language not in self.languages:
            raise LanguageNotSpoken(f"{self.name} does not speak {language!r}")
        self.asked.append(text)
        try:
            if self.trouble == "fails":
                raise SynthesisFailed("out of memory")
            if self.trouble == "hangs":
                await asyncio.Event().wait()
            yield self.sound
            if self.trouble == "breaks":
                raise SynthesisFailed("connection lost")
            yield self.sound
        finally:
            self.left += 1

    @property
    def sound(self) -> bytes:
        return self.name.encode()[:2] * 80


class TimedSound:
    """Each piece is three characters and takes 10 ms."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self.marks: list[Mark] = []

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await anext(self._pieces)
        given = len(self.marks) + 1
        self.marks.append(Mark(3 * given, 10.0 * given))
        return piece


class TimedMouth(Mouth):
    """One that also tells when its words are said."""

    def speak(self, text: str, language: str) -> TimedSound:
        return TimedSound(super().speak(text, language))


def voices(*mouths: Mouth, patience_s: float = EVER) -> FallbackVoice:
    return FallbackVoice([Tier(mouth, patience_s, Breaker(QUICK)) for mouth in mouths])


async def test_first_voice_works_and_its_audio_is_worth_keeping() -> None:
    speech = voices(Mouth("remote"), Mouth("espeak")).speak("Hello.", "en")
    assert b"".join([pcm async for pcm in speech]) == b"re" * 160
    assert isinstance(speech, Stopgap)
    assert not speech.substituted


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("fails", b"es" * 160),
        ("hangs", b"es" * 160),
        ("breaks", b"re" * 80 + b"es" * 160),
    ],
)
async def test_next_voice_says_the_whole_text(trouble: str, said: bytes) -> None:
    fallback = voices(Mouth("remote", trouble), Mouth("espeak"))
    fallback.tiers[0].patience_s = AT_ONCE
    speech = fallback.speak("Hello.", "en")
    assert b"".join([pcm async for pcm in speech]) == said
    assert speech.substituted


async def test_prompt_of_a_stand_in_is_not_kept_when_the_usual_voice_is_back() -> None:
    remote = Mouth("remote", "fails")
    prompts = Prompts(voices(remote, Mouth("espeak")))
    assert (await prompts.sound("Hello.", "en", RATE)).pcm == b"es" * 160
    remote.trouble = ""
    for _ in range(3):
        assert (await prompts.sound("Hello.", "en", RATE)).pcm == b"re" * 160
    assert len(remote.asked) == 2


async def test_word_times_come_through_and_count_what_was_heard_before_a_voice_broke_off() -> None:
    whole = voices(TimedMouth("espeak")).speak("Hello.", "en")
    assert [pcm async for pcm in whole]
    assert whole.marks == [Mark(3, 10), Mark(6, 20)]
    broke = voices(TimedMouth("remote", "breaks"), TimedMouth("espeak")).speak("Hello.", "en")
    assert [pcm async for pcm in broke]
    assert broke.marks == [Mark(3, 10), Mark(3, 20), Mark(6, 30)]
    untimed = voices(Mouth("remote", "breaks"), TimedMouth("espeak")).speak("Hello.", "en")
    assert [pcm async for pcm in untimed]
    assert untimed.marks == ()


async def test_voice_that_fails_again_and_again_rests() -> None:
    remote, espeak = Mouth("remote", "fails"), Mouth("espeak")
    fallback = voices(remote, espeak)
    for _ in range(4):
        assert [pcm async for pcm in fallback.speak("Hello.", "en")]
    assert (len(remote.asked), len(espeak.asked)) == (2, 4)


async def test_all_voices_fail_the_error_names_each() -> None:
    fallback = voices(Mouth("remote", "fails"), Mouth("espeak", "breaks"))
    with pytest.raises(SynthesisFailed, match="remote: out of memory; espeak: connection lost"):
        _ = [pcm async for pcm in fallback.speak("Hello.", "en")]


async def test_voice_without_the_language_is_passed_over_and_the_audio_kept() -> None:
    fallback = voices(Mouth("piper"), Mouth("espeak", languages=("en", "lv")))
    for _ in range(5):
        speech = fallback.speak("Labdien!", "lv")
        assert b"".join([pcm async for pcm in speech]) == b"es" * 160
        assert not speech.substituted
    assert fallback.tiers[0].breaker.state is Circuit.CLOSED
    with pytest.raises(SynthesisFailed, match="'zh'"):
        _ = [pcm async for pcm in fallback.speak("您好", "zh")]


async def test_left_half_way_the_voice_is_stopped_and_not_blamed() -> None:
    remote = Mouth("remote")
    fallback = voices(remote, Mouth("espeak"))
    for _ in range(4):
        speech = fallback.speak("Hello.", "en")
        async for _ in speech:
            break
        await speech.aclose()
    assert remote.left == 4
    assert fallback.tiers[0].breaker.state is Circuit.CLOSED
