"""What the bot says on a call: cut into sentences, cached as audio, played, remembered.

1. Each sentence is made while the one before it plays; the first one goes out at once.
2. Audio is cached by voice, language, text, rate and pace, so frequent prompts cost nothing;
   what another voice had to say is made again, so that the usual one comes back.
3. What the caller heard is what the leg says was played, to the word by proportion;
   a sentence that was cut off is believed only as far as it was heard.
4. A saying that was stopped can go on where it stopped.
5. The voice gets the words as people say them (``bots.spoken``); what is told to have been
   heard is as it was written.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import soxr

from bots.detect import FRAME_MS, QUIETEST_DB, levels_db
from bots.errors import SynthesisFailed
from bots.ports import AudioLeg, PacedVoice, Playback, Stopgap, Voice
from bots.spoken.aligned import Pieces, heard, sentences, spoken_of
from bots.spoken.reading import aligned

CACHE_BYTES = 64 * 1024 * 1024
CACHED_TEXT_CHARS = 300
"""Longer texts are said once: an answer full of somebody's data is no frequent prompt."""
BACK_UP_MS = 200
"""After a false alarm the saying starts again this much before where it stopped."""

NORMAL_PACE = 1.0

log = logging.getLogger(__name__)

_Key = tuple[str, str, int, float]
"""Language, text, sample rate and pace."""


def resampled(pcm: bytes, rate: int, wanted: int) -> bytes:
    """s16le PCM at another rate."""
    if rate == wanted or not pcm:
        return pcm
    samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2")
    out: bytes = soxr.resample(samples, rate, wanted, quality="HQ").astype("<i2").tobytes()
    return out


class Prompts:
    """Turns sentences into audio once, for all calls of the process (rule 2)."""

    def __init__(self, voice: Voice, cache_bytes: int = CACHE_BYTES) -> None:
        self.voice = voice
        self._limit = cache_bytes
        self._size = 0
        self._cache: OrderedDict[_Key, bytes] = OrderedDict()
        self._making: dict[_Key, asyncio.Task[bytes]] = {}

    async def audio(self, text: str, language: str, rate: int, pace: float = NORMAL_PACE) -> bytes:
        """PCM s16le at ``rate``; a ``pace`` below 1 is slower. Raises ``SynthesisFailed``."""
        key = (language, text, rate, pace)
        if (kept := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return kept
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key), name="synthesis")
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        # One caller who leaves must not take the audio away from another.
        return await asyncio.shield(task)

    async def warm(self, texts: Sequence[str], language: str, rate: int) -> None:
        """Make frequent prompts before the first call needs them."""
        for text in texts:
            for sentence in sentences(aligned(text, language)):
                await self.audio(spoken_of(sentence), language, rate)

    async def _make(self, key: _Key) -> bytes:
        language, text, rate, pace = key
        speech = self._speak(text, language, pace)
        pcm = resampled(b"".join([piece async for piece in speech]), self.voice.sample_rate, rate)
        substituted = isinstance(speech, Stopgap) and speech.substituted
        if len(text) <= CACHED_TEXT_CHARS and not substituted:
            self._cache[key] = pcm
            self._size += len(pcm)
            while self._size > self._limit:
                _, old = self._cache.popitem(last=False)
                self._size -= len(old)
        return pcm

    def _speak(self, text: str, language: str, pace: float) -> AsyncIterator[bytes]:
        if pace != NORMAL_PACE and isinstance(self.voice, PacedVoice):
            return self.voice.speak_at(text, language, pace)
        return self.voice.speak(text, language)


@dataclass(slots=True)
class _Piece:
    """One sentence on its way. ``before_ms`` was heard before a stop and is not said again,
    ``reached_ms`` is how far it had come then (rule 4 says a little of it twice).
    """

    words: Pieces
    line: int
    pcm: bytes = b""
    levels: list[float] = field(default_factory=list)
    total_ms: int = 0
    before_ms: int = 0
    reached_ms: int = 0
    playback: Playback | None = None

    @property
    def text(self) -> str:
        """As the voice gets it."""
        return spoken_of(self.words)

    @property
    def heard_ms(self) -> int:
        playing = self.playback.played_ms if self.playback is not None else 0
        return min(self.total_ms, self.before_ms + playing)


class Saying:
    """Some lines being said on a leg."""

    def __init__(
        self,
        leg: AudioLeg,
        prompts: Prompts,
        lines: Sequence[str],
        language: str,
        now: Callable[[], float],
        pace: float = NORMAL_PACE,
    ) -> None:
        self._leg = leg
        self._prompts = prompts
        self._language = language
        self._pace = pace
        self._now = now
        self._pieces = [
            _Piece(sentence, number)
            for number, line in enumerate(lines)
            for sentence in sentences(aligned(line, language))
        ]
        self._lines = list(lines)
        self._stopped = False
        self.failed = False
        """True when the voice could not make some of it."""
        self.first_audio_at: float | None = None
        """When the first audio went out on the wire."""

    async def play(self) -> bool:
        """Say it, or what is left of it; True when it was heard to its end."""
        self._stopped = False
        left = [piece for piece in self._pieces if not self._done(piece)]
        making = self._fetch(left[0]) if left else None
        for number, piece in enumerate(left):
            assert making is not None
            await making
            following = left[number + 1] if number + 1 < len(left) else None
            if self._stopped:
                break
            self._queue(piece)
            making = self._fetch(following) if following is not None else None
        return await self._finished()

    def stop(self) -> None:
        """Fall silent within a frame; ``play`` returns False."""
        self._stopped = True
        self._leg.flush()

    def note_progress(self) -> None:
        """Call once per frame: catches the moment of the first audio."""
        if self.first_audio_at is None:
            played = sum(piece.heard_ms for piece in self._pieces)
            if played:
                self.first_audio_at = self._now() - played / 1000

    @property
    def begun(self) -> bool:
        """True once some of it is on its way to the wire."""
        return any(piece.playback is not None for piece in self._pieces)

    @property
    def stopped(self) -> bool:
        """True while it is stopped before its end."""
        return self._stopped

    @property
    def level_db(self) -> float:
        """How loud we are on the wire now, for telling our echo from the caller."""
        for piece in self._pieces:
            if piece.playback is not None and 0 < piece.heard_ms < piece.total_ms:
                place = piece.heard_ms // FRAME_MS
                return piece.levels[place] if place < len(piece.levels) else QUIETEST_DB
        return QUIETEST_DB

    def heard(self) -> list[str]:
        """Per line, the words that the caller heard; empty for none (rule 3)."""
        return [self._heard_of(number, line) for number, line in enumerate(self._lines)]

    def _heard_of(self, number: int, line: str) -> str:
        mine = [piece for piece in self._pieces if piece.line == number]
        if all(self._done(piece) for piece in mine):
            return line
        parts = [
            heard(piece.words, max(piece.heard_ms, piece.reached_ms), piece.total_ms)
            for piece in mine
        ]
        return ("" if self._language == "zh" else " ").join(part for part in parts if part)

    def _fetch(self, piece: _Piece) -> asyncio.Task[None]:
        return asyncio.create_task(self._make(piece), name="saying")

    async def _make(self, piece: _Piece) -> None:
        if piece.pcm:
            return
        rate = self._leg.sample_rate
        try:
            piece.pcm = await self._prompts.audio(piece.text, self._language, rate, self._pace)
        except SynthesisFailed as error:
            log.warning("could not say %r: %s", piece.text, error)
            self.failed = True
        piece.total_ms = len(piece.pcm) * 1000 // (2 * rate)
        piece.levels = levels_db(piece.pcm, rate)

    def _queue(self, piece: _Piece) -> None:
        piece.reached_ms = max(piece.reached_ms, piece.heard_ms)
        start_ms = max(0, piece.heard_ms - BACK_UP_MS) if piece.heard_ms else 0
        piece.before_ms = start_ms
        start = start_ms * self._leg.sample_rate // 1000 * 2
        piece.playback = self._leg.play(piece.pcm[start:]) if piece.pcm else None

    async def _finished(self) -> bool:
        for piece in self._pieces:
            if piece.playback is not None:
                await piece.playback.done()
                if piece.playback.cleared:
                    return False
        return not self._stopped

    @staticmethod
    def _done(piece: _Piece) -> bool:
        played = piece.playback is not None and not piece.playback.cleared
        return played and piece.heard_ms >= piece.total_ms
