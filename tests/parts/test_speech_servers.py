"""Speech servers of both protocols over real sockets: what is asked, and what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import wyoming.asr
import wyoming.event

from bots.engines.choice import choose_engines
from bots.engines.endings import Endings
from bots.engines.fallback import FallbackVoice, Tier
from bots.engines.phrases import Corpus
from bots.engines.remote import Patience, RemoteSpeech, parse_server
from bots.engines.remote_api import ApiTranscriber, ApiVoice
from bots.engines.remote_wyoming import WyomingTranscriber, WyomingVoice
from bots.engines.twice import TwiceTranscriber
from bots.errors import (
    LanguageNotHeard,
    LanguageNotSpoken,
    RecognitionFailed,
    SynthesisFailed,
)
from bots.ports import Expectation, Hypothesis, PacedVoice, Partial, Transcriber, Voice
from bots.speech import resampled
from evals.render import load
from tests.fakes.fake_speech_api import FakeSpeechApi
from tests.fakes.fake_speech_server import Trouble, tone
from tests.fakes.fake_wyoming import FakeWyoming

SPEECH = tone(1.0, 16000)
FRAME = 640
PATIENT = Patience(connect_s=10, first_s=20, whole_s=40)
IMPATIENT = Patience(connect_s=0.3, first_s=0.3, whole_s=0.5)
SECRET = "sk-very-secret"


@pytest.fixture
async def wyoming_server() -> AsyncIterator[FakeWyoming]:
    fake = FakeWyoming()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def api() -> AsyncIterator[FakeSpeechApi]:
    fake = FakeSpeechApi()
    await fake.start()
    yield fake
    await fake.stop()


Server = FakeWyoming | FakeSpeechApi


@pytest.fixture(params=[FakeWyoming, FakeSpeechApi])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    fake: Server = request.param()
    await fake.start()
    yield fake
    await fake.stop()


@contextlib.asynccontextmanager
async def ears(server: Server, options: RemoteSpeech) -> AsyncIterator[Transcriber]:
    kind = WyomingTranscriber if isinstance(server, FakeWyoming) else ApiTranscriber
    transcriber: WyomingTranscriber | ApiTranscriber = kind(parse_server(server.url), options)
    await transcriber.start()
    try:
        yield transcriber
    finally:
        await transcriber.stop()


@contextlib.asynccontextmanager
async def mouth(server: Server, options: RemoteSpeech) -> AsyncIterator[Voice]:
    kind = WyomingVoice if isinstance(server, FakeWyoming) else ApiVoice
    if isinstance(server, FakeWyoming) and not options.voices:
        options = replace(options, voices={"en": "fake"})
    voice: WyomingVoice | ApiVoice = kind(parse_server(server.url), options)
    await voice.start()
    try:
        yield voice
    finally:
        await voice.stop()


async def hears(
    transcriber: Transcriber, pcm: bytes = SPEECH, expect: Expectation | None = None
) -> Hypothesis:
    recognition = transcriber.open(expect or Expectation())
    for start in range(0, len(pcm), FRAME):
        recognition.feed(pcm[start : start + FRAME])
        await asyncio.sleep(0)
    return await recognition.finish()


async def says(voice: Voice, text: str = "Your parcel is here.", language: str = "en") -> bytes:
    return b"".join([pcm async for pcm in voice.speak(text, language)])


async def all_closed(server: Server) -> None:
    """The far end has seen every connection close."""
    async with asyncio.timeout(10):
        while server.open:
            await asyncio.sleep(0.01)


async def test_wyoming_server_gets_the_audio_the_language_and_the_hints(
    wyoming_server: FakeWyoming,
) -> None:
    expect = Expectation("choice", ("orders", "bills"), "lv")
    async with ears(wyoming_server, RemoteSpeech(model="large-v3", patience=PATIENT)) as remote:
        heard = await hears(remote, expect=expect)
    assert heard.text == "where is my order"
    (utterance,) = wyoming_server.heard
    assert utterance.pcm == SPEECH
    assert (utterance.rate, utterance.stopped) == (16000, True)
    assert utterance.wish == {
        "language": "lv",
        "name": "large-v3",
        "transcript_terms": ["orders", "bills"],
    }


async def test_wyoming_text_is_seen_while_the_caller_speaks(wyoming_server: FakeWyoming) -> None:
    wyoming_server.partials = ("where", " is my")
    async with ears(wyoming_server, RemoteSpeech(patience=PATIENT)) as remote:
        recognition = remote.open(Expectation())
        recognition.feed(SPEECH)
        async with asyncio.timeout(10):
            while recognition.partial().text != "where is my":
                await asyncio.sleep(0.01)
        assert (await recognition.finish()).text == "where is my order"


async def test_wyoming_text_so_far_is_read_as_a_flows_phrases_are_written(
    wyoming_server: FakeWyoming,
) -> None:
    """So "Billing." is a whole answer, and "Where is my order?" one that can end there."""
    wyoming_server.partials = ("Where is", " my order?")
    endings = Endings([["where", "is", "my", "order"]])
    options = RemoteSpeech(patience=PATIENT)
    remote = WyomingTranscriber(parse_server(wyoming_server.url), options, endings)
    await remote.start()
    recognition = remote.open(Expectation())
    recognition.feed(SPEECH)
    async with asyncio.timeout(10):
        while recognition.partial() != Partial("where is my order", 1.0):
            await asyncio.sleep(0.01)
    recognition.cancel()
    await remote.stop()


async def test_wyoming_cancel_closes_the_connection_at_once(wyoming_server: FakeWyoming) -> None:
    async with ears(wyoming_server, RemoteSpeech(patience=PATIENT)) as remote:
        recognition = remote.open(Expectation())
        recognition.feed(SPEECH)
        async with asyncio.timeout(10):
            while not wyoming_server.heard:
                await asyncio.sleep(0.01)
        finishing = asyncio.create_task(recognition.finish())
        await asyncio.sleep(0)
        recognition.cancel()
        recognition.cancel()
        recognition.feed(SPEECH)
        assert await finishing == Hypothesis("", 0.0)
        await all_closed(wyoming_server)


async def test_wyoming_voice_is_asked_by_name_and_keeps_its_connection(
    wyoming_server: FakeWyoming, caplog: pytest.LogCaptureFixture
) -> None:
    options = RemoteSpeech(voices={"lv": "aivars", "en": "fake"}, patience=PATIENT)
    async with mouth(wyoming_server, options) as remote:
        before = wyoming_server.connections
        await says(remote, "Labdien!", "lv")
        await says(remote, "Hello.", "en")
        assert [asked["voice"]["name"] for asked in wyoming_server.said] == ["aivars", "fake"]
        assert wyoming_server.connections == before + 1
    assert f"127.0.0.1:{wyoming_server.port} has no voice aivars" in caplog.text


async def test_wyoming_kept_connection_that_was_closed_is_replaced(
    wyoming_server: FakeWyoming,
) -> None:
    async with mouth(wyoming_server, RemoteSpeech(patience=PATIENT)) as remote:
        assert await says(remote)
        await wyoming_server.stop()
        await wyoming_server.start()
        assert await says(remote)


async def test_language_the_wyoming_server_does_not_have_is_refused_by_type(
    wyoming_server: FakeWyoming,
) -> None:
    wyoming_server.languages = ("en_GB",)
    options = RemoteSpeech(patience=PATIENT)
    async with ears(wyoming_server, options) as remote:
        with pytest.raises(LanguageNotHeard, match="'zh'"):
            remote.open(Expectation(language="zh"))
    async with mouth(wyoming_server, options) as voice:
        with pytest.raises(LanguageNotSpoken, match="'zh'"):
            await says(voice, "您好", "zh")


async def test_languages_without_a_named_voice_are_left_to_others(api: FakeSpeechApi) -> None:
    async with mouth(api, RemoteSpeech(voices={"en": "sky"}, patience=PATIENT)) as voice:
        with pytest.raises(LanguageNotSpoken, match="'lv'"):
            await says(voice, "Labdien!", "lv")
    async with mouth(api, RemoteSpeech(patience=PATIENT)) as voice:
        assert await says(voice, "Labdien!", "lv"), "with none named the server knows best"


async def test_api_gets_a_wav_with_key_model_language_and_hints(api: FakeSpeechApi) -> None:
    api.key = SECRET
    options = RemoteSpeech(key=SECRET, model="large-v3", patience=PATIENT)
    async with ears(api, options) as remote:
        heard = await hears(remote, expect=Expectation("choice", ("orders", "bills"), "zh"))
    assert heard == Hypothesis("where is my order", 0.819)
    (request,) = api.requests
    assert (request.rate, request.pcm) == (16000, SPEECH)
    assert request.fields == {
        "model": "large-v3",
        "language": "zh",
        "response_format": "verbose_json",
        "prompt": "orders, bills",
    }


async def test_api_that_cannot_tell_how_sure_it_is_is_asked_so_only_once(
    api: FakeSpeechApi,
) -> None:
    api.log_probability = None
    async with ears(api, RemoteSpeech(patience=PATIENT)) as remote:
        first, second = await hears(remote), await hears(remote)
    assert first == second
    assert 0.5 < first.confidence < 1
    formats = [request.fields["response_format"] for request in api.requests]
    assert formats == ["verbose_json", "json", "json"]


async def test_api_connection_is_shared_by_all_utterances(api: FakeSpeechApi) -> None:
    async with ears(api, RemoteSpeech(patience=PATIENT)) as remote:
        for _ in range(3):
            await hears(remote)
    assert api.connections == 1


async def test_api_voice_is_asked_by_name_and_bare_samples_are_taken_too(
    api: FakeSpeechApi,
) -> None:
    options = RemoteSpeech(voice_model="kokoro", voices={"en": "af_sky"}, patience=PATIENT)
    async with mouth(api, options) as remote:
        assert await says(remote, "Hello.")
        api.content_type = "audio/pcm"
        assert await says(remote, "Hello.")
    assert api.requests[0].fields == {
        "model": "kokoro",
        "input": "Hello.",
        "voice": "af_sky",
        "response_format": "wav",
    }


async def test_api_voice_speaks_more_slowly_when_asked(api: FakeSpeechApi) -> None:
    async with mouth(api, RemoteSpeech(patience=PATIENT)) as remote:
        assert isinstance(remote, PacedVoice)
        behind = FallbackVoice([Tier(remote, 20.0)])
        assert [pcm async for pcm in behind.speak_at("Hello.", "en", 0.8)]
    assert api.requests[0].fields["speed"] == 0.8


async def test_api_voice_left_half_way_ends_the_request(api: FakeSpeechApi) -> None:
    api.trouble = Trouble.STALLS
    async with mouth(api, RemoteSpeech(patience=PATIENT)) as remote:
        async with contextlib.aclosing(remote.speak("A long text. " * 20, "en")) as pieces:  # type: ignore[type-var]
            async for _ in pieces:
                break
        await api.stop()
        assert not api.open


async def test_wrong_key_is_named_without_telling_it(
    api: FakeSpeechApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.key = "another"
    options = RemoteSpeech(key=SECRET, patience=PATIENT)
    async with ears(api, options) as remote, mouth(api, options) as voice:
        with pytest.raises(RecognitionFailed, match="PARLEY_SPEECH_REMOTE_KEY") as refused:
            await hears(remote)
        with pytest.raises(SynthesisFailed, match="PARLEY_SPEECH_REMOTE_KEY"):
            await says(voice)
    assert SECRET not in str(refused.value) + caplog.text + repr(options)


@pytest.mark.parametrize("status", [429, 503])
async def test_overloaded_api_says_so(api: FakeSpeechApi, status: int) -> None:
    api.status = status
    async with ears(api, RemoteSpeech(patience=PATIENT)) as remote:
        with pytest.raises(RecognitionFailed, match="overloaded"):
            await hears(remote)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Trouble.CLOSES, "closed|disconnected"),
        (Trouble.GARBAGE, "expected|illegal status line"),
        (Trouble.SAYS_ERROR, "CUDA out of memory|expected a text"),
    ],
)
async def test_broken_server_fails_the_utterance_with_the_reason(
    server: Server, trouble: Trouble, reason: str
) -> None:
    async with ears(server, RemoteSpeech(patience=PATIENT)) as remote:
        server.trouble = trouble
        with pytest.raises(RecognitionFailed, match=f"127.0.0.1:{server.port}.*({reason})"):
            await hears(remote)
        server.trouble = Trouble.NONE
        assert (await hears(remote)).text == "where is my order"


@pytest.mark.parametrize(
    "trouble", [Trouble.CLOSES, Trouble.GARBAGE, Trouble.NO_SOUND, Trouble.SAYS_ERROR]
)
async def test_broken_server_fails_the_text_with_a_reason(server: Server, trouble: Trouble) -> None:
    async with mouth(server, RemoteSpeech(patience=PATIENT)) as remote:
        server.trouble = trouble
        if isinstance(server, FakeSpeechApi) and trouble is Trouble.SAYS_ERROR:
            server.status = 500
        with pytest.raises(SynthesisFailed, match=f"127.0.0.1:{server.port}"):
            await says(remote)
        server.trouble = Trouble.NONE
        if isinstance(server, FakeSpeechApi):
            server.status = 200
        assert await says(remote)


async def test_server_that_hangs_is_given_up(server: Server) -> None:
    server.trouble = Trouble.HANGS
    options = RemoteSpeech(patience=IMPATIENT)
    if isinstance(server, FakeWyoming):
        # It does not even say what it can: that alone takes its time at the start.
        server.trouble = Trouble.NONE
    async with ears(server, options) as remote, mouth(server, options) as voice:
        server.trouble = Trouble.HANGS
        with pytest.raises(RecognitionFailed, match=r"no text within|in time"):
            await hears(remote)
        with pytest.raises(SynthesisFailed, match="in time"):
            await says(voice)
        server.trouble = Trouble.STALLS
        with pytest.raises(SynthesisFailed, match="in time"):
            await says(voice)
    await server.stop()
    assert not server.open


async def test_server_that_is_away_does_not_stop_the_start(
    server: Server,
) -> None:
    await server.stop()
    options = RemoteSpeech(patience=PATIENT)
    async with ears(server, options) as remote, mouth(server, options) as voice:
        with pytest.raises(RecognitionFailed, match=r"127\.0\.0\.1"):
            await hears(remote)
        with pytest.raises(SynthesisFailed, match=r"127\.0\.0\.1"):
            await says(voice)
        await server.start()
        assert (await hears(remote)).text == "where is my order"
        assert await says(voice)


async def test_failure_is_known_before_the_end_of_the_utterance(
    wyoming_server: FakeWyoming,
) -> None:
    wyoming_server.trouble = Trouble.CLOSES
    async with ears(wyoming_server, RemoteSpeech(patience=PATIENT)) as remote:
        assert isinstance(remote, WyomingTranscriber)
        recognition = remote.open(Expectation())
        recognition.feed(SPEECH)
        async with asyncio.timeout(10):
            while recognition.failure is None:
                await asyncio.sleep(0.01)


async def test_fifty_utterances_left_half_way_leave_nothing_behind(
    server: Server,
) -> None:
    async with ears(server, RemoteSpeech(patience=PATIENT)) as remote:
        before = len(asyncio.all_tasks()) - server.open
        for _ in range(50):
            recognition = remote.open(Expectation())
            recognition.feed(SPEECH)
            await asyncio.sleep(0)
            recognition.cancel()
        await all_closed(server)
        assert len(asyncio.all_tasks()) <= before


async def test_installation_goes_on_with_its_own_engines_when_the_servers_go(
    tmp_path: Path, wyoming_server: FakeWyoming, api: FakeSpeechApi
) -> None:
    remote = RemoteSpeech(
        hears=parse_server(wyoming_server.url), speaks=parse_server(api.url), patience=PATIENT
    )
    wyoming_server.text = "heard by the server"
    corpus = Corpus(("where is my order", "i want to speak to a person"))
    engines = choose_engines("offline", tmp_path, corpus, remote)
    assert engines.names == (
        f"wyoming at 127.0.0.1:{wyoming_server.port}, else {TwiceTranscriber.name}",
        f"speech API at 127.0.0.1:{api.port}, else espeak-ng",
    )
    await engines.start()
    try:
        utterance = next(item for item in load() if item.id == "where-is-my-order")
        pcm = resampled(utterance.pcm() + bytes(4800), 8000, engines.transcriber.sample_rate)
        assert (await hears(engines.transcriber, pcm)).text == "heard by the server"
        first = await says(engines.voice)
        await wyoming_server.stop()
        await api.stop()
        heard = await hears(engines.transcriber, pcm)
        assert (heard.text, heard.heard_by) == ("where is my order", TwiceTranscriber.name)
        assert f"127.0.0.1:{wyoming_server.port}" in heard.instead_of
        assert await says(engines.voice) not in (first, b"")
    finally:
        await engines.stop()


async def test_server_made_with_the_protocols_own_library_understands_us() -> None:
    heard: list[wyoming.event.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await wyoming.event.async_read_event(reader)) is not None:
            heard.append(event)
            if event.type == "audio-stop":
                said = wyoming.asr.Transcript(text="yes, Rīga", language="lv")
                await wyoming.event.async_write_event(said.event(), writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = RemoteSpeech(patience=PATIENT)
    remote = WyomingTranscriber(parse_server(f"wyoming://127.0.0.1:{port}"), options)
    got = await hears(remote, expect=Expectation("choice", ("Rīga",), "lv"))
    server.close()
    assert got.text == "yes, Rīga"
    assert wyoming.asr.Transcribe.is_type(heard[0].type)
    asked = wyoming.asr.Transcribe.from_event(heard[0])
    assert (asked.language, asked.transcript_terms) == ("lv", ["Rīga"])
    assert b"".join(event.payload or b"" for event in heard) == SPEECH
