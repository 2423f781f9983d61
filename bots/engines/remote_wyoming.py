"""Speech by a Wyoming server, as wyoming-faster-whisper and wyoming-piper are.

1. An utterance has a connection of its own, opened while the caller speaks: the protocol
   does not number its requests, and servers close it after each transcript.
2. A connection that spoke a text to its end is kept for the next one.
3. There is no message to cancel: the connection is closed.
4. The protocol has no key and no encryption: a trusted network, or a tunnel.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

from bots.engines.endings import Endings, plain, words_of
from bots.engines.remote import (
    HINTS,
    UNKNOWN_CONFIDENCE,
    Patience,
    RemoteSpeech,
    Server,
    short_language,
)
from bots.engines.remote_sound import HEARD_RATE, SPOKEN_RATE, Evened, SoundBroken
from bots.engines.remote_wire import WyomingBroken, WyomingEvent, WyomingParser, pack
from bots.errors import LanguageNotHeard, LanguageNotSpoken, RecognitionFailed, SynthesisFailed
from bots.ports import Expectation, Hypothesis, Partial
from router.errors import PeerError

WIDTH = 2
"""Bytes of a sample."""
FEED_BYTES = 3 * 640
"""Audio goes to the server in pieces of 60 ms."""
MOST_IDLE = 8
"""Connections kept for the next text."""
READ_BYTES = 64 * 1024
DESCRIBE_S = 5.0

log = logging.getLogger(__name__)


class WyomingClosed(PeerError):
    """The speech server closed the connection before it had answered."""


class Link:
    """One connection. Sending does not block; receiving waits for a whole event."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._parser = WyomingParser()
        self._events: deque[WyomingEvent] = deque()

    @classmethod
    async def open(cls, server: Server, patience: Patience) -> Link:
        """Connect. Raises ``OSError``; ``TimeoutError`` is one."""
        async with asyncio.timeout(patience.connect_s):
            return cls(*await asyncio.open_connection(server.host, server.port))

    def send(self, kind: str, data: dict[str, Any] | None = None, payload: bytes = b"") -> None:
        """What the network does not take yet is kept; nothing after ``close``."""
        if not self._writer.is_closing():
            self._writer.write(pack(WyomingEvent(kind, data or {}, payload)))

    async def receive(self) -> WyomingEvent:
        """The next event. Raises ``WyomingBroken`` and ``WyomingClosed``."""
        while not self._events:
            try:
                received = await self._reader.read(READ_BYTES)
            except OSError:
                raise WyomingClosed from None
            if not received:
                raise WyomingClosed
            self._events.extend(self._parser.feed(received))
        return self._events.popleft()

    @property
    def usable(self) -> bool:
        """Whether the server still listens and owes us nothing, as far as is known."""
        return not (self._events or self._reader.at_eof() or self._writer.is_closing())

    def close(self) -> None:
        """At once; what is not sent is dropped. Safe to call twice."""
        self._writer.transport.abort()


async def _described(server: Server, patience: Patience, domain: str) -> list[dict[str, Any]]:
    """The models (``asr``) or voices (``tts``) that the server says it has.

    None of them when it is away: that is no reason not to start.
    """
    try:
        async with asyncio.timeout(DESCRIBE_S):
            info = await _info(server, patience)
    except (OSError, PeerError) as error:
        log.warning("speech server %s: %s; going on without it", server, _why(error))
        return []
    programs = _listed(info.data.get(domain))
    if not programs:
        log.error("speech server %s offers no %s at all", server, domain)
    parts = [part for each in programs for part in _listed(each.get(_PARTS[domain]))]
    # Others are fetched when they are first asked for: no caller waits for that.
    return [part for part in parts if part.get("installed", True)]


async def _info(server: Server, patience: Patience) -> WyomingEvent:
    link = await Link.open(server, patience)
    with contextlib.closing(link):
        link.send("describe")
        while (event := await link.receive()).type != "info":
            pass
        return event


_PARTS = {"asr": "models", "tts": "voices"}


def _listed(value: Any, kind: type = dict) -> list[Any]:
    """The items of the right kind in what should be a list."""
    return [item for item in value if isinstance(item, kind)] if isinstance(value, list) else []


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error)


class WyomingTranscriber:
    """Speech to text. Implements ``bots.ports.Transcriber``."""

    sample_rate = HEARD_RATE

    def __init__(
        self, server: Server, options: RemoteSpeech, endings: Endings | None = None
    ) -> None:
        """``endings`` tell where a sentence may end, for servers that stream their text."""
        self.server = server
        self.options = options
        self.endings = endings or Endings()
        self.name = f"wyoming at {server}"
        self._languages: frozenset[str] = frozenset()
        """Two letters each; empty for not known, then it is asked in any."""

    async def start(self) -> None:
        """Ask the server what it can; one that is away only makes a log line."""
        models = await _described(self.server, self.options.patience, "asr")
        codes = [code for model in models for code in _listed(model.get("languages"), str)]
        self._languages = frozenset(short_language(code) for code in codes)

    async def stop(self) -> None:
        """Nothing is kept between utterances."""

    def prepare(self, expect: Expectation) -> None:
        """Nothing to prepare: the phrases go along with each utterance."""

    def open(self, expect: Expectation) -> WyomingRecognition:
        """Begin an utterance. Raises ``LanguageNotHeard``."""
        if self._languages and expect.language not in self._languages:
            raise LanguageNotHeard(f"{self.name} does not hear {expect.language!r}")
        return WyomingRecognition(self, expect)


class WyomingRecognition:
    """One utterance. Implements ``bots.ports.Recognition``."""

    def __init__(self, owner: WyomingTranscriber, expect: Expectation) -> None:
        self._owner = owner
        self._expect = expect
        self._buffer = bytearray()
        self._waiting: list[bytes] = []
        """Audio for a connection that is not there yet."""
        self._link: Link | None = None
        self._ended = False
        self._partial = ""
        loop = asyncio.get_running_loop()
        self._result: asyncio.Future[Hypothesis] = loop.create_future()
        self._talking = loop.create_task(self._talk(), name="wyoming-utterance")

    @property
    def failure(self) -> RecognitionFailed | None:
        """Why it cannot succeed any more; None while it can."""
        if not self._result.done() or self._result.cancelled():
            return None
        error = self._result.exception()
        return error if isinstance(error, RecognitionFailed) else None

    def feed(self, pcm: bytes) -> None:
        """s16le at 16 kHz."""
        self._buffer += pcm
        if len(self._buffer) >= FEED_BYTES:
            self._send_audio()

    def partial(self) -> Partial:
        """The text so far as a flow's phrases are written, of servers that stream it."""
        text = self._partial
        return Partial(plain(text), self._owner.endings.likely(words_of(text)))

    async def finish(self) -> Hypothesis:
        """The final text; empty after ``cancel``. Raises ``RecognitionFailed``."""
        patience = self._owner.options.patience
        self._send_audio()
        self._end()
        try:
            async with asyncio.timeout(patience.first_s):
                return await asyncio.shield(self._result)
        except TimeoutError:
            reason = f"no text within {patience.first_s:g} s"
            raise RecognitionFailed(f"{self._owner.name}: {reason}") from None
        finally:
            self._leave()

    def cancel(self) -> None:
        """Drop it; the server sees the connection close. Safe to call twice."""
        if not self._result.done():
            self._result.set_result(Hypothesis("", 0.0))
        self._leave()

    def _leave(self) -> None:
        self._ended = True
        self._talking.cancel()
        if self._link is not None:
            self._link.close()

    def _send_audio(self) -> None:
        if self._buffer and not self._ended:
            self._send_piece(bytes(self._buffer))
        self._buffer.clear()

    def _send_piece(self, pcm: bytes) -> None:
        if self._link is None:
            self._waiting.append(pcm)
        else:
            self._link.send("audio-chunk", _FORMAT, pcm)

    def _end(self) -> None:
        self._ended = True
        if self._link is not None:
            self._link.send("audio-stop")

    async def _talk(self) -> None:
        """Connect, say what is wanted, send what waited, and listen until the transcript."""
        try:
            text = await self._transcript()
        except (OSError, PeerError) as error:
            self._settle(RecognitionFailed(f"{self._owner.name}: {_why(error)}"))
        else:
            self._settle(Hypothesis(text, UNKNOWN_CONFIDENCE if text else 0.0))

    def _settle(self, result: Hypothesis | RecognitionFailed) -> None:
        if self._result.done():
            return
        if isinstance(result, Hypothesis):
            self._result.set_result(result)
        else:
            self._result.set_exception(result)
            # Nobody may be waiting yet; the failure is kept for ``finish``.
            self._result.exception()

    async def _transcript(self) -> str:
        link = await Link.open(self._owner.server, self._owner.options.patience)
        with contextlib.closing(link):
            link.send("transcribe", self._wish())
            link.send("audio-start", _FORMAT)
            for pcm in self._waiting:
                link.send("audio-chunk", _FORMAT, pcm)
            self._waiting.clear()
            self._link = link
            if self._ended:
                link.send("audio-stop")
            while True:
                event = await link.receive()
                if event.type == "transcript":
                    return event.text("text").strip()
                self._note(event)

    def _note(self, event: WyomingEvent) -> None:
        if event.type == "transcript-chunk":
            self._partial += event.text("text")
        elif event.type == "error":
            raise WyomingBroken(f"the server says: {event.text('text')[:200]}")

    def _wish(self) -> dict[str, Any]:
        wish: dict[str, Any] = {"language": self._expect.language}
        if self._owner.options.model:
            wish["name"] = self._owner.options.model
        if hints := self._expect.phrases[:HINTS]:
            wish["transcript_terms"] = list(hints)
        return wish


_FORMAT = {"rate": HEARD_RATE, "width": WIDTH, "channels": 1}


class WyomingVoice:
    """Text to speech. Implements ``bots.ports.Voice``.

    Only in the languages whose voice is named: wyoming-piper speaks a text without one in its
    default voice, whatever language was asked for.
    """

    sample_rate = SPOKEN_RATE

    def __init__(self, server: Server, options: RemoteSpeech) -> None:
        self._server = server
        self._options = options
        self.name = f"wyoming at {server}"
        self._idle: list[Link] = []

    async def start(self) -> None:
        """Look for its voices; one that is missing, or away, only makes a log line."""
        voices = await _described(self._server, self._options.patience, "tts")
        names = {voice.get("name") for voice in voices}
        missing = sorted(set(self._options.voices.values()) - names) if names else []
        if missing:
            log.error("speech server %s has no voice %s", self._server, ", ".join(missing))

    async def stop(self) -> None:
        """Close what is kept. Safe to call twice."""
        while self._idle:
            self._idle.pop().close()

    async def speak(self, text: str, language: str) -> AsyncGenerator[bytes, None]:
        """PCM at ``sample_rate`` as it comes. Raises ``SynthesisFailed``."""
        voice = self._options.voices.get(language)
        if voice is None:
            raise LanguageNotSpoken(f"{self.name} has no voice named for {language!r}")
        link: Link | None = None
        try:
            link, first = await self._ask({"text": text, "voice": {"name": voice}})
            async with contextlib.aclosing(self._sound(link, first)) as pieces:
                async for pcm in pieces:
                    yield pcm
            self._keep(link)
            link = None
        except (OSError, PeerError) as error:
            raise SynthesisFailed(f"{self.name}: {_why(error)}") from None
        finally:
            if link is not None:
                link.close()

    async def _ask(self, wish: dict[str, Any]) -> tuple[Link, WyomingEvent]:
        """A connection and the first event of the answer; a kept one may have died."""
        while self._idle:
            link = self._idle.pop()
            if link.usable:
                with contextlib.suppress(WyomingClosed):
                    return link, await self._first(link, wish)
            link.close()
        link = await Link.open(self._server, self._options.patience)
        return link, await self._first(link, wish)

    async def _first(self, link: Link, wish: dict[str, Any]) -> WyomingEvent:
        link.send("synthesize", wish)
        try:
            return await self._next(link)
        except BaseException:
            link.close()
            raise

    async def _next(self, link: Link) -> WyomingEvent:
        async with asyncio.timeout(self._options.patience.first_s):
            return await link.receive()

    async def _sound(self, link: Link, event: WyomingEvent) -> AsyncGenerator[bytes, None]:
        now = asyncio.get_running_loop().time
        deadline = now() + self._options.patience.whole_s
        sound: Evened | None = None
        while event.type != "audio-stop":
            if event.type == "error":
                raise WyomingBroken(f"the server says: {event.text('text')[:200]}")
            if event.type in ("audio-start", "audio-chunk") and sound is None:
                sound = _sound_of(event)
            if sound is not None and event.payload and (pcm := sound.feed(event.payload)):
                yield pcm
            if now() > deadline:
                raise TimeoutError
            event = await self._next(link)
        if sound is None:
            raise SoundBroken("the server ended without any sound")
        if rest := sound.end():
            yield rest

    def _keep(self, link: Link) -> None:
        if link.usable and len(self._idle) < MOST_IDLE:
            self._idle.append(link)
        else:
            link.close()


def _sound_of(event: WyomingEvent) -> Evened:
    if event.number("width") != WIDTH:
        raise SoundBroken(f"expected samples of {WIDTH} bytes, got {event.number('width')}")
    return Evened(event.number("rate"), event.number("channels"))
