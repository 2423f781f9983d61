"""The transcriber's contract, on rendered telephone speech.

For the offline engine, the small Whisper of ``tests/models``, speech servers of both
protocols, engines one behind the other of which the first fails, and the script.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from bots.call import UNCLEAR
from bots.engines.choice import choose_engines
from bots.engines.errors import EngineUnavailable
from bots.engines.fallback import FallbackTranscriber, Tier
from bots.engines.local import Hardware
from bots.engines.offline import PocketsphinxTranscriber
from bots.engines.phrases import Corpus
from bots.engines.remote import RemoteSpeech, parse_server
from bots.engines.remote_api import ApiTranscriber
from bots.engines.remote_wyoming import WyomingTranscriber
from bots.engines.twice import TwiceTranscriber
from bots.engines.whisper import WhisperTranscriber
from bots.errors import RecognitionFailed
from bots.ports import Expectation, Hypothesis, Transcriber
from bots.speech import resampled
from evals.render import Utterance, load
from tests.fakes.fake_speech_api import FakeSpeechApi
from tests.fakes.fake_wyoming import FakeWyoming
from tests.models import WHISPER
from tests.scripted import SILENCE, ScriptedTranscriber

EXAMPLES = tuple(sorted({item.text for item in load() if item.seen and "number" not in item.id}))
FRAME = 320


def words_wrong(said: str, heard: str) -> int:
    """Word errors by edit distance."""
    a, b = said.split(), heard.split()
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        above, row = row, [i]
        for j, other in enumerate(b, 1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (word != other)))
    return row[-1]


def expected(utterance: Utterance) -> Expectation:
    if utterance.id.startswith("number"):
        return Expectation("order-number")
    if utterance.id.startswith("survey"):
        return Expectation("choice", ("one", "two", "three", "four", "five"))
    if utterance.text.split()[0] in ("yes", "no"):
        return Expectation("yes-no")
    return Expectation()


async def recognise(
    transcriber: Transcriber, pcm: bytes, expect: Expectation | None = None
) -> Hypothesis:
    recognition = transcriber.open(expect or Expectation())
    audio = resampled(SILENCE * 10 + pcm + SILENCE * 15, 8000, transcriber.sample_rate)
    frame = transcriber.sample_rate // 50 * 2
    for start in range(0, len(audio), frame):
        recognition.feed(audio[start : start + frame])
    return await recognition.finish()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def offline() -> AsyncIterator[PocketsphinxTranscriber]:
    transcriber = PocketsphinxTranscriber(Corpus(EXAMPLES), workers=1)
    await transcriber.start()
    yield transcriber
    await transcriber.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wyoming() -> AsyncIterator[WyomingTranscriber]:
    fake = FakeWyoming()
    await fake.start()
    transcriber = WyomingTranscriber(parse_server(fake.url), RemoteSpeech())
    await transcriber.start()
    yield transcriber
    await transcriber.stop()
    await fake.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speech_api() -> AsyncIterator[ApiTranscriber]:
    fake = FakeSpeechApi()
    await fake.start()
    transcriber = ApiTranscriber(parse_server(fake.url), RemoteSpeech())
    await transcriber.start()
    yield transcriber
    await transcriber.stop()
    await fake.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whisper() -> AsyncIterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber(WHISPER, Hardware("cpu", threads=1))
    await transcriber.start()
    yield transcriber
    await transcriber.stop()


@pytest.fixture(params=["offline", "whisper", "wyoming", "speech api", "fallback", "scripted"])
def transcriber(
    request: pytest.FixtureRequest,
    offline: PocketsphinxTranscriber,
    whisper: WhisperTranscriber,
    wyoming: WyomingTranscriber,
    speech_api: ApiTranscriber,
) -> Transcriber:
    scripted = ScriptedTranscriber()
    scripted.script = ["where is my order"] * 20
    broken = ScriptedTranscriber()
    broken.broken = True
    engines: dict[str, Transcriber] = {
        "offline": offline,
        "whisper": whisper,
        "wyoming": wyoming,
        "speech api": speech_api,
        "fallback": FallbackTranscriber([Tier(broken, 1), Tier(wyoming, 10), Tier(offline, 10)]),
        "scripted": scripted,
    }
    return engines[request.param]


class TestTranscriberContract:
    async def test_speech_gives_its_words_with_a_confidence(self, transcriber: Transcriber) -> None:
        utterance = next(item for item in load() if item.id == "where-is-my-order")
        heard = await recognise(transcriber, utterance.pcm())
        assert heard.text == "where is my order"
        assert 0 < heard.confidence <= 1

    async def test_cancelled_twice_is_fine_and_the_next_is_served(
        self, transcriber: Transcriber
    ) -> None:
        utterance = load()[0]
        for _ in range(30):
            recognition = transcriber.open(Expectation())
            recognition.feed(utterance.pcm()[:3200])
            recognition.cancel()
            recognition.cancel()
        assert (await recognise(transcriber, utterance.pcm())).text == utterance.text

    async def test_several_utterances_at_once_are_kept_apart(
        self, transcriber: Transcriber
    ) -> None:
        utterance = load()[0]
        heard = await asyncio.gather(*(recognise(transcriber, utterance.pcm()) for _ in range(3)))
        assert {one.text for one in heard} == {utterance.text}

    async def test_silence_gives_no_words_and_no_confidence(self, transcriber: Transcriber) -> None:
        if isinstance(transcriber, ScriptedTranscriber):
            transcriber.script.clear()
        heard = await recognise(transcriber, SILENCE * 20)
        assert (heard.text, heard.confidence) == ("", 0.0)


async def test_nothing_said_gives_no_words(offline: PocketsphinxTranscriber) -> None:
    heard = await recognise(offline, SILENCE * 30)
    assert heard == Hypothesis("", 0.0)
    assert UNCLEAR


async def test_words_of_the_rendered_callers_are_understood(
    offline: PocketsphinxTranscriber,
) -> None:
    wrong = spoken = 0
    for utterance in (item for item in load() if item.seen):
        heard = await recognise(offline, utterance.pcm(), expected(utterance))
        wrong += words_wrong(utterance.text, heard.text)
        spoken += len(utterance.text.split())
    assert wrong / spoken <= 0.08, f"{wrong} of {spoken} words wrong"


async def test_person_is_understood_even_when_digits_are_asked_for(
    offline: PocketsphinxTranscriber,
) -> None:
    for utterance in (item for item in load() if item.id == "speak-to-person"):
        heard = await recognise(offline, utterance.pcm(), Expectation("order-number"))
        assert heard.text == "i want to speak to a person"


async def test_one_digit_is_heard_as_a_digit_and_a_person_is_still_understood(
    offline: PocketsphinxTranscriber,
) -> None:
    asked = Expectation("digits", length=1)
    for utterance in (item for item in load() if item.id.startswith("survey-")):
        heard = await recognise(offline, utterance.pcm(), asked)
        assert heard.text == utterance.text
        # Alike as digits are, one alone is never certain.
        assert heard.confidence < 0.9
    person = next(item for item in load() if item.id == "agent-please")
    assert (await recognise(offline, person.pcm(), asked)).text == person.text


async def test_who_speaks_quietly_is_understood(offline: PocketsphinxTranscriber) -> None:
    utterance = next(item for item in load() if item.id == "where-is-my-order")
    quiet = (np.frombuffer(utterance.pcm(), dtype="<i2") * 0.1).astype("<i2")
    assert (await recognise(offline, quiet.tobytes())).text == utterance.text


async def test_partial_text_grows_while_the_caller_speaks(
    offline: PocketsphinxTranscriber,
) -> None:
    utterance = next(item for item in load() if item.id == "change-address")
    recognition = offline.open(Expectation())
    audio = SILENCE * 10 + utterance.pcm()
    for start in range(0, len(audio), FRAME):
        recognition.feed(audio[start : start + FRAME])
        await asyncio.sleep(0.004)
    deadline = time.monotonic() + 3
    while not recognition.partial().text and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert recognition.partial().text
    recognition.cancel()


async def test_recognising_leaves_the_event_loop_free(offline: PocketsphinxTranscriber) -> None:
    longest, last = 0.0, time.monotonic()
    audio = SILENCE * 10 + load()[0].pcm() * 2
    recognition = offline.open(Expectation())
    for start in range(0, len(audio), FRAME):
        recognition.feed(audio[start : start + FRAME])
        await asyncio.sleep(0)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    await recognition.finish()
    assert longest < 0.1


async def test_unsupported_language_is_refused_with_a_reason(
    offline: PocketsphinxTranscriber,
) -> None:
    with pytest.raises(RecognitionFailed, match="English only, not 'lv'"):
        offline.open(Expectation(language="lv"))


async def test_killed_worker_fails_its_utterances_and_is_replaced() -> None:
    transcriber = PocketsphinxTranscriber(Corpus(("where is my order",)), workers=1)
    await transcriber.start()
    try:
        recognition = transcriber.open(Expectation())
        recognition.feed(load()[0].pcm())
        (pid,) = transcriber.pids
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(RecognitionFailed):
            await recognition.finish()
        deadline = time.monotonic() + 30
        while transcriber.pids in ((), (pid,)) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        heard = await recognise(transcriber, load()[0].pcm())
        assert heard.text == "where is my order"
    finally:
        await transcriber.stop()


LOADING = """
import uvloop
from bots.engines.local import Hardware
from bots.engines.offline import PocketsphinxTranscriber
from bots.engines.phrases import Corpus

print("loading", flush=True)
try:
    uvloop.run(PocketsphinxTranscriber(Corpus(("where is my order",)), workers=2).start())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("after_s", [0.3, 0.9])
async def test_control_c_while_the_workers_load_ends_them_without_a_word(after_s: float) -> None:
    """As a terminal does it, to the whole process group, and on the product's own event loop."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        LOADING,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,
    )
    assert program.stdout is not None
    await program.stdout.readline()
    await asyncio.sleep(after_s)
    os.killpg(program.pid, signal.SIGINT)
    # Standard error ends when the last worker, which has it, too, has gone.
    said, complaints = await asyncio.wait_for(program.communicate(), 10)
    assert said == b"interrupted\n"
    assert complaints == b""


async def test_not_started_is_refused() -> None:
    with pytest.raises(RecognitionFailed, match="start"):
        PocketsphinxTranscriber(Corpus()).open(Expectation())


async def test_auto_without_models_is_offline_and_an_unknown_choice_is_refused(
    tmp_path: Path,
) -> None:
    assert choose_engines("auto", tmp_path, Corpus()).names == (TwiceTranscriber.name, "espeak-ng")
    with pytest.raises(EngineUnavailable, match="auto, offline, whisper"):
        choose_engines("loud", tmp_path, Corpus())
