"""Speech by an OpenAI-compatible audio API, as speaches, LocalAI or a hosted one offer.

1. One HTTP client per process keeps its connections; all calls share it.
2. ``POST /audio/transcriptions`` gets a whole WAV at the end of the turn: the API takes
   nothing before. Servers that can tell how sure they are (``verbose_json``) are asked to;
   one that refuses that is asked for the text alone from then on.
3. ``POST /audio/speech`` is read as it comes; WAV says its own rate.
4. The key is in no log and no message, and goes unencrypted to this machine only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import httpx

from bots.engines.remote import HINTS, UNKNOWN_CONFIDENCE, RemoteSpeech, Server
from bots.engines.remote_sound import (
    HEARD_RATE,
    SPOKEN_RATE,
    Evened,
    SoundBroken,
    WavReader,
    wav_of,
)
from bots.engines.whole import WholeUtterance
from bots.errors import LanguageNotSpoken, RecognitionFailed, SynthesisFailed
from bots.ports import Expectation, Hypothesis
from router.errors import PeerError

HEARS = "whisper-1"
SPEAKS = "tts-1"
VOICE = "alloy"
USUAL_PACE = 1.0
MOST_CONNECTIONS = 64
TRIES = 2
"""A kept connection may be closed by the server just as it is used again."""
_ODD = frozenset({400, 415, 422})
"""How servers refuse a response format that they do not have."""
_BUSY = frozenset({429, 503})

log = logging.getLogger(__name__)


class ApiRefused(PeerError):
    """The speech server answered with an error; its status says which."""


class SpeechApi:
    """The connections to one server, from ``start`` to ``stop``."""

    def __init__(self, server: Server, options: RemoteSpeech) -> None:
        self.server = server
        self.options = options
        self.name = f"speech API at {server}"
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Safe to call twice. Nothing is sent yet."""
        if self._client is None:
            patience = self.options.patience
            key = self.options.key
            self._client = httpx.AsyncClient(
                base_url=f"{self.server.url}/",
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=httpx.Timeout(patience.first_s, connect=patience.connect_s),
                limits=httpx.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=30),
            )

    async def stop(self) -> None:
        """Close the connections. Safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    @property
    def client(self) -> httpx.AsyncClient:
        """Raises ``ApiRefused`` before ``start``."""
        if self._client is None:
            raise ApiRefused("the client is stopped, or start() was not awaited")
        return self._client


def _check(answer: httpx.Response, body: str) -> None:
    """Raises ``ApiRefused`` with the reason, which never holds the key."""
    status = answer.status_code
    if status in (401, 403):
        raise ApiRefused(f"{status}: the server refuses the key; see PARLEY_SPEECH_REMOTE_KEY")
    if status in _BUSY:
        raise ApiRefused(f"{status}: the server is overloaded")
    if status != httpx.codes.OK:
        raise ApiRefused(f"{status}: {' '.join(body.split())[:120]}")


def _why(error: BaseException) -> str:
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


class ApiTranscriber:
    """Speech to text. Implements ``bots.ports.Transcriber``; start it first."""

    sample_rate = HEARD_RATE

    def __init__(self, server: Server, options: RemoteSpeech) -> None:
        self._api = SpeechApi(server, options)
        self.name = self._api.name
        self._verbose = True

    async def start(self) -> None:
        """Nothing is asked yet: a server that is away does not stop the start."""
        await self._api.start()

    async def stop(self) -> None:
        """Close the connections. Safe to call twice."""
        await self._api.stop()

    def prepare(self, expect: Expectation) -> None:
        """Nothing to prepare: the phrases go along with each utterance."""

    def open(self, expect: Expectation) -> WholeUtterance:
        """Begin an utterance."""
        return WholeUtterance(partial(self.transcribe, expect=expect))

    async def transcribe(self, pcm: bytes, expect: Expectation) -> Hypothesis:
        """The text of a whole utterance, s16le at 16 kHz. Raises ``RecognitionFailed``."""
        try:
            async with asyncio.timeout(self._api.options.patience.first_s):
                return _hypothesis(await self._ask(wav_of(pcm, HEARD_RATE), expect))
        except (httpx.HTTPError, OSError, PeerError) as error:
            raise RecognitionFailed(f"{self.name}: {_why(error)}") from None

    async def _ask(self, wav: bytes, expect: Expectation) -> dict[str, Any]:
        answer = await self._post(wav, expect)
        if self._verbose and answer.status_code in _ODD:
            plain = await self._post(wav, expect, verbose=False)
            if plain.status_code == httpx.codes.OK:
                self._verbose = False
                log.info("%s does not say how sure it is", self.name)
            answer = plain
        _check(answer, answer.text)
        try:
            said = answer.json()
        except ValueError:
            raise ApiRefused(f"expected JSON, got {answer.text[:40]!r}") from None
        if not isinstance(said, dict) or not isinstance(said.get("text"), str):
            raise ApiRefused(f"expected a text in the answer, got {answer.text[:80]!r}")
        return said

    async def _post(
        self, wav: bytes, expect: Expectation, *, verbose: bool = True
    ) -> httpx.Response:
        form = {
            "model": self._api.options.model or HEARS,
            "language": expect.language,
            "response_format": "verbose_json" if verbose and self._verbose else "json",
        }
        if hints := expect.phrases[:HINTS]:
            form["prompt"] = ", ".join(hints)
        file = {"file": ("speech.wav", wav, "audio/wav")}
        for _ in range(TRIES - 1):
            with contextlib.suppress(httpx.RemoteProtocolError):
                return await self._api.client.post("audio/transcriptions", data=form, files=file)
        return await self._api.client.post("audio/transcriptions", data=form, files=file)


def _hypothesis(said: dict[str, Any]) -> Hypothesis:
    text = said["text"].strip()
    if not text:
        return Hypothesis("", 0.0)
    parts = said.get("segments")
    listed = parts if isinstance(parts, list) else []
    logs = [part.get("avg_logprob") for part in listed if isinstance(part, dict)]
    sure = [value for value in logs if isinstance(value, int | float)]
    if not sure:
        return Hypothesis(text, UNKNOWN_CONFIDENCE)
    return Hypothesis(text, round(min(1.0, math.exp(min(0.0, sum(sure) / len(sure)))), 3))


class ApiVoice:
    """Text to speech. Implements ``bots.ports.Voice``; start it first."""

    sample_rate = SPOKEN_RATE

    def __init__(self, server: Server, options: RemoteSpeech) -> None:
        self._api = SpeechApi(server, options)
        self.name = self._api.name

    async def start(self) -> None:
        """Nothing is asked yet: a server that is away does not stop the start."""
        await self._api.start()

    async def stop(self) -> None:
        """Close the connections. Safe to call twice."""
        await self._api.stop()

    def speak(self, text: str, language: str) -> AsyncGenerator[bytes, None]:
        """PCM at ``sample_rate`` as it comes. Raises ``SynthesisFailed``."""
        return self.speak_at(text, language, USUAL_PACE)

    async def speak_at(self, text: str, language: str, pace: float) -> AsyncGenerator[bytes, None]:
        """The same at another pace."""
        options = self._api.options
        if options.voices and language not in options.voices:
            raise LanguageNotSpoken(f"{self.name} has no voice named for {language!r}")
        wish: dict[str, str | float] = {
            "model": options.voice_model or SPEAKS,
            "input": text,
            "voice": options.voices.get(language, VOICE),
            "response_format": "wav",
        }
        if pace != USUAL_PACE:
            wish["speed"] = pace
        try:
            async with contextlib.aclosing(self._sound(wish)) as pieces:
                async for pcm in pieces:
                    yield pcm
        except (httpx.HTTPError, OSError, PeerError) as error:
            raise SynthesisFailed(f"{self.name}: {_why(error)}") from None

    async def _sound(self, wish: dict[str, str | float]) -> AsyncGenerator[bytes, None]:
        now = asyncio.get_running_loop().time
        deadline = now() + self._api.options.patience.whole_s
        any_sound = False
        async with self._api.client.stream("POST", "audio/speech", json=wish) as answer:
            if answer.status_code != httpx.codes.OK:
                async with asyncio.timeout(self._api.options.patience.first_s):
                    _check(answer, (await answer.aread()).decode(errors="replace"))
            reader = _reader(answer.headers.get("content-type", ""))
            async for received in answer.aiter_bytes():
                if pcm := reader.feed(received):
                    any_sound = True
                    yield pcm
                if now() > deadline:
                    raise TimeoutError
        if rest := reader.end():
            yield rest
        elif not any_sound:
            raise SoundBroken("the server ended without any sound")


def _reader(content_type: str) -> WavReader | Evened:
    """For WAV, or the bare samples (24 kHz) of servers that know nothing else."""
    kind = content_type.partition(";")[0].strip().lower()
    return Evened(SPOKEN_RATE) if kind in ("audio/pcm", "audio/l16") else WavReader()
